//! The control loop of the standalone gateway: read -> compile -> build -> swap, at the start and whenever a file changes.

#[cfg(feature = "console")]
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use fairlead_compile::{Compiled, InForce, Verdict, audit, compile, report};
#[cfg(feature = "console")]
use fairlead_console::view::build::Form;
use fairlead_process::settled;
use fairlead_snapshot::{Credentials, ObjectName, Snapshot};
use jiff::Timestamp;
use notify::{RecursiveMode, Watcher as _};
use tokio::sync::Notify;

use crate::clock;
use crate::config::folder::{Folder, FolderError, Reading};
#[cfg(feature = "console")]
use crate::config::form;
use crate::config::state::{State, StateError};
#[cfg(feature = "console")]
use crate::runtime::enforced::{Enforced, Read};
use crate::runtime::{Retired, apart};
use crate::status::Source;
use crate::worker::Shared;

/// Writes come in bursts: an editor's rename, `git checkout`, a whole folder copied. When nothing has come for this long, everything is read.
const SETTLE: Duration = Duration::from_millis(50);
/// A folder that never rests is read after this long all the same.
const RESTLESS: Duration = Duration::from_millis(500);
/// Some file systems tell nothing; they are looked at this often.
const LOOK: Duration = Duration::from_secs(5);
/// So many lines of the audit are told at once, and then none for a moment.
const AT_ONCE: usize = 512;
const BREATH: Duration = Duration::from_millis(5);

/// The configuration, and what it was made from.
#[derive(Debug)]
pub(crate) struct Standalone {
    folder: Folder,
    state: State,
    live: Option<Live>,
    reported: String,
    /// What could not be read, as it was told last.
    unreadable: String,
    retired: Retired,
    /// What was in force last, by this process or the one before: what the audit compares with.
    audited: Option<Arc<Snapshot>>,
    /// Whether there is a console that asks what the configuration was made from.
    #[cfg(feature = "console")]
    console: bool,
}

/// What is in force: of what was compiled, as much as is asked for later.
#[derive(Debug)]
struct Live {
    snapshot: Arc<Snapshot>,
    credentials: Credentials,
    /// Objects that are not accepted, or name something they cannot have.
    not_ok: usize,
    /// Whether no version of some object is in force.
    misses_some: bool,
    /// Whether something was still to be made.
    waits: bool,
    /// See [`Compiled::next_rotation`].
    next_rotation: Option<i64>,
    /// What the console tells of it, where there is one.
    #[cfg(feature = "console")]
    seen: Option<Arc<Enforced>>,
}

/// The gateway cannot start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    /// A file cannot be parsed. Only the start is refused for it: later the last good content is kept.
    #[error("{0}")]
    Folder(#[from] FolderError),
    /// The state folder cannot be used.
    #[error("{0}")]
    State(#[from] StateError),
}

/// What a configuration was made from, as far as the console asks for it later.
#[cfg(feature = "console")]
struct Seen {
    read: Read,
    forms: BTreeMap<ObjectName, Form>,
}

impl Live {
    fn of(compiled: Compiled, #[cfg(feature = "console")] seen: Option<Seen>) -> Self {
        let verdicts = &compiled.verdicts;
        let bad = verdicts.iter().filter(|verdict| !verdict.is_good());
        let nothing = |verdict: &Verdict| verdict.in_force == InForce::Nothing;
        let (not_ok, misses_some) = (bad.count(), verdicts.iter().any(nothing));
        let snapshot = Arc::new(compiled.snapshot);
        Self {
            not_ok,
            misses_some,
            waits: !(compiled.wanted.is_empty() && compiled.rotations.is_empty()),
            next_rotation: compiled.next_rotation,
            #[cfg(feature = "console")]
            seen: seen.map(|seen| {
                Arc::new(Enforced {
                    snapshot: Arc::clone(&snapshot),
                    read: seen.read,
                    forms: seen.forms,
                    verdicts: compiled.verdicts.into(),
                })
            }),
            snapshot,
            credentials: compiled.credentials,
        }
    }
}

impl Standalone {
    /// Reads and compiles the folder for the first time.
    ///
    /// # Errors
    /// A file that cannot be parsed, or a state folder that cannot be used. A bad object is no error: it harms only itself, unless its last
    /// accepted version may be in a file that a newer version wrote.
    pub(crate) fn start(
        mut folder: Folder,
        state: State,
        #[cfg(feature = "console")] console: bool,
    ) -> Result<Self, StartError> {
        let reading = folder.read()?;
        if !reading.errors.is_empty() {
            let mut errors = reading.errors;
            let first = errors.swap_remove(0);
            for error in errors {
                tracing::error!("{error}");
            }
            return Err(first.into());
        }
        let (previous, unknown) = match state.last_good() {
            Err(unknown @ StateError::Unknown(..)) => (None, Some(unknown)),
            previous => (previous?, None),
        };
        let mut standalone = Self {
            folder,
            state,
            live: None,
            reported: String::new(),
            unreadable: String::new(),
            retired: Retired::default(),
            audited: None,
            #[cfg(feature = "console")]
            console,
        };
        standalone.compile(previous.as_ref(), reading)?;
        standalone.audited = previous.map(Arc::new);
        match unknown {
            // A rule that was imposed may be in what cannot be read, and nowhere else.
            Some(unknown) if standalone.misses_some() => Err(unknown.into()),
            Some(_) | None => Ok(standalone),
        }
    }

    /// All that it took to make the configuration has been dropped.
    pub(crate) fn has_started(&mut self) {
        self.retired.has_freed();
    }

    /// Whether no version of some object is in force.
    fn misses_some(&self) -> bool {
        self.live.as_ref().is_some_and(|live| live.misses_some)
    }

    /// The token of the admin port.
    ///
    /// # Errors
    /// It can be neither read nor made.
    pub(crate) fn admin_token(&self) -> Result<Option<String>, StateError> {
        self.state.admin_token()
    }

    /// Tells where the console is, and what opens it, at a terminal.
    #[cfg(feature = "console")]
    #[expect(
        clippy::print_stderr,
        reason = "lines for the person who started the gateway, not a log record"
    )]
    pub(crate) fn greet(&self, admin: std::net::SocketAddr) {
        use std::io::IsTerminal as _;

        if !std::io::stderr().is_terminal() {
            return;
        }
        let at = if admin.ip().is_unspecified() {
            format!("http://localhost:{}/", admin.port())
        } else {
            format!("http://{admin}/")
        };
        if let Ok(Some(token)) = self.state.admin_token() {
            eprintln!("\nConsole: {at}#token={token}\n");
        }
    }

    /// Reads again if anything may have changed.
    fn look(&mut self, shared: &Shared) {
        if self.folder.is_unchanged() && !self.is_due() {
            self.retired.sweep();
        } else {
            self.reload(shared);
        }
    }

    /// Whether time alone makes another configuration of the same files.
    fn is_due(&self) -> bool {
        let Some(live) = &self.live else {
            return true;
        };
        let now = clock::unix_seconds();
        live.waits || live.next_rotation.is_some_and(|at| at <= now)
    }

    fn reload(&mut self, shared: &Shared) {
        apart(|| self.read_again(shared));
        self.retired.has_freed();
    }

    /// Reads again and swaps if anything changed; what cannot be read stays as it was, and is told.
    fn read_again(&mut self, shared: &Shared) {
        let reading = match self.folder.read() {
            Ok(reading) => reading,
            Err(error) => return self.unreadable(shared, &[error]),
        };
        self.unreadable(shared, &reading.errors);
        let previous = self.live.take();
        if let Err(error) = self.compile(previous.as_ref().map(|live| &*live.snapshot), reading) {
            self.live = previous;
            self.folder.forget();
            shared.observe.metrics.config_failures.inc();
            tracing::error!("{error}; the configuration stays as it was");
            return;
        }
        self.swap(shared);
    }

    /// Says what cannot be read, once for each state of affairs.
    fn unreadable(&mut self, shared: &Shared, errors: &[FolderError]) {
        let text: Vec<String> = errors.iter().map(ToString::to_string).collect();
        let text = text.join("\n");
        if text != self.unreadable {
            for line in text.lines() {
                shared.observe.metrics.config_failures.inc();
                tracing::error!("{line}; the last good version of it stays in force");
            }
            shared
                .status
                .send_modify(|status| status.error = (!text.is_empty()).then(|| text.clone()));
            self.unreadable = text;
        }
    }

    /// Puts the configuration into force, if it differs from what is.
    pub(crate) fn swap(&mut self, shared: &Shared) {
        self.retired.sweep();
        let Some(live) = &self.live else { return };
        #[cfg(feature = "console")]
        shared.enforced.store(live.seen.clone());
        let current = shared.live.load_full();
        shared
            .observe
            .metrics
            .config_objects_not_ok
            .set(i64::try_from(live.not_ok).unwrap_or(i64::MAX));
        if current.digest == live.snapshot.digest() && current.generation > 0 {
            return;
        }
        let runtime = current.next(&live.snapshot, &live.credentials);
        let generation = runtime.generation;
        self.retired.replace(&shared.live, runtime);
        shared
            .status
            .send_modify(|status| status.source = Some(Source::Files));
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
        // Of the first of all configurations nothing was decided anew.
        let before = self.audited.replace(Arc::clone(&live.snapshot));
        if let Some(before) = &before {
            let lines = audit::lines(before, &live.snapshot, generation, Timestamp::now());
            in_parts(lines, |line| shared.decisions.tell(line), breathe);
        }
    }

    fn compile(
        &mut self,
        previous: Option<&Snapshot>,
        mut reading: Reading,
    ) -> Result<(), StateError> {
        reading.inputs.now = clock::unix_seconds();
        reading.inputs.secrets.extend(self.state.secrets());
        let mut compiled = compile(previous, &reading.inputs);
        if !compiled.wanted.is_empty() || !compiled.rotations.is_empty() {
            let file = self.state.keys_file();
            let kept = file.is_some();
            self.state
                .generate(&compiled.wanted, |key, value| announce(key, value, kept))?;
            let rotated = self.state.rotate(&compiled.rotations, |key, value| {
                announce_rotated(key, value, file.as_deref());
            });
            if let Err(error) = rotated {
                // The values that there are go on.
                tracing::error!("no key was rotated: {error}");
            }
            reading.inputs.secrets.extend(self.state.secrets());
            compiled = compile(previous, &reading.inputs);
        }
        compiled.verdicts.splice(0..0, reading.verdicts);
        self.tell(&compiled);
        #[cfg(feature = "console")]
        let seen = self.console.then(|| Seen {
            read: self.folder.kept().with(self.state.secrets()),
            forms: form::of_all(&reading.inputs.objects),
        });
        let live = Live::of(
            compiled,
            #[cfg(feature = "console")]
            seen,
        );
        self.live = Some(live);
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
    pub(crate) async fn watch(mut self, shared: Arc<Shared>) {
        let changed = Arc::new(Notify::new());
        let _watcher = watcher(self.folder.watched(), &changed);
        // An edit made since the first reading was before the watch: the first look sees it.
        let mut told = false;
        loop {
            // Where something was said everything is read, and the digest tells whether it matters; where the time has come to look, only what
            // differs.
            let shared = Arc::clone(&shared);
            // Compiling takes seconds where there is much of it; the thread that drives this answers probes.
            let reloaded = tokio::task::spawn_blocking(move || {
                if told {
                    self.reload(&shared);
                } else {
                    self.look(&shared);
                }
                self
            });
            match reloaded.await {
                Ok(again) => self = again,
                Err(error) => {
                    return tracing::error!(%error, "the configuration is not read any more");
                }
            }
            told = tokio::time::timeout(LOOK, changed.notified()).await.is_ok();
            if told {
                settled(&changed, SETTLE, RESTLESS).await;
            }
        }
    }
}

/// The only time the value is shown.
#[expect(
    clippy::print_stderr,
    reason = "a line for the person who started the gateway, not a log record"
)]
fn announce(key: &ObjectName, value: &str, kept: bool) {
    eprintln!("generated the key of VirtualKey {key}; it is shown this once: {value}");
    if !kept {
        eprintln!("without --state-dir it is valid until the gateway stops");
    }
}

/// A new value is shown only where it stands nowhere else: a log that nobody expects it in is no place for it.
#[expect(
    clippy::print_stderr,
    reason = "as for a key that is made; there is no file that it could be read from"
)]
fn announce_rotated(key: &ObjectName, value: &str, file: Option<&Path>) {
    match file {
        Some(file) => {
            tracing::info!(%key, file = %file.display(), "rotated a key; its new value stands in the file");
        }
        None => eprintln!(
            "rotated the key of VirtualKey {key}; its new value is shown this once: {value}"
        ),
    }
}

/// Tells of changes, as far as the file system does; `None` where it cannot, and the folder is looked at every few seconds instead.
fn watcher<'a>(
    folders: impl Iterator<Item = (&'a Path, RecursiveMode)>,
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
    for (folder, mode) in folders {
        if let Err(error) = watcher.watch(folder, mode) {
            tracing::warn!(%error, folder = %folder.display(), "cannot watch this folder; looking at it every 5 s instead");
        }
    }
    Some(watcher)
}

/// Tells lines a part at a time: a queue of lines takes no more than some thousands at once.
fn in_parts<T>(lines: impl Iterator<Item = T>, tell: impl Fn(T), mut breathe: impl FnMut()) {
    for (at, line) in lines.enumerate() {
        tell(line);
        if at % AT_ONCE == AT_ONCE - 1 {
            breathe();
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a reload is made where blocking is allowed"
)]
fn breathe() {
    std::thread::sleep(BREATH);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_reload_is_told_a_part_at_a_time() {
        let (told, breaths) = (std::cell::Cell::new(0), std::cell::Cell::new(Vec::new()));
        let breathe = || {
            let mut all = breaths.take();
            all.push(told.get());
            breaths.set(all);
        };
        in_parts(0..1_300, |_| told.set(told.get() + 1), breathe);
        assert_eq!((told.get(), breaths.take()), (1_300, vec![512, 1_024]));
    }
}
