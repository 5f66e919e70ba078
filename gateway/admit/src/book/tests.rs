use super::*;
use crate::exchange::Aged;

const A: Incarnation = Incarnation(1);
const B: Incarnation = Incarnation(2);

struct Store {
    book: Book,
    sums: Sums,
    run: RunId,
}

impl Store {
    fn new(shape: Shape, window: Option<Window>) -> Self {
        let mut sums = Sums::default();
        let book = Book::open(shape, window, &mut sums, 0);
        Self {
            book,
            sums,
            run: RunId::from("one"),
        }
    }

    fn ask(&mut self, now_ms: i64, ask: &Ask) -> Reply {
        self.book.exchange(&mut self.sums, now_ms, &self.run, ask)
    }
}

fn day() -> Option<Window> {
    Some(Window {
        start: 0,
        end: 86_400_000,
    })
}

fn of(incarnation: Incarnation, seq: u64) -> Ask {
    Ask {
        incarnation,
        run: None,
        seq,
        known: seq > 1,
        spent: 0,
        aged: Vec::new(),
        held: 0,
        need: 0,
        want: 0,
        pace: 0,
        generation: 1,
        limit: 100,
        strict: false,
        met_ms: 0,
    }
}

fn needs(incarnation: Incarnation, seq: u64, need: i64) -> Ask {
    Ask {
        need,
        ..of(incarnation, seq)
    }
}

#[test]
fn nobody_is_granted_beyond_the_limit() {
    let mut store = Store::new(Shape::Budget, day());
    assert_eq!(store.ask(1, &needs(A, 1, 60)).outcome, Outcome::Granted(60));
    assert_eq!(store.ask(1, &needs(B, 1, 41)).outcome, Outcome::Busy);
    assert_eq!(store.ask(1, &needs(B, 2, 40)).outcome, Outcome::Granted(40));
    let spent = Ask {
        spent: 60,
        ..of(A, 2)
    };
    let reply = store.ask(1, &spent);
    assert_eq!((reply.used, reply.leased_elsewhere), (60, 40));
    let outcome = store.ask(1, &needs(A, 3, 41)).outcome;
    assert!(matches!(outcome, Outcome::Exhausted { .. }), "{outcome:?}");
}

#[test]
fn shares_what_is_free_among_those_who_use_it() {
    let mut store = Store::new(Shape::Budget, day());
    let greedy = |incarnation| Ask {
        want: 1_000,
        pace: 1,
        ..needs(incarnation, 1, 1)
    };
    assert_eq!(store.ask(1, &greedy(A)).outcome, Outcome::Granted(50));
    assert_eq!(store.ask(1, &greedy(B)).outcome, Outcome::Granted(12));
}

#[test]
fn a_number_that_comes_again_repeats_its_reply_and_a_lower_one_changes_nothing() {
    let mut store = Store::new(Shape::Budget, day());
    let first = needs(A, 1, 10);
    let reply = store.ask(1, &first);
    assert_eq!(store.ask(2, &first), reply);
    let second = Ask {
        spent: 7,
        ..of(A, 2)
    };
    assert_eq!(store.ask(3, &second).used, 7);
    let before = store.book.clone();
    assert_eq!(store.ask(3, &first).outcome, Outcome::Old);
    assert_eq!(store.book, before);
}

#[test]
fn what_the_silent_hold_is_lost_until_they_speak_again() {
    let mut store = Store::new(Shape::Budget, day());
    store.ask(0, &needs(A, 1, 30));
    let reply = store.ask(3_000, &of(B, 1));
    assert_eq!((reply.lost, reply.leased_elsewhere), (30, 0));
    let back = Ask {
        spent: 5,
        held: 25,
        ..of(A, 2)
    };
    let reply = store.ask(3_100, &back);
    assert_eq!((reply.used, reply.lost), (5, 0));
}

#[test]
fn who_is_silent_for_a_quarter_of_an_hour_is_gone_and_what_it_held_stays_lost() {
    let mut store = Store::new(Shape::Budget, day());
    store.ask(0, &needs(A, 1, 30));
    let late = Ask {
        spent: 5,
        held: 25,
        ..of(A, 2)
    };
    assert_eq!(store.ask(900_000, &late).outcome, Outcome::Gone);
    let reply = store.ask(900_001, &of(B, 1));
    assert_eq!((reply.used, reply.lost), (0, 30));
    let anew = Ask {
        spent: 5,
        ..of(Incarnation(3), 1)
    };
    assert_eq!(store.ask(900_002, &anew).used, 5);
}

#[test]
fn an_ask_for_another_process_of_the_store_is_not_applied() {
    let mut store = Store::new(Shape::Budget, day());
    let ask = Ask {
        run: Some(RunId::from("another")),
        ..needs(A, 1, 10)
    };
    let reply = store.ask(0, &ask);
    assert_eq!(reply.outcome, Outcome::OtherRun);
    assert_eq!(reply.run, RunId::from("one"));
    assert_eq!(store.book.totals(&store.sums, 0), Totals::default());
}

#[test]
fn a_strict_account_grants_nothing_until_somebody_has_known_the_process_for_as_long_as_a_lease_lives()
 {
    let mut store = Store::new(Shape::Budget, day());
    let strict = |seq, met_ms| Ask {
        strict: true,
        met_ms,
        ..needs(A, seq, 10)
    };
    assert_eq!(store.ask(0, &strict(1, 2_999)).outcome, Outcome::Unready);
    assert_eq!(
        store.ask(1, &strict(2, 3_000)).outcome,
        Outcome::Granted(10)
    );
    store.run = RunId::from("two");
    assert_eq!(store.ask(2, &strict(3, 0)).outcome, Outcome::Unready);
}

#[test]
fn the_newest_limit_counts() {
    let mut store = Store::new(Shape::Budget, day());
    store.ask(0, &needs(A, 1, 60));
    let less = Ask {
        generation: 2,
        limit: 40,
        ..needs(B, 1, 10)
    };
    assert_eq!(store.ask(0, &less).outcome, Outcome::Busy);
    let older = Ask {
        held: 60,
        ..needs(A, 2, 50)
    };
    let older = store.ask(0, &older);
    assert_eq!(older.limit, 40);
    assert!(matches!(older.outcome, Outcome::Exhausted { .. }));
    assert!(older.tail);
}

#[test]
fn a_limit_of_nothing_refuses_all() {
    let mut store = Store::new(Shape::Slots, None);
    let none = Ask {
        limit: 0,
        ..needs(A, 1, 1)
    };
    let outcome = store.ask(0, &none).outcome;
    assert!(matches!(outcome, Outcome::Exhausted { .. }), "{outcome:?}");
}

#[test]
fn slots_of_the_silent_are_free() {
    let mut store = Store::new(Shape::Slots, None);
    store.ask(0, &needs(A, 1, 100));
    assert_eq!(store.ask(2_999, &needs(B, 1, 1)).outcome, Outcome::Busy);
    let reply = store.ask(3_000, &needs(B, 2, 100));
    assert_eq!((reply.outcome, reply.lost), (Outcome::Granted(100), 0));
}

#[test]
fn what_was_admitted_of_a_rate_counts_from_its_admission_and_not_from_its_grant() {
    let mut store = Store::new(Shape::Rate { per_ms: 60_000 }, None);
    let limit = |ask: Ask| Ask { limit: 600, ..ask };
    assert_eq!(
        store.ask(10_000, &limit(needs(A, 1, 30))).outcome,
        Outcome::Granted(30)
    );
    store.ask(12_500, &limit(needs(B, 1, 570)));
    let spent = |spent| {
        vec![Aged {
            bucket: 12,
            age_ms: 1,
            spent,
        }]
    };
    let ask = Ask {
        aged: spent(30),
        ..of(A, 2)
    };
    store.ask(13_000, &limit(ask));
    let ask = Ask {
        aged: spent(570),
        ..of(B, 2)
    };
    assert_eq!(store.ask(13_000, &limit(ask)).used, 600);
    let outcome = store.ask(71_000, &limit(needs(A, 3, 1))).outcome;
    assert_eq!(outcome, Outcome::Exhausted { retry_ms: 2_000 });
    let outcome = store.ask(73_000, &limit(needs(A, 4, 600))).outcome;
    assert_eq!(outcome, Outcome::Granted(600));
}

#[test]
fn what_the_silent_held_of_a_rate_is_lost_for_one_interval() {
    let mut store = Store::new(Shape::Rate { per_ms: 60_000 }, None);
    store.ask(0, &needs(A, 1, 100));
    let lost = |store: &Store, now_ms| store.book.totals(&store.sums, now_ms).lost;
    assert_eq!(lost(&store, 3_000), 100);
    assert_eq!(lost(&store, 64_999), 100);
    assert_eq!(lost(&store, 65_000), 0);
}

#[test]
fn a_clock_that_steps_changes_nothing_that_is_spent() {
    let mut store = Store::new(Shape::Budget, day());
    let spent = Ask {
        spent: 60,
        ..of(A, 1)
    };
    store.ask(1_000, &spent);
    let month = 31 * 86_400_000;
    store.ask(month, &of(B, 1));
    let reply = store.ask(2_000, &needs(Incarnation(3), 1, 41));
    assert_eq!(reply.used, 60);
    assert!(matches!(reply.outcome, Outcome::Exhausted { .. }));
    // It goes on from where it was, so nobody is taken to be silent for the step back.
    let reply = store.ask(3_000, &needs(Incarnation(4), 1, 1));
    assert_eq!((reply.replicas, reply.lost), (1, 0));
}

#[test]
fn a_window_that_is_defined_anew_begins_with_what_fell_into_it() {
    const HOUR: i64 = 3_600_000;
    let run = RunId::from("one");
    let ms = |day: i64, hour: i64| (day * 24 + hour) * HOUR;
    let february = Window {
        start: 0,
        end: ms(28, 0),
    };
    let march = Window {
        start: ms(28, 0),
        end: ms(59, 0),
    };
    let berlin = Window {
        start: ms(27, 23),
        end: ms(58, 22),
    };
    let mut sums = Sums::default();
    let spent = |name, spent| Ask {
        spent,
        ..of(Incarnation(name), 1)
    };
    let mut old = Book::open(Shape::Budget, Some(february), &mut sums, 1);
    old.exchange(&mut sums, ms(27, 12), &run, &spent(1, 7));
    old.exchange(&mut sums, ms(27, 23) + HOUR / 2, &run, &spent(2, 3));
    let mut utc = Book::open(Shape::Budget, Some(march), &mut sums, ms(28, 0));
    // What came late stays in the window it was admitted in.
    old.exchange(&mut sums, ms(28, 1), &run, &spent(3, 1));
    let reply = utc.exchange(&mut sums, ms(28, 1), &run, &of(B, 1));
    assert_eq!(reply.used, 0);
    utc.exchange(&mut sums, ms(30, 0), &run, &spent(4, 2));
    let mut anew = Book::open(Shape::Budget, Some(berlin), &mut sums, ms(37, 0));
    assert_eq!(anew.totals(&sums, ms(37, 0)).used, 6);
    // Requests that were admitted before the change are settled after it.
    utc.exchange(&mut sums, ms(37, 0), &run, &spent(5, 1));
    let reply = anew.exchange(&mut sums, ms(37, 0), &run, &of(B, 1));
    assert_eq!(reply.used, 7);
    // And whoever changes it back finds everything.
    anew.exchange(&mut sums, ms(37, 1), &run, &spent(6, 4));
    let reply = utc.exchange(&mut sums, ms(37, 2), &run, &of(B, 1));
    assert_eq!(reply.used, 7);
}

#[test]
fn a_book_is_read_as_it_was_written() {
    let mut store = Store::new(Shape::Rate { per_ms: 1_000 }, None);
    let ask = Ask {
        aged: vec![Aged {
            bucket: 0,
            age_ms: 0,
            spent: 4,
        }],
        ..needs(A, 1, 3)
    };
    store.ask(0, &ask);
    let text = serde_json::to_string(&store.book).unwrap();
    assert_eq!(serde_json::from_str::<Book>(&text).unwrap(), store.book);
    let text = serde_json::to_vec(&store.sums).unwrap();
    assert_eq!(serde_json::from_slice::<Sums>(&text).unwrap(), store.sums);
}
