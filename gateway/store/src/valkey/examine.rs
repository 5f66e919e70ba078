//! What a server says of itself: which process it is, whether it may be written to, whether it forgets.

use redis::aio::ConnectionLike;
use redis::cluster_routing::{MultipleNodeRoutingInfo, RoutingInfo};
use redis::{Cmd, Value};

use super::connect::{ConnectError, Connection};

const SECTIONS: [&str; 3] = ["server", "memory", "replication"];

/// The run ids of all processes that are written to, if they can be counted on.
pub(super) async fn examine(connection: &Connection) -> Result<Vec<String>, ConnectError> {
    let mut ids = Vec::new();
    for texts in gather(connection).await? {
        ids.push(judge(&texts)?);
    }
    if ids.is_empty() {
        return Err(ConnectError::Unreadable("which nodes it has"));
    }
    ids.sort();
    Ok(ids)
}

/// What each server says, all sections in one text.
async fn gather(connection: &Connection) -> Result<Vec<String>, ConnectError> {
    // One section a call: several in one are understood from version 7 on.
    match connection {
        Connection::One(one) => {
            let mut text = String::new();
            for section in SECTIONS {
                let said = one.clone().req_packed_command(&info(section)).await?;
                text.push_str(&redis::from_redis_value::<String>(said).map_err(|_| unreadable())?);
            }
            Ok(vec![text])
        }
        Connection::Cluster(cluster) => {
            let mut texts = std::collections::BTreeMap::<String, String>::new();
            for section in SECTIONS {
                let everywhere =
                    RoutingInfo::MultiNode((MultipleNodeRoutingInfo::AllMasters, None));
                let said = cluster
                    .clone()
                    .route_command(info(section), everywhere)
                    .await?;
                let Value::Map(nodes) = said else {
                    return Err(unreadable());
                };
                for (node, text) in nodes {
                    let node = redis::from_redis_value::<String>(node).map_err(|_| unreadable())?;
                    let text = redis::from_redis_value::<String>(text).map_err(|_| unreadable())?;
                    texts.entry(node).or_default().push_str(&text);
                }
            }
            Ok(texts.into_values().collect())
        }
    }
}

fn unreadable() -> ConnectError {
    ConnectError::Unreadable("what it is")
}

fn info(section: &str) -> Cmd {
    let mut info = redis::cmd("INFO");
    info.arg(section);
    info
}

/// Its run id, if it can be counted on.
fn judge(text: &str) -> Result<String, ConnectError> {
    let field = |name: &str| {
        let mut lines = text.lines();
        lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
    };
    match field("maxmemory_policy") {
        Some("noeviction") => {}
        Some(other) => return Err(ConnectError::Evicts(other.to_owned())),
        None => return Err(ConnectError::Unreadable("its maxmemory-policy")),
    }
    if field("role") != Some("master") {
        return Err(ConnectError::Replica);
    }
    let run = field("run_id").ok_or(ConnectError::Unreadable("its run id"))?;
    Ok(run.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "# Server\r\nrun_id:0123abcd\r\n# Memory\r\nmaxmemory:0\r\nmaxmemory_policy:noeviction\r\n# Replication\r\nrole:master\r\n";

    #[test]
    fn a_master_that_keeps_everything_is_counted_on() {
        assert_eq!(judge(GOOD).unwrap(), "0123abcd");
    }

    #[test]
    fn one_that_evicts_is_not() {
        let text = GOOD.replace("noeviction", "allkeys-lru");
        assert!(
            matches!(judge(&text), Err(ConnectError::Evicts(policy)) if policy == "allkeys-lru")
        );
        let silent = GOOD.replace("maxmemory_policy", "other");
        assert!(matches!(judge(&silent), Err(ConnectError::Unreadable(_))));
    }

    #[test]
    fn a_replica_is_not() {
        let text = GOOD.replace("role:master", "role:slave");
        assert!(matches!(judge(&text), Err(ConnectError::Replica)));
    }
}
