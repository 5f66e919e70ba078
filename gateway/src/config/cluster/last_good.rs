//! The last good copy: one file with everything that is needed to serve without an API server, credentials included.
//!
//! It lives in a folder that the node keeps in memory and ends with the pod, so a restarted container finds it and nobody else does. It
//! only ever helps: a copy that is damaged or cannot be written is told and done without.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fairlead_snapshot::{CredentialId, Digest, Index, IndexError, Section, ShardError};
use fairlead_snapshot::{Credentials, SecretBytes};
use serde::{Deserialize, Serialize};

use super::held::Held;
use crate::config::private_file;

const FILE: &str = "last-good";

/// Where the copy is; nowhere without `--last-good-dir`.
#[derive(Debug, Clone)]
pub(super) struct LastGood(Option<PathBuf>);

/// A configuration that was in force.
#[derive(Debug, Clone)]
pub(super) struct Copy {
    /// The text of the index.
    pub(super) text: Arc<str>,
    /// Every shard that it names.
    pub(super) held: Held,
    /// The values that the configuration names.
    pub(super) credentials: Credentials,
    /// The token of the admin port.
    pub(super) token: Option<SecretBytes>,
}

/// A copy that cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum CopyError {
    /// The file cannot be read or written.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// The file is not as it was written. What it holds is not told, for there are secrets in it.
    #[error("it is damaged")]
    Damaged,
    /// The index in it cannot be used.
    #[error("{0}")]
    Index(#[from] IndexError),
    /// A shard in it cannot be used.
    #[error("{0}")]
    Shard(#[from] ShardError),
}

/// The copy in the file: a line with the digest of the rest, then this as JSON. There are secrets in it: it is never printed.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Written {
    index: String,
    shards: Vec<WrittenShard>,
    /// Base64.
    credentials: BTreeMap<CredentialId, String>,
    /// Base64.
    admin_token: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct WrittenShard {
    section: Section,
    digest: Digest,
    text: Arc<str>,
}

impl LastGood {
    /// The copy in this folder, which is made if need be.
    pub(super) fn below(directory: Option<&Path>) -> Self {
        if let Some(directory) = directory
            && let Err(error) = std::fs::create_dir_all(directory)
        {
            tracing::error!(%error, directory = %directory.display(), "--last-good-dir cannot be made; a restart without an API server will serve nothing");
        }
        Self(directory.map(|directory| directory.join(FILE)))
    }

    /// The copy, if there is a good one.
    pub(super) fn read(&self) -> Option<Copy> {
        let path = self.0.as_ref()?;
        match read(path) {
            Ok(copy) => copy,
            Err(error) => {
                tracing::error!(path = %path.display(), "the last good configuration cannot be used: {error}");
                None
            }
        }
    }

    /// Replaces the copy.
    pub(super) fn write(&self, copy: &Copy) {
        let Some(path) = &self.0 else { return };
        if let Err(error) = write(path, copy) {
            tracing::error!(path = %path.display(), "the last good configuration cannot be kept: {error}");
        }
    }
}

fn read(path: &Path) -> Result<Option<Copy>, CopyError> {
    let content = match std::fs::read(path) {
        Ok(content) => content,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let end = content
        .iter()
        .position(|byte| *byte == b'\n')
        .ok_or(CopyError::Damaged)?;
    let (digest, json) = (&content[..end], &content[end + 1..]);
    if Digest::of_bytes(json).as_str().as_bytes() != digest {
        return Err(CopyError::Damaged);
    }
    let written: Written = serde_json::from_slice(json).map_err(|_| CopyError::Damaged)?;
    let mut held = Held::default();
    for shard in written.shards {
        held.take((shard.section, shard.digest), &shard.text)?;
    }
    let credentials = written
        .credentials
        .into_iter()
        .map(|(id, value)| Ok((id, secret(&value)?)));
    Ok(Some(Copy {
        // What cannot be read is found out now, when it can still be told apart from a bad live one.
        text: Index::read(&written.index).map(|_| written.index.into())?,
        held,
        credentials: credentials.collect::<Result<_, CopyError>>()?,
        token: written.admin_token.as_deref().map(secret).transpose()?,
    }))
}

fn secret(base64: &str) -> Result<SecretBytes, CopyError> {
    STANDARD
        .decode(base64)
        .map(SecretBytes::new)
        .map_err(|_| CopyError::Damaged)
}

fn write(path: &Path, copy: &Copy) -> Result<(), CopyError> {
    let base64 = |value: &SecretBytes| STANDARD.encode(value.expose());
    let shards = copy
        .held
        .texts()
        .map(|((section, digest), text)| WrittenShard {
            section: *section,
            digest: digest.clone(),
            text: Arc::clone(text),
        });
    let credentials = copy.credentials.iter();
    let written = Written {
        index: copy.text.to_string(),
        shards: shards.collect(),
        credentials: credentials
            .map(|(id, value)| (id.clone(), base64(value)))
            .collect(),
        admin_token: copy.token.as_ref().map(base64),
    };
    let json = serde_json::to_string(&written).map_err(|_| CopyError::Damaged)?;
    let content = format!("{}\n{json}", Digest::of_bytes(json.as_bytes()));
    Ok(private_file::write(path, content.as_bytes())?)
}
