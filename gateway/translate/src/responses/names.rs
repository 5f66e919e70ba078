//! What an answer has to know of its request: which tools are custom, which namespace a name came from, and what it repeats.

use std::collections::BTreeMap;

use fairlead_json::{Kind, Raw};

use super::raw;
use crate::Text;

/// So much of a request is repeated, in bytes: an answer has it several times, for as long as it lasts.
const MOST_REPEATED: usize = 64 * 1024;

/// What the tools of a request are called by its caller, where that differs from what a provider is told, and the parameters that an answer repeats.
///
/// Built by [`echo`](super::request::echo). Without it a call is a `function_call` under the name the provider was told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Echo {
    names: BTreeMap<String, Named>,
    repeated: BTreeMap<&'static str, String>,
}

/// How a caller knows a tool.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Named {
    /// Whether it takes a plain text.
    pub(super) custom: bool,
    /// Whose it is.
    pub(super) namespace: Option<String>,
    /// What it is called there.
    pub(super) name: String,
}

/// What is looked at of a tool.
#[derive(Default)]
struct Members<'a> {
    kind: Option<Raw<'a>>,
    name: Option<Text<'a>>,
    inner: Option<Raw<'a>>,
}

impl<'a> Members<'a> {
    fn note(&mut self, name: &str, value: Raw<'a>) {
        match name {
            "type" => self.kind = Some(value),
            "name" => self.name = raw::filled(Some(value)),
            "tools" => self.inner = Some(value),
            _ => {}
        }
    }
}

impl Echo {
    /// Whether every tool is a function under its own name.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    pub(super) fn get(&self, flat: &Text<'_>) -> Option<&Named> {
        if self.names.is_empty() {
            return None;
        }
        self.names.get(&*flat.unescaped())
    }

    /// Notes a parameter that an answer repeats. A line break between tokens of JSON would end the line of an event.
    pub(super) fn repeat(&mut self, name: &'static str, value: Raw<'_>) {
        let told: usize = self.repeated.values().map(String::len).sum();
        if told + value.text().len() > MOST_REPEATED {
            return;
        }
        let value = value.text().replace(['\n', '\r'], " ");
        self.repeated.insert(name, value);
    }

    /// A parameter as the caller gave it.
    pub(super) fn repeated(&self, name: &str) -> Option<&str> {
        self.repeated.get(name).map(String::as_str)
    }

    /// Notes the tools of a list; whatever is not as it should be is passed over, for it is refused elsewhere.
    pub(super) fn note(&mut self, tools: Raw<'_>, namespace: Option<&Text<'_>>) {
        raw::each_object(tools, Members::note, |_, tool: Option<Members<'_>>| {
            let Members { kind, name, inner } = tool.unwrap_or_default();
            let Some(name) = name else { return };
            match (&*raw::words(kind), inner, namespace) {
                ("namespace", Some(inner), None) => self.note(inner, Some(&name)),
                ("custom", ..) => self.add(namespace, &name, true),
                ("function", _, Some(_)) => self.add(namespace, &name, false),
                _ => {}
            }
        });
    }

    fn add(&mut self, namespace: Option<&Text<'_>>, name: &Text<'_>, custom: bool) {
        let flat = match namespace {
            Some(namespace) => flattened(namespace, name),
            None => name.borrowed(),
        };
        let named = Named {
            custom,
            namespace: namespace.map(|text| text.unescaped().into_owned()),
            name: name.unescaped().into_owned(),
        };
        self.names
            .entry(flat.unescaped().into_owned())
            .or_insert(named);
    }
}

/// The one name of a tool that has two.
pub(super) fn flattened(namespace: &Text<'_>, name: &Text<'_>) -> Text<'static> {
    Text::joined([namespace, name], "__")
}

/// What a custom tool is called with, as a function: `{"input": ".."}`.
pub(super) fn custom_arguments(input: &Text<'_>) -> Text<'static> {
    let inside = Text::plain(input.as_written());
    Text::escaped(format!(r#"{{\"input\":\"{}\"}}"#, inside.as_written()))
}

/// The plain text that a custom tool is called with, of the arguments of the function it has become: both as they are written.
pub(super) fn custom_input(arguments: &str) -> String {
    let arguments = Text::escaped(arguments);
    let json = arguments.unescaped();
    let limits = fairlead_json::Limits::default();
    let mut input = None;
    if let Ok(object) = Raw::parse(json.trim(), &limits) {
        if object.kind() == Kind::Object && object.count() == 0 {
            return String::new();
        }
        object.each_member(|name, value| {
            if name == "input" {
                let text = Text::of(value).unwrap_or_else(|| Text::plain(value.text()));
                input = Some(text.as_written().to_owned());
            }
        });
    }
    // A model that did not keep to the schema has said it plainly.
    input.unwrap_or_else(|| arguments.as_written().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_long_is_not_repeated() {
        let long = format!("\"{}\"", "x".repeat(MOST_REPEATED));
        let limits = fairlead_json::Limits::default();
        let mut echo = Echo::default();
        for (name, text) in [("instructions", long.as_str()), ("user", "\"me\"")] {
            echo.repeat(name, Raw::parse(text, &limits).unwrap());
        }
        assert_eq!(echo.repeated("instructions"), None);
        assert_eq!(echo.repeated("user"), Some("\"me\""));
    }

    #[test]
    fn a_plain_input_survives_being_an_argument() {
        for input in ["", "*** Begin\n\"a\\b\"\t\u{1}é", "{\"input\":1}"] {
            let written = Text::plain(input);
            let arguments = custom_arguments(&written);
            let object: serde_json::Value = serde_json::from_str(&arguments.unescaped()).unwrap();
            assert_eq!(object, serde_json::json!({"input": input}));
            assert_eq!(custom_input(arguments.as_written()), written.as_written());
        }
        assert_eq!(custom_input("not json"), "not json");
        assert_eq!(custom_input(r#"{\"input\":{\"a\":1}}"#), r#"{\"a\":1}"#);
    }
}
