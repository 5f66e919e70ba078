//! Replays the corpus of the fuzz target: what fuzzing once found interesting or broken stays right.

use std::fs;
use std::path::Path;

#[path = "checks/json_object.rs"]
mod json_object;

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
fn the_scanner_agrees_with_serde_json() {
    replay("json_object", json_object::check);
}
