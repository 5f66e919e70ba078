//! Standalone: a folder of YAML to inputs of the compiler. Each file's last good objects are kept, so that a file that stops parsing harms
//! only the edits made in it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fairlead_compile::{
    Document, Inputs, ParseError, Secret, Secrets, Settings, Verdict, documents,
};
use fairlead_snapshot::{ObjectName, SecretBytes};

use notify::RecursiveMode;

use crate::args;

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
    good: BTreeMap<PathBuf, Vec<Document>>,
}

/// Where the documents are.
#[derive(Debug)]
enum Source {
    /// In files.
    Directory(PathBuf),
    /// In hand: they were made, and nobody changes them.
    Held(Vec<Document>),
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
        }
    }

    /// Documents that lie in no folder.
    #[must_use]
    pub(crate) fn held(documents: Vec<Document>, settings: &args::Settings) -> Self {
        Self {
            source: Source::Held(documents),
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
        let files = self.files()?;
        self.good.retain(|path, _| files.contains(path));
        for path in files {
            match read_file(&path) {
                Ok(documents) => drop(self.good.insert(path, documents)),
                Err(error) => errors.push(error),
            }
        }
        let held = match &self.source {
            Source::Directory(_) => &[][..],
            Source::Held(documents) => documents,
        };
        let documents = self.good.values().flatten().chain(held).cloned().collect();
        let (mut inputs, verdicts) = Inputs::from_documents(self.settings.clone(), documents);
        if let Some(directory) = &self.secrets {
            inputs.secrets.extend(secrets_below(directory)?);
        }
        Ok(Reading {
            inputs,
            verdicts,
            errors,
        })
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

fn read_file(path: &Path) -> Result<Vec<Document>, FolderError> {
    let text =
        std::fs::read_to_string(path).map_err(|error| FolderError::Io(path.to_owned(), error))?;
    Ok(documents(&path.display().to_string(), &text)?)
}

/// `NAMESPACE/NAME/KEY` files, as they are made by mounting Secrets. Their labels are implied by the place they stand in.
fn secrets_below(directory: &Path) -> Result<Secrets, FolderError> {
    let mut secrets = Secrets::new();
    for namespace in folders(directory)? {
        for name in folders(&namespace)? {
            let mut secret = Secret {
                any_use: true,
                ..Secret::default()
            };
            for file in list(&name)?
                .into_iter()
                .filter(|path| !is_hidden(path) && path.is_file())
            {
                let failed = |error| FolderError::Io(file.clone(), error);
                if std::fs::metadata(&file).map_err(failed)?.len() <= MAX_SECRET {
                    Arc::make_mut(&mut secret.data).insert(
                        last(&file),
                        SecretBytes::new(std::fs::read(&file).map_err(failed)?),
                    );
                }
            }
            secrets.insert(ObjectName::new(last(&namespace), last(&name)), secret);
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
