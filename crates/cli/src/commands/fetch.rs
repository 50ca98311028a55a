//! `kestrel model fetch`: a published model into the cache.

use crate::model_source::{BuiltIn, published};
use crate::{Outcome, console, progress};
use anyhow::Result;
use kestrel_zoo::{Cache, fetch};

/// Downloads, or goes on with an interrupted download, and checks the hash.
pub(crate) fn run(name: &str) -> Result<Outcome> {
    if let Some(model) = BuiltIn::find(name) {
        console::print(format_args!("{}: built in, nothing to fetch", model.name))?;
        return Ok(Outcome::Done);
    }
    let model = published(name)?;
    let cache = Cache::from_env()?;
    let template = "{bar:30} {bytes}/{total_bytes}, {bytes_per_sec}, {eta} left";
    let bar = progress::bar((model.size_mib * f64::from(1 << 20)) as u64, template);
    let fetched = fetch(model, cache.folder(), &mut |progress| {
        if let Some(total) = progress.total {
            bar.set_length(total);
        }
        bar.set_position(progress.received);
    });
    bar.finish_and_clear();
    console::print(format_args!("{}: {}", model.name, fetched?.display()))?;
    Ok(Outcome::Done)
}
