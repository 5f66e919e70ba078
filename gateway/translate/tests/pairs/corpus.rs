//! Replays the corpus of the fuzz targets: what fuzzing once found interesting or broken stays right.

#[path = "../../../json/tests/checks/replay.rs"]
mod replay;

use crate::checks;
use replay::replay;

#[test]
fn bodies_are_read_and_written_without_harm() {
    replay("translate_request", checks::bodies);
}

#[test]
fn streams_are_read_and_written_without_harm() {
    replay("translate_stream", checks::stream);
}
