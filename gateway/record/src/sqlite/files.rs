//! The files: `requests-2026-11-30.db`, and where a day has grown too large for one, `requests-2026-11-30.1.db` and so on.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use jiff::civil::Date;

use crate::rollup::DAY;

/// The folder.
#[derive(Debug, Clone)]
pub(super) struct Files(PathBuf);

/// One file: a day, or a part of one. The order is that of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Part {
    /// Days since 1970, by UTC.
    pub(super) day: i64,
    /// Which of that day.
    pub(super) part: u32,
}

/// What stands beside a file: what is not yet in it, and who has it open.
const BESIDE: [&str; 3] = ["", "-wal", "-shm"];
/// What a file is called that is a database no more.
const ASIDE: &str = "broken";

impl Files {
    pub(super) fn of(dir: PathBuf) -> Self {
        Self(dir)
    }

    pub(super) fn dir(&self) -> &Path {
        &self.0
    }

    /// The file of sums over days whose files are gone.
    pub(super) fn spent(&self) -> PathBuf {
        self.0.join("usage.db")
    }

    pub(super) fn path(&self, part: Part) -> PathBuf {
        self.0.join(part.name())
    }

    /// All parts, the oldest first; none where there is no folder yet.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub(super) fn parts(&self) -> io::Result<Vec<Part>> {
        let mut parts: Vec<Part> = self
            .names()?
            .iter()
            .filter_map(|name| Part::read(name))
            .collect();
        parts.sort_unstable();
        Ok(parts)
    }

    /// How many bytes a part occupies with what stands beside it.
    pub(super) fn size(&self, part: Part) -> u64 {
        self.beside(part)
            .filter_map(|path| fs::metadata(path).ok())
            .map(|file| file.len())
            .sum()
    }

    /// Removes a part.
    ///
    /// # Errors
    /// It is still there.
    pub(super) fn remove(&self, part: Part) -> io::Result<()> {
        for path in self.beside(part) {
            remove(&path)?;
        }
        Ok(())
    }

    /// Puts a part aside that is no database any more. It goes with the files of its day; of several of one day the last is kept.
    ///
    /// # Errors
    /// It is still there.
    pub(super) fn put_aside(&self, part: Part) -> io::Result<()> {
        let path = self.path(part);
        fs::rename(&path, path.with_extension(ASIDE))?;
        for path in self.beside(part).skip(1) {
            remove(&path)?;
        }
        Ok(())
    }

    /// Puts the file of sums aside that is no database any more.
    ///
    /// # Errors
    /// It is still there.
    pub(super) fn put_spent_aside(&self) -> io::Result<()> {
        let path = self.spent();
        fs::rename(&path, path.with_extension(ASIDE))?;
        for end in &BESIDE[1..] {
            remove(&self.0.join(format!("usage.db{end}")))?;
        }
        Ok(())
    }

    /// Removes what was put aside of days before this one; says how many bytes are left.
    ///
    /// # Errors
    /// One of them is still there.
    pub(super) fn forget_aside(&self, before: i64) -> io::Result<u64> {
        let mut left = 0;
        for name in self.names()? {
            let Some(stem) = name.strip_suffix(ASIDE) else {
                continue;
            };
            let Some(part) = Part::read(&format!("{stem}db")) else {
                continue;
            };
            let path = self.0.join(&name);
            if part.day < before {
                remove(&path)?;
            } else {
                left += fs::metadata(path).map_or(0, |file| file.len());
            }
        }
        Ok(left)
    }

    fn beside(&self, part: Part) -> impl Iterator<Item = PathBuf> {
        let name = part.name();
        BESIDE
            .map(|end| self.0.join(format!("{name}{end}")))
            .into_iter()
    }

    fn names(&self) -> io::Result<Vec<String>> {
        let entries = match fs::read_dir(&self.0) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut names = Vec::new();
        for entry in entries {
            names.extend(entry?.file_name().into_string().ok());
        }
        Ok(names)
    }
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        outcome => outcome,
    }
}

impl Part {
    /// The first part of the day in which a moment lies.
    pub(super) fn of(unix_us: i64) -> Self {
        Self {
            day: unix_us.div_euclid(DAY * 1_000_000),
            part: 0,
        }
    }

    /// The one after it on the same day.
    pub(super) fn next(self) -> Self {
        Self {
            day: self.day,
            part: self.part.saturating_add(1),
        }
    }

    pub(super) fn name(self) -> String {
        let date = date(self.day);
        if self.part == 0 {
            format!("requests-{date}.db")
        } else {
            format!("requests-{date}.{}.db", self.part)
        }
    }

    fn read(name: &str) -> Option<Self> {
        let name = name.strip_prefix("requests-")?.strip_suffix(".db")?;
        let (day, part) = name.split_once('.').unwrap_or((name, "0"));
        let day: Date = day.parse().ok()?;
        let since = day - Date::constant(1970, 1, 1);
        let part = Self {
            day: since.get_days().into(),
            part: part.parse().ok()?,
        };
        // No other spelling of it.
        (part.name() == format!("requests-{name}.db")).then_some(part)
    }
}

/// A day since 1970 as it is written.
pub(crate) fn date(day: i64) -> Date {
    let days = jiff::Span::new().try_days(day).unwrap_or_default();
    Date::constant(1970, 1, 1).saturating_add(days)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_has_a_name_and_a_name_a_day() {
        let part = Part::of(1_795_996_800_000_000);
        assert_eq!(part.name(), "requests-2026-11-30.db");
        assert_eq!(part.next().name(), "requests-2026-11-30.1.db");
        assert_eq!(Part::read("requests-2026-11-30.1.db"), Some(part.next()));
        assert_eq!(Part::of(1_795_996_799_999_999).day, part.day - 1);
        for other in [
            "requests-2026-11-30.db-wal",
            "requests-2026-11-30.01.db",
            "requests-2026-13-30.db",
            "usage.db",
            "requests-.db",
        ] {
            assert_eq!(Part::read(other), None, "{other}");
        }
    }
}
