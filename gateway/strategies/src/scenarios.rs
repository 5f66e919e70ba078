//! The twelve scenarios.

use std::time::Duration;

use crate::scenario::{Account, GOOD, Nature, Scenario, Target};

/// When the target of `recovery` fails, and when it is back.
pub const OUTAGE: (f64, f64) = (121.0, 242.0);

/// All of them. `brief`: those with very many requests are short, for a run that is not optimised.
#[must_use]
pub fn all(brief: bool) -> Vec<Scenario> {
    vec![
        one_slow(),
        one_failing(),
        throttled_accounts(),
        drifting_tail(),
        recovery(),
        flapping(),
        cold_newcomer(),
        two_identical(),
        cost_against_latency(),
        sixteen_targets(),
        one_a_second(),
        five_thousand_a_second(brief),
    ]
}

fn scenario(name: &'static str, targets: Vec<Target>) -> Scenario {
    Scenario {
        name,
        length: Duration::from_secs(600),
        rate: |_| 10.0,
        tokens: 150.0,
        targets,
        settled: None,
    }
}

fn good() -> Target {
    Target::of(|_| GOOD)
}

fn one_slow() -> Scenario {
    let slow = Target::of(|_| Nature {
        first: 1_600.0,
        ..GOOD
    });
    Scenario {
        settled: Some(Duration::from_secs(60)),
        ..scenario("one slow", vec![good(), good(), slow])
    }
}

fn one_failing() -> Scenario {
    let failing = Target::of(|_| Nature {
        failing: 0.1,
        ..GOOD
    });
    scenario("one failing 10 %", vec![good(), good(), failing])
}

fn throttled_accounts() -> Scenario {
    let limited = |a_minute, is_bucket| Target {
        account: Some(Account {
            a_minute,
            is_bucket,
        }),
        ..good()
    };
    scenario(
        "throttled accounts",
        vec![
            limited(300.0, false),
            limited(300.0, true),
            limited(120.0, true),
        ],
    )
}

/// The median stays, and ever more answers take eight times as long.
fn drifting_tail() -> Scenario {
    let drifting = Target::of(|now| Nature {
        tail: 0.01 + 0.19 * ((now - 120.0) / 240.0).clamp(0.0, 1.0),
        tail_times: 8.0,
        ..GOOD
    });
    let steady = Target::of(|_| Nature {
        tail: 0.01,
        tail_times: 8.0,
        ..GOOD
    });
    scenario("a drifting p99", vec![steady, steady, drifting])
}

fn recovery() -> Scenario {
    let failing = Target::of(|now| Nature {
        failing: if (OUTAGE.0..OUTAGE.1).contains(&now) {
            1.0
        } else {
            GOOD.failing
        },
        ..GOOD
    });
    scenario("recovery", vec![good(), good(), failing])
}

fn flapping() -> Scenario {
    let flapping = Target::of(|now| Nature {
        failing: if now % 40.0 < 20.0 { GOOD.failing } else { 1.0 },
        ..GOOD
    });
    Scenario {
        rate: |_| 20.0,
        ..scenario("flapping", vec![good(), good(), flapping])
    }
}

/// It comes after two minutes, slow at first.
fn cold_newcomer() -> Scenario {
    let newcomer = Target {
        from: Duration::from_secs(120),
        ..Target::of(|now| Nature {
            first: if now < 150.0 { 2_000.0 } else { 400.0 },
            ..GOOD
        })
    };
    scenario("a cold newcomer", vec![good(), good(), newcomer])
}

fn two_identical() -> Scenario {
    Scenario {
        settled: Some(Duration::from_secs(60)),
        ..scenario("two identical", vec![good(), good()])
    }
}

/// Nine tenths are meant for the cheap one; for a third of the time it is three times as slow as the dear one.
fn cost_against_latency() -> Scenario {
    let cheap = Target {
        weight: 9,
        ..Target::of(|now| Nature {
            first: if (200.0..400.0).contains(&now) {
                1_200.0
            } else {
                400.0
            },
            ..GOOD
        })
    };
    let dear = Target {
        price: 9.0,
        ..good()
    };
    scenario("cost against latency", vec![cheap, dear])
}

fn sixteen_targets() -> Scenario {
    let of = |nature| Target::of(nature);
    let targets = (0..16).map(|number| match number % 4 {
        0 => of(|_| Nature {
            first: 300.0,
            capacity: 30.0,
            ..GOOD
        }),
        1 => of(|_| Nature {
            capacity: 40.0,
            ..GOOD
        }),
        2 => of(|_| Nature {
            first: 600.0,
            capacity: 40.0,
            ..GOOD
        }),
        _ => of(|_| Nature {
            first: 900.0,
            capacity: 40.0,
            ..GOOD
        }),
    });
    Scenario {
        rate: |_| 60.0,
        settled: Some(Duration::from_secs(120)),
        ..scenario("16 targets", targets.collect())
    }
}

fn one_a_second() -> Scenario {
    let slow = Target::of(|_| Nature {
        first: 800.0,
        ..GOOD
    });
    Scenario {
        length: Duration::from_secs(3_600),
        rate: |_| 1.0,
        settled: Some(Duration::from_secs(600)),
        ..scenario("1 request a second", vec![good(), good(), slow])
    }
}

/// A tenth of them comes in the first 20 ms of each second. One of the four has a quarter of the others' room; all together bear half as much
/// again, and get slower until then.
fn five_thousand_a_second(brief: bool) -> Scenario {
    let wide = Target::of(|_| Nature {
        token: 10.0,
        capacity: 6_000.0,
        ..GOOD
    });
    let narrow = Target::of(|_| Nature {
        token: 10.0,
        capacity: 1_500.0,
        ..GOOD
    });
    Scenario {
        length: Duration::from_secs(if brief { 20 } else { 90 }),
        rate: |now| {
            if now.fract() < 0.02 {
                25_000.0
            } else {
                4_591.8
            }
        },
        tokens: 100.0,
        settled: Some(Duration::from_secs(45)),
        ..scenario("5,000 requests a second", vec![wide, wide, wide, narrow])
    }
}
