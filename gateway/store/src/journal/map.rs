//! Part of a file as atomic words. The only `unsafe` of the workspace.

use std::fs::File;
use std::io;
use std::sync::atomic::AtomicI64;

use memmap2::{MmapOptions, MmapRaw};

/// So many words of the file from a byte on that is a multiple of 4,096. They stay mapped until the process ends.
///
/// # Errors
/// The file has fewer, or cannot be mapped.
pub(super) fn words(file: &File, start: u64, count: usize) -> io::Result<&'static [AtomicI64]> {
    let length = count * size_of::<AtomicI64>();
    let enough = usize::try_from(file.metadata()?.len().saturating_sub(start));
    if enough.is_ok_and(|enough| enough < length) {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let map = MmapOptions::new().offset(start).len(length).map_raw(file)?;
    if !map.as_ptr().cast::<AtomicI64>().is_aligned() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    Ok(of(Box::leak(Box::new(map))))
}

#[expect(
    unsafe_code,
    reason = "a mapping is raw memory: nothing safe makes atomics of it"
)]
fn of(map: &'static MmapRaw) -> &'static [AtomicI64] {
    let count = map.len() / size_of::<AtomicI64>();
    // SAFETY: The mapping begins at `as_ptr`, is `len` bytes long, readable and writable, and never ends: it is borrowed for ever.
    // The pointer is aligned for the type, as the caller has looked. Every pattern of bits is an `AtomicI64`. Nobody makes a
    // reference to this memory but through this function, and those are to atomics, so that whatever writes it - this process
    // through another mapping, another process through the file - is no data race for this one. The file is not cut while it is
    // mapped: we hold its lock, checked its length, and only ever lengthen it; somebody who cuts it nevertheless ends the process
    // with a signal and cannot make it read what is not there.
    unsafe { std::slice::from_raw_parts(map.as_ptr().cast::<AtomicI64>(), count) }
}
