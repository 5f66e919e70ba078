//! The shards that the gateway has: read once, shared by every configuration that names them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use fairlead_snapshot::{Digest, Index, Part, Parts, Section, ShardError};

/// What a shard is asked for by.
pub(super) type ShardId = (Section, Digest);

/// Shards, parsed for use and as text for the last good copy. Cloning shares both.
#[derive(Debug, Clone, Default)]
pub(super) struct Held {
    parts: Parts,
    texts: BTreeMap<ShardId, Arc<str>>,
}

impl Held {
    /// The parsed shards.
    pub(super) fn parts(&self) -> &Parts {
        &self.parts
    }

    /// The texts of all shards.
    pub(super) fn texts(&self) -> impl Iterator<Item = (&ShardId, &Arc<str>)> {
        self.texts.iter()
    }

    /// The shards of an index that are not here, each once.
    pub(super) fn missing(&self, index: &Index) -> BTreeSet<ShardId> {
        index
            .named()
            .map(|(section, digest)| (section, digest.clone()))
            .filter(|id| !self.parts.contains_key(id))
            .collect()
    }

    /// Takes a text in, if it is the one that its name promises.
    pub(super) fn take(&mut self, id: ShardId, text: &str) -> Result<(), ShardError> {
        let part = Part::read(id.0, &id.1, text)?;
        self.texts.insert(id.clone(), text.into());
        self.parts.insert(id, Arc::new(part));
        Ok(())
    }

    /// Lets go of what an index does not name.
    pub(super) fn keep_only(&mut self, index: &Index) {
        let named: BTreeSet<ShardId> = index
            .named()
            .map(|(section, digest)| (section, digest.clone()))
            .collect();
        self.parts.retain(|id, _| named.contains(id));
        self.texts.retain(|id, _| named.contains(id));
    }
}
