//! Which image of the ground truth a path means.

use hotcoco::Image;
use std::collections::BTreeMap;

/// The images of the ground truth by the last part of their names.
pub(super) struct ImageNames {
    by_file_name: BTreeMap<String, Vec<Candidate>>,
}

struct Candidate {
    /// With `/` between folders.
    name: String,
    image_id: u64,
}

/// What a path means.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Named {
    One(u64),
    None,
    /// The names of the images that fit equally well.
    Several(Vec<String>),
}

impl ImageNames {
    pub(super) fn new(images: &[Image]) -> Self {
        let mut by_file_name: BTreeMap<String, Vec<Candidate>> = BTreeMap::new();
        for image in images {
            let name = with_slashes(&image.file_name);
            let candidate = Candidate { image_id: image.id, name };
            let file_name = parts_from_end(&candidate.name).next().unwrap_or_default().to_owned();
            by_file_name.entry(file_name).or_default().push(candidate);
        }
        Self { by_file_name }
    }

    /// The image that shares the file name and the most folder names before it; of two that share
    /// as many, the one of just this name.
    pub(super) fn find(&self, path: &str) -> Named {
        let path = with_slashes(path);
        let file_name = parts_from_end(&path).next().unwrap_or_default();
        let candidates = self.by_file_name.get(file_name).map_or(&[][..], Vec::as_slice);
        let fit = |candidate: &Candidate| (shared(&candidate.name, &path), candidate.name == path);
        let Some(best) = candidates.iter().map(fit).max() else { return Named::None };
        let mut fitting = candidates.iter().filter(|candidate| fit(candidate) == best);
        match (fitting.next(), fitting.next()) {
            (Some(only), None) => Named::One(only.image_id),
            _ => {
                let fitting = candidates.iter().filter(|candidate| fit(candidate) == best);
                Named::Several(fitting.map(|candidate| candidate.name.clone()).collect())
            }
        }
    }
}

fn with_slashes(path: &str) -> String {
    path.replace('\\', "/")
}

fn parts_from_end(path: &str) -> impl Iterator<Item = &str> {
    path.rsplit('/').filter(|part| !part.is_empty() && *part != ".")
}

/// How many parts are the same, counted from the end.
fn shared(a: &str, b: &str) -> usize {
    parts_from_end(a).zip(parts_from_end(b)).take_while(|(a, b)| a == b).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> ImageNames {
        let image =
            |(id, name): (u64, &&str)| Image { id, file_name: (*name).into(), ..Image::default() };
        let images: Vec<Image> = (1..).zip(names).map(image).collect();
        ImageNames::new(&images)
    }

    #[test]
    fn folders_before_the_name_may_differ() {
        let names = names(&["val/a.jpg", "train/a.jpg", "b.jpg"]);
        for (path, expected) in [
            ("val/a.jpg", Named::One(1)),
            ("./photos/train/a.jpg", Named::One(2)),
            ("photos\\train\\a.jpg", Named::One(2)),
            ("elsewhere/b.jpg", Named::One(3)),
            ("c.jpg", Named::None),
            ("", Named::None),
        ] {
            assert_eq!(names.find(path), expected, "{path}");
        }
    }

    #[test]
    fn what_may_mean_two_is_not_guessed() {
        let names = names(&["val/a.jpg", "train/a.jpg"]);
        let both = Named::Several(vec!["val/a.jpg".into(), "train/a.jpg".into()]);
        assert_eq!(names.find("a.jpg"), both);
    }

    #[test]
    fn the_very_name_wins() {
        assert_eq!(names(&["x/a.jpg", "y/x/a.jpg"]).find("x/a.jpg"), Named::One(1));
        assert_eq!(names(&["x/a.jpg", "y/x/a.jpg"]).find("y/x/a.jpg"), Named::One(2));
    }
}
