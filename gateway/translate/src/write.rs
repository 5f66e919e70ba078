//! Writing JSON, a member at a time.

use fairlead_json::{Raw, write_string};

use crate::{Arguments, Text, Value};

/// A JSON text that grows: commas come by themselves.
#[derive(Debug, Default)]
pub struct Json {
    out: Vec<u8>,
}

impl Json {
    /// An empty text with room for so many bytes.
    #[must_use]
    pub fn with_capacity(bytes: usize) -> Self {
        Self {
            out: Vec::with_capacity(bytes),
        }
    }

    /// What was written.
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        self.out
    }

    /// An object as the next value.
    pub fn object(&mut self, members: impl FnOnce(&mut Self)) {
        self.separate();
        self.out.push(b'{');
        members(self);
        self.out.push(b'}');
    }

    /// An array as the next value.
    pub fn array(&mut self, elements: impl FnOnce(&mut Self)) {
        self.separate();
        self.out.push(b'[');
        elements(self);
        self.out.push(b']');
    }

    /// The name of the next member.
    pub fn key(&mut self, name: &str) -> &mut Self {
        self.separate();
        write_string(&mut self.out, name);
        self.out.push(b':');
        self
    }

    /// A text as the next value.
    pub fn text(&mut self, text: &Text<'_>) {
        self.separate();
        self.out.push(b'"');
        self.out.extend_from_slice(text.as_written().as_bytes());
        self.out.push(b'"');
    }

    /// Several texts as one, as the next value.
    pub fn texts<'t>(&mut self, texts: impl IntoIterator<Item = &'t Text<'t>>) {
        self.separate();
        self.out.push(b'"');
        for text in texts {
            self.out.extend_from_slice(text.as_written().as_bytes());
        }
        self.out.push(b'"');
    }

    /// A word of ours as the next value.
    pub fn str(&mut self, text: &str) {
        self.separate();
        write_string(&mut self.out, text);
    }

    /// A value as it is written elsewhere.
    pub fn raw(&mut self, raw: Raw<'_>) {
        self.verbatim(raw.text());
    }

    /// A value that may have been made anew.
    pub fn value(&mut self, value: &Value<'_>) {
        self.verbatim(value.text());
    }

    /// A value that is JSON already.
    pub fn verbatim(&mut self, json: &str) {
        self.separate();
        self.out.extend_from_slice(json.as_bytes());
    }

    /// A whole number as the next value.
    pub fn number(&mut self, number: u64) {
        self.verbatim(&number.to_string());
    }

    /// `true` or `false` as the next value.
    pub fn bool(&mut self, value: bool) {
        self.verbatim(if value { "true" } else { "false" });
    }

    /// `null` as the next value.
    pub fn null(&mut self) {
        self.verbatim("null");
    }

    /// What a tool is called with as a text that holds JSON: the form of OpenAI.
    pub fn arguments_as_text(&mut self, arguments: &Arguments<'_>) {
        match arguments {
            Arguments::Text(text) if text.is_blank() => self.str("{}"),
            Arguments::Text(text) => self.text(text),
            Arguments::Object(raw) => self.str(raw.text()),
        }
    }

    /// What a tool is called with as an object: the form of everybody else. What is no object is wrapped, not lost: a model has said it.
    pub fn arguments_as_object(&mut self, arguments: &Arguments<'_>) {
        match arguments {
            Arguments::Object(raw) => self.raw(*raw),
            Arguments::Text(text) if text.is_blank() => self.verbatim("{}"),
            Arguments::Text(text) => {
                let unescaped = text.unescaped();
                if is_object(&unescaped) {
                    self.verbatim(unescaped.trim());
                } else {
                    self.object(|json| json.key("_raw").text(text));
                }
            }
        }
    }

    fn separate(&mut self) {
        if !matches!(
            self.out.last(),
            None | Some(b'{' | b'[' | b':' | b' ' | b'\n')
        ) {
            self.out.push(b',');
        }
    }
}

fn is_object(text: &str) -> bool {
    Raw::parse(text.trim(), &fairlead_json::Limits::default())
        .is_ok_and(|raw| raw.kind() == fairlead_json::Kind::Object)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commas_come_by_themselves() {
        let mut json = Json::default();
        json.object(|json| {
            json.key("a").number(1);
            json.key("b").array(|json| {
                json.str("x");
                json.null();
                json.object(|_| {});
            });
            json.key("c").text(&Text::plain("ends in ["));
            json.key("d").bool(true);
        });
        assert_eq!(
            String::from_utf8(json.finish()).unwrap(),
            r#"{"a":1,"b":["x",null,{}],"c":"ends in [","d":true}"#
        );
    }

    #[test]
    fn arguments_change_their_form_and_not_their_meaning() {
        for (text, object) in [
            ("", "{}"),
            (
                r#"{"n":12345678901234567890,"q":"a\"b"}"#,
                r#"{"n":12345678901234567890,"q":"a\"b"}"#,
            ),
            ("[1]", r#"{"_raw":"[1]"}"#),
            ("{\"q\":", r#"{"_raw":"{\"q\":"}"#),
        ] {
            let mut json = Json::default();
            json.arguments_as_object(&Arguments::Text(Text::plain(text)));
            assert_eq!(String::from_utf8(json.finish()).unwrap(), object, "{text}");
        }
    }
}
