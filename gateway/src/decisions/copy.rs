//! The file of the audit as it is copied to a database: read on from where the copy ends, and never past what is on the disk.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fairlead_audit::Head;
use fairlead_record::{Chain, ChainLine};
use jiff::Timestamp;
use parking_lot::Mutex;
use serde::Deserialize;

/// The file.
#[derive(Debug)]
pub(super) struct Copied {
    path: PathBuf,
    /// The end of what is on the disk: what stands behind it may be taken off again.
    head: Arc<Mutex<Head>>,
    /// Where it is read, and after which line; `None`: nowhere yet.
    reading: Option<(BufReader<File>, i64)>,
}

/// What a line says of itself.
#[derive(Deserialize)]
struct Said {
    seq: i64,
    hash: String,
    time: Option<String>,
}

impl Copied {
    /// The file at this path.
    #[must_use]
    pub(super) fn new(path: &Path, head: &Arc<Mutex<Head>>) -> Self {
        Self {
            path: path.to_owned(),
            head: Arc::clone(head),
            reading: None,
        }
    }

    /// The file after this line: on from where it was read, or else anew from its beginning.
    fn reader(&mut self, seq: i64) -> io::Result<&mut (BufReader<File>, i64)> {
        if self.reading.as_ref().is_some_and(|(_, at)| *at > seq) {
            self.reading = None;
        }
        match &mut self.reading {
            Some(reading) => Ok(reading),
            none => Ok(none.insert((BufReader::new(File::open(&self.path)?), 0))),
        }
    }
}

impl Chain for Copied {
    fn after(&mut self, seq: i64, most: usize) -> io::Result<Vec<ChainLine>> {
        let end = i64::try_from(self.head.lock().lines).unwrap_or(i64::MAX);
        let mut lines = Vec::new();
        if end <= seq {
            return Ok(lines);
        }
        let (reader, at) = self.reader(seq)?;
        let mut text = String::new();
        while *at < end && lines.len() < most {
            text.clear();
            if reader.read_line(&mut text)? == 0 {
                break;
            }
            *at += 1;
            if *at > seq {
                lines.push(line(text.trim_end_matches('\n'), *at)?);
            }
        }
        Ok(lines)
    }
}

fn line(text: &str, seq: i64) -> io::Result<ChainLine> {
    let said: Said = serde_json::from_str(text)?;
    if said.seq != seq {
        let words = format!("line {seq} says that it is {}", said.seq);
        return Err(io::Error::new(io::ErrorKind::InvalidData, words));
    }
    let is_moment = |time: &String| time.parse::<Timestamp>().is_ok();
    Ok(ChainLine {
        seq,
        time: said.time.filter(is_moment),
        line: text.to_owned(),
        hash: said.hash,
    })
}

#[cfg(test)]
mod tests {
    use fairlead_audit::AuditFile;

    use super::*;

    #[test]
    fn lines_are_read_on_from_anywhere_and_no_further_than_the_disk_has_them() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.jsonl");
        let mut file = AuditFile::open(&path).unwrap();
        let head = Arc::new(Mutex::new(Head::default()));
        let mut copied = Copied::new(&path, &head);
        file.append(r#"{"time":"2026-11-30T07:00:00.000Z","audit":"one"}"#)
            .unwrap();
        file.append(r#"{"time":"yesterday","audit":"two"}"#)
            .unwrap();
        assert_eq!(copied.after(0, 9).unwrap(), []);
        *head.lock() = file.head();
        let numbers = |lines: &[ChainLine]| lines.iter().map(|line| line.seq).collect::<Vec<_>>();
        let all = copied.after(0, 9).unwrap();
        assert_eq!(numbers(&all), [1, 2]);
        assert!(all[0].time.is_some() && all[1].time.is_none());
        assert_eq!(all[1].hash, file.head().hash.to_string());
        assert_eq!(numbers(&copied.after(0, 1).unwrap()), [1]);
        assert_eq!(numbers(&copied.after(1, 9).unwrap()), [2]);
        file.append(r#"{"audit":"three"}"#).unwrap();
        assert!(copied.after(2, 9).unwrap().is_empty());
        *head.lock() = file.head();
        assert_eq!(numbers(&copied.after(2, 9).unwrap()), [3]);
        assert_eq!(numbers(&copied.after(1, 9).unwrap()), [2, 3]);
    }
}
