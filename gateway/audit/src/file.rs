//! The file. Each line is on the disk before anything is said of it; one that was not written to its end, because the machine stopped, is taken
//! off when the file is opened again, and that is said in the next line.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, BufReader, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use crate::chain::{Head, NotAnObject};
use crate::verify::{Fault, verify};

/// A file that lines are put at the end of.
#[derive(Debug)]
pub struct AuditFile {
    file: File,
    path: PathBuf,
    head: Head,
}

/// Why a file is not written to.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It cannot be opened, read or written.
    #[error("the audit file {} cannot be used: {}", .0.display(), .1)]
    File(PathBuf, io::Error),
    /// Another process has it.
    #[error("the audit file {} is written by another process; give each its own", .0.display())]
    Taken(PathBuf),
    /// It does not hold.
    #[error("the audit file {} does not hold, and nothing is added to it: {}; look into it, then put it elsewhere", .0.display(), .1)]
    Broken(PathBuf, Fault),
}

impl AuditFile {
    /// Opens a file, or makes it, readable by its owner alone, and goes to its end.
    ///
    /// # Errors
    /// It cannot be used, another process has it, or what is in it does not hold.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        let unusable = |error| OpenError::File(path.to_owned(), error);
        let mut options = OpenOptions::new();
        options.read(true).append(true).create(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path).map_err(unusable)?;
        file.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => OpenError::Taken(path.to_owned()),
            TryLockError::Error(error) => unusable(error),
        })?;
        let torn = torn(&mut file).map_err(unusable)?;
        let verdict = verify(BufReader::new(&file), None).map_err(unusable)?;
        if let Some(fault) = verdict.fault {
            return Err(OpenError::Broken(path.to_owned(), fault));
        }
        let mut audit = Self {
            file,
            path: path.to_owned(),
            head: verdict.head,
        };
        if torn > 0 {
            let line = format!(r#"{{"audit":"file.torn","bytes":{torn}}}"#);
            audit.append(&line).map_err(unusable)?;
        }
        Ok(audit)
    }

    /// Puts a JSON object at the end and gives its line, which is on the disk by then.
    ///
    /// # Errors
    /// It is no object, or cannot be written; then it is not in the file, and the next one may be.
    pub fn append(&mut self, object: &str) -> io::Result<String> {
        let mut head = self.head;
        let line = head
            .link(object)
            .map_err(|error: NotAnObject| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        let end = self.file.seek(SeekFrom::End(0))?;
        let written = self
            .file
            .write_all(format!("{line}\n").as_bytes())
            .and_then(|()| self.file.sync_data());
        if let Err(error) = written {
            // What is there of it would break the chain.
            self.file.set_len(end)?;
            return Err(error);
        }
        self.head = head;
        Ok(line)
    }

    /// The end of the chain.
    #[must_use]
    pub fn head(&self) -> Head {
        self.head
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Takes off what stands after the last line feed; says how many bytes that were.
fn torn(file: &mut File) -> io::Result<u64> {
    use io::Read as _;

    let end = file.seek(SeekFrom::End(0))?;
    let mut from = end;
    let mut block = [0; 4_096];
    while from > 0 {
        let size = from.min(4_096);
        from -= size;
        file.seek(SeekFrom::Start(from))?;
        let block = &mut block[..usize::try_from(size).unwrap_or_default()];
        file.read_exact(block)?;
        if let Some(at) = block.iter().rposition(|byte| *byte == b'\n') {
            from += u64::try_from(at).unwrap_or_default() + 1;
            break;
        }
    }
    if from < end {
        file.set_len(from)?;
    }
    file.seek(SeekFrom::Start(0))?;
    Ok(end - from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(path: &Path) -> String {
        std::fs::read_to_string(path).unwrap()
    }

    #[test]
    fn a_file_goes_on_where_it_ended() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.jsonl");
        let mut file = AuditFile::open(&path).unwrap();
        file.append(r#"{"audit":"one"}"#).unwrap();
        assert!(matches!(AuditFile::open(&path), Err(OpenError::Taken(_))));
        drop(file);
        let mut file = AuditFile::open(&path).unwrap();
        let line = file.append(r#"{"audit":"two"}"#).unwrap();
        assert!(line.contains("\"seq\":2"), "{line}");
        assert_eq!(read(&path).lines().count(), 2);
        let verdict = verify(read(&path).as_bytes(), Some(file.head().hash)).unwrap();
        assert!(verdict.fault.is_none() && verdict.anchored);
    }

    #[test]
    fn a_line_that_was_not_written_to_its_end_is_taken_off_and_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.jsonl");
        let mut file = AuditFile::open(&path).unwrap();
        for at in 0..60 {
            file.append(&format!(r#"{{"audit":"one","at":{at}}}"#))
                .unwrap();
        }
        drop(file);
        let whole = read(&path);
        for cut in [1, 5, 90] {
            std::fs::write(&path, &whole[..whole.len() - cut]).unwrap();
            let file = AuditFile::open(&path).unwrap();
            assert_eq!(file.head().lines, 60, "one is lost, and one tells");
            assert!(read(&path).contains("\"audit\":\"file.torn\""));
            assert_eq!(verify(read(&path).as_bytes(), None).unwrap().fault, None);
        }
        std::fs::write(&path, &whole[..10]).unwrap();
        assert_eq!(AuditFile::open(&path).unwrap().head().lines, 1);
    }

    #[test]
    fn nothing_is_added_to_a_file_that_does_not_hold() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.jsonl");
        let mut file = AuditFile::open(&path).unwrap();
        for _ in 0..3 {
            file.append(r#"{"audit":"one"}"#).unwrap();
        }
        drop(file);
        std::fs::write(&path, read(&path).replacen("one", "two", 1)).unwrap();
        let Err(OpenError::Broken(_, fault)) = AuditFile::open(&path) else {
            panic!("it is taken");
        };
        assert_eq!(fault.line, 1);
    }
}
