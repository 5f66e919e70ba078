//! What removes files that are too old, and the oldest of those that are too many.

use super::files::{Files, Part};
use super::spent;

/// So many days after the last one of which there is a file the clock is believed: longer than a weekend without a request.
const BELIEVED: i64 = 3;

/// What there is room for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Room {
    /// Today.
    pub(super) today: i64,
    /// How many days are kept, today among them.
    pub(super) days: i64,
    /// Bytes of all files.
    pub(super) bytes: u64,
}

impl Room {
    /// The first day that is kept.
    pub(super) fn oldest(self) -> i64 {
        self.today - self.days + 1
    }

    /// The same by the last day before today of which there is a file, where today is far beyond that; `None`: it is not. Either nobody has
    /// asked for days, and then these files are as well removed tomorrow, when today's is the last one; or the clock has leapt, and whoever sets
    /// it right finds them where they were.
    fn leapt(self, parts: &[Part]) -> Option<Self> {
        let last = parts.iter().map(|part| part.day);
        let last = last.filter(|day| *day < self.today).max()?;
        let far = self.today - last > BELIEVED;
        far.then_some(Self {
            today: last,
            ..self
        })
    }
}

/// Removes what there is no room for; the newest file stays, whatever its size. Sums are kept, unless the file of sums cannot be written: then
/// an old file waits a day longer, and goes without. Says whether by age nothing was removed, for the clock is not believed.
///
/// # Errors
/// A file cannot be removed, or the folder not be read.
pub(super) fn sweep(files: &Files, room: Room) -> std::io::Result<bool> {
    let parts = files.parts()?;
    let leapt = room.leapt(&parts);
    remove(files, &parts, leapt.unwrap_or(room))?;
    Ok(leapt.is_some())
}

fn remove(files: &Files, parts: &[Part], room: Room) -> std::io::Result<()> {
    let aside = files.forget_aside(room.oldest())?;
    let gone = too_much(files, parts, room, aside);
    if gone.is_empty() {
        return Ok(());
    }
    let folded = spent::fold(files, gone, room.today);
    if let Err(error) = &folded {
        tracing::warn!("sums of old files of the request log cannot be kept: {error}");
    }
    for part in gone {
        let patient = part.day < room.oldest() && part.day >= room.oldest() - 1;
        if folded.is_err() && patient {
            continue;
        }
        files.remove(*part)?;
        tracing::info!("{} is removed, for it is old", part.name());
        if folded.is_ok()
            && let Err(error) = spent::removed(files, *part)
        {
            tracing::warn!("usage.db cannot be written: {error}");
        }
    }
    Ok(())
}

/// The oldest parts, as far as they are too old or too many.
fn too_much<'a>(files: &Files, parts: &'a [Part], room: Room, aside: u64) -> &'a [Part] {
    let sizes: Vec<u64> = parts.iter().map(|part| files.size(*part)).collect();
    let mut total = aside + sizes.iter().sum::<u64>();
    let mut gone = 0;
    for (part, size) in parts.iter().zip(sizes) {
        let newest = gone + 1 == parts.len();
        if part.day >= room.oldest() && (total <= room.bytes || newest) {
            break;
        }
        total -= size;
        gone += 1;
    }
    &parts[..gone]
}
