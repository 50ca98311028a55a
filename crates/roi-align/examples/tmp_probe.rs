#![allow(missing_docs, clippy::print_stdout, clippy::unwrap_used)]
use kestrel_core::{BBox, ImageSize};
use kestrel_roi_align::kernel::{self, MapShape};
use kestrel_roi_align::{Roi, RoiAlignConfig};
fn cpu() -> f64 {
    std::fs::read_to_string("/proc/thread-self/schedstat")
        .unwrap()
        .split(' ')
        .next()
        .unwrap()
        .parse::<f64>()
        .unwrap()
        / 1e6
}
const SHAPE: MapShape =
    MapShape { num_images: 1, size: ImageSize::new(200, 272), channels: 256, scale: 0.25 };
fn main() {
    let mut s = 1u64;
    let mut rnd = || {
        s = s.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        ((s >> 40) as f32) / (1u64 << 24) as f32
    };
    let rois: Vec<Roi> = (0..1000)
        .map(|_| {
            let (x, y, w, h) =
                (rnd() * 1000., rnd() * 700., 16. + rnd() * 484., 16. + rnd() * 484.);
            Roi { image: 0, bbox: BBox::new(x, y, (x + w).min(1088.), (y + h).min(800.)) }
        })
        .collect();
    let mut sorted = rois.clone();
    sorted.sort_by(|a, b| {
        (a.bbox.y1 as i32 / 64, a.bbox.x1 as i32).cmp(&(b.bbox.y1 as i32 / 64, b.bbox.x1 as i32))
    });
    let f: Vec<f32> = (0..SHAPE.len()).map(|_| rnd()).collect();
    let mut out = vec![0f32; 1000 * 49 * 256];
    let c = RoiAlignConfig::detector(7);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let mut best = [1e9f64; 6];
    for _ in 0..15 {
        let t = |best: &mut f64, w: &mut (dyn FnMut() + Send)| {
            let d = pool.install(|| {
                let s = cpu();
                w();
                cpu() - s
            });
            *best = best.min(d);
        };
        t(&mut best[0], &mut || kernel::forward(&f, &SHAPE, &rois, &c, &mut out).unwrap());
        t(&mut best[1], &mut || kernel::forward(&f, &SHAPE, &sorted, &c, &mut out).unwrap());
        t(&mut best[2], &mut || {
            let mut o: Vec<f32> = Vec::with_capacity(1000 * 49 * 256);
            o.resize(1000 * 49 * 256, 1.0);
            std::hint::black_box(&o);
        });
        t(&mut best[3], &mut || out.fill(1.0));
        let mut g = Vec::new();
        t(&mut best[4], &mut || {
            g = vec![0f32; SHAPE.len()];
            g.iter_mut().step_by(1024).for_each(|v| *v = 0.0)
        });
        t(&mut best[5], &mut || {
            kernel::backward(&out[..512 * 49 * 256], &SHAPE, &rois[..512], &c, &mut g).unwrap()
        });
    }
    println!(
        "fwd random {:.1} sorted {:.1} | alloc+fill {:.1} fill {:.1} | alloc grad {:.1} backward {:.1}",
        best[0], best[1], best[2], best[3], best[4], best[5]
    );
}
