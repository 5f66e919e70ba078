//! A content block where it lies: its members, wherever its type stands among them.

use fairlead_json::{JsonError, Kind, Raw, Scanner};

use crate::{Arguments, Cache, Text};

/// The members of blocks that are read. Null is absence.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Members<'a> {
    pub(super) kind: Option<Raw<'a>>,
    pub(super) text: Option<Raw<'a>>,
    pub(super) thinking: Option<Raw<'a>>,
    pub(super) signature: Option<Raw<'a>>,
    pub(super) data: Option<Raw<'a>>,
    pub(super) id: Option<Raw<'a>>,
    pub(super) name: Option<Raw<'a>>,
    pub(super) input: Option<Raw<'a>>,
    pub(super) tool_use_id: Option<Raw<'a>>,
    pub(super) tool_name: Option<Raw<'a>>,
    pub(super) content: Option<Raw<'a>>,
    pub(super) is_error: Option<Raw<'a>>,
    pub(super) source: Option<Raw<'a>>,
    pub(super) title: Option<Raw<'a>>,
    pub(super) context: Option<Raw<'a>>,
    pub(super) citations: Option<Raw<'a>>,
    pub(super) partial_json: Option<Raw<'a>>,
    pub(super) cache_control: Option<Raw<'a>>,
}

impl<'a> Members<'a> {
    /// Steps over a block; `None` if it is no object.
    pub(super) fn scan(scanner: &mut Scanner<'a>) -> Result<Option<Self>, JsonError> {
        let mut members = Self::default();
        let is_object = walk(scanner, |name, value| members.take(name, value))?;
        Ok(is_object.then_some(members))
    }

    /// The members of a block, or of a delta, that was stepped over.
    pub(super) fn of(raw: Raw<'a>) -> Self {
        let mut members = Self::default();
        raw.each_member(|name, value| members.take(&name, value));
        members
    }

    fn take(&mut self, name: &str, value: Raw<'a>) {
        let place = match name {
            "type" => &mut self.kind,
            "text" => &mut self.text,
            "thinking" => &mut self.thinking,
            "signature" => &mut self.signature,
            "data" => &mut self.data,
            "id" => &mut self.id,
            "name" => &mut self.name,
            "input" => &mut self.input,
            "tool_use_id" => &mut self.tool_use_id,
            "tool_name" => &mut self.tool_name,
            "content" => &mut self.content,
            "is_error" => &mut self.is_error,
            "source" => &mut self.source,
            "title" => &mut self.title,
            "context" => &mut self.context,
            "citations" => &mut self.citations,
            "partial_json" => &mut self.partial_json,
            "cache_control" => &mut self.cache_control,
            _ => return,
        };
        *place = (value.kind() != Kind::Null).then_some(value);
    }
}

/// Walks an object, or steps over something else and says so.
pub(super) fn walk<'a>(
    scanner: &mut Scanner<'a>,
    mut member: impl FnMut(&str, Raw<'a>),
) -> Result<bool, JsonError> {
    if scanner.peek() != Some(b'{') {
        scanner.skip()?;
        return Ok(false);
    }
    scanner.object(|scanner, key| {
        let value = scanner.value()?;
        member(&key.name(), scanner.found(&value));
        Ok(())
    })?;
    Ok(true)
}

/// What a member says, where it is a string that says anything.
pub(super) fn words(member: Option<Raw<'_>>) -> Option<Text<'_>> {
    member.and_then(Text::of).filter(|text| !text.is_empty())
}

/// What a call is made with. Some hosts send the object as a text.
pub(super) fn arguments(input: Option<Raw<'_>>) -> Option<Arguments<'_>> {
    match input {
        None => Some(Arguments::Text(Text::default())),
        Some(raw) if raw.kind() == Kind::Object => Some(Arguments::Object(raw)),
        Some(raw) => Text::of(raw).map(Arguments::Text),
    }
}

/// A mark for the cache.
pub(super) fn cache(control: Option<Raw<'_>>) -> Option<Cache> {
    let control = control.filter(|control| control.kind() == Kind::Object)?;
    let mut cache = Cache::Default;
    control.each_member(|name, value| {
        if name == "ttl" && value.text() == "\"1h\"" {
            cache = Cache::Hour;
        }
    });
    Some(cache)
}

/// Whether a text says nothing but white space. Looks no further than the first that says something, as a prompt is long.
pub(crate) fn is_blank(text: &Text<'_>) -> bool {
    let mut rest = text.as_written();
    loop {
        rest = rest.trim_start();
        let length = match rest.as_bytes() {
            [b'\\', b'u', ..] => 6,
            [b'\\', _, ..] => 2,
            _ => return rest.is_empty(),
        };
        let Some((escape, after)) = rest.split_at_checked(length) else {
            return false;
        };
        if !fairlead_json::unescape_lossy(escape).trim().is_empty() {
            return false;
        }
        rest = after;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blank_is_what_is_blank_once_unescaped() {
        for written in [
            "",
            " ",
            r"\n \t\r",
            r"\u0020\u00a0",
            r"\na",
            r"\u0041",
            r"\f",
            "a",
            r"\\n",
        ] {
            let text = Text::escaped(written);
            assert_eq!(is_blank(&text), text.is_blank(), "{written}");
        }
    }
}
