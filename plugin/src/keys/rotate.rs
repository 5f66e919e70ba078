//! `keys rotate`: asks for another value by the annotation, waits until the operator has served it, and prints the value once.

use std::time::Duration;

use fairlead_crds::ROTATE_ANNOTATION;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Secret;
use kube::{Api, ResourceExt as _};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::{KIND, from_git, patched};
use crate::args::Rotate;
use crate::error::{Error, Need};
use crate::objects::{api, resource};
use crate::output::Report;
use crate::session::Session;

/// How long an operator may take: it has to look, to write the Secret, and to see that.
const PATIENCE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(250);

/// Rotates a key.
///
/// # Errors
/// It has no value of the operator's, the user may not change it, or no operator serves the request.
pub(super) async fn rotate(session: &Session, args: &Rotate) -> Result<Report, Error> {
    let (namespace, name) = session.name(&args.key.key);
    let keys = api(&session.client, KIND, Some(namespace));
    let before = keys.get(name).await.map_err(|error| {
        Need::new("get", &resource(KIND), Some(namespace)).failed("reading the key", &error)
    })?;
    let secret = rotatable(&before.data, namespace, name)?;
    let request = Timestamp::now().to_string();
    let mut patch = json!({"metadata": {"annotations": {(ROTATE_ANNOTATION): request}}});
    if let Some(overlap) = &args.overlap {
        patch["spec"]["rotation"]["overlap"] = overlap.as_str().into();
    }
    let key = patched(session, &args.key, &patch, "rotating a key").await?;
    if args.key.dry_run {
        let text = format!(
            "virtualkey {namespace}/{name} would get another value (dry run)\n{}",
            from_git(&key)
        );
        return Ok(Report {
            text,
            data: key,
            good: true,
        });
    }
    let place = (namespace, secret.as_str());
    let served = served(session, args, place, &before.data, &request).await?;
    Ok(told(args, (namespace, name), &secret, &served, &key))
}

/// The Secret of a key that the operator makes values for.
fn rotatable(key: &Value, namespace: &str, name: &str) -> Result<String, Error> {
    let spec = &key["spec"];
    let secret = spec["key"]["secretRef"]["name"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    let wrong = match spec["key"]["type"].as_str() {
        Some("Generate") => return Ok(secret),
        Some("SecretRef") => format!(
            "its value is yours: write another into the Secret {namespace}/{secret}, and spec.rotation keeps the one before for a while"
        ),
        _ => "its callers present tokens, which their issuer replaces".to_owned(),
    };
    Err(Error::Other(format!(
        "virtualkey {namespace}/{name} cannot be rotated: {wrong}"
    )))
}

/// What is known once the operator has served the request.
struct Served {
    /// The new value; `Err`: why it cannot be shown.
    value: Result<String, String>,
    /// The status of the key.
    status: Value,
}

/// Waits until the Secret says that the request was served; who may not read it looks at the key's status.
async fn served(
    session: &Session,
    args: &Rotate,
    (namespace, secret): (&str, &str),
    before: &Value,
    request: &str,
) -> Result<Served, Error> {
    let (_, name) = session.name(&args.key.key);
    let keys = api(&session.client, KIND, Some(namespace));
    let secrets: Api<Secret> = Api::namespaced(session.client.clone(), namespace);
    let field = before["spec"]["key"]["secretRef"]["key"]
        .as_str()
        .unwrap_or("apiKey");
    let known = &before["status"]["key"];
    let began = Instant::now();
    loop {
        let status = keys.get(name).await.map_err(|error| {
            Need::new("get", &resource(KIND), Some(namespace)).failed("reading the key", &error)
        })?;
        let asked = status.annotations().get(ROTATE_ANNOTATION).cloned();
        let status = status.data["status"]["key"].clone();
        still_ours(asked.as_deref(), request, (namespace, name, secret))?;
        // A value is valid where gateways are asked only once the status tells of it.
        let is_told = status["rotatedAt"].is_string()
            && (status["rotatedAt"] != known["rotatedAt"] || status["hint"] != known["hint"]);
        if is_told && args.quiet {
            return Ok(Served {
                value: Err("--quiet".to_owned()),
                status,
            });
        }
        if is_told {
            match secrets.get(secret).await {
                Ok(found)
                    if found
                        .annotations()
                        .get(ROTATE_ANNOTATION)
                        .is_some_and(|served| served == request) =>
                {
                    let value = found.data.and_then(|mut data| data.remove(field));
                    let value = value.and_then(|value| String::from_utf8(value.0).ok());
                    return Ok(Served {
                        value: value
                            .ok_or_else(|| "the Secret has no such key any more".to_owned()),
                        status,
                    });
                }
                // Of a rotation before this one.
                Ok(_) => {}
                Err(error) => {
                    let need = Need::new("get", &format!("secrets/{secret}"), Some(namespace));
                    let why = need.failed("showing the value", &error).to_string();
                    return Ok(Served {
                        value: Err(why),
                        status,
                    });
                }
            }
        }
        if began.elapsed() > PATIENCE {
            return Err(Error::Other(format!(
                "the operator has not rotated the key within {} s; the request stands, and it will once it runs: kubectl -n {namespace} describe virtualkey {name}",
                PATIENCE.as_secs()
            )));
        }
        sleep(PAUSE).await;
    }
}

/// Whether no other request has taken the place of ours; an operator may take away what it has served.
///
/// # Errors
/// One has.
fn still_ours(
    asked: Option<&str>,
    request: &str,
    (namespace, name, secret): (&str, &str, &str),
) -> Result<(), Error> {
    match asked.filter(|asked| *asked != request) {
        None => Ok(()),
        Some(other) => Err(Error::Other(format!(
            "the request was replaced by another one ({other}), for which {namespace}/{name} is rotated; its value stands in the Secret {namespace}/{secret}"
        ))),
    }
}

fn told(
    args: &Rotate,
    (namespace, name): (&str, &str),
    secret: &str,
    served: &Served,
    key: &Value,
) -> Report {
    let until = served.status["previousValidUntil"].as_str();
    let mut text = format!("virtualkey {namespace}/{name} rotated\n");
    text.push_str(&match until {
        Some(until) => format!("the value before works until {until}\n"),
        None => "the value before is refused\n".to_owned(),
    });
    if let Some(overlap) = &args.overlap {
        text.push_str(&format!(
            "spec.rotation.overlap is {overlap} from now on: later rotations keep the value before for as long\n"
        ));
    }
    let shown = served.value.as_ref().ok();
    match &served.value {
        Ok(value) => text.push_str(&format!(
            "the new value, shown once; it stands in the Secret {namespace}/{secret}:\n{value}\n"
        )),
        Err(_) if args.quiet => text.push_str(&format!(
            "the new value stands in the Secret {namespace}/{secret}\n"
        )),
        Err(why) => text.push_str(&format!(
            "the new value stands in the Secret {namespace}/{secret} and is not shown: {why}\n"
        )),
    }
    text.push_str(&from_git(key));
    let data = json!({
        "name": format!("{namespace}/{name}"), "secret": secret, "value": shown, "hint": served.status["hint"],
        "rotatedAt": served.status["rotatedAt"], "previousValidUntil": until,
    });
    Report {
        text,
        data,
        good: true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_request_is_not_waited_for() {
        let place = ("search", "app", "made");
        assert!(still_ours(Some("ours"), "ours", place).is_ok());
        assert!(still_ours(None, "ours", place).is_ok());
        let error = still_ours(Some("theirs"), "ours", place).unwrap_err();
        assert!(
            error
                .to_string()
                .contains("replaced by another one (theirs)")
        );
    }

    #[test]
    fn an_overlap_is_said_to_stay() {
        use clap::Parser as _;

        let words = [
            "kubectl-fairlead",
            "keys",
            "rotate",
            "app",
            "--overlap",
            "0s",
        ];
        let parsed = crate::args::Args::try_parse_from(words).unwrap();
        let crate::args::Command::Keys(keys) = parsed.command else {
            panic!("no keys");
        };
        let crate::args::KeysCommand::Rotate(args) = keys.command else {
            panic!("no rotation");
        };
        let served = Served {
            value: Ok("sk-made".to_owned()),
            status: json!({}),
        };
        let told = told(&args, ("search", "app"), "made", &served, &json!({}));
        assert!(
            told.text
                .contains("spec.rotation.overlap is 0s from now on")
        );
    }

    #[test]
    fn only_a_generated_key_is_rotated_and_the_others_say_how() {
        let of = |spec: &Value| rotatable(&json!({"spec": spec}), "search", "app");
        let generated = json!({"key": {"type": "Generate", "secretRef": {"name": "made"}}});
        assert_eq!(of(&generated).unwrap(), "made");
        for (spec, says) in [
            (
                json!({"key": {"type": "SecretRef", "secretRef": {"name": "own"}}}),
                "Secret search/own",
            ),
            (json!({"key": {"type": "OIDC"}}), "their issuer"),
        ] {
            let error = of(&spec).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
    }
}
