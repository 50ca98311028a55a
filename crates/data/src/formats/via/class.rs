//! Which of the attributes that people give to regions is the class.
//!
//! VIA leaves that open: a file may call it anything, and have others beside it. Of all attributes
//! that say something, this takes the one with the best claim: a name that means class and values
//! that differ; such a name; values that differ; anything. Among equals it is the one most regions
//! have, then the one with fewest values, since an object's own name or number has the most.

use super::super::marking_json::kind;
use serde_json::{Map, Value};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

/// Names that mean class, in lower case; the first has the best claim.
const CLASS_NAMES: [&str; 6] = ["class", "label", "category", "type", "name", "object"];

/// What regions without any attribute are called.
const UNNAMED: &str = "object";

/// The attribute that names the class; none where no region has one that says something.
#[derive(Debug, PartialEq, Eq)]
pub struct ClassAttribute(Option<String>);

/// What is known of an attribute.
#[derive(Default)]
struct Usage {
    num_regions: usize,
    values: BTreeSet<String>,
}

impl ClassAttribute {
    /// The attribute with the best claim in these regions.
    pub fn of<'a>(regions: impl Iterator<Item = &'a Map<String, Value>>) -> Self {
        let mut usages: BTreeMap<&str, Usage> = BTreeMap::new();
        for (name, value) in regions.filter_map(attributes).flatten() {
            if let Ok(Some(class)) = stated(value) {
                let usage = usages.entry(name).or_default();
                usage.num_regions += 1;
                usage.values.insert(class);
            }
        }
        let best = usages.into_iter().max_by_key(|(name, usage)| usage.claim(name));
        Self(best.map(|(name, _)| name.to_owned()))
    }

    /// The class of a region.
    ///
    /// # Errors
    /// When the attribute is missing, empty, or names two classes.
    pub fn class_of(&self, region: &Map<String, Value>) -> Result<String, String> {
        let Some(name) = &self.0 else { return Ok(UNNAMED.into()) };
        let value = attributes(region).and_then(|attributes| attributes.get(name));
        let class = value
            .map_or(Ok(None), stated)
            .map_err(|found| format!("found {found} as \"{name}\", expected one class"))?;
        class.ok_or_else(|| format!("found no \"{name}\", which names the class of other regions"))
    }
}

impl Usage {
    /// The larger, the better; of a tie the last by name is taken.
    fn claim(&self, name: &str) -> impl Ord + use<> {
        let rank = CLASS_NAMES.iter().position(|known| known.eq_ignore_ascii_case(name.trim()));
        let (is_class, varies) = (rank.is_some(), self.values.len() > 1);
        (is_class, varies, Reverse(rank), self.num_regions, Reverse(self.values.len()))
    }
}

fn attributes(region: &Map<String, Value>) -> Option<&Map<String, Value>> {
    region.get("region_attributes").and_then(Value::as_object)
}

/// What a value says: a text, a number, or the one option of a check box that is set. Nothing
/// where it is empty.
fn stated(value: &Value) -> Result<Option<String>, String> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text.trim().to_owned()).filter(|text| !text.is_empty())),
        Value::Number(number) => Ok(Some(number.to_string())),
        Value::Object(options) => chosen(options),
        Value::Bool(_) | Value::Array(_) => Err(kind(value).into()),
    }
}

fn chosen(options: &Map<String, Value>) -> Result<Option<String>, String> {
    let is_set = |value: &Value| value.as_bool() == Some(true) || value.as_str() == Some("true");
    let mut set: Vec<&str> =
        options.iter().filter(|(_, value)| is_set(value)).map(|(name, _)| name.trim()).collect();
    set.sort_unstable();
    match set.as_slice() {
        [] => Ok(None),
        [class] => Ok(Some((*class).to_owned())),
        several => Err(format!("\"{}\"", several.join("\" and \""))),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde_json::json;

    fn region(attributes: Value) -> Map<String, Value> {
        json!({ "region_attributes": attributes }).as_object().unwrap().clone()
    }

    fn chosen_of(attributes: &[Value]) -> ClassAttribute {
        let regions: Vec<_> = attributes.iter().cloned().map(region).collect();
        ClassAttribute::of(regions.iter())
    }

    fn attribute(name: &str) -> ClassAttribute {
        ClassAttribute(Some(name.into()))
    }

    #[test]
    fn a_name_that_means_class_wins() {
        let attributes =
            [json!({"Type": "cat", "color": "red"}), json!({"Type": "cat", "color": "blue"})];
        assert_eq!(chosen_of(&attributes), attribute("Type"));
        let attributes = [json!({"name": "", "type": "cat"}), json!({"name": "", "type": "dog"})];
        assert_eq!(chosen_of(&attributes), attribute("type"));
        let attributes = [json!({"class": "x", "type": "a"}), json!({"class": "x", "type": "b"})];
        assert_eq!(chosen_of(&attributes), attribute("type"), "the one that varies");
    }

    #[test]
    fn of_other_names_the_one_that_varies_wins() {
        let attributes = [
            json!({"site": "a", "species": "oak", "tag": "1"}),
            json!({"site": "a", "species": "elm", "tag": "2"}),
            json!({"site": "a", "species": "elm", "tag": "3"}),
        ];
        assert_eq!(chosen_of(&attributes), attribute("species"));
        assert_eq!(chosen_of(&attributes[..1]), attribute("tag"), "none varies: the last by name");
        assert_eq!(chosen_of(&[json!({}), json!(null), json!(3)]), ClassAttribute(None));
    }

    #[test]
    fn a_class_is_text_number_or_option() {
        let class = |value| attribute("type").class_of(&region(json!({ "type": value })));
        assert_eq!(class(json!(" cat ")).unwrap(), "cat");
        assert_eq!(class(json!(7)).unwrap(), "7");
        assert_eq!(class(json!({"cat": true, "dog": false})).unwrap(), "cat");
        assert!(
            class(json!({"dog": true, "cat": true})).unwrap_err().contains("\"cat\" and \"dog\"")
        );
        assert!(class(json!({})).unwrap_err().contains("found no \"type\""));
        assert!(class(json!(["cat"])).unwrap_err().contains("a list"));
        assert_eq!(ClassAttribute(None).class_of(&region(json!({}))).unwrap(), "object");
    }
}
