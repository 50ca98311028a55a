//! A config as values, each with its origin, and how one is laid over another.

use super::key_path::{KeyPath, Step};
use super::origin::Origin;
use serde_yaml::{Mapping, Value};

/// A value and who said it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Node {
    pub(super) content: Content,
    /// Of a map: who said something in it last.
    pub(super) origin: Origin,
}

/// What a value may be.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Content {
    /// Keys and values, in the order of the text.
    Map(Map),
    /// Entries.
    List(Vec<Node>),
    /// A number, a word, true, false or null.
    Scalar(Value),
}

/// Keys and values.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Map {
    pub(super) entries: Vec<(String, Node)>,
    /// Whether the only key is a choice among several, which another choice replaces.
    is_choice: bool,
}

/// A key that is no word.
#[derive(Debug)]
pub(super) struct BadKey {
    /// Of the map it stands in.
    pub(super) path: KeyPath,
    pub(super) key: Value,
}

impl Node {
    pub(super) fn null(origin: &Origin) -> Self {
        Self { content: Content::Scalar(Value::Null), origin: origin.clone() }
    }

    /// All of `value`, said by `origin`.
    pub(super) fn new(value: Value, origin: &Origin) -> Result<Self, BadKey> {
        Self::below(&KeyPath::default(), value, origin)
    }

    fn below(path: &KeyPath, value: Value, origin: &Origin) -> Result<Self, BadKey> {
        let content = match value {
            Value::Mapping(mapping) => {
                let entry = |(key, value)| match key {
                    Value::String(key) => {
                        let node = Self::below(&path.key(&key), value, origin)?;
                        Ok((key, node))
                    }
                    key => Err(BadKey { path: path.clone(), key }),
                };
                let entries = mapping.into_iter().map(entry).collect::<Result<_, _>>()?;
                Content::Map(Map { entries, is_choice: false })
            }
            Value::Sequence(values) => {
                let entry =
                    |(index, value)| Self::below(&path.then(Step::Index(index)), value, origin);
                Content::List(values.into_iter().enumerate().map(entry).collect::<Result<_, _>>()?)
            }
            // `!name {...}` is another way to write the choice `name: {...}`.
            Value::Tagged(tagged) => {
                let name = tagged.tag.to_string().trim_start_matches('!').to_owned();
                let node = Self::below(&path.key(&name), tagged.value, origin)?;
                Content::Map(Map { entries: vec![(name, node)], is_choice: true })
            }
            scalar => Content::Scalar(scalar),
        };
        Ok(Self { content, origin: origin.clone() })
    }

    /// The value alone.
    pub(super) fn to_value(&self) -> Value {
        match &self.content {
            Content::Map(map) => {
                let entry = |(key, node): &(String, Self)| (key.clone().into(), node.to_value());
                Value::Mapping(map.entries.iter().map(entry).collect::<Mapping>())
            }
            Content::List(nodes) => Value::Sequence(nodes.iter().map(Self::to_value).collect()),
            Content::Scalar(value) => value.clone(),
        }
    }

    /// Lays `over` over this: maps key by key, all else is replaced.
    pub(super) fn merge(&mut self, over: Self) {
        let Self { content, origin } = over;
        match (&mut self.content, content) {
            // Of several choices at once none is the one meant: reading them says so.
            (Content::Map(map), Content::Map(over)) if !map.is_choice || over.entries.len() < 2 => {
                for (key, node) in over.entries {
                    map.slot(&key, &origin).merge(node);
                }
            }
            (own, content) => *own = content,
        }
        self.origin = origin;
    }

    /// Lays `over` over what is at `steps`; maps come into being on the way.
    ///
    /// # Errors
    /// When an entry of a list is meant that does not exist.
    pub(super) fn merge_at(&mut self, steps: &[Step], over: Self) -> Result<(), String> {
        let origin = over.origin.clone();
        match steps.split_first() {
            None => self.merge(over),
            Some((Step::Key(key), rest)) => {
                if !matches!(self.content, Content::Map(_)) {
                    self.content = Content::Map(Map::default());
                }
                if let Content::Map(map) = &mut self.content {
                    map.slot(key, &origin).merge_at(rest, over)?;
                }
            }
            Some((&Step::Index(index), rest)) => match &mut self.content {
                Content::List(nodes) if index < nodes.len() => {
                    nodes[index].merge_at(rest, over)?;
                }
                Content::List(nodes) => {
                    return Err(format!("[{index}] of a list of {}, counted from 0", nodes.len()));
                }
                _ => return Err(format!("[{index}] of what is no list")),
            },
        }
        self.origin = origin;
        Ok(())
    }

    /// Who said what is at `path`, or the map it would be in.
    pub(super) fn origin_at(&self, path: &KeyPath) -> &Origin {
        let mut node = self;
        for step in &path.0 {
            match node.child(step) {
                Some(child) => node = child,
                None => break,
            }
        }
        &node.origin
    }

    /// The value at `path`.
    pub(super) fn at_mut(&mut self, path: &KeyPath) -> Option<&mut Self> {
        path.0.iter().try_fold(self, |node, step| match (&mut node.content, step) {
            (Content::Map(map), Step::Key(key)) => {
                map.entries.iter_mut().find(|(name, _)| name == key).map(|(_, node)| node)
            }
            (Content::List(nodes), &Step::Index(index)) => nodes.get_mut(index),
            _ => None,
        })
    }

    fn child(&self, step: &Step) -> Option<&Self> {
        match (&self.content, step) {
            (Content::Map(map), Step::Key(key)) => map.get(key),
            (Content::List(nodes), &Step::Index(index)) => nodes.get(index),
            _ => None,
        }
    }

    /// Learns from `typed`, this config as the program understood it, which maps are choices: enums
    /// are tagged in it.
    pub(super) fn mark_choices(&mut self, typed: &Value) {
        match (&mut self.content, typed) {
            (Content::Map(map), Value::Tagged(tagged)) => {
                map.is_choice = true;
                for (_, node) in &mut map.entries {
                    node.mark_choices(&tagged.value);
                }
            }
            (Content::Map(map), Value::Mapping(typed)) => {
                for (key, node) in &mut map.entries {
                    if let Some(typed) = typed.get(key.as_str()) {
                        node.mark_choices(typed);
                    }
                }
            }
            (Content::List(nodes), Value::Sequence(typed)) => {
                nodes.iter_mut().zip(typed).for_each(|(node, typed)| node.mark_choices(typed));
            }
            _ => {}
        }
    }

    /// Takes origins from `said`, of which this is what the program made; what is only here keeps
    /// its own.
    pub(super) fn take_origins(&mut self, said: &Self) {
        match (&mut self.content, &said.content) {
            (Content::Map(map), Content::Map(said)) => {
                for (key, node) in &mut map.entries {
                    if let Some(said) = said.get(key) {
                        node.take_origins(said);
                    }
                }
            }
            (Content::List(nodes), Content::List(said)) if nodes.len() == said.len() => {
                nodes.iter_mut().zip(said).for_each(|(node, said)| node.take_origins(said));
            }
            // A shorter way to say it, or null where all is left to the program.
            _ => self.say_all(&said.origin),
        }
        self.origin = said.origin.clone();
    }

    fn say_all(&mut self, origin: &Origin) {
        self.origin = origin.clone();
        match &mut self.content {
            Content::Map(map) => map.entries.iter_mut().for_each(|(_, node)| node.say_all(origin)),
            Content::List(nodes) => nodes.iter_mut().for_each(|node| node.say_all(origin)),
            Content::Scalar(_) => {}
        }
    }

    /// All places, below `path`, that a key of this name stands at.
    pub(super) fn places_of(&self, name: &str) -> Vec<KeyPath> {
        let mut places = Vec::new();
        self.collect_places(name, &KeyPath::default(), &mut places);
        places
    }

    fn collect_places(&self, name: &str, path: &KeyPath, places: &mut Vec<KeyPath>) {
        if let Content::Map(map) = &self.content {
            for (key, node) in &map.entries {
                let below = path.key(key);
                node.collect_places(name, &below, places);
                if key == name {
                    places.push(below);
                }
            }
        }
    }
}

impl Map {
    pub(super) fn get(&self, key: &str) -> Option<&Node> {
        self.entries.iter().find(|(name, _)| name == key).map(|(_, node)| node)
    }

    /// The value of `key`, null where it is new; a new choice ends the old one.
    fn slot(&mut self, key: &str, origin: &Origin) -> &mut Node {
        let place = self.entries.iter().position(|(name, _)| name == key);
        let place = place.unwrap_or_else(|| {
            if self.is_choice {
                self.entries.clear();
            }
            self.entries.push((key.to_owned(), Node::null(origin)));
            self.entries.len() - 1
        });
        &mut self.entries[place].1
    }
}
