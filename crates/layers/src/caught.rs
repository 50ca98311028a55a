//! What libtorch refuses while a network runs, as an error instead of a panic.

use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};

/// How `unwrap` words an error of libtorch.
const OF_LIBTORCH: &str = "Torch(\"";

thread_local! {
    /// Whether [`caught`] is at work on this thread.
    static CATCHING: Cell<bool> = const { Cell::new(false) };
}

/// Keeps refusals that [`caught`] makes errors of off standard error, where they would be a page of
/// libtorch's stack. Every other panic is told as before. For a program to call once, at its start.
pub fn silence_caught() {
    let tell = take_hook();
    set_hook(Box::new(move |panic| {
        if !(CATCHING.get() && text_of(panic.payload()).contains(OF_LIBTORCH)) {
            tell(panic);
        }
    }));
}

/// What the work gives, or why libtorch would not do it: no memory on the card, most of all. Layers call
/// tch's short methods, which panic then. What a panic leaves half done has to be dropped.
///
/// # Errors
/// With the first line of what libtorch said; the others are its own stack.
pub fn caught<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    let was_catching = CATCHING.replace(true);
    let done = catch_unwind(AssertUnwindSafe(work));
    CATCHING.set(was_catching);
    done.map_err(|panic| first_line(panic.as_ref()))
}

fn text_of(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message")
}

fn first_line(panic: &(dyn Any + Send)) -> String {
    let text = text_of(panic);
    let said = text.split_once(OF_LIBTORCH).map_or(text, |(_, said)| said);
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
