//! Replays the corpus of the fuzz targets: what fuzzing once found interesting or broken stays right.

#[path = "checks/http1.rs"]
mod http1;
#[path = "checks/payload.rs"]
mod payload;
#[path = "../../json/tests/checks/replay.rs"]
mod replay;
#[path = "checks/request.rs"]
mod request;
#[path = "checks/sse.rs"]
mod sse;

use replay::replay;

#[test]
fn bodies_in_pieces_are_read_as_http_has_them() {
    replay("chunked", http1::check);
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
