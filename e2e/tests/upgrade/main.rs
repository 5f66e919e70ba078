//! Two versions beside each other: upgraded, rolled back and upgraded again under load, the operator and the gateways one after the other, no
//! request fails and no rule that was imposed is lost. Run by `e2e/upgrade.sh`.

mod process;
mod relay;
mod site;

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use fairlead_e2e::results::{self, Figure};
use fairlead_e2e::{Caller, Load, NAMESPACE, Outcome, Rate};
use serde_json::json;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::sleep;

use process::Version;
use site::{KEY, Site};

/// How long each state of affairs is kept up.
const WHILE: Duration = Duration::from_secs(3);
/// Between two looks at what is imposed.
const PAUSE: Duration = Duration::from_millis(50);
/// How many answers there must be of a kind at least, lest nothing be proved.
const FEW: u32 = 500;

fn rate() -> Rate {
    Rate {
        per_second: 20,
        model: "imposed".to_owned(),
        streams: 2,
        stream_model: "chat".to_owned(),
    }
}

/// The rules that must be enforced at every moment: one that is imposed, and one that is imposed in its last accepted version.
const IMPOSED: [&str; 2] = ["imposed", "imposed-before"];

/// What callers met who asked for what the imposed rules are about.
#[derive(Debug, Default)]
struct Met {
    /// Answers by the imposed rule.
    imposed: usize,
    /// All others.
    others: Vec<String>,
}

impl Met {
    async fn ask(&mut self, caller: &Caller, model: &str) {
        let expected = format!("{NAMESPACE}/{model}");
        match caller.chat(model).await {
            Ok(answer) if answer.status == 200 && answer.rule.as_ref() == Some(&expected) => {
                self.imposed += 1;
            }
            other => self.others.push(format!("{model}: {other:?}")),
        }
    }
}

/// Asks again and again until it is told to stop.
async fn asked(caller: Caller, stopped: watch::Receiver<bool>) -> Met {
    let mut met = Met::default();
    while !*stopped.borrow() {
        for model in IMPOSED {
            met.ask(&caller, model).await;
        }
        sleep(PAUSE).await;
    }
    met
}

async fn enforced(site: &Site, when: &str) -> Result<()> {
    let (caller, mut met) = (site.caller()?, Met::default());
    for model in IMPOSED {
        met.ask(&caller, model).await;
    }
    ensure!(met.others.is_empty(), "{when}: {:?}", met.others);
    Ok(())
}

/// An edit reaches every gateway.
async fn settled(site: &mut Site, when: &str) -> Result<()> {
    site.edit_and_wait(when).await?;
    enforced(site, when).await?;
    sleep(WHILE).await;
    enforced(site, when).await
}

async fn change(site: &mut Site, to: Version, operator_first: bool) -> Result<()> {
    if operator_first {
        site.operator(to).await?;
        settled(
            site,
            &format!("the operator is {to:?}, the gateways are not"),
        )
        .await?;
        site.gateways(to).await?;
    } else {
        site.gateways(to).await?;
        settled(
            site,
            &format!("the gateways are {to:?}, the operator is not"),
        )
        .await?;
        site.operator(to).await?;
    }
    settled(site, &format!("all are {to:?}")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upgrade_a_rollback_and_an_upgrade_fail_no_request_and_lose_no_imposed_rule()
-> Result<()> {
    let mut site = Site::start().await?;
    site.operator(Version::Old).await?;
    site.gateways(Version::Old).await?;
    site.spoil(
        "imposed-before",
        &json!({"models": ["imposed-before"], "when": "request.headers["}),
    )
    .await?;
    settled(&mut site, "all are old").await?;
    let load = Load::start(site.address(), KEY, &rate())?;
    let (stop, stopped) = watch::channel(false);
    let mut asking = JoinSet::new();
    asking.spawn(asked(site.caller()?, stopped));
    change(&mut site, Version::New, true).await?;
    change(&mut site, Version::Old, true).await?;
    change(&mut site, Version::New, false).await?;
    change(&mut site, Version::Old, false).await?;
    change(&mut site, Version::New, true).await?;
    let outcome = load.stop().await;
    stop.send_replace(true);
    let met = asking.join_next().await.context("nobody asked")??;
    recorded(&outcome, &met)
}

fn recorded(outcome: &Outcome, met: &Met) -> Result<()> {
    let Outcome { whole, streamed } = outcome;
    let kinds = [
        ("requests", whole.finished, &whole.failures),
        ("streams", streamed.finished, &streamed.failures),
        ("answers of imposed rules", met.imposed, &met.others),
    ];
    for (kind, good, bad) in kinds {
        results::record(&[
            Figure::no_fewer(&format!("upgrade: {kind}"), good, "", FEW),
            Figure::no_more(&format!("upgrade: {kind} that failed"), bad.len(), "", 0),
        ])?;
        fairlead_e2e::say(&format!("{good} {kind}, {} failed", bad.len()));
    }
    for (kind, good, bad) in kinds {
        ensure!(bad.is_empty(), "{kind}: {bad:?}");
        ensure!(good >= usize::try_from(FEW)?, "{kind}: only {good}");
    }
    Ok(())
}
