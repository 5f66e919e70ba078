//! `health`: breakers, rests and limits, of each gateway beside the others, for each has its own.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::args::{FailOn, Health};
use crate::error::Error;
use crate::output::Report;
use crate::reach::{Reach, as_json};
use crate::table::Table;

/// Asks every gateway how its providers do.
///
/// # Errors
/// No gateway says it, or there is no such provider.
pub(crate) async fn health(reach: &Reach, args: &Health) -> Result<Report, Error> {
    let (said, silent) = as_json(reach.ask_in_confidence("/health").await?);
    if let Some(wanted) = &args.provider
        && !said
            .iter()
            .any(|(_, body)| body["providers"][wanted].is_object())
    {
        return Err(Error::Other(format!(
            "no gateway has a provider {wanted}; say NAMESPACE/NAME as `kubectl fairlead health` lists them"
        )));
    }
    Ok(report(&said, &silent, args))
}

/// What is said of one provider, or of one of its models: by every gateway, in their order.
type Lines<'a> = BTreeMap<(&'a str, &'a str), Vec<Option<&'a Value>>>;

fn report(said: &[(String, Value)], silent: &[String], args: &Health) -> Report {
    let lines = lines(said, args.provider.as_deref());
    let mut table = Table::new(&[
        "PROVIDER",
        "MODEL",
        "BREAKER",
        "10S REQ/FAIL",
        "P95 FIRST",
        "IN FLIGHT",
        "CREDENTIALS",
    ]);
    for ((provider, model), replicas) in &lines {
        table.row(&row(provider, model, replicas));
    }
    let names: Vec<&str> = said.iter().map(|(name, _)| name.as_str()).collect();
    let mut text = format!("gateways: {}\n{table}", names.join(", "));
    for error in silent {
        text.push_str(&format!("not asked: {error}\n"));
    }
    let states: BTreeSet<&str> = lines
        .values()
        .flatten()
        .flatten()
        .map(|told| state(told))
        .collect();
    let good = match args.fail_on {
        None => true,
        // One that did not answer may have what is looked for.
        Some(_) if !silent.is_empty() => false,
        Some(FailOn::Open) => !states.contains("open"),
        Some(FailOn::NotClosed) => states.iter().all(|&state| state == "closed"),
    };
    if args.fail_on.is_some() && !silent.is_empty() {
        text.push_str("not every gateway has answered, so --fail-on fails\n");
    }
    let of =
        |(name, body): &(String, Value)| json!({"gateway": name, "providers": body["providers"]});
    let data = json!({"gateways": said.iter().map(of).collect::<Vec<_>>(), "unreachable": silent});
    Report { text, data, good }
}

/// Connections stand under the model of no name, ahead of the models.
fn lines<'a>(said: &'a [(String, Value)], only: Option<&str>) -> Lines<'a> {
    let mut lines = Lines::new();
    for (at, (_, body)) in said.iter().enumerate() {
        let providers = body["providers"].as_object().into_iter().flatten();
        for (name, provider) in providers.filter(|(name, _)| only.is_none_or(|only| only == *name))
        {
            let models = provider["models"].as_object().into_iter().flatten();
            let models = models.map(|(model, told)| (model.as_str(), told));
            for (model, told) in models.chain([("", provider)]) {
                let replicas = lines.entry((name.as_str(), model)).or_default();
                replicas.resize(said.len(), None);
                if let Some(place) = replicas.get_mut(at) {
                    *place = Some(told);
                }
            }
        }
    }
    lines
}

/// What stands for a provider's connections has its breaker a level deeper.
fn breaker(told: &Value) -> &Value {
    if told["connections"].is_object() {
        &told["connections"]
    } else {
        told
    }
}

fn state(told: &Value) -> &str {
    breaker(told)["state"].as_str().unwrap_or("unknown")
}

fn row(provider: &str, model: &str, replicas: &[Option<&Value>]) -> [String; 7] {
    let told = || replicas.iter().flatten().copied();
    let sum = |of: &dyn Fn(&Value) -> Option<u64>| told().filter_map(of).sum::<u64>();
    let recent = |field: &'static str| move |told: &Value| breaker(told)["last10s"][field].as_u64();
    let p95 = told()
        .filter_map(|told| {
            told["firstContentP95Ms"]["streams"]
                .as_u64()
                .or(told["firstContentP95Ms"]["whole"].as_u64())
        })
        .max();
    let busy = sum(&|told| told["inFlight"].as_u64());
    let limit = sum(&|told| told["limit"].as_u64());
    let queued = sum(&|told| told["queued"].as_u64());
    let mut flight = busy.to_string();
    if limit > 0 {
        flight.push_str(&format!("/{limit}"));
    }
    if queued > 0 {
        flight.push_str(&format!(" q {queued}"));
    }
    let name = if model.is_empty() {
        "(connections)"
    } else {
        model
    };
    [
        provider.to_owned(),
        name.to_owned(),
        states(replicas),
        format!("{}/{}", sum(&recent("requests")), sum(&recent("failures"))),
        p95.map(|millis| format!("{millis} ms")).unwrap_or_default(),
        flight,
        credentials(replicas),
    ]
}

/// One word where all say the same, else one for each gateway in their order. An open one says for how long, and why.
fn states(replicas: &[Option<&Value>]) -> String {
    let each: Vec<String> = replicas
        .iter()
        .map(|told| {
            let Some(told) = told else {
                return "?".to_owned();
            };
            let state = state(told);
            if state == "closed" {
                return state.to_owned();
            }
            let mut words = state.to_uppercase();
            if let Some(millis) = breaker(told)["forMs"].as_u64() {
                words.push_str(&format!(" {} s", millis.div_ceil(1000)));
            }
            if let Some(why) = breaker(told)["lastFailure"].as_str() {
                words.push_str(&format!(" ({why})"));
            }
            words
        })
        .collect();
    match each.split_first() {
        Some((first, rest)) if rest.iter().all(|word| word == first) => first.clone(),
        Some(_) => each.join(", "),
        None => String::new(),
    }
}

/// Those with which something is wrong at a gateway; the others are ok.
fn credentials(replicas: &[Option<&Value>]) -> String {
    let mut wrong = BTreeMap::<&str, Vec<String>>::new();
    for told in replicas.iter().flatten() {
        for (name, credential) in told["credentials"].as_object().into_iter().flatten() {
            let state = credential["state"].as_str().unwrap_or_default();
            if state == "ok" {
                continue;
            }
            let mut words = state.to_owned();
            if let Some(millis) = credential["forMs"].as_u64() {
                words.push_str(&format!(" {} s", millis.div_ceil(1000)));
            }
            let all = wrong.entry(name).or_default();
            if !all.contains(&words) {
                all.push(words);
            }
        }
    }
    let each = wrong
        .iter()
        .map(|(name, states)| format!("{name} {}", states.join(", ")));
    each.collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guarded(state: &str, failures: u64) -> Value {
        json!({
            "state": state, "forMs": (state == "open").then_some(11_200), "consecutiveFailures": failures,
            "last10s": {"requests": 20, "failures": failures}, "lastFailure": (failures > 0).then_some("overloaded"),
        })
    }

    fn gateway(name: &str, state: &str, failures: u64) -> (String, Value) {
        let mut model = guarded(state, failures);
        model["firstContentP95Ms"] = json!({"streams": 812, "whole": null});
        model["inFlight"] = 3.into();
        model["credentials"] = json!({"primary": {"state": "resting", "forMs": 1500}, "spare": {"state": "ok", "forMs": null}});
        let provider = json!({
            "connections": guarded("closed", 0), "models": {"gpt-4o": model}, "inFlight": 3, "queued": 1, "limit": 64, "servers": null,
        });
        (
            name.to_owned(),
            json!({"providers": {"default/openai": provider}}),
        )
    }

    fn told(fail_on: Option<FailOn>) -> Report {
        let said = [gateway("a", "open", 21), gateway("b", "closed", 1)];
        let args = Health {
            provider: None,
            fail_on,
        };
        report(&said, &["c: no answer within 10 s".to_owned()], &args)
    }

    #[test]
    fn numbers_are_summed_and_states_stand_side_by_side() {
        let text = told(None).text;
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "gateways: a, b");
        assert!(
            lines[2].starts_with("default/openai  (connections)  closed"),
            "{text}"
        );
        assert!(lines[2].contains("6/128 q 2"), "{text}");
        let model = lines[3]
            .split("  ")
            .filter(|cell| !cell.is_empty())
            .map(str::trim)
            .collect::<Vec<_>>();
        assert_eq!(
            model,
            [
                "default/openai",
                "gpt-4o",
                "OPEN 12 s (overloaded), closed",
                "40/22",
                "812 ms",
                "6",
                "primary resting 2 s"
            ]
        );
        assert_eq!(lines[4], "not asked: c: no answer within 10 s");
    }

    #[test]
    fn the_exit_code_tells_of_a_breaker_of_any_gateway() {
        assert!(told(None).good);
        assert!(!told(Some(FailOn::Open)).good && !told(Some(FailOn::NotClosed)).good);
        let said = [gateway("a", "ramping", 0)];
        let args = |fail_on| Health {
            provider: None,
            fail_on: Some(fail_on),
        };
        assert!(report(&said, &[], &args(FailOn::Open)).good);
        // Who is not known to be well is not well.
        let silent = ["b: no answer within 10 s".to_owned()];
        let told = report(&said, &silent, &args(FailOn::Open));
        assert!(!told.good && told.text.contains("--fail-on fails"));
        let args_without = Health {
            provider: None,
            fail_on: None,
        };
        assert!(report(&said, &silent, &args_without).good);
        assert!(!report(&said, &[], &args(FailOn::NotClosed)).good);
    }
}
