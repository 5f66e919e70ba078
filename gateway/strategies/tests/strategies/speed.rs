//! What a choice costs.

use std::sync::Arc;
use std::time::Duration;

use fairlead_health::adaptive::{Adaptive, Ask, Candidate, Settings};
use fairlead_health::{Accounts, Allowance};

const PICKS: u32 = 200_000;

/// Nanoseconds of one choice among 16 targets at which requests are, the least of five rounds.
#[expect(
    clippy::disallowed_types,
    reason = "it is the clock on the wall that is asked for"
)]
pub(crate) fn nanos_a_pick() -> f64 {
    let candidates: Vec<Candidate> = (0..16)
        .map(|number| Candidate {
            name: number.to_string().into(),
            weight: 1 + number,
            places: 0,
            recorder: Arc::default(),
            accounts: Some(spacious()),
            provider: None,
        })
        .collect();
    let mut flights = Vec::new();
    for candidate in &candidates {
        for _ in 0..10 {
            let mut flight = candidate.recorder.begin(true);
            flight.answered(Duration::from_millis(400), 0);
            flights.push(flight);
        }
    }
    let adaptive = Adaptive::new(Settings::default(), candidates, Duration::ZERO);
    let mut random = fastrand::Rng::with_seed(1);
    let mut least = f64::INFINITY;
    for _ in 0..5 {
        let began = std::time::Instant::now();
        let mut sum = 0;
        for _ in 0..PICKS {
            let now = Duration::from_secs(1);
            adaptive.tick(now);
            let ask = Ask {
                now,
                stream: true,
                probes: true,
                first: random.u64(..),
                second: random.u64(..),
            };
            sum += adaptive.pick(|_| 1_000, &ask).unwrap().position;
        }
        std::hint::black_box(sum);
        least = least.min(began.elapsed().as_secs_f64() * 1e9 / f64::from(PICKS));
    }
    least
}

/// Accounts of which much is left.
fn spacious() -> Arc<Accounts> {
    let accounts = Accounts::default();
    let told = Allowance {
        left: 1_000,
        until: Duration::from_secs(60),
    };
    accounts.told(&"only".into(), 1, told, Duration::ZERO);
    Arc::new(accounts)
}
