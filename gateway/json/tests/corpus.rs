//! Replays the corpus of the fuzz target: what fuzzing once found interesting or broken stays right.

#[path = "checks/json_object.rs"]
mod json_object;
#[path = "checks/replay.rs"]
mod replay;

use replay::replay;

#[test]
fn the_scanner_agrees_with_serde_json() {
    replay("json_object", json_object::check);
}
