//! Credentials that are made of others: tokens of a cloud, kept fresh beside the requests, and signatures.

mod calls;

use std::collections::BTreeMap;
use std::sync::Arc;

use arc_swap::ArcSwapOption;
use fairlead_auth::configure::{ConfigError, aws, entra, google};
use fairlead_auth::source::{entra::COGNITIVE_SERVICES, google::CLOUD_PLATFORM};
use fairlead_auth::{
    AwsCredentials, Http, Keeper, NoToken, Refresher, Secret, Source, SystemClock, Token, Value,
    World, sigv4,
};
use fairlead_snapshot::{Authentication, Credential};
use fairlead_wire::redact::Redactor;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, header};

use super::authorization::{Authorization, Proof};
use crate::clock;
use calls::Calls;

/// What AWS calls the service that is signed for.
const SERVICE: &str = "bedrock";

/// A credential that is made.
#[derive(Debug)]
pub(super) struct Made {
    keeper: Keeper,
    /// What is signed for, where requests are signed.
    region: Option<Arc<str>>,
    /// The last one, as long as its token is in hand.
    last: ArcSwapOption<(Arc<Token>, Authorization)>,
}

/// One, and what keeps it fresh if nothing does yet.
pub(super) type Kept = (Arc<Made>, Option<Refresher>);

/// What a request is signed with.
#[derive(Debug)]
pub(crate) struct Signer {
    credentials: AwsCredentials,
    region: Arc<str>,
}

/// The way to servers of tokens and to issuers of callers' tokens, which may be at private addresses if so.
pub(super) fn http(private: bool) -> Arc<dyn Http> {
    Arc::new(Calls::new(private))
}

impl Made {
    /// What a credential is made of: a Secret's values, or the pod's own identity. `None`: it is what it is. What is made of the same as
    /// `previous` goes on as it did.
    pub(super) fn new(
        credential: &Credential,
        value: Option<&[u8]>,
        authentication: &Authentication,
        private: bool,
        previous: Option<&Arc<Self>>,
    ) -> Option<Result<Kept, ConfigError>> {
        let source = match (&credential.identity, value) {
            (Some(identity), _) => own(authentication, identity.role_arn.as_deref())?,
            (None, Some(value)) if value.first() == Some(&b'{') => given(authentication, value)?,
            (None, _) => return None,
        };
        let source = match source {
            Ok(source) => source,
            Err(error) => return Some(Err(error)),
        };
        if let Some(previous) = previous.filter(|previous| *previous.keeper.source() == source) {
            return Some(Ok((Arc::clone(previous), None)));
        }
        let world = World {
            http: http(private),
            clock: Arc::new(SystemClock),
            random: || fastrand::u64(..),
        };
        let (keeper, refresher) = Keeper::new(credential.name.as_str(), source, world);
        let region = match authentication {
            Authentication::Aws { region } => Some(region.as_str().into()),
            Authentication::Dialect | Authentication::Azure | Authentication::Google => None,
        };
        let made = Self {
            keeper,
            region,
            last: ArcSwapOption::empty(),
        };
        Some(Ok((Arc::new(made), Some(refresher))))
    }

    /// What is sent now. Waits only for the first token.
    pub(super) async fn authorization(&self) -> Result<Authorization, NoToken> {
        let token = self.keeper.token().await?;
        if let Some(last) = &*self.last.load()
            && Arc::ptr_eq(&last.0, &token)
        {
            return Ok(last.1.clone());
        }
        let authorization = self.shown(&token);
        let last = (token, authorization.clone());
        self.last.store(Some(Arc::new(last)));
        Ok(authorization)
    }

    /// The provider has refused what was sent.
    pub(super) fn refused(&self) {
        if let Some(token) = self.keeper.current() {
            self.keeper.rejected(&token);
        }
    }

    fn shown(&self, token: &Token) -> Authorization {
        let (proof, secret) = match (&token.value, &self.region) {
            (Value::Aws(credentials), Some(region)) => {
                let signer = Signer {
                    credentials: credentials.clone(),
                    region: Arc::clone(region),
                };
                // Of a signature nothing can be used again but the token of a session.
                let secret = credentials.session_token.clone();
                (Proof::Signature(Arc::new(signer)), secret)
            }
            (Value::Aws(_), None) => (Proof::None, None),
            (Value::Bearer(token), _) => {
                let value = HeaderValue::from_str(&format!("Bearer {}", token.expose()));
                let proof = value.map_or(Proof::None, |value| {
                    Proof::header(header::AUTHORIZATION, value)
                });
                (proof, Some(token.clone()))
            }
        };
        let redactor = secret.and_then(|secret| Redactor::new(secret.expose().as_bytes()));
        Authorization {
            proof,
            redactor: redactor.map(Arc::new),
        }
    }
}

impl Signer {
    /// Adds the headers of a signature to a request that is otherwise complete.
    pub(super) fn sign(
        &self,
        (method, uri): (&Method, &Uri),
        host: &HeaderValue,
        body: &[u8],
        headers: &mut HeaderMap,
    ) {
        let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let content_type = headers
            .get(header::CONTENT_TYPE)
            .map(text)
            .unwrap_or_default();
        let host = text(host);
        let parts = sigv4::Parts {
            method: method.as_str(),
            host: &host,
            path: uri.path(),
            query: uri.query().unwrap_or_default(),
            headers: &[("content-type", &content_type)],
            payload: sigv4::Payload::Bytes(body),
        };
        let scope = sigv4::Scope {
            region: &self.region,
            service: SERVICE,
        };
        let signed = sigv4::sign(&parts, &self.credentials, scope, clock::now());
        for (name, value) in signed.headers() {
            if let Ok(mut value) = HeaderValue::from_str(value) {
                value.set_sensitive(true);
                headers.insert(HeaderName::from_static(name), value);
            }
        }
    }
}

/// What the values of a Secret make; `None`: they are for nothing here.
fn given(authentication: &Authentication, value: &[u8]) -> Option<Result<Source, ConfigError>> {
    let values: BTreeMap<String, String> = serde_json::from_slice(value).ok()?;
    let get = |key: &str| values.get(key).map(|value| Secret::new(value.as_str()));
    Some(match authentication {
        Authentication::Dialect => return None,
        Authentication::Aws { region } => {
            let settings = aws_settings(region, values.get("roleARN").map(String::as_str));
            aws::from_secret(&get, &settings)
        }
        Authentication::Azure => entra::from_secret(&get, COGNITIVE_SERVICES, None),
        Authentication::Google => google::from_secret(&get, CLOUD_PLATFORM),
    })
}

/// What the pod's own identity makes; `None`: it is for nothing here.
fn own(authentication: &Authentication, role: Option<&str>) -> Option<Result<Source, ConfigError>> {
    let get = |name: &str| std::env::var(name).ok();
    Some(match authentication {
        Authentication::Dialect => return None,
        Authentication::Aws { region } => aws::from_environment(&get, &aws_settings(region, role)),
        Authentication::Azure => entra::from_environment(&get, COGNITIVE_SERVICES),
        Authentication::Google => google::from_environment(&get, CLOUD_PLATFORM),
    })
}

fn aws_settings<'a>(region: &'a str, role: Option<&'a str>) -> aws::Settings<'a> {
    aws::Settings {
        region,
        role: role.map(|arn| aws::RoleSettings {
            arn,
            ..aws::RoleSettings::default()
        }),
    }
}
