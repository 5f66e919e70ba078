//! Issuers of tokens within a test: keys of their own, and servers of these that the test scripts.

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use fairlead_auth::{Http, Request, Response, SendError, Sending};
use parking_lot::Mutex;
use serde_json::{Value, json};

use crate::clock;

/// Whoever has a key to sign with.
pub(crate) struct Signer {
    id: String,
    pair: EcdsaKeyPair,
}

impl Signer {
    /// A new key of this name.
    pub(crate) fn new(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            pair: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap(),
        }
    }

    /// The public half, as sets have it.
    pub(crate) fn public(&self) -> Value {
        let point = self.pair.public_key().as_ref();
        let part = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        json!({"kty": "EC", "crv": "P-256", "use": "sig", "kid": self.id, "x": part(&point[1..33]), "y": part(&point[33..])})
    }

    /// A token that says this, for an hour if it says nothing of its end.
    pub(crate) fn token(&self, claims: &Value) -> String {
        self.token_with(
            &json!({"alg": "ES256", "kid": self.id, "typ": "JWT"}),
            claims,
        )
    }

    /// The same with another header.
    pub(crate) fn token_with(&self, header: &Value, claims: &Value) -> String {
        let mut claims = claims.clone();
        let said = claims.as_object_mut().unwrap();
        said.entry("exp")
            .or_insert_with(|| json!(clock::unix_seconds() + 3600));
        said.retain(|_, value| !value.is_null());
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(header), part(&claims));
        let signature = self
            .pair
            .sign(&SystemRandom::new(), signed.as_bytes())
            .unwrap();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

/// A set of these keys.
pub(crate) fn set(signers: &[&Signer]) -> Value {
    let keys: Vec<Value> = signers.iter().map(|signer| signer.public()).collect();
    json!({"keys": keys})
}

/// What is at each address; nobody is at the others.
#[derive(Default)]
pub(crate) struct Issuers {
    there: Mutex<BTreeMap<String, Value>>,
    asked: Mutex<Vec<String>>,
}

impl Issuers {
    /// An issuer with its discovery document and keys.
    pub(crate) fn with(issuer: &str, signers: &[&Signer]) -> Arc<Self> {
        let issuers = Arc::new(Self::default());
        let keys = format!("{issuer}/keys");
        let document = json!({"issuer": issuer, "jwks_uri": keys});
        issuers.put(
            &format!("{issuer}/.well-known/openid-configuration"),
            Some(document),
        );
        issuers.put(&keys, Some(set(signers)));
        issuers
    }

    /// Puts something at an address, or takes it away.
    pub(crate) fn put(&self, url: &str, what: Option<Value>) {
        let mut there = self.there.lock();
        match what {
            Some(what) => there.insert(url.to_owned(), what),
            None => there.remove(url),
        };
    }

    /// How often something was asked for at an address.
    pub(crate) fn asked(&self, url: &str) -> usize {
        self.asked
            .lock()
            .iter()
            .filter(|asked| *asked == url)
            .count()
    }
}

impl Http for Issuers {
    fn send(&self, request: Request) -> Sending<'_> {
        Box::pin(async move {
            self.asked.lock().push(request.url.clone());
            let there = self.there.lock().get(&request.url).cloned();
            let what = there.ok_or_else(|| SendError("nobody is there".to_owned()))?;
            Ok(Response {
                status: 200,
                retry_after: None,
                body: Bytes::from(what.to_string()),
            })
        })
    }
}
