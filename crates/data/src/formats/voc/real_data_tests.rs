//! The VOC set of the shared folder, against what its description says of it.

use crate::{Format, Split, read_collection};
use std::collections::BTreeMap;
use std::path::PathBuf;

#[test]
fn bccd() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/bccd");
    if !path.exists() {
        eprintln!("skipped: no {} here", path.display());
        return;
    }
    let collection = read_collection(&path).unwrap();
    assert_eq!(collection.format, Format::Voc);
    let images = |split: &Split| (split.name.clone(), split.dataset.images.len());
    let expected = [("train", 205), ("val", 87), ("test", 72)];
    let expected = expected.map(|(name, number)| (name.to_owned(), number));
    assert_eq!(collection.splits.iter().map(images).collect::<Vec<_>>(), expected);

    let mut num_by_class = BTreeMap::new();
    let mut without_extent = Vec::new();
    let mut num_at_far_edge = 0;
    for split in &collection.splits {
        assert!(split.findings.is_empty(), "{:?}", split.findings);
        let names: BTreeMap<_, _> =
            split.dataset.categories.iter().map(|category| (category.id, &category.name)).collect();
        for image in &split.dataset.images {
            assert!(image.path.is_file(), "{}", image.path.display());
            let size = image.stated_size.unwrap();
            for object in &image.objects {
                *num_by_class.entry(names[&object.category].clone()).or_insert(0) += 1;
                let bbox = object.bbox;
                if bbox.width == 0.0 && bbox.height == 0.0 {
                    without_extent.push(image.name.clone());
                }
                assert!(bbox.x >= 0.0 && bbox.right() <= size.width as f64, "{bbox:?}");
                let at_edge =
                    bbox.right() == size.width as f64 || bbox.bottom() == size.height as f64;
                num_at_far_edge += usize::from(at_edge);
            }
        }
    }
    let expected = [("Platelets", 361), ("RBC", 4155), ("WBC", 372)];
    assert!(num_by_class.iter().map(|(name, &number)| (name.as_str(), number)).eq(expected));
    without_extent.sort();
    assert_eq!(without_extent, ["BloodImage_00338.jpg", "BloodImage_00343.jpg"]);
    assert_eq!(num_at_far_edge, 545);
}
