//! The log: lines on standard error, of everything but the Kubernetes client's own words. They are written by a thread of their own; where nobody
//! takes them, those that find no room are dropped: a collector of logs that stands still must not keep a request, or the end, waiting.
//!
//! Beside them stand the lines of the audit, JSON objects that are written as they are, whatever level the others are wanted from.

mod bare;

use std::io::{IsTerminal as _, Write};
use std::sync::OnceLock;

use tracing_appender::non_blocking::{ErrorCounter, NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::filter::{EnvFilter, FilterExt as _, FilterFn, LevelFilter};
use tracing_subscriber::fmt::{self, MakeWriter};
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::registry::Registry;
use tracing_subscriber::util::SubscriberInitExt as _;

use bare::Bare;

/// The target of the audit's lines.
pub const AUDIT: &str = "audit";
/// How many lines may wait.
const QUEUE: usize = 4096;

/// Counts the lines that found no room, once there is a log.
static DROPPED: OnceLock<ErrorCounter> = OnceLock::new();

/// The log, until it is dropped; then the last lines are written, for as long as somebody takes them.
#[derive(Debug)]
pub struct Log(#[expect(dead_code, reason = "it is there to be dropped")] WorkerGuard);

/// Begins to log; `RUST_LOG` says how much.
#[must_use]
pub fn begin() -> Log {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| "info".into());
    let (writer, log) = aside(std::io::stderr());
    // A process has one log.
    let _ = DROPPED.set(writer.error_counter());
    subscriber(filter, writer).init();
    log
}

/// How many lines were dropped, for nobody took them in time.
#[must_use]
pub fn dropped() -> u64 {
    DROPPED.get().map_or(0, count)
}

fn count(dropped: &ErrorCounter) -> u64 {
    u64::try_from(dropped.dropped_lines()).unwrap_or(u64::MAX)
}

fn aside(out: impl Write + Send + 'static) -> (NonBlocking, Log) {
    let (writer, guard) = NonBlockingBuilder::default()
        .lossy(true)
        .buffered_lines_limit(QUEUE)
        .thread_name("log")
        .finish(out);
    (writer, Log(guard))
}

/// The Kubernetes client logs answers that it cannot parse, and an answer may hold Secrets. What matters of it is in our own lines.
fn subscriber<W>(filter: EnvFilter, writer: W) -> impl tracing::Subscriber + Send + Sync
where
    W: for<'w> MakeWriter<'w> + Clone + Send + Sync + 'static,
{
    // Said of both layers, or every callsite below the level is asked each time.
    let level = filter.max_level_hint().unwrap_or(LevelFilter::TRACE);
    let discreet = FilterFn::new(move |record| {
        let target = record.target();
        *record.level() <= level && !target.starts_with("kube_") && target != AUDIT
    });
    let discreet = discreet.with_max_level_hint(level);
    let audited =
        FilterFn::new(|record| *record.level() <= LevelFilter::INFO && record.target() == AUDIT);
    let audit = fmt::layer()
        .with_writer(writer.clone())
        .with_ansi(false)
        .event_format(Bare);
    let lines = fmt::layer()
        .with_writer(writer)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false);
    Registry::default()
        .with(lines.with_filter(discreet.and(filter)))
        .with(audit.with_filter(audited.with_max_level_hint(LevelFilter::INFO)))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::mpsc::{Receiver, channel};
    use std::time::Duration;

    use parking_lot::Mutex;
    use tokio::time::Instant;

    use super::*;

    #[derive(Clone, Default)]
    struct Page(Arc<Mutex<Vec<u8>>>);

    impl Write for Page {
        fn write(&mut self, text: &[u8]) -> std::io::Result<usize> {
            self.0.lock().extend_from_slice(text);
            Ok(text.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    /// A pipe that nobody reads.
    struct Stuck(Receiver<()>);

    impl Write for Stuck {
        fn write(&mut self, text: &[u8]) -> std::io::Result<usize> {
            let _ = self.0.recv();
            Ok(text.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn what_is_below_the_level_costs_nothing() {
        for (filter, most) in [
            ("info", LevelFilter::INFO),
            ("debug", LevelFilter::DEBUG),
            ("warn,fairlead=debug", LevelFilter::DEBUG),
        ] {
            let subscriber = subscriber(filter.parse().unwrap(), Page::default);
            let hint = tracing::Subscriber::max_level_hint(&subscriber);
            assert_eq!(hint, Some(most), "{filter}");
        }
    }

    #[test]
    fn lines_that_nobody_takes_keep_nobody_waiting() {
        let (reads, stuck) = channel();
        let (writer, log) = aside(Stuck(stuck));
        let dropped = writer.error_counter();
        let subscriber = subscriber("info".into(), writer);
        let began = Instant::now();
        tracing::subscriber::with_default(subscriber, || {
            for _ in 0..3 * QUEUE {
                tracing::info!("published");
            }
        });
        let counted = count(&dropped);
        assert!(counted >= 2 * QUEUE as u64 - 1, "{counted}");
        drop(log);
        assert!(began.elapsed() < Duration::from_secs(10));
        drop(reads);
    }

    #[test]
    fn a_line_of_the_audit_is_written_as_it_is_and_whatever_the_level() {
        let page = Page::default();
        let writer = page.clone();
        let subscriber = subscriber("off".into(), move || writer.clone());
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!(target: AUDIT, "{}", r#"{"audit":"key.made","name":"a"}"#);
            tracing::info!("published");
            tracing::error!("failed");
        });
        let text = String::from_utf8(page.0.lock().clone()).unwrap();
        assert_eq!(text, "{\"audit\":\"key.made\",\"name\":\"a\"}\n");
    }

    #[test]
    fn an_answer_that_the_kubernetes_client_quotes_is_not_logged() {
        let page = Page::default();
        let writer = page.clone();
        let subscriber = subscriber("trace".into(), move || writer.clone());
        tracing::subscriber::with_default(subscriber, || {
            tracing::warn!(target: "kube_client::client", "{{\"kind\": \"Secret\"}}");
            tracing::info!("published");
        });
        let text = String::from_utf8(page.0.lock().clone()).unwrap();
        assert!(
            text.contains("published") && !text.contains("Secret"),
            "{text}"
        );
    }
}
