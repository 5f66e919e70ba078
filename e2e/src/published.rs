//! What an operator has published, and the wait until it is as it should be.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Result, bail};
use serde_json::Value;
use tokio::time::{Instant, sleep};

use crate::{Client, NAMESPACE, PATIENCE};

/// The index, and the text of every shard by its name.
#[derive(Debug, Clone, PartialEq)]
pub struct Published {
    /// The index.
    pub index: Value,
    /// Every shard there is, live or not.
    pub shards: BTreeMap<String, Value>,
}

impl Published {
    /// What the installation `default` has published in [`NAMESPACE`], all at one moment; `None`: nothing yet.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn read(client: &Client) -> Result<Option<Self>> {
        let list = client.list("v1", "configmaps", NAMESPACE).await?;
        let mut found = Self {
            index: Value::Null,
            shards: BTreeMap::new(),
        };
        for map in list {
            let name = map["metadata"]["name"].as_str().unwrap_or_default();
            if let Some(text) = map["data"]["index.json"].as_str() {
                found.index = serde_json::from_str(text)?;
            } else if let Some(text) = map["data"]["shard.json"].as_str() {
                found
                    .shards
                    .insert(name.to_owned(), serde_json::from_str(text)?);
            }
        }
        Ok((!found.index.is_null()).then_some(found))
    }

    /// Waits until what is published is `good`; `what` says in words what that is.
    ///
    /// # Errors
    /// When it is not within [`PATIENCE`].
    pub async fn until(client: &Client, what: &str, good: impl Fn(&Self) -> bool) -> Result<Self> {
        let began = Instant::now();
        loop {
            match Self::read(client).await? {
                Some(now) if good(&now) => return Ok(now),
                now if began.elapsed() > PATIENCE => {
                    bail!("{what}: not within {PATIENCE:?}; published: {now:?}")
                }
                _ => sleep(Duration::from_millis(50)).await,
            }
        }
    }

    /// Counted up with every index.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.index["generation"].as_u64().unwrap_or_default()
    }

    /// The live entry of an object: `section` is `providers`, `rules` or `keys`, `name` is `namespace/name`.
    #[must_use]
    pub fn entry(&self, section: &str, name: &str) -> Option<&Value> {
        self.live(section)
            .find_map(|(found, entry)| (found == name).then_some(entry))
    }

    /// All live entries, by section and name.
    #[must_use]
    pub fn entries(&self) -> BTreeMap<(String, String), Value> {
        let of = |section: &'static str| {
            self.live(section)
                .map(move |(name, entry)| ((section.to_owned(), name.to_owned()), entry.clone()))
        };
        ["providers", "rules", "keys"]
            .into_iter()
            .flat_map(of)
            .collect()
    }

    fn live<'p>(&'p self, section: &str) -> impl Iterator<Item = (&'p str, &'p Value)> + use<'p> {
        let digests = self.index["shards"][section].as_array();
        let prefix = format!("fairlead-default-{section}-");
        let shards = digests
            .into_iter()
            .flatten()
            .filter_map(move |digest| self.shards.get(&format!("{prefix}{}", digest.as_str()?)));
        shards.flat_map(|shard| {
            // Rules stand in the order of their precedence, the others under their names.
            let rules = shard.as_array().into_iter().flatten();
            let named = shard.as_object().into_iter().flatten();
            rules
                .filter_map(|rule| Some((rule["name"].as_str()?, rule)))
                .chain(named.map(|(name, entry)| (name.as_str(), entry)))
        })
    }
}
