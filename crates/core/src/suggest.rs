//! What somebody may have meant.

/// The candidate closest to `word`, if one is close: at most a third of its letters differ.
pub fn closest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = word.to_lowercase();
    candidates
        .into_iter()
        .map(|candidate| (edits(&wanted, &candidate.to_lowercase()), candidate))
        .filter(|(edits, candidate)| edits * 3 <= candidate.chars().count().max(3))
        .min_by_key(|&(edits, _)| edits)
        .map(|(_, candidate)| candidate)
}

/// A parser's message about an unknown field, with what was probably meant. serde lists the fields
/// it knows in backticks after the one it does not.
pub fn with_suggestion(message: &str) -> String {
    let mut quoted = message.split('`').skip(1).step_by(2);
    let unknown = match message.contains("unknown field") || message.contains("unknown variant") {
        true => quoted.next(),
        false => None,
    };
    match unknown.and_then(|word| closest(word, quoted)) {
        Some(meant) => format!("{message}; did you mean `{meant}`?"),
        None => message.to_owned(),
    }
}

/// Insertions, deletions, replacements and swaps of neighbours that make one word of another.
fn edits(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![(0..=b.len()).collect::<Vec<usize>>()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replaced = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = replaced.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_count_each_slip() {
        for (a, b, expected) in
            [("", "abc", 3), ("abc", "abc", 0), ("acb", "abc", 1), ("kat", "cats", 2)]
        {
            assert_eq!(edits(a, b), expected, "{a} {b}");
        }
    }

    #[test]
    fn far_words_are_not_suggested() {
        assert_eq!(closest("chanels", ["norm", "channels"]), Some("channels"));
        assert_eq!(closest("zebra", ["norm", "channels"]), None);
        assert_eq!(closest("x", []), None);
    }

    #[test]
    fn only_unknown_names_get_a_suggestion() {
        let unknown = "fpn: unknown field `nrom`, expected one of `channels`, `norm` at line 2";
        assert!(with_suggestion(unknown).ends_with("did you mean `norm`?"));
        let other = "invalid type: string `nrom`, expected `norm`";
        assert_eq!(with_suggestion(other), other);
    }
}
