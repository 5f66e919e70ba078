//! What outlives a restart of the standalone gateway, in `--state-dir`: generated keys, the last accepted configuration, the admin token.
//! Every file is readable by the owner only.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use fairlead_compile::{RotationState, RotationStep, Secret, Secrets, WantedKey, WantedRotation};
use fairlead_crds::{PREVIOUS_SUFFIX, SECRET_LABEL, SECRET_VIRTUAL_KEY};
use fairlead_process::{NoRandomness, random_value};
use fairlead_snapshot::SecretBytes;
use fairlead_snapshot::{FORMATS, ObjectName, Snapshot};
use serde::{Deserialize, Serialize};

use crate::clock;
use crate::config::private_file;

const KEYS: &str = "generated-keys.json";
const LAST_GOOD: &str = "last-good.json";
const TOKEN: &str = "admin-token";

/// The folder, if there is one, and the keys made so far.
#[derive(Debug, Default)]
pub(crate) struct State {
    directory: Option<PathBuf>,
    keys: BTreeMap<ObjectName, GeneratedKey>,
    passing: OnceLock<PassingToken>,
}

/// A token that stands nowhere.
struct PassingToken(String);

impl std::fmt::Debug for PassingToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PassingToken")
    }
}

/// A key that the gateway made.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct GeneratedKey {
    /// The VirtualKey it was made for.
    virtual_key: ObjectName,
    /// Its place in the Secret.
    data_key: String,
    value: String,
    /// The value before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    previous: Option<String>,
    /// When the key was made, seconds since 1970; older versions did not note it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    created: Option<i64>,
    /// See [`RotationState`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rotated_at: Option<i64>,
    /// See [`RotationState`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    previous_until: Option<i64>,
    /// See [`RotationState`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    served: Option<String>,
}

impl GeneratedKey {
    /// Does what is to be done to the key at `now`, seconds since 1970.
    fn take(&mut self, step: &RotationStep, now: i64) -> Result<(), StateError> {
        let RotationStep::Replace { served, overlap } = step else {
            (self.previous, self.previous_until) = (None, None);
            return Ok(());
        };
        let value = random_value("sk-fairlead-").map_err(StateError::Random)?;
        let before = std::mem::replace(&mut self.value, value);
        let overlap = i64::try_from(overlap.as_secs()).unwrap_or(i64::MAX);
        let kept = (overlap > 0).then(|| (before, now.saturating_add(overlap)));
        (self.previous, self.previous_until) = kept.unzip();
        self.rotated_at = Some(now);
        self.served.clone_from(served);
        Ok(())
    }
}

/// The one member of a snapshot that every version can read.
#[derive(Deserialize)]
struct Format {
    format: u32,
}

impl std::fmt::Debug for GeneratedKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GeneratedKey")
            .field("virtual_key", &self.virtual_key)
            .finish_non_exhaustive()
    }
}

/// The folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StateError {
    /// A file cannot be read or written.
    #[error("cannot use {0}: {1}; --state-dir must be a folder that the gateway can write to")]
    Io(PathBuf, std::io::Error),
    /// A file does not hold what was written there.
    #[error("{0} is damaged at line {1}; restore it, or move it away to start without it")]
    Damaged(PathBuf, usize),
    /// A file has a format that this version does not read.
    #[error(
        "{0} has format {1}, which this version does not read, and may hold the last accepted versions of objects that are not acceptable; start the version that wrote it, mend the objects, or move the file away to start without it"
    )]
    Unknown(PathBuf, u32),
    /// The system gives no random numbers.
    #[error("no random numbers: {0}")]
    Random(NoRandomness),
}

impl State {
    /// Opens the folder, making it if need be.
    ///
    /// # Errors
    /// A folder that cannot be made, or a file in it that is damaged.
    pub(crate) fn open(directory: Option<&Path>) -> Result<Self, StateError> {
        let Some(directory) = directory else {
            return Ok(Self::default());
        };
        std::fs::create_dir_all(directory)
            .map_err(|error| StateError::Io(directory.to_owned(), error))?;
        let keys = read_json(&directory.join(KEYS))?.unwrap_or_default();
        Ok(Self {
            directory: Some(directory.to_owned()),
            keys,
            passing: OnceLock::new(),
        })
    }

    /// The generated keys, as the Secrets that they are to the compiler.
    #[must_use]
    pub(crate) fn secrets(&self) -> Secrets {
        self.keys
            .iter()
            .map(|(name, key)| (name.clone(), secret(key)))
            .collect()
    }

    /// Makes the keys that are wanted; tells each new value to `announce`, once.
    ///
    /// # Errors
    /// They cannot be kept: a key that the next start does not know is no key.
    pub(crate) fn generate(
        &mut self,
        wanted: &[WantedKey],
        mut announce: impl FnMut(&ObjectName, &str),
    ) -> Result<(), StateError> {
        let mut keys = self.keys.clone();
        for WantedKey {
            key,
            secret,
            data_key,
            served,
        } in wanted
        {
            let value = random_value("sk-fairlead-").map_err(StateError::Random)?;
            keys.insert(
                secret.clone(),
                GeneratedKey {
                    virtual_key: key.clone(),
                    data_key: data_key.clone(),
                    value,
                    previous: None,
                    created: Some(clock::unix_seconds()),
                    rotated_at: None,
                    previous_until: None,
                    served: served.clone(),
                },
            );
        }
        self.write_json(KEYS, &keys)?;
        self.keys = keys;
        for made in wanted
            .iter()
            .filter_map(|wanted| self.keys.get(&wanted.secret))
        {
            announce(&made.virtual_key, &made.value);
        }
        Ok(())
    }

    /// Replaces values, and forgets those before whose time is over; tells each new value to `announce`, once.
    ///
    /// # Errors
    /// They cannot be kept; then all stay as they were.
    pub(crate) fn rotate(
        &mut self,
        wanted: &[WantedRotation],
        mut announce: impl FnMut(&ObjectName, &str),
    ) -> Result<(), StateError> {
        let (mut keys, now) = (self.keys.clone(), clock::unix_seconds());
        let mut replaced = Vec::new();
        for wanted in wanted {
            if let Some(key) = keys.get_mut(&wanted.secret) {
                key.take(&wanted.step, now)?;
                if wanted.step != RotationStep::Forget {
                    replaced.push(&wanted.secret);
                }
            }
        }
        self.write_json(KEYS, &keys)?;
        self.keys = keys;
        for made in replaced.iter().filter_map(|name| self.keys.get(*name)) {
            announce(&made.virtual_key, &made.value);
        }
        Ok(())
    }

    /// The file that keeps the generated keys; `None`: what is made now is not known after a restart.
    #[must_use]
    pub(crate) fn keys_file(&self) -> Option<PathBuf> {
        Some(self.directory.as_ref()?.join(KEYS))
    }

    /// The configuration that was in force before the restart.
    ///
    /// # Errors
    /// The file is damaged, or a newer version wrote it.
    pub(crate) fn last_good(&self) -> Result<Option<Snapshot>, StateError> {
        let Some(directory) = &self.directory else {
            return Ok(None);
        };
        let path = directory.join(LAST_GOOD);
        // The format is looked at first: a newer one may have members that this reader must not pass over.
        match read_json::<Format>(&path)? {
            Some(Format { format }) if FORMATS.contains(&format) => read_json(&path),
            Some(Format { format }) => Err(StateError::Unknown(path, format)),
            None => Ok(None),
        }
    }

    /// Keeps the configuration that is in force. There is no secret in it.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(crate) fn keep(&self, snapshot: &Snapshot) -> Result<(), StateError> {
        self.write_json(LAST_GOOD, snapshot)
    }

    /// Without a folder there is a token for as long as the process lives, where somebody sits before it who can be shown it: in a log it would
    /// be there for whoever reads logs.
    fn passing_token(&self) -> Result<Option<String>, StateError> {
        use std::io::IsTerminal as _;

        if !cfg!(feature = "console") || !std::io::stderr().is_terminal() {
            return Ok(None);
        }
        let made = random_value("").map_err(StateError::Random)?;
        let token = self.passing.get_or_init(|| PassingToken(made));
        Ok(Some(token.0.clone()))
    }

    /// The token of the admin port; `None` without a folder and a terminal.
    ///
    /// # Errors
    /// It can be neither read nor made.
    pub(crate) fn admin_token(&self) -> Result<Option<String>, StateError> {
        let Some(directory) = &self.directory else {
            return self.passing_token();
        };
        let path = directory.join(TOKEN);
        match std::fs::read_to_string(&path) {
            Ok(token) if !token.trim().is_empty() => Ok(Some(token.trim().to_owned())),
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(StateError::Io(path, error))
            }
            Ok(_) | Err(_) => {
                let token = random_value("").map_err(StateError::Random)?;
                write(&path, token.as_bytes())?;
                Ok(Some(token))
            }
        }
    }

    fn write_json(&self, name: &str, value: &impl Serialize) -> Result<(), StateError> {
        let Some(directory) = &self.directory else {
            return Ok(());
        };
        let path = directory.join(name);
        let text = serde_json::to_vec(value)
            .map_err(|error| StateError::Damaged(path.clone(), error.line()))?;
        write(&path, &text)
    }
}

fn secret(key: &GeneratedKey) -> Secret {
    let present = (key.data_key.clone(), SecretBytes::new(key.value.clone()));
    let before = key.previous.as_ref().map(|previous| {
        let beside = format!("{}{PREVIOUS_SUFFIX}", key.data_key);
        (beside, SecretBytes::new(previous.clone()))
    });
    Secret {
        labels: BTreeMap::from([(SECRET_LABEL.to_owned(), SECRET_VIRTUAL_KEY.to_owned())]),
        any_use: false,
        data: Arc::new([present].into_iter().chain(before).collect()),
        withheld: false,
        generated_for: Some(key.virtual_key.clone()),
        rotation: RotationState {
            created: key.created,
            rotated_at: key.rotated_at,
            previous_until: key.previous_until,
            served: key.served.clone(),
        },
    }
}

fn read_json<T: for<'de> Deserialize<'de>>(path: &Path) -> Result<Option<T>, StateError> {
    match std::fs::read(path) {
        Ok(text) => serde_json::from_slice(&text)
            .map(Some)
            .map_err(|error| StateError::Damaged(path.to_owned(), error.line())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(StateError::Io(path.to_owned(), error)),
    }
}

fn write(path: &Path, content: &[u8]) -> Result<(), StateError> {
    private_file::write(path, content).map_err(|error| StateError::Io(path.to_owned(), error))
}

#[cfg(test)]
mod tests;
