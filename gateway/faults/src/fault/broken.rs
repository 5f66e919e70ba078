//! Answers that end before their end: by FIN, by RST, by silence, or by FIN on a socket that stays half open.

use super::{Fault, healthy};
use crate::{Moment, Play, Step};

pub(super) const FAULTS: &[Fault] = &[
    Fault::new(
        "cut-at-start",
        "the connection ends (FIN) before anything was written",
        |_| healthy().cut_at(Moment::Start),
    ),
    Fault::new(
        "cut-within-head",
        "the connection ends (FIN) within the status line",
        |_| healthy().cut_at(Moment::WithinHead),
    ),
    Fault::new(
        "cut-after-head",
        "the connection ends (FIN) after the head",
        |_| healthy().cut_at(Moment::Head),
    ),
    Fault::new(
        "cut-after-opening",
        "the connection ends (FIN) after the role (whole: after one byte)",
        |_| healthy().cut_at(Moment::Opening),
    ),
    Fault::new(
        "cut-after-content",
        "the connection ends (FIN) after a word (whole: half of the body)",
        |_| healthy().cut_at(Moment::Content),
    ),
    Fault::new(
        "cut-at-90",
        "the connection ends (FIN) after 90 % of the words (whole: of the bytes)",
        |_| healthy().cut_at(Moment::Percent(90)),
    ),
    Fault::new(
        "cut-after-finish",
        "the connection ends (FIN) before the terminator (whole: before the last byte)",
        |_| healthy().cut_at(Moment::Finish),
    ),
    Fault::new(
        "reset-at-start",
        "the connection is reset (RST) before anything was written",
        |_| healthy().reset_at(Moment::Start),
    ),
    Fault::new(
        "reset-within-head",
        "the connection is reset (RST) within the status line",
        |_| healthy().reset_at(Moment::WithinHead),
    ),
    Fault::new(
        "reset-after-head",
        "the connection is reset (RST) after the head",
        |_| healthy().reset_at(Moment::Head),
    ),
    Fault::new(
        "reset-after-opening",
        "the connection is reset (RST) after the role (whole: after one byte)",
        |_| healthy().reset_at(Moment::Opening),
    ),
    Fault::new(
        "reset-after-content",
        "the connection is reset (RST) after a word (whole: half of the body)",
        |_| healthy().reset_at(Moment::Content),
    ),
    Fault::new(
        "reset-at-90",
        "the connection is reset (RST) after 90 % of the words (whole: of the bytes)",
        |_| healthy().reset_at(Moment::Percent(90)),
    ),
    Fault::new(
        "reset-after-finish",
        "the connection is reset (RST) before the terminator (whole: before the last byte)",
        |_| healthy().reset_at(Moment::Finish),
    ),
    Fault::new(
        "hang-at-start",
        "silence before anything was written",
        |_| healthy().hang_at(Moment::Start),
    ),
    Fault::new("hang-within-head", "silence within the status line", |_| {
        healthy().hang_at(Moment::WithinHead)
    }),
    Fault::new("hang-after-head", "silence after the head", |_| {
        healthy().hang_at(Moment::Head)
    }),
    Fault::new(
        "hang-after-opening",
        "silence after the role (whole: after one byte)",
        |_| healthy().hang_at(Moment::Opening),
    ),
    Fault::new(
        "hang-after-content",
        "silence after a word (whole: half of the body)",
        |_| healthy().hang_at(Moment::Content),
    ),
    Fault::new(
        "hang-at-90",
        "silence after 90 % of the words (whole: of the bytes)",
        |_| healthy().hang_at(Moment::Percent(90)),
    ),
    Fault::new(
        "hang-after-finish",
        "silence before the terminator (whole: before the last byte)",
        |_| healthy().hang_at(Moment::Finish),
    ),
    Fault::new(
        "half-closed-at-start",
        "FIN before anything was written, but the socket stays open the other way",
        |_| half_closed(Moment::Start),
    ),
    Fault::new(
        "half-closed-after-head",
        "FIN after the head, but the socket stays open the other way",
        |_| half_closed(Moment::Head),
    ),
    Fault::new(
        "half-closed-after-content",
        "FIN after a word (whole: half of the body), but the socket stays open the other way",
        |_| half_closed(Moment::Content),
    ),
];

fn half_closed(moment: Moment) -> Play {
    healthy().instead(moment, [Step::HalfClose])
}
