//! What an attempt holds while it lasts: the breakers' permission and perhaps the trial of a credential, with the duty to say what became of
//! them, and its place at the provider.
//!
//! Taken before sending, settled once: when the attempt fails, or when the answer it has begun ends. An attempt that is dropped - its caller
//! hung up, another was quicker - gives everything back and says nothing: that is nobody's failure, and the next may find out in its place.

use std::sync::Arc;
use std::time::Duration;

use fairlead_health::registry::Guarded;
use fairlead_health::{
    Admission, Asker, Breaker, CredentialHealth, ModelHealth, Outcome, Token, Trial,
};
use fairlead_snapshot::FailureClass;

use super::Upstream;
use super::gate::Slot;
use super::servers::{Server, Visit};
use crate::failure::class::{Blame, consequences};
use crate::failure::{Failure, Skip};

/// What the attempt that answers holds until its answer has ended.
#[derive(Debug)]
pub(crate) struct Ticket {
    pass: Option<Permission>,
    _slot: Slot,
}

/// The permission to make one attempt. Dropped before anything was said, it is given back.
#[derive(Debug)]
pub(crate) struct Permission {
    upstream: Arc<Upstream>,
    /// The server that is asked, where the provider is a pool.
    visit: Option<Visit>,
    /// `None`: nothing is kept of the model.
    model: Option<Arc<ModelHealth>>,
    /// Of the credential that is sent.
    identity: Option<Arc<str>>,
    /// Of that credential, where it was benched.
    trial: Option<Trial>,
    reach: Token,
    answers: Token,
    asker: Asker,
    /// When the attempt went out, if it has.
    sent: Option<Sent>,
    /// Whether its answer has begun, or it has failed: how long that took is noted by whoever knows.
    begun: bool,
    failed: bool,
    /// Whether a failure said nothing of the target: then what it was to find out is for the next one to find out.
    of_one_server: bool,
}

/// An attempt that is out.
#[derive(Debug, Clone, Copy)]
struct Sent {
    at: Duration,
    stream: bool,
}

impl Ticket {
    /// Of an answer that has begun: whoever was sent to find out whether the target is back has found out.
    #[must_use]
    pub(crate) fn new(mut pass: Permission, slot: Slot) -> Self {
        pass.tell_model(Outcome::Alive);
        if let Some(visit) = &pass.visit {
            visit.answered(&pass.upstream.provider.health);
        }
        pass.accepted();
        pass.begins();
        Self {
            pass: Some(pass),
            _slot: slot,
        }
    }

    /// The answer is whole (`None`), or has ended in a failure. Only the first word counts.
    pub(crate) fn settle(&mut self, failure: Option<&Failure>) {
        if let Some(pass) = self.pass.take() {
            match failure {
                None => pass.succeeded(),
                Some(failure) => pass.ended(failure),
            }
        }
    }
}

impl Permission {
    /// Asks the breakers of a provider and its model. `whoever`: a target that is coming back is tried although the breaker has not drawn this
    /// request for it.
    ///
    /// # Errors
    /// One of them is open, or it is not this request's turn.
    pub(crate) fn ask(
        upstream: &Arc<Upstream>,
        model: Option<&Arc<ModelHealth>>,
        asker: Asker,
        whoever: bool,
    ) -> Result<Self, Failure> {
        // Both are looked at first: of a probe that one lets through and the other does not nothing would come.
        Self::ready(upstream, model.map(AsRef::as_ref), asker)?;
        let admitted = |guarded| admitted(guarded, upstream, asker, whoever);
        let mut pass = Self {
            upstream: Arc::clone(upstream),
            visit: None,
            model: model.map(Arc::clone),
            identity: None,
            trial: None,
            reach: admitted(&upstream.health.reach)?,
            answers: Token::FIRST,
            asker,
            sent: None,
            begun: false,
            failed: false,
            of_one_server: false,
        };
        if let Some(model) = model {
            pass.answers = admitted(&model.answers)?;
        }
        Ok(pass)
    }

    /// Whether the breakers would let this asker through; takes nothing.
    ///
    /// # Errors
    /// One of them is open.
    pub(crate) fn ready(
        upstream: &Upstream,
        model: Option<&ModelHealth>,
        asker: Asker,
    ) -> Result<(), Failure> {
        if upstream
            .servers()
            .is_some_and(|servers| servers.all().is_empty())
        {
            return Err(Failure::without_servers());
        }
        let (now, policy) = (upstream.now(), &upstream.provider.health);
        let both = [
            Some(&upstream.health.reach),
            model.map(|model| &model.answers),
        ];
        for guarded in both.into_iter().flatten() {
            guarded.breaker.ready(now, policy, asker).map_err(|until| {
                skipped(guarded, Skip::Unhealthy).again_after(until.saturating_sub(now))
            })?;
        }
        Ok(())
    }

    /// Whether the attempt finds out if the target is back.
    #[must_use]
    pub(crate) fn probes(&self) -> bool {
        let visit = self.visit.as_ref().is_some_and(Visit::probes);
        visit || self.reach.probes() || self.answers.probes()
    }

    /// It is this server of the provider's that is asked.
    pub(crate) fn visits(&mut self, visit: Visit) {
        self.visit = Some(visit);
    }

    /// The server that is asked, where the provider is a pool.
    #[must_use]
    pub(crate) fn server(&self) -> Option<&Arc<Server>> {
        self.visit.as_ref().map(Visit::server)
    }

    /// The attempt goes out, with this credential, for an answer that is streamed or comes whole.
    pub(crate) fn goes_out(
        &mut self,
        identity: Option<Arc<str>>,
        trial: Option<Trial>,
        stream: bool,
    ) {
        self.identity = identity;
        self.trial = trial;
        if let Some(model) = self.model.as_ref().filter(|_| self.sent.is_none()) {
            model.tempo.goes_out();
        }
        let at = self.upstream.now();
        self.sent = Some(Sent { at, stream });
    }

    /// Its answer has begun.
    fn begins(&mut self) {
        let is_out = self.sent.is_some() && !self.begun;
        if let Some(model) = self.model.as_ref().filter(|_| is_out) {
            model.tempo.begins();
        }
        self.begun = true;
    }

    /// An answer has come, whatever it says: the provider can be reached.
    pub(crate) fn answered(&self) {
        self.tell_provider(Outcome::Alive);
    }

    /// The attempt has failed. A throttled credential rests, a refused one is benched.
    pub(crate) fn failed(mut self, failure: &Failure) {
        self.failed = true;
        if failure.class == FailureClass::BadCredential {
            // The trial was counted as refused when it was taken.
            self.trial = None;
            self.trouble(|credential, now| credential.refused(now));
        } else if failure.blames() == Blame::Request {
            // It read the request, so it had taken the credential.
            self.accepted();
        }
        if failure.class == FailureClass::RateLimited
            && let Some(time) = failure.retry_after
        {
            self.trouble(|credential, now| credential.throttled(now, time));
        }
        self.ended(failure);
    }

    /// The provider has said something that is no refusal of the credential.
    fn accepted(&mut self) {
        self.trial = None;
        let identity = self.identity.as_deref();
        let known = self.model.as_ref().zip(identity);
        if let Some(credential) = known.and_then(|(model, known)| model.credentials.get(known)) {
            credential.accepted();
        }
    }

    fn trouble(&self, tell: impl FnOnce(&CredentialHealth, Duration)) {
        if let (Some(model), Some(identity)) = (&self.model, &self.identity) {
            let now = self.upstream.now();
            tell(&model.credentials.trouble(identity, now), now);
        }
    }

    fn succeeded(self) {
        if let Some(most) = self.upstream.adaptive() {
            self.upstream.health.limit.succeeded(most);
        }
        if let Some(visit) = &self.visit {
            visit.succeeded(&self.upstream.provider.health);
        }
        self.tell_provider(Outcome::Success);
        self.tell_model(Outcome::Success);
    }

    fn ended(mut self, failure: &Failure) {
        let (class, status) = (failure.class, failure.status);
        if let Some(most) = self.upstream.adaptive()
            && consequences(class).crowded
            && failure.own.is_none()
        {
            let now = self.upstream.now();
            self.upstream.health.limit.pushed_back(now, most);
        }
        if self.is_only_the_server(failure) {
            // What was to be found out of the provider has not been: the next may, whoever it is.
            self.of_one_server = true;
            return;
        }
        match failure.blames() {
            Blame::Provider => {
                self.upstream.health.reach.blame(class, status);
                self.tell_provider(Outcome::Failure);
            }
            Blame::Model => {
                if let Some(model) = &self.model {
                    model.answers.blame(class, status);
                }
                self.tell_provider(Outcome::Alive);
                self.tell_model(Outcome::Failure);
            }
            Blame::Request => {
                self.tell_provider(Outcome::Alive);
                self.tell_model(Outcome::Alive);
            }
            Blame::Nobody => {}
        }
    }

    /// Tells the server that it has failed, if one was asked. Whether that says nothing of its provider, for others of its servers are well.
    fn is_only_the_server(&self, failure: &Failure) -> bool {
        let (Some(visit), Some(servers)) = (&self.visit, self.upstream.servers()) else {
            return false;
        };
        visit.failed(failure, &self.upstream.provider.health);
        let blames = matches!(failure.blames(), Blame::Provider | Blame::Model);
        blames && servers.stands(self.upstream.now())
    }

    fn tell_provider(&self, outcome: Outcome) {
        let (now, policy) = (self.upstream.now(), &self.upstream.provider.health);
        let breaker = &self.upstream.health.reach.breaker;
        breaker.tell(self.reach, outcome, now, policy);
    }

    fn tell_model(&self, outcome: Outcome) {
        if let Some(model) = &self.model {
            let (now, policy) = (self.upstream.now(), &self.upstream.provider.health);
            model
                .answers
                .breaker
                .tell(self.answers, outcome, now, policy);
        }
    }

    fn give_back(&self, breaker: &Breaker, token: Token) {
        if token.probes() {
            let now = self.upstream.now();
            if self.sent.is_some() && !self.of_one_server {
                breaker.abandon(token, now, self.asker);
            } else {
                breaker.give_back(token, now);
            }
        }
    }
}

/// Where something was said, there is nothing left to give back: the breakers have gone on to another epoch.
impl Drop for Permission {
    fn drop(&mut self) {
        self.give_back(&self.upstream.health.reach.breaker, self.reach);
        if let Some(model) = &self.model {
            if let Some(sent) = self.sent {
                model.tempo.ends(self.begun);
                // Whoever gives up waiting has waited for so long at least.
                if !self.begun && !self.failed {
                    let now = self.upstream.now();
                    let silent = now.saturating_sub(sent.at);
                    model.tempo.silent(now, sent.stream, silent);
                }
            }
            self.give_back(&model.answers.breaker, self.answers);
            if let (Some(trial), Some(identity)) = (self.trial, &self.identity)
                && let Some(credential) = model.credentials.get(identity)
            {
                credential.abandon(trial, self.upstream.now(), self.asker);
            }
        }
    }
}

/// The permission of one breaker.
fn admitted(
    guarded: &Guarded,
    upstream: &Upstream,
    asker: Asker,
    whoever: bool,
) -> Result<Token, Failure> {
    let now = upstream.now();
    match guarded.breaker.admit(now, &upstream.provider.health, asker) {
        Admission::Allowed(token) | Admission::Probe(token) => Ok(token),
        Admission::Spared(token) if whoever => Ok(token),
        Admission::Spared(_) => Err(skipped(guarded, Skip::Ramping)),
        Admission::Refused { until } => {
            Err(skipped(guarded, Skip::Unhealthy).again_after(until.saturating_sub(now)))
        }
    }
}

/// As the failure that has brought it to this.
fn skipped(guarded: &Guarded, skip: Skip) -> Failure {
    let last = guarded.last_failure();
    let (class, status) = last.unwrap_or((FailureClass::ServerError, None));
    Failure {
        status,
        ..Failure::skipped(skip, class)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::collections::BTreeSet;

    use fairlead_health::{BreakerState, Origin};
    use fairlead_snapshot::{
        Access, Credentials, Health, ObjectName, Protocol, Provider, Retries, Simulated, Timeouts,
    };

    use super::*;
    use crate::clock::Clock;
    use crate::failure::Own;
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
            pass.goes_out(Some("one".into()), None, true);
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
            [&self.upstream.health.reach, &self.model.answers]
                .map(|guarded| guarded.breaker.state(now))
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
            probe.answered();
            probe.succeeded();
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
        pass.answered();
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
                pass.goes_out(Some("one".into()), None, true);
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
}
