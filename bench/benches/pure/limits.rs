//! What a limit takes of a request that it admits.

use std::hint::black_box;
use std::sync::atomic::AtomicI64;
use std::time::Duration;

use criterion::Criterion;
use fairlead_admit::book::{Book, Sums};
use fairlead_admit::exchange::{Incarnation, RunId, Shape};
use fairlead_admit::lease::{Bound, Lease, Now, Runs, Waiting, cells};
use fairlead_admit::window::Window;

/// What one request takes, and what is granted for it: the store is not asked again.
const NEED: i64 = 1000;

/// Reserved before a request is sent, and settled when it is known what it came to: nothing, so that it can be taken again.
pub(crate) fn leases(criterion: &mut Criterion) {
    let now = Now {
        mono: Duration::from_secs(1),
        unix_ms: 1_795_996_800_000,
    };
    let window = Window {
        start: now.unix_ms,
        end: now.unix_ms + 86_400_000,
    };
    let (shape, run) = (Shape::Budget, RunId::from("bench"));
    let numbers: Vec<AtomicI64> = (0..cells(shape)).map(|_| AtomicI64::new(0)).collect();
    let lease = Lease::open(Vec::leak(numbers), shape, Incarnation(1), now).unwrap();
    let bound = Bound {
        limit: 1_000_000_000,
        generation: 1,
        strict: false,
    };
    let waiting = Waiting {
        need: NEED,
        all: NEED,
    };
    let runs = Runs::own(run.clone());
    let mut sums = Sums::default();
    let mut book = Book::open(shape, Some(window), &mut sums, now.unix_ms);
    let ask = lease.next_ask(now, Some(bound), waiting, &runs).unwrap();
    let reply = book.exchange(&mut sums, now.unix_ms, &run, &ask);
    lease.answered(now, ask.seq, &reply, &runs);
    criterion.bench_function("reserve and settle", |bencher| {
        bencher.iter(|| {
            let taken = lease.try_take(black_box(NEED), 1, now).unwrap();
            lease.settle(taken, 0);
        });
    });
}
