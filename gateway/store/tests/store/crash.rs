//! A process that is killed, and the next one.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use fairlead_store::Where;

use crate::support::{Replica, terms};

const ID: &str = "budget/team/search/research/month";
const LIMIT: i64 = 1 << 40;
const FOLDER: &str = "COUNTERS_OF_A_CHILD";

/// Says each settlement after it has happened, until it is killed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by the test below, as a process of its own"]
async fn child() {
    let folder = std::env::var(FOLDER).expect("run by the test below");
    let replica = start(Path::new(&folder)).await;
    let counter = replica.budget(ID);
    let terms = terms(LIMIT);
    loop {
        let need = fastrand::i64(1..=1_000);
        let Ok(hold) = replica.take(&counter, &terms, need).await else {
            continue;
        };
        let actual = fastrand::i64(0..=2_000);
        hold.settle(actual);
        println!("settled {actual}");
        tokio::task::yield_now().await;
    }
}

async fn start(folder: &Path) -> Replica {
    let dir = Some(folder.join("state"));
    let journal = Some(folder.join("leases.journal"));
    Replica::start(Where::Embedded { dir }, journal).await
}

#[tokio::test]
async fn a_gateway_that_is_killed_again_and_again_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut said = 0_i64;
    let mut slack = 0_i64;
    for life in 0..5 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["crash::child", "--exact", "--ignored", "--nocapture"])
            .env(FOLDER, folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let amount = |line: &str| line.split_once("settled ")?.1.parse::<i64>().ok();
        for _ in 0..200 + 100 * life {
            let line = lines.next().expect("it runs").unwrap();
            said += amount(&line).unwrap_or(0);
        }
        child.kill().unwrap();
        child.wait().unwrap();
        // What it said before it was killed; a last line may be torn, and one settlement may not have been said.
        for line in lines.map_while(Result::ok) {
            said += amount(&line).unwrap_or(0);
        }
        slack += 2_000 + 1_000;
    }
    let replica = start(folder.path()).await;
    let terms = terms(LIMIT);
    let used = async || replica.used(ID, &terms).await;
    replica
        .until("all told", async |_| used().await >= said)
        .await;
    // Time for what would come too often to come.
    replica.counters.drain().await;
    let used = used().await;
    assert!(
        (said..=said + slack).contains(&used),
        "said {said}, used {used}: nothing lost, nothing twice"
    );
}
