//! A string as it is written between its quotes.

use std::borrow::Cow;

use fairlead_json::{Kind, Raw, write_string};

/// The inside of a JSON string, its escapes untouched, so that it goes from one document into another as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Text<'a>(Cow<'a, str>);

impl<'a> Text<'a> {
    /// What a string value says; `None` if it is no string.
    #[must_use]
    pub fn of(raw: Raw<'a>) -> Option<Self> {
        if raw.kind() != Kind::String {
            return None;
        }
        let inside = raw.text().strip_prefix('"')?.strip_suffix('"')?;
        Some(Self(Cow::Borrowed(inside)))
    }

    /// A text that is not escaped yet.
    #[must_use]
    pub fn plain(text: &'a str) -> Self {
        let escaped = |byte: u8| byte < 0x20 || byte == b'"' || byte == b'\\';
        if !text.bytes().any(escaped) {
            return Self(Cow::Borrowed(text));
        }
        let mut literal = Vec::with_capacity(text.len() + 16);
        write_string(&mut literal, text);
        let inside = literal.get(1..literal.len() - 1).unwrap_or_default();
        Self(Cow::Owned(String::from_utf8_lossy(inside).into_owned()))
    }

    /// A text that is already escaped as the inside of a JSON string.
    #[must_use]
    pub fn escaped(inside: impl Into<Cow<'a, str>>) -> Self {
        Self(inside.into())
    }

    /// The inside as it is written, escapes and all.
    #[must_use]
    pub fn as_written(&self) -> &str {
        &self.0
    }

    /// What it says, its escapes undone; a lone surrogate reads as U+FFFD.
    #[must_use]
    pub fn unescaped(&self) -> Cow<'_, str> {
        if memchr::memchr(b'\\', self.0.as_bytes()).is_none() {
            return Cow::Borrowed(&self.0);
        }
        Cow::Owned(fairlead_json::unescape_lossy(&self.0))
    }

    /// Whether it says nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether it says nothing but white space.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        self.unescaped().trim().is_empty()
    }

    /// A part of it, by bytes of [`Text::as_written`]; no escape may be cut.
    #[must_use]
    pub fn part(&self, from: usize, to: usize) -> Text<'a> {
        match &self.0 {
            Cow::Borrowed(text) => Text(Cow::Borrowed(text.get(from..to).unwrap_or_default())),
            Cow::Owned(text) => Text(Cow::Owned(
                text.get(from..to).unwrap_or_default().to_owned(),
            )),
        }
    }

    /// Several texts in a row, with `between` them.
    #[must_use]
    pub fn joined<'t>(
        texts: impl IntoIterator<Item = &'t Text<'t>>,
        between: &str,
    ) -> Text<'static> {
        let between = Text::plain(between);
        let mut all = String::new();
        for (at, text) in texts.into_iter().enumerate() {
            if at > 0 {
                all.push_str(between.as_written());
            }
            all.push_str(text.as_written());
        }
        Text(Cow::Owned(all))
    }

    /// The same, borrowed from nobody.
    #[must_use]
    pub fn into_owned(self) -> Text<'static> {
        Text(Cow::Owned(self.0.into_owned()))
    }

    /// The same, borrowed from this one.
    #[must_use]
    pub fn borrowed(&self) -> Text<'_> {
        Text(Cow::Borrowed(&self.0))
    }
}

impl PartialEq<&str> for Text<'_> {
    fn eq(&self, other: &&str) -> bool {
        self.unescaped() == *other
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_goes_through_as_it_is_written() {
        let raw = Raw::parse(r#""a\/\"b\u00e9""#, &fairlead_json::Limits::default()).unwrap();
        let text = Text::of(raw).unwrap();
        assert_eq!(text.as_written(), r#"a\/\"b\u00e9"#);
        assert_eq!(text.unescaped(), "a/\"bé");
        assert_eq!(Text::plain("a\n\"b\"").as_written(), r#"a\n\"b\""#);
        assert!(Text::plain(" \n").is_blank() && !Text::plain(" ").is_empty());
        let joined = Text::joined([&Text::plain("a"), &Text::plain("b")], "\n\n");
        assert_eq!(joined.as_written(), r"a\n\nb");
    }
}
