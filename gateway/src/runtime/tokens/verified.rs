//! Tokens whose signature has been checked. Only those of callers are in it, so that nobody fills it who has no token.

use std::collections::HashMap;
use std::sync::Arc;

use fairlead_admit::Taker;
use fairlead_auth::IssuerKeys;
use parking_lot::Mutex;

/// So many parts have a lock of their own, which is held for a look at a table.
const PARTS: usize = 16;
/// A part remembers between this many tokens and twice as many: those that were used last.
const TOKENS: usize = 1024;

/// Tokens by the SHA-256 of their text.
#[derive(Debug)]
pub(super) struct Verified<C>([Mutex<Part<C>>; PARTS]);

/// What is known of a token.
#[derive(Debug)]
pub(super) struct Known<C> {
    /// The key that takes it.
    pub(super) taker: Arc<Taker<C>>,
    /// Whose keys it was verified with,
    pub(super) issuer: Arc<IssuerKeys>,
    /// and which of them.
    pub(super) version: u64,
    /// When it ends, in seconds since 1970.
    pub(super) until: i64,
}

/// Tokens in two halves: one that is used moves into the young one, and when that is full the old one is forgotten.
#[derive(Debug)]
struct Part<C> {
    young: HashMap<[u8; 32], Known<C>>,
    old: HashMap<[u8; 32], Known<C>>,
}

impl<C> Default for Verified<C> {
    fn default() -> Self {
        let part = || Part {
            young: HashMap::new(),
            old: HashMap::new(),
        };
        Self(std::array::from_fn(|_| Mutex::new(part())))
    }
}

impl<C> Verified<C> {
    /// The key that takes a token, if that is known and still holds. `now` is in seconds since 1970.
    pub(super) fn get(&self, digest: &[u8; 32], now: i64) -> Option<Arc<Taker<C>>> {
        let mut part = self.part(digest).lock();
        let known = part.get(digest)?;
        let in_hand = known.issuer.current();
        let holds = known.until > now && in_hand.is_some_and(|keys| keys.version == known.version);
        holds.then(|| Arc::clone(&known.taker))
    }

    /// Remembers a token.
    pub(super) fn insert(&self, digest: [u8; 32], known: Known<C>) {
        self.part(&digest).lock().insert(digest, known);
    }

    fn part(&self, digest: &[u8; 32]) -> &Mutex<Part<C>> {
        // Nobody can choose a digest, so that the parts fill alike.
        &self.0[usize::from(digest[0]) % PARTS]
    }
}

impl<C> Part<C> {
    fn get(&mut self, digest: &[u8; 32]) -> Option<&Known<C>> {
        if let Some(known) = self.old.remove(digest) {
            self.insert(*digest, known);
        }
        self.young.get(digest)
    }

    fn insert(&mut self, digest: [u8; 32], known: Known<C>) {
        if self.young.len() >= TOKENS && !self.young.contains_key(&digest) {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(digest, known);
    }
}

#[cfg(test)]
mod tests;
