//! From the text of an index to a whole configuration: its shards, and the values of the credentials that it names.
//!
//! Whatever is missing, damaged or of a newer format is an error, and what is in force stays. What has been fetched meanwhile is kept, so
//! that the next attempt is shorter.

use std::sync::Arc;

use fairlead_snapshot::{CREDENTIAL_PARTS, Credentials};
use fairlead_snapshot::{Index, IndexError, ShardError, Snapshot, names};
use futures_util::{StreamExt as _, stream};
use k8s_openapi::api::core::v1::ConfigMap;

use super::api::{self, Api, ApiError};
use super::held::{Held, ShardId};
use super::known::{Known, Unknown};
use crate::runtime::apart;

/// How many shards are asked for at a time.
const AT_A_TIME: usize = 16;
/// How often an attempt takes up a newer index because a shard of the older one has gone.
const READINGS: usize = 3;

/// The index as it is published.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Published {
    /// Its text.
    pub(super) text: Arc<str>,
    /// Which object it is: one that was deleted and made anew may count from 1 again.
    pub(super) uid: String,
}

/// A whole configuration.
#[derive(Debug)]
pub(super) struct Whole {
    /// Where it comes from.
    pub(super) published: Published,
    /// What the text says.
    pub(super) index: Index,
    /// All shards together.
    pub(super) snapshot: Snapshot,
    /// The values that it names, and no others.
    pub(super) credentials: Credentials,
}

/// What is in force, as far as it matters for what comes next.
#[derive(Debug, Clone, Default)]
pub(super) struct InForce {
    /// Where it comes from.
    pub(super) published: Published,
    /// Its generation.
    pub(super) generation: u64,
    /// The values that it names.
    pub(super) credentials: Credentials,
}

/// Why a configuration cannot be put into force.
#[derive(Debug, thiserror::Error)]
pub(super) enum LoadError {
    /// The index cannot be used, or a shard is missing.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// A shard is not what the index names.
    #[error(transparent)]
    Shard(#[from] ShardError),
    /// The API server does not say.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// A credential's value has not been published.
    #[error(transparent)]
    Unknown(#[from] Unknown),
    /// An older index came back.
    #[error(
        "the index has generation {found} after {before}; an older one is not taken up, the operator will write the next"
    )]
    Older {
        /// What it has.
        found: u64,
        /// What is in force.
        before: u64,
    },
    /// A defect of the gateway.
    #[error("building the configuration failed; this is a defect of the gateway: {0}")]
    Failed(#[from] tokio::task::JoinError),
}

impl Published {
    /// What a ConfigMap publishes; without the key that is the empty text, which is no index.
    pub(super) fn of(map: ConfigMap) -> Self {
        let uid = map.metadata.uid.clone().unwrap_or_default();
        Self {
            text: api::text(map, names::INDEX_KEY).unwrap_or_default().into(),
            uid,
        }
    }
}

/// Fetches whatever is not here yet and puts it together.
pub(super) async fn load(
    api: &Api,
    held: &mut Held,
    known: &Known,
    before: Option<&InForce>,
    mut published: Published,
) -> Result<Whole, LoadError> {
    let mut readings = 1;
    let index = loop {
        let index = read(&published, before)?;
        match fetch(api, held, &index).await {
            Ok(()) => break index,
            // The operator deletes shards that no index names any more.
            Err(LoadError::Index(missing @ IndexError::Missing { .. })) => {
                let again = api.index().await?.map(Published::of).unwrap_or_default();
                if readings == READINGS || again.text.is_empty() || again == published {
                    return Err(missing.into());
                }
                readings += 1;
                published = again;
            }
            Err(error) => return Err(error),
        }
    };
    let snapshot = join(index.clone(), held.clone()).await?;
    let none = Credentials::default();
    let before = before.map_or(&none, |before| &before.credentials);
    let credentials = choose(api, known, &snapshot, before).await?;
    Ok(Whole {
        published,
        index,
        snapshot,
        credentials,
    })
}

/// The values that a configuration names. The Secrets are written before the index, the watch of the first of them may be behind, and the others are
/// not watched: each is asked for until nothing is missing.
async fn choose(
    api: &Api,
    known: &Known,
    snapshot: &Snapshot,
    before: &Credentials,
) -> Result<Credentials, LoadError> {
    let mut chosen = known.choose(snapshot, before);
    let mut all = Known::default();
    for part in 0..CREDENTIAL_PARTS {
        if chosen.is_ok() {
            break;
        }
        if let Some(more) = api.credentials(part).await? {
            all.add(more);
            chosen = all.choose(snapshot, before);
        }
    }
    Ok(chosen?)
}

fn read(published: &Published, before: Option<&InForce>) -> Result<Index, LoadError> {
    let index = Index::read(&published.text)?;
    match before {
        // A watch can be behind what was read apart from it.
        Some(before)
            if before.published.uid == published.uid && before.generation > index.generation =>
        {
            Err(LoadError::Older {
                found: index.generation,
                before: before.generation,
            })
        }
        Some(_) | None => Ok(index),
    }
}

/// Fetches the shards that are not here; those that came before something failed are kept.
async fn fetch(api: &Api, held: &mut Held, index: &Index) -> Result<(), LoadError> {
    let missing = held.missing(index);
    if missing.is_empty() {
        return Ok(());
    }
    let one = async |(section, digest): ShardId| match api.shard(section, &digest).await? {
        Some(text) => Ok(((section, digest), text)),
        None => Err(LoadError::from(IndexError::Missing { section, digest })),
    };
    let mut answers = stream::iter(missing).map(one).buffer_unordered(AT_A_TIME);
    let (mut texts, mut failed) = (Vec::new(), None);
    while let Some(answer) = answers.next().await {
        match answer {
            Ok(text) => texts.push(text),
            Err(error) => {
                failed = Some(error);
                break;
            }
        }
    }
    drop(answers);
    let mut more = held.clone();
    let (more, refused) = blocking(move || {
        let mut refused = None;
        for (id, text) in texts {
            if let Err(error) = more.take(id, &text) {
                refused = Some(error);
            }
        }
        (more, refused)
    })
    .await?;
    *held = more;
    match (failed, refused) {
        (Some(error), _) => Err(error),
        (None, Some(error)) => Err(error.into()),
        (None, None) => Ok(()),
    }
}

/// The snapshot of an index whose shards are all here.
pub(super) async fn join(index: Index, held: Held) -> Result<Snapshot, LoadError> {
    Ok(blocking(move || index.join(held.parts())).await??)
}

/// Runs what takes long beside the control thread, which has signals and probes to see to.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, LoadError> {
    Ok(tokio::task::spawn_blocking(|| apart(work)).await?)
}
