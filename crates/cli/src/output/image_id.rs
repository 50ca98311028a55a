//! Numbers for images, as COCO wants them.

use std::collections::BTreeSet;
use std::path::Path;

/// One number for each image: the one in its file name (`000000000139.jpg`,
/// `COCO_val2014_000000000139.jpg`) where every image has one and no two the same, so that the
/// results fit COCO's ground truth; else 1, 2, 3 and on in the given order.
pub fn image_ids(images: &[impl AsRef<Path>]) -> Vec<i64> {
    let in_names: Option<Vec<i64>> =
        images.iter().map(|image| id_in_name(image.as_ref())).collect();
    let are_distinct = |ids: &Vec<i64>| ids.iter().collect::<BTreeSet<_>>().len() == ids.len();
    in_names.filter(are_distinct).unwrap_or_else(|| (1..).take(images.len()).collect())
}

fn id_in_name(image: &Path) -> Option<i64> {
    let stem = image.file_stem()?.to_str()?;
    let digits = match stem.strip_prefix("COCO_") {
        Some(rest) => rest.rsplit('_').next()?,
        None => stem,
    };
    // Otherwise `+5` and `-5` would be numbers.
    let are_digits = digits.bytes().all(|byte| byte.is_ascii_digit());
    are_digits.then(|| digits.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coco_names_hold_the_number() {
        assert_eq!(image_ids(&["000000000139.jpg", "x/COCO_val2014_000000000042.jpg"]), [139, 42]);
    }

    #[test]
    fn other_names_are_counted() {
        assert_eq!(image_ids(&["5.jpg", "cat.jpg"]), [1, 2]);
        assert_eq!(image_ids(&["a/7.jpg", "b/007.png"]), [1, 2]);
        assert_eq!(image_ids(&["-3.jpg", "99999999999999999999.jpg"]), [1, 2]);
        assert_eq!(image_ids(&["..", ".jpg"]), [1, 2]);
        assert!(image_ids(&[] as &[&str]).is_empty());
    }
}
