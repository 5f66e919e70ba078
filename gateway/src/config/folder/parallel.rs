//! Files, read and parsed in their order: at the start, when no core has anything else to do, several at a time.

use std::num::NonZero;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

use fairlead_compile::Document;

use super::{FolderError, read_file};

/// What a file holds and its text, or why it cannot be read.
pub(super) type Found = Result<(Vec<Document>, Arc<str>), FolderError>;

/// So many at a time: no more are held as documents, as which they take ten times the room.
pub(super) fn cores() -> usize {
    thread::available_parallelism().map_or(1, NonZero::get)
}

/// Hands over each file, one after the other.
pub(super) fn each(files: &[PathBuf], at_once: usize, mut take: impl FnMut(&Path, Found)) {
    for some in files.chunks(at_once.max(1)) {
        let Some((first, others)) = some.split_first() else {
            continue;
        };
        thread::scope(|scope| {
            let read = |path: &'_ PathBuf| {
                let path = path.clone();
                let thread = thread::Builder::new().name("read".to_owned());
                thread.spawn_scoped(scope, move || read_file(&path)).ok()
            };
            let reading: Vec<_> = others.iter().map(read).collect();
            take(first, read_file(first));
            for (path, thread) in others.iter().zip(reading) {
                let found = match thread {
                    Some(thread) => thread.join().unwrap_or_else(|panic| resume_unwind(panic)),
                    // That no thread can be started is no reason to start with nothing.
                    None => read_file(path),
                };
                take(path, found);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_come_in_their_order_however_many_are_read_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let names = ["a.yaml", "b.yaml", "c.yaml", "d.yaml"];
        for name in names {
            let text = format!("apiVersion: v1\nkind: Secret\nmetadata: {{name: {name}}}\n");
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        std::fs::write(folder.path().join("c.yaml"), "{").unwrap();
        let files: Vec<_> = names.map(|name| folder.path().join(name)).into();
        for at_once in [0, 1, 2, 3, 9] {
            let mut seen = Vec::new();
            each(&files, at_once, |path, found| {
                assert_eq!(found.is_err(), path.ends_with("c.yaml"));
                seen.push(path.to_owned());
            });
            assert_eq!(seen, files, "{at_once} at a time");
        }
    }
}
