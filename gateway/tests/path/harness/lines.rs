//! The output of a process, line by line as it comes.

use std::io::{BufRead as _, BufReader, Read};

use tokio::sync::watch;

use super::PATIENCE;

/// What a process has written so far, and a way to wait for more.
#[derive(Debug, Clone)]
pub(crate) struct Lines(watch::Receiver<Vec<String>>);

impl Lines {
    /// Collects from `source` on a thread that ends with it.
    pub(crate) fn collect(source: impl Read + Send + 'static) -> Self {
        let (sender, receiver) = watch::channel(Vec::new());
        std::thread::spawn(move || {
            for line in BufReader::new(source).lines().map_while(Result::ok) {
                sender.send_modify(|lines| lines.push(line));
            }
        });
        Self(receiver)
    }

    /// No lines.
    pub(crate) fn none() -> Self {
        Self(watch::channel(Vec::new()).1)
    }

    /// All lines so far.
    pub(crate) fn so_far(&self) -> Vec<String> {
        self.0.borrow().clone()
    }

    /// How many lines there are so far.
    pub(crate) fn count(&self) -> usize {
        self.0.borrow().len()
    }

    /// The first line that is `wanted`, come or still to come.
    pub(crate) async fn until(&self, wanted: impl Fn(&str) -> bool) -> String {
        self.after(0, wanted).await
    }

    /// The same, without the first `skipped` lines.
    pub(crate) async fn after(&self, skipped: usize, wanted: impl Fn(&str) -> bool) -> String {
        let find = |lines: &Vec<String>| {
            lines
                .iter()
                .skip(skipped)
                .find(|line| wanted(line))
                .cloned()
        };
        let mut lines = self.0.clone();
        let found =
            tokio::time::timeout(PATIENCE, lines.wait_for(|lines| find(lines).is_some())).await;
        match found {
            Ok(Ok(lines)) => find(&lines).unwrap_or_default(),
            Ok(Err(_)) | Err(_) => panic!(
                "the line never came; these did:\n{}",
                self.so_far().join("\n")
            ),
        }
    }

    /// Waits until there are so many lines.
    pub(crate) async fn until_count(&self, count: usize) {
        self.after(count - 1, |_| true).await;
    }

    /// All lines, once the process has closed its end.
    pub(crate) async fn all(&self) -> Vec<String> {
        let mut lines = self.0.clone();
        // An error is what is waited for: the thread that writes is gone.
        let _ = tokio::time::timeout(PATIENCE, lines.wait_for(|_| false)).await;
        self.so_far()
    }
}
