//! A guard before YAML texts.

/// Levels of brackets in a text. No file of a person has so many, and libyaml's time grows with
/// their square: 60,000 take it 11 seconds.
pub const MAX_OPEN_BRACKETS: usize = 1000;

/// The line, counted from 1, on which more than [`MAX_OPEN_BRACKETS`] brackets are open.
pub fn too_many_brackets(text: &str) -> Option<u64> {
    let mut open = 0usize;
    for (line, text) in (1..).zip(text.lines()) {
        for byte in text.bytes() {
            match byte {
                b'[' | b'{' => open += 1,
                b']' | b'}' => open = open.saturating_sub(1),
                _ => {}
            }
            if open > MAX_OPEN_BRACKETS {
                return Some(line);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_open_brackets_count() {
        assert_eq!(too_many_brackets(&"[]{}]\n".repeat(5000)), None);
        assert_eq!(too_many_brackets(&"[".repeat(1000)), None);
        assert_eq!(too_many_brackets(&format!("a\nb: {}", "{[".repeat(501))), Some(2));
    }
}
