//! `status`: what is not as it should be, in the operator's words, and which generation each gateway enforces.

use serde_json::{Value, json};

use fairlead_snapshot::names;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::Api;

use crate::args::{Place, Status};
use crate::error::{Error, Need};
use crate::exposition::parse;
use crate::objects::{KINDS, full_name, list};
use crate::output::Report;
use crate::reach::{Answer, Reach};
use crate::session::Session;
use crate::table::Table;

/// Reads statuses, the index, and the generation that each gateway is at.
///
/// # Errors
/// The objects cannot be listed. What the user may not see of gateways is told in the report instead.
pub(crate) async fn status(
    session: &Session,
    place: &Place,
    args: &Status,
) -> Result<Report, Error> {
    let namespace = (!place.all_namespaces).then_some(session.namespace.as_str());
    let objects = list(&session.client, &KINDS.map(|(kind, _)| kind), namespace).await?;
    let live = generation(session, place).await;
    let gateways = gateways(session, place).await;
    let mut report = report(&objects, namespace, &live, &gateways);
    report.good |= !args.fail;
    Ok(report)
}

/// The live generation; the words of whoever does not tell it.
async fn generation(session: &Session, place: &Place) -> Result<u64, String> {
    let namespace = &place.gateway_namespace;
    let name = names::index(&place.gateway_name);
    let maps: Api<ConfigMap> = Api::namespaced(session.client.clone(), namespace);
    let map = maps.get(&name).await.map_err(|error| {
        let need = Need::new("get", &format!("configmaps/{name}"), Some(namespace));
        need.failed("reading the live generation", &error)
            .to_string()
    })?;
    let text = map.data.and_then(|mut data| data.remove(names::INDEX_KEY));
    let index: Value = serde_json::from_str(&text.unwrap_or_default())
        .map_err(|_| format!("the ConfigMap {name} is no index"))?;
    index["generation"]
        .as_u64()
        .ok_or_else(|| format!("the index {name} has no generation"))
}

/// What each gateway enforces; the words of whoever does not tell it.
type Gateways = Result<Vec<(String, Result<u64, String>)>, String>;

async fn gateways(session: &Session, place: &Place) -> Gateways {
    let reach = if place.gateway.is_empty() {
        Reach::pods(session, place).await
    } else {
        Reach::direct(place)
    };
    let answers = match reach {
        Ok(reach) => reach.ask("/metrics").await,
        Err(error) => Err(error),
    };
    let answers = answers.map_err(|error| error.to_string())?;
    let of = |Answer { gateway, said }: Answer<_>| {
        let generation =
            said.map_err(|error: Error| error.to_string())
                .and_then(|body: bytes::Bytes| {
                    let samples = parse(&String::from_utf8_lossy(&body));
                    let found = samples
                        .iter()
                        .find(|sample| sample.name == "fairlead_config_generation");
                    let value =
                        found.and_then(|sample| format!("{:.0}", sample.value).parse().ok());
                    value.ok_or_else(|| "it does not say which generation it enforces".to_owned())
                });
        (gateway, generation)
    };
    Ok(answers.into_iter().map(of).collect())
}

/// What is not ok about an object: condition, reason and message; nothing: it is ok.
fn wrong(object: &Value) -> Vec<[String; 3]> {
    let conditions: Vec<&Value> = object["status"]["conditions"]
        .as_array()
        .into_iter()
        .flatten()
        .collect();
    if conditions.is_empty() {
        return vec![
            [
                "-",
                "Waiting",
                "the operator has said nothing about it yet; is it running?",
            ]
            .map(str::to_owned),
        ];
    }
    let generation = &object["metadata"]["generation"];
    let mut found = Vec::new();
    for kind in ["Accepted", "ResolvedRefs", "Programmed"] {
        let Some(condition) = conditions
            .iter()
            .find(|condition| condition["type"] == kind)
        else {
            continue;
        };
        let text = |field: &str| condition[field].as_str().unwrap_or_default().to_owned();
        if condition["observedGeneration"] != *generation {
            found.push([
                kind.to_owned(),
                "Outdated".to_owned(),
                "this version has not been looked at yet".to_owned(),
            ]);
        } else if condition["status"] != "True" && !repeats(kind, &found, &text("message")) {
            found.push([kind.to_owned(), text("reason"), text("message")]);
        }
    }
    found
}

/// Programmed says `see Accepted` where another condition has said it.
fn repeats(kind: &str, found: &[[String; 3]], message: &str) -> bool {
    kind == "Programmed" && !found.is_empty() && message.starts_with("see ")
}

fn report(
    objects: &[(&str, Value)],
    namespace: Option<&str>,
    live: &Result<u64, String>,
    gateways: &Gateways,
) -> Report {
    let mut table = Table::new(&["KIND", "NAME", "CONDITION", "REASON", "MESSAGE"]);
    let (mut not_ok, mut data) = (0, Vec::new());
    for (kind, object) in objects {
        let findings = wrong(object);
        not_ok += usize::from(!findings.is_empty());
        for [condition, reason, message] in findings {
            let name = full_name(object);
            table.row(&[*kind, name.as_str(), &condition, &reason, &message]);
            data.push(json!({"kind": kind, "name": name, "condition": condition, "reason": reason, "message": message}));
        }
    }
    let place = namespace.map_or("all namespaces".to_owned(), |namespace| {
        format!("namespace {namespace}")
    });
    let mut text = format!("{place}: {} objects, {not_ok} not ok\n", objects.len());
    if not_ok > 0 {
        text.push_str(&table.to_string());
    }
    text.push('\n');
    let (told, shown, current) = replicas(live, gateways);
    text.push_str(&told);
    let unseen: Vec<&String> = [live.as_ref().err(), gateways.as_ref().err()]
        .into_iter()
        .flatten()
        .collect();
    let data = json!({
        "objects": objects.len(), "notOk": data, "generation": live.as_ref().ok(), "gateways": shown,
        "unseen": unseen,
    });
    Report {
        text,
        data,
        good: not_ok == 0 && current,
    }
}

/// The gateways, for people and as data, and whether all enforce what is live.
fn replicas(live: &Result<u64, String>, gateways: &Gateways) -> (String, Vec<Value>, bool) {
    let mut text = match live {
        Ok(generation) => format!("live generation {generation}\n"),
        Err(why) => format!("live generation unknown: {why}\n"),
    };
    let gateways = match gateways {
        Ok(gateways) => gateways,
        Err(why) => {
            return (
                text + &format!("gateways not asked: {why}\n"),
                Vec::new(),
                live.is_ok(),
            );
        }
    };
    let mut table = Table::new(&["GATEWAY", "GENERATION", "CURRENT"]);
    let (mut data, mut all) = (Vec::new(), live.is_ok());
    for (name, said) in gateways {
        let current = match (said, live) {
            (Ok(said), Ok(live)) => Some(said >= live),
            (Err(_), _) => Some(false),
            (Ok(_), Err(_)) => None,
        };
        all &= current == Some(true);
        let word = current.map_or("", |current| if current { "yes" } else { "no" });
        let generation = match said {
            Ok(generation) => generation.to_string(),
            Err(why) => why.clone(),
        };
        table.row(&[name.as_str(), &generation, word]);
        data.push(json!({"gateway": name, "generation": said.as_ref().ok(), "current": current, "error": said.as_ref().err()}));
    }
    text.push_str(&table.to_string());
    (text, data, all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(name: &str, conditions: &[(&str, &str, &str, &str, u64)]) -> (&'static str, Value) {
        let conditions: Vec<Value> = conditions
            .iter()
            .map(|(kind, status, reason, message, generation)| {
                json!({"type": kind, "status": status, "reason": reason, "message": message, "observedGeneration": generation})
            })
            .collect();
        let object = json!({"metadata": {"namespace": "search", "name": name, "generation": 2}, "status": {"conditions": conditions}});
        ("RoutingRule", object)
    }

    fn some_not_ok() -> Vec<(&'static str, Value)> {
        vec![
            object(
                "fine",
                &[
                    ("Accepted", "True", "Accepted", "", 2),
                    ("Programmed", "True", "Programmed", "3/3 replicas", 2),
                ],
            ),
            object(
                "bad",
                &[
                    (
                        "Accepted",
                        "False",
                        "ConditionInvalid",
                        "spec.match.when: unexpected end",
                        2,
                    ),
                    (
                        "Programmed",
                        "False",
                        "ConditionInvalid",
                        "see Accepted; the last accepted version stays in force",
                        2,
                    ),
                ],
            ),
            object("old", &[("Accepted", "True", "Accepted", "", 1)]),
            object("new", &[]),
        ]
    }

    #[test]
    fn what_is_not_ok_is_told_in_the_operators_words_and_once() {
        let objects = some_not_ok();
        let gateways = Ok(vec![
            ("a".to_owned(), Ok(412)),
            ("b".to_owned(), Ok(411)),
            ("c".to_owned(), Err("gone".to_owned())),
        ]);
        let report = report(&objects, None, &Ok(412), &gateways);
        assert!(
            report
                .text
                .starts_with("all namespaces: 4 objects, 3 not ok\n"),
            "{}",
            report.text
        );
        assert_eq!(
            report.text.matches("search/bad").count(),
            1,
            "{}",
            report.text
        );
        assert!(
            report.text.contains("spec.match.when: unexpected end"),
            "{}",
            report.text
        );
        assert!(
            report.text.contains("search/old") && report.text.contains("Waiting"),
            "{}",
            report.text
        );
        let current: Vec<_> = report.data["gateways"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["current"].as_bool())
            .collect();
        assert_eq!(current, [Some(true), Some(false), Some(false)]);
        assert!(!report.good);
    }

    #[test]
    fn who_may_not_see_gateways_sees_the_objects_and_is_told_so() {
        let fine = object("fine", &[("Accepted", "True", "Accepted", "", 2)]);
        let report = report(
            &[fine],
            Some("search"),
            &Err("no right".to_owned()),
            &Err("no pods".to_owned()),
        );
        assert!(
            report
                .text
                .contains("namespace search: 1 objects, 0 not ok"),
            "{}",
            report.text
        );
        assert!(
            report
                .text
                .contains("live generation unknown: no right\ngateways not asked: no pods\n"),
            "{}",
            report.text
        );
    }
}
