//! A service account by its key: a statement that we sign ourselves is exchanged for a token.
//!
//! Source: "Using OAuth 2.0 for Server to Server Applications", Google Identity; RFC 7523.

use std::fmt;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPair;
use aws_lc_rs::signature::RSA_PKCS1_SHA256;
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject as _;
use serde::Deserialize;
use serde_json::json;

use crate::call::exchange;
use crate::encode::base64url;
use crate::{Problem, Request, Secret, Token, World, oauth, url};

const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
/// The longest that Google takes.
const LIFE_SECONDS: u64 = 3600;

/// A service account, its key, and what its token is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceAccount {
    email: String,
    key_id: String,
    token_url: String,
    scope: String,
    key: Key,
}

/// A private key that was found good. Two are equal if they were written in the same way.
#[derive(Clone)]
struct Key {
    pair: Arc<KeyPair>,
    text: Secret,
}

/// The document that Google lets one download.
#[derive(Deserialize)]
struct Document {
    client_email: String,
    #[serde(default)]
    private_key_id: String,
    private_key: String,
    #[serde(default = "google")]
    token_uri: String,
}

fn google() -> String {
    "https://oauth2.googleapis.com/token".to_owned()
}

impl ServiceAccount {
    /// Reads the document of a service account's key.
    ///
    /// # Errors
    /// It is not one; says why, without a word of it.
    pub(crate) fn parse(document: &Secret, scope: &str) -> Result<Self, String> {
        match super::kind(document).as_deref() {
            Some("service_account") => {}
            // Such a document names addresses and files to send: who may write a Secret must not choose those.
            Some("external_account") => {
                return Err("workload identity federation is read from the file that GOOGLE_APPLICATION_CREDENTIALS names only".to_owned());
            }
            other => return Err(super::unknown_kind(other)),
        }
        // What serde says may quote the document.
        let document: Document = serde_json::from_str(document.expose())
            .map_err(|_| "it has not the members client_email and private_key".to_owned())?;
        let token_url = url::secure(&document.token_uri);
        let token_url = token_url.ok_or("its token_uri is not an https address")?;
        Ok(Self {
            email: document.client_email,
            key_id: document.private_key_id,
            token_url: token_url.to_owned(),
            scope: scope.to_owned(),
            key: Key::parse(&document.private_key)?,
        })
    }

    pub(crate) async fn fetch(&self, world: &World) -> Result<Token, Problem> {
        let asked = world.clock.now();
        let assertion = Secret::new(self.assertion(asked)?);
        let fields = [
            ("grant_type", JWT_BEARER),
            ("assertion", assertion.expose()),
        ];
        let response = exchange(world, Request::form(&self.token_url, &fields)).await?;
        let server = url::server(&self.token_url);
        if response.status == 200 {
            return oauth::granted(server, &response, asked);
        }
        let refusal = oauth::refusal(&response.body);
        let mend = mend(&refusal);
        Err(oauth::refused(
            server,
            &response,
            &refusal,
            &[&assertion],
            mend,
        ))
    }

    /// A JSON Web Token (RFC 7519), signed with RS256 (RFC 7518, section 3.3).
    fn assertion(&self, now: SystemTime) -> Result<String, Problem> {
        let issued = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let header = json!({"alg": "RS256", "typ": "JWT", "kid": self.key_id});
        let claims = json!({
            "iss": self.email,
            "scope": self.scope,
            "aud": self.token_url,
            "iat": issued,
            "exp": issued + LIFE_SECONDS,
        });
        let part = |json: serde_json::Value| base64url(json.to_string().as_bytes());
        let signed = format!("{}.{}", part(header), part(claims));
        let signature = self.key.sign(signed.as_bytes())?;
        Ok(format!("{signed}.{}", base64url(&signature)))
    }
}

impl Key {
    /// Reads a key in PEM; Google writes PKCS #8.
    fn parse(text: &str) -> Result<Self, String> {
        let wrong = "its private_key is not an RSA key in PEM, with its line breaks";
        let pair = match PrivateKeyDer::from_pem_slice(text.as_bytes()) {
            Ok(PrivateKeyDer::Pkcs8(key)) => KeyPair::from_pkcs8(key.secret_pkcs8_der()),
            Ok(PrivateKeyDer::Pkcs1(key)) => KeyPair::from_der(key.secret_pkcs1_der()),
            Ok(_) | Err(_) => return Err(wrong.to_owned()),
        };
        Ok(Self {
            pair: Arc::new(pair.map_err(|_| wrong.to_owned())?),
            text: Secret::new(text),
        })
    }

    fn sign(&self, text: &[u8]) -> Result<Vec<u8>, Problem> {
        let mut signature = vec![0; self.pair.public_modulus_len()];
        let random = SystemRandom::new();
        let signed = self
            .pair
            .sign(&RSA_PKCS1_SHA256, &random, text, &mut signature);
        let reason = "cannot sign";
        signed.map_err(|_| Problem::Key { reason })?;
        Ok(signature)
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Key {}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key")
    }
}

fn mend(refusal: &oauth::Refusal) -> &'static str {
    let said = |words: &str| refusal.said.contains(words);
    if said("Invalid JWT Signature") {
        "the key was deleted or belongs to another account: create a new key of the service account"
    } else if said("account not found") {
        "the service account does not exist (any more): create it, or give the key of another"
    } else if said("short-lived") || said("iat") || said("exp") {
        "the clock of this node is wrong: set it"
    } else if refusal.code == "invalid_scope" {
        "the scope is not one of Google's"
    } else {
        "check that the service account exists and is enabled, and that its key was not deleted"
    }
}
