//! The log: a JSON line for each request, once its answer has ended.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};
use fairlead_faults::{Played, Seen};
use parking_lot::Mutex;
use serde_json::json;

/// An open log.
pub(crate) struct Journal(Mutex<Box<dyn Write + Send>>);

impl Journal {
    /// Appends to this file; `-` is standard output.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let sink: Box<dyn Write + Send> = if path == Path::new("-") {
            Box::new(std::io::stdout())
        } else {
            let file = OpenOptions::new().create(true).append(true).open(path);
            Box::new(file.with_context(|| format!("cannot write to {}", path.display()))?)
        };
        Ok(Self(Mutex::new(sink)))
    }

    /// Notes one request. Credentials are left out: logs are shown around.
    pub(crate) fn note(&self, seen: &Seen, played: &Played) {
        let line = json!({
            "sequence": seen.sequence,
            "connection": seen.connection,
            "nthOnConnection": seen.nth_on_connection,
            "headAtMs": millis(seen.head_at),
            "readAtMs": millis(seen.at),
            "method": seen.method,
            "path": seen.path,
            "model": seen.model(),
            "stream": seen.streamed(),
            "requestBytes": seen.head.len() + seen.body.len(),
            "answerBytes": played.bytes,
            "answerMs": millis(played.took),
            "ending": played.ending.as_str(),
        });
        // A full disk must not change what is played.
        let _ = writeln!(self.0.lock(), "{line}");
    }
}

fn millis(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}
