//! Who calls with a token: the key that takes it, the keys that its issuer signed it with, and what is remembered of both.
//!
//! A token is read and its signature checked once; after that it costs a look at a table, as the value of a key does. What is remembered ends with the
//! token, with another set of keys of its issuer, and with the configuration.

mod verified;

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use fairlead_admit::{Missed, Refused, Taker, Tokens};
use fairlead_auth::{
    BadToken, InHand, IssuerKeys, Jwt, KeyRefresher, SystemClock, TOKEN_BYTES, World,
};
use fairlead_snapshot::{Issuer, Key, ObjectName};
use sha2::{Digest as _, Sha256};

use crate::upstream::environment::Environment;
use verified::{Known, Verified};

/// Those who call with tokens. `C` is what is known of each.
#[derive(Debug)]
pub(crate) struct TokenCallers<C> {
    tokens: Tokens<C>,
    issuers: HashMap<Issuer, Arc<IssuerKeys>>,
    verified: Verified<C>,
}

/// Why a token opens nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoCaller {
    /// It is not taken, whoever it is for.
    Bad(BadToken),
    /// No key takes it.
    Missed(Missed),
    /// The keys of its issuer have not come yet.
    IssuerUnavailable,
    /// The key that takes it may not be used.
    Refused(Refused),
}

impl<C: Clone> TokenCallers<C> {
    /// Those of these keys. The issuers of `previous` go on as they did; others are asked from now on.
    pub(crate) fn build<'a>(
        gateway_namespace: &str,
        keys: impl IntoIterator<Item = (ObjectName, &'a Key, C)>,
        previous: Option<&Self>,
        environment: &Environment,
    ) -> Self {
        let tokens = Tokens::build(gateway_namespace, keys);
        let mut issuers = HashMap::new();
        for issuer in tokens.issuers() {
            if issuers.contains_key(issuer) {
                continue;
            }
            let before = previous.and_then(|previous| previous.issuers.get(issuer));
            let keys = before.cloned().unwrap_or_else(|| {
                let (keys, refresher) = asked(issuer, environment);
                environment.keep_fresh(refresher.run());
                Arc::new(keys)
            });
            issuers.insert(issuer.clone(), keys);
        }
        Self {
            tokens,
            issuers,
            verified: Verified::default(),
        }
    }

    /// Whether nobody calls with tokens.
    #[must_use]
    pub(crate) fn is_empty(&self) -> bool {
        self.tokens.is_empty()
    }

    /// How many call with tokens.
    #[must_use]
    pub(crate) fn len(&self) -> usize {
        self.tokens.len()
    }

    /// Whether an issuer's first answer is still worth waiting for.
    pub(crate) fn await_issuers(&self) -> bool {
        self.issuers.values().any(|keys| keys.are_awaited())
    }

    /// The issuers, and how many keys of each are in hand: none, until they have come.
    pub(crate) fn issuers(&self) -> impl Iterator<Item = (&str, usize)> {
        self.issuers.iter().map(|(issuer, keys)| {
            let in_hand = keys.current().map_or(0, |in_hand| in_hand.keys.len());
            (issuer.name.as_str(), in_hand)
        })
    }

    /// What is known of the caller who presents a token. `now` is in seconds since 1970; `from` says where it connects from.
    ///
    /// # Errors
    /// Says why it may not call.
    pub(crate) fn find(
        &self,
        presented: &[u8],
        now: i64,
        from: impl FnOnce() -> Option<IpAddr>,
    ) -> Result<C, NoCaller> {
        if presented.len() > TOKEN_BYTES {
            return Err(NoCaller::Bad(BadToken::TooLong));
        }
        let digest: [u8; 32] = Sha256::digest(presented).into();
        let taker = match self.verified.get(&digest, now) {
            Some(taker) => taker,
            None => self.verify(presented, digest, now)?,
        };
        let admitted = taker.admit(now, from).map_err(NoCaller::Refused)?;
        Ok(admitted.context.clone())
    }

    /// Nothing is told of what keys take before the issuer is known to have signed: whoever makes tokens up would learn it.
    fn verify(
        &self,
        presented: &[u8],
        digest: [u8; 32],
        now: i64,
    ) -> Result<Arc<Taker<C>>, NoCaller> {
        let token = Jwt::read(presented).map_err(NoCaller::Bad)?;
        let found = self.tokens.find(token.issuer(), token.claims());
        let found = found.map_err(|missed| match missed {
            Missed::Witness => NoCaller::Bad(BadToken::Signature),
            Missed::Issuer | Missed::Audience | Missed::Claims => NoCaller::Missed(missed),
        })?;
        let issuer = self
            .issuers
            .get(found.issuer)
            .ok_or(NoCaller::IssuerUnavailable)?;
        let in_hand = issuer.current().ok_or(NoCaller::IssuerUnavailable)?;
        signed(&token, issuer, &in_hand).map_err(NoCaller::Bad)?;
        let until = token.good_until(now).map_err(NoCaller::Bad)?;
        let taker = found.taker.map_err(NoCaller::Missed)?;
        let known = Known {
            taker: Arc::clone(taker),
            issuer: Arc::clone(issuer),
            version: in_hand.version,
            until,
        };
        self.verified.insert(digest, known);
        Ok(Arc::clone(taker))
    }
}

fn signed(token: &Jwt, issuer: &IssuerKeys, in_hand: &InHand) -> Result<(), BadToken> {
    let verified = in_hand.keys.verify(token);
    if verified == Err(BadToken::UnknownKey) {
        issuer.misses_one();
    }
    verified
}

/// An issuer whose keys are asked for.
fn asked(issuer: &Issuer, environment: &Environment) -> (IssuerKeys, KeyRefresher) {
    let world = World {
        http: environment.issuers(issuer.private_network),
        clock: Arc::new(SystemClock),
        random: || fastrand::u64(..),
    };
    let jwks_url = issuer.jwks_url.as_deref();
    let issuer = fairlead_auth::Issuer::new(&issuer.name, jwks_url, issuer.private_network);
    IssuerKeys::new(issuer, world)
}
