//! The outermost object of a body: its members by name, each with the place of its value.

use std::borrow::Cow;
use std::ops::Range;

use super::{JsonError, Key, Kind, Limits, Raw, Scanner, Unreadable, alike, text};

/// Up to this many members, comparing each with each is faster than sorting.
const FEW: usize = 16;

/// How much of a duplicate's name an error repeats, in characters.
const SHOWN: usize = 64;

/// One member of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member<'a> {
    /// The name, unescaped.
    pub key: Cow<'a, str>,
    /// Where the value is: for a string, quotes included.
    pub value: Range<usize>,
    /// Where the opening quote of the name is.
    pub key_start: usize,
    /// What the value is.
    pub kind: Kind,
}

/// A whole body that is one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object<'a> {
    text: &'a str,
    members: Vec<Member<'a>>,
    end: usize,
}

impl<'a> Object<'a> {
    /// Checks a whole body and notes the members of its one object, in order.
    ///
    /// # Errors
    /// The body is not UTF-8, not well-formed, deeper or larger than `limits` allow, not an object, or two
    /// members have the same name once unescaped. Names deeper inside are not compared.
    pub fn parse(body: &'a [u8], limits: &Limits) -> Result<Self, JsonError> {
        let mut scanner = Scanner::over(body, limits)?;
        if scanner.peek().is_some_and(|first| first != b'{') {
            scanner.value()?;
            scanner.end()?;
            return Err(JsonError::NotAnObject);
        }
        let mut members = Vec::with_capacity(FEW);
        scanner.object(|scanner, key| {
            if members.len() >= limits.members {
                return Err(JsonError::TooManyMembers {
                    limit: limits.members,
                });
            }
            members.push(member(scanner, key)?);
            Ok(())
        })?;
        let end = scanner.at().saturating_sub(1);
        scanner.end()?;
        match duplicate(&members) {
            Some(key) => Err(JsonError::DuplicateKey {
                key: key.chars().take(SHOWN).collect(),
            }),
            None => Ok(Self {
                text: scanner.text(),
                members,
                end,
            }),
        }
    }

    /// The member of that name.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Member<'a>> {
        self.members.iter().find(|member| member.key == key)
    }

    /// The member of that name, to be read.
    ///
    /// # Errors
    /// Another member has a name that some reader takes for this one ([`alike`]).
    pub fn read(&self, name: &str) -> Result<Option<Raw<'a>>, Unreadable> {
        let mut found = None;
        for member in self.members.iter().filter(|each| alike(&each.key, name)) {
            if member.key != name {
                return Err(Unreadable::Ambiguous);
            }
            found = Some(Raw::new(self.text(member), member.kind));
        }
        Ok(found)
    }

    /// All members, in the order of the text.
    #[must_use]
    pub fn members(&self) -> &[Member<'a>] {
        &self.members
    }

    /// The value of a member, as it stands in the text.
    #[must_use]
    pub fn text(&self, member: &Member<'_>) -> &'a str {
        self.text.get(member.value.clone()).unwrap_or_default()
    }

    /// The value of a member, unescaped, if it is a string and text: one with a lone surrogate is not.
    #[must_use]
    pub fn string(&self, member: &Member<'_>) -> Option<Cow<'a, str>> {
        text::unquote(self.text(member))
    }

    /// The whole text that was parsed.
    #[must_use]
    pub fn body(&self) -> &'a [u8] {
        self.text.as_bytes()
    }

    /// Where the closing brace is: where a further member would go.
    #[must_use]
    pub fn end_of_members(&self) -> usize {
        self.end
    }

    /// Whether there are no members.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }
}

fn member<'a>(scanner: &mut Scanner<'a>, key: Key<'a>) -> Result<Member<'a>, JsonError> {
    let value = scanner.value()?;
    Ok(Member {
        key: key.name(),
        value: value.span,
        key_start: key.start,
        kind: value.kind,
    })
}

/// A name that two members share.
fn duplicate<'m>(members: &'m [Member<'_>]) -> Option<&'m str> {
    if members.len() <= FEW {
        let repeats = |(at, member): &(usize, &Member<'_>)| {
            members
                .iter()
                .take(*at)
                .any(|earlier| earlier.key == member.key)
        };
        return members
            .iter()
            .enumerate()
            .find(repeats)
            .map(|(_, member)| &*member.key);
    }
    let mut keys: Vec<&str> = members.iter().map(|member| &*member.key).collect();
    keys.sort_unstable();
    keys.windows(2).find_map(|pair| {
        if let [one, two] = pair
            && one == two
        {
            Some(*one)
        } else {
            None
        }
    })
}
