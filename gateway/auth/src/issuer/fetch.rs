//! One look at what keys an issuer has.

use serde::Deserialize;

use super::{Issuer, Place};
use crate::call::{Reach, Request, exchange};
use crate::url::{Address, server};
use crate::{KeySet, Problem, Secret, World, files};

/// Where an issuer says where its keys are (source: OpenID Connect Discovery 1.0, 4).
const DISCOVERY: &str = "/.well-known/openid-configuration";

#[derive(Deserialize)]
struct Document {
    issuer: String,
    jwks_uri: String,
}

impl Issuer {
    pub(super) async fn fetch(&self, world: &World) -> Result<KeySet, Problem> {
        match &self.place {
            Place::At(url) => self.keys(world, self.request(url)?).await,
            Place::Discovered => {
                let url = self.discovered(world).await?;
                self.keys(world, self.request(&url)?).await
            }
            Place::Cluster { url, token } => {
                let token = files::read(token, "the service account of the pod").await?;
                let token = Secret::new(format!("Bearer {}", token.expose()));
                let request = Request::get(url, Reach::Cluster).with("authorization", token);
                self.keys(world, request).await
            }
        }
    }

    /// What asks for something at an address that somebody wrote down, an issuer say.
    fn request(&self, url: &str) -> Result<Request, Problem> {
        let malformed = || Problem::Malformed {
            server: self.name.clone(),
            what: "an address of its keys that is none, or is not https",
        };
        let address = Address::parse(url).ok_or_else(malformed)?;
        if !address.secure && !self.private {
            return Err(malformed());
        }
        Ok(Request::get(url, Reach::Anywhere))
    }

    async fn discovered(&self, world: &World) -> Result<String, Problem> {
        let url = format!("{}{DISCOVERY}", self.name.trim_end_matches('/'));
        let body = read(world, self.request(&url)?).await?;
        let malformed = |what| Problem::Malformed {
            server: server(&url).to_owned(),
            what,
        };
        let document: Document = serde_json::from_slice(&body)
            .map_err(|_| malformed("no discovery document with issuer and jwks_uri"))?;
        if document.issuer != self.name {
            return Err(malformed("the discovery document of another issuer"));
        }
        Ok(document.jwks_uri)
    }

    async fn keys(&self, world: &World, request: Request) -> Result<KeySet, Problem> {
        let server = server(&request.url).to_owned();
        let body = read(world, request).await?;
        let malformed = |what| Problem::Malformed {
            server: server.clone(),
            what,
        };
        let keys = KeySet::parse(&body).ok_or_else(|| malformed("no JSON Web Key Set"))?;
        // One that publishes no key at all has withdrawn its last.
        if keys.is_empty() && !withdrawn(&body) {
            return Err(malformed(
                "a JSON Web Key Set without a key that could be used",
            ));
        }
        Ok(keys)
    }
}

/// Whether a set of keys says that there is none.
fn withdrawn(set: &[u8]) -> bool {
    let set: serde_json::Value = serde_json::from_slice(set).unwrap_or_default();
    set["keys"].as_array().is_some_and(Vec::is_empty)
}

/// What is there, if something is.
async fn read(world: &World, request: Request) -> Result<bytes::Bytes, Problem> {
    let server = server(&request.url).to_owned();
    let response = exchange(world, request).await?;
    if response.status == 200 {
        return Ok(response.body);
    }
    let mend = match response.status {
        300..=399 => "redirects are not followed; give jwksURL",
        401 | 403 => "its keys must be readable by the gateway",
        _ => "the issuer must be right to the letter, or jwksURL be given",
    };
    Err(Problem::Refused {
        server,
        status: response.status,
        code: "(an issuer's keys)".to_owned(),
        // What it says may be of a server that a tenant is not to read from.
        said: "what it says beside that is not looked at".to_owned(),
        mend,
    })
}
