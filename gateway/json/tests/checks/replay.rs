//! Replaying what a fuzz target has found; for this crate's tests and those of `fairlead-wire`.

use std::fs;
use std::path::Path;

/// Runs `check` on every input of a target's corpus.
pub(crate) fn replay(target: &str, check: fn(&[u8])) {
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
