//! Which credential an attempt is sent with.

use fairlead_health::{CredentialState, Trial};
use fairlead_route::{CredentialChoice, Judge};
use fairlead_snapshot::FailureClass;

use super::StepRun;
use crate::failure::{Failure, Skip};
use crate::judges::Unnoted;
use crate::upstream::authorization::Authorization;

/// The credential that an attempt is sent with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Chosen {
    /// Its position.
    pub(super) at: usize,
    /// Where it was benched: the one trial of it.
    pub(super) trial: Option<Trial>,
}

impl StepRun<'_> {
    /// The credential to send, if one is sent at all: rather one that was not sent yet.
    pub(super) fn credential(&self) -> Result<Option<Chosen>, Failure> {
        if self.job.copy {
            return self.credential_for_copy();
        }
        let mut choice = self.choose(|at| self.used & bit(at) == 0);
        if choice == CredentialChoice::NoneReady && self.used != 0 {
            choice = self.choose(|_| true);
        }
        match choice {
            CredentialChoice::NotNeeded => Ok(None),
            CredentialChoice::Use(at) => {
                let model = self.model.as_deref();
                let admitted = self.upstream.admits(model, at, self.job.asker);
                // Somebody else may just have taken the one trial of a benched credential.
                let trial = admitted.ok_or_else(|| self.upstream.resting(model))?;
                Ok(Some(Chosen { at, trial }))
            }
            CredentialChoice::NoneReady => Err(self.upstream.resting(self.model.as_deref())),
            CredentialChoice::NoneUsable => {
                Err(Failure::skipped(Skip::Unusable, FailureClass::Unavailable))
            }
        }
    }

    /// One that nothing is wrong with, by its weight. It takes no turn of those who are waited for, and tries nothing.
    fn credential_for_copy(&self) -> Result<Option<Chosen>, Failure> {
        let model = self.model.as_deref();
        let well = |at| {
            let state = self.upstream.credential_state(model, at);
            let state = state.map(|(state, _)| state);
            matches!(state, None | Some(CredentialState::Usable))
                && self.upstream.is_ready(model, at, self.job.asker)
        };
        let (table, anybody) = (&self.job.runtime.table, fastrand::u64(..));
        match table.credential(self.provider, &self.step.requested, Some(anybody), well) {
            CredentialChoice::NotNeeded => Ok(None),
            CredentialChoice::Use(at) => Ok(Some(Chosen { at, trial: None })),
            CredentialChoice::NoneReady => Err(self.upstream.resting(model)),
            CredentialChoice::NoneUsable => {
                Err(Failure::skipped(Skip::Unusable, FailureClass::Unavailable))
            }
        }
    }

    /// A credential for the model that neither rests nor is benched, among those that `may` be sent.
    fn choose(&self, may: impl Fn(usize) -> bool) -> CredentialChoice {
        let model = self.model.as_deref();
        let ready = |at| may(at) && self.upstream.is_ready(model, at, self.job.asker);
        let (table, requested) = (&self.job.runtime.table, &self.step.requested);
        // A conversation keeps to the account that may hold it in its cache, however others do.
        let judge = self.credential_judge();
        match (judge, self.step.conversation) {
            (Some(judge), None) => {
                let unnoted = Unnoted(judge);
                let judge: &dyn Judge = if self.is_noted() {
                    &*unnoted.0
                } else {
                    &unnoted
                };
                table.judged_credential(self.provider, requested, judge, self.streams(), ready)
            }
            (_, conversation) => table.credential(self.provider, requested, conversation, ready),
        }
    }

    /// What the credential is sent as. A token that is not there yet is waited for as long as a connection may take.
    pub(super) async fn authorization(
        &self,
        credential: Option<Chosen>,
    ) -> Result<Option<Authorization>, Failure> {
        match credential {
            Some(chosen) => {
                let wait = self.timeouts.connect;
                self.upstream.authorization_within(chosen.at, wait).await
            }
            None => Ok(None),
        }
    }

    /// Whether a credential is left that was not sent yet.
    pub(super) fn other_credential(&self) -> bool {
        let model = self.model.as_deref();
        let other =
            |at| self.used & bit(at) == 0 && self.upstream.is_ready(model, at, self.job.asker);
        let table = &self.job.runtime.table;
        !self.upstream.provider.credentials.is_empty()
            && table.has_credential(self.provider, &self.step.requested, other)
    }
}

/// Of the credential at a position; a provider has sixteen at most.
pub(super) fn bit(credential: usize) -> u32 {
    u32::try_from(credential)
        .ok()
        .and_then(|at| 1_u32.checked_shl(at))
        .unwrap_or(0)
}
