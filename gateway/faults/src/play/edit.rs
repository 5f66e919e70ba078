//! Changes to the steps of a play, applied when the request is known.

use std::time::Duration;

use bytes::Bytes;

use crate::{Dialect, Moment, Step};

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
