//! YAML events -> nodes. Bounded: nesting, and how much aliases may expand to.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use granit_parser::{Event, Marker, Parser, ScalarStyle, ScanError, StrInput, Tag};
use serde_json::Value;

use super::node::{At, Content, Entry, Node};
use super::scalar;

/// How deep a document may nest: objects of the API are about ten deep.
const DEPTH: usize = 64;
/// How many nodes the aliases of one file may add up to; without a bound, a few lines stand for gigabytes.
const ALIASED_NODES: usize = 100_000;

/// What cannot be read, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) at: At,
    pub(super) message: String,
}

impl Fault {
    pub(super) fn new(at: At, message: impl Into<String>) -> Self {
        Self {
            at,
            message: message.into(),
        }
    }
}

impl From<ScanError> for Fault {
    fn from(error: ScanError) -> Self {
        Self::new(position(error.marker()), error.info())
    }
}

/// Gives the root node of each document in `text`, one after the other: a file may hold very many.
pub(super) fn roots(
    text: &str,
    mut each: impl FnMut(Node) -> Result<(), Fault>,
) -> Result<(), Fault> {
    // Another crate of the tree may have switched comments on; they are neither values nor structure.
    let options = granit_parser::options! { emit_comments: false };
    let mut reader = Reader {
        events: Parser::new_from_str_with_options(text, options),
        anchors: BTreeMap::new(),
        aliased: 0,
    };
    while let Some((event, at)) = reader.next()? {
        if matches!(event, Event::DocumentStart(..)) {
            reader.anchors.clear();
        } else if event.is_node() {
            each(reader.node(event, at, 0)?)?;
        }
    }
    Ok(())
}

struct Reader<'t> {
    events: Parser<'t, StrInput<'t>>,
    anchors: BTreeMap<usize, Node>,
    aliased: usize,
}

impl<'t> Reader<'t> {
    fn next(&mut self) -> Result<Option<(Event<'t>, At)>, Fault> {
        let next = self.events.next_event().transpose()?;
        Ok(next.map(|(event, span)| (event, position(&span.start))))
    }

    /// The next event within a collection, which cannot be the end of the text.
    fn within(&mut self, opened: At) -> Result<(Event<'t>, At), Fault> {
        self.next()?
            .ok_or_else(|| Fault::new(opened, "this list or object is not closed"))
    }

    /// The node that `event` begins.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the parser's events are open-ended, and only these four begin a node"
    )]
    fn node(&mut self, event: Event<'t>, at: At, depth: usize) -> Result<Node, Fault> {
        if depth > DEPTH {
            return Err(Fault::new(at, format!("nested deeper than {DEPTH} levels")));
        }
        let (content, anchor) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                (scalar_content(&text, style, tag.as_ref(), at)?, anchor)
            }
            Event::SequenceStart(_, anchor, tag) => {
                core_tag(tag.as_ref(), "seq", at)?;
                (self.sequence(at, depth)?, anchor)
            }
            Event::MappingStart(_, anchor, tag) => {
                core_tag(tag.as_ref(), "map", at)?;
                (self.mapping(at, depth)?, anchor)
            }
            Event::Alias(anchor) => (self.alias(anchor, at)?, 0),
            _ => return Err(Fault::new(at, "a value is expected here")),
        };
        let node = Node { at, content };
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    fn sequence(&mut self, opened: At, depth: usize) -> Result<Content, Fault> {
        let mut items = Vec::new();
        loop {
            match self.within(opened)? {
                (Event::SequenceEnd, _) => return Ok(Content::Sequence(items)),
                (event, at) => items.push(self.node(event, at, depth + 1)?),
            }
        }
    }

    fn mapping(&mut self, opened: At, depth: usize) -> Result<Content, Fault> {
        let mut entries = Vec::new();
        let mut seen = BTreeSet::new();
        loop {
            let (key, at) = match self.within(opened)? {
                (Event::MappingEnd, _) => return Ok(Content::Mapping(entries)),
                (Event::Scalar(key, style, _, _), at) => (merge_free(key, style, at)?, at),
                (_, at) => return Err(Fault::new(at, "a key must be a plain text")),
            };
            if !seen.insert(key.clone()) {
                return Err(Fault::new(
                    at,
                    format!("the key {key:?} stands twice in this object; keep one of them"),
                ));
            }
            let (event, value_at) = self.within(opened)?;
            let value = self.node(event, value_at, depth + 1)?;
            entries.push(Entry { key, at, value });
        }
    }

    /// The content an alias stands for. The lines within stay those of the anchor, where they can be mended.
    fn alias(&mut self, anchor: usize, at: At) -> Result<Content, Fault> {
        let Some(node) = self.anchors.get(&anchor) else {
            return Err(Fault::new(
                at,
                "this alias stands within the very value it names",
            ));
        };
        self.aliased += size(node);
        if self.aliased > ALIASED_NODES {
            return Err(Fault::new(
                at,
                format!(
                    "the aliases of this file expand to more than {ALIASED_NODES} values; write fewer of them"
                ),
            ));
        }
        Ok(node.content.clone())
    }
}

fn scalar_content(
    text: &str,
    style: ScalarStyle,
    tag: Option<&Cow<'_, Tag>>,
    at: At,
) -> Result<Content, Fault> {
    let value = match tag {
        None if style == ScalarStyle::Plain => {
            scalar::plain(text).map_err(|message| Fault::new(at, message))?
        }
        None => Value::String(text.to_owned()),
        Some(tag) => {
            let core = tag.core_suffix().ok_or_else(|| private_tag(at))?;
            scalar::tagged(text, core)
                .ok_or_else(|| Fault::new(at, format!("the value does not fit its tag !!{core}")))?
        }
    };
    Ok(Content::Scalar(value))
}

/// A collection may carry the tag it has anyhow, and no other.
fn core_tag(tag: Option<&Cow<'_, Tag>>, expected: &str, at: At) -> Result<(), Fault> {
    match tag {
        Some(tag) if !tag.is_yaml_core_schema_tag(expected) => Err(private_tag(at)),
        _ => Ok(()),
    }
}

fn private_tag(at: At) -> Fault {
    Fault::new(
        at,
        "only the tags of YAML's core schema (!!str, !!int and so on) are read; remove the tag",
    )
}

/// Merge keys belong to YAML 1.1; read as 1.2 they would be an ordinary field, which nobody means.
fn merge_free(key: Cow<'_, str>, style: ScalarStyle, at: At) -> Result<String, Fault> {
    if key == "<<" && style == ScalarStyle::Plain {
        return Err(Fault::new(
            at,
            "merge keys (<<) are not part of YAML 1.2; write the fields out",
        ));
    }
    Ok(key.into_owned())
}

fn size(node: &Node) -> usize {
    1 + match &node.content {
        Content::Scalar(_) => 0,
        Content::Sequence(items) => items.iter().map(size).sum(),
        Content::Mapping(entries) => entries.iter().map(|entry| size(&entry.value)).sum(),
    }
}

/// The parser counts lines from 1 and columns from 0.
fn position(marker: &Marker) -> At {
    At {
        line: u32::try_from(marker.line().max(1)).unwrap_or(u32::MAX),
        column: u32::try_from(marker.col() + 1).unwrap_or(u32::MAX),
    }
}
