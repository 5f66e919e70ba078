//! The files: `content-2026-11-30T07.db`, one for each hour of UTC.

use std::fs;
use std::io;
use std::path::PathBuf;

use jiff::Timestamp;

/// Microseconds of an hour.
pub(super) const HOUR_US: i64 = 3_600_000_000;
/// How they are called, as strftime has it.
const NAME: &str = "content-%Y-%m-%dT%H.db";
/// What stands beside a file: what is not yet in it, and who has it open.
const BESIDE: [&str; 3] = ["", "-wal", "-shm"];

/// Why files cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub(super) enum FileError {
    /// The folder.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A file in it.
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
}

/// The folder.
#[derive(Debug, Clone)]
pub(super) struct Files(PathBuf);

impl Files {
    pub(super) fn of(dir: PathBuf) -> Self {
        Self(dir)
    }

    /// Makes the folder, for nobody but its owner.
    ///
    /// # Errors
    /// It cannot be made.
    pub(super) fn prepare(&self) -> io::Result<()> {
        use std::os::unix::fs::DirBuilderExt as _;

        if self.0.is_dir() {
            return Ok(());
        }
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.0)
    }

    /// The file of an hour since 1970.
    pub(super) fn path(&self, hour: i64) -> PathBuf {
        let begins = Timestamp::from_second(hour.saturating_mul(3_600)).unwrap_or_default();
        self.0.join(begins.strftime(NAME).to_string())
    }

    /// All of them with their hours, the oldest first; none where there is no folder yet.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub(super) fn hours(&self) -> io::Result<Vec<(i64, PathBuf)>> {
        let names = match fs::read_dir(&self.0) {
            Ok(names) => names,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut hours = Vec::new();
        for name in names {
            let path = name?.path();
            if let Some(hour) = path.file_name().and_then(|name| hour(name.to_str()?)) {
                hours.push((hour, path));
            }
        }
        hours.sort_unstable();
        Ok(hours)
    }

    /// Removes the file of an hour.
    ///
    /// # Errors
    /// It is there, and cannot be removed.
    pub(super) fn remove(&self, hour: i64) -> io::Result<()> {
        let path = self.path(hour);
        for beside in BESIDE {
            let mut name = path.clone().into_os_string();
            name.push(beside);
            match fs::remove_file(PathBuf::from(name)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    /// Removes what lies before an hour, and the oldest of what is more than so many bytes; the newest stays.
    ///
    /// # Errors
    /// A file cannot be removed, or the folder not be read.
    pub(super) fn sweep(&self, oldest: i64, room: u64) -> io::Result<()> {
        let mut bytes = 0;
        for (at, (hour, _)) in self.hours()?.into_iter().rev().enumerate() {
            bytes += self.size(hour);
            if hour < oldest || (bytes > room && at > 0) {
                self.remove(hour)?;
            }
        }
        Ok(())
    }

    fn size(&self, hour: i64) -> u64 {
        let path = self.path(hour).into_os_string();
        let sizes = BESIDE.iter().filter_map(|beside| {
            let mut name = path.clone();
            name.push(beside);
            fs::metadata(PathBuf::from(name)).ok()
        });
        sizes.map(|file| file.len()).sum()
    }
}

/// The hour of a file's name.
fn hour(name: &str) -> Option<i64> {
    let text = name.strip_prefix("content-")?.strip_suffix(".db")?;
    let begins: Timestamp = format!("{text}:00:00Z").parse().ok()?;
    Some(begins.as_second().div_euclid(3_600))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_has_a_file_and_a_file_an_hour() {
        let files = Files::of(PathBuf::from("x"));
        let path = files.path(498_895);
        let name = path.file_name().unwrap().to_str().unwrap();
        assert_eq!(name, "content-2026-11-30T07.db");
        assert_eq!(hour(name), Some(498_895));
        assert_eq!(hour("requests-2026-11-30.db"), None);
    }

    #[test]
    fn what_is_old_or_too_much_goes_and_what_is_new_stays() {
        let folder = tempfile::tempdir().unwrap();
        let files = Files::of(folder.path().join("content"));
        files.prepare().unwrap();
        for hour in 10..15 {
            fs::write(files.path(hour), [0; 100]).unwrap();
        }
        let there = |files: &Files| -> Vec<i64> {
            files
                .hours()
                .unwrap()
                .iter()
                .map(|(hour, _)| *hour)
                .collect()
        };
        files.sweep(12, 1_000).unwrap();
        assert_eq!(there(&files), [12, 13, 14]);
        files.sweep(12, 250).unwrap();
        assert_eq!(there(&files), [13, 14]);
        files.sweep(12, 1).unwrap();
        assert_eq!(there(&files), [14]);
        files.sweep(20, 1_000).unwrap();
        assert_eq!(there(&files), Vec::<i64>::new());
    }
}
