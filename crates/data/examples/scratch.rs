//! scratch
use kestrel_data::*;
fn main() {
    std::fs::create_dir_all("/tmp/syn").unwrap();
    let config = MicrographConfig::default();
    for seed in 0..10 {
        let m = micrograph(&config, seed).unwrap();
        write_picture(std::path::Path::new(&format!("/tmp/syn/{seed}.png")), &m.image).unwrap();
        let rles: Vec<String> = m.nuclei.iter().map(|k| format!("{:?}", k.counts())).collect();
        std::fs::write(format!("/tmp/syn/{seed}.json"), format!("[{}]", rles.join(","))).unwrap();
    }
    for (t, f) in micrograph_sequence(&config, 1, 40).unwrap().enumerate() {
        write_picture(std::path::Path::new(&format!("/tmp/syn/seq{t:02}.png")), &f.image).unwrap();
        let rles: Vec<String> = f.nuclei.iter().map(|k| format!("{:?}", k.mask.counts())).collect();
        std::fs::write(format!("/tmp/syn/seq{t:02}.json"), format!("[{}]", rles.join(",")))
            .unwrap();
    }
}
