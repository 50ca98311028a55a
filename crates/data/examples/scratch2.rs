//! fuzz
#![allow(clippy::all)]
use kestrel_data::*;
fn main() {
    let mut s = 88172645463325252u64;
    let mut r = move || { s ^= s << 13; s ^= s >> 7; s ^= s << 17; s };
    let limits = DecodeLimits { max_pixels: 1 << 22, max_bytes: 1 << 25 };
    let (mut ok, mut bad, mut slow) = (0, 0, 0.0f64);
    let mut kinds = std::collections::BTreeMap::new();
    for a in std::env::args().skip(1) {
        let b = std::fs::read(&a).unwrap();
        let n = if b.len() > 100000 { 20 } else { 600 };
        for _ in 0..n {
            let mut c = b.clone();
            for _ in 0..1 + r() % 6 {
                let span = if r() % 2 == 0 { c.len() } else { c.len().min(400) };
                let at = r() as usize % span;
                c[at] = if r() % 3 == 0 { 0xff } else { r() as u8 };
            }
            if r() % 8 == 0 { let k = 1 + r() as usize % c.len(); c.truncate(k); }
            let t = std::time::Instant::now();
            match std::panic::catch_unwind(|| decode_bytes(&c, a.as_ref(), &limits)) {
                Err(_) => { std::fs::write(format!("/tmp/panic_{}", bad), &c).unwrap(); bad += 1; println!("PANIC {a}") }
                Ok(Ok(_)) => ok += 1,
                Ok(Err(e)) => { *kinds.entry(format!("{e:?}").split(' ').next().unwrap().to_owned()).or_insert(0) += 1; }
            }
            slow = slow.max(t.elapsed().as_secs_f64());
        }
    }
    println!("ok {ok} panics {bad} slowest {slow:.2}s {kinds:?}");
}
