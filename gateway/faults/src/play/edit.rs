//! Changes to the steps of a play, applied when the request is known.

use std::time::Duration;

use bytes::Bytes;

use crate::{Dialect, Framing, Moment, Step};

/// A change to the steps.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Edit {
    /// Another field of the head.
    Header(String, String),
    PauseBefore(Duration),
    PauseBetween(Duration),
    /// After so many pieces this, and nothing else.
    EndAfter(usize, Step),
    /// From a moment on these, and nothing else.
    Instead(Moment, Vec<Step>),
    /// These in between.
    Insert(Moment, Vec<Step>),
    /// The body cut anew, into pieces of so many bytes.
    Pieces(usize),
    /// Another line end than `\n`.
    LineEnd(&'static str),
    /// Another media type, or none.
    Called(Option<&'static str>),
    /// No other end than that of the connection.
    UntilClose,
    /// No terminator, and no blank line before it.
    NoBlankLine,
}

impl Edit {
    pub(super) fn apply(&self, steps: &mut Vec<Step>, dialect: Dialect) {
        match self {
            Self::Header(name, value) => {
                for step in steps {
                    if let Step::Head { headers, .. } = step {
                        headers.push((name.clone(), value.clone()));
                    }
                }
            }
            Self::PauseBefore(pause) => steps.insert(0, Step::Pause(*pause)),
            Self::PauseBetween(pause) => {
                let paced = std::mem::take(steps).into_iter().flat_map(|step| {
                    let pause = step.is_piece().then_some(Step::Pause(*pause));
                    pause.into_iter().chain([step])
                });
                steps.extend(paced);
            }
            Self::EndAfter(pieces, end) => {
                let body = steps
                    .iter()
                    .enumerate()
                    .filter(|(_, step)| step.is_piece() || **step == Step::End);
                let cut = body.map(|(at, _)| at).nth(*pieces).unwrap_or(steps.len());
                steps.truncate(cut);
                steps.push(end.clone());
            }
            Self::Instead(moment, end) => {
                *steps = moment.before(steps, dialect);
                steps.extend(end.iter().cloned());
            }
            Self::Insert(moment, more) => {
                let at = moment.before(steps, dialect).len();
                steps.splice(at..at, more.iter().cloned());
            }
            Self::Pieces(size) => recut(steps, *size),
            Self::Called(media_type) => call(steps, *media_type),
            Self::UntilClose => until_close(steps),
            Self::NoBlankLine => {
                *steps = Moment::Finish.before(steps, dialect);
                without_blank_line(steps);
            }
            Self::LineEnd(end) => {
                for step in steps {
                    if let Some(payload) = step.payload() {
                        let text = String::from_utf8_lossy(&payload).replace('\n', end);
                        *step = Step::Body(text.into());
                    }
                }
            }
        }
    }
}

fn call(steps: &mut [Step], media_type: Option<&str>) {
    for step in steps {
        if let Step::Head { headers, .. } = step {
            headers.retain(|(name, _)| name != "content-type");
            let called = media_type.map(|kind| ("content-type".to_owned(), kind.to_owned()));
            headers.extend(called);
        }
    }
}

fn until_close(steps: &mut Vec<Step>) {
    steps.retain(|step| *step != Step::End);
    for step in steps {
        if let Step::Head { framing, .. } = step {
            *framing = Framing::Close;
        }
    }
}

/// Ends the body without the blank line of its last event.
fn without_blank_line(steps: &mut Vec<Step>) {
    if let Some(last) = steps.last_mut()
        && let Some(payload) = last.payload()
    {
        let text = payload.trim_ascii_end().len();
        *last = Step::Body(payload.slice(..text));
    }
    steps.push(Step::End);
}

/// Joins the pieces between two other steps and cuts them into pieces of `size` bytes.
fn recut(steps: &mut Vec<Step>, size: usize) {
    let mut joined = Vec::new();
    let mut cut = Vec::new();
    let flush = |joined: &mut Vec<u8>, cut: &mut Vec<Step>| {
        cut.extend(
            joined
                .chunks(size)
                .map(|piece| Step::Body(Bytes::copy_from_slice(piece))),
        );
        joined.clear();
    };
    for step in steps.drain(..) {
        match step.payload() {
            Some(payload) => joined.extend_from_slice(&payload),
            None => {
                flush(&mut joined, &mut cut);
                cut.push(step);
            }
        }
    }
    flush(&mut joined, &mut cut);
    *steps = cut;
}
