//! The script: a list of plays in YAML; the first that takes a request is played.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use fairlead_faults::{Fault, Framing, Play, Seen, Step};
use serde::Deserialize;

/// A script that has been read.
#[derive(Debug, Default)]
pub(crate) struct Script(Vec<Entry>);

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    plays: Vec<Written>,
}

/// One play, as it is written.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Written {
    /// A name, or a beginning with `*`; absent: any.
    model: Option<String>,
    /// How the path begins; absent: any.
    path: Option<String>,
    /// Only for whole answers, or only for streams.
    stream: Option<bool>,
    /// Of the requests it is for, only so many from the first one on.
    first: Option<usize>,
    /// Of the requests it is for, only every so-manieth.
    every: Option<usize>,
    /// From so many seconds after the start.
    from_seconds: Option<u64>,
    /// Until so many seconds after the start.
    until_seconds: Option<u64>,
    /// A fault by its name.
    fault: Option<String>,
    /// A well-formed answer that says this.
    answer: Option<String>,
    /// Step by step.
    steps: Option<Vec<WrittenStep>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
enum WrittenStep {
    Head {
        status: u16,
        #[serde(default)]
        headers: BTreeMap<String, String>,
        length: Option<usize>,
    },
    Raw(String),
    Body(String),
    Event(String),
    Comment(String),
    PauseMillis(u64),
    End,
    Hang,
    Close,
    HalfClose,
    Reset,
}

#[derive(Debug)]
struct Entry {
    written: Written,
    action: Action,
    taken: AtomicUsize,
}

#[derive(Debug)]
enum Action {
    Fault(&'static Fault),
    Play(Play),
}

impl Script {
    /// Reads a file.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read {}", path.display()))?;
        Self::parse(&text).with_context(|| format!("{} is no script", path.display()))
    }

    fn parse(text: &str) -> Result<Self> {
        let document: Document = serde_saphyr::from_str(text)?;
        let entries = document.plays.into_iter().map(Entry::new);
        Ok(Self(entries.collect::<Result<_>>()?))
    }

    /// What is played to this request; `None` if no play takes it.
    pub(crate) fn play(&self, seen: &Seen) -> Option<Play> {
        let entry = self.0.iter().find(|entry| entry.takes(seen))?;
        Some(match &entry.action {
            Action::Fault(fault) => {
                // The words of another API may be in a fault of the same name.
                let fault = Fault::named_in(seen.dialect(), fault.name).unwrap_or(fault);
                fault.play(seen)
            }
            Action::Play(play) => play.clone(),
        })
    }
}

impl Entry {
    fn new(mut written: Written) -> Result<Self> {
        let actions = (
            written.fault.as_deref(),
            written.answer.as_deref(),
            written.steps.take(),
        );
        let action = match actions {
            (Some(name), None, None) => {
                Action::Fault(Fault::named(name).with_context(|| {
                    format!("there is no fault {name:?}; GET /faults lists them")
                })?)
            }
            (None, Some(text), None) => Action::Play(Play::words(text.split_inclusive(' '))),
            (None, None, Some(steps)) => {
                let steps: Vec<_> = steps.into_iter().map(Step::from).collect();
                Action::Play(Play::steps(steps))
            }
            _ => bail!("a play needs exactly one of fault, answer and steps"),
        };
        Ok(Self {
            written,
            action,
            taken: AtomicUsize::new(0),
        })
    }

    fn takes(&self, seen: &Seen) -> bool {
        let Written {
            model,
            path,
            stream,
            from_seconds,
            until_seconds,
            first,
            every,
            ..
        } = &self.written;
        let seconds = Duration::from_secs;
        let fits = model
            .as_deref()
            .is_none_or(|model| matches(model, &seen.model()))
            && path
                .as_deref()
                .is_none_or(|path| seen.path.starts_with(path))
            && stream.is_none_or(|stream| stream == seen.streamed())
            && from_seconds.is_none_or(|from| seen.at >= seconds(from))
            && until_seconds.is_none_or(|until| seen.at < seconds(until));
        if !fits {
            return false;
        }
        let nth = self.taken.fetch_add(1, Ordering::Relaxed) + 1;
        first.is_none_or(|first| nth <= first)
            && every.is_none_or(|every| nth.is_multiple_of(every))
    }
}

/// Exactly, or by the beginning before a trailing `*`.
fn matches(pattern: &str, model: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(beginning) => model.starts_with(beginning),
        None => pattern == model,
    }
}

impl From<WrittenStep> for Step {
    fn from(written: WrittenStep) -> Self {
        match written {
            WrittenStep::Head {
                status,
                headers,
                length,
            } => Self::Head {
                status,
                headers: headers.into_iter().collect(),
                framing: length.map_or(Framing::Chunked, Framing::Length),
            },
            WrittenStep::Raw(text) => Self::Raw(text.into()),
            WrittenStep::Body(text) => Self::Body(text.into()),
            WrittenStep::Event(data) => Self::Event(data),
            WrittenStep::Comment(text) => Self::Comment(text),
            WrittenStep::PauseMillis(millis) => Self::Pause(Duration::from_millis(millis)),
            WrittenStep::End => Self::End,
            WrittenStep::Hang => Self::Hang,
            WrittenStep::Close => Self::Close,
            WrittenStep::HalfClose => Self::HalfClose,
            WrittenStep::Reset => Self::Reset,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_that_does_not_exist_is_refused_by_name() {
        let error = Script::parse("plays: [{fault: no-such-thing}]").unwrap_err();
        assert!(format!("{error:#}").contains("no-such-thing"), "{error:#}");
    }

    #[test]
    fn a_play_that_does_two_things_is_refused() {
        Script::parse("plays: [{fault: status-500, answer: Hi}]").unwrap_err();
        Script::parse("plays: [{model: m}]").unwrap_err();
    }

    #[test]
    fn a_misspelt_field_is_refused() {
        Script::parse("plays: [{modle: m, answer: Hi}]").unwrap_err();
    }

    #[test]
    fn a_pattern_is_a_name_or_a_beginning() {
        assert!(matches("gpt-*", "gpt-4o") && matches("m", "m") && matches("*", ""));
        assert!(!matches("gpt", "gpt-4o"));
    }
}
