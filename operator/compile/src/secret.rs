//! Secrets: values that may be used, never shown.
//!
//! A value is read only from the namespace of the object that names it and only with the label that says what it is for; otherwise
//! whoever may create a provider could have any Secret of the namespace sent to a server of theirs.

use std::collections::BTreeMap;
use std::sync::Arc;

use fairlead_crds::{
    PREVIOUS_UNTIL_ANNOTATION, ROTATE_ANNOTATION, ROTATED_AT_ANNOTATION, SECRET_LABEL,
};
use fairlead_snapshot::{ObjectName, SecretBytes};

use crate::finding::{Finding, Reason};
use crate::path::Path;

/// All Secrets that the compiler may look at.
pub type Secrets = BTreeMap<ObjectName, Secret>;

/// A Secret.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Secret {
    /// Its labels; one of them says what it may be used for.
    pub labels: BTreeMap<String, String>,
    /// Whether it may be used for anything, whatever its labels say: files of a folder that holds nothing but our secrets.
    pub any_use: bool,
    /// Its values, shared with whoever keeps them.
    pub data: Arc<BTreeMap<String, SecretBytes>>,
    /// Its values are not here, because the Secrets of its namespace are too large together.
    pub withheld: bool,
    /// The virtual key that it was made for, where it was made and not written by hand.
    pub generated_for: Option<ObjectName>,
    /// What it says of that key's value.
    pub rotation: RotationState,
}

/// What the Secret of a generated key says of its value.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RotationState {
    /// When the Secret was made, seconds since 1970.
    pub created: Option<i64>,
    /// When the value last took the place of another, seconds since 1970.
    pub rotated_at: Option<i64>,
    /// The moment from which the value before is refused, seconds since 1970; `None`: there is none.
    pub previous_until: Option<i64>,
    /// The request that was served last: what the annotation `fairlead.dev/rotate` of the virtual key said.
    pub served: Option<String>,
}

impl RotationState {
    /// What a Secret says that was made at this time and has these annotations.
    #[must_use]
    pub fn of(created: Option<i64>, annotations: &BTreeMap<String, String>) -> Self {
        let time = |name: &str| {
            let time: jiff::Timestamp = annotations.get(name)?.parse().ok()?;
            Some(time.as_second())
        };
        Self {
            created,
            rotated_at: time(ROTATED_AT_ANNOTATION),
            previous_until: time(PREVIOUS_UNTIL_ANNOTATION),
            served: annotations.get(ROTATE_ANNOTATION).cloned(),
        }
    }

    /// The annotations that say this of a Secret.
    pub fn annotations(&self) -> impl Iterator<Item = (&'static str, Option<String>)> + '_ {
        let time = |second: Option<i64>| {
            let time = jiff::Timestamp::from_second(second?).ok()?;
            Some(format!("{time:.0}"))
        };
        [
            (ROTATED_AT_ANNOTATION, time(self.rotated_at)),
            (PREVIOUS_UNTIL_ANNOTATION, time(self.previous_until)),
            (ROTATE_ANNOTATION, self.served.clone()),
        ]
        .into_iter()
    }
}

/// The Secrets of a namespace that are labelled for a use. The others are not even looked at: there may be very many.
pub(crate) fn labelled<'s>(
    secrets: &'s Secrets,
    namespace: &str,
    label: &str,
) -> impl Iterator<Item = &'s Secret> {
    secrets
        .range(ObjectName::new(namespace, "")..)
        .take_while(move |(name, _)| name.namespace == namespace)
        .map(|(_, secret)| secret)
        .filter(move |secret| {
            secret
                .labels
                .get(SECRET_LABEL)
                .is_some_and(|found| found == label)
        })
}

/// One value in a Secret, as an object names it.
pub(crate) struct Wanted<'a> {
    /// The namespace of the object that names it.
    pub(crate) namespace: &'a str,
    /// The Secret.
    pub(crate) name: &'a str,
    /// The key in it.
    pub(crate) key: &'a str,
    /// The value the label must have.
    pub(crate) label: &'static str,
    /// The field that names it.
    pub(crate) path: Path,
}

impl Wanted<'_> {
    /// The Secret's name with its namespace.
    pub(crate) fn secret(&self) -> ObjectName {
        ObjectName::new(self.namespace, self.name)
    }

    /// The value, whatever it is.
    ///
    /// # Errors
    ///
    /// What is missing and how to mend it.
    pub(crate) fn bytes<'s>(&self, secrets: &'s Secrets) -> Result<&'s SecretBytes, Finding> {
        let Some(secret) = secrets.get(&self.secret()) else {
            let message = format!(
                "there is no Secret {}; create it with the label {SECRET_LABEL}: {}",
                self.secret(),
                self.label
            );
            return Err(self.finding(Reason::SecretNotFound, message));
        };
        let labelled = secret.labels.get(SECRET_LABEL).map(String::as_str) == Some(self.label);
        if !labelled && !secret.any_use {
            let message = format!(
                "the Secret {} is not labelled {SECRET_LABEL}: {}; without the label it is not read",
                self.secret(),
                self.label
            );
            return Err(self.finding(Reason::SecretNotLabelled, message));
        }
        if secret.withheld {
            let message = format!(
                "the labelled Secrets of the namespace are too large together, so {} is not read; remove some of them, then write it again",
                self.secret()
            );
            return Err(self.finding(Reason::SecretInvalid, message));
        }
        let missing = || {
            self.finding(
                Reason::SecretKeyNotFound,
                format!("the Secret {} has no key {:?}", self.secret(), self.key),
            )
        };
        secret.data.get(self.key).ok_or_else(missing)
    }

    /// What else the Secret holds, where it may be read and the key is not in it.
    pub(crate) fn without_key<'s>(
        &self,
        secrets: &'s Secrets,
    ) -> Option<&'s BTreeMap<String, SecretBytes>> {
        let secret = secrets.get(&self.secret())?;
        let labelled = secret.labels.get(SECRET_LABEL).map(String::as_str) == Some(self.label);
        let readable = (labelled || secret.any_use) && !secret.withheld;
        (readable && !secret.data.contains_key(self.key)).then_some(&*secret.data)
    }

    /// The finding that the Secret has none of what it may have.
    pub(crate) fn lacks(&self, what: &str) -> Finding {
        let message = format!("the Secret {} has no {what}", self.secret());
        self.finding(Reason::SecretKeyNotFound, message)
    }

    /// The value as a token that can stand in a header: printable ASCII without spaces; one line break at the end does not count.
    ///
    /// # Errors
    ///
    /// What is missing or not usable, and how to mend it.
    pub(crate) fn token<'s>(&self, secrets: &'s Secrets) -> Result<&'s str, Finding> {
        match token(self.bytes(secrets)?) {
            Some("") => Err(self.invalid("is empty")),
            Some(token) => Ok(token),
            None => Err(self.invalid("holds characters other than printable ASCII, or spaces")),
        }
    }

    /// The same, of a value that may not be longer.
    ///
    /// # Errors
    ///
    /// As [`Self::token`], and that it is longer.
    pub(crate) fn token_within<'s>(
        &self,
        most: usize,
        secrets: &'s Secrets,
    ) -> Result<&'s str, Finding> {
        self.within(most, self.bytes(secrets)?)?;
        self.token(secrets)
    }

    /// Whether the value is no longer than it may be.
    ///
    /// # Errors
    ///
    /// It is.
    pub(crate) fn within(&self, most: usize, value: &SecretBytes) -> Result<(), Finding> {
        if value.len() > most {
            return Err(self.invalid(&format!("is longer than the {most} bytes it may have")));
        }
        Ok(())
    }

    /// A finding that the value is not usable.
    pub(crate) fn invalid(&self, what: &str) -> Finding {
        self.finding(
            Reason::SecretInvalid,
            format!(
                "the value of {:?} in the Secret {} {what}",
                self.key,
                self.secret()
            ),
        )
    }

    fn finding(&self, reason: Reason, message: String) -> Finding {
        Finding::new(&self.path, reason, message)
    }
}

/// The value without one line break at its end, if all of it is printable ASCII without spaces.
pub(crate) fn token(value: &SecretBytes) -> Option<&str> {
    let text = std::str::from_utf8(value.expose()).ok()?;
    let line = text
        .strip_suffix('\n')
        .map_or(text, |line| line.strip_suffix('\r').unwrap_or(line));
    line.bytes()
        .all(|byte| byte.is_ascii_graphic())
        .then_some(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_never_printed() {
        let secret = Secret {
            data: Arc::new(BTreeMap::from([(
                "apiKey".to_owned(),
                SecretBytes::new("hunter2"),
            )])),
            ..Secret::default()
        };
        assert_eq!(
            format!("{:?}", secret.data["apiKey"]),
            "SecretBytes(7 bytes)"
        );
        assert!(!format!("{secret:?}").contains("hunter2"));
    }

    #[test]
    fn one_line_break_at_the_end_does_not_count() {
        assert_eq!(token(&SecretBytes::new("abc\n")), Some("abc"));
        assert_eq!(token(&SecretBytes::new("abc\r\n")), Some("abc"));
        assert_eq!(token(&SecretBytes::new("abc\n\n")), None);
        assert_eq!(token(&SecretBytes::new("a b")), None);
        assert_eq!(token(&SecretBytes::new(vec![0xff])), None);
    }
}
