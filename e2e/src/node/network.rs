//! The node's network: one link between it and the machine, over which pods and Services are reached by their own addresses.
//!
//! There is no way from pods to any other network, so a test cannot come to depend on one. The link vanishes with the node.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use tokio::time::{sleep, timeout};

use super::layout::{HOST_ADDRESS, MARK, NODE_ADDRESS, PODS, SERVICES};

/// How long the kernel may take to let go of the link.
const PATIENCE: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_millis(20);

/// Connects the network namespace of process `pid` to the machine.
pub(super) fn connect(pid: u32) -> Result<()> {
    let pid = pid.to_string();
    let node = format!("{NODE_ADDRESS}/24");
    let host = format!("{HOST_ADDRESS}/24");
    let outside: [&[&str]; 5] = [
        &[
            "link", "add", MARK, "type", "veth", "peer", "name", "eth0", "netns", &pid,
        ],
        &["address", "add", &host, "dev", MARK],
        &["link", "set", MARK, "up"],
        &["route", "add", PODS, "via", NODE_ADDRESS],
        &["route", "add", SERVICES, "via", NODE_ADDRESS],
    ];
    let inside: [&[&str]; 4] = [
        &["link", "set", "lo", "up"],
        &["address", "add", &node, "dev", "eth0"],
        &["link", "set", "eth0", "up"],
        // kubelet and CNI plugins want one; it leads no further than the machine.
        &["route", "add", "default", "via", HOST_ADDRESS],
    ];
    // The far end must be up before routes by it are taken.
    run("ip", outside[0])?;
    for arguments in inside {
        run_inside(&pid, "ip", arguments)?;
    }
    for arguments in &outside[1..] {
        run("ip", arguments)?;
    }
    let forward = "echo 1 > /proc/sys/net/ipv4/ip_forward";
    run_inside(&pid, "sh", &["-c", forward])
}

/// Takes the link away. The kernel would, but some time after the node has ended, and the next one needs the name.
pub(super) async fn disconnect() -> Result<()> {
    let link = Path::new("/sys/class/net").join(MARK);
    let gone = async {
        while link.exists() {
            // The kernel may be faster.
            let _ = run("ip", &["link", "delete", MARK]);
            sleep(PAUSE).await;
        }
    };
    timeout(PATIENCE, gone)
        .await
        .with_context(|| format!("the network interface {MARK} cannot be removed"))
}

fn run_inside(pid: &str, program: &str, arguments: &[&str]) -> Result<()> {
    let mut all = vec!["--net", "--target", pid, program];
    all.extend_from_slice(arguments);
    run("nsenter", &all)
}

fn run(program: &str, arguments: &[&str]) -> Result<()> {
    let output = Command::new(program)
        .args(arguments)
        .output()
        .with_context(|| format!("cannot run {program}; run `apt-get install iproute2`"))?;
    ensure!(
        output.status.success(),
        "{program} {}: {}",
        arguments.join(" "),
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(())
}
