//! Which attempt another one followed. Two that race overlap, and stand in the order of how the race ended: the loser first.

use std::sync::Arc;

use fairlead_record as told;
use fairlead_snapshot::FailureClass;
use tokio::time::Instant;

use super::record::Attempt;

/// An attempt, as far as its place among others goes.
pub(crate) trait Placed {
    /// A moment.
    type Time: Copy + Ord;

    /// The target.
    fn target(&self) -> &Arc<str>;

    /// When it began: before it stood in line.
    fn began(&self) -> Self::Time;

    /// Whether it was begun beside another that was silent.
    fn beside(&self) -> bool;

    /// Whether it was dropped, for another was quicker or nobody waited any more: it did not fail.
    fn dropped(&self) -> bool;
}

/// The attempt that the one at a place followed; `None`: it was the first, or was begun beside another that did not fail.
pub(crate) fn followed<T: Placed>(attempts: &[T], at: usize) -> Option<&T> {
    let (earlier, rest) = attempts.split_at_checked(at)?;
    let (attempt, later) = rest.split_first()?;
    let before = if attempt.beside() {
        earlier.last()?
    } else {
        // One that began later lost a race against it.
        let mut earlier = earlier.iter().rev();
        earlier.find(|one| one.began() <= attempt.began())?
    };
    if before.target() == attempt.target() {
        return Some(before);
    }
    let mut others = later.iter().filter(|one| !one.beside());
    let lost = attempt.beside() && others.any(|one| one.began() < attempt.began());
    (!lost && !before.dropped()).then_some(before)
}

impl Placed for Attempt {
    type Time = Instant;

    fn target(&self) -> &Arc<str> {
        &self.target
    }

    fn began(&self) -> Instant {
        let queued = self.queued.unwrap_or_default();
        self.began.checked_sub(queued).unwrap_or(self.began)
    }

    fn beside(&self) -> bool {
        self.hedge
    }

    fn dropped(&self) -> bool {
        self.hedged || self.class == Some(FailureClass::ClientGone)
    }
}

impl Placed for told::Attempt {
    type Time = u64;

    fn target(&self) -> &Arc<str> {
        &self.target
    }

    fn began(&self) -> u64 {
        self.started_us
    }

    fn beside(&self) -> bool {
        self.hedge
    }

    fn dropped(&self) -> bool {
        self.outcome == "hedged" || self.outcome == FailureClass::ClientGone.as_str()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `target began outcome`, with a `+` before what was begun beside another.
    fn attempts(text: &str) -> Vec<told::Attempt> {
        let attempt = |text: &str| {
            let mut words = text.split_whitespace();
            let target = words.next().unwrap();
            told::Attempt {
                hedge: target.starts_with('+'),
                target: target.trim_start_matches('+').into(),
                started_us: words.next().unwrap().parse().unwrap(),
                outcome: words.next().unwrap().to_owned().into(),
                ..told::Attempt::default()
            }
        };
        text.split(',').map(attempt).collect()
    }

    #[test]
    fn an_attempt_follows_what_failed_before_it_and_not_what_it_raced() {
        for (text, wanted) in [
            ("a 0 error, b 1 ok", vec!["a>b"]),
            ("a 0 error, a 1 error, b 2 ok", vec!["a>a", "a>b"]),
            // Races of which one was dropped.
            ("a 0 hedged, +b 2 ok", vec![]),
            ("+b 2 hedged, a 0 ok", vec![]),
            ("+b 2 error, +b 3 hedged, a 0 ok", vec!["b>b"]),
            ("a 0 error, a 3 hedged, +b 2 ok", vec!["a>a"]),
            ("a 0 client_gone, +b 2 client_gone", vec![]),
            // Races of which one failed.
            ("a 0 error, +b 2 ok", vec!["a>b"]),
            ("+b 2 error, a 0 ok", vec![]),
            ("a 0 error, +b 2 error, c 4 ok", vec!["a>b", "b>c"]),
            // Races behind a failure.
            ("a 0 error, b 1 hedged, +c 3 ok", vec!["a>b"]),
            ("a 0 error, +c 3 hedged, b 1 ok", vec!["a>b"]),
            // Behind a race whose winner broke off.
            ("+b 2 hedged, a 0 cut, c 5 ok", vec!["a>c"]),
        ] {
            let all = attempts(text);
            let pairs: Vec<String> = (0..all.len())
                .filter_map(|at| {
                    let before = followed(&all, at)?;
                    Some(format!("{}>{}", before.target, all[at].target))
                })
                .collect();
            assert_eq!(pairs, wanted, "{text}");
        }
    }
}
