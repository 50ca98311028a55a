//! `kestrel model fetch`: a published model into the cache.

use crate::Outcome;
use anyhow::Result;
use indicatif::{ProgressBar, ProgressStyle};
use kestrel_zoo::{Cache, fetch, find};

/// Downloads, or goes on with an interrupted download, and checks the hash.
pub(crate) fn run(name: &str) -> Result<Outcome> {
    let model = find(name)?;
    let cache = Cache::from_env()?;
    let template = "{bar:30} {bytes}/{total_bytes}, {bytes_per_sec}, {eta} left";
    let style =
        ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    let bar = ProgressBar::new((model.size_mib * f64::from(1 << 20)) as u64).with_style(style);
    let fetched = fetch(model, cache.folder(), &mut |progress| {
        if let Some(total) = progress.total {
            bar.set_length(total);
        }
        bar.set_position(progress.received);
    });
    bar.finish_and_clear();
    println!("{}: {}", model.name, fetched?.display());
    Ok(Outcome::Done)
}
