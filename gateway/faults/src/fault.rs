//! The faults there are, by name: what a test, a script or a person with curl asks for.
//!
//! One file a kind. Each is a well-formed answer that goes wrong somewhere, or a wrong one from the start; nearly all fit whole and
//! streamed requests alike. They stay what they are when a gateway learns to handle them: what a caller should see is not said here.

mod body;
mod broken;
mod http;
mod reported;
mod status;
mod stream;
mod time;

use crate::{Play, Seen};

/// What an answer says that nothing is wrong with, or that goes wrong later.
pub const TEXT: &str = "One two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty.";

/// A fault with a name.
#[derive(Clone, Copy, Debug)]
pub struct Fault {
    /// How it is asked for: lower case, words joined by `-`.
    pub name: &'static str,
    /// What happens, in a line.
    pub summary: &'static str,
    /// Which requests it is meant for.
    pub fits: Fits,
    /// Whether it happens before the body of the request has been read.
    pub early: bool,
    play: fn(&Seen) -> Play,
}

/// Which requests a fault is meant for. It is played to any.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fits {
    /// Whole and streamed.
    Both,
    /// Requests whose answer comes whole.
    Whole,
    /// Requests that ask for a stream.
    Streams,
}

impl Fault {
    /// All of them.
    pub fn all() -> impl Iterator<Item = &'static Self> {
        let kinds = [
            status::FAULTS,
            reported::FAULTS,
            broken::FAULTS,
            http::FAULTS,
            body::FAULTS,
            stream::FAULTS,
            time::FAULTS,
        ];
        kinds.into_iter().flatten()
    }

    /// The one of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        Self::all().find(|fault| fault.name == name)
    }

    /// The one this request asks for: by a model `fault:NAME`, or by a path that begins with `/play/NAME/`.
    #[must_use]
    pub fn asked_by(seen: &Seen) -> Option<&'static Self> {
        let by_path = || seen.path.strip_prefix("/play/")?.split('/').next();
        match seen.model().strip_prefix("fault:") {
            Some(name) => Self::named(name),
            None => by_path().and_then(Self::named),
        }
    }

    /// What it does with this request.
    #[must_use]
    pub fn play(&self, seen: &Seen) -> Play {
        (self.play)(seen)
    }

    const fn new(name: &'static str, summary: &'static str, play: fn(&Seen) -> Play) -> Self {
        Self {
            name,
            summary,
            fits: Fits::Both,
            early: false,
            play,
        }
    }

    const fn whole(self) -> Self {
        Self {
            fits: Fits::Whole,
            ..self
        }
    }

    const fn streams(self) -> Self {
        Self {
            fits: Fits::Streams,
            ..self
        }
    }

    const fn early(self) -> Self {
        Self {
            early: true,
            ..self
        }
    }
}

/// An answer with which nothing is wrong.
fn healthy() -> Play {
    Play::words(TEXT.split_inclusive(' '))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_have_the_same_name() {
        let mut names: Vec<_> = Fault::all().map(|fault| fault.name).collect();
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all);
    }

    #[test]
    fn names_can_stand_in_a_path_and_in_the_name_of_an_object() {
        for fault in Fault::all() {
            let plain =
                |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
            assert!(fault.name.bytes().all(plain), "{}", fault.name);
        }
    }
}
