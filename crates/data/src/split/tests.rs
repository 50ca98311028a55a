//! Made-up sets whose right split is known.

use super::*;
use crate::dataset::{Category, CategoryId, Object, Place};
use proptest::prelude::*;

fn category(id: u64) -> Category {
    Category { id: CategoryId(id), name: format!("class {id}"), supercategory: None }
}

fn object(class: u64) -> Object {
    Object {
        id: 0,
        category: CategoryId(class),
        bbox: Default::default(),
        outline: None,
        area: None,
        crowd: false,
        difficult: false,
        place: Place::default(),
    }
}

/// An image for each list of classes, called `00000.png`, `00001.png`, ...
fn dataset(classes: &[Vec<u64>]) -> Dataset {
    let image = |(id, classes): (usize, &Vec<u64>)| {
        let name = format!("{id:05}.png");
        image(&name, id as u64, classes)
    };
    let categories = (1..=9).map(category).collect();
    Dataset { categories, images: classes.iter().enumerate().map(image).collect() }
}

fn image(name: &str, id: u64, classes: &[u64]) -> ImageRecord {
    ImageRecord {
        id,
        name: name.into(),
        path: name.into(),
        stated_size: None,
        objects: classes.iter().map(|&class| object(class)).collect(),
        place: Place::default(),
    }
}

fn config(shares: &[f64], seed: u64) -> SplitConfig {
    let fractions = shares.iter().enumerate();
    let fractions =
        fractions.map(|(part, &share)| SplitFraction { name: format!("part {part}"), share });
    SplitConfig { seed, fractions: fractions.collect(), group: None }
}

fn parts(dataset: &Dataset, config: &SplitConfig) -> Vec<Dataset> {
    split_dataset(dataset, config).unwrap().into_iter().map(|(_, part)| part).collect()
}

fn names(dataset: &Dataset) -> BTreeSet<&str> {
    dataset.images.iter().map(|image| image.name.as_str()).collect()
}

/// Images of a part that show a class; 0 stands for none.
fn num_showing(dataset: &Dataset, class: u64) -> usize {
    let shows = |image: &&ImageRecord| match class {
        0 => image.objects.is_empty(),
        _ => image.objects.iter().any(|object| object.category.0 == class),
    };
    dataset.images.iter().filter(shows).count()
}

/// Whether each image is in one part and nothing else changed.
fn assert_partition(whole: &Dataset, parts: &[Dataset]) {
    let mut ids: Vec<u64> = parts.iter().flat_map(|it| &it.images).map(|image| image.id).collect();
    ids.sort_unstable();
    let mut expected: Vec<u64> = whole.images.iter().map(|image| image.id).collect();
    expected.sort_unstable();
    assert_eq!(ids, expected);
    for part in parts {
        assert_eq!(part.categories, whole.categories);
        assert!(part.images.iter().all(|image| whole.images.contains(image)));
    }
}

#[test]
fn no_images_give_empty_parts_and_one_image_the_largest() {
    let empty = dataset(&[]);
    let [train, val] = parts(&empty, &SplitConfig::default()).try_into().unwrap();
    assert_eq!((&train, &val), (&empty, &empty));
    for image in [vec![], vec![3]] {
        let parts = parts(&dataset(&[image]), &config(&[0.2, 0.8], 1));
        assert_eq!((parts[0].images.len(), parts[1].images.len()), (0, 1));
    }
}

#[test]
fn rare_classes_do_not_all_go_to_the_largest_part() {
    // As the paper has it, the largest part would get all forty.
    let classes: Vec<Vec<u64>> = (1..=40).map(|class| vec![class]).collect();
    let parts = parts(&dataset(&classes), &config(&[0.8, 0.2], 5));
    assert_eq!((parts[0].images.len(), parts[1].images.len()), (32, 8));
}

#[test]
fn tenths_of_ten_images_are_whole_images() {
    let classes = vec![vec![1]; 10];
    for seed in 0..20 {
        let parts = parts(&dataset(&classes), &config(&[0.1; 10], seed));
        assert!(parts.iter().all(|part| part.images.len() == 1), "seed {seed}");
    }
}

#[test]
fn seeds_matter_and_the_order_of_images_does_not() {
    let classes: Vec<Vec<u64>> = (0..60).map(|at| vec![1 + at % 3; at as usize % 4]).collect();
    let whole = dataset(&classes);
    let mut shuffled = whole.clone();
    shuffled.images.sort_by_key(|image| image.id.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let first = parts(&whole, &config(&[0.5, 0.5], 1));
    let again = parts(&shuffled, &config(&[0.5, 0.5], 1));
    assert_eq!(names(&first[0]), names(&again[0]));
    assert_ne!(names(&first[0]), names(&parts(&whole, &config(&[0.5, 0.5], 2))[0]));
    let ids: Vec<u64> = first[0].images.iter().map(|image| image.id).collect();
    assert!(ids.is_sorted(), "a part keeps the order of the whole");
}

#[test]
fn images_of_one_name_stay_together() {
    let mut whole = dataset(&vec![vec![1]; 20]);
    for (index, image) in whole.images.iter_mut().enumerate() {
        image.name = format!("{}.png", index / 2);
    }
    let parts = parts(&whole, &config(&[0.5, 0.5], 3));
    assert_partition(&whole, &parts);
    assert!(names(&parts[0]).is_disjoint(&names(&parts[1])));
    assert_eq!(parts[0].images.len(), 10);
}

#[test]
fn settings_that_make_no_sense_are_named() {
    let refused = |shares: &[f64]| config(shares, 0).validate().unwrap_err().to_string();
    assert!(refused(&[]).contains("found none"));
    assert!(refused(&[0.5, 0.4]).contains("sum of 0.9"));
    assert!(refused(&[f64::NAN, 1.0]).contains("part 0: found NaN"));
    assert!(refused(&[0.0, 1.0]).contains("part 0: found 0"));
    let mut twice = config(&[0.5, 0.5], 0);
    twice.fractions[1].name = "part 0".into();
    assert!(twice.validate().unwrap_err().to_string().contains("\"part 0\" twice"));
    let group = SplitConfig { group: Some("(".into()), ..SplitConfig::default() };
    assert!(matches!(group.validate(), Err(SplitError::Pattern { .. })));
    assert!(config(&[1.0 / 3.0, 0.333, 0.333], 0).validate().is_ok());
}

fn any_shares() -> impl Strategy<Value = Vec<f64>> {
    proptest::collection::vec(1u32..10, 1..5).prop_map(|weights| {
        let sum: u32 = weights.iter().sum();
        weights.into_iter().map(|weight| f64::from(weight) / f64::from(sum)).collect()
    })
}

/// A typing error would tear apart what belongs together, and nobody would notice.
#[test]
fn a_pattern_that_matches_no_image_is_refused() {
    let names = ["a_1.png", "a_2.png", "other.png"];
    let images = (1..).zip(names).map(|(id, name)| image(name, id, &[1])).collect();
    let dataset = Dataset { categories: vec![category(1)], images };
    let with = |group: &str| SplitConfig { group: Some(group.into()), ..config(&[0.5, 0.5], 0) };
    for pattern in ["^(.*)-frame", "-frame"] {
        let error = split_dataset(&dataset, &with(pattern)).unwrap_err().to_string();
        assert!(error.contains(pattern) && error.contains("\"a_1.png\""), "{error}");
    }
    assert_eq!(with("^(.*)_").ungrouped(&dataset).unwrap(), ["other.png"]);
    assert_eq!(config(&[1.0], 0).ungrouped(&dataset).unwrap(), Vec::<&str>::new());
    assert_eq!(with("^(.*)_").ungrouped(&Dataset::default()).unwrap(), Vec::<&str>::new());
    let parts = split_dataset(&dataset, &with("^(.*)_")).unwrap();
    assert!(
        parts.iter().any(|(_, part)| self::names(part) == BTreeSet::from(["a_1.png", "a_2.png"]))
    );
}

proptest! {
    #[test]
    fn with_one_class_an_image_every_share_is_met_within_one_image(
        classes in proptest::collection::vec(0u64..6, 0..120),
        shares in any_shares(),
        seed in any::<u64>(),
    ) {
        let images: Vec<Vec<u64>> =
            classes.iter().map(|&class| if class == 0 { vec![] } else { vec![class] }).collect();
        let whole = dataset(&images);
        let parts = parts(&whole, &config(&shares, seed));
        assert_partition(&whole, &parts);
        for (part, share) in parts.iter().zip(&shares) {
            for class in 0..6 {
                let expected = share * num_showing(&whole, class) as f64;
                let found = num_showing(part, class) as f64;
                prop_assert!((found - expected).abs() <= 1.0, "class {class}: {found}, not {expected}");
            }
        }
    }

    #[test]
    fn with_many_classes_an_image_shares_are_nearly_met(seed in any::<u64>()) {
        // Three classes of 20, 50 and 90 % of 300 images, independent of each other.
        let mut rng = <rand_chacha::ChaCha8Rng as rand::SeedableRng>::seed_from_u64(seed);
        let mut happens = |percent| rand::Rng::next_u64(&mut rng) % 100 < percent;
        let mut one = || [(1, 20), (2, 50), (3, 90)].map(|(class, it)| (class, happens(it)));
        let images: Vec<Vec<u64>> = (0..300)
            .map(|_| one().into_iter().filter(|(_, it)| *it).map(|(class, _)| class).collect())
            .collect();
        let whole = dataset(&images);
        let parts = parts(&whole, &config(&[0.7, 0.3], seed));
        assert_partition(&whole, &parts);
        for class in 0..=3 {
            let expected = 0.3 * num_showing(&whole, class) as f64;
            let found = num_showing(&parts[1], class) as f64;
            // Each class is dealt out once and met within one image then; what the dealing of the
            // two rarer ones has taken too much before, it makes up for, as long as images last.
            prop_assert!((found - expected).abs() <= 3.0, "class {class}: {found}, not {expected}");
        }
    }

    #[test]
    fn groups_are_never_torn(
        groups in proptest::collection::vec((0u64..12, 0u64..4), 0..80),
        shares in any_shares(),
        seed in any::<u64>(),
    ) {
        let mut whole = dataset(&[]);
        for (id, &(group, class)) in groups.iter().enumerate() {
            whole.images.push(image(&format!("slide{group}_{id}.png"), id as u64, &[class]));
        }
        let config = SplitConfig { group: Some(r"^(slide\d+)_".into()), ..config(&shares, seed) };
        let parts = parts(&whole, &config);
        assert_partition(&whole, &parts);
        let slides = |part: &Dataset| -> BTreeSet<String> {
            part.images.iter().map(|image| image.name.split('_').next().unwrap().into()).collect()
        };
        let in_parts: usize = parts.iter().map(|part| slides(part).len()).sum();
        prop_assert_eq!(in_parts, slides(&whole).len());
    }
}
