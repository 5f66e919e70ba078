//! The fourth book: the request log, its rows and its sums.

use serde_json::Value;

use crate::fleet::World;
use crate::harness::eventually;

/// What the request log of a gateway says of a key.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Kept {
    /// How many requests there are.
    pub(crate) requests: i64,
    /// What these have cost together, in nano-USD.
    pub(crate) nanos: i64,
    /// How many requests the sums by the hour are over.
    pub(crate) summed: i64,
    /// The sums themselves, in nano-USD.
    pub(crate) sums: i64,
}

impl World {
    /// Reads all that a gateway keeps of a key, once it keeps this many requests.
    pub(crate) async fn kept(&self, at: usize, key: &str, requests: usize) -> Kept {
        let wanted = i64::try_from(requests).unwrap();
        let path = format!("/requests/usage?by=hour,provider,model&key=default/{key}");
        let (mut summed, mut sums) = (0, 0);
        eventually("every request is in the log", async || {
            let rows = self.told(at, &path).await;
            let rows = rows.as_array().unwrap();
            let sum = |of: &str| {
                rows.iter()
                    .map(|row| row[of].as_i64().unwrap())
                    .sum::<i64>()
            };
            (summed, sums) = (sum("requests"), sum("cost_nanos"));
            (summed >= wanted).then_some(())
        })
        .await;
        let (mut requests, mut nanos, mut after) = (0, 0, String::new());
        loop {
            let path = format!("/requests?limit=500&key=default/{key}{after}");
            let page = self.told(at, &path).await;
            for entry in page["entries"].as_array().unwrap() {
                requests += 1;
                nanos += entry["cost"]["nanos"].as_i64().unwrap_or(0);
            }
            match page["next"].as_str() {
                Some(next) => after = format!("&after={next}"),
                None => break,
            }
        }
        Kept {
            requests,
            nanos,
            summed,
            sums,
        }
    }

    /// What the metrics of a gateway say that everything has cost, in USD.
    pub(crate) async fn metered(&self, at: usize) -> f64 {
        let text = self.gateway(at).metrics().await;
        let series = text
            .lines()
            .filter(|line| line.starts_with("fairlead_cost_usd_total{"));
        series
            .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
            .sum()
    }

    async fn told(&self, at: usize, path: &str) -> Value {
        let gateway = self.gateway(at);
        let token = std::fs::read_to_string(gateway.setup.path("state/admin-token")).unwrap();
        let asked = gateway.admin(path).bearer_auth(token.trim());
        asked.send().await.unwrap().json().await.unwrap()
    }
}
