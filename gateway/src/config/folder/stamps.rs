//! What tells that files are as they were, without reading them: a folder that says nothing of its changes is looked at every few seconds, and
//! reading and compiling what has not changed would keep a core busy where there is much of it.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A file that was written so shortly before it was looked at may be written again without its times telling: some file systems count them
/// in steps of two seconds (as Git does with its index: "racy").
const RACY: Duration = Duration::from_secs(2);

/// How files stood at a moment.
#[derive(Debug, Default)]
pub(super) struct Stamps {
    files: BTreeMap<PathBuf, Stamp>,
    /// Whether none of them had been written shortly before.
    settled: bool,
}

/// How one stood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    device: u64,
    inode: u64,
    length: u64,
    /// When its content was changed, since 1970.
    modified: Duration,
    /// When anything of it was, its permissions for instance. Nobody can set this one.
    changed: Duration,
}

impl Stamps {
    /// How these stand; links are followed.
    ///
    /// # Errors
    /// One of them cannot be looked at.
    pub(super) fn take(
        files: impl IntoIterator<Item = PathBuf>,
        now: SystemTime,
    ) -> io::Result<Self> {
        let now = now.duration_since(UNIX_EPOCH).unwrap_or_default();
        let mut stamps = Self {
            files: BTreeMap::new(),
            settled: true,
        };
        for path in files {
            let stamp = Stamp::of(&path)?;
            let newest = stamp.modified.max(stamp.changed);
            stamps.settled &= newest.saturating_add(RACY) < now;
            stamps.files.insert(path, stamp);
        }
        Ok(stamps)
    }

    /// Whether nothing was written since these were taken, as `later` has it. In doubt it was.
    #[must_use]
    pub(super) fn are_still(&self, later: &Self) -> bool {
        self.settled && self.files == later.files
    }
}

impl Stamp {
    fn of(path: &PathBuf) -> io::Result<Self> {
        let found = std::fs::metadata(path)?;
        let time = |seconds: i64, nanos: i64| {
            let seconds = Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
            seconds.saturating_add(Duration::from_nanos(u64::try_from(nanos).unwrap_or(0)))
        };
        Ok(Self {
            device: found.dev(),
            inode: found.ino(),
            length: found.len(),
            modified: time(found.mtime(), found.mtime_nsec()),
            changed: time(found.ctime(), found.ctime_nsec()),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    fn taken(folder: &Path, after: Duration) -> Stamps {
        let files = fs::read_dir(folder).unwrap();
        let files = files.map(|entry| entry.unwrap().path());
        Stamps::take(files, SystemTime::now() + after).unwrap()
    }

    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn files_that_nobody_wrote_are_as_they_were() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a"), "1").unwrap();
        assert!(taken(folder.path(), LONG).are_still(&taken(folder.path(), LONG)));
    }

    #[test]
    fn what_was_written_a_moment_before_may_be_written_again_unnoticed() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a"), "1").unwrap();
        let just_written = taken(folder.path(), Duration::from_secs(1));
        assert!(!just_written.are_still(&taken(folder.path(), LONG)));
    }

    #[test]
    fn every_way_to_change_a_folder_is_noticed() {
        type Change = fn(&Path);
        let changes: [(&str, Change); 6] = [
            ("another length", |folder| {
                fs::write(folder.join("a"), "22").unwrap();
            }),
            ("the same length", |folder| {
                // The times of a file system may move in steps of some milliseconds.
                fs::write(folder.join("new"), "2").unwrap();
                fs::rename(folder.join("new"), folder.join("a")).unwrap();
            }),
            ("an old time", |folder| {
                let file = fs::File::options().write(true).open(folder.join("a"));
                let file = file.unwrap();
                file.set_modified(UNIX_EPOCH).unwrap();
            }),
            ("one more", |folder| {
                fs::write(folder.join("b"), "1").unwrap();
            }),
            ("one less", |folder| {
                fs::remove_file(folder.join("a")).unwrap();
            }),
            ("another version behind a link", |folder| {
                let versions = folder.parent().unwrap();
                fs::remove_file(folder.join("link")).unwrap();
                std::os::unix::fs::symlink(versions.join("two"), folder.join("link")).unwrap();
            }),
        ];
        for (what, change) in changes {
            let home = tempfile::tempdir().unwrap();
            let folder = home.path().join("folder");
            fs::create_dir(&folder).unwrap();
            for (name, text) in [("folder/a", "1"), ("one", "1"), ("two", "1")] {
                fs::write(home.path().join(name), text).unwrap();
            }
            std::os::unix::fs::symlink(home.path().join("one"), folder.join("link")).unwrap();
            let before = taken(&folder, LONG);
            change(&folder);
            assert!(!before.are_still(&taken(&folder, LONG)), "{what}");
        }
    }
}
