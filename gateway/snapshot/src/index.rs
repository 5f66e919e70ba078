//! The index: which shards are a whole snapshot.
//!
//! ConfigMaps work like the objects of git. Shards are immutable and named by their content; the index is the one object that
//! changes, and whoever has it and every shard it names has a consistent whole. It cannot be read torn.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::order;
use crate::shard::Entries;
use crate::{Digest, FORMAT, OLDEST, ObjectName, Part, Section, Shard, Snapshot};

/// Which shards make a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Index {
    /// What a reader of the shards must know; see [`FORMAT`]. Read first: an index of a newer format may have members that this reader does not
    /// know.
    pub format: u32,
    /// Counts the publications of an installation; it only rises.
    pub generation: u64,
    /// The namespace in which the gateway runs.
    pub gateway_namespace: String,
    /// The digests of each section's shards, in the order of their buckets; a bucket that is too large for one has more at the end.
    pub shards: BTreeMap<Section, Vec<Digest>>,
}

/// The shards that an index names, as far as a reader has them.
pub type Parts = BTreeMap<(Section, Digest), Arc<Part>>;

/// An index that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// It is not JSON of the right shape.
    #[error("the index cannot be read: {0}")]
    Unreadable(#[from] serde_json::Error),
    /// A newer operator wrote it.
    #[error(
        "the index has format {found} and this gateway reads up to {FORMAT}; upgrade the gateway"
    )]
    Newer {
        /// The format it is written in.
        found: u32,
    },
    /// A much older operator wrote it, or nobody did.
    #[error(
        "the index has format {found} and this gateway reads from {OLDEST}; upgrade the operator"
    )]
    Older {
        /// The format it is written in.
        found: u32,
    },
    /// A shard is not there.
    #[error("the {} shard {digest} is missing", section.as_str())]
    Missing {
        /// What it would hold.
        section: Section,
        /// The shard.
        digest: Digest,
    },
    /// A shard stands where one of another section should.
    #[error("the shard {digest} does not hold {}", section.as_str())]
    Misplaced {
        /// What it should hold.
        section: Section,
        /// The shard.
        digest: Digest,
    },
}

impl Index {
    /// Reads the text of an index.
    ///
    /// # Errors
    /// It is unreadable, or of a format that this version does not know.
    pub fn read(text: &str) -> Result<Self, IndexError> {
        #[derive(Deserialize)]
        struct Format {
            format: u32,
        }
        let Format { format } = serde_json::from_str(text)?;
        if format > FORMAT {
            return Err(IndexError::Newer { found: format });
        }
        if format < OLDEST {
            return Err(IndexError::Older { found: format });
        }
        Ok(serde_json::from_str(text)?)
    }

    /// The text of the index.
    ///
    /// # Errors
    /// None in practice: every member has a form in JSON.
    pub fn text(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(self)
    }

    /// Every shard it names. A digest may come twice: empty shards of a section are one.
    pub fn named(&self) -> impl Iterator<Item = (Section, &Digest)> {
        self.shards
            .iter()
            .flat_map(|(section, digests)| digests.iter().map(|digest| (*section, digest)))
    }

    /// The snapshot, put together from its shards.
    ///
    /// # Errors
    /// A shard is missing or in the wrong place.
    pub fn join(&self, parts: &Parts) -> Result<Snapshot, IndexError> {
        let (mut providers, mut keys) = (BTreeMap::new(), BTreeMap::new());
        let (mut teams, mut organizations) = (BTreeMap::new(), BTreeMap::new());
        let mut rules = Vec::new();
        for (section, digest) in self.named() {
            let part =
                parts
                    .get(&(section, digest.clone()))
                    .ok_or_else(|| IndexError::Missing {
                        section,
                        digest: digest.clone(),
                    })?;
            match (section, &**part) {
                (Section::Providers, Part::Providers(part)) => extend(&mut providers, part),
                (Section::Rules, Part::Rules(part)) => rules.extend_from_slice(part),
                (Section::Keys, Part::Keys(part)) => extend(&mut keys, part),
                (Section::Teams, Part::Teams(part)) => extend(&mut teams, part),
                (Section::Organizations, Part::Organizations(part)) => {
                    extend(&mut organizations, part);
                }
                (_, _) => {
                    return Err(IndexError::Misplaced {
                        section,
                        digest: digest.clone(),
                    });
                }
            }
        }
        order::sort(&mut rules);
        let snapshot = Snapshot::new(&self.gateway_namespace, providers, rules, keys);
        Ok(snapshot.with_owners(teams, organizations))
    }
}

fn extend<T: Clone>(entries: &mut BTreeMap<ObjectName, T>, part: &BTreeMap<ObjectName, T>) {
    let part = part.iter();
    entries.extend(part.map(|(name, entry)| (name.clone(), entry.clone())));
}

/// A snapshot as it is published: the index, and the shards it names, each once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publication {
    /// The index.
    pub index: Index,
    /// The shards.
    pub shards: Vec<Shard>,
}

impl Snapshot {
    /// Splits the snapshot into shards. `previous`, the live index, says how many there were, so that small growth rewrites little.
    ///
    /// # Errors
    /// None in practice: every entry has a form in JSON.
    pub fn publish(
        &self,
        generation: u64,
        previous: Option<&Index>,
    ) -> Result<Publication, serde_json::Error> {
        let before =
            |section| previous.map_or(0, |index| index.shards.get(&section).map_or(0, Vec::len));
        let mut index = Index {
            format: self.format,
            generation,
            gateway_namespace: self.gateway_namespace.clone(),
            shards: BTreeMap::new(),
        };
        let mut shards = BTreeMap::new();
        for section in Section::ALL {
            let entries = match section {
                Section::Providers => Entries::of_map(section, self.providers.iter()),
                Section::Rules => Entries::of_rules(&self.rules),
                Section::Keys => Entries::of_map(section, self.keys.iter()),
                Section::Teams => Entries::of_map(section, self.teams.iter()),
                Section::Organizations => Entries::of_map(section, self.organizations.iter()),
            };
            let found = entries?.into_shards(before(section));
            if found.is_empty() && !section.is_always_named() {
                continue;
            }
            let digests = found.iter().map(|shard| shard.digest.clone()).collect();
            index.shards.insert(section, digests);
            shards.extend(
                found
                    .into_iter()
                    .map(|shard| ((section, shard.digest.clone()), shard)),
            );
        }
        Ok(Publication {
            index,
            shards: shards.into_values().collect(),
        })
    }
}

#[cfg(test)]
mod tests;
