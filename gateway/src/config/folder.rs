//! Standalone: a folder of YAML to inputs of the compiler. Each file's last good objects are kept, so that a file that stops parsing harms
//! only the edits made in it.

mod parallel;
mod same;
mod stamps;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fairlead_compile::{
    Document, Inputs, ParseError, Secret, Secrets, Settings, Verdict, documents,
};
use fairlead_snapshot::{ObjectName, SecretBytes};

use notify::RecursiveMode;

#[cfg(feature = "console")]
use crate::runtime::enforced::Read;
use crate::{args, clock};
use stamps::Stamps;

/// The endings of files that are read, as `kubectl apply -f DIR` has them.
const ENDINGS: [&str; 3] = ["yaml", "yml", "json"];
/// A Secret is at most this large (the limit of Kubernetes); a larger file is a mistake.
const MAX_SECRET: u64 = 1024 * 1024;

/// The folders that make the configuration.
#[derive(Debug)]
pub(crate) struct Folder {
    source: Source,
    secrets: Option<PathBuf>,
    settings: Settings,
    /// What each file said when it could be read last: as text, for documents take ten times its room.
    good: BTreeMap<PathBuf, Arc<str>>,
    /// How everything stood before it was read; `None`: not all of it could be.
    read: Option<Stamps>,
}

/// Where the documents are.
#[derive(Debug)]
enum Source {
    /// In files.
    Directory(PathBuf),
    /// In hand: they were made, and nobody changes them.
    Held(Arc<[Document]>),
}

/// Something of the folders cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FolderError {
    /// A file is not YAML or JSON.
    #[error("{0}")]
    Parse(#[from] ParseError),
    /// A folder or file cannot be read.
    #[error("cannot read {0}: {1}")]
    Io(PathBuf, std::io::Error),
}

/// What the folders hold.
#[derive(Debug)]
pub(crate) struct Reading {
    /// What to compile.
    pub inputs: Inputs,
    /// About documents that are no custom resources.
    pub verdicts: Vec<Verdict>,
    /// What could not be read; the last good content of each such file is among the inputs.
    pub errors: Vec<FolderError>,
}

impl Folder {
    /// The folders that the command line names.
    #[must_use]
    pub(crate) fn new(directory: &Path, settings: &args::Settings) -> Self {
        let mut compile = Settings::new(&settings.gateway_namespace);
        compile.gateway_name.clone_from(&settings.gateway_name);
        Self {
            source: Source::Directory(directory.to_owned()),
            secrets: settings.secrets_dir.clone(),
            settings: compile,
            good: BTreeMap::new(),
            read: None,
        }
    }

    /// Documents that lie in no folder.
    #[must_use]
    pub(crate) fn held(documents: Vec<Document>, settings: &args::Settings) -> Self {
        Self {
            source: Source::Held(documents.into()),
            ..Self::new(Path::new(""), settings)
        }
    }

    /// The folders whose changes matter, and whether what lies below them does.
    pub(crate) fn watched(&self) -> impl Iterator<Item = (&Path, RecursiveMode)> {
        let secrets = self
            .secrets
            .as_deref()
            .map(|folder| (folder, RecursiveMode::Recursive));
        let directory = match &self.source {
            Source::Directory(directory) => {
                Some((directory.as_path(), RecursiveMode::NonRecursive))
            }
            Source::Held(_) => None,
        };
        [directory, secrets].into_iter().flatten()
    }

    /// Reads everything anew.
    ///
    /// # Errors
    /// The folder itself cannot be listed; nothing has changed then, for a read error is not a deletion.
    pub(crate) fn read(&mut self) -> Result<Reading, FolderError> {
        let mut errors = Vec::new();
        // Before anything is read: what is written meanwhile is another state.
        self.read = None;
        let before = self.stamps();
        let files = self.files()?;
        let mut good = std::mem::take(&mut self.good);
        let mut inputs = Inputs::new(self.settings.clone());
        let mut verdicts = Vec::new();
        // File by file: as documents they take ten times the room.
        let mut add = |documents: Vec<Document>| {
            let told = documents.into_iter();
            verdicts.extend(told.filter_map(|document| inputs.add(document)));
        };
        if let Source::Held(documents) = &self.source {
            add(documents.to_vec());
        }
        // Later a core may have requests to serve.
        let at_once = if good.is_empty() {
            parallel::cores()
        } else {
            1
        };
        parallel::each(&files, at_once, |path, found| {
            let text = match found {
                Ok((documents, text)) => {
                    add(documents);
                    text
                }
                Err(error) => {
                    errors.push(error);
                    let Some(good) = good.remove(path) else {
                        return;
                    };
                    add(again(path, &good));
                    good
                }
            };
            self.good.insert(path.to_owned(), text);
        });
        if let Some(directory) = &self.secrets {
            inputs.secrets.extend(secrets_below(directory)?);
        }
        self.read = before.filter(|_| errors.is_empty());
        Ok(Reading {
            inputs,
            verdicts,
            errors,
        })
    }

    /// What was read last, to be read again for whoever asks: nothing of it is kept but its text.
    #[cfg(feature = "console")]
    pub(crate) fn kept(&self) -> Kept {
        let good = self.good.iter();
        Kept {
            settings: self.settings.clone(),
            held: match &self.source {
                Source::Directory(_) => Arc::default(),
                Source::Held(documents) => Arc::clone(documents),
            },
            texts: good
                .map(|(path, text)| (path.clone(), Arc::clone(text)))
                .collect(),
            secrets: self.secrets.clone(),
        }
    }

    /// Forgets how everything stood: it is to be read again, changed or not.
    pub(crate) fn forget(&mut self) {
        self.read = None;
    }

    /// How everything stands; `None`: something of it cannot be looked at.
    fn stamps(&self) -> Option<Stamps> {
        let mut files = self.files().ok()?;
        if let Some(directory) = &self.secrets {
            for (namespace, name, keys) in secrets_in(directory).ok()? {
                files.push(directory.join(namespace).join(name));
                files.extend(keys);
            }
        }
        Stamps::take(files, clock::now()).ok()
    }

    fn files(&self) -> Result<Vec<PathBuf>, FolderError> {
        let Source::Directory(directory) = &self.source else {
            return Ok(Vec::new());
        };
        let listed = list(directory)?;
        let read = |path: &PathBuf| {
            let ending = path
                .extension()
                .and_then(|ending| ending.to_str())
                .unwrap_or_default();
            !is_hidden(path) && ENDINGS.contains(&ending) && !path.is_dir()
        };
        Ok(listed.into_iter().filter(read).collect())
    }
}

/// What folders held when they were read.
#[cfg(feature = "console")]
#[derive(Debug)]
pub(crate) struct Kept {
    settings: Settings,
    held: Arc<[Document]>,
    texts: Vec<(PathBuf, Arc<str>)>,
    secrets: Option<PathBuf>,
}

#[cfg(feature = "console")]
impl Kept {
    /// With keys that were generated, for those who look.
    pub(crate) fn with(self, generated: Secrets) -> Read {
        Read::by(move || {
            let mut inputs = self.again()?;
            inputs.secrets.extend(generated.clone());
            inputs.now = clock::unix_seconds();
            Ok(inputs)
        })
    }

    /// The same inputs again; Secrets in folders of their own are read anew.
    ///
    /// # Errors
    /// The folder of Secrets cannot be read.
    fn again(&self) -> Result<Inputs, FolderError> {
        let mut inputs = Inputs::new(self.settings.clone());
        let texts = self.texts.iter();
        let read = texts.flat_map(|(path, text)| again(path, text));
        for document in self.held.iter().cloned().chain(read) {
            inputs.add(document);
        }
        if let Some(directory) = &self.secrets {
            inputs.secrets.extend(secrets_below(directory)?);
        }
        Ok(inputs)
    }
}

/// The documents of a file, and its text.
fn read_file(path: &Path) -> Result<(Vec<Document>, Arc<str>), FolderError> {
    let text =
        std::fs::read_to_string(path).map_err(|error| FolderError::Io(path.to_owned(), error))?;
    let found = documents(&path.display().to_string(), &text)?;
    Ok((found, text.into()))
}

/// The documents of a text that could be read before.
fn again(path: &Path, text: &str) -> Vec<Document> {
    documents(&path.display().to_string(), text).unwrap_or_default()
}

/// `NAMESPACE/NAME/KEY` files, as they are made by mounting Secrets. Their labels are implied by the place they stand in.
fn secrets_below(directory: &Path) -> Result<Secrets, FolderError> {
    let mut secrets = Secrets::new();
    for (namespace, name, keys) in secrets_in(directory)? {
        let mut secret = Secret {
            any_use: true,
            ..Secret::default()
        };
        for file in keys {
            let failed = |error| FolderError::Io(file.clone(), error);
            if std::fs::metadata(&file).map_err(failed)?.len() <= MAX_SECRET {
                Arc::make_mut(&mut secret.data).insert(
                    last(&file),
                    SecretBytes::new(std::fs::read(&file).map_err(failed)?),
                );
            }
        }
        secrets.insert(ObjectName::new(namespace, name), secret);
    }
    Ok(secrets)
}

/// Namespace and name of each Secret below a folder, and the files of its keys.
fn secrets_in(directory: &Path) -> Result<Vec<(String, String, Vec<PathBuf>)>, FolderError> {
    let mut secrets = Vec::new();
    for namespace in folders(directory)? {
        for name in folders(&namespace)? {
            let keys = list(&name)?;
            let is_key = |path: &PathBuf| !is_hidden(path) && path.is_file();
            let keys = keys.into_iter().filter(is_key).collect();
            secrets.push((last(&namespace), last(&name), keys));
        }
    }
    Ok(secrets)
}

fn folders(directory: &Path) -> Result<Vec<PathBuf>, FolderError> {
    Ok(list(directory)?
        .into_iter()
        .filter(|path| !is_hidden(path) && path.is_dir())
        .collect())
}

/// In the order of names, so that the same folder always reads the same.
fn list(directory: &Path) -> Result<Vec<PathBuf>, FolderError> {
    let failed = |error| FolderError::Io(directory.to_owned(), error);
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(directory).map_err(failed)? {
        paths.push(entry.map_err(failed)?.path());
    }
    paths.sort();
    Ok(paths)
}

/// Mounted ConfigMaps and Secrets keep their versions in hidden folders, and editors their drafts in hidden files.
fn is_hidden(path: &Path) -> bool {
    last(path).starts_with('.')
}

fn last(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::time::Duration;

    use tokio::time::Instant;

    use super::*;

    /// Reads until all that was written lies far enough back to be known again.
    fn settled(folder: &mut Folder) {
        let end = Instant::now() + Duration::from_secs(30);
        while !folder.is_unchanged() {
            assert!(Instant::now() < end, "it never settles");
            folder.read().unwrap();
            std::thread::yield_now();
        }
    }

    #[test]
    fn what_nobody_touches_is_not_read_again_and_whatever_somebody_does_is() {
        let home = tempfile::tempdir().unwrap();
        let (config, secrets) = (home.path().join("config"), home.path().join("secrets"));
        fs::create_dir_all(&config).unwrap();
        fs::create_dir_all(secrets.join("default/name")).unwrap();
        fs::write(config.join("a.yaml"), "").unwrap();
        fs::write(secrets.join("default/name/key"), "1").unwrap();
        let settings = args::Settings {
            secrets_dir: Some(secrets.clone()),
            state_dir: None,
            gateway_namespace: "default".to_owned(),
            gateway_name: "default".to_owned(),
        };
        let mut folder = Folder::new(&config, &settings);
        assert!(!folder.is_unchanged(), "it was never read");
        settled(&mut folder);
        fs::write(secrets.join("default/name/key"), "2").unwrap();
        assert!(!folder.is_unchanged(), "a key has another value");
        settled(&mut folder);
        fs::write(config.join("a.yaml"), "a: [").unwrap();
        assert!(!folder.is_unchanged());
        assert_eq!(folder.read().unwrap().errors.len(), 1);
        assert!(!folder.is_unchanged(), "what cannot be read is tried again");
        fs::write(config.join("a.yaml"), "").unwrap();
        settled(&mut folder);
        folder.forget();
        assert!(!folder.is_unchanged(), "it is to be read again");
    }
}
