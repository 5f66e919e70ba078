//! A process that is killed, and the next one.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use fairlead_store::{ValkeyOptions, Where};

use crate::support::{Replica, folder, terms};
use crate::valkey::server::Server;

const ID: &str = "budget/team/search/research/month";
const LIMIT: i64 = 1 << 40;
const FOLDER: &str = "COUNTERS_OF_A_CHILD";
/// Where a server is; without it the store is the process itself.
const PORT: &str = "STORE_OF_A_CHILD";
/// What one settlement may come to.
const MOST: i64 = 2_000;

/// Says each settlement after it has happened, until it is killed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by the tests below, as a process of its own"]
async fn child() {
    let folder = std::env::var(FOLDER).expect("run by the tests below");
    let port = std::env::var(PORT).ok().map(|port| port.parse().unwrap());
    let replica = start(Path::new(&folder), port).await;
    let counter = replica.budget(ID);
    let terms = terms(LIMIT);
    loop {
        let need = fastrand::i64(1..=1_000);
        let Ok(hold) = replica.take(&counter, &terms, need).await else {
            continue;
        };
        let actual = fastrand::i64(0..=MOST);
        hold.settle(actual);
        println!("settled {actual}");
        tokio::task::yield_now().await;
    }
}

async fn start(folder: &Path, port: Option<u16>) -> Replica {
    let journal = Some(folder.join("leases.journal"));
    let place = match port {
        Some(port) => Where::Valkey(Box::new(ValkeyOptions::at("127.0.0.1", port))),
        None => Where::Embedded {
            dir: Some(folder.join("state")),
        },
    };
    Replica::start(place, journal).await
}

/// Lets a gateway run until it has settled so often, and kills it; what it said.
fn one_life(folder: &Path, port: Option<u16>, settlements: usize) -> i64 {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["crash::child", "--exact", "--ignored", "--nocapture"])
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    if let Some(port) = port {
        command.env(PORT, port.to_string());
    }
    let mut child = command.spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut said = 0;
    for (at, line) in lines.map_while(Result::ok).enumerate() {
        if at == settlements {
            child.kill().unwrap();
        }
        let amount = line.split_once("settled ");
        said += amount.map_or(0, |(_, amount)| amount.parse::<i64>().unwrap_or(0));
    }
    child.wait().unwrap();
    said
}

async fn loses_nothing(port: Option<u16>) {
    let folder = folder();
    const LIVES: usize = 5;
    let mut said = 0;
    for life in 0..LIVES {
        // Some too short for their first report, some longer.
        said += one_life(folder.path(), port, 20 << (2 * life));
    }
    let replica = start(folder.path(), port).await;
    let terms = terms(LIMIT);
    replica.reaches().await;
    replica
        .until("all told", async |replica| {
            replica.used(ID, &terms).await >= said
        })
        .await;
    // Time for what would be counted twice.
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    replica.counters.drain().await;
    let used = replica.used(ID, &terms).await;
    // Of each life one settlement may have happened and not been said, or been in flight.
    let most = said + i64::try_from(LIVES).unwrap() * MOST;
    assert!(
        (said..=most).contains(&used),
        "said {said}, used {used}: nothing is lost, nothing counts twice"
    );
}

#[tokio::test]
async fn a_gateway_that_is_killed_again_and_again_loses_nothing() {
    loses_nothing(None).await;
}

#[tokio::test]
async fn nor_does_one_that_shares_a_store() {
    let server = Server::start(&[]);
    loses_nothing(Some(server.port)).await;
}
