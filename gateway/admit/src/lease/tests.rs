use super::*;
use crate::exchange::{Account, Ask, RunId};
use crate::{book::Book, book::Sums, window::Window};

const NAME: Incarnation = Incarnation(7 << 64);

fn leaked(shape: Shape) -> &'static [AtomicI64] {
    let cells: Vec<AtomicI64> = (0..cells(shape)).map(|_| AtomicI64::new(0)).collect();
    Vec::leak(cells)
}

fn at(ms: u64) -> Now {
    Now {
        mono: Duration::from_millis(ms),
        unix_ms: i64::try_from(ms).unwrap() + 1_000_000,
    }
}

fn bound(limit: i64) -> Option<Bound> {
    Some(Bound {
        limit,
        generation: 1,
        strict: false,
    })
}

const fn one(need: i64) -> Waiting {
    Waiting { need, all: need }
}

const NOBODY: Waiting = one(0);

/// A store and one replica.
struct Pair {
    lease: Lease,
    book: Book,
    sums: Sums,
    run: RunId,
    runs: Runs,
    limit: i64,
}

impl Pair {
    fn new(shape: Shape, limit: i64) -> Self {
        let lease = Lease::open(leaked(shape), shape, NAME, at(0)).unwrap();
        let window = (shape == Shape::Budget).then_some(Window {
            start: 0,
            end: 1_000_000_000,
        });
        let mut sums = Sums::default();
        Self {
            lease,
            book: Book::open(shape, window, &mut sums, at(0).unix_ms),
            sums,
            run: RunId::from("one"),
            runs: Runs::default(),
            limit,
        }
    }

    fn next(&self, ms: u64, waiting: Waiting) -> Ask {
        self.lease
            .next_ask(at(ms), bound(self.limit), waiting, &self.runs)
            .unwrap()
    }

    fn store(&mut self, ms: u64, ask: &Ask) -> Reply {
        self.book
            .exchange(&mut self.sums, at(ms).unix_ms, &self.run, ask)
    }

    fn exchange(&mut self, ms: u64, waiting: Waiting) -> Answer {
        let ask = self.next(ms, waiting);
        let reply = self.store(ms, &ask);
        self.lease.answered(at(ms), ask.seq, &reply, &self.runs)
    }

    fn take(&self, ms: u64, need: i64) -> Taken {
        self.lease.try_take(need, 1, at(ms)).unwrap()
    }

    fn used(&self) -> i64 {
        self.book.totals(&self.sums, at(0).unix_ms).used
    }
}

#[test]
fn takes_only_what_was_granted() {
    let mut pair = Pair::new(Shape::Budget, 100);
    assert_eq!(pair.lease.try_take(10, 1, at(0)), Err(Short::Ask));
    assert_eq!(pair.exchange(0, one(10)), Answer::Noted);
    let taken = pair.take(0, 10);
    pair.lease.settle(taken, 4);
    pair.exchange(100, NOBODY);
    assert_eq!(pair.used(), 4);
}

#[test]
fn says_that_all_is_spent_and_asks_again_after_a_second() {
    let mut pair = Pair::new(Shape::Budget, 100);
    let answer = pair.exchange(0, one(101));
    let Answer::Refused(refusal @ Refusal::Exhausted { .. }) = answer else {
        panic!("{answer:?}");
    };
    let again = |ms, need, generation| pair.lease.try_take(need, generation, at(ms));
    assert_eq!(again(999, 101, 1), Err(Short::Refused(refusal)));
    assert_eq!(again(999, 100, 1), Err(Short::Ask), "less may fit");
    assert_eq!(
        again(999, 101, 2),
        Err(Short::Ask),
        "the limit may be higher"
    );
    let mut pair = Pair::new(Shape::Budget, 100);
    pair.exchange(0, one(101));
    let again = |ms| pair.lease.try_take(101, 1, at(ms));
    assert_eq!(again(1_000), Err(Short::Ask));
}

#[test]
fn one_ask_is_in_flight_and_a_late_reply_is_ignored() {
    let mut pair = Pair::new(Shape::Budget, 100);
    let first = pair.next(0, one(10));
    let bound = bound(100);
    let next = |pair: &Pair, ms| pair.lease.next_ask(at(ms), bound, one(10), &pair.runs);
    assert_eq!(next(&pair, 59), None);
    assert_eq!(pair.lease.due(&pair.runs), Some(60));
    let second = next(&pair, 60).unwrap();
    assert_eq!(second.seq, first.seq + 1);
    let reply = pair.store(61, &first);
    let late = pair.lease.answered(at(61), first.seq, &reply, &pair.runs);
    assert_eq!(late, Answer::Late);
    assert_eq!(pair.lease.try_take(1, 1, at(61)), Err(Short::Ask));
    let reply = pair.store(62, &second);
    pair.lease.answered(at(62), second.seq, &reply, &pair.runs);
    let _taken = pair.take(62, 10);
    // What the first grant gave is back.
    assert_eq!(pair.book.totals(&pair.sums, at(62).unix_ms).leased, 10);
}

#[test]
fn gives_idle_back_after_a_second_of_rest() {
    let mut pair = Pair::new(Shape::Budget, 1_000);
    pair.exchange(0, one(10));
    let taken = pair.take(0, 10);
    pair.lease.settle(taken, 10);
    pair.exchange(500, one(100));
    assert!(pair.book.totals(&pair.sums, at(500).unix_ms).leased >= 100);
    let due = pair.lease.due(&pair.runs).unwrap();
    assert!((1_000..=1_500).contains(&due), "{due}");
    pair.exchange(1_000, NOBODY);
    assert_eq!(pair.book.totals(&pair.sums, at(1_000).unix_ms).leased, 0);
    assert!(pair.lease.is_empty());
    assert_eq!(pair.lease.due(&pair.runs), None);
}

#[test]
fn a_drain_gives_all_idle_back_but_keeps_what_is_reserved() {
    let mut pair = Pair::new(Shape::Budget, 1_000);
    pair.exchange(0, one(30));
    let taken = pair.take(0, 10);
    pair.lease.drain();
    pair.exchange(1, NOBODY);
    assert_eq!(pair.book.totals(&pair.sums, at(1).unix_ms).leased, 10);
    pair.lease.settle(taken, 8);
    pair.exchange(2, NOBODY);
    assert!(pair.lease.is_empty());
    assert_eq!(pair.used(), 8);
}

#[test]
fn a_raise_and_what_it_came_to_beyond_are_never_refused() {
    let mut pair = Pair::new(Shape::Budget, 100);
    pair.exchange(0, one(100));
    let mut taken = pair.take(0, 100);
    pair.lease.raise(&mut taken, 150);
    assert_eq!(taken.amount(), 150);
    pair.exchange(10, NOBODY);
    assert_eq!(pair.book.totals(&pair.sums, at(10).unix_ms).leased, 150);
    pair.lease.settle(taken, 170);
    pair.exchange(20, NOBODY);
    let totals = pair.book.totals(&pair.sums, at(20).unix_ms);
    assert_eq!((totals.used, totals.leased), (170, 0));
    assert_eq!(pair.lease.reserved(), 0);
    assert_eq!(pair.lease.standing().used, 170);
}

#[test]
fn what_nobody_granted_is_said_once_the_store_is_back() {
    let mut pair = Pair::new(Shape::Budget, 100);
    let first = pair.lease.force(80, at(0));
    let second = pair.lease.force(80, at(0));
    pair.lease.settle(first, 70);
    pair.exchange(10, NOBODY);
    let totals = pair.book.totals(&pair.sums, at(10).unix_ms);
    assert_eq!((totals.used, totals.leased), (70, 80));
    pair.lease.settle(second, 80);
    pair.exchange(20, NOBODY);
    assert_eq!(pair.used(), 150);
    assert!(pair.lease.is_empty());
}

#[test]
fn in_the_tail_nothing_is_kept_idle() {
    let mut pair = Pair::new(Shape::Budget, 100);
    pair.exchange(0, one(60));
    let taken = pair.take(0, 60);
    pair.lease.settle(taken, 40);
    pair.exchange(300, NOBODY);
    let due = pair.lease.due(&pair.runs).unwrap();
    assert_eq!(due, 320, "20 of 60 are free, and 60 are used in a second");
    pair.exchange(320, NOBODY);
    assert_eq!(pair.book.totals(&pair.sums, at(320).unix_ms).leased, 0);
    pair.exchange(330, one(5));
    assert_eq!(pair.book.totals(&pair.sums, at(330).unix_ms).leased, 5);
}

#[test]
fn all_is_said_again_to_a_new_process_of_the_store() {
    let mut pair = Pair::new(Shape::Budget, 100);
    pair.exchange(0, one(10));
    let taken = pair.take(0, 10);
    pair.lease.settle(taken, 10);
    pair.exchange(1, NOBODY);
    pair.exchange(2_000, NOBODY);
    assert_eq!(pair.lease.due(&pair.runs), None);
    // The store forgets everything.
    pair.run = RunId::from("two");
    pair.sums = Sums::default();
    pair.book = Book::open(Shape::Budget, None, &mut pair.sums, 0);
    pair.runs.heard(&pair.run, 3_000);
    assert!(pair.lease.due(&pair.runs).unwrap() <= 3_000);
    assert_eq!(pair.exchange(3_000, NOBODY), Answer::Again);
    assert_eq!(pair.exchange(3_001, NOBODY), Answer::Noted);
    assert_eq!(pair.used(), 10);
    assert_eq!(pair.lease.due(&pair.runs), None);
}

#[test]
fn who_was_forgotten_begins_anew_with_what_was_not_acknowledged() {
    let mut pair = Pair::new(Shape::Budget, 1_000);
    pair.exchange(0, one(100));
    let taken = pair.take(0, 10);
    pair.lease.settle(taken, 10);
    pair.exchange(1, NOBODY);
    let taken = pair.take(2, 10);
    pair.lease.settle(taken, 7);
    assert_eq!(pair.exchange(1_000_001, NOBODY), Answer::Again);
    assert_eq!(pair.exchange(1_000_002, NOBODY), Answer::Noted);
    assert_eq!(pair.used(), 17);
}

#[test]
fn the_next_process_reports_for_the_dead_one() {
    for shape in [Shape::Budget, Shape::Slots] {
        let cells = leaked(shape);
        let mut pair = Pair::new(shape, 1_000);
        pair.lease = Lease::open(cells, shape, NAME, at(0)).unwrap();
        pair.exchange(0, one(100));
        let taken = pair.take(0, 10);
        pair.lease.settle(taken, 9);
        let _in_flight = pair.take(1, 20);
        pair.lease = Lease::resume(cells, shape, at(5)).unwrap();
        pair.runs = Runs::default();
        assert!(pair.lease.due(&pair.runs).is_some());
        pair.exchange(6, NOBODY);
        let totals = pair.book.totals(&pair.sums, at(6).unix_ms);
        let used = if shape == Shape::Budget { 29 } else { 0 };
        assert_eq!((totals.used, totals.leased), (used, 0));
        assert!(pair.lease.is_empty());
    }
    assert!(Lease::resume(leaked(Shape::Budget), Shape::Budget, at(0)).is_none());
}

#[test]
fn a_rate_is_reported_by_when_it_was_admitted() {
    let shape = Shape::Rate { per_ms: 60_000 };
    let cells = leaked(shape);
    let mut pair = Pair::new(shape, 100);
    pair.lease = Lease::open(cells, shape, NAME, at(0)).unwrap();
    pair.exchange(0, one(50));
    let early = pair.take(0, 10);
    pair.exchange(2_000, one(20));
    let late = pair.take(2_500, 20);
    pair.lease.settle(early, 10);
    pair.lease.settle(late, 20);
    let ask = pair.next(2_600, NOBODY);
    let told: Vec<_> = ask.aged.iter().map(|one| (one.age_ms, one.spent)).collect();
    assert_eq!(told, [(1_601, 10), (0, 20)]);
    let reply = pair.store(2_600, &ask);
    pair.lease.answered(at(2_600), ask.seq, &reply, &pair.runs);
    assert_eq!(pair.book.totals(&pair.sums, at(2_600).unix_ms).used, 30);
    // The process dies and another goes on: what was said is not said again.
    let flying = pair.take(2_700, 5);
    pair.lease = Lease::resume(cells, shape, at(2_800)).unwrap();
    drop(flying);
    pair.exchange(2_800, NOBODY);
    assert_eq!(pair.book.totals(&pair.sums, at(2_800).unix_ms).used, 35);
    assert_eq!(pair.book.totals(&pair.sums, at(61_500).unix_ms).used, 25);
    assert_eq!(pair.book.totals(&pair.sums, at(63_000).unix_ms).used, 0);
}

#[test]
fn a_lease_of_slots_or_of_a_rate_ends_with_the_stores_patience() {
    for shape in [Shape::Slots, Shape::Rate { per_ms: 60_000 }] {
        let mut pair = Pair::new(shape, 100);
        pair.exchange(0, one(10));
        let _taken = pair.take(2_999, 1);
        assert_eq!(pair.lease.try_take(1, 1, at(3_000)), Err(Short::Ask));
    }
    let mut pair = Pair::new(Shape::Budget, 100);
    pair.exchange(0, one(10));
    let _taken = pair.take(3_000, 1);
}

#[test]
fn idle_above_a_limit_that_fell_comes_back() {
    let mut pair = Pair::new(Shape::Budget, 100);
    pair.exchange(0, one(50));
    let _taken = pair.take(0, 20);
    let lower = Some(Bound {
        limit: 30,
        generation: 2,
        strict: false,
    });
    let ask = pair.lease.next_ask(at(10), lower, NOBODY, &pair.runs);
    let ask = ask.unwrap();
    let reply = pair.store(10, &ask);
    pair.lease.answered(at(10), ask.seq, &reply, &pair.runs);
    let ask = pair.lease.next_ask(at(30), lower, one(1), &pair.runs);
    assert_eq!(ask.map(|ask| ask.held), Some(20));
}

#[test]
fn what_is_taken_and_settled_by_many_threads_adds_up() {
    let mut pair = Pair::new(Shape::Budget, 1_000_000);
    pair.exchange(0, one(40_000));
    let lease = &pair.lease;
    std::thread::scope(|scope| {
        for thread in 0..4 {
            scope.spawn(move || {
                for round in 0..1_000 {
                    let taken = lease.try_take(3, 1, at(1)).unwrap();
                    lease.settle(taken, (thread + round) % 4);
                }
            });
        }
    });
    pair.exchange(1_100, NOBODY);
    assert_eq!(pair.used(), 4 * 1_500);
    assert!(pair.lease.is_empty());
}

#[test]
fn the_arguments_of_a_call_name_one_slot() {
    let account = Account {
        counter: "budget/key/search/a/month".into(),
        shape: Shape::Budget,
        window: Some(Window { start: 1, end: 2 }),
    };
    let [own, sums] = account.keys("fairlead:");
    assert_eq!(own, "fairlead:{budget/key/search/a/month}:1-2");
    assert_eq!(sums, "fairlead:{budget/key/search/a/month}:sums");
    assert_eq!(account.look().len(), 4);
}
