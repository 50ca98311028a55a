//! The program `kestrel`.

fn main() {}
