//! From a token to the key that takes it: whose it is, as far as what it says goes. Whether its issuer said so is for others to verify, with the
//! issuer's keys that [`Found`] names, before anything of the outcome is acted on or told.
//!
//! **Whose a token is says the token.** A tenant can write any issuer and any claims into a key, so that what keys say cannot decide between tenants:
//! whoever said more would take another's callers, and whoever said the same would block them. So a key outside of the gateway's namespace takes only
//! tokens that name its own: in Kubernetes's claim (`/kubernetes.io/namespace`), or, where the key lists it, in an audience `fairlead:NAMESPACE`. An
//! audience is chosen by whoever asks for the token, so that it never outranks the claim: a token of a service account elsewhere is taken only by a key
//! that says which account it means. Keys of the gateway's namespace take any, and go first, for the platform may say what holds for whom. Among the
//! keys of one namespace the one that says most goes first, then the older, then the first by name. And keys fetched from one place never vouch for a
//! key that names another place.
//!
//! All of this is looked at before anybody has vouched for the token, so that it costs little whatever a stranger writes.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use fairlead_snapshot::order::age;
use fairlead_snapshot::{Issuer, Key, ObjectName, Oidc, Refusal};
use serde_json::Value;

use crate::key::{Admitted, Held, Refused};

/// What an audience begins with that names the namespace whose keys a token is for.
const NAMESPACE_AUDIENCE: &str = "fairlead:";
/// Where Kubernetes writes the namespace of a service account into its tokens.
const NAMESPACE_CLAIM: &str = "/kubernetes.io/namespace";

/// Claims that say whose a token of Kubernetes is.
const SUBJECTS: [&str; 3] = [NAMESPACE_CLAIM, "sub", "/sub"];
/// So many audiences of a token are looked at.
const AUDIENCES: usize = 32;
/// And so many entries of a claim that is a list: identity providers put up to 200 groups into a token.
const ENTRIES: usize = 256;

/// The keys that take tokens, by whose tokens they take.
#[derive(Debug)]
pub struct Tokens<C> {
    gateway_namespace: String,
    by_issuer: HashMap<String, OfIssuer<C>>,
}

/// The keys for one issuer.
#[derive(Debug)]
struct OfIssuer<C> {
    /// By their namespaces, each in the order in which they are tried.
    takers: HashMap<String, Vec<Arc<Taker<C>>>>,
    /// The issuer as it speaks for itself, if any key asks it so.
    usual: Option<Issuer>,
}

impl<C> Default for OfIssuer<C> {
    fn default() -> Self {
        Self {
            takers: HashMap::new(),
            usual: None,
        }
    }
}

/// A key that takes tokens.
#[derive(Debug)]
pub struct Taker<C> {
    oidc: Oidc,
    held: Held<C>,
}

/// What there is for a token.
#[derive(Debug)]
pub struct Found<'a, C> {
    /// Whose keys have to have signed the token before anything is done with the rest.
    pub issuer: &'a Issuer,
    /// The key that takes it.
    pub taker: Result<&'a Arc<Taker<C>>, Missed>,
}

/// Why no key takes a token. A sentence for its caller, which says nothing of what is configured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Missed {
    /// No key names its issuer.
    #[error(
        "the issuer of the token (iss) is not one whose tokens are taken here; it must stand in spec.key.oidc.issuer of a VirtualKey to the letter"
    )]
    Issuer,
    /// Nobody can say whether it is genuine.
    #[error("the signature of the token cannot be verified by anything that is configured here")]
    Witness,
    /// It is for somebody else.
    #[error(
        "the token is for others (aud); take one for an audience that stands in spec.key.oidc.audiences of the VirtualKey"
    )]
    Audience,
    /// No key takes what it says.
    #[error(
        "no VirtualKey takes this token; compare its claims with spec.key.oidc.claims. A key outside of the gateway's namespace takes only tokens that name its namespace, in the claim /kubernetes.io/namespace or an audience fairlead:NAMESPACE"
    )]
    Claims,
}

impl<C> Tokens<C> {
    /// Indexes those of the keys that take tokens.
    pub fn build<'a>(
        gateway_namespace: &str,
        keys: impl IntoIterator<Item = (ObjectName, &'a Key, C)>,
    ) -> Self {
        let mut by_issuer: HashMap<String, OfIssuer<C>> = HashMap::new();
        for (name, key, context) in keys {
            // A key in conflict must not take the place of the one it is in conflict with.
            let in_conflict = key.refused == Some(Refusal::Conflict);
            let Some(oidc) = key.oidc.clone().filter(|_| !in_conflict) else {
                continue;
            };
            let of_issuer = by_issuer.entry(oidc.issuer.name.clone()).or_default();
            if oidc.issuer.jwks_url.is_none() {
                let usual = of_issuer.usual.take().into_iter();
                of_issuer.usual = usual.chain([oidc.issuer.clone()]).min();
            }
            let of_namespace = of_issuer.takers.entry(name.namespace.clone()).or_default();
            let held = Held::new(name, key, context);
            of_namespace.push(Arc::new(Taker { oidc, held }));
        }
        let all = by_issuer
            .values_mut()
            .flat_map(|of_issuer| of_issuer.takers.values_mut());
        all.for_each(|takers| takers.sort_by(|a, b| a.order().cmp(&b.order())));
        Self {
            gateway_namespace: gateway_namespace.to_owned(),
            by_issuer,
        }
    }

    /// Whether no key takes tokens.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_issuer.is_empty()
    }

    /// How many keys take tokens, refused ones included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.all().count()
    }

    /// Every issuer that a key names, as often as it is named.
    pub fn issuers(&self) -> impl Iterator<Item = &Issuer> {
        self.all().map(|taker| &taker.oidc.issuer)
    }

    fn all(&self) -> impl Iterator<Item = &Arc<Taker<C>>> {
        let of_issuers = self.by_issuer.values();
        of_issuers
            .flat_map(|of_issuer| of_issuer.takers.values())
            .flatten()
    }

    /// What there is for a token of `issuer` with these claims, an object.
    ///
    /// # Errors
    /// No key names its issuer, or none of those that could be meant, so that nobody can say whether it is genuine.
    pub fn find(&self, issuer: &str, claims: &Value) -> Result<Found<'_, C>, Missed> {
        let of_issuer = self.by_issuer.get(issuer).ok_or(Missed::Issuer)?;
        let gateway = self.gateway_namespace.as_str();
        let of = |namespace: &str| of_issuer.takers.get(namespace).into_iter().flatten();
        let eligible = || {
            let own = named_namespaces(claims).filter(|named| *named != gateway);
            let takers = own.flat_map(of).filter(|taker| taker.is_meant(claims));
            of(gateway).chain(takers)
        };
        let mut missed = Missed::Audience;
        for taker in eligible() {
            if !taker.is_for_audience(claims) {
                continue;
            }
            if taker.agrees(claims) {
                let issuer = &taker.oidc.issuer;
                return Ok(Found {
                    issuer,
                    taker: Ok(taker),
                });
            }
            missed = Missed::Claims;
        }
        // Whoever made a token up is told no more than that, so somebody must say whether it was: those who could be meant, or the issuer itself.
        let witness = eligible().next().map(|taker| &taker.oidc.issuer);
        if witness.is_none() {
            missed = Missed::Claims;
        }
        let issuer = witness
            .or(of_issuer.usual.as_ref())
            .ok_or(Missed::Witness)?;
        Ok(Found {
            issuer,
            taker: Err(missed),
        })
    }
}

impl<C> Taker<C> {
    /// The key, if it may be used now, as [`Keys::find`](crate::Keys::find) has it.
    ///
    /// # Errors
    /// Says why it may not.
    pub fn admit(
        &self,
        now: i64,
        from: impl FnOnce() -> Option<IpAddr>,
    ) -> Result<&Admitted<C>, Refused> {
        self.held.admit(now, from)
    }

    /// What sorts those first that are tried first.
    fn order(&self) -> (std::cmp::Reverse<usize>, i64, &ObjectName) {
        let claims = std::cmp::Reverse(self.oidc.claims.len());
        (claims, age(self.oidc.created), self.held.name())
    }

    /// Whether a token that names the namespace of this key, a tenant's, may be for it.
    fn is_meant(&self, claims: &Value) -> bool {
        let own = self.held.name().namespace.as_str();
        let claimed = claimed_namespace(claims);
        if claimed == Some(own) {
            return true;
        }
        let mut listed = self.oidc.audiences.iter();
        let lists = listed.any(|audience| audience_namespace(audience) == Some(own));
        let says_whose = || {
            SUBJECTS
                .iter()
                .any(|name| self.oidc.claims.contains_key(*name))
        };
        lists
            && audiences(claims).any(|audience| audience_namespace(audience) == Some(own))
            && (claimed.is_none() || says_whose())
    }

    fn is_for_audience(&self, claims: &Value) -> bool {
        audiences(claims).any(|audience| self.oidc.audiences.iter().any(|own| own == audience))
    }

    fn agrees(&self, claims: &Value) -> bool {
        self.oidc
            .claims
            .iter()
            .all(|(name, value)| says(claims, name, value))
    }
}

/// Whom a token is for: a text or several (source: RFC 7519, 4.1.3), as many as are looked at.
fn audiences(claims: &Value) -> impl Iterator<Item = &str> {
    let aud = &claims["aud"];
    let several = aud
        .as_array()
        .into_iter()
        .flatten()
        .take(AUDIENCES)
        .filter_map(Value::as_str);
    aud.as_str().into_iter().chain(several)
}

/// The namespaces whose keys a token may be for, each once: first the one that its issuer put into it.
fn named_namespaces(claims: &Value) -> impl Iterator<Item = &str> {
    let named = audiences(claims).filter_map(audience_namespace);
    let mut all = Vec::new();
    for namespace in claimed_namespace(claims).into_iter().chain(named) {
        if !all.contains(&namespace) {
            all.push(namespace);
        }
    }
    all.into_iter()
}

fn audience_namespace(audience: &str) -> Option<&str> {
    audience.strip_prefix(NAMESPACE_AUDIENCE)
}

/// The namespace of the service account that Kubernetes wrote a token for.
fn claimed_namespace(claims: &Value) -> Option<&str> {
    claims.pointer(NAMESPACE_CLAIM)?.as_str()
}

/// Whether a claim has a value: the text, the number or boolean as JSON writes it, or one entry of a list.
fn says(claims: &Value, name: &str, value: &str) -> bool {
    let claim = if name.starts_with('/') {
        claims.pointer(name)
    } else {
        claims.get(name)
    };
    let is = |one: &Value| match one {
        Value::String(text) => text == value,
        Value::Bool(truth) => value == if *truth { "true" } else { "false" },
        // Made a text only where it is the same number.
        Value::Number(number) => {
            value.parse().ok() == number.as_f64() && number.to_string() == value
        }
        Value::Null | Value::Array(_) | Value::Object(_) => false,
    };
    match claim {
        Some(Value::Array(entries)) => entries.iter().take(ENTRIES).any(is),
        Some(one) => is(one),
        None => false,
    }
}

#[cfg(test)]
mod tests;
