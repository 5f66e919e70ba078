//! What breakers, credentials and servers are told of an attempt.

use std::time::Duration;

use fairlead_health::{CredentialHealth, Outcome};
use fairlead_snapshot::FailureClass;
use http::HeaderMap;

use super::Permission;
use crate::clock;
use crate::failure::Failure;
use crate::failure::class::{Blame, consequences};
use crate::judges::Tokens;
use crate::upstream::allowance;

impl Permission {
    /// Its answer has begun: whoever was sent to find out whether the target is back has found out.
    pub(in crate::upstream::ticket) fn answers(&mut self, tokens: Tokens) {
        let now = self.upstream.now();
        if let Some(flights) = &mut self.flights {
            flights.answered(now, tokens);
        }
        self.tell_model(Outcome::Alive);
        if let Some(visit) = self.visit.as_ref().filter(|_| !self.copy) {
            visit.answered(&self.upstream.provider.health);
        }
        self.accepted();
        self.begins();
    }

    /// An answer has come, whatever it says: the provider can be reached. Its headers may say what is left of the account.
    pub(crate) fn answered(&self, headers: &HeaderMap) {
        self.tell_provider(Outcome::Alive);
        if let (Some(flights), Some(model)) = (&self.flights, &self.model) {
            let now = self.upstream.now();
            let told = allowance::told(headers, &model.accounts, now, clock::unix_millis());
            if let Some(told) = told {
                let identity = self.identity.clone().unwrap_or_default();
                let count = self.upstream.accounts();
                model.accounts.told(&identity, count, told, now);
                flights.allowed(&identity, told, now);
            }
        }
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

    /// The answer is whole.
    pub(in crate::upstream::ticket) fn succeeded(mut self, tokens: Tokens) {
        if let Some(flights) = self.flights.take() {
            flights.complete(self.upstream.now(), tokens);
        }
        if self.copy {
            return;
        }
        if let Some(most) = self.upstream.adaptive() {
            self.upstream.health.limit.succeeded(most);
        }
        if let Some(visit) = &self.visit {
            visit.succeeded(&self.upstream.provider.health);
        }
        self.tell_provider(Outcome::Success);
        self.tell_model(Outcome::Success);
    }

    /// The attempt, or its answer, has ended in a failure.
    pub(in crate::upstream::ticket) fn ended(mut self, failure: &Failure) {
        if self.copy {
            return;
        }
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
            self.flights = None;
            return;
        }
        if let Some(mut flights) = self.flights.take() {
            flights.failed(failure, self.upstream.now());
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
        if self.copy {
            return;
        }
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
}
