//! What an attempt is to those who judge: one flight to its target, one with its credential.
//!
//! Begun when the attempt goes out, told when its answer begins, fails or is whole. Dropped before anything was said, it was given up: then only
//! how long was waited counts. Apart from the permission of breakers, for they ask whether a target is up, and this how it does.

use std::sync::Arc;
use std::time::Duration;

use fairlead_health::adaptive::{Flight, Recorder};
use fairlead_health::{Accounts, Allowance};
use fairlead_snapshot::FailureClass;
use fairlead_wire::openai::Usage;

use crate::failure::Failure;
use crate::failure::class::Blame;

/// What an answer has used, as far as is known; 0: it is not.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Tokens {
    /// Of the answer.
    pub output: u64,
    /// Of the request and the answer.
    pub all: u64,
}

/// The flights of one attempt.
#[derive(Debug)]
pub(crate) struct Flights {
    /// To the target, as its rule judges it.
    target: Option<Flight>,
    /// With the credential, as all who use it judge it.
    credential: Option<Flight>,
    /// The account of that credential, for them.
    account: Option<Arc<Accounts>>,
    terms: Terms,
    first: Option<Duration>,
}

/// What is known of an attempt when it goes out.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terms {
    /// When that is.
    pub now: Duration,
    /// Whether its answer is a stream that is passed on as it comes.
    pub stream: bool,
    /// Whether the name of the model stands in the configuration, so that the target is to blame if its provider does not know it.
    pub configured: bool,
    /// Whether its rule waits less long than the provider would have it: then not to have answered in time says nothing to others.
    pub impatient: bool,
}

impl Tokens {
    /// As a provider says.
    #[must_use]
    pub(crate) fn of(usage: Option<&Usage>) -> Self {
        let Some(usage) = usage else {
            return Self::default();
        };
        let output = usage.output_tokens.unwrap_or(0);
        let input = usage.input_tokens.unwrap_or(0);
        Self {
            output,
            all: input.saturating_add(output),
        }
    }
}

impl Flights {
    /// The flights of an attempt that goes out; `None`: nobody judges.
    #[must_use]
    pub(crate) fn begin(
        target: Option<&Arc<Recorder>>,
        credential: Option<(Arc<Recorder>, Option<Arc<Accounts>>)>,
        terms: Terms,
    ) -> Option<Box<Self>> {
        if target.is_none() && credential.is_none() {
            return None;
        }
        let (recorder, account) = credential.unzip();
        Some(Box::new(Self {
            target: target.map(|recorder| recorder.begin(terms.stream)),
            credential: recorder.map(|recorder| recorder.begin(terms.stream)),
            account: account.flatten(),
            terms,
            first: None,
        }))
    }

    fn each(&mut self) -> impl Iterator<Item = &mut Flight> {
        self.target.iter_mut().chain(&mut self.credential)
    }

    /// The provider has said what is left of the credential's account.
    pub(crate) fn allowed(&self, identity: &Arc<str>, told: Allowance, now: Duration) {
        if let Some(account) = &self.account {
            account.told(identity, 1, told, now);
        }
    }

    /// The answer has begun; one that comes whole is there.
    pub(crate) fn answered(&mut self, now: Duration, tokens: Tokens) {
        let after = now.saturating_sub(self.terms.now);
        self.first = Some(after);
        for flight in self.each() {
            flight.answered(after, tokens.output);
        }
    }

    /// The attempt, or its answer, has ended in a failure.
    pub(crate) fn failed(&mut self, failure: &Failure, now: Duration) {
        use FailureClass::{ClientGone, FirstTokenTimeout, IdleTimeout, TotalTimeout};
        if matches!(failure.class, ClientGone | TotalTimeout) {
            return self.given_up(now);
        }
        if failure.blames() == Blame::Nobody && self.is_unknown(failure) {
            return self.each().for_each(Flight::is_unknown);
        }
        if !speaks_against(failure) {
            return;
        }
        if let Some(target) = &mut self.target {
            target.failed();
        }
        let own_patience =
            self.terms.impatient && matches!(failure.class, FirstTokenTimeout | IdleTimeout);
        if let Some(credential) = self.credential.as_mut().filter(|_| !own_patience) {
            credential.failed();
        }
    }

    /// Whoever waited for the answer has given up, if it had not begun.
    pub(crate) fn given_up(&mut self, now: Duration) {
        let after = now.saturating_sub(self.terms.now);
        for flight in self.each() {
            flight.given_up(after);
        }
    }

    /// The answer is whole.
    pub(crate) fn complete(mut self, now: Duration, tokens: Tokens) {
        let whole = now.saturating_sub(self.terms.now);
        let first = self.first.unwrap_or(whole);
        for flight in [self.target.take(), self.credential.take()]
            .into_iter()
            .flatten()
        {
            flight.complete(tokens.output, first, whole);
        }
        if let Some(account) = self.account.filter(|_| tokens.all > 0) {
            account.used(tokens.all);
        }
    }

    /// Whether the provider says that it does not know what it was asked for, under a model that the configuration names: the model, or something
    /// that the request has named.
    fn is_unknown(&self, failure: &Failure) -> bool {
        let unknown = failure.class == FailureClass::Unavailable && failure.own.is_none();
        unknown && failure.status.is_some() && self.terms.configured
    }
}

/// Whether a failure says something of the target. A rate that is limited until a time is a matter of the account, and rests till then.
fn speaks_against(failure: &Failure) -> bool {
    if failure.own.is_some() {
        return false;
    }
    match failure.blames() {
        Blame::Provider | Blame::Model => true,
        Blame::Request => {
            failure.class == FailureClass::RateLimited && failure.retry_after.is_none()
        }
        Blame::Nobody => false,
    }
}
