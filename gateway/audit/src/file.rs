//! The file. Each line is on the disk before anything is said of it; one that was not written to its end, because the machine stopped, is taken
//! off when the file is opened again, and that is said in the next line.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use crate::chain::{Head, NotAnObject};
use crate::verify::{Fault, Wrong, verify};

/// More than this is no line of ours that was not written to its end.
const LONGEST: usize = 1024 * 1024;

/// A file that lines are put at the end of.
#[derive(Debug)]
pub struct AuditFile {
    file: File,
    path: PathBuf,
    head: Head,
    /// Where the last line ends that was written as a whole.
    end: u64,
    /// Whether there may be more behind that.
    unclean: bool,
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
        let (end, tail) = whole(&mut file).map_err(unusable)?;
        let lines = BufReader::new((&file).take(end));
        let verdict = verify(lines, None).map_err(unusable)?;
        let fault = verdict.fault.or_else(|| foreign(&tail, verdict.head));
        if let Some(fault) = fault {
            return Err(OpenError::Broken(path.to_owned(), fault));
        }
        let mut audit = Self {
            file,
            path: path.to_owned(),
            head: verdict.head,
            end,
            unclean: !tail.is_empty(),
        };
        if !tail.is_empty() {
            let line = format!(r#"{{"audit":"file.torn","bytes":{}}}"#, tail.len());
            audit.append(&line).map_err(unusable)?;
        }
        Ok(audit)
    }

    /// Puts a JSON object at the end and gives its line, which is on the disk by then.
    ///
    /// # Errors
    /// It is no object, or cannot be written; then it is not in the file, and the next one may be.
    pub fn append(&mut self, object: &str) -> io::Result<String> {
        let mut lines = self.append_all(&[object])?;
        let line = lines.pop().unwrap_or(Err(NotAnObject));
        line.map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))
    }

    /// Puts JSON objects at the end, all of them or none, but for texts that are no object: those are passed over. Gives their lines, which are on
    /// the disk by then.
    ///
    /// # Errors
    /// They cannot be written; then they are not in the file, and the next ones may be.
    pub fn append_all(
        &mut self,
        objects: &[impl AsRef<str>],
    ) -> io::Result<Vec<Result<String, NotAnObject>>> {
        let mut head = self.head;
        let objects = objects.iter().map(AsRef::as_ref);
        let lines: Vec<_> = objects.map(|object| head.link(object)).collect();
        let mut text = String::new();
        for line in lines.iter().flatten() {
            text.push_str(line);
            text.push('\n');
        }
        self.clean()?;
        // What is there of it by then would break the chain.
        self.unclean = true;
        let written = self.file.write_all(text.as_bytes());
        if let Err(error) = written.and_then(|()| self.file.sync_data()) {
            // Where this fails too, it is tried again before the next.
            let _ = self.clean();
            return Err(error);
        }
        self.unclean = false;
        self.end += u64::try_from(text.len()).unwrap_or_default();
        self.head = head;
        Ok(lines)
    }

    /// Takes off what stands behind the last whole line.
    fn clean(&mut self) -> io::Result<()> {
        if self.unclean {
            self.file.set_len(self.end)?;
            self.unclean = false;
        }
        Ok(())
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

/// Where the last line feed of a file ends, and what stands behind it. The file is at its beginning afterwards.
fn whole(file: &mut File) -> io::Result<(u64, Vec<u8>)> {
    let end = file.seek(SeekFrom::End(0))?;
    let (mut from, mut tail) = (end, Vec::new());
    while from > 0 {
        let size = from.min(4_096);
        from -= size;
        file.seek(SeekFrom::Start(from))?;
        let mut block = vec![0; usize::try_from(size).unwrap_or_default()];
        file.read_exact(&mut block)?;
        let feed = block.iter().rposition(|byte| *byte == b'\n');
        let behind = feed.map_or(0, |at| at + 1);
        tail.splice(..0, block.drain(behind..));
        if feed.is_some() {
            from += u64::try_from(behind).unwrap_or_default();
            break;
        }
        if tail.len() > LONGEST {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "there is no line feed in its last MiB, so that it is no audit",
            ));
        }
    }
    file.seek(SeekFrom::Start(0))?;
    Ok((from, tail))
}

/// What is wrong with what stands behind the last line feed, where it is none of our lines that was not written to its end: somebody else's is
/// not to be taken off. A machine that stops may leave zeros where the rest was to be.
fn foreign(tail: &[u8], mut head: Head) -> Option<Fault> {
    let zeros = tail.iter().rev().take_while(|byte| **byte == 0).count();
    let written = &tail[..tail.len() - zeros];
    let line = head.lines + 1;
    let begun = match serde_json::from_slice::<serde::de::IgnoredAny>(written) {
        Ok(_) => std::str::from_utf8(written).is_ok_and(|line| head.holds(line)),
        Err(error) => error.is_eof() && (written.is_empty() || written.starts_with(b"{")),
    };
    let wrong = Wrong::Form;
    (!begun).then_some(Fault { line, wrong })
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
    fn zeros_where_the_rest_of_a_line_was_to_be_are_taken_off_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.jsonl");
        let mut file = AuditFile::open(&path).unwrap();
        file.append(r#"{"audit":"one"}"#).unwrap();
        drop(file);
        let whole = read(&path);
        for tail in ["\0\0\0", "{\"audit\":\"tw\0\0", &"\0".repeat(9_000)] {
            std::fs::write(&path, format!("{whole}{tail}")).unwrap();
            assert_eq!(AuditFile::open(&path).unwrap().head().lines, 2);
        }
    }

    #[test]
    fn what_somebody_else_has_written_is_not_taken_off() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notes");
        let long = "x".repeat(10_000);
        for foreign in [
            "a note without a line feed",
            r#"{"note":1}"#,
            "[1, 2",
            &long,
        ] {
            std::fs::write(&path, foreign).unwrap();
            let Err(OpenError::Broken(_, fault)) = AuditFile::open(&path) else {
                panic!("it is taken: {foreign}");
            };
            assert_eq!((fault.line, fault.wrong), (1, Wrong::Form));
            assert_eq!(read(&path), foreign);
        }
    }

    /// A disk that is full, and then another that is not: what the first has of a line is taken off before the next.
    #[test]
    fn a_line_that_could_neither_be_written_nor_taken_off_breaks_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.jsonl");
        let mut audit = AuditFile::open(&path).unwrap();
        audit.append(r#"{"audit":"one"}"#).unwrap();
        let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let good = std::mem::replace(&mut audit.file, full);
        audit.append(r#"{"audit":"two"}"#).unwrap_err();
        (&good).write_all(br#"{"audit":"tw"#).unwrap();
        audit.file = good;
        let line = audit.append(r#"{"audit":"three"}"#).unwrap();
        assert!(line.contains("\"seq\":2"), "{line}");
        let verdict = verify(read(&path).as_bytes(), None).unwrap();
        assert_eq!((verdict.fault, verdict.head.lines), (None, 2));
    }

    #[test]
    fn lines_are_put_there_together_and_what_is_none_is_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.jsonl");
        let mut audit = AuditFile::open(&path).unwrap();
        let lines = audit.append_all(&[r#"{"a":1}"#, "none", r#"{"a":2}"#]);
        let lines = lines.unwrap();
        assert!(lines[0].is_ok() && lines[1] == Err(NotAnObject) && lines[2].is_ok());
        let verdict = verify(read(&path).as_bytes(), Some(audit.head().hash)).unwrap();
        assert_eq!((verdict.fault, verdict.head.lines), (None, 2));
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
