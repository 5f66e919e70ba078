//! The faults there are, by name: what a test, a script or a person with curl asks for.
//!
//! One file a kind. Each is a well-formed answer that goes wrong somewhere, or a wrong one from the start; nearly all fit whole and
//! streamed requests alike, of every API: words and framings come from the dialect of the request. What only the servers of one API do is in
//! its own file in `dialect/`. They stay what they are when a gateway learns to handle them: what a caller should see is not said here.

mod body;
mod broken;
mod http;
mod reported;
mod status;
mod stream;
mod time;

use serde_json::Value;

use crate::{Dialect, Means, Moment, Play, Reply, Seen, Step};

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
    /// What the error means that it is, if it is one in the words of its API.
    pub means: Option<Means>,
    /// Whether the error comes after some of the answer.
    pub late: bool,
    /// Whether it says that it may be asked again at once, or nearly.
    pub soon: bool,
    /// Whether the error claims no status, though those of its API do.
    unnumbered: bool,
    needs: Needs,
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

/// What an API must have for a fault to make sense in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Needs {
    Nothing,
    /// Server-sent events.
    Events,
    /// An event that ends a stream.
    Terminator,
}

impl Fault {
    /// All that are meant for an API: the common ones, and its own in their place or beside them.
    pub fn of(dialect: Dialect) -> impl Iterator<Item = &'static Self> {
        let own = dialect.speech().faults();
        let common = Self::common().filter(move |fault| fault.makes_sense_in(dialect));
        let replaced = |name| own.iter().any(|own| own.name == name);
        own.iter()
            .chain(common.filter(move |fault| !replaced(fault.name)))
    }

    /// All of them, each once.
    pub fn all() -> impl Iterator<Item = &'static Self> {
        let own = Dialect::all().flat_map(|dialect| dialect.speech().faults());
        let of_one = |name| Self::common().any(|common| common.name == name);
        Self::common().chain(own.filter(move |own| !of_one(own.name)))
    }

    fn common() -> impl Iterator<Item = &'static Self> {
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

    /// The one of that name, if need be of an API that nobody has asked for.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        Self::all().find(|fault| fault.name == name)
    }

    /// The one of that name in an API, or else in any.
    #[must_use]
    pub fn named_in(dialect: Dialect, name: &str) -> Option<&'static Self> {
        let found = Self::of(dialect).find(|fault| fault.name == name);
        found.or_else(|| Self::named(name))
    }

    /// The one this request asks for: by a model `fault:NAME`, or by a path that begins with `/play/NAME/`.
    #[must_use]
    pub fn asked_by(seen: &Seen) -> Option<&'static Self> {
        let model = seen.model();
        let by_path = || seen.path.strip_prefix("/play/")?.split('/').next();
        let name = model.strip_prefix("fault:").or_else(by_path)?;
        Self::named_in(seen.dialect(), name)
    }

    /// What it does with this request.
    #[must_use]
    pub fn play(&self, seen: &Seen) -> Play {
        (self.play)(seen)
    }

    /// The status of the error that it is, or that the error claims where a success was announced; `None`: neither.
    #[must_use]
    pub fn status(&self, dialect: Dialect) -> Option<u16> {
        let seen = Seen::asking(dialect, self.fits == Fits::Streams);
        let steps = self.play(&seen).resolve(&seen);
        let of_head = |step: &Step| {
            if let Step::Head { status, .. } = step {
                Some(*status)
            } else {
                None
            }
        };
        let status = steps.iter().find_map(of_head);
        let claims = self.means.filter(|_| !self.unnumbered);
        status
            .filter(|status| *status >= 400)
            .or_else(|| dialect.claimed(claims?))
    }

    fn makes_sense_in(&self, dialect: Dialect) -> bool {
        let speech = dialect.speech();
        let has = match self.needs {
            Needs::Nothing => true,
            Needs::Events => dialect.has_event_stream(),
            Needs::Terminator => speech.terminator().is_some(),
        };
        has && self
            .means
            .is_none_or(|means| speech.refusal(means).is_some())
    }

    pub(crate) const fn new(
        name: &'static str,
        summary: &'static str,
        play: fn(&Seen) -> Play,
    ) -> Self {
        Self {
            name,
            summary,
            fits: Fits::Both,
            early: false,
            means: None,
            late: false,
            soon: false,
            unnumbered: false,
            needs: Needs::Nothing,
            play,
        }
    }

    pub(crate) const fn whole(mut self) -> Self {
        self.fits = Fits::Whole;
        self
    }

    pub(crate) const fn streams(mut self) -> Self {
        self.fits = Fits::Streams;
        self
    }

    const fn early(mut self) -> Self {
        self.early = true;
        self
    }

    pub(crate) const fn means(mut self, means: Means) -> Self {
        self.means = Some(means);
        self
    }

    pub(crate) const fn late(mut self) -> Self {
        self.late = true;
        self
    }

    pub(crate) const fn soon(mut self) -> Self {
        self.soon = true;
        self
    }

    pub(crate) const fn unnumbered(mut self) -> Self {
        self.unnumbered = true;
        self
    }

    /// For APIs whose streams are server-sent events.
    const fn of_events(mut self) -> Self {
        self.needs = Needs::Events;
        self.streams()
    }

    /// For APIs whose streams end with an event.
    const fn of_terminators(mut self) -> Self {
        self.needs = Needs::Terminator;
        self.streams()
    }
}

/// An answer with which nothing is wrong.
pub(crate) fn healthy() -> Play {
    reply().into()
}

fn reply() -> Reply {
    Reply::words(TEXT.split_inclusive(' '))
}

/// The body of a whole answer with which nothing is wrong, whatever was asked for.
pub(crate) fn whole(seen: &Seen) -> String {
    let steps = reply().as_whole().steps(seen);
    let body = steps.iter().filter_map(Step::payload).flatten();
    String::from_utf8_lossy(&body.collect::<Vec<u8>>()).into_owned()
}

/// 200 with this as a JSON body.
pub(crate) fn json_body(body: &str) -> Play {
    let json = [("content-type", "application/json")];
    Play::answer(200, &json, body.to_owned())
}

/// An answer that ends at a moment with an error inside it.
pub(crate) fn reports(seen: &Seen, moment: Moment, error: &Value) -> Play {
    let event = seen.dialect().speech().error_event(error);
    healthy().instead(moment, [event, Step::End])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_of_an_api_have_the_same_name() {
        for dialect in Dialect::all() {
            let mut names: Vec<_> = Fault::of(dialect).map(|fault| fault.name).collect();
            let all = names.len();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), all, "{dialect:?}");
        }
    }

    #[test]
    fn an_error_has_the_status_that_its_api_gives_it() {
        let status = |dialect: &str, name: &str| {
            let dialect = Dialect::all().find(|one| one.name() == dialect).unwrap();
            Fault::named_in(dialect, name).unwrap().status(dialect)
        };
        assert_eq!(status("OpenAI", "overloaded"), Some(503));
        assert_eq!(status("Anthropic", "overloaded"), Some(529));
        assert_eq!(status("Anthropic", "error-with-200"), None);
        assert_eq!(status("Gemini", "error-with-200"), Some(500));
        assert_eq!(status("Gemini", "malformed-call"), None);
    }

    #[test]
    fn what_takes_the_place_of_a_common_fault_is_played_in_its_api_only() {
        let [openai, anthropic, ..] = &Dialect::all().collect::<Vec<_>>()[..] else {
            panic!("there are more")
        };
        let means = |dialect: &Dialect| Fault::named_in(*dialect, "status-402").unwrap().means;
        assert_eq!(
            (means(openai), means(anthropic)),
            (None, Some(Means::NoMoney))
        );
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
