//! A part of a snapshot: the entries of one kind whose names fall into one bucket, as a text that is named by its digest.
//!
//! Names are spread over a power-of-two number of buckets by their hash, so one edited object changes one shard. The number grows with
//! the text and shrinks only when it is far too large: changing it rewrites every shard of the kind. A bucket that is too large for a shard,
//! because its entries are or because somebody chose their names so, is several shards, and no other bucket notices.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::{Digest, Key, ObjectName, Owner, Provider, Rule};

/// How much text a shard holds on average, in bytes: small enough to rewrite at every edit, large enough that there are few of them.
const TARGET_BYTES: usize = 64 * 1024;
/// No shard of several entries is larger; Kubernetes takes no ConfigMap above 1 MiB.
const MOST_BYTES: usize = 512 * 1024;
/// The largest number of buckets of a kind.
const MOST_BUCKETS: usize = 4096;

/// What a shard holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Section {
    /// Providers.
    Providers,
    /// Rules.
    Rules,
    /// Keys.
    Keys,
    /// Teams; named only if there are some.
    Teams,
    /// Organizations; named only if there are some.
    Organizations,
}

impl Section {
    /// Every section, in the order in which the index names them.
    pub const ALL: [Self; 5] = [
        Self::Providers,
        Self::Rules,
        Self::Keys,
        Self::Teams,
        Self::Organizations,
    ];

    /// Whether every index names it, be it empty.
    pub(crate) fn is_always_named(self) -> bool {
        matches!(self, Self::Providers | Self::Rules | Self::Keys)
    }

    /// The section as names of ConfigMaps show it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Providers => "providers",
            Self::Rules => "rules",
            Self::Keys => "keys",
            Self::Teams => "teams",
            Self::Organizations => "organizations",
        }
    }
}

/// A shard as it is published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shard {
    /// What it holds.
    pub section: Section,
    /// The digest of the text.
    pub digest: Digest,
    /// Canonical JSON.
    pub text: String,
}

/// A shard as it is read.
#[derive(Debug, Clone, PartialEq)]
pub enum Part {
    /// Providers by name.
    Providers(BTreeMap<ObjectName, Provider>),
    /// Rules, in no order that means anything.
    Rules(Vec<Rule>),
    /// Keys by name.
    Keys(BTreeMap<ObjectName, Key>),
    /// Teams by name.
    Teams(BTreeMap<ObjectName, Owner>),
    /// Organizations by name.
    Organizations(BTreeMap<ObjectName, Owner>),
}

/// A shard that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ShardError {
    /// The text is not the one that the index names.
    #[error("the {} shard {expected} holds a text with the digest {found}; whoever changed it must restore it, or delete it so that the operator writes it anew", section.as_str())]
    Digest {
        /// What the shard should hold.
        section: Section,
        /// The digest in the index.
        expected: Digest,
        /// The digest of the text.
        found: Digest,
    },
    /// The text is not of this format.
    #[error("the {} shard {digest} cannot be read: {error}", section.as_str())]
    Unreadable {
        /// What the shard should hold.
        section: Section,
        /// The shard.
        digest: Digest,
        /// Where and why.
        error: serde_json::Error,
    },
}

impl Part {
    /// Reads the text of a shard that the index names.
    ///
    /// # Errors
    /// The text has another digest, or is not of this format.
    pub fn read(section: Section, digest: &Digest, text: &str) -> Result<Self, ShardError> {
        let found = Digest::of_bytes(text.as_bytes());
        if found != *digest {
            return Err(ShardError::Digest {
                section,
                expected: digest.clone(),
                found,
            });
        }
        let part = match section {
            Section::Providers => serde_json::from_str(text).map(Self::Providers),
            Section::Rules => serde_json::from_str(text).map(Self::Rules),
            Section::Keys => serde_json::from_str(text).map(Self::Keys),
            Section::Teams => serde_json::from_str(text).map(Self::Teams),
            Section::Organizations => serde_json::from_str(text).map(Self::Organizations),
        };
        part.map_err(|error| ShardError::Unreadable {
            section,
            digest: digest.clone(),
            error,
        })
    }
}

/// Entries of one kind, written out, on their way into shards.
pub(crate) struct Entries {
    section: Section,
    /// Each with the hash of its name and, for maps, the name.
    written: Vec<(u32, String)>,
}

impl Entries {
    /// Entries that become the members of an object.
    pub(crate) fn of_map<'a, T: Serialize + 'a>(
        section: Section,
        entries: impl Iterator<Item = (&'a ObjectName, &'a T)>,
    ) -> Result<Self, serde_json::Error> {
        let written = entries.map(|(name, entry)| {
            let (name_text, entry) = (serde_json::to_string(name)?, serde_json::to_string(entry)?);
            Ok((hash(name), format!("{name_text}:{entry}")))
        });
        let written = written.collect::<Result<_, serde_json::Error>>()?;
        Ok(Self { section, written })
    }

    /// Rules become the items of a list, in the order of their names: where a rule comes in the order of all rules is not said by its place.
    pub(crate) fn of_rules(rules: &[Rule]) -> Result<Self, serde_json::Error> {
        let mut sorted: Vec<&Rule> = rules.iter().collect();
        sorted.sort_by(|a, b| a.name.cmp(&b.name));
        let written = sorted
            .into_iter()
            .map(|rule| Ok((hash(&rule.name), serde_json::to_string(rule)?)));
        Ok(Self {
            section: Section::Rules,
            written: written.collect::<Result<_, serde_json::Error>>()?,
        })
    }

    /// Shards in the order of their buckets, then what did not fit into these; none for no entries. `before`: how many shards there were.
    pub(crate) fn into_shards(self, before: usize) -> Vec<Shard> {
        if self.written.is_empty() {
            return Vec::new();
        }
        let buckets = self.buckets(before);
        let (open, close) = match self.section {
            Section::Rules => ('[', ']'),
            Section::Providers | Section::Keys | Section::Teams | Section::Organizations => {
                ('{', '}')
            }
        };
        let mut texts = vec![String::from(open); buckets];
        let mut full = Vec::new();
        for (hash, entry) in &self.written {
            let text = &mut texts[bucket(*hash, buckets)];
            if text.len() > 1 && text.len() + entry.len() + 2 > MOST_BYTES {
                full.push(std::mem::replace(text, String::from(open)));
            }
            if text.len() > 1 {
                text.push(',');
            }
            text.push_str(entry);
        }
        texts.append(&mut full);
        let shard = |mut text: String| {
            text.push(close);
            Shard {
                section: self.section,
                digest: Digest::of_bytes(text.as_bytes()),
                text,
            }
        };
        texts.into_iter().map(shard).collect()
    }

    fn buckets(&self, before: usize) -> usize {
        let total: usize = self.written.iter().map(|(_, entry)| entry.len()).sum();
        let wanted = total
            .div_ceil(TARGET_BYTES)
            .next_power_of_two()
            .min(MOST_BUCKETS);
        // There are never as many shards beyond those of the buckets as there are buckets.
        let before = before.checked_ilog2().map_or(0, |log| 1 << log);
        // Twice too large is no reason to rewrite everything, nor is half or a quarter of the size.
        let keeps = before <= MOST_BUCKETS && (wanted / 2..=wanted * 4).contains(&before);
        if keeps && before > 0 { before } else { wanted }
    }
}

/// The first four bytes of the SHA-256 of `namespace/name`: the same in every version and on every machine.
fn hash(name: &ObjectName) -> u32 {
    let digest = Sha256::digest(name.to_string());
    u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]])
}

fn bucket(hash: u32, buckets: usize) -> usize {
    usize::try_from(hash).unwrap_or_default() & (buckets - 1)
}
