//! What an attempt holds while it lasts: the breakers' permission, with the duty to say what became of it, and its place at the provider.
//!
//! Taken before sending, settled once: when the attempt fails, or when the answer it has begun ends. An attempt that is dropped - its caller
//! hung up, another was quicker - gives back its place and says nothing: that is nobody's failure.

use std::sync::Arc;

use fairlead_health::registry::Guarded;
use fairlead_health::{Admission, ModelHealth, Outcome, Token};
use fairlead_snapshot::FailureClass;

use crate::clock;
use crate::failure::{Failure, Skip};
use crate::upstream::Upstream;
use crate::upstream::gate::Slot;

/// What the attempt that answers holds until its answer has ended.
#[derive(Debug)]
pub struct Hold {
    pass: Option<Pass>,
    _slot: Slot,
}

/// The permission to make one attempt.
#[derive(Debug)]
pub struct Pass {
    upstream: Arc<Upstream>,
    model: Arc<ModelHealth>,
    /// Of the credential that is sent.
    identity: Option<Arc<str>>,
    reach: Token,
    answers: Token,
    probes: bool,
}

/// What a failure speaks against.
enum Blame {
    /// The provider cannot be reached.
    Provider,
    /// It can, and does not answer for this model as it should.
    Model,
    /// The request, or how often we ask; the target is up.
    Request,
    /// The caller's patience or presence: of the target it says nothing.
    Nobody,
}

impl Hold {
    /// Of an answer that has begun: whoever was sent to find out whether the target is back has found out.
    #[must_use]
    pub fn new(pass: Pass, slot: Slot) -> Self {
        pass.tell(Outcome::Alive, Outcome::Alive);
        Self {
            pass: Some(pass),
            _slot: slot,
        }
    }

    /// The answer is whole (`None`), or has ended in a failure. Only the first word counts.
    pub fn settle(&mut self, class: Option<FailureClass>) {
        if let Some(pass) = self.pass.take() {
            match class {
                None => pass.succeeded(),
                Some(class) => pass.ended(class, None),
            }
        }
    }
}

impl Pass {
    /// Asks the breakers of a provider and its model. At `last` a target that is coming back is tried whosever turn it is.
    ///
    /// # Errors
    /// One of them is open, or it is not this request's turn.
    pub fn ask(
        upstream: &Arc<Upstream>,
        model: &Arc<ModelHealth>,
        last: bool,
    ) -> Result<Self, Failure> {
        // Both are looked at first: a probe that one lets through and the other does not would be lost for an interval.
        Self::ready(upstream, model)?;
        let (reach, finds_it) = admitted(&upstream.health.reach, upstream, last)?;
        let (answers, hears_it) = admitted(&model.answers, upstream, last).inspect_err(|_| {
            let breaker = &upstream.health.reach.breaker;
            breaker.give_back(reach, clock::uptime());
        })?;
        Ok(Self {
            upstream: Arc::clone(upstream),
            model: Arc::clone(model),
            identity: None,
            reach,
            answers,
            probes: finds_it || hears_it,
        })
    }

    /// Whether the breakers would let somebody through; takes nothing.
    ///
    /// # Errors
    /// One of them is open.
    pub fn ready(upstream: &Upstream, model: &ModelHealth) -> Result<(), Failure> {
        let now = clock::uptime();
        for guarded in [&upstream.health.reach, &model.answers] {
            guarded.breaker.ready(now).map_err(|until| {
                skipped(guarded, Skip::Unhealthy).again_after(until.saturating_sub(now))
            })?;
        }
        Ok(())
    }

    /// Whether the attempt finds out if the target is back.
    #[must_use]
    pub fn probes(&self) -> bool {
        self.probes
    }

    /// With the credential that is sent.
    #[must_use]
    pub fn with(self, identity: Option<Arc<str>>) -> Self {
        Self { identity, ..self }
    }

    /// Nothing was sent.
    pub fn give_back(self) {
        let now = clock::uptime();
        self.upstream
            .health
            .reach
            .breaker
            .give_back(self.reach, now);
        self.model.answers.breaker.give_back(self.answers, now);
    }

    /// The attempt has failed. A throttled credential rests, a refused one is benched.
    pub fn failed(self, failure: &Failure) {
        if let Some(identity) = &self.identity {
            let (now, credentials) = (clock::uptime(), &self.model.credentials);
            if failure.class == FailureClass::BadCredential {
                credentials.trouble(identity, now).refused(now);
            } else if failure.class == FailureClass::RateLimited
                && let Some(time) = failure.retry_after
            {
                credentials.trouble(identity, now).throttled(now, time);
            }
        }
        self.ended(failure.class, failure.status);
    }

    fn succeeded(self) {
        let identity = self.identity.as_deref();
        if let Some(credential) = identity.and_then(|known| self.model.credentials.get(known)) {
            credential.accepted();
        }
        if let Some(most) = self.upstream.adaptive() {
            self.upstream.health.limit.succeeded(most);
        }
        self.tell(Outcome::Success, Outcome::Success);
    }

    fn ended(self, class: FailureClass, status: Option<u16>) {
        if let Some(most) = self.upstream.adaptive()
            && pushes_back(class)
        {
            let now = clock::uptime();
            self.upstream.health.limit.pushed_back(now, most);
        }
        match blame(class) {
            Blame::Provider => {
                self.upstream.health.reach.blame(class, status);
                let (now, policy) = (clock::uptime(), &self.upstream.provider.health);
                let breaker = &self.upstream.health.reach.breaker;
                breaker.tell(self.reach, Outcome::Failure, now, policy);
            }
            Blame::Model => {
                self.model.answers.blame(class, status);
                self.tell(Outcome::Alive, Outcome::Failure);
            }
            Blame::Request => self.tell(Outcome::Alive, Outcome::Alive),
            Blame::Nobody => {}
        }
    }

    fn tell(&self, reach: Outcome, answers: Outcome) {
        let (now, policy) = (clock::uptime(), &self.upstream.provider.health);
        let provider = &self.upstream.health.reach.breaker;
        provider.tell(self.reach, reach, now, policy);
        self.model
            .answers
            .breaker
            .tell(self.answers, answers, now, policy);
    }
}

/// The permission of one breaker, and whether it is that of a probe.
fn admitted(guarded: &Guarded, upstream: &Upstream, last: bool) -> Result<(Token, bool), Failure> {
    let now = clock::uptime();
    match guarded.breaker.admit(now, &upstream.provider.health) {
        Admission::Allowed(token) => Ok((token, false)),
        Admission::Probe(token) => Ok((token, true)),
        Admission::Spared(token) if last => Ok((token, false)),
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

fn blame(class: FailureClass) -> Blame {
    match class {
        FailureClass::Connect => Blame::Provider,
        FailureClass::Reset
        | FailureClass::FirstTokenTimeout
        | FailureClass::IdleTimeout
        | FailureClass::Overloaded
        | FailureClass::ServerError
        | FailureClass::ProtocolError => Blame::Model,
        FailureClass::RateLimited
        | FailureClass::BadCredential
        | FailureClass::ContextTooLong
        | FailureClass::ContentFiltered
        | FailureClass::BadRequest => Blame::Request,
        // A 404, or our own lack of memory.
        FailureClass::Unavailable | FailureClass::TotalTimeout | FailureClass::ClientGone => {
            Blame::Nobody
        }
    }
}

/// Whether a failure says that there are too many requests at once.
fn pushes_back(class: FailureClass) -> bool {
    matches!(
        class,
        FailureClass::RateLimited | FailureClass::Overloaded | FailureClass::FirstTokenTimeout
    )
}
