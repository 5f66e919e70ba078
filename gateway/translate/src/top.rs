//! The members at the top of a body, of which the large ones are walked while it is checked: a prompt is scanned once.

use std::borrow::Cow;

use fairlead_json::{JsonError, Kind, Limits, Raw, Scanner, Unreadable, Value, alike};

/// How much of a duplicate's name an error repeats, in characters.
const SHOWN: usize = 64;

/// A body that is one object.
#[derive(Debug)]
pub(crate) struct Top<'a> {
    members: Vec<(Cow<'a, str>, Raw<'a>)>,
}

impl<'a> Top<'a> {
    /// Checks a whole body as [`fairlead_json::Object::parse`] does. `walk` is asked at each member, and steps over its value if it says so.
    ///
    /// # Errors
    /// Those of `Object::parse`, and those of `walk`.
    pub(crate) fn read(
        body: &'a [u8],
        limits: &Limits,
        mut walk: impl FnMut(&str, &mut Scanner<'a>) -> Result<bool, JsonError>,
    ) -> Result<Self, JsonError> {
        let mut scanner = Scanner::over(body, limits)?;
        if scanner.peek().is_some_and(|first| first != b'{') {
            scanner.value()?;
            scanner.end()?;
            return Err(JsonError::NotAnObject);
        }
        let mut members: Vec<(Cow<'a, str>, Raw<'a>)> = Vec::with_capacity(16);
        scanner.object(|scanner, key| {
            if members.len() >= limits.members {
                return Err(JsonError::TooManyMembers {
                    limit: limits.members,
                });
            }
            let name = key.name();
            let is_list = scanner.peek() == Some(b'[');
            let start = scanner.at();
            let value = if is_list && walk(&name, scanner)? {
                Value {
                    kind: Kind::Array,
                    span: start..scanner.at(),
                }
            } else {
                scanner.value()?
            };
            members.push((name, scanner.found(&value)));
            Ok(())
        })?;
        scanner.end()?;
        let mut names: Vec<&str> = members.iter().map(|(name, _)| &**name).collect();
        names.sort_unstable();
        match names.windows(2).find(|pair| pair.first() == pair.last()) {
            Some(pair) => Err(JsonError::DuplicateKey {
                key: pair
                    .first()
                    .copied()
                    .unwrap_or_default()
                    .chars()
                    .take(SHOWN)
                    .collect(),
            }),
            None => Ok(Self { members }),
        }
    }

    /// The member of that name, to be read.
    ///
    /// # Errors
    /// Another member has a name that some reader takes for this one ([`alike`]).
    pub(crate) fn get(&self, name: &str) -> Result<Option<Raw<'a>>, Unreadable> {
        let mut found = None;
        for (key, value) in self.members.iter().filter(|(key, _)| alike(key, name)) {
            if key != name {
                return Err(Unreadable::Ambiguous);
            }
            found = Some(*value);
        }
        Ok(found)
    }

    /// All of them, in the order of the text.
    pub(crate) fn members(&self) -> impl Iterator<Item = (&str, Raw<'a>)> {
        self.members.iter().map(|(name, value)| (&**name, *value))
    }
}

#[cfg(test)]
mod tests {
    use fairlead_json::Object;

    use super::*;

    #[test]
    fn a_body_is_refused_for_what_objects_are() {
        let limits = Limits {
            depth: 4,
            members: 3,
        };
        for body in [
            &br#"{"a":[1,{"b":2}],"c":null}"#[..],
            b"{}",
            b" {\"a\":1} ",
            b"{\"a\":1}x",
            b"[1]",
            b"[",
            b"",
            b"{\"a\":1,\"b\":2,\"c\":3,\"d\":4}",
            b"{\"a\":1,\"\\u0061\":[]}",
            b"{\"a\":[[[[1]]]]}",
            b"{\"a\":[\"\xff\"]}",
        ] {
            let expected = Object::parse(body, &limits);
            for walks in [true, false] {
                let read = Top::read(body, &limits, |_, scanner| {
                    if walks {
                        scanner.array(|scanner| scanner.skip())?;
                    }
                    Ok(walks)
                });
                match (&expected, read) {
                    (Ok(object), Ok(top)) => {
                        let texts = object.members().iter().map(|member| object.text(member));
                        assert!(texts.eq(top.members().map(|(_, value)| value.text())));
                    }
                    (Err(expected), Err(error)) => assert_eq!(*expected, error),
                    (expected, read) => panic!("{expected:?} {read:?}"),
                }
            }
        }
    }

    #[test]
    fn another_spelling_is_no_reading() {
        let top = Top::read(br#"{"Model":1,"n":2}"#, &Limits::default(), |_, _| {
            Ok(false)
        })
        .unwrap();
        assert_eq!(top.get("model"), Err(Unreadable::Ambiguous));
        assert_eq!(top.get("n").unwrap().map(|raw| raw.text()), Some("2"));
        assert_eq!(top.get("x"), Ok(None));
    }
}
