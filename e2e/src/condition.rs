//! The wait until an object's status says something about the object as it is now.

use std::time::Duration;

use anyhow::{Result, bail, ensure};
use serde_json::Value;
use tokio::time::{Instant, sleep};

use crate::{Client, PATIENCE};

/// Waits until `object` has the condition `kind` with this status for its present generation, and returns that condition.
///
/// # Errors
/// When it has not within [`PATIENCE`], or cannot be read.
pub async fn condition(client: &Client, object: &Value, kind: &str, status: &str) -> Result<Value> {
    let began = Instant::now();
    loop {
        let answer = client.get(object).await?;
        ensure!(answer.is_success(), "{}", answer.message());
        let now = answer.body;
        let conditions = now["status"]["conditions"].as_array();
        let found = conditions.into_iter().flatten().find(|condition| {
            condition["type"] == kind
                && condition["status"] == status
                && condition["observedGeneration"] == now["metadata"]["generation"]
        });
        match found {
            Some(found) => return Ok(found.clone()),
            None if began.elapsed() > PATIENCE => {
                bail!("{kind} is not {status} within {PATIENCE:?}: {now}")
            }
            None => sleep(Duration::from_millis(50)).await,
        }
    }
}
