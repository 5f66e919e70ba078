//! Answers that take their time, and servers that are well only now and then.

use std::time::Duration;

use super::{Fault, healthy};
use crate::{Moment, Play, Seen, Step};

const A_WHILE: Duration = Duration::from_millis(150);

pub(super) const FAULTS: &[Fault] = &[
    Fault::new("slow-start", "the answer begins after 150 ms", |_| {
        healthy().after(A_WHILE)
    }),
    Fault::new(
        "slow-first-word",
        "the role at once, the first word after 150 ms",
        |_| healthy().insert(Moment::Opening, [Step::Pause(A_WHILE)]),
    )
    .streams(),
    Fault::new("slow-drip", "a byte every millisecond", |_| {
        healthy().in_pieces_of(1).every(Duration::from_millis(1))
    })
    .whole(),
    Fault::new("slow-words", "a word every 20 ms", |_| {
        healthy().every(Duration::from_millis(20))
    })
    .streams(),
    Fault::new(
        "pauses-between-bytes",
        "events cut into 40 bytes, 2 ms apart",
        |_| healthy().in_pieces_of(40).every(Duration::from_millis(2)),
    )
    .streams(),
    Fault::new(
        "comments-only",
        "a comment every 20 ms, and never a word",
        |_| healthy().instead(Moment::Head, only_comments()),
    )
    .of_events(),
    Fault::new(
        "comments-after-opening",
        "a role, then a comment every 20 ms, and never a word",
        |_| healthy().instead(Moment::Opening, only_comments()),
    )
    .of_events(),
    Fault::new(
        "comments-after-content",
        "a word, then a comment every 20 ms, and never another",
        |_| healthy().instead(Moment::Content, only_comments()),
    )
    .of_events(),
    Fault::new(
        "comments-then-words",
        "ten comments, 10 ms apart, then the answer",
        |_| healthy().insert(Moment::Head, comments(10, 10)),
    )
    .of_events(),
    Fault::new("flapping", "every second request fails with 500", |seen| {
        if odd(seen) {
            healthy()
        } else {
            Play::status(500)
        }
    }),
    Fault::new(
        "flapping-by-reset",
        "every second request is reset",
        |seen| {
            if odd(seen) { healthy() } else { Play::reset() }
        },
    ),
];

/// For longer than anyone waits for a word.
fn only_comments() -> Vec<Step> {
    let mut steps = comments(3000, 20);
    steps.push(Step::Hang);
    steps
}

fn comments(count: usize, millis: u64) -> Vec<Step> {
    let pair = [
        Step::Comment("keep-alive".into()),
        Step::Pause(Duration::from_millis(millis)),
    ];
    std::iter::repeat_n(pair, count).flatten().collect()
}

fn odd(seen: &Seen) -> bool {
    !seen.sequence.is_multiple_of(2)
}
