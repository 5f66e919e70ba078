//! From nothing to the first configuration.

use fairlead_faults::{Play, Provider};
use tokio::task::JoinSet;

use super::operator::{Operator, TOKEN};
use super::{CREDENTIAL, config_as, documents, in_force, readiness, running, setup, until_ready};
use crate::harness::{KEY, eventually, whole};

#[tokio::test]
async fn it_is_alive_but_not_ready_before_the_first_configuration_and_keeps_early_callers_waiting()
{
    let a = Provider::always(Play::chat("Hello.")).await;
    let mut operator = Operator::new().await;
    let gateway = setup(&operator).start().await;
    gateway
        .err
        .until(|line| line.contains("there is no ConfigMap default/fairlead-default-index"))
        .await;
    assert_eq!(gateway.admin("/livez").send().await.unwrap().status(), 200);
    assert_eq!(
        readiness(&gateway).await,
        (503, "waiting for the first configuration\n".to_owned())
    );
    let early = gateway.post("/v1/chat/completions").bearer_auth(KEY);
    let mut waiting = JoinSet::new();
    waiting.spawn(early.body(whole("chat").to_string()).send());
    operator.publish(&documents(&a, &["chat"]));
    until_ready(&gateway).await;
    let early = waiting.join_next().await.unwrap();
    assert_eq!(early.unwrap().unwrap().status(), 200);
    assert_eq!(gateway.ask(&whole("chat")).await.status, 200);
    let bearer = format!("Bearer {CREDENTIAL}");
    assert_eq!(a.seen()[0].header("authorization"), Some(bearer.as_str()));
}

#[tokio::test]
async fn the_admin_port_tells_which_index_is_in_force_to_who_has_the_token_of_the_secret() {
    let a = Provider::always(Play::chat("Hello.")).await;
    let mut operator = Operator::with(&documents(&a, &["chat"])).await;
    // So that the generation is not the number of configurations that this process has seen.
    operator.publish(&documents(&a, &["chat", "more"]));
    let gateway = running(&operator).await;
    let config = in_force(&gateway, 2).await;
    assert_eq!(
        (&config["providers"], &config["keys"], &config["formats"]),
        (&1.into(), &1.into(), &serde_json::json!([1, 2])),
        "{config}"
    );
    assert_eq!(config["digest"].as_str().unwrap().len(), 64);
    let metrics = gateway.metrics().await;
    assert!(
        metrics.contains("fairlead_config_generation 2\n"),
        "{metrics}"
    );
    assert!(
        metrics.contains("fairlead_config_from_last_good 0\n"),
        "{metrics}"
    );
    for wrong in ["", "x", &TOKEN[1..]] {
        assert_eq!(config_as(&gateway, wrong).await, None);
    }
}

#[tokio::test]
async fn it_asks_for_nothing_that_its_role_does_not_allow() {
    let a = Provider::always(Play::chat("Hello.")).await;
    let operator = Operator::with(&documents(&a, &["chat"])).await;
    let _gateway = running(&operator).await;
    let log = eventually("all are watched", async || {
        let log = operator.api.log();
        let watched = |name: &str| log.contains(&format!("watch fairlead-default-{name}"));
        ["index", "credentials", "admin"]
            .into_iter()
            .all(watched)
            .then_some(log)
    })
    .await;
    let allowed = |line: &String| {
        let (verb, name) = line.split_once(' ').unwrap();
        let name = name.strip_prefix("fairlead-default-").unwrap();
        match name {
            "index" | "credentials" | "admin" => true,
            shard => {
                verb == "get"
                    && ["providers-", "rules-", "keys-"]
                        .iter()
                        .any(|section| shard.starts_with(section))
            }
        }
    };
    assert!(log.iter().all(allowed), "{log:?}");
}

#[tokio::test]
async fn a_gateway_that_never_had_a_configuration_ends_when_it_is_told_to() {
    let operator = Operator::new().await;
    let mut gateway = setup(&operator)
        .arguments(&["--drain-delay", "0"])
        .start()
        .await;
    gateway.signal("TERM").await;
    assert_eq!(gateway.end().await.code(), Some(0));
}
