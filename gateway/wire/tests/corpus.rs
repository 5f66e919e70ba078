//! Replays the corpus of the fuzz targets: what fuzzing once found interesting or broken stays right.

use std::fs;
use std::path::Path;

#[path = "checks/payload.rs"]
mod payload;
#[path = "checks/request.rs"]
mod request;
#[path = "checks/sse.rs"]
mod sse;

/// Runs `check` on every input of a target's corpus.
fn replay(target: &str, check: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../fuzz/corpus")
        .join(target);
    let inputs: Vec<_> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .collect();
    assert!(inputs.len() >= 10, "the corpus of {target} is missing");
    for input in inputs {
        let bytes = fs::read(input.path());
        assert!(bytes.is_ok(), "{}", input.path().display());
        bytes.iter().for_each(|bytes| check(bytes));
    }
}

#[test]
fn payloads_say_what_their_trees_say() {
    replay("payload", payload::check);
}

#[test]
fn upstream_bodies_say_what_requests_say() {
    replay("request", request::check);
}

#[test]
fn events_are_those_of_the_standard() {
    replay("sse", sse::check);
}
