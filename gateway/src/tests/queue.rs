//! Places at a provider, and the line for them.

use fairlead_faults::{Play, Provider};
use futures_util::future::join_all;

use crate::harness::yaml::{caller, chain, provider};
use crate::harness::{Answer, Held, World, always, seconds, settled, whole};

fn world(a: &Provider, concurrency: &str) -> (World, Provider) {
    let b = always(Play::chat("B."));
    let world = World::serve(&[
        provider(
            "a",
            &a.base_url(),
            &format!("concurrency: {{{concurrency}}}"),
        ),
        provider("b", &b.base_url(), ""),
        caller(),
        chain("chat", &["a", "b"], ""),
        chain("alone", &["a"], ""),
    ]);
    (world, b)
}

async fn crowd(world: &World, model: &str, size: usize) -> Vec<Answer> {
    let body = whole(model);
    join_all((0..size).map(|_| world.ask(&body))).await
}

#[tokio::test(start_paused = true)]
async fn who_is_over_the_limit_is_served_in_the_order_of_coming_as_places_come_back() {
    let a = always(Play::chat("A.").after(seconds(3)));
    let (world, b) = world(&a, "maxInFlight: 2, queue: {wait: 30s}");
    let answers = crowd(&world, "chat", 7).await;
    let took: Vec<u64> = answers
        .iter()
        .map(|answer| answer.took().as_secs())
        .collect();
    assert_eq!(took, [3, 3, 6, 6, 9, 9, 12]);
    assert_eq!(b.requests(), 0);
    let queued: Vec<u64> = std::iter::from_fn(|| world.ended())
        .filter_map(|entry| entry.attempts[0].queued)
        .map(|queued| queued.as_secs())
        .collect();
    assert_eq!(queued, [3, 3, 6, 6, 9]);
    settled().await;
    assert_eq!(world.held(), Held::default());
}

#[tokio::test(start_paused = true)]
async fn who_has_waited_its_time_in_line_goes_on_to_the_next_target() {
    let a = always(Play::chat("A.").after(seconds(20)));
    let (world, _b) = world(&a, "maxInFlight: 1, queue: {wait: 4s}");
    let answers = crowd(&world, "chat", 3).await;
    let seen: Vec<_> = answers
        .iter()
        .map(|answer| (answer.attempts(), answer.took()))
        .collect();
    let over = ("a=full, b=ok".to_owned(), seconds(4));
    assert_eq!(seen, [("a=ok".to_owned(), seconds(20)), over.clone(), over]);
}

#[tokio::test(start_paused = true)]
async fn a_place_in_line_is_waited_for_no_longer_than_the_request_may_take() {
    let a = always(Play::chat("A.").after(seconds(20)));
    let (world, _b) = world(&a, "maxInFlight: 1, queue: {wait: 30s}");
    let (first, second) = (whole("alone"), whole("alone"));
    let headers = [("x-fairlead-timeout-ms", "2000")];
    let (_, answer) = tokio::join!(world.ask(&first), world.ask_with(&headers, &second));
    assert_eq!(answer.took(), seconds(2));
    assert_eq!(a.requests(), 1);
    settled().await;
    assert_eq!(world.held(), Held::default());
}

#[tokio::test(start_paused = true)]
async fn one_who_hangs_up_in_line_is_passed_over() {
    let a = always(Play::chat("A.").after(seconds(10)));
    let (world, _b) = world(&a, "maxInFlight: 1, queue: {wait: 30s}");
    let body = whole("alone");
    let (first, (), third) = tokio::join!(
        world.ask(&body),
        world.ask_and_leave_after(seconds(5), &body),
        async {
            settled().await;
            world.ask(&body).await
        }
    );
    assert_eq!((first.took(), a.requests()), (seconds(10), 2));
    assert_eq!((third.status, third.took().as_secs()), (200, 19));
}

#[tokio::test(start_paused = true)]
async fn the_place_of_one_who_hangs_up_goes_to_the_first_in_line() {
    let a = always(Play::chat("A.").after(seconds(10)));
    let (world, _b) = world(&a, "maxInFlight: 1, queue: {wait: 30s}");
    let body = whole("alone");
    let ((), second) = tokio::join!(
        world.ask_and_leave_after(seconds(5), &body),
        world.ask(&body)
    );
    assert_eq!((second.status, second.took()), (200, seconds(15)));
}

#[tokio::test(start_paused = true)]
async fn a_stream_has_its_place_until_it_has_ended() {
    let a = always(Play::words(["A", "B", "C", "D"]).every(seconds(2)));
    let (world, _b) = world(&a, "maxInFlight: 1, queue: {wait: 60s}");
    let stream = crate::harness::streamed("alone");
    let (first, second) = tokio::join!(world.ask(&stream), world.ask(&stream));
    assert!(first.done() && second.done());
    assert!(
        second.came("\"A\"") > Some(first.took()),
        "{:?} {:?}",
        second.came("\"A\""),
        first.took()
    );
}
