//! A resolved config as text for people: short lists on one line, and the origin of each value as a
//! remark at the end of its line. It reads back as the same config.

use super::document::VERSION;
use super::key_path::KeyPath;
use super::origin::Origin;
use super::tree::{Content, Node};
use serde_yaml::Value;

/// Remarks begin at the same column, unless a line is longer than this.
const MAX_COLUMN: usize = 56;
const INDENT: &str = "  ";

/// One line and its remark.
struct Line {
    text: String,
    remark: Option<String>,
}

/// All of `tree` with its origins.
pub(super) fn annotated(tree: &Node) -> String {
    let mut lines = Vec::new();
    // A struct may have the version among its own keys.
    if tree.places_of("version").first() != Some(&KeyPath::default().key("version")) {
        lines.push(Line { text: format!("version: {VERSION}"), remark: None });
    }
    write_below(&mut lines, "", tree);
    let column = lines.iter().filter(|line| line.remark.is_some());
    let column = column.map(|line| line.text.chars().count()).filter(|&width| width <= MAX_COLUMN);
    let column = column.max().unwrap_or(0);
    let finished = |Line { text, remark }: Line| match remark {
        Some(remark) => format!("{text:column$}  # {remark}\n"),
        None => format!("{text}\n"),
    };
    lines.into_iter().map(finished).collect()
}

/// Writes `lead`, which is `key:`, and the value after or below it.
fn write_entry(lines: &mut Vec<Line>, indent: &str, lead: &str, node: &Node) {
    let remark = Some(node.origin.to_string().replace('\n', " "));
    if let Some(flow) = on_one_line(node, false) {
        lines.push(Line { text: format!("{indent}{lead} {flow}"), remark });
        return;
    }
    lines.push(Line { text: format!("{indent}{lead}"), remark: None });
    write_below(lines, &format!("{indent}{INDENT}"), node);
}

/// Writes what has lines of its own.
fn write_below(lines: &mut Vec<Line>, indent: &str, node: &Node) {
    match &node.content {
        Content::Map(map) => {
            for (key, node) in &map.entries {
                write_entry(
                    lines,
                    indent,
                    &format!("{}:", scalar(&key.as_str().into(), false)),
                    node,
                );
            }
        }
        Content::List(nodes) => {
            for node in nodes {
                let first = lines.len();
                match on_one_line(node, true) {
                    Some(flow) => lines.push(Line {
                        text: format!("{indent}{INDENT}{flow}"),
                        remark: Some(node.origin.to_string()),
                    }),
                    None => write_below(lines, &format!("{indent}{INDENT}"), node),
                }
                if let Some(line) = lines.get_mut(first) {
                    let rest = line.text.split_off(indent.len() + INDENT.len());
                    line.text = format!("{indent}- {rest}");
                }
            }
        }
        Content::Scalar(_) => {}
    }
}

/// What needs no lines of its own: scalars, empty maps, lists of scalars of one origin; `in_list`,
/// also a choice with its settings, `flip: {probability: 0.5}`.
fn on_one_line(node: &Node, in_list: bool) -> Option<String> {
    match &node.content {
        Content::Scalar(value) => Some(scalar(value, false)),
        Content::Map(map) if map.entries.is_empty() => Some("{}".to_owned()),
        Content::Map(map) => match &map.entries[..] {
            [(key, settings)] if in_list => Some(format!(
                "{}: {}",
                scalar(&key.as_str().into(), false),
                in_brackets(settings, &node.origin)?
            )),
            _ => None,
        },
        Content::List(nodes) => {
            let is_scalar = |node: &Node| matches!(node.content, Content::Scalar(_));
            nodes.iter().all(is_scalar).then(|| in_brackets(node, &node.origin)).flatten()
        }
    }
}

/// A value as part of a line, if all of it has one origin.
fn in_brackets(node: &Node, origin: &Origin) -> Option<String> {
    if node.origin != *origin {
        return None;
    }
    match &node.content {
        Content::Scalar(value) => Some(scalar(value, true)),
        Content::List(nodes) => {
            let entries: Option<Vec<_>> =
                nodes.iter().map(|node| in_brackets(node, origin)).collect();
            entries.map(|entries| format!("[{}]", entries.join(", ")))
        }
        Content::Map(map) => {
            let entry = |(key, node): &(String, Node)| {
                let key = scalar(&key.as_str().into(), true);
                in_brackets(node, origin).map(|value| format!("{key}: {value}"))
            };
            let entries: Option<Vec<_>> = map.entries.iter().map(entry).collect();
            entries.map(|entries| format!("{{{}}}", entries.join(", ")))
        }
    }
}

/// A scalar as YAML on one line; within a list in brackets it may not look like a part of it.
fn scalar(value: &Value, in_brackets: bool) -> String {
    let plain = serde_yaml::to_string(value).unwrap_or_default().trim_end().to_owned();
    match value {
        // Strings of JSON are strings of YAML.
        Value::String(text)
            if plain.contains('\n')
                || plain.starts_with(['|', '>'])
                || is_truth_elsewhere(text)
                || in_brackets && text.contains([',', '[', ']', '{', '}', ':', '#']) =>
        {
            serde_json::to_string(text).unwrap_or(plain)
        }
        _ => plain,
    }
}

/// Words that are true or false in YAML 1.1, which others may read it as.
fn is_truth_elsewhere(text: &str) -> bool {
    ["y", "n", "yes", "no", "on", "off"].iter().any(|word| text.eq_ignore_ascii_case(word))
}
