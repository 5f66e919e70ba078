//! The log: lines on standard error, of everything but the Kubernetes client's own words.

use std::io::IsTerminal as _;

use tracing_subscriber::filter::{EnvFilter, filter_fn};
use tracing_subscriber::fmt::{self, MakeWriter};
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::registry::Registry;
use tracing_subscriber::util::SubscriberInitExt as _;

/// Begins to log; `RUST_LOG` says how much.
pub fn begin() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| "info".into());
    subscriber(filter, std::io::stderr).init();
}

/// The Kubernetes client logs answers that it cannot parse, and an answer may hold Secrets. What matters of it is in our own lines.
fn subscriber<W>(filter: EnvFilter, writer: W) -> impl tracing::Subscriber + Send + Sync
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let discreet = filter_fn(|record| !record.target().starts_with("kube_"));
    let lines = fmt::layer()
        .with_writer(writer)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false);
    Registry::default()
        .with(lines.with_filter(discreet))
        .with(filter)
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::Arc;

    use parking_lot::Mutex;

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
