//! Configs of a struct made up for the purpose.

mod decided;

use super::*;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fs;
use tempfile::TempDir;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Kitchen {
    data: Data,
    optimizer: Optimizer,
    head: Head,
    mask: Option<Head>,
    milestones: Vec<u64>,
    augment: Vec<Head>,
    notes: BTreeMap<String, String>,
    strict: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Data {
    path: Option<String>,
    batch: usize,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Optimizer {
    lr: f32,
    momentum: f64,
    norm: Norm,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Head {
    TwoFc { features: i64 },
    ConvFc { convs: i64, features: i64 },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Norm {
    Batch,
    Frozen { eps: f64 },
    Group { groups: i64 },
}

impl Default for Optimizer {
    fn default() -> Self {
        Self { lr: 0.1, momentum: 0.9, norm: Norm::Batch }
    }
}

impl Default for Kitchen {
    fn default() -> Self {
        Self {
            data: Data { path: None, batch: 4 },
            optimizer: Optimizer::default(),
            head: Head::ConvFc { convs: 4, features: 1024 },
            mask: None,
            milestones: vec![16, 22],
            augment: Vec::new(),
            notes: BTreeMap::new(),
            strict: false,
        }
    }
}

const BUILT_IN: [BuiltIn; 3] = [
    BuiltIn { name: "base/kitchen.yaml", text: "version: 1\noptimizer: {momentum: 0.5}\n" },
    BuiltIn {
        name: "quick/kitchen.yaml",
        text: "base: ../base/kitchen.yaml\ndata:\n  path: drawn\n",
    },
    BuiltIn { name: "quick/bad.yaml", text: "# two lines\noptimizer: {lrr: 1}\n" },
];

/// Files in a folder.
struct Files(TempDir);

impl Files {
    fn new(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        Self(folder)
    }

    fn resolve(&self, name: &str, sets: &[&str]) -> Result<Resolved<Kitchen>, ConfigError> {
        resolve_with(Source::File(&self.0.path().join(name)), sets)
    }

    /// What is said of a bad config, the folder left out.
    fn refusal(&self, name: &str) -> String {
        let error = self.resolve(name, &[]).unwrap_err().to_string();
        error.replace(&format!("{}/", self.0.path().display()), "")
    }
}

fn resolve_with(source: Source<'_>, sets: &[&str]) -> Result<Resolved<Kitchen>, ConfigError> {
    let sets: Vec<String> = sets.iter().map(|set| (*set).to_owned()).collect();
    resolve(source, &sets, &BUILT_IN)
}

fn from_text(text: &str, sets: &[&str]) -> Result<Resolved<Kitchen>, ConfigError> {
    resolve_with(Source::Text { name: "a.yaml", text }, sets)
}

fn refusal(text: &str) -> String {
    from_text(text, &[]).unwrap_err().to_string()
}

#[test]
fn nothing_said_is_the_default() {
    let resolved = resolve_with(Source::Defaults, &[]).unwrap();
    assert_eq!(resolved.value, Kitchen::default());
    assert_eq!(*resolved.origin("optimizer.lr"), Origin::Default);
    assert_eq!(resolved.folder_of("data.path"), Path::new(""));
}

#[test]
fn each_layer_lies_over_the_one_below() {
    let files = Files::new(&[
        ("base/a.yaml", "version: 1\noptimizer: {lr: 0.2, momentum: 0.8}\nmilestones: [1]\n"),
        ("b.yaml", "base: base/a.yaml\noptimizer: {lr: 0.3}\ndata: {path: here}\n"),
        ("deep/c.yaml", "base: ../b.yaml\nmilestones: []\n"),
    ]);
    let found = files.resolve("deep/c.yaml", &["optimizer.lr=0.4", "data.batch=2"]).unwrap();
    let Kitchen { optimizer, data, milestones, .. } = &found.value;
    assert_eq!((optimizer.lr, optimizer.momentum), (0.4, 0.8));
    assert_eq!((data.path.as_deref(), data.batch), (Some("here"), 2));
    assert!(milestones.is_empty());
    let ends_with = |key: &str, name: &str| {
        let origin = found.origin(key).to_string();
        assert!(origin.ends_with(name), "{key}: {origin}");
    };
    ends_with("optimizer.momentum", "/base/a.yaml");
    ends_with("data.path", "/b.yaml");
    ends_with("milestones", "/deep/c.yaml");
    ends_with("data.batch", "--set");
    ends_with("head", "default");
    assert!(found.place("data.path").ends_with("/b.yaml:3"), "{}", found.place("data.path"));
    assert_eq!(found.place("data.batch"), "--set data.batch=2");
    // The way to the file, as the system knows it, leads over the folder that named it.
    assert_eq!(
        found.folder_of("data.path").canonicalize().unwrap(),
        files.0.path().canonicalize().unwrap()
    );
}

#[test]
fn another_choice_replaces_a_choice_and_the_same_one_is_merged() {
    let same = from_text("head: {conv_fc: {convs: 2}}", &[]).unwrap().value;
    assert_eq!(same.head, Head::ConvFc { convs: 2, features: 1024 });
    let other = from_text("head: {two_fc: {features: 8}}", &[]).unwrap().value;
    assert_eq!(other.head, Head::TwoFc { features: 8 });
    let tagged = from_text("head: !two_fc {features: 8}", &[]).unwrap().value;
    assert_eq!(tagged.head, Head::TwoFc { features: 8 });
    // A choice that the file below made first, where the default is a mere name, or nothing.
    let files = Files::new(&[
        ("a.yaml", "optimizer: {norm: {group: {groups: 32}}}\nmask: {two_fc: {features: 8}}\n"),
        ("b.yaml", "base: a.yaml\noptimizer: {norm: {frozen: {eps: 0}}}\n"),
    ]);
    let sets = ["mask.conv_fc={convs: 1, features: 2}"];
    let found = files.resolve("b.yaml", &sets).unwrap().value;
    assert_eq!(found.optimizer.norm, Norm::Frozen { eps: 0.0 });
    assert_eq!(found.mask, Some(Head::ConvFc { convs: 1, features: 2 }));
    let none = files.resolve("b.yaml", &["mask=null"]).unwrap();
    assert_eq!((none.value.mask.clone(), none.origin("mask").to_string()), (None, "--set".into()));
}

#[test]
fn entries_of_lists_can_be_set() {
    let found = from_text("milestones: [1, 2, 3]", &["milestones[1]=7"]).unwrap();
    assert_eq!(found.value.milestones, [1, 7, 3]);
    let text = found.annotated_yaml();
    assert!(text.contains("  - 7") && text.contains("# --set"), "{text}");
    for (set, said) in [
        ("milestones[3]=7", "--set milestones[3]=7: there is no milestones[3]: [3] of a list of 3"),
        ("data[0]=7", "of what is no list"),
        ("milestones", "expected KEY=VALUE"),
        ("a..b=1", "`a..b` is no key"),
        ("data=[", "no YAML"),
        ("optimizer.lrr=1", "optimizer.lrr: unknown field `lrr`"),
        ("optimizer=3", "--set optimizer=3: optimizer: invalid type"),
        (
            "data.batch=-1",
            "data.batch: invalid type: integer `-1`, expected a whole number, at least 0",
        ),
    ] {
        let error = from_text("milestones: [1, 2, 3]", &[set]).unwrap_err().to_string();
        assert!(error.starts_with("--set ") && error.contains(said), "{set}: {error}");
    }
}

#[test]
fn what_is_shown_has_every_origin_and_reads_back() {
    let text = "\
data: {path: \"a: b # c, [d]\"}
optimizer: {lr: 1e-3}
augment: [two_fc: {features: 3}, conv_fc: {convs: 1, features: 2}]
notes: {\"true\": \"two\\nlines\", x: 'no', y: \"1\", z: ' '}
";
    let found = from_text(text, &["strict=true"]).unwrap();
    let shown = found.annotated_yaml();
    assert_eq!(from_text(&shown, &[]).unwrap().value, found.value, "{shown}");
    let width = "  - conv_fc: {convs: 1, features: 2}".len();
    for (text, origin) in [
        ("  lr: 0.001", "a.yaml"),
        ("  momentum: 0.9", "default"),
        ("milestones: [16, 22]", "default"),
        ("  - two_fc: {features: 3}", "a.yaml"),
        ("strict: true", "--set"),
    ] {
        let line = format!("{text:width$}  # {origin}");
        assert!(shown.lines().any(|shown| shown == line), "{line}\n{shown}");
    }
}

#[test]
fn a_fault_is_named_with_file_line_and_key() {
    let files = Files::new(&[
        ("base.yaml", "# remark\noptimizer:\n\n  momentum: 0.8\n  lrr: 0.2\n"),
        ("typo.yaml", "base: base.yaml\n"),
        ("type.yaml", "data:\n  batch: 1\nhead:\n  two_fc:\n    features: many\n"),
        ("top.yaml", "lr: 3\n"),
        ("twice.yaml", "data:\n  batch: 1\n  path: x\n  batch: 2\n"),
        ("choices.yaml", "head:\n  two_fc: {features: 3}\n  conv_fc: {convs: 1, features: 2}\n"),
        ("alone.yaml", "head: two_fc\n"),
        ("entry.yaml", "milestones:\n  - 1\n  - x\n"),
        ("missing.yaml", "data: {batch: 1}\nmask:\n  two_fc: {}\n"),
    ]);
    for (name, expected) in [
        (
            "typo.yaml",
            "base.yaml:5: optimizer.lrr: unknown field `lrr`, expected one of `lr`, `momentum`, `norm`; did you mean `lr`?",
        ),
        (
            "type.yaml",
            "type.yaml:5: head.two_fc.features: invalid type: string \"many\", expected a whole number",
        ),
        ("top.yaml", "did you mean `optimizer.lr`?"),
        ("top.yaml", "top.yaml:1: lr: unknown field `lr`"),
        ("twice.yaml", "twice.yaml:4: data.batch is there twice; leave one of them out"),
        ("choices.yaml", "choices.yaml:1: head: several keys; expected one choice"),
        ("alone.yaml", "alone.yaml:1: head: a name alone; expected settings below it"),
        (
            "entry.yaml",
            "entry.yaml:3: milestones[1]: invalid type: string \"x\", expected a whole number",
        ),
        ("missing.yaml", "missing.yaml:3: mask.two_fc: missing field `features`"),
    ] {
        let said = files.refusal(name);
        assert!(said.contains(expected), "{name}: {said}");
    }
}

#[test]
fn what_is_no_config_is_refused() {
    let deep = format!("a: {}{}", "[".repeat(60_000), "]".repeat(10));
    let bomb: String = ["a: &a [x, x]\n".to_owned()]
        .into_iter()
        .chain(('b'..='z').map(|key| {
            let below = (key as u8 - 1) as char;
            format!("{key}: &{key} [*{below}, *{below}, *{below}, *{below}]\n")
        }))
        .collect();
    for (text, said) in [
        ("", "nothing in it; expected keys and values; `kestrel config init`"),
        ("# only a remark\n", "nothing in it"),
        ("- a\n- b\n", "a list; expected keys"),
        ("hello", "a single value; expected keys"),
        ("version: 2", "a.yaml:1: version: found 2, expected 1"),
        ("version: '1'", "a.yaml:1: version: found '1', expected 1"),
        ("a: 1\nbase: [x]", "a.yaml:2: base: found a list, expected the path of a file"),
        ("data:\n  3: x", "a.yaml:1: data: the key 3; expected a word"),
        ("a: [", "a.yaml:2: did not find expected node content"),
        ("a: *b", "unknown anchor"),
        ("a: 1\n---\nb: 2", "more than one document"),
        (&deep, "a.yaml:1: more than 1000 open brackets"),
        (&"- ".repeat(1000), "recursion limit exceeded"),
        (&bomb, "repetition limit exceeded"),
        (&"a: 1\n".repeat(20_000), "more than 65536 bytes, the most a config has; is it one?"),
    ] {
        let error = refusal(text);
        assert!(error.starts_with("a.yaml:") && error.contains(said), "{text:.20}: {error}");
    }
    let files = Files::new(&[]);
    fs::write(files.0.path().join("a.yaml"), b"a: 1\nb: \xff\n").unwrap();
    assert_eq!(files.refusal("a.yaml"), "a.yaml:2: the byte 0xff; expected UTF-8 text");
    fs::create_dir(files.0.path().join("folder")).unwrap();
    assert!(files.refusal("folder").starts_with("cannot read the config folder: "));
}

#[test]
fn anchors_and_merge_keys_work() {
    let text = "notes: &n {a: x}\ndata:\n  batch: 3\nhead: {conv_fc: &h {convs: 9}}\nmask:\n  conv_fc: {<<: *h, features: 1}\n";
    let found = from_text(text, &[]).unwrap().value;
    assert_eq!(found.mask, Some(Head::ConvFc { convs: 9, features: 1 }));
}

#[test]
fn bases_that_lead_nowhere_are_refused() {
    let files = Files::new(&[
        ("a.yaml", "base: b.yaml\n"),
        ("b.yaml", "\nbase: deep/../a.yaml\n"),
        ("self.yaml", "base: self.yaml\n"),
        ("lost.yaml", "base: base/kichen.yaml\n"),
    ]);
    fs::create_dir(files.0.path().join("deep")).unwrap();
    assert_eq!(files.refusal("a.yaml"), "b.yaml:2: base leads in a circle: a.yaml, b.yaml, a.yaml");
    assert_eq!(
        files.refusal("self.yaml"),
        "self.yaml:1: base leads in a circle: self.yaml, self.yaml"
    );
    assert_eq!(
        files.refusal("lost.yaml"),
        "lost.yaml:1: base: no config base/kichen.yaml: neither a file nor one of those built in; \
         did you mean base/kitchen.yaml?"
    );
    assert!(files.refusal("no.yaml").starts_with("no config "));
}

#[test]
fn built_in_configs_need_no_files() {
    for name in ["quick/kitchen.yaml", "quick/kitchen", "configs/quick/kitchen.yaml"] {
        let found = resolve_with(Source::File(Path::new(name)), &[]).unwrap();
        assert_eq!(found.value.optimizer.momentum, 0.5);
        assert_eq!(found.origin("data.path").to_string(), "quick/kitchen.yaml");
        assert_eq!(found.folder_of("data.path"), Path::new(""));
    }
    let absolute = resolve_with(Source::File(Path::new("/quick/kitchen.yaml")), &[]);
    assert!(matches!(absolute, Err(ConfigError::Missing { .. })));
    let files = Files::new(&[
        ("mine.yaml", "base: base/kitchen.yaml\n"),
        ("base/kitchen.yaml", "strict: true\n"),
    ]);
    let found = files.resolve("mine.yaml", &[]).unwrap().value;
    assert!(found.strict && found.optimizer.momentum == 0.9, "a file goes before what is built in");
    let bad = resolve_with(Source::File(Path::new("quick/bad.yaml")), &[]).unwrap_err().to_string();
    assert!(bad.starts_with("quick/bad.yaml:2: optimizer.lrr: unknown field"), "{bad}");
}

#[test]
fn whatever_stands_in_a_file_is_read_or_refused() {
    use proptest::prelude::*;
    let pieces = prop_oneof![
        Just("data:"),
        Just("  "),
        Just("\n"),
        Just("optimizer:"),
        Just("lr:"),
        Just(" 1"),
        Just("["),
        Just("]"),
        Just("{"),
        Just("}"),
        Just(","),
        Just("- "),
        Just("&a "),
        Just("*a"),
        Just("<<:"),
        Just("!x "),
        Just("base: "),
        Just("version: 1"),
        Just("|"),
        Just("\""),
        Just("null"),
        Just("head:"),
        Just("two_fc:"),
        Just("\t"),
        Just("é"),
        Just("? "),
        Just("#"),
    ];
    let texts = proptest::collection::vec(pieces, 0..24);
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(400));
    let outcome = runner.run(&texts, |pieces| {
        if let Ok(found) = from_text(&pieces.concat(), &["data.batch=1"]) {
            let shown = found.annotated_yaml();
            prop_assert_eq!(from_text(&shown, &[]).unwrap().value, found.value);
        }
        Ok(())
    });
    outcome.unwrap();
}
