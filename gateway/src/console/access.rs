//! Who somebody is, and what they may see: the API server is asked both, each time anew after some seconds, and whatever it does not clearly say
//! counts as no.

mod identity;
mod rights;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use fairlead_console::{Identity, Rights, Trouble};
use k8s_openapi::api::authentication::v1::{TokenReview, TokenReviewSpec};
use k8s_openapi::api::authorization::v1::SubjectAccessReview;
use kube::api::PostParams;
use kube::{Api, Client};
use sha2::{Digest as _, Sha256};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};

use super::kept::Kept;
use super::metrics::Metrics;
use crate::clock;

/// So long an answer is taken for the next one, whether it was yes or no.
const HOLDS: Duration = Duration::from_secs(10);
/// After so long of a session its token is shown to the API server again.
const AGAIN: Duration = Duration::from_secs(60);
/// So many answers are kept, of each kind.
const KEPT: usize = 4_096;
/// So many tokens are shown to the API server at once.
const REVIEWS: usize = 8;
/// So many questions what somebody may see are asked at once.
const CHECKS: usize = 16;
/// How long one of these may wait for its turn, and how long for its answer.
const TURN: Duration = Duration::from_secs(2);
const ANSWER: Duration = Duration::from_secs(5);
/// The longest token that is shown to the API server, in bytes.
const LONGEST: usize = 16 * 1024;

/// Asks the API server, as the console itself.
pub(super) struct Access {
    reviews: Api<TokenReview>,
    checks: Api<SubjectAccessReview>,
    /// What tokens have to be made for.
    audience: String,
    /// Whether one that the API server itself takes is good too, for one may act with it.
    acting: bool,
    reviewing: Semaphore,
    checking: Semaphore,
    /// By the digest of the token.
    identities: Kept<[u8; 32], Option<Arc<Identity>>>,
    /// By the digest of who it is.
    rights: Kept<[u8; 32], Rights>,
    told: Arc<Metrics>,
}

impl Access {
    /// One that has asked nothing yet. `acting`: whether a token is good too that the API server itself takes.
    #[must_use]
    pub(super) fn new(
        client: &Client,
        (audience, acting): (&str, bool),
        told: &Arc<Metrics>,
    ) -> Self {
        Self {
            reviews: Api::all(client.clone()),
            checks: Api::all(client.clone()),
            audience: audience.to_owned(),
            acting,
            reviewing: Semaphore::new(REVIEWS),
            checking: Semaphore::new(CHECKS),
            identities: Kept::of(KEPT),
            rights: Kept::of(KEPT),
            told: Arc::clone(told),
        }
    }

    /// What tokens have to be made for.
    #[must_use]
    pub(super) fn audience(&self) -> &str {
        &self.audience
    }

    /// Whose token this is; `None`: nobody's, or one that was made for something else.
    ///
    /// # Errors
    /// The API server does not say.
    pub(super) async fn admit(&self, token: &str) -> Result<Option<Arc<Identity>>, Trouble> {
        self.known(token, HOLDS).await
    }

    /// The same of somebody who is there already.
    ///
    /// # Errors
    /// The API server does not say.
    pub(super) async fn renew(
        &self,
        identity: &Identity,
    ) -> Result<Option<Arc<Identity>>, Trouble> {
        self.known(identity.token(), AGAIN).await
    }

    /// Forgets whoever has not been asked about for a while, and their tokens.
    pub(super) fn sweep(&self) {
        self.identities.sweep(AGAIN);
        self.rights.sweep(HOLDS);
    }

    async fn known(&self, token: &str, holds: Duration) -> Result<Option<Arc<Identity>>, Trouble> {
        // What can be no token that Kubernetes or an issuer of OpenID Connect makes costs the API server nothing.
        if !identity::may_be(token) {
            return Ok(None);
        }
        let digest: [u8; 32] = Sha256::digest(token).into();
        if let Some(known) = self.identities.get(&digest, holds) {
            return Ok(known.filter(|identity| is_good(identity)));
        }
        let turn = timeout(TURN, self.reviewing.acquire()).await;
        let Ok(Ok(_turn)) = turn else {
            return Err(busy());
        };
        // Another request with the same token may have been quicker.
        if let Some(known) = self.identities.get(&digest, holds) {
            return Ok(known.filter(|identity| is_good(identity)));
        }
        let asked = Instant::now();
        let found = self.review(token).await?.map(Arc::new);
        self.identities.keep(digest, found.clone(), asked);
        Ok(found.filter(|identity| is_good(identity)))
    }

    /// Whose token this is, and whether the API server takes it for itself.
    async fn review(&self, token: &str) -> Result<Option<Identity>, Trouble> {
        let here = self.ask(token, Some(&self.audience));
        if !self.acting {
            return here.await;
        }
        let (here, there) = tokio::try_join!(here, self.ask(token, None))?;
        let there = there.map(|mut identity| {
            identity.acts = true;
            identity
        });
        Ok(there.or(here))
    }

    /// Whose token this is for an audience; without one, the API server's own.
    async fn ask(&self, token: &str, audience: Option<&str>) -> Result<Option<Identity>, Trouble> {
        self.told.reviews.inc();
        let review = TokenReview {
            spec: TokenReviewSpec {
                token: Some(token.to_owned()),
                audiences: audience.map(|audience| vec![audience.to_owned()]),
            },
            ..TokenReview::default()
        };
        let params = PostParams::default();
        let asking = self.reviews.create(&params, &review);
        let answer = match timeout(ANSWER, asking).await {
            Ok(Ok(answer)) => answer,
            // No error is told: an answer may quote what it was asked.
            Ok(Err(error)) => return Err(self.failed("who you are", code(&error))),
            Err(_) => return Err(self.failed("who you are", None)),
        };
        let status = answer.status.unwrap_or_default();
        Ok(identity::of(status, token, audience))
    }

    fn failed(&self, what: &str, code: Option<u16>) -> Trouble {
        self.told.failures.inc();
        let why = match code {
            Some(403) => {
                "may not be asked by this console (403); its ClusterRole must allow it".to_owned()
            }
            Some(code) => format!("does not say so ({code})"),
            None => "does not answer".to_owned(),
        };
        tracing::warn!("the API server, asked {what}, {why}");
        Trouble::Unavailable(format!(
            "{what} is not known just now: the API server {why}"
        ))
    }
}

/// Whether its time is not over.
fn is_good(identity: &Identity) -> bool {
    identity
        .until
        .is_none_or(|until| clock::unix_seconds() < until)
}

fn busy() -> Trouble {
    Trouble::Unavailable("too many are being let in at once; try again in some seconds".to_owned())
}

fn code(error: &kube::Error) -> Option<u16> {
    if let kube::Error::Api(status) = error {
        return Some(status.code);
    }
    None
}
