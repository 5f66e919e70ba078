//! Every fault with a name, whole and streamed, with another target and without: one gateway, a provider object for each case so that
//! none depends on another's health.

mod case;
mod heard;
mod stage;
mod variant;
mod verdict;

use fairlead_faults::{Fault, Fits};
use futures_util::StreamExt as _;

use crate::expected::{IN_ORDER, TABLE};
use crate::results;
use stage::Stage;

/// Cases that run at the same time.
const AT_ONCE: usize = 12;

#[test]
fn every_fault_has_its_row_and_every_row_its_fault() {
    for fault in Fault::all().filter(|fault| !IN_ORDER.contains(&fault.name)) {
        let row = TABLE.iter().find(|(name, ..)| *name == fault.name);
        let (_, whole, stream) = row.unwrap_or_else(|| panic!("{} has no row", fault.name));
        let fits = match (whole, stream) {
            (Some(_), Some(_)) => Fits::Both,
            (Some(_), None) => Fits::Whole,
            (None, _) => Fits::Streams,
        };
        assert_eq!(fits, fault.fits, "{}", fault.name);
    }
    for (name, ..) in TABLE {
        assert!(Fault::named(name).is_some(), "there is no fault {name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_caller_sees_of_every_fault_what_the_table_says() {
    let cases = variant::all();
    assert!(cases.len() >= 60);
    let stage = Stage::set(&cases).await;
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
    let wrong: Vec<_> = played
        .iter()
        .filter_map(|(case, verdict)| verdict.complaint(case))
        .collect();
    assert!(
        wrong.is_empty(),
        "{} of {} cases:\n{}",
        wrong.len(),
        played.len(),
        wrong.join("\n")
    );
    assert!(stage.knows_the_secret());
    stage.is_as_it_was().await;
}
