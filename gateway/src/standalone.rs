//! The control loop of the standalone gateway: read -> compile -> build -> swap, at the start and whenever a file changes.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use fairlead_compile::{Compiled, compile, report};
use fairlead_snapshot::{ObjectName, Snapshot};
use notify::{RecursiveMode, Watcher as _};
use tokio::sync::Notify;

use crate::folder::{Folder, FolderError, Reading};
use crate::runtime::Runtime;
use crate::state::{State, StateError};
use crate::worker::Shared;

/// Writes come in bursts: an editor's rename, `git checkout`, a whole folder copied. This long after the first one everything is read.
const SETTLE: Duration = Duration::from_millis(50);
/// Some file systems tell nothing; they are looked at this often.
const LOOK: Duration = Duration::from_secs(5);

/// The configuration, and what it was made from.
#[derive(Debug)]
pub struct Standalone {
    folder: Folder,
    state: State,
    live: Option<Live>,
    reported: String,
}

/// What is in force.
#[derive(Debug)]
struct Live {
    snapshot: Snapshot,
    compiled: Compiled,
}

/// The gateway cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A file cannot be parsed. Only the start is refused for it: later the last good content is kept.
    #[error("{0}")]
    Folder(#[from] FolderError),
    /// The state folder cannot be used.
    #[error("{0}")]
    State(#[from] StateError),
}

impl Standalone {
    /// Reads and compiles the folder for the first time.
    ///
    /// # Errors
    /// A file that cannot be parsed, or a state folder that cannot be used. A bad object is no error: it harms only itself.
    pub fn start(mut folder: Folder, state: State) -> Result<Self, StartError> {
        let reading = folder.read()?;
        if !reading.errors.is_empty() {
            let mut errors = reading.errors;
            let first = errors.swap_remove(0);
            for error in errors {
                tracing::error!("{error}");
            }
            return Err(first.into());
        }
        let previous = state.last_good()?;
        let mut standalone = Self {
            folder,
            state,
            live: None,
            reported: String::new(),
        };
        standalone.compile(previous.as_ref(), reading)?;
        Ok(standalone)
    }

    /// The token of the admin port.
    ///
    /// # Errors
    /// It can be neither read nor made.
    pub fn admin_token(&self) -> Result<Option<String>, StateError> {
        self.state.admin_token()
    }

    /// Reads again and swaps if anything changed; what cannot be read stays as it was, and is told.
    pub fn reload(&mut self, shared: &Shared) {
        let reading = match self.folder.read() {
            Ok(reading) => reading,
            Err(error) => return failed(shared, &error),
        };
        for error in &reading.errors {
            failed(shared, error);
        }
        let previous = self.live.take();
        if let Err(error) = self.compile(previous.as_ref().map(|live| &live.snapshot), reading) {
            self.live = previous;
            shared.observe.metrics.config_failures.inc();
            tracing::error!("{error}; the configuration stays as it was");
            return;
        }
        self.swap(shared);
    }

    /// Puts the configuration into force, if it differs from what is.
    pub fn swap(&self, shared: &Shared) {
        let Some(live) = &self.live else { return };
        let current = shared.live.load();
        let not_ok = live
            .compiled
            .verdicts
            .iter()
            .filter(|verdict| !verdict.is_good())
            .count();
        shared
            .observe
            .metrics
            .config_objects_not_ok
            .set(i64::try_from(not_ok).unwrap_or(i64::MAX));
        if current.digest == live.snapshot.digest() && current.generation > 0 {
            return;
        }
        let runtime = Runtime::build(&live.snapshot, &live.compiled.credentials, Some(&current));
        let generation = runtime.generation;
        shared.live.store(Arc::new(runtime));
        shared
            .observe
            .metrics
            .config_generation
            .set(i64::try_from(generation).unwrap_or(i64::MAX));
        tracing::info!(
            generation,
            providers = live.snapshot.providers.len(),
            rules = live.snapshot.rules.len(),
            keys = live.snapshot.keys.len(),
            "configuration in force"
        );
        if let Err(error) = self.state.keep(&live.snapshot) {
            tracing::error!("{error}");
        }
    }

    fn compile(
        &mut self,
        previous: Option<&Snapshot>,
        mut reading: Reading,
    ) -> Result<(), StateError> {
        reading.inputs.secrets.extend(self.state.secrets());
        let mut compiled = compile(previous, &reading.inputs);
        if !compiled.wanted.is_empty() {
            let kept = self.state.is_kept();
            self.state
                .generate(&compiled.wanted, |key, value| announce(key, value, kept))?;
            reading.inputs.secrets.extend(self.state.secrets());
            compiled = compile(previous, &reading.inputs);
        }
        compiled.verdicts.splice(0..0, reading.verdicts);
        self.tell(&compiled);
        self.live = Some(Live {
            snapshot: compiled.snapshot.clone(),
            compiled,
        });
        Ok(())
    }

    /// Says what is wrong, once for each state of affairs.
    fn tell(&mut self, compiled: &Compiled) {
        let bad: Vec<_> = compiled
            .verdicts
            .iter()
            .filter(|verdict| !verdict.is_good())
            .cloned()
            .collect();
        let text = if bad.is_empty() {
            String::new()
        } else {
            report(&bad)
        };
        if text != self.reported {
            for line in text.lines() {
                tracing::warn!("{line}");
            }
            self.reported = text;
        }
    }

    /// Reloads on every change until the process ends.
    pub async fn watch(mut self, shared: Arc<Shared>) {
        let changed = Arc::new(Notify::new());
        let _watcher = watcher(self.folder.watched(), &changed);
        loop {
            // Whether something was said or the time has come to look, everything is read: the digest tells whether it matters.
            let _ = tokio::time::timeout(LOOK, changed.notified()).await;
            tokio::time::sleep(SETTLE).await;
            self.reload(&shared);
        }
    }
}

fn failed(shared: &Shared, error: &FolderError) {
    shared.observe.metrics.config_failures.inc();
    tracing::error!("{error}; the last good version of it stays in force");
}

/// The only time the value is shown. Not through the log, which is kept and shipped.
#[expect(
    clippy::print_stderr,
    reason = "a secret that is shown once belongs on the terminal, not in the log"
)]
fn announce(key: &ObjectName, value: &str, kept: bool) {
    eprintln!("generated the key of VirtualKey {key}; it is shown this once: {value}");
    if !kept {
        eprintln!("without --state-dir it is valid until the gateway stops");
    }
}

/// Tells of changes, as far as the file system does; `None` where it cannot, and the folder is looked at every few seconds instead.
fn watcher<'a>(
    folders: impl Iterator<Item = &'a Path>,
    changed: &Arc<Notify>,
) -> Option<notify::RecommendedWatcher> {
    let notify = Arc::clone(changed);
    let told = move |event: notify::Result<notify::Event>| {
        // Reading a file is an event too, and ours.
        if !event.is_ok_and(|event| event.kind.is_access()) {
            notify.notify_one();
        }
    };
    let mut watcher = notify::recommended_watcher(told)
        .inspect_err(|error| tracing::warn!(%error, "cannot watch files"))
        .ok()?;
    for folder in folders {
        if let Err(error) = watcher.watch(folder, RecursiveMode::Recursive) {
            tracing::warn!(%error, folder = %folder.display(), "cannot watch this folder; looking at it every 5 s instead");
        }
    }
    Some(watcher)
}
