//! A folder of resources that is written once: nothing that lies there is overwritten, and what is secret only its owner may read.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use fairlead_start::File;

/// The folder cannot be written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WriteError {
    /// Something of the name is there.
    #[error("{0} is there already, and nothing was written; name a folder without it")]
    Taken(PathBuf),
    /// The folder or a file cannot be made.
    #[error("cannot write {0}: {1}")]
    Io(PathBuf, std::io::Error),
}

/// Writes all of the files, or none if one of them is there.
///
/// # Errors
/// See [`WriteError`].
pub(crate) fn write(directory: &Path, files: &[File]) -> Result<(), WriteError> {
    std::fs::create_dir_all(directory)
        .map_err(|error| WriteError::Io(directory.to_owned(), error))?;
    for file in files {
        let path = directory.join(file.name);
        // A link that leads nowhere is there, too.
        if path.symlink_metadata().is_ok() {
            return Err(WriteError::Taken(path));
        }
    }
    for file in files {
        let path = directory.join(file.name);
        create(&path, file).map_err(|error| {
            if error.kind() == ErrorKind::AlreadyExists {
                WriteError::Taken(path.clone())
            } else {
                WriteError::Io(path.clone(), error)
            }
        })?;
    }
    Ok(())
}

fn create(path: &Path, file: &File) -> std::io::Result<()> {
    let mode = if file.private { 0o600 } else { 0o644 };
    let mut written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(path)?;
    written.write_all(file.text.as_bytes())?;
    written.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    fn file(name: &'static str, private: bool) -> File {
        File {
            name,
            text: "text\n".to_owned(),
            private,
        }
    }

    #[test]
    fn what_is_private_only_its_owner_may_read() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("new");
        write(
            &inner,
            &[file("rules.yaml", false), file("secrets.yaml", true)],
        )
        .unwrap();
        let mode = |name| {
            std::fs::metadata(inner.join(name))
                .unwrap()
                .permissions()
                .mode()
        };
        assert_eq!(mode("secrets.yaml") & 0o777, 0o600);
        assert_eq!(
            std::fs::read_to_string(inner.join("rules.yaml")).unwrap(),
            "text\n"
        );
    }

    #[test]
    fn nothing_is_overwritten_and_nothing_is_written_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("nowhere", folder.path().join("secrets.yaml")).unwrap();
        let error = write(
            folder.path(),
            &[file("rules.yaml", false), file("secrets.yaml", true)],
        )
        .unwrap_err();
        assert!(
            error.to_string().contains("secrets.yaml is there already"),
            "{error}"
        );
        assert!(!folder.path().join("rules.yaml").exists());
    }
}
