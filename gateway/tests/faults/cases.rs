//! Every fault with a name, in every dialect, from the surface of that dialect and from another one; whole and streamed, with another target
//! and without. A gateway for each pair, and a provider object for each case so that none depends on another's health.

mod case;
mod heard;
pub(crate) mod stage;
pub(crate) mod surface;
mod variant;
mod verdict;

use fairlead_faults::{Dialect, Fault, Fits};
use futures_util::StreamExt as _;

use crate::expected::{self, IN_ORDER, TABLE};
use crate::results;
use stage::Stage;
use surface::Surface;

/// Cases that run at the same time.
const AT_ONCE: usize = 12;

#[test]
fn every_fault_has_its_row_or_says_what_it_means_and_every_row_has_its_fault() {
    for dialect in Dialect::all() {
        for fault in Fault::of(dialect).filter(|fault| !IN_ORDER.contains(&fault.name)) {
            let fits = match expected::of(dialect, fault) {
                (Some(_), Some(_)) => Fits::Both,
                (Some(_), None) => Fits::Whole,
                (None, _) => Fits::Streams,
            };
            assert_eq!(fits, fault.fits, "{dialect:?} {}", fault.name);
        }
    }
    for (name, ..) in TABLE {
        assert!(Fault::named(name).is_some(), "there is no fault {name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_caller_sees_of_every_fault_what_the_table_says() {
    play_all(|[own, _]| own).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a minute; make faults runs it, and make test runs that"]
async fn who_speaks_otherwise_than_the_provider_sees_the_same() {
    play_all(|[_, other]| other).await;
}

/// Plays all cases of every dialect from one of its surfaces.
async fn play_all(which: impl Fn([Surface; 2]) -> Surface) {
    let mut wrong = Vec::new();
    for dialect in Dialect::all() {
        wrong.extend(play(dialect, which(Surface::of(dialect))).await);
    }
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
}

/// Plays all cases of a pair; what was wrong.
async fn play(dialect: Dialect, surface: Surface) -> Vec<String> {
    let cases = variant::all(dialect, surface);
    assert!(cases.len() >= 60);
    let stage = Stage::set(dialect, surface, &cases).await;
    let stage = &stage;
    let played: Vec<_> = futures_util::stream::iter(&cases)
        .map(|case| async move { (case, case.play(stage).await) })
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    let entries: Vec<_> = played
        .iter()
        .map(|(case, verdict)| verdict.entry(case))
        .collect();
    results::cases(&entries);
    assert!(stage.knows_the_secret());
    stage.is_as_it_was().await;
    let complaints = played
        .iter()
        .filter_map(|(case, verdict)| verdict.complaint(case));
    complaints.collect()
}
