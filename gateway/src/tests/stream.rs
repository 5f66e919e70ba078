//! A stream on its way to its caller: when its head goes out, what is said while it is silent, and how it ends.

use fairlead_faults::{Moment, Play, Provider};

use crate::harness::yaml::{ONCE, caller, chain, provider};
use crate::harness::{Held, World, always, seconds, settled, streamed, whole};

const WAITING: &str = ": waiting";

fn world(a: &Provider, more: &str, rule: &str) -> (World, Provider) {
    let b = always(Play::chat("B."));
    let world = World::serve(&[
        provider("a", &a.base_url(), &format!("{ONCE}, {more}")),
        provider("b", &b.base_url(), ""),
        caller(),
        chain("chat", &["a", "b"], rule),
        chain("alone", &["a"], rule),
    ]);
    (world, b)
}

#[tokio::test(start_paused = true)]
async fn a_stream_whose_content_takes_long_begins_after_fifteen_seconds_with_comments() {
    let a = always(Play::chat("A.").after(seconds(40)));
    let (world, _b) = world(&a, "timeouts: {firstToken: 60s}", "");
    let answer = world.ask(&streamed("chat")).await;
    assert_eq!((answer.status, answer.head_after()), (200, seconds(15)));
    assert_eq!(answer.times(WAITING), [15, 30].map(seconds));
    assert_eq!(
        (answer.came("\"A.\""), answer.attempts().as_str()),
        (Some(seconds(40)), "a=ok")
    );
    assert!(answer.done(), "{}", answer.text());
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_has_begun_with_comments_can_still_come_from_another_target() {
    let a = always(Play::silent());
    let (world, _b) = world(&a, "timeouts: {firstToken: 20s}", "");
    let answer = world.ask(&streamed("chat")).await;
    assert_eq!(answer.times(WAITING), [seconds(15)]);
    assert_eq!(
        (
            answer.attempts().as_str(),
            answer.content().as_str(),
            answer.took()
        ),
        ("a=first_token_timeout, b=ok", "B.", seconds(20))
    );
    assert!(answer.done());
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_has_begun_with_comments_and_gets_no_answer_ends_in_an_error() {
    let a = always(Play::silent());
    let (world, _b) = world(&a, "timeouts: {firstToken: 20s}", "");
    let answer = world.ask(&streamed("alone")).await;
    assert_eq!(
        (answer.status, answer.code().as_str(), answer.took()),
        (200, "provider_timeout", seconds(20))
    );
    assert!(answer.whole && !answer.done(), "{}", answer.text());
}

#[tokio::test(start_paused = true)]
async fn a_whole_answer_that_takes_long_has_no_comments() {
    let a = always(Play::chat("A.").after(seconds(40)));
    let (world, _b) = world(&a, "timeouts: {firstByte: 60s}", "");
    let answer = world.ask(&whole("chat")).await;
    assert_eq!(
        (answer.head_after(), answer.content().as_str()),
        (seconds(40), "A.")
    );
    assert!(!answer.text().contains(WAITING));
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_stalls_after_its_content_ends_in_an_error_after_the_idle_time() {
    let a = always(
        Play::words(["A", "B", "C"])
            .every(seconds(4))
            .hang_at(Moment::Content),
    );
    let (world, b) = world(&a, "timeouts: {idle: 5s}", "");
    let answer = world.ask(&streamed("chat")).await;
    let content = answer.came("\"A\"").unwrap();
    assert_eq!(answer.took(), content + seconds(5));
    assert_eq!(
        (answer.code().as_str(), answer.done()),
        ("provider_error", false)
    );
    assert_eq!(b.requests(), 0, "the caller has had the beginning");
    let entry = world.ended().unwrap();
    assert_eq!((entry.error, entry.complete), (Some("idle_timeout"), false));
    settled().await;
    assert_eq!((a.abandoned(), world.held()), (1, Held::default()));
}

#[tokio::test(start_paused = true)]
async fn a_stream_may_take_any_time_as_long_as_it_goes_on() {
    let a = always(Play::words(["A", "B", "C", "D"]).every(seconds(25)));
    let (world, _b) = world(&a, "timeouts: {idle: 26s, firstToken: 60s}", "");
    let answer = world.ask(&streamed("chat")).await;
    assert!(
        answer.done() && answer.took() > seconds(100),
        "{:?}",
        answer.took()
    );
}

#[tokio::test(start_paused = true)]
async fn the_time_of_the_request_ends_a_stream_that_goes_on_for_ever() {
    let words = vec!["A"; 1_000];
    let a = always(Play::words(words).every(seconds(1)));
    let (world, _b) = world(&a, "timeouts: {total: 30s}", "");
    let answer = world.ask(&streamed("chat")).await;
    assert_eq!((answer.took(), answer.done()), (seconds(30), false));
    assert_eq!(world.ended().unwrap().error, Some("total_timeout"));
}

#[tokio::test(start_paused = true)]
async fn the_time_in_which_the_caller_does_not_read_is_not_the_providers() {
    let a = always(Play::words(["A", "B", "C"]).every(seconds(1)));
    let (world, _b) = world(&a, "timeouts: {idle: 5s}", "");
    let mut hearing = world.begin(&streamed("chat")).await;
    hearing.until("\"A\"").await;
    tokio::time::sleep(seconds(60)).await;
    let answer = hearing.rest().await;
    assert!(answer.done(), "{}", answer.text());
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_keeps_its_terminator_to_itself_is_whole_after_the_idle_time() {
    let a = always(Play::words(["A", "B"]).hang_at(Moment::Finish));
    let (world, _b) = world(&a, "timeouts: {idle: 5s}", "");
    let answer = world.ask(&streamed("chat")).await;
    assert!(answer.done(), "{}", answer.text());
    assert_eq!(
        (answer.content().as_str(), answer.took()),
        ("AB", seconds(5))
    );
    assert!(world.ended().unwrap().complete);
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_is_held_comes_in_one_piece_when_it_is_whole() {
    let a = always(Play::words(["A", "B", "C"]).every(seconds(2)));
    let (world, _b) = world(&a, "", "stream: {commit: Complete}");
    let answer = world.ask(&streamed("chat")).await;
    assert!(answer.done());
    assert_eq!(
        (answer.pieces.len(), answer.head_after()),
        (1, answer.took())
    );
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_is_held_and_stalls_comes_from_another_target() {
    let a = always(Play::words(["A", "B", "C"]).hang_at(Moment::Content));
    let (world, _b) = world(&a, "timeouts: {idle: 5s}", "stream: {commit: Complete}");
    let answer = world.ask(&streamed("chat")).await;
    assert_eq!(
        (
            answer.attempts().as_str(),
            answer.content().as_str(),
            answer.took()
        ),
        ("a=idle_timeout, b=ok", "B.", seconds(5))
    );
}

/// Google's clients take a comment for data, and skip a blank line.
#[tokio::test(start_paused = true)]
async fn a_caller_of_gemini_has_blank_lines_for_company() {
    let a = always(Play::chat("A.").after(seconds(40)));
    let (world, _b) = world(&a, "timeouts: {firstToken: 60s}", "");
    let path = "/v1beta/models/chat:streamGenerateContent?alt=sse";
    let body = serde_json::json!({"contents": [{"parts": [{"text": "Hi."}]}]});
    let answer = world.ask_at(path, &body).await;
    assert_eq!((answer.status, answer.head_after()), (200, seconds(15)));
    let text = answer.text();
    assert!(text.starts_with("\n\n"), "{text:?}");
    let others = |line: &str| !line.is_empty() && !line.starts_with("data: ");
    assert!(!text.lines().any(others), "{text}");
    assert!(
        text.contains("\"A.\"") && text.contains("\"STOP\""),
        "{text}"
    );
}

#[tokio::test(start_paused = true)]
async fn what_comes_in_a_burst_leaves_in_few_pieces_and_what_comes_piece_by_piece_at_once() {
    let a = always(Play::words(vec!["A"; 64]));
    let (burst, _b) = world(&a, "", "");
    let answer = burst.ask(&streamed("chat")).await;
    assert!(answer.done(), "{}", answer.text());
    assert_eq!(answer.content(), "A".repeat(64));
    let pieces = answer.pieces.len();
    assert!(pieces <= 16, "{pieces} pieces");

    let a = always(Play::words(vec!["A"; 30]).every(seconds(1)));
    let (paced, _b) = world(&a, "", "");
    let answer = paced.ask(&streamed("chat")).await;
    let times = answer.times("\"A\"");
    assert_eq!(times, (2..32).map(seconds).collect::<Vec<_>>());
}
