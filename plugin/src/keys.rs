//! `keys`: which there are, another value for one, and whether one is refused. Everything is asked of the API server as the user; the operator does
//! the rest, as for an edit of the manifest (`docs/keys.md`).

mod rotate;

use jiff::Timestamp;
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};

use crate::args::{Keys, KeysCommand, Named, Place};
use crate::error::{Error, Need};
use crate::objects::{api, full_name, list, resource};
use crate::output::Report;
use crate::session::Session;
use crate::table::Table;

/// The kind.
const KIND: &str = "VirtualKey";
/// Who the API server notes as having changed what is changed here.
const MANAGER: &str = "kubectl-fairlead";
/// Those that write back what stands in git, as they call themselves in `managedFields`.
const FROM_GIT: [(&str, &str); 3] = [
    ("argocd-controller", "Argo CD"),
    ("kustomize-controller", "Flux"),
    ("helm-controller", "Flux"),
];

/// Does what the command says.
///
/// # Errors
/// The user may not, or there is no such key.
pub(crate) async fn keys(session: &Session, place: &Place, args: &Keys) -> Result<Report, Error> {
    match &args.command {
        KeysCommand::List => all(session, place).await,
        KeysCommand::Rotate(args) => rotate::rotate(session, args).await,
        KeysCommand::Suspend(named) => suspend(session, named, true).await,
        KeysCommand::Resume(named) => suspend(session, named, false).await,
    }
}

async fn all(session: &Session, place: &Place) -> Result<Report, Error> {
    let namespace = (!place.all_namespaces).then_some(session.namespace.as_str());
    let keys = list(&session.client, &[KIND], namespace).await?;
    let now = Timestamp::now().to_string();
    let mut table = Table::new(&[
        "NAME",
        "TYPE",
        "STATE",
        "HINT",
        "TEAM",
        "ROTATED",
        "PREVIOUS UNTIL",
        "EXPIRES",
    ]);
    let mut data = Vec::new();
    for (_, key) in &keys {
        let line = line(key, &now);
        let cell = |field: &str| line[field].as_str().unwrap_or_default().to_owned();
        table.row(
            &[
                "name",
                "type",
                "state",
                "hint",
                "team",
                "rotatedAt",
                "previousValidUntil",
                "expiresAt",
            ]
            .map(cell),
        );
        data.push(line);
    }
    let text = if table.is_empty() {
        "no keys here; -A looks in all namespaces\n".to_owned()
    } else {
        table.to_string()
    };
    Ok(Report {
        text,
        data: json!({"keys": data}),
        good: true,
    })
}

/// A key in short. Times of RFC 3339 in UTC sort as they pass.
fn line(key: &Value, now: &str) -> Value {
    let (spec, status) = (&key["spec"], &key["status"]);
    let conditions = status["conditions"].as_array().into_iter().flatten();
    let bad = conditions
        .clone()
        .find(|condition| condition["status"] == "False" && condition["type"] != "Ready");
    let expired = spec["expiresAt"].as_str().is_some_and(|at| at <= now);
    let state = match bad {
        _ if spec["suspended"] == true => "suspended".to_owned(),
        _ if expired => "expired".to_owned(),
        Some(condition) => condition["reason"].as_str().unwrap_or_default().to_owned(),
        None if status["conditions"].is_null() => "waiting".to_owned(),
        None => "ok".to_owned(),
    };
    // What is over is of no use to anybody.
    let until = status["key"]["previousValidUntil"]
        .as_str()
        .filter(|until| *until > now);
    json!({
        "name": full_name(key), "type": spec["key"]["type"], "state": state, "hint": status["key"]["hint"], "team": spec["teamRef"]["name"],
        "secret": status["key"]["secretName"], "rotatedAt": status["key"]["rotatedAt"], "previousValidUntil": until, "expiresAt": spec["expiresAt"],
    })
}

async fn suspend(session: &Session, named: &Named, suspended: bool) -> Result<Report, Error> {
    let (namespace, name) = session.name(&named.key);
    let patch = json!({"spec": {"suspended": suspended}});
    let key = patched(
        session,
        named,
        &patch,
        if suspended {
            "suspending a key"
        } else {
            "resuming a key"
        },
    )
    .await?;
    let word = if suspended { "suspended" } else { "resumed" };
    let mut text = format!(
        "virtualkey {namespace}/{name} {word}{}\n",
        if named.dry_run { " (dry run)" } else { "" }
    );
    if suspended && !named.dry_run {
        text.push_str("gateways refuse it within about a second; the value before the present one will not come back with it\n");
    }
    text.push_str(&from_git(&key));
    Ok(Report {
        text,
        data: key,
        good: true,
    })
}

/// Changes a key, or has the API server check that.
async fn patched(
    session: &Session,
    named: &Named,
    patch: &Value,
    what: &str,
) -> Result<Value, Error> {
    let (namespace, name) = session.name(&named.key);
    let params = PatchParams {
        dry_run: named.dry_run,
        field_manager: Some(MANAGER.to_owned()),
        ..PatchParams::default()
    };
    let api = api(&session.client, KIND, Some(namespace));
    let key = api
        .patch(name, &params, &Patch::Merge(patch))
        .await
        .map_err(|error| {
            Need::new("patch", &resource(KIND), Some(namespace)).failed(what, &error)
        })?;
    serde_json::to_value(&key).map_err(|error| Error::Other(error.to_string()))
}

/// What has to be said where the manifest stands in git.
fn from_git(key: &Value) -> String {
    let managers = key["metadata"]["managedFields"]
        .as_array()
        .into_iter()
        .flatten();
    let mut managers = managers.filter_map(|entry| entry["manager"].as_str());
    let tool = managers.find_map(|manager| FROM_GIT.iter().find(|(name, _)| *name == manager));
    tool.map_or_else(String::new, |(_, tool)| {
        format!("{tool} applies this key from git, and puts back whatever its manifest says otherwise: change it there, too\n")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_told_as_it_is() {
        let mut key = json!({
            "metadata": {"namespace": "search", "name": "app"},
            "spec": {"key": {"type": "Generate"}, "expiresAt": "2027-01-01T00:00:00Z"},
            "status": {
                "key": {"hint": "...a1b2", "previousValidUntil": "2026-11-30T00:00:00Z"},
                "conditions": [{"type": "Accepted", "status": "True"}, {"type": "Programmed", "status": "True"}],
            },
        });
        let state = |key: &Value, now: &str| line(key, now)["state"].as_str().unwrap().to_owned();
        assert_eq!(state(&key, "2026-11-29T00:00:00Z"), "ok");
        assert_eq!(state(&key, "2027-01-01T00:00:00Z"), "expired");
        assert_eq!(
            line(&key, "2026-11-29T00:00:00Z")["previousValidUntil"],
            "2026-11-30T00:00:00Z"
        );
        assert_eq!(
            line(&key, "2026-12-01T00:00:00Z")["previousValidUntil"],
            Value::Null
        );
        key["spec"]["suspended"] = true.into();
        assert_eq!(state(&key, "2026-11-29T00:00:00Z"), "suspended");
        key["spec"]["suspended"] = Value::Null;
        key["status"]["conditions"] =
            json!([{"type": "ResolvedRefs", "status": "False", "reason": "SecretNotFound"}]);
        assert_eq!(state(&key, "2026-11-29T00:00:00Z"), "SecretNotFound");
    }

    #[test]
    fn who_keeps_a_key_in_git_is_told_to_change_it_there() {
        let key = json!({"metadata": {"managedFields": [{"manager": "kubectl-fairlead"}, {"manager": "argocd-controller"}]}});
        assert!(from_git(&key).starts_with("Argo CD applies this key from git"));
        assert_eq!(from_git(&json!({"metadata": {}})), "");
    }
}
