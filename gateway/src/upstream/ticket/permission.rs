//! The permission to make one attempt: what breakers grant before it, and what is given back when it says nothing.

mod told;

use std::sync::Arc;
use std::time::Duration;

use fairlead_health::registry::Guarded;
use fairlead_health::{Admission, Asker, Breaker, BreakerState, ModelHealth, Token, Trial};
use fairlead_snapshot::FailureClass;

use crate::failure::{Failure, Skip};
use crate::judges::Flights;
use crate::upstream::Upstream;
use crate::upstream::servers::{Server, Visit};

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
    /// What it is to those who judge by how it goes, until they have been told.
    flights: Option<Box<Flights>>,
    /// Whether its answer has begun, or it has failed: how long that took is noted by whoever knows.
    begun: bool,
    failed: bool,
    /// Whether a failure said nothing of the target: then what it was to find out is for the next one to find out.
    of_one_server: bool,
    /// Whether it is that of a copy, of which nothing is learned: whoever writes a mirror must neither close a target to others nor open it.
    copy: bool,
}

/// An attempt that is out.
#[derive(Debug, Clone, Copy)]
struct Sent {
    at: Duration,
    stream: bool,
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
            flights: None,
            begun: false,
            failed: false,
            of_one_server: false,
            copy: false,
        };
        if let Some(model) = model {
            pass.answers = admitted(&model.answers)?;
        }
        Ok(pass)
    }

    /// The permission for a copy: where all is well with the target, for no probe is wasted on it and none of a share that is growing back.
    ///
    /// # Errors
    /// One of the breakers is not closed.
    pub(crate) fn for_copy(
        upstream: &Arc<Upstream>,
        model: Option<&Arc<ModelHealth>>,
        asker: Asker,
    ) -> Result<Self, Failure> {
        Self::ready(upstream, model.map(AsRef::as_ref), asker)?;
        let now = upstream.now();
        let reach = Some(&upstream.health.reach);
        let both = [reach, model.map(|model| &model.answers)];
        for guarded in both.into_iter().flatten() {
            if guarded.breaker.state(now) != BreakerState::Closed {
                return Err(skipped(guarded, Skip::Unhealthy));
            }
        }
        Ok(Self {
            upstream: Arc::clone(upstream),
            visit: None,
            model: None,
            identity: None,
            trial: None,
            reach: Token::FIRST,
            answers: Token::FIRST,
            asker,
            sent: None,
            flights: None,
            begun: false,
            failed: false,
            of_one_server: false,
            copy: true,
        })
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

    /// The attempt goes out, with this credential, for an answer that is streamed or comes whole. `flights`: what it is to those who judge.
    pub(crate) fn goes_out(
        &mut self,
        identity: Option<Arc<str>>,
        trial: Option<Trial>,
        stream: bool,
        flights: Option<Box<Flights>>,
    ) {
        self.flights = flights;
        self.upstream.health.goes_out();
        self.identity = identity;
        self.trial = trial;
        if let Some(model) = self.model.as_ref().filter(|_| self.sent.is_none()) {
            model.tempo.goes_out();
            model.accounts.goes_out();
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
        if let Some(mut flights) = self.flights.take() {
            flights.given_up(self.upstream.now());
        }
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
