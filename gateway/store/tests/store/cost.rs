//! What a request pays for a counter whose lease has room.

use std::time::Duration;

use fairlead_store::{Now, Where};
use tokio::time::Instant;

use crate::support::{Replica, terms};

const TIMES: u32 = 100_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement, to be run with --release"]
async fn taking_and_settling_costs_less_than_half_a_microsecond() {
    let replica = Replica::start(Where::Embedded { dir: None }, None).await;
    let counter = replica.budget("budget/team/search/research/month");
    let terms = terms(1 << 50);
    // Until the lease has grown to what is used.
    for threads in [1, 2] {
        let mut best = Duration::MAX;
        for _ in 0..8 {
            let work = || {
                let mono = replica.now().mono;
                let now = Now { mono, unix_ms: 0 };
                let started = Instant::now();
                let mut taken = 0;
                for _ in 0..TIMES {
                    if let Ok(hold) = counter.try_take(&terms, 3, now) {
                        hold.settle(0);
                        taken += 1;
                    }
                }
                (taken == TIMES).then(|| started.elapsed() / TIMES)
            };
            let first = replica.take(&counter, &terms, 1 << 30).await;
            if let Ok(hold) = first {
                hold.cancel();
            }
            let all = std::thread::scope(|scope| {
                let spawned: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
                let all = spawned.into_iter().map(|thread| thread.join().unwrap());
                all.collect::<Option<Vec<_>>>()
            });
            best = best.min(all.and_then(|all| all.into_iter().max()).unwrap_or(best));
        }
        println!("{threads} threads: {best:?} for a take and its settlement");
        assert!(best < Duration::from_nanos(500), "{best:?}");
    }
}
