//! YAML as a person would write it: fields in the order given, texts quoted only where another reading would be possible. What is written
//! reads the same by YAML 1.2, which the gateway follows, and by 1.1, which `kubectl` follows.

use std::borrow::Cow;

use serde_json::{Number, Value};

/// A piece of a document.
#[derive(Clone, PartialEq)]
#[cfg_attr(test, derive(Debug))]
pub(crate) enum Node {
    /// A text.
    Text(String),
    /// A number.
    Number(Number),
    /// A truth value.
    Bool(bool),
    /// Entries.
    List(Vec<Node>),
    /// Fields, in this order.
    Map(Vec<(Cow<'static, str>, Node)>),
}

impl Node {
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    pub(crate) fn whole(number: u64) -> Self {
        Self::Number(number.into())
    }

    /// Fields whose names need no quotes.
    pub(crate) fn map<const N: usize>(fields: [(&'static str, Self); N]) -> Self {
        Self::Map(fields.map(|(name, value)| (name.into(), value)).into())
    }

    /// A value of a parameter: a scalar, or a list of them.
    pub(crate) fn parameter(value: &Value) -> Option<Self> {
        Some(match value {
            Value::String(text) => Self::text(text),
            Value::Number(number) => Self::Number(number.clone()),
            Value::Bool(truth) => Self::Bool(*truth),
            Value::Array(entries) => {
                Self::List(entries.iter().map(Self::parameter).collect::<Option<_>>()?)
            }
            Value::Null | Value::Object(_) => return None,
        })
    }

    pub(crate) fn texts<'t>(texts: impl IntoIterator<Item = &'t String>) -> Self {
        Self::List(texts.into_iter().map(Self::text).collect())
    }

    /// The document as text.
    pub(crate) fn document(&self) -> String {
        let mut out = String::new();
        self.below(0, &mut out);
        out
    }

    /// Writes what stands in lines of its own.
    fn below(&self, indent: usize, out: &mut String) {
        match self {
            Self::Map(fields) => {
                for (name, value) in fields {
                    pad(indent, out);
                    value.field(name, indent, out);
                }
            }
            Self::List(entries) => {
                for entry in entries {
                    pad(indent, out);
                    out.push_str("- ");
                    entry.entry(indent, out);
                }
            }
            Self::Text(_) | Self::Number(_) | Self::Bool(_) => {
                out.push_str(&self.inline());
                out.push('\n');
            }
        }
    }

    fn field(&self, name: &str, indent: usize, out: &mut String) {
        out.push_str(name);
        out.push(':');
        if self.is_short() {
            out.push(' ');
            out.push_str(&self.inline());
            out.push('\n');
            return;
        }
        out.push('\n');
        // Entries of a list stand below its name; fields stand further in.
        let indent = match self {
            Self::List(_) => indent,
            Self::Map(_) | Self::Text(_) | Self::Number(_) | Self::Bool(_) => indent + 2,
        };
        self.below(indent, out);
    }

    /// The first field of an entry stands behind its hyphen.
    fn entry(&self, indent: usize, out: &mut String) {
        let Self::Map(fields) = self else {
            out.push_str(&self.inline());
            out.push('\n');
            return;
        };
        if fields.is_empty() {
            out.push_str("{}\n");
        }
        for (at, (name, value)) in fields.iter().enumerate() {
            if at > 0 {
                pad(indent + 2, out);
            }
            value.field(name, indent + 2, out);
        }
    }

    /// Lists of texts and small references fit a line.
    fn is_short(&self) -> bool {
        let scalar = |node: &Self| !matches!(node, Self::List(_) | Self::Map(_));
        let flat = match self {
            Self::List(entries) => entries.iter().all(scalar),
            Self::Map(fields) => fields.len() <= 2 && fields.iter().all(|(_, node)| scalar(node)),
            Self::Text(_) | Self::Number(_) | Self::Bool(_) => return true,
        };
        flat && self.inline().len() <= 100
    }

    fn inline(&self) -> String {
        match self {
            Self::Text(text) => quoted(text),
            Self::Number(number) => number.to_string(),
            Self::Bool(truth) => truth.to_string(),
            Self::List(entries) => {
                let entries: Vec<String> = entries.iter().map(Self::inline).collect();
                format!("[{}]", entries.join(", "))
            }
            Self::Map(fields) => {
                let field = |(name, value): &(Cow<'static, str>, Self)| {
                    format!("{name}: {}", value.inline())
                };
                let fields: Vec<String> = fields.iter().map(field).collect();
                format!("{{{}}}", fields.join(", "))
            }
        }
    }
}

fn pad(indent: usize, out: &mut String) {
    out.extend(std::iter::repeat_n(' ', indent));
}

/// The text as it stands, if no reader takes it for anything else; otherwise in double quotes.
fn quoted(text: &str) -> String {
    if is_plain(text) {
        return text.to_owned();
    }
    let mut out = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            // Not printable, or a line break to some reader.
            '\0'..='\x1f'
            | '\x7f'..='\u{a0}'
            | '\u{2028}'
            | '\u{2029}'
            | '\u{feff}'
            | '\u{fffe}'
            | '\u{ffff}' => {
                out.push_str(&format!("\\u{:04x}", u32::from(letter)));
            }
            _ => out.push(letter),
        }
    }
    out.push('"');
    out
}

fn is_plain(text: &str) -> bool {
    if is_duration(text) {
        return true;
    }
    // What YAML 1.1 reads as something else (source: its types bool, null, float).
    const WORDS: [&str; 10] = [
        "y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan",
    ];
    let begins = text
        .bytes()
        .next()
        .is_some_and(|byte| byte.is_ascii_alphabetic());
    let safe = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./:".contains(&byte);
    begins
        && text.bytes().all(safe)
        && !text.ends_with(':')
        && !WORDS.contains(&text.to_ascii_lowercase().as_str())
}

/// A number with a unit is none to anybody.
fn is_duration(text: &str) -> bool {
    let number = text.trim_end_matches(['m', 's', 'h']);
    let unit = &text[number.len()..];
    !number.is_empty()
        && number.bytes().all(|byte| byte.is_ascii_digit())
        && ["ms", "s", "m", "h"].contains(&unit)
}

#[cfg(test)]
mod tests {
    use fairlead_compile::documents;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn read(node: &Node) -> Value {
        let text = node.document();
        let mut found =
            documents("written", &text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        assert_eq!(found.len(), 1, "{text}");
        found.remove(0).value
    }

    fn value(node: &Node) -> Value {
        match node {
            Node::Text(text) => json!(text),
            Node::Number(number) => json!(number),
            Node::Bool(truth) => json!(truth),
            Node::List(entries) => entries.iter().map(value).collect(),
            Node::Map(fields) => {
                let field =
                    |(name, node): &(Cow<'static, str>, Node)| (name.to_string(), value(node));
                Value::Object(fields.iter().map(field).collect())
            }
        }
    }

    fn node() -> impl Strategy<Value = Node> {
        let text = prop_oneof![
            any::<String>(),
            "[a-z0-9*/.: #{}\\[\\],&!|>'\"%@`-]{0,12}",
            Just("yes".to_owned()),
            Just("1e3".to_owned())
        ];
        let leaf = prop_oneof![
            text.prop_map(Node::Text),
            any::<u32>().prop_map(|number| Node::whole(number.into())),
            // A whole number is one however it is written.
            any::<f64>().prop_map(|number| {
                let number = Some(number).filter(|number| number.fract() != 0.0);
                number
                    .and_then(Number::from_f64)
                    .map_or(Node::Bool(true), Node::Number)
            }),
            any::<bool>().prop_map(Node::Bool),
        ];
        leaf.prop_recursive(4, 32, 4, |inner| {
            let map = |entries: Vec<Node>| {
                let names = ["a", "b", "c", "d"].map(Cow::Borrowed);
                Node::Map(names.into_iter().zip(entries).collect())
            };
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Node::List),
                prop::collection::vec(inner, 0..4).prop_map(map),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_as_it_was_meant(inner in node()) {
            let document = Node::map([("kind", Node::text("X")), ("spec", inner)]);
            prop_assert_eq!(read(&document), value(&document));
        }
    }

    #[test]
    fn texts_are_quoted_only_where_they_need_it() {
        for plain in [
            "gpt-4o",
            "90s",
            "1500ms",
            "https://api.example.com:8443/v1",
            "a.b_c",
        ] {
            assert_eq!(quoted(plain), plain);
        }
        for other in [
            "",
            "yes",
            "1",
            "gpt-*",
            "a: b",
            "a:",
            "- a",
            "null",
            "os.environ X",
            "1.5",
        ] {
            assert_eq!(quoted(other), format!("\"{other}\""));
        }
    }
}
