//! `kestrel data split`: one data set becomes several.

use crate::Outcome;
use crate::console::{self, counted};
use crate::dataset::mention_findings;
use crate::place::make_folder;
use anyhow::{Result, bail};
use kestrel_args::{Part, SplitArgs};
use kestrel_data::{Dataset, SplitConfig, SplitFraction, split_dataset, write_coco};

/// Divides all images of the data set, whatever splits they were in, and writes a COCO json a part.
pub(crate) fn run(arguments: &SplitArgs) -> Result<Outcome> {
    let collection = super::open(&arguments.data)?;
    mention_findings(&arguments.data.data, &collection.splits);
    let num_objects: usize =
        collection.splits.iter().map(|split| split.dataset.num_objects()).sum();
    let whole = Dataset::joined(collection.splits.into_iter().map(|split| split.dataset));
    let fraction = |part: &Part| SplitFraction { name: part.name.clone(), share: part.share };
    let config = SplitConfig {
        fractions: arguments.parts.iter().map(fraction).collect(),
        group: arguments.group.clone(),
        seed: arguments.seed,
    };
    let parts = split_dataset(&whole, &config)?;
    mention_ungrouped(&config, &whole)?;
    let num_left_out = num_objects - whole.num_objects();
    if num_left_out > 0 {
        let objects = counted(num_left_out, "object");
        console::note(format_args!("warning: {objects} of undeclared classes left out"));
    }
    make_folder(&arguments.output)?;
    for (name, _) in &parts {
        let path = arguments.output.join(format!("{name}.json"));
        if path.exists() {
            bail!("{} is there already; name another folder with --output", path.display());
        }
    }
    for (name, part) in parts {
        let part = part.named_from(&arguments.output);
        let path = arguments.output.join(format!("{name}.json"));
        write_coco(&part, &path)?;
        console::print(format_args!(
            "{}: {} with {}",
            path.display(),
            counted(part.images.len(), "image"),
            counted(part.num_objects(), "object")
        ))?;
    }
    Ok(Outcome::Done)
}

/// Says that a pattern for groups left some images out, which may be a mistake in it.
fn mention_ungrouped(config: &SplitConfig, dataset: &Dataset) -> Result<()> {
    let names = config.ungrouped(dataset)?;
    if let Some(example) = names.first() {
        console::note(format_args!(
            "note: {} of {} not matched by --group, such as {example}; they are divided one by one",
            names.len(),
            counted(dataset.images.len(), "image")
        ));
    }
    Ok(())
}
