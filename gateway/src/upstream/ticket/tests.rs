//! What becomes of permissions, whatever becomes of attempts.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use fairlead_health::{Asker, BreakerState, ModelHealth, Origin};
use fairlead_snapshot::{
    Access, CredentialStrategy, Credentials, FailureClass, Health, ObjectName, Protocol, Provider,
    Retries, Simulated, Timeouts,
};
use http::HeaderMap;

use super::Permission;
use crate::clock::Clock;
use crate::failure::{Failure, Own};
use crate::judges::Tokens;
use crate::upstream::Upstream;
use crate::upstream::environment::Environment;
use crate::upstream::network::Network;

const ONE: fn() -> Asker = || Asker::new(2);
const TWO: fn() -> Asker = || Asker::new(4);
const PROBE: Duration = Duration::from_millis(30);

/// A simulated provider.
pub(crate) fn upstream() -> Arc<Upstream> {
    let simulated = Simulated {
        text: None,
        tokens: None,
        first_token_latency: Duration::ZERO,
        token_latency: Duration::ZERO,
        error_percent: 0,
        error_status: 500,
    };
    let provider = Provider {
        protocol: Protocol::Simulated(simulated),
        credentials: Vec::new(),
        credential_strategy: CredentialStrategy::default(),
        models: None,
        timeouts: Timeouts::default(),
        retries: Retries::default(),
        health: Health {
            consecutive_failures: 2,
            probe_interval: PROBE,
            ramp_up: Duration::ZERO,
            ..Health::default()
        },
        concurrency: None,
        continuation: None,
        parameters: fairlead_snapshot::Parameters::default(),
        headers: fairlead_snapshot::Headers::default(),
        endpoints: None,
        passthrough: Vec::new(),
        tracing: fairlead_snapshot::Tracing::default(),
        price: None,
        limits: fairlead_snapshot::Limits::default(),
        labels: fairlead_snapshot::Labels::default(),
        access: Access::Namespaces(BTreeSet::new()),
    };
    let name = ObjectName::new("default", "a");
    let (credentials, environment) = (
        Credentials::default(),
        Environment::new(
            Network::Tcp(None),
            crate::harness::counters(Clock::start()),
            Clock::start(),
        )
        .0,
    );
    Arc::new(Upstream::build(
        &name,
        &provider,
        &credentials,
        &environment,
        1,
        None,
    ))
}

struct Target {
    upstream: Arc<Upstream>,
    model: Arc<ModelHealth>,
}

impl Target {
    fn new() -> Self {
        let upstream = upstream();
        let now = upstream.now();
        let model = upstream
            .health
            .model(&"m".into(), Origin::Configuration, now);
        Self {
            model: model.unwrap(),
            upstream,
        }
    }

    fn ask(&self, asker: Asker) -> Result<Permission, Failure> {
        let mut pass = Permission::ask(&self.upstream, Some(&self.model), asker, false)?;
        pass.goes_out(Some("one".into()), None, true, None);
        Ok(pass)
    }

    /// As it is when its breakers have opened and a probe is due.
    async fn down(class: FailureClass) -> Self {
        let target = Self::new();
        for _ in 0..2 {
            let pass = target.ask(ONE()).unwrap();
            pass.failed(&Failure::new(class, ""));
        }
        assert!(target.ask(ONE()).is_err());
        tokio::time::sleep(PROBE).await;
        target
    }

    fn states(&self) -> [BreakerState; 2] {
        let now = self.upstream.now();
        [&self.upstream.health.reach, &self.model.answers].map(|guarded| guarded.breaker.state(now))
    }
}

const CLOSED: [BreakerState; 2] = [BreakerState::Closed; 2];

#[tokio::test]
async fn whatever_is_dropped_is_given_back_and_somebody_else_finds_out() {
    for class in [FailureClass::Connect, FailureClass::ServerError] {
        let target = Target::down(class).await;
        let probe = target.ask(ONE()).unwrap();
        assert!(probe.probes() && target.ask(TWO()).is_err(), "{class:?}");
        drop(probe);
        let probe = target.ask(TWO()).unwrap();
        assert!(probe.probes(), "{class:?}");
        probe.answered(&HeaderMap::new());
        probe.succeeded(Tokens::default());
        assert_eq!(target.states(), CLOSED, "{class:?}");
    }
}

#[tokio::test]
async fn what_says_nothing_of_the_target_gives_its_probe_back() {
    let nothing = [
        Failure::new(FailureClass::TotalTimeout, ""),
        Failure::new(FailureClass::ClientGone, ""),
        Failure::new(FailureClass::Unavailable, ""),
        Failure::new(FailureClass::Connect, "").by(Own::Connection),
        Failure::new(FailureClass::Unavailable, "").by(Own::Memory),
    ];
    for failure in nothing {
        let target = Target::down(FailureClass::ServerError).await;
        target.ask(ONE()).unwrap().failed(&failure);
        assert!(target.ask(TWO()).unwrap().probes(), "{failure:?}");
    }
}

#[tokio::test]
async fn any_answer_shows_that_the_provider_can_be_reached() {
    let target = Target::down(FailureClass::Connect).await;
    let pass = target.ask(ONE()).unwrap();
    pass.answered(&HeaderMap::new());
    // The caller hangs up before anything else is known.
    drop(pass);
    assert_eq!(target.states(), CLOSED);
}

#[tokio::test]
async fn our_own_failures_open_no_breaker_however_many_there_are() {
    for own in [Own::Limit, Own::Connection, Own::Memory] {
        for class in [FailureClass::Connect, FailureClass::ProtocolError] {
            let target = Target::new();
            for _ in 0..10 {
                let pass = target.ask(ONE()).unwrap();
                pass.failed(&Failure::new(class, "").by(own));
            }
            assert_eq!(target.states(), CLOSED, "{own:?} {class:?}");
        }
    }
}

#[tokio::test]
async fn a_name_of_which_nothing_is_kept_opens_and_benches_nothing() {
    let upstream = upstream();
    for class in [FailureClass::ServerError, FailureClass::BadCredential] {
        for _ in 0..10 {
            let mut pass = Permission::ask(&upstream, None, ONE(), false).unwrap();
            pass.goes_out(Some("one".into()), None, true, None);
            pass.failed(&Failure::new(class, ""));
        }
    }
    assert!(upstream.health.models().is_empty());
}

#[tokio::test]
async fn a_refused_request_shows_that_its_credential_was_taken() {
    let target = Target::new();
    let benched = || {
        let now = target.upstream.now();
        target.model.credentials.trouble(&"one".into(), now)
    };
    for (class, taken) in [
        (FailureClass::BadRequest, true),
        (FailureClass::RateLimited, true),
        (FailureClass::BadCredential, false),
        (FailureClass::Overloaded, false),
    ] {
        benched().refused(target.upstream.now());
        target.ask(ONE()).unwrap().failed(&Failure::new(class, ""));
        let ready = benched().ready(target.upstream.now(), ONE()).is_ok();
        assert_eq!(ready, taken, "{class:?}");
    }
}
