//! The keys of an issuer of callers' tokens, kept in hand.
//!
//! A [`KeyRefresher`] fetches them beside the requests, every few minutes and when a token names a key that is not among them; [`IssuerKeys`] hands
//! out what is in hand, for one atomic load. No request ever waits. An issuer that is out harms nobody as long as keys are in hand, which may
//! be for as long as it likes: a key is withdrawn by publishing a set without it.
//!
//! Who names the issuer may be a tenant: no redirect is followed, what comes back is shown to nobody, and the rules of egress hold for every
//! address, those of the issuer's own discovery document too. The pod's own identity is shown to the API server alone.

mod fetch;
mod refresher;

pub use refresher::KeyRefresher;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::url::Address;
use crate::{KeySet, World};

/// Where the token of the pod's service account is.
const POD_TOKEN: &str = "/var/run/secrets/kubernetes.io/serviceaccount/token";
/// What the API server is called within its cluster.
const API_SERVER: [&str; 2] = [
    "kubernetes.default.svc",
    "kubernetes.default.svc.cluster.local",
];
/// Where it has the keys of service accounts' tokens.
const API_SERVER_KEYS: &str = "/openid/v1/jwks";

/// An issuer, and where its keys are.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Issuer {
    name: String,
    place: Place,
    /// Whether it may be at a private address, and be asked over `http`.
    private: bool,
}

/// Where keys are.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Place {
    /// Where the discovery document says.
    Discovered,
    /// There.
    At(String),
    /// At the API server of the cluster, which is shown the token in this file.
    Cluster { url: String, token: PathBuf },
}

impl Issuer {
    /// The issuer of this name, whose keys are at `jwks_url`, or where it says itself. Whether it may be at a private address, `private`, says whoever
    /// knows who named it.
    #[must_use]
    pub fn new(name: &str, jwks_url: Option<&str>, private: bool) -> Self {
        Self::with_pod_token(name, jwks_url, private, POD_TOKEN.into())
    }

    /// The same, where the pod's own token is in another file.
    #[must_use]
    pub fn with_pod_token(
        name: &str,
        jwks_url: Option<&str>,
        private: bool,
        token: PathBuf,
    ) -> Self {
        let place = match (cluster_keys(name, jwks_url), jwks_url) {
            (Some(url), _) => Place::Cluster { url, token },
            (None, Some(url)) => Place::At(url.to_owned()),
            (None, None) => Place::Discovered,
        };
        Self {
            name: name.to_owned(),
            place,
            private,
        }
    }
}

/// Where the API server has its keys, if these are the addresses of no other than it and of nothing else at it: it is shown what the pod may do.
/// What its own discovery document says is an address outside of the cluster, so that is not asked.
fn cluster_keys(name: &str, jwks_url: Option<&str>) -> Option<String> {
    let address = Address::parse(jwks_url.unwrap_or(name))?;
    let port = address.host.strip_prefix(address.name())?;
    let is_there =
        address.secure && matches!(port, "" | ":443") && API_SERVER.contains(&address.name());
    let path = match jwks_url {
        Some(_) => API_SERVER_KEYS,
        None => "/",
    };
    (is_there && address.path == path && address.query.is_empty())
        .then(|| format!("https://{}{API_SERVER_KEYS}", address.host))
}

/// Hands out the keys of an issuer. Cloning shares it; when the last one is dropped, its [`KeyRefresher`] ends.
#[derive(Clone)]
pub struct IssuerKeys {
    shared: Arc<Shared>,
    /// Wakes the refresher; closed when nobody keeps it any more.
    nudge: mpsc::Sender<()>,
}

/// Keys, as they are in hand.
#[derive(Debug)]
pub struct InHand {
    /// The keys.
    pub keys: KeySet,
    /// Rises with every other set of keys: what was verified under a lower number is to be verified anew.
    pub version: u64,
}

/// How long an issuer may keep anybody waiting who starts.
const PATIENCE: Duration = Duration::from_secs(5);

/// What both sides share.
struct Shared {
    issuer: Issuer,
    world: World,
    held: ArcSwapOption<InHand>,
    since: Instant,
    /// Whether the issuer has answered once, whatever that was.
    met: AtomicBool,
}

impl IssuerKeys {
    /// The keys of an issuer, and what fetches them: [`KeyRefresher::run`] must be spawned.
    #[must_use]
    pub fn new(issuer: Issuer, world: World) -> (Self, KeyRefresher) {
        let (nudge, nudges) = mpsc::channel(1);
        let shared = Arc::new(Shared {
            issuer,
            world,
            held: ArcSwapOption::empty(),
            since: Instant::now(),
            met: AtomicBool::new(false),
        });
        let refresher = KeyRefresher::new(Arc::clone(&shared), nudges);
        (Self { shared, nudge }, refresher)
    }

    /// Whose keys they are. Those of an equal issuer may be carried over to a new configuration.
    #[must_use]
    pub fn issuer(&self) -> &Issuer {
        &self.shared.issuer
    }

    /// The keys in hand; `None` until the first have come.
    #[must_use]
    pub fn current(&self) -> Option<Arc<InHand>> {
        self.shared.held.load_full()
    }

    /// Whether the first answer of the issuer is still worth waiting for: it has not come, nor a failure, and less than 5 s have passed.
    #[must_use]
    pub fn are_awaited(&self) -> bool {
        !self.shared.met.load(Ordering::Relaxed) && self.shared.since.elapsed() < PATIENCE
    }

    /// A token names a key that is not in hand: the issuer may have a new one, and is asked soon, but not more than once in 10 s.
    pub fn misses_one(&self) {
        // One that waits already does for both.
        let _ = self.nudge.try_send(());
    }
}

impl fmt::Debug for IssuerKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IssuerKeys")
            .field("issuer", &self.shared.issuer.name)
            .field("held", &self.shared.held.load())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_api_server_is_known_by_its_exact_addresses_alone() {
        for (name, jwks_url) in [
            ("https://kubernetes.default.svc", None),
            ("https://kubernetes.default.svc/", None),
            ("https://kubernetes.default.svc.cluster.local:443", None),
            (
                "https://oidc.example",
                Some("https://kubernetes.default.svc/openid/v1/jwks"),
            ),
        ] {
            assert!(
                cluster_keys(name, jwks_url).is_some(),
                "{name} {jwks_url:?}"
            );
        }
        for (name, jwks_url) in [
            ("http://kubernetes.default.svc", None),
            ("https://kubernetes.default.svc.evil.example", None),
            ("https://kubernetes.default.svc:6443", None),
            ("https://kubernetes.default.svc/api", None),
            ("https://kubernetes.default.svc?a=b", None),
            ("https://evil.example/kubernetes.default.svc", None),
            (
                "https://kubernetes.default.svc",
                Some("https://evil.example/keys"),
            ),
            (
                "https://oidc.example",
                Some("https://kubernetes.default.svc/api/v1/namespaces/a/secrets"),
            ),
            (
                "https://oidc.example",
                Some("https://kubernetes.default.svc/openid/v1/jwks?watch=1"),
            ),
        ] {
            assert_eq!(cluster_keys(name, jwks_url), None, "{name} {jwks_url:?}");
        }
    }
}
