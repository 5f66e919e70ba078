//! A steady load on a gateway while something happens to it, with every failure counted and told.
//!
//! Whole requests start at a fixed rate, whatever becomes of those before; every other one has a connection of its own, so that both
//! connections that live on and new ones are tried. Streams are kept open next to them, each followed by another. All of it ends by
//! itself after [`Load::LONGEST`].

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Result;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

use crate::caller::{Caller, Completion, Connections};

/// After a stream that failed, lest a gateway that is gone be asked as fast as it refuses.
const PAUSE: Duration = Duration::from_millis(200);

/// How much, and of which models.
#[derive(Debug, Clone)]
pub struct Rate {
    /// Whole requests a second.
    pub per_second: u32,
    /// The model they ask for.
    pub model: String,
    /// Streams at a time.
    pub streams: usize,
    /// The model they ask for.
    pub stream_model: String,
}

/// A load under way.
#[derive(Debug)]
pub struct Load {
    stop: watch::Sender<bool>,
    whole: JoinSet<Tally>,
    streamed: JoinSet<Tally>,
}

/// What became of the requests of one kind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// Those with a 200 that came to a proper end.
    pub finished: usize,
    /// All others: the seconds since the start, and why.
    pub failures: Vec<String>,
}

/// What became of all of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Whole requests.
    pub whole: Tally,
    /// Streams.
    pub streamed: Tally,
}

impl Load {
    /// The longest that a load goes on if it is not stopped.
    pub const LONGEST: Duration = Duration::from_secs(600);

    /// Starts asking the gateway at this address with this key.
    ///
    /// # Errors
    /// When no client can be made.
    pub fn start(gateway: SocketAddr, key: &str, rate: &Rate) -> Result<Self> {
        let began = Instant::now();
        let (stop, stopped) = watch::channel(false);
        let kept = Caller::new(gateway, key, Connections::Kept)?;
        let fresh = Caller::new(gateway, key, Connections::Fresh)?;
        let mut streamed = JoinSet::new();
        for _ in 0..rate.streams {
            let caller = fresh.clone();
            let model = rate.stream_model.clone();
            streamed.spawn(keep_streaming(caller, model, began, stopped.clone()));
        }
        let mut whole = JoinSet::new();
        whole.spawn(keep_asking([kept, fresh], rate.clone(), began, stopped));
        Ok(Self {
            stop,
            whole,
            streamed,
        })
    }

    /// Starts no more requests, and waits for those under way.
    pub async fn stop(self) -> Outcome {
        // Nobody listens any more if all have ended by themselves.
        let _ = self.stop.send(true);
        Outcome {
            whole: sum(self.whole).await,
            streamed: sum(self.streamed).await,
        }
    }
}

async fn sum(tasks: JoinSet<Tally>) -> Tally {
    let mut sum = Tally::default();
    for tally in tasks.join_all().await {
        sum.finished += tally.finished;
        sum.failures.extend(tally.failures);
    }
    sum
}

async fn keep_asking(
    callers: [Caller; 2],
    rate: Rate,
    began: Instant,
    mut stopped: watch::Receiver<bool>,
) -> Tally {
    let mut requests = JoinSet::new();
    let mut callers = callers.iter().cycle();
    let mut tick = interval(Duration::from_secs(1) / rate.per_second.max(1));
    tick.set_missed_tick_behavior(MissedTickBehavior::Burst);
    while rate.per_second > 0 && began.elapsed() < Load::LONGEST {
        tokio::select! {
            _ = stopped.changed() => break,
            _ = tick.tick() => {}
        }
        let Some(caller) = callers.next().cloned() else {
            break;
        };
        let model = rate.model.clone();
        requests.spawn(async move {
            let mut tally = Tally::default();
            tally.count(caller.chat(&model).await, began);
            tally
        });
    }
    sum(requests).await
}

async fn keep_streaming(
    caller: Caller,
    model: String,
    began: Instant,
    stopped: watch::Receiver<bool>,
) -> Tally {
    let mut tally = Tally::default();
    while !*stopped.borrow() && began.elapsed() < Load::LONGEST {
        let failures = tally.failures.len();
        tally.count(caller.stream(&model).await, began);
        if tally.failures.len() > failures {
            sleep(PAUSE).await;
        }
    }
    tally
}

impl Tally {
    fn count(&mut self, outcome: Result<Completion>, began: Instant) {
        let why = match outcome {
            Ok(Completion {
                status: 200,
                finished: true,
                code: None,
                ..
            }) => {
                self.finished += 1;
                return;
            }
            Ok(completion) => format!("{completion:?}"),
            Err(error) => format!("{error:#}"),
        };
        let seconds = began.elapsed().as_secs_f64();
        self.failures.push(format!("{seconds:.1} s: {why}"));
    }
}

#[cfg(test)]
mod tests {
    use fairlead_faults::{Play, Provider};

    use super::*;

    fn rate() -> Rate {
        Rate {
            per_second: 100,
            model: "m".to_owned(),
            streams: 1,
            stream_model: "m".to_owned(),
        }
    }

    #[tokio::test]
    async fn counts_every_failure_and_nothing_twice() {
        let provider = Provider::start(|seen| match (seen.streamed(), seen.sequence % 3) {
            (true, _) => Play::words(["a", "b"]).every(Duration::from_millis(20)),
            (false, 0) => Play::status(503),
            (false, _) => Play::chat("hello"),
        })
        .await;
        let load = Load::start(provider.address(), "k", &rate()).unwrap();
        provider.until(|provider| provider.requests() >= 30).await;
        let outcome = load.stop().await;
        let seen = provider.seen();
        let whole = seen.iter().filter(|seen| !seen.streamed());
        let refused = whole.clone().filter(|seen| seen.sequence % 3 == 0).count();
        assert_eq!(outcome.whole.failures.len(), refused, "{outcome:?}");
        assert_eq!(outcome.whole.finished, whole.count() - refused);
        assert!(outcome.streamed.finished > 0 && outcome.streamed.failures.is_empty());
    }

    #[tokio::test]
    async fn a_stream_cut_short_is_a_failure() {
        let provider = Provider::always(Play::words(["a", "b"]).cut_after(1)).await;
        let none = Rate {
            per_second: 0,
            ..rate()
        };
        let load = Load::start(provider.address(), "k", &none).unwrap();
        provider.until(|provider| provider.requests() >= 1).await;
        let outcome = load.stop().await;
        assert_eq!(outcome.streamed.finished, 0);
        assert!(!outcome.streamed.failures.is_empty());
    }
}
