//! A caller's body, in one pass: texts are found where they lie and are not looked at again.

mod content;
mod options;
mod tools;

use std::borrow::Cow;
use std::fmt;

use fairlead_json::{JsonError, Kind, Limits, Number, Raw, Scanner};

use crate::conversation::Other;
use crate::{Conversation, RequestError, Role, Text, Turn};

/// How much of a name that is given twice an error repeats, in characters.
const SHOWN: usize = 64;

/// What a caller asks for. A body that only counts tokens is read, too: what it lacks is absent.
///
/// # Errors
/// It is no JSON object, a member of the outermost is given twice, or one has the wrong kind.
pub fn read(body: &[u8]) -> Result<Conversation<'_>, RequestError> {
    let limits = Limits::default();
    let mut reader = Reader::default();
    let mut names = Vec::new();
    let mut scanner = Scanner::over(body, &limits)?;
    if scanner.peek().is_some_and(|first| first != b'{') {
        scanner.skip()?;
        scanner.end()?;
        return Err(JsonError::NotAnObject.into());
    }
    scanner.object(|scanner, key| {
        if names.len() >= limits.members {
            return Err(JsonError::TooManyMembers {
                limit: limits.members,
            });
        }
        let name = key.name();
        reader.member(&name, scanner)?;
        names.push(name);
        Ok(())
    })?;
    scanner.end()?;
    refuse_twice(names)?;
    reader.finish()
}

/// What is read so far.
#[derive(Default)]
struct Reader<'a> {
    conversation: Conversation<'a>,
    has_messages: bool,
    thinking_off: bool,
    /// What is wrong first.
    wrong: Option<RequestError>,
}

/// Where something stands: the name of a list, and the way down from there.
#[derive(Clone, Copy)]
struct At {
    list: &'static str,
    element: usize,
    block: Option<usize>,
    inner: Option<usize>,
}

impl At {
    fn new(list: &'static str, element: usize) -> Self {
        Self {
            list,
            element,
            block: None,
            inner: None,
        }
    }

    fn block(self, at: usize) -> Self {
        match self.block {
            None => Self {
                block: Some(at),
                ..self
            },
            Some(_) => Self {
                inner: Some(at),
                ..self
            },
        }
    }
}

impl fmt::Display for At {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}[{}]", self.list, self.element)?;
        for at in [self.block, self.inner].into_iter().flatten() {
            write!(out, ".content[{at}]")?;
        }
        Ok(())
    }
}

impl<'a> Reader<'a> {
    fn member(&mut self, name: &str, scanner: &mut Scanner<'a>) -> Result<(), JsonError> {
        match name {
            "messages" => return self.messages(scanner),
            "system" => return self.system(scanner),
            "tools" => return self.tools(scanner),
            _ => {}
        }
        let value = scanner.value()?;
        let value = scanner.found(&value);
        if value.kind() != Kind::Null {
            self.option(name, value);
        }
        Ok(())
    }

    fn messages(&mut self, scanner: &mut Scanner<'a>) -> Result<(), JsonError> {
        if scanner.peek() != Some(b'[') {
            return scanner.skip();
        }
        self.has_messages = true;
        let mut at = 0;
        scanner.array(|scanner| {
            self.message(scanner, at)?;
            at += 1;
            Ok(())
        })
    }

    fn message(&mut self, scanner: &mut Scanner<'a>, at: usize) -> Result<(), JsonError> {
        let place = At::new("messages", at);
        if scanner.peek() != Some(b'{') {
            self.wrong(place, "", "an object");
            return scanner.skip();
        }
        let (mut role, mut blocks) = (None, None);
        scanner.object(|scanner, key| {
            match &*key.name() {
                "role" => role = scanner.words()?,
                "content" => blocks = Some(self.content(scanner, place)?),
                _ => scanner.skip()?,
            }
            Ok(())
        })?;
        let role = match role.as_deref() {
            Some("user") => Role::User,
            Some("assistant") => Role::Assistant,
            Some("system") => Role::System,
            _ => {
                self.wrong(place, ".role", "\"user\", \"assistant\" or \"system\"");
                return Ok(());
            }
        };
        match blocks {
            Some(blocks) => self.conversation.turns.push(Turn {
                role,
                blocks,
                name: None,
                at,
            }),
            None => self.wrong(place, ".content", "a string or an array of blocks"),
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Conversation<'a>, RequestError> {
        if !self.has_messages {
            self.wrong("messages", "", "an array of messages");
        }
        if self.thinking_off {
            self.effort_is_none();
        }
        match self.wrong {
            Some(wrong) => Err(wrong),
            None => Ok(self.conversation),
        }
    }

    /// Notes what is wrong, if nothing was before.
    fn wrong(&mut self, place: impl fmt::Display, member: &str, expected: &'static str) {
        if self.wrong.is_none() {
            self.wrong = Some(RequestError::Wrong {
                at: format!("{place}{member}"),
                expected,
            });
        }
    }

    /// Notes a member that no neutral one stands for.
    fn other(&mut self, name: impl Into<Cow<'a, str>>, changes_meaning: bool) {
        self.conversation.others.push(Other {
            name: name.into(),
            changes_meaning,
        });
    }

    /// The same of a member that many may have: it is noted once.
    fn other_once(&mut self, name: &'static str, changes_meaning: bool) {
        let known = |other: &Other<'_>| other.name == name;
        // Only names without a place are noted so, and there are few of them; they are looked for among the last.
        if !self.conversation.others.iter().rev().take(32).any(known) {
            self.other(name, changes_meaning);
        }
    }

    fn text(&mut self, value: Raw<'a>, name: impl fmt::Display) -> Option<Text<'a>> {
        let text = Text::of(value);
        if text.is_none() {
            self.wrong(name, "", "a string");
        }
        text
    }

    fn number(&mut self, value: Raw<'a>, name: &str) -> Option<Raw<'a>> {
        if value.kind() == Kind::Number {
            return Some(value);
        }
        self.wrong(name, "", "a number");
        None
    }

    fn count(&mut self, value: Raw<'a>, name: &str) -> Option<u64> {
        match value.number() {
            Ok(Number::Int(number)) if value.kind() == Kind::Number => u64::try_from(number).ok(),
            _ => None,
        }
        .or_else(|| {
            self.wrong(name, "", "a whole number that is not negative");
            None
        })
    }

    fn flag(&mut self, value: Raw<'a>, name: impl fmt::Display) -> Option<bool> {
        if let Kind::Bool(flag) = value.kind() {
            return Some(flag);
        }
        self.wrong(name, "", "true or false");
        None
    }
}

fn refuse_twice(mut names: Vec<Cow<'_, str>>) -> Result<(), JsonError> {
    names.sort_unstable();
    let twice = names.windows(2).find_map(|pair| match pair {
        [one, two] if one == two => Some(one),
        _ => None,
    });
    match twice {
        Some(name) => Err(JsonError::DuplicateKey {
            key: name.chars().take(SHOWN).collect(),
        }),
        None => Ok(()),
    }
}
