//! The folder of YAML: what a bad file harms, and what it does not.

use std::process::Output;

use fairlead_faults::{Play, Provider};

use crate::harness::yaml::{caller, chain, object, provider};
use crate::harness::{Gateway, Setup, eventually, whole};

/// Line 6 has a bracket that is never closed.
const BROKEN: &str = "apiVersion: fairlead.dev/v1alpha1\nkind: RoutingRule\nmetadata:\n  name: broken\nspec:\n  targets: [{name: a\n";
/// Line 9 has a weight that is none.
const BAD: &str = "apiVersion: fairlead.dev/v1alpha1\nkind: RoutingRule\nmetadata:\n  name: bad\nspec:\n  match: {models: [bad]}\n  targets:\n  - providerRef: {name: a}\n    weight: -3\n    name: a\n";

fn said(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr))
}

fn line_with<'a>(text: &'a str, piece: &str) -> &'a str {
    text.lines()
        .find(|line| line.contains(piece))
        .unwrap_or_else(|| panic!("{piece} is not in:\n{text}"))
}

/// A provider, a caller and a rule for the model `chat`, each in a file of its own.
fn good(provider_url: &str) -> Setup {
    let setup = Setup::new().file("provider.yaml", &provider("a", provider_url, ""));
    setup
        .file("key.yaml", &caller())
        .file("rule.yaml", &chain("chat", &["a"], ""))
}

async fn answers(gateway: &Gateway, model: &str) -> u16 {
    gateway.ask(&whole(model)).await.status
}

#[tokio::test]
async fn check_is_content_with_a_good_folder() {
    let output = good("http://127.0.0.1:1/v1").run("check", &[]).await;
    let (out, err) = said(&output);
    assert_eq!(output.status.code(), Some(0), "{out}{err}");
    assert!(
        out.contains("3 objects: 3 ok, 0 not ok, 0 findings"),
        "{out}"
    );
}

#[tokio::test]
async fn check_names_file_line_and_field_of_a_bad_object() {
    let output = good("http://127.0.0.1:1/v1")
        .file("bad.yaml", BAD)
        .run("check", &[])
        .await;
    let (out, _) = said(&output);
    let line = line_with(&out, "spec.targets[0].weight");
    assert!(
        line.contains("bad.yaml:9: RoutingRule default/bad: "),
        "{line}"
    );
    assert!(line.ends_with(" [Invalid]"), "{line}");
    assert!(
        out.contains("4 objects: 3 ok, 1 not ok"),
        "the neighbours are judged too: {out}"
    );
    assert_eq!(output.status.code(), Some(1));
}

#[tokio::test]
async fn check_names_file_and_line_of_a_file_it_cannot_parse() {
    let output = good("http://127.0.0.1:1/v1")
        .file("broken.yaml", BROKEN)
        .run("check", &[])
        .await;
    let (out, _) = said(&output);
    let line = line_with(&out, "broken.yaml:");
    let number = line
        .split("broken.yaml:")
        .nth(1)
        .and_then(|rest| rest.split(':').next())
        .unwrap();
    assert!(["6", "7"].contains(&number), "{line}");
    assert!(
        out.contains("3 objects: 3 ok"),
        "the neighbours are judged too: {out}"
    );
    assert_eq!(output.status.code(), Some(1));
}

#[tokio::test]
async fn check_names_what_is_missing_in_another_file() {
    let output = good("http://127.0.0.1:1/v1")
        .file("rule2.yaml", &chain("other", &["nobody"], ""))
        .run("check", &[])
        .await;
    let (out, _) = said(&output);
    let line = line_with(&out, "ProviderNotFound");
    assert!(
        line.contains("rule2.yaml:4: RoutingRule default/other: spec.targets[0].providerRef"),
        "{line}"
    );
    assert_eq!(output.status.code(), Some(1));
}

#[tokio::test]
async fn a_start_on_a_file_that_cannot_be_parsed_is_refused() {
    let output = good("http://127.0.0.1:1/v1")
        .file("broken.yaml", BROKEN)
        .refused()
        .await;
    let (_, err) = said(&output);
    let line = line_with(&err, "broken.yaml:");
    assert!(
        line.contains("broken.yaml:6:") || line.contains("broken.yaml:7:"),
        "{line}"
    );
    assert_eq!(output.status.code(), Some(1));
}

#[tokio::test]
async fn a_command_line_that_makes_no_sense_has_an_exit_code_of_its_own() {
    let output = good("http://127.0.0.1:1/v1")
        .arguments(&["--lisen", "1"])
        .refused()
        .await;
    let (_, err) = said(&output);
    assert_eq!(output.status.code(), Some(64), "{err}");
    assert!(err.contains("--lisen"), "{err}");
}

#[tokio::test]
async fn a_bad_object_is_refused_and_its_neighbours_are_enforced() {
    let a = Provider::always(Play::chat("Hello.")).await;
    let gateway = good(&a.base_url()).file("bad.yaml", BAD).start().await;
    assert_eq!(answers(&gateway, "chat").await, 200);
    assert_eq!(gateway.ask(&whole("bad")).await.code(), "unknown_model");
    let told = gateway.err.until(|line| line.contains("bad.yaml:9:")).await;
    assert!(told.contains("spec.targets[0].weight"), "{told}");
    assert!(
        gateway
            .metrics()
            .await
            .contains("fairlead_config_objects_not_ok 1")
    );
}

#[tokio::test]
async fn a_file_that_breaks_later_keeps_its_last_good_version() {
    let a = Provider::always(Play::chat("Hello.")).await;
    let gateway = good(&a.base_url()).start().await;
    gateway.setup.write("config/rule.yaml", BROKEN);
    let told = gateway.err.until(|line| line.contains("rule.yaml:")).await;
    assert!(
        told.ends_with("the last good version of it stays in force"),
        "{told}"
    );
    assert_eq!(answers(&gateway, "chat").await, 200);
    // Edits of other files apply all the same.
    gateway.edit("more.yaml", &chain("more", &["a"], "")).await;
    assert_eq!(
        (
            answers(&gateway, "more").await,
            answers(&gateway, "chat").await
        ),
        (200, 200)
    );
    gateway
        .edit("rule.yaml", &chain("mended", &["a"], ""))
        .await;
    assert_eq!(
        (
            answers(&gateway, "mended").await,
            answers(&gateway, "chat").await
        ),
        (200, 404)
    );
}

#[tokio::test]
async fn a_bad_edit_of_an_object_keeps_its_last_accepted_version() {
    let a = Provider::always(Play::chat("Hello.")).await;
    let gateway = good(&a.base_url()).start().await;
    gateway
        .setup
        .write("config/rule.yaml", &chain("chat", &["a"], "priority: -1"));
    gateway
        .err
        .until(|line| {
            line.contains("RoutingRule default/chat: the last accepted version stays in force")
        })
        .await;
    assert_eq!(answers(&gateway, "chat").await, 200);
    gateway
        .edit("rule.yaml", &chain("chat", &["a"], "priority: 1"))
        .await;
    assert_eq!(answers(&gateway, "chat").await, 200);
}

#[tokio::test]
async fn a_deleted_file_deletes() {
    let a = Provider::always(Play::chat("Hello.")).await;
    let gateway = good(&a.base_url()).start().await;
    assert_eq!(answers(&gateway, "chat").await, 200);
    std::fs::remove_file(gateway.setup.path("config/rule.yaml")).unwrap();
    eventually("the rule is gone", async || {
        (answers(&gateway, "chat").await == 404).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_reference_that_is_missing_counts_as_a_failed_attempt() {
    let a = Provider::always(Play::chat("Hello.")).await;
    let gateway = good(&a.base_url())
        .file("rule2.yaml", &chain("other", &["nobody", "a"], ""))
        .start()
        .await;
    let answer = gateway.ask(&whole("other")).await;
    assert_eq!(
        (answer.status, answer.attempts()),
        (200, "nobody=unavailable, a=ok")
    );
}

#[tokio::test]
async fn an_object_of_another_gateway_is_not_looked_at() {
    let setup = good("http://127.0.0.1:1/v1").file(
        "other.yaml",
        &object("LLMProvider", "other", "gatewayName: other, type: Nonsense"),
    );
    let output = setup.run("check", &[]).await;
    assert_eq!(output.status.code(), Some(0), "{}", said(&output).0);
    let output = setup.run("check", &["--gateway-name", "other"]).await;
    assert_eq!(output.status.code(), Some(1), "{}", said(&output).0);
}

#[tokio::test]
async fn probes_are_answered_while_a_large_edit_is_compiled() {
    let gateway = good("http://127.0.0.1:1/v1").start().await;
    let rules: String = (0..1_500)
        .map(|at| chain(&format!("model-{at}"), &["a"], ""))
        .collect();
    let mut slowest = std::time::Duration::ZERO;
    let probing = async {
        loop {
            let asked = tokio::time::Instant::now();
            let answer = gateway.admin("/livez").send().await.unwrap();
            assert_eq!(answer.status(), 200);
            slowest = slowest.max(asked.elapsed());
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    let began = tokio::time::Instant::now();
    tokio::select! {
        () = gateway.edit("many.yaml", &rules) => {}
        () = probing => {}
    }
    let compiled = began.elapsed();
    assert!(
        slowest * 2 < compiled,
        "a probe took {slowest:?} of the {compiled:?} that the edit took"
    );
}

#[tokio::test]
async fn a_reload_that_takes_effect_is_told_to_the_audit_and_the_start_is_not() {
    let gateway = good("http://127.0.0.1:1/v1").start().await;
    let budget = "budgets: [{name: day, amount: \"1.50\", period: Daily}]";
    let team = object("Team", "research", budget);
    gateway.edit("team.yaml", &team).await;
    let told = async |action: &str| -> serde_json::Value {
        let action = format!("\"audit\":\"{action}");
        let line = gateway.err.until(|line| line.contains(&action)).await;
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"))
    };
    // The first line of all is that of the reload.
    let first = told("").await;
    assert_eq!(
        (&first["audit"], &first["count"]),
        (&"config.published".into(), &1.into())
    );
    assert_eq!(first["generation"], 2);
    let added = told("limit.added").await;
    assert_eq!(
        (&added["name"], &added["limit"], &added["new"]),
        (&"research".into(), &"budget/day".into(), &"1.50".into())
    );
}
