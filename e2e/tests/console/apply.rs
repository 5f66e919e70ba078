//! A rule is written from the builder with the viewer's own rights: from an empty place to a request that it answers, and everything that keeps it
//! from being written.

use anyhow::{Context as _, Result, ensure};
use fairlead_e2e::{Caller, Completion, Connections, NAMESPACE, PATIENCE};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::browser::{Browser, Said};
use crate::world::{PAUSE, World, create, object};

/// Who may write rules of `search`, as the charts grant it.
fn edits() -> Value {
    let rbac = "rbac.authorization.k8s.io";
    json!({
        "apiVersion": format!("{rbac}/v1"), "kind": "RoleBinding", "metadata": {"namespace": "search", "name": "edits"},
        "roleRef": {"apiGroup": rbac, "kind": "ClusterRole", "name": "fairlead-edit"},
        "subjects": [{"kind": "ServiceAccount", "namespace": "search", "name": "lead"}],
    })
}

/// All of it.
pub(crate) async fn all(world: &mut World) -> Result<()> {
    let key = world.value("search", "app").await?;
    world.restart_console("DryRun").await?;
    who_may_not(world).await?;
    create(&world.server, &edits()).await?;
    dry_runs(world).await?;
    no_token_is_logged(world)?;
    world.restart_console("On").await?;
    from_empty_to_answered(world, &key).await?;
    others(world).await?;
    what_others_keep(world).await?;
    audited(world)?;
    no_token_is_logged(world)
}

/// The form of a rule of one model.
fn form(namespace: &str, name: &str, priority: Option<u32>) -> Value {
    let target = json!({"name": "only", "provider": "sim", "model": "fast"});
    json!({"namespace": namespace, "name": name, "priority": priority, "models": [name], "targets": [target]})
}

/// What is built of a form, and what is applied of that.
async fn built(browser: &Browser, form: &Value) -> Result<(Value, Value)> {
    let built = browser.post("build", form).await?.json()?;
    let apply = json!({"form": form, "seen": built["seen"], "version": built["offer"]["version"]});
    Ok((built, apply))
}

/// Builds it and applies it.
async fn applied(browser: &Browser, form: &Value, dry_run: bool) -> Result<Said> {
    let (_, mut apply) = built(browser, form).await?;
    apply["dryRun"] = dry_run.into();
    browser.post("apply", &apply).await
}

/// What there is of a rule: `Null`: nothing.
async fn there(world: &World, namespace: &str, name: &str) -> Result<Value> {
    let answer = world
        .server
        .client()
        .get(&object("RoutingRule", namespace, name))
        .await?;
    Ok(if answer.is_success() {
        answer.body["spec"].clone()
    } else {
        Value::Null
    })
}

/// One who has signed in with a token that the API server takes.
async fn acting(world: &World, namespace: &str, account: &str) -> Result<Browser> {
    let token = world.server.client().token(namespace, account).await?;
    world.browser()?.signed_in(&token).await
}

/// Whoever has come with a token for the console alone, and whoever may look and not write.
async fn who_may_not(world: &World) -> Result<()> {
    let fresh = form("search", "fresh", None);
    let looks = world.viewer("search", "lead").await?;
    let (built, apply) = built(&looks, &fresh).await?;
    let why = built["offer"]["whyNot"].as_str().context("it is offered")?;
    ensure!(why.contains("kubectl create token"), "{built}");
    let said = looks.post("apply", &apply).await?;
    ensure!(
        said.status == 403 && said.text.contains("kubectl create token"),
        "{said:?}"
    );
    let lead = acting(world, "search", "lead").await?;
    let (built, apply) = self::built(&lead, &fresh).await?;
    ensure!(
        built["offer"]["whyNot"].is_null() && built["offer"]["dryRun"] == true,
        "{built}"
    );
    let said = lead.post("apply", &apply).await?;
    ensure!(
        said.status == 403 && said.text.contains("cannot patch resource"),
        "{said:?}"
    );
    ensure!(there(world, "search", "fresh").await?.is_null());
    Ok(())
}

/// With `DryRun` the API server says what it makes of it, and nothing is ever stored.
async fn dry_runs(world: &World) -> Result<()> {
    let lead = acting(world, "search", "lead").await?;
    let began = Instant::now();
    // Rights that were just granted are known to the API server a moment later.
    let told = loop {
        let said = applied(&lead, &form("search", "fresh", None), false).await?;
        if said.status == 200 {
            break said.json()?;
        }
        ensure!(began.elapsed() < PATIENCE, "{said:?}");
        sleep(PAUSE).await;
    };
    ensure!(
        told["dryRun"] == true && told["created"] == true && told["waits"] == false,
        "{told}"
    );
    let mut bad = form("search", "fresh", None);
    bad["targets"][0]["weight"] = 4_000_000_000_u32.into();
    let said = applied(&lead, &bad, false).await?;
    ensure!(
        said.status == 400 && said.text.contains("spec.targets[0].weight"),
        "{said:?}"
    );
    ensure!(there(world, "search", "fresh").await?.is_null());
    Ok(())
}

/// From a model that nobody knows to a request that is answered by the new rule, by each gateway.
async fn from_empty_to_answered(world: &World, key: &str) -> Result<()> {
    let lead = acting(world, "search", "lead").await?;
    for said in asked(world, key, "fresh").await? {
        ensure!(said.status != 200, "{said:?}");
    }
    let fresh = form("search", "fresh", None);
    let tried = applied(&lead, &fresh, true).await?.json()?;
    ensure!(
        tried["created"] == true && there(world, "search", "fresh").await?.is_null(),
        "{tried}"
    );
    let (_, stale) = built(&lead, &fresh).await?;
    let written = applied(&lead, &fresh, false).await?.json()?;
    ensure!(
        written["created"] == true && written["generation"] == 1 && written["waits"] == true,
        "{written}"
    );
    let told = enforced(&lead, &written).await?;
    ensure!(
        told == "Generation 1 is enforced by 2 of 2 gateways.",
        "{told}"
    );
    for said in asked(world, key, "fresh").await? {
        ensure!(said.status == 200, "{said:?}");
    }
    // What was made meanwhile is not written over, and what is one's own can be changed, and taken out again.
    let said = lead.post("apply", &stale).await?;
    ensure!(said.status == 409, "{said:?}");
    for (generation, priority) in [(2, Some(3)), (3, None)] {
        let written = applied(&lead, &form("search", "fresh", priority), false)
            .await?
            .json()?;
        ensure!(written["generation"] == generation, "{written}");
        ensure!(
            there(world, "search", "fresh").await?["priority"] == json!(priority),
            "{written}"
        );
        enforced(&lead, &written).await?;
    }
    Ok(())
}

/// Each gateway, asked for a model.
async fn asked(world: &World, key: &str, model: &str) -> Result<Vec<Completion>> {
    let mut all = Vec::new();
    for (_, gateway) in &world.gateways {
        all.push(
            Caller::new(gateway.address(), key, Connections::Fresh)?
                .chat(model)
                .await?,
        );
    }
    Ok(all)
}

/// Waits until there is no more to be told.
async fn enforced(browser: &Browser, written: &Value) -> Result<String> {
    let awaited = json!({"name": written["name"], "generation": written["generation"]});
    let began = Instant::now();
    loop {
        let told = browser.post("apply/awaited", &awaited).await?.json()?;
        if told["waits"] == false {
            return Ok(told["words"].as_str().unwrap_or_default().to_owned());
        }
        ensure!(began.elapsed() < PATIENCE, "{told}");
        sleep(PAUSE).await;
    }
}

/// Another's namespace, and what is no rule.
async fn others(world: &World) -> Result<()> {
    let lead = acting(world, "search", "lead").await?;
    let (_, apply) = built(&lead, &form("search", "chat", None)).await?;
    let mut theirs = apply.clone();
    theirs["form"]["namespace"] = "shop".into();
    let said = lead.post("apply", &theirs).await?;
    ensure!(
        said.status == 404 && !said.text.contains("zebra"),
        "{said:?}"
    );
    let awaited = json!({"name": "shop/zebra-rule", "generation": 1});
    let said = lead.post("apply/awaited", &awaited).await?;
    ensure!(said.status == 404, "{said:?}");
    for (member, value) in [
        ("kind", "Secret"),
        ("yaml", "kind: ClusterRole"),
        ("force", "true"),
    ] {
        let mut other = apply.clone();
        other[member] = value.into();
        let said = lead.post("apply", &other).await?;
        ensure!(said.status == 400, "{said:?}");
        other = apply.clone();
        other["form"][member] = value.into();
        ensure!(lead.post("apply", &other).await?.status == 400);
    }
    // Who may look everywhere may not write anywhere because of that.
    let auditor = acting(world, NAMESPACE, "auditor").await?;
    let before = there(world, "shop", "zebra-rule").await?;
    let said = applied(&auditor, &form("shop", "zebra-rule", Some(9)), false).await?;
    ensure!(
        said.status == 403 && said.text.contains("cannot patch resource"),
        "{said:?}"
    );
    ensure!(there(world, "shop", "zebra-rule").await? == before);
    Ok(())
}

/// A field that Argo CD has written, and a rule that it keeps.
async fn what_others_keep(world: &World) -> Result<()> {
    let lead = acting(world, "search", "lead").await?;
    let mut rule = object("RoutingRule", "search", "argo");
    let target = json!({"name": "only", "providerRef": {"name": "sim"}, "model": "fast"});
    rule["spec"] = json!({"priority": 7, "match": {"models": ["argo"]}, "targets": [target]});
    let client = world.server.client();
    let made = client.apply(&rule, "argocd-controller").await?;
    ensure!(made.is_success(), "{made:?}");
    let before = there(world, "search", "argo").await?;
    for (priority, says) in [
        (Some(8), "spec.priority is Argo CD's (argocd-controller)"),
        // The API server itself would say yes, and leave it there.
        (
            None,
            "would stay: spec.priority is Argo CD's (argocd-controller)",
        ),
    ] {
        for dry_run in [true, false] {
            let said = until_seen(&lead, &form("search", "argo", priority), dry_run).await?;
            ensure!(said.status == 409 && said.text.contains(says), "{said:?}");
        }
    }
    ensure!(there(world, "search", "argo").await? == before);
    let id = "team-a:fairlead.dev/RoutingRule:search/argo";
    rule["metadata"]["annotations"] = json!({"argocd.argoproj.io/tracking-id": id});
    ensure!(client.apply(&rule, "argocd-controller").await?.is_success());
    let began = Instant::now();
    let change = form("search", "argo", Some(8));
    loop {
        let (built, apply) = built(&lead, &change).await?;
        let why = built["offer"]["whyNot"].as_str().unwrap_or_default();
        if why.contains("the Application \"team-a\" of Argo CD") {
            let said = lead.post("apply", &apply).await?;
            ensure!(
                said.status == 409 && said.text.contains("team-a"),
                "{said:?}"
            );
            break;
        }
        ensure!(began.elapsed() < PATIENCE, "{built}");
        sleep(PAUSE).await;
    }
    ensure!(there(world, "search", "argo").await? == before);
    Ok(())
}

/// Again while the console has not seen the rule.
async fn until_seen(browser: &Browser, form: &Value, dry_run: bool) -> Result<Said> {
    let began = Instant::now();
    loop {
        let (built, mut apply) = built(browser, form).await?;
        apply["dryRun"] = dry_run.into();
        if !built["live"].is_null() {
            return browser.post("apply", &apply).await;
        }
        ensure!(began.elapsed() < PATIENCE, "{built}");
        sleep(PAUSE).await;
    }
}

/// Each stands in the audit, with who it was and what came of it.
fn audited(world: &World) -> Result<()> {
    let log = world.console_log()?;
    for (outcome, name, dry_run) in [
        ("created", "fresh", true),
        ("created", "fresh", false),
        ("applied", "fresh", false),
        ("conflict", "argo", false),
        ("not_found", "chat", false),
    ] {
        let of = |part: String| move |line: &&str| line.contains(&part);
        let mut lines = log.lines().filter(|line| line.contains("console.apply"));
        let parts = [
            format!("\\\"outcome\\\":\\\"{outcome}\\\""),
            format!("\\\"name\\\":\\\"{name}\\\""),
            format!("\\\"dry_run\\\":{dry_run}"),
            "system:serviceaccount:search:lead".to_owned(),
        ];
        let plain = parts.clone().map(|part| part.replace('\\', ""));
        let is_it = |line: &str| {
            let all = |parts: &[String; 4]| parts.iter().all(|part| of(part.clone())(&line));
            all(&parts) || all(&plain)
        };
        ensure!(lines.any(is_it), "no {outcome} of {name}: {log}");
    }
    ensure!(
        log.contains("system:serviceaccount:fairlead-system:auditor"),
        "{log}"
    );
    Ok(())
}

fn no_token_is_logged(world: &World) -> Result<()> {
    ensure!(
        !world.console_log()?.contains("eyJ"),
        "what looks like a token stands in the log"
    );
    Ok(())
}
