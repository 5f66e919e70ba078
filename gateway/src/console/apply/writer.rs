//! The one request that writes. The client that sends it knows nobody: without the viewer's token it would be anonymous.

use std::sync::Arc;
use std::time::Duration;

use fairlead_console::{Identity, Trouble};
use fairlead_snapshot::ObjectName;
use http::HeaderValue;
use http::header::AUTHORIZATION;
use http_body_util::{BodyExt as _, Limited};
use kube::api::{Patch, PatchParams, Request};
use kube::client::Body;
use kube::config::AuthInfo;
use kube::{Client, Config};
use serde_json::Value;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use zeroize::Zeroizing;

use super::answer::Answer;
use super::pace::Paces;
use crate::args::console::ApplyMode;
use crate::decisions::Decisions;

/// What the API server knows the console's writes by.
const MANAGER: &str = "fairlead-console";
/// So many are written at once, and how long one may wait for its turn and for its answer: admission has ten seconds.
const AT_ONCE: usize = 4;
const TURN: Duration = Duration::from_secs(2);
const ANSWER: Duration = Duration::from_secs(15);
/// The longest answer that is read, in bytes: an object has a MiB and a half at most.
const LONGEST: usize = 2 * 1024 * 1024;

/// Writes rules.
pub(in crate::console) struct Writer {
    pub(in crate::console) mode: ApplyMode,
    pub(super) paces: Paces,
    pub(in crate::console) audit: Arc<Decisions>,
    client: Client,
    turns: Semaphore,
}

impl Writer {
    /// One that sends to the API server which this describes, and shows none of what it says of who we are.
    ///
    /// # Errors
    /// It describes none that can be used.
    pub(in crate::console) fn new(mode: ApplyMode, config: &Config) -> kube::Result<Self> {
        let mut config = config.clone();
        config.auth_info = AuthInfo::default();
        config.headers = Vec::new();
        config.read_timeout = Some(ANSWER);
        config.default_retry = false;
        Ok(Self::by(mode, Client::try_from(config)?))
    }

    /// One that sends by this client, which has to be nobody's.
    pub(super) fn by(mode: ApplyMode, client: Client) -> Self {
        Self {
            mode,
            paces: Paces::default(),
            audit: Arc::default(),
            client,
            turns: Semaphore::new(AT_ONCE),
        }
    }

    /// Applies a rule as somebody, never by force; `dry_run`: nothing is stored.
    ///
    /// # Errors
    /// There is no answer.
    pub(super) async fn send(
        &self,
        who: &Identity,
        name: &ObjectName,
        wanted: &Value,
        dry_run: bool,
    ) -> Result<Answer, Trouble> {
        let turn = timeout(TURN, self.turns.acquire()).await;
        let Ok(Ok(_turn)) = turn else {
            let words = "too many rules are being written at once; try again in some seconds";
            return Err(Trouble::Unavailable(words.to_owned()));
        };
        let request = request(who, name, wanted, dry_run)
            .ok_or_else(|| Trouble::Bad("no request can be made of this rule".to_owned()))?;
        let unsaid = |why: &str| {
            let done = if dry_run {
                "nothing was written"
            } else {
                "it may have been written: look at the rule before you try again"
            };
            Trouble::Unavailable(format!("the API server {why}; {done}"))
        };
        let asking = async {
            let answer = self.client.send(request).await.ok()?;
            let (head, body) = answer.into_parts();
            let body = Limited::new(body, LONGEST).collect().await.ok()?;
            Some(Answer::read(&head, &body.to_bytes()))
        };
        match timeout(ANSWER, asking).await {
            Ok(Some(answer)) => Ok(answer),
            // No error is told: it may quote the request.
            Ok(None) => Err(unsaid("cannot be reached")),
            Err(_) => Err(unsaid("does not answer")),
        }
    }
}

fn request(
    who: &Identity,
    name: &ObjectName,
    wanted: &Value,
    dry_run: bool,
) -> Option<http::Request<Body>> {
    let group = fairlead_crds::GROUP;
    let namespace = &name.namespace;
    let path = format!("/apis/{group}/v1alpha1/namespaces/{namespace}/routingrules");
    let params = PatchParams {
        dry_run,
        force: false,
        ..PatchParams::apply(MANAGER).validation_strict()
    };
    let request = Request::new(path);
    let mut request = request
        .patch(&name.name, &params, &Patch::Apply(wanted))
        .ok()?;
    let bearer = Zeroizing::new(format!("Bearer {}", who.token()));
    let mut bearer = HeaderValue::from_str(&bearer).ok()?;
    bearer.set_sensitive(true);
    request.headers_mut().insert(AUTHORIZATION, bearer);
    Some(request.map(Body::from))
}
