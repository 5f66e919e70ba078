//! What removes files that are too old, and the oldest of those that are too many.

use super::files::{Files, Part};
use super::spent;

/// What there is room for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Room {
    /// The first day that is kept.
    pub(super) oldest: i64,
    /// Today.
    pub(super) today: i64,
    /// Bytes of all files.
    pub(super) bytes: u64,
}

/// Removes what there is no room for; the newest file stays, whatever its size. Sums are kept, unless the file of sums cannot be written: then
/// an old file waits a day longer, and goes without.
///
/// # Errors
/// A file cannot be removed, or the folder not be read.
pub(super) fn sweep(files: &Files, room: Room) -> std::io::Result<()> {
    let aside = files.forget_aside(room.oldest)?;
    let parts = files.parts()?;
    let gone = too_much(files, &parts, room, aside);
    if gone.is_empty() {
        return Ok(());
    }
    let folded = spent::fold(files, gone, room.today);
    if let Err(error) = &folded {
        tracing::warn!("sums of old files of the request log cannot be kept: {error}");
    }
    for part in gone {
        let patient = part.day < room.oldest && part.day >= room.oldest - 1;
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
        if part.day >= room.oldest && (total <= room.bytes || newest) {
            break;
        }
        total -= size;
        gone += 1;
    }
    &parts[..gone]
}
