//! What a new user does, and what the split and the failover look like from an application.

use std::path::Path;

use anyhow::{Result, ensure};
use fairlead_e2e::results::Figure;
use fairlead_e2e::{Caller, Connections, Installation, NAMESPACE};
use tokio::task::JoinSet;

use crate::support::{SOON, key, provider, rule, show, turn, until, wait_programmed};

const SHARE: u32 = 70;
const REQUESTS: usize = 2_000;
const AFTER: usize = 200;
/// How many requests are under way at a time.
const AT_A_TIME: usize = 16;

/// Sends so many requests; the provider that answered each, or what came instead.
async fn ask(caller: &Caller, requests: usize) -> Result<Vec<Result<String, String>>> {
    let mut under_way = JoinSet::new();
    let mut outcomes = Vec::with_capacity(requests);
    for _ in 0..requests {
        if under_way.len() == AT_A_TIME {
            outcomes.extend(under_way.join_next().await.transpose()?);
        }
        let caller = caller.clone();
        under_way.spawn(async move {
            match caller.chat("assistant").await {
                Ok(answer) if answer.status == 200 => Ok(answer.text),
                other => Err(format!("{other:?}")),
            }
        });
    }
    outcomes.extend(under_way.join_all().await);
    Ok(outcomes)
}

#[tokio::test]
async fn three_files_are_answered_split_and_fail_over() -> Result<()> {
    let fairlead = turn().await?;
    let platform = fairlead.platform();
    fairlead.upstreams(&["first", "second"]).await?;
    let providers = provider(&fairlead, "first").await? + &provider(&fairlead, "second").await?;
    let split = rule("assistant", [("first", SHARE), ("second", 100 - SHARE)]);
    for file in [&providers, &split, &key("app")] {
        platform.apply(file).await?;
    }
    wait_programmed(&platform).await?;
    let secret = fairlead.secret(&platform, "app-key", "apiKey").await?;
    let cluster = &fairlead.cluster;
    let gateway = cluster
        .service_address(NAMESPACE, "fairlead-gateway")
        .await?;
    // Fresh connections, so that the Service spreads them.
    let caller = Caller::new(gateway, &secret, Connections::Fresh)?;
    let answer = caller.chat("assistant").await?;
    let rule = Some("fairlead-system/assistant");
    assert_eq!((answer.status, answer.rule.as_deref()), (200, rule));

    show(&[
        Figure::within("install to ready", fairlead.installed_in, 180.0),
        split_over_replicas(&fairlead, &caller).await?,
    ])?;
    show(&primary_goes_away(&fairlead, &caller).await?)
}

/// The folder and the key that the README has.
#[tokio::test]
async fn the_quick_start_of_the_readme_is_answered() -> Result<()> {
    let fairlead = turn().await?;
    let platform = fairlead.platform();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/quickstart");
    platform.apply_file(&folder).await?;
    wait_programmed(&platform).await?;
    let curl = std::fs::read_to_string(folder.join("curl.sh"))?;
    let key = curl.split("Bearer ").nth(1).unwrap_or_default();
    let key = key.split('\'').next().unwrap_or_default();
    let cluster = &fairlead.cluster;
    let gateway = cluster
        .service_address(NAMESPACE, "fairlead-gateway")
        .await?;
    let answer = Caller::new(gateway, key, Connections::Fresh)?
        .chat("chat")
        .await?;
    assert_eq!(answer.status, 200);
    assert!(answer.text.starts_with("Hello from"), "{answer:?}");
    let delete = ["delete", "--ignore-not-found", "-f"];
    let folder = folder.display().to_string();
    platform
        .run(&[delete.as_slice(), &[&folder]].concat())
        .await?;
    Ok(())
}

async fn split_over_replicas(fairlead: &Installation, caller: &Caller) -> Result<Figure> {
    let before = attempts(fairlead).await?;
    let texts = all_answered(ask(caller, REQUESTS).await?)?;
    let after = attempts(fairlead).await?;
    let each = before.iter().zip(&after);
    let both = after.len() == 2 && each.clone().all(|(before, after)| after > before);
    ensure!(both, "both replicas serve: {before:?}, {after:?}");
    let first = texts.iter().filter(|text| *text == "first").count();
    let share = f64::from(u32::try_from(first * 100)?) / f64::from(u32::try_from(REQUESTS)?);
    let off = (share - f64::from(SHARE)).abs();
    let name = "70/30 over 2,000 requests and 2 replicas: off by";
    Ok(Figure::at_most(name, off, "points", 2.0))
}

/// While requests run; then once more without it.
async fn primary_goes_away(fairlead: &Installation, caller: &Caller) -> Result<[Figure; 3]> {
    let platform = fairlead.platform();
    let goes = async {
        platform
            .run(&["scale", "deployment/first", "--replicas=0"])
            .await?;
        until("first is gone", || async {
            let left = fairlead.cluster.pods(NAMESPACE, "upstream=first").await?;
            Ok(left.is_empty())
        })
        .await
    };
    let (during, goes) = tokio::join!(ask(caller, AFTER), goes);
    goes?;
    let during = all_answered(during?)?;
    let after = all_answered(ask(caller, AFTER).await?)?;
    let rescued = after.iter().filter(|text| *text == "second").count();
    platform
        .run(&["scale", "deployment/first", "--replicas=1"])
        .await?;
    platform.rolled_out("deployment/first", SOON).await?;
    Ok([
        Figure::no_fewer(
            "answered while the primary goes",
            during.len(),
            "of 200",
            200,
        ),
        Figure::no_fewer("answered while it is gone", after.len(), "of 200", 200),
        Figure::no_fewer("of those, by the other", rescued, "of 200", 200),
    ])
}

fn all_answered(outcomes: Vec<Result<String, String>>) -> Result<Vec<String>> {
    let (answered, failed): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
    ensure!(failed.is_empty(), "{failed:#?}");
    Ok(answered.into_iter().flatten().collect())
}

/// How many attempts each gateway has made.
async fn attempts(fairlead: &Installation) -> Result<Vec<u64>> {
    let mut counts = Vec::new();
    for gateway in fairlead.gateways().await? {
        let metrics = fairlead.admin(&gateway, "/metrics").await?;
        let lines = metrics
            .lines()
            .filter(|line| line.starts_with("fairlead_attempts_total{"));
        let values = lines.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok());
        counts.push(values.sum());
    }
    Ok(counts)
}
