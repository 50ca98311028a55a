//! What libtorch refuses while a network runs, as an error instead of a panic.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What the work gives, or why libtorch would not do it: no memory on the card, most of all. Layers call
/// tch's short methods, which panic then. What a panic leaves half done has to be dropped.
///
/// # Errors
/// With the first line of what libtorch said; the others are its own stack.
pub fn caught<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| first_line(panic.as_ref()))
}

fn first_line(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message");
    // As `unwrap` words it.
    let said = text.split_once("Torch(\"").map_or(text, |(_, said)| said);
    let end = said.find("\\n").or_else(|| said.find('\n')).unwrap_or(said.len());
    said[..end].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::{Device, Kind, Tensor};

    #[test]
    fn the_first_line_of_what_libtorch_says() {
        let two = || Tensor::zeros([2, 3], (Kind::Float, Device::Cpu));
        assert_eq!(caught(|| two().size()), Ok(vec![2, 3]));
        let refused = caught(|| two().matmul(&two())).unwrap_err();
        assert!(refused.starts_with("mat1 and mat2 shapes cannot be multiplied"), "{refused}");
        assert!(!refused.contains("frame") && !refused.contains('\n'), "{refused}");
        assert_eq!(caught(|| panic!("on purpose")), Err::<(), _>("on purpose".to_owned()));
    }
}
