//! Every state of an object, as `kubectl get --watch` prints them: nothing in between is missed, as it is by looking now and then.

use std::process::Stdio;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use parking_lot::Mutex;
use serde_json::Value;
use tokio::io::AsyncReadExt as _;
use tokio::process::{Child, Command};
use tokio::task::JoinSet;

/// A watch under way; it ends with the value.
#[derive(Debug)]
pub struct Watch {
    seen: Arc<Mutex<Vec<Value>>>,
    // Killed when dropped.
    _kubectl: Child,
    _reading: JoinSet<()>,
}

impl Watch {
    /// Runs the command and reads the objects it prints.
    pub(crate) fn start(mut command: Command) -> Result<Self> {
        let mut kubectl = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("cannot run kubectl")?;
        let mut out = kubectl.stdout.take().context("no way out")?;
        let seen = Arc::new(Mutex::new(Vec::new()));
        let told = Arc::clone(&seen);
        let mut reading = JoinSet::new();
        reading.spawn(async move {
            let mut text = Vec::new();
            // The end of the output is the end of the watch.
            while out.read_buf(&mut text).await.is_ok_and(|read| read > 0) {
                told.lock().extend(take_objects(&mut text));
            }
        });
        Ok(Self {
            seen,
            _kubectl: kubectl,
            _reading: reading,
        })
    }

    /// What was seen so far, the state at the beginning first.
    #[must_use]
    pub fn seen(&self) -> Vec<Value> {
        self.seen.lock().clone()
    }
}

/// Takes the whole objects off the front of a text.
fn take_objects(text: &mut Vec<u8>) -> Vec<Value> {
    let mut objects = serde_json::Deserializer::from_slice(text).into_iter();
    let mut found = Vec::new();
    let mut end = 0;
    while let Some(Ok(object)) = objects.next() {
        found.push(object);
        end = objects.byte_offset();
    }
    text.drain(..end);
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_object_that_is_not_whole_yet_is_waited_for() {
        let mut text = b"{\"a\": 1}\n{\"b\": ".to_vec();
        assert_eq!(take_objects(&mut text), [json!({"a": 1})]);
        text.extend_from_slice(b"2}\n");
        assert_eq!(take_objects(&mut text), [json!({"b": 2})]);
    }
}
