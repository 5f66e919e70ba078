//! `explain`: where a request would go and why, by what gateways enforce now, or by a folder before it is merged. The gateway's own `explain` says it;
//! here it is given the configuration, and how limits and breakers stand.

mod live;
mod spent;

use std::path::Path;

use fairlead_compile::documents;
use fairlead_gateway::check::{Explained, Sketch, compiled, explain_in};
use fairlead_snapshot::{Refusal, Snapshot};
use serde_json::{Value, json};

use crate::args::{Explain, Folder, Place};
use crate::checked::folder;
use crate::error::Error;
use crate::output::Report;
use crate::reach::{Reach, as_json};
use crate::session::Session;

/// Explains a request.
///
/// # Errors
/// The configuration or the request cannot be read, or there is no such key.
pub(crate) async fn explain(place: &Place, args: &Explain) -> Result<Report, Error> {
    let mut request = request(args)?;
    let Some(local) = &args.local else {
        return live(place, &mut request).await;
    };
    let namespace = place.namespace.as_deref().unwrap_or("default");
    name_key(&mut request, namespace);
    let local = Folder {
        folder: local.clone(),
        secrets_dir: None,
    };
    let (compiled, errors) =
        compiled(&folder(place, &local)).map_err(|error| Error::Other(format!("{error:#}")))?;
    let mut snapshot = compiled.snapshot;
    // Secrets seldom lie beside manifests, and where a request goes does not depend on the value.
    for key in snapshot.keys.values_mut() {
        if key.refused == Some(Refusal::NoValue) {
            key.refused = None;
        }
    }
    let mut report = told(
        &snapshot,
        &request,
        &format!("by the folder {}", local.folder.display()),
    )?;
    for error in errors {
        report.text.push_str(&format!("{error}\n"));
    }
    Ok(report)
}

async fn live(place: &Place, request: &mut Value) -> Result<Report, Error> {
    let session = Session::open(place).await?;
    name_key(request, &session.namespace);
    let (generation, snapshot) = live::snapshot(&session, place).await?;
    let mut notes = Vec::new();
    if request["usage"].is_null() {
        match spent::spent(
            &session,
            place,
            &snapshot,
            request["key"].as_str().unwrap_or_default(),
        )
        .await
        {
            Ok(usage) => request["usage"] = usage,
            Err(error) => notes.push(format!("limits are taken as unused: {error}")),
        }
    }
    let mut report = told(
        &snapshot,
        request,
        &format!("by the live generation {generation}"),
    )?;
    let health = match Reach::pods(&session, place).await {
        Ok(reach) => reach.ask_in_confidence("/health").await,
        Err(error) => Err(error),
    };
    match health {
        Ok(answers) => breakers(&mut report, &as_json(answers).0),
        Err(error) => notes.push(format!("how its targets do is not known: {error}")),
    }
    for note in &notes {
        report.text.push_str(&format!("{note}\n"));
    }
    report.data["notes"] = json!(notes);
    Ok(report)
}

/// The request of the command line, over that of the file.
fn request(args: &Explain) -> Result<Value, Error> {
    let mut request = args
        .file
        .as_deref()
        .map_or_else(|| Ok(json!({"body": {}})), read)?;
    if let Some(key) = &args.key {
        request["key"] = key.as_str().into();
    }
    if let Some(model) = &args.model {
        request["body"]["model"] = model.as_str().into();
    }
    if let Some(operation) = &args.operation {
        request["operation"] = operation.as_str().into();
    }
    for header in &args.header {
        let (name, value) = header.split_once(':').ok_or_else(|| {
            Error::Other(format!(
                "-H {header:?} is no header; say it as 'NAME: VALUE'"
            ))
        })?;
        request["headers"][name.trim().to_lowercase()] = value.trim().into();
    }
    Ok(request)
}

fn read(path: &Path) -> Result<Value, Error> {
    let text =
        std::fs::read_to_string(path).map_err(|error| Error::File(path.to_owned(), error))?;
    let file = path.display().to_string();
    let mut found = documents(&file, &text).map_err(|error| Error::Other(error.to_string()))?;
    match (found.pop(), found.is_empty()) {
        (Some(document), true) if document.value.is_object() => Ok(document.value),
        (_, _) => Err(Error::Other(format!(
            "{file} must hold one request: key, headers, body"
        ))),
    }
}

/// A key without a namespace is of this one.
fn name_key(request: &mut Value, namespace: &str) {
    if let Some(key) = request["key"].as_str().filter(|key| !key.contains('/')) {
        request["key"] = format!("{namespace}/{key}").into();
    }
}

fn told(snapshot: &Snapshot, request: &Value, by: &str) -> Result<Report, Error> {
    let sketch: Sketch = serde_json::from_value(request.clone()).map_err(|error| {
        Error::Other(format!("this is no request: {error}; it needs a key (-k) and a model (-m), and may have headers, usage and estimate"))
    })?;
    let explained =
        explain_in(snapshot, &sketch).map_err(|error| Error::Other(format!("{error:#}")))?;
    let data = data(&explained, by);
    Ok(Report {
        text: format!("{by}\n{}", explained.text),
        data,
        good: explained.good,
    })
}

fn data(explained: &Explained, by: &str) -> Value {
    let explanation = &explained.explanation;
    let rules = explanation.rules.iter();
    let rules = rules.map(|considered| json!({"rule": considered.rule.to_string(), "verdict": considered.verdict.to_string()}));
    let plan = explanation.outcome.as_ref();
    let steps = plan
        .iter()
        .flat_map(|plan| &plan.steps)
        .zip(&explained.providers);
    let attempts = steps.map(|(step, provider)| {
        json!({
            "target": &*step.target, "provider": provider.as_ref().map(ToString::to_string), "model": &*step.model, "fallback": step.fallback,
            "problem": step.problem.map(|problem| format!("{problem:?}")),
        })
    });
    json!({
        "by": by, "answered": explained.good, "rules": rules.collect::<Vec<_>>(), "attempts": attempts.collect::<Vec<_>>(),
        "rule": plan.ok().and_then(|plan| plan.rule.as_ref()).map(|rule| rule.name.to_string()),
        "refused": plan.err().map(ToString::to_string), "text": explained.text,
    })
}

/// Adds how each attempt's breakers stand on each gateway, where one is not closed.
fn breakers(report: &mut Report, gateways: &[(String, Value)]) {
    let Some(attempts) = report.data["attempts"].as_array_mut() else {
        return;
    };
    for attempt in attempts {
        let (Some(provider), Some(model)) =
            (attempt["provider"].as_str(), attempt["model"].as_str())
        else {
            continue;
        };
        let mut states = Vec::new();
        for (gateway, body) in gateways {
            let told = &body["providers"][provider];
            for (what, guarded) in [
                ("connections", &told["connections"]),
                (model, &told["models"][model]),
            ] {
                let state = guarded["state"].as_str().unwrap_or("closed");
                if state != "closed" {
                    states.push(format!("{what} {state} at {gateway}"));
                }
            }
        }
        if !states.is_empty() {
            let target = attempt["target"].as_str().unwrap_or_default();
            report.text.push_str(&format!(
                "now: {target} ({provider}): {}\n",
                states.join(", ")
            ));
        }
        attempt["breakers"] = json!(states);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FOLDER: &str = r#"
apiVersion: fairlead.dev/v1alpha1
kind: LLMProvider
metadata: {name: a, namespace: fairlead-system}
spec: {type: Simulated, access: {namespaces: {from: All}}, models: [{name: fast}]}
---
apiVersion: fairlead.dev/v1alpha1
kind: RoutingRule
metadata: {name: gold, namespace: search}
spec:
  match: {models: [chat], when: 'request.headers["x-tier"] == "gold"'}
  targets: [{name: only, providerRef: {name: a, namespace: fairlead-system}, model: fast}]
---
apiVersion: fairlead.dev/v1alpha1
kind: VirtualKey
metadata: {name: app, namespace: search}
spec: {key: {type: Generate, secretRef: {name: app}}}
"#;

    async fn explained(more: &[&str]) -> Result<Report, Error> {
        use clap::Parser as _;
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("all.yaml"), FOLDER).unwrap();
        let path = folder.path().to_str().unwrap();
        let words = [
            "kubectl-fairlead",
            "explain",
            "--local",
            path,
            "-n",
            "search",
        ];
        let args = crate::args::Args::parse_from(words.iter().chain(more));
        let crate::args::Command::Explain(explain_args) = args.command else {
            unreachable!("it is explain")
        };
        explain(&args.place, &explain_args).await
    }

    #[tokio::test]
    async fn a_folder_explains_what_it_would_do() {
        let report = explained(&["-k", "app", "-m", "chat", "-H", "X-Tier: gold"])
            .await
            .unwrap();
        assert!(
            report.good && report.data["rule"] == "search/gold",
            "{}",
            report.text
        );
        assert_eq!(report.data["attempts"][0]["provider"], "fairlead-system/a");
        let report = explained(&["-k", "search/app", "-m", "chat"])
            .await
            .unwrap();
        assert!(!report.good, "{}", report.text);
        assert!(
            report
                .text
                .contains("rule search/gold: no: match.when is not true"),
            "{}",
            report.text
        );
    }

    #[tokio::test]
    async fn what_cannot_be_asked_says_why() {
        for (more, says) in [
            (["-k", "app", "-m", "chat", "-H", "x-tier"], "'NAME: VALUE'"),
            (
                ["-k", "other", "-m", "chat", "-H", "a: b"],
                "there is no VirtualKey search/other",
            ),
        ] {
            let error = explained(&more).await.unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
    }

    #[tokio::test]
    async fn an_open_breaker_of_an_attempt_is_told() {
        let mut report = explained(&["-k", "app", "-m", "chat", "-H", "X-Tier: gold"])
            .await
            .unwrap();
        let open = json!({"providers": {"fairlead-system/a": {"connections": {"state": "closed"}, "models": {"fast": {"state": "open"}}}}});
        breakers(&mut report, &[("gateway-1".to_owned(), open)]);
        assert!(
            report
                .text
                .ends_with("now: only (fairlead-system/a): fast open at gateway-1\n"),
            "{}",
            report.text
        );
    }
}
