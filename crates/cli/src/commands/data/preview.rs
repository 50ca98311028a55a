//! `kestrel data preview`: pictures with their boxes and masks on one sheet.

use crate::Outcome;
use crate::console::{self, counted};
use crate::dataset::mention_findings;
use crate::place::check_file;
use anyhow::{Context, Result, bail};
use kestrel_args::PreviewArgs;
use kestrel_core::{BBox, Mask};
use kestrel_data::{
    Augmenter, CategoryId, Chance, DecodeLimits, ImageRecord, Object, Sample, Split, decode,
    write_picture,
};
use kestrel_draw::{
    Annotation, Color, DrawStyle, Tile, contact_sheet, draw_annotations, draw_target,
};
use kestrel_train::{BUILT_IN, Resolved, Source, TrainConfig, resolve};
use std::collections::BTreeMap;
use std::path::Path;

/// An image of the collection: its split, and its place in it.
type Chosen<'c> = (&'c Split, usize);

/// Chooses pictures, draws them, and where asked beside each what training would make of it.
pub(crate) fn run(arguments: &PreviewArgs) -> Result<Outcome> {
    check_file(&arguments.output)?;
    let collection = super::open(&arguments.data)?;
    mention_findings(&arguments.data.data, &collection.splits);
    let augmenter = arguments.augment.as_deref().map(read_augmenter).transpose()?;
    let chosen = choose(&collection.splits, arguments);
    if chosen.is_empty() {
        bail!("{}: found no images; expected at least one", arguments.data.data.display());
    }
    let (mut tiles, mut num_failed) = (Vec::new(), 0);
    for (number, &(split, index)) in chosen.iter().enumerate() {
        match drawn((split, index)) {
            Ok(tile) => tiles.push(tile),
            Err(error) => {
                console::note(format_args!("error: {}", console::message(&error)));
                num_failed += 1;
                continue;
            }
        }
        if let Some(augmenter) = &augmenter {
            let chance = Chance::of_sample(arguments.seed, 0, 0, number as u64);
            tiles.push(augmented(&chosen, number, augmenter, chance)?);
        }
    }
    if tiles.is_empty() {
        bail!("none of {} could be read; nothing was written", counted(num_failed, "picture"));
    }
    // With augmentation a picture and what becomes of it stay side by side.
    let pairs = 1 + usize::from(augmenter.is_some());
    let columns = ((tiles.len() as f64).sqrt().ceil() as usize).next_multiple_of(pairs);
    write_picture(&arguments.output, &contact_sheet(&tiles, columns, arguments.side.get()))?;
    let shown = counted(chosen.len() - num_failed, "picture");
    console::print(format_args!("{shown} on {}", arguments.output.display()))?;
    Ok(if num_failed == 0 { Outcome::Done } else { Outcome::SomeInputsFailed })
}

/// Pictures at random, then in the order of the collection.
fn choose<'c>(splits: &'c [Split], arguments: &PreviewArgs) -> Vec<Chosen<'c>> {
    let mut all: Vec<Chosen> = splits
        .iter()
        .flat_map(|split| (0..split.dataset.images.len()).map(move |index| (split, index)))
        .collect();
    let mut places: Vec<usize> = (0..all.len()).collect();
    Chance::of_sample(arguments.seed, 0, 1, 0).shuffle(&mut places);
    places.truncate(arguments.count.get());
    places.sort_unstable();
    let mut place = 0..;
    all.retain(|_| place.next().is_some_and(|place: usize| places.binary_search(&place).is_ok()));
    all
}

/// The picture with everything annotated on it, faulty or not.
fn drawn((split, index): Chosen) -> Result<Tile> {
    let record = &split.dataset.images[index];
    let mut picture = decode(&record.path, &DecodeLimits::default())?;
    let names: BTreeMap<CategoryId, &str> =
        split.dataset.categories.iter().map(|known| (known.id, known.name.as_str())).collect();
    let size = picture.size();
    let masks: Vec<Option<Mask>> = record
        .objects
        .iter()
        .map(|object| object.outline.as_ref().and_then(|outline| outline.to_mask(size).ok()))
        .collect();
    let annotation = |(place, object): (usize, &Object)| {
        let name = names.get(&object.category).copied().unwrap_or("unknown class");
        let bbox = object.bbox;
        let corners = [bbox.x, bbox.y, bbox.right(), bbox.bottom()].map(|value| value as f32);
        Annotation {
            bbox: BBox::from(corners),
            mask: masks[place].as_ref(),
            text: if object.crowd { format!("{name}, crowd") } else { name.to_owned() },
            color: Color::distinct(place),
        }
    };
    let annotations: Vec<Annotation> = record.objects.iter().enumerate().map(annotation).collect();
    draw_annotations(&mut picture, &annotations, &DrawStyle::default());
    Ok(Tile { picture, caption: caption(record) })
}

fn caption(record: &ImageRecord) -> String {
    format!("{}, {}", record.name, counted(record.objects.len(), "object"))
}

/// What training would see.
fn augmented(
    chosen: &[Chosen],
    number: usize,
    augmenter: &Augmenter,
    mut chance: Chance,
) -> Result<Tile> {
    let (split, index) = chosen[number];
    let sample_of = |index: usize| {
        split.dataset.sample(index, split.dataset.has_outlines(), &DecodeLimits::default())
    };
    let lending = lending(chosen, split);
    let mut donors = |chance: &mut Chance| sample_of(lending[chance.below(lending.len())]).ok();
    let sample = augmenter.apply(sample_of(index)?, &mut chance, &mut donors);
    let names = split.dataset.label_names();
    let Sample { mut image, target, .. } = sample;
    draw_target(&mut image, &target, &names);
    Ok(Tile { picture: image, caption: format!("augmented, {}", counted(target.len(), "object")) })
}

/// The pictures of the sheet that lend their objects to copy-paste: those of the same split, since
/// each split numbers its classes for itself.
fn lending(chosen: &[Chosen], split: &Split) -> Vec<usize> {
    let of_split = chosen.iter().filter(|(other, _)| std::ptr::eq(*other, split));
    of_split.map(|&(_, index)| index).collect()
}

/// The augmentation of a config for `kestrel train`.
fn read_augmenter(path: &Path) -> Result<Augmenter> {
    let resolved: Resolved<TrainConfig> =
        resolve(Source::File(path), &[], BUILT_IN).context("--augment")?;
    Ok(Augmenter::new(&resolved.value.loader.augment)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use kestrel_data::Dataset;

    /// Objects of another split were shown under the names of this one.
    #[test]
    fn objects_are_lent_within_a_split() {
        let split = |name: &str| Split {
            name: name.to_owned(),
            dataset: Dataset::default(),
            findings: Vec::new(),
        };
        let (train, val) = (split("train"), split("val"));
        let chosen = [(&train, 3), (&train, 5), (&val, 3), (&val, 4)];
        assert_eq!(lending(&chosen, &train), [3, 5]);
        assert_eq!(lending(&chosen, &val), [3, 4]);
    }
}
