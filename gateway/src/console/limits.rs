//! How limits stand: of a few, as a gateway says it now; of all, as the operator has written it down.

use std::collections::BTreeSet;

use fairlead_console::view::key::LimitView;
use fairlead_snapshot::{Key, ObjectName, Snapshot};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::govern::report::{Line, Span};

/// So many are asked for by name.
const NAMED: usize = 16;

/// What a gateway says of a few.
#[derive(Debug, Deserialize)]
pub(super) struct Page {
    limits: Vec<Said>,
}

/// A limit as a gateway says it. Amounts stay text: money must not become a float.
#[derive(Debug, Deserialize)]
struct Said {
    level: String,
    holder: Box<str>,
    name: Box<str>,
    kind: String,
    unit: String,
    limit: Box<RawValue>,
    used: Box<RawValue>,
    remaining: Box<RawValue>,
    #[serde(default)]
    window: Option<Window>,
    #[serde(default)]
    per_seconds: Option<f64>,
}

#[derive(Debug, Deserialize)]
struct Window {
    start: String,
    end: String,
}

impl Page {
    /// As the gateway itself has them; what is not understood, of one of another version, is left out.
    #[must_use]
    pub(super) fn lines(self) -> Vec<Line> {
        self.limits.into_iter().filter_map(Said::line).collect()
    }
}

impl Said {
    fn line(self) -> Option<Line> {
        let level = word(&self.level, &["organization", "team", "key", "provider"])?;
        let kind = word(&self.kind, &["budget", "rate_limit", "concurrency"])?;
        let units = ["usd", "requests", "tokens", "input_tokens", "output_tokens"];
        Some(Line {
            level,
            holder: self.holder,
            name: self.name,
            kind,
            unit: word(&self.unit, &units)?,
            limit: self.limit,
            used: self.used,
            remaining: self.remaining,
            window: self.window.map(|Window { start, end }| Span { start, end }),
            per_seconds: self.per_seconds,
        })
    }
}

fn word(said: &str, known: &[&'static str]) -> Option<&'static str> {
    known.iter().find(|word| **word == said).copied()
}

/// What a gateway is asked with for these.
#[must_use]
pub(super) fn path(holders: &[String]) -> String {
    let named = holders.iter().take(NAMED);
    let only: Vec<String> = named.map(|holder| format!("only={holder}")).collect();
    format!("/usage?{}", only.join("&"))
}

/// Whose limits a key has to keep: `LEVEL/NAMESPACE/NAME`.
#[must_use]
pub(super) fn holders(snapshot: &Snapshot, name: &ObjectName, key: &Key) -> Vec<String> {
    let mut all = vec![format!("key/{name}")];
    let mut organization = key.organization.as_deref();
    if let Some(team) = &key.team {
        let team = ObjectName::new(&name.namespace, team);
        let owner = snapshot.teams.get(&team);
        organization = organization.or(owner.and_then(|owner| owner.organization.as_deref()));
        all.push(format!("team/{team}"));
    }
    let mut known = snapshot.organizations.keys();
    if let Some(organization) = known.find(|known| Some(known.name.as_str()) == organization) {
        all.push(format!("organization/{organization}"));
    }
    all
}

/// What `status.usage` of an object says, of limits that are in force: statuses are up to a minute behind, and may still name one that is gone.
#[must_use]
pub(super) fn of_status(
    (level, holder): (&str, &ObjectName),
    in_force: &BTreeSet<&str>,
    usage: &Value,
) -> Vec<LimitView> {
    let text = |value: &Value| {
        let text = value.as_str().map(str::to_owned);
        let number = || value.as_number().map(ToString::to_string);
        text.or_else(number).unwrap_or_default()
    };
    let of = |member: &str| usage[member].as_array().into_iter().flatten();
    let view = |kind: &str, told: &Value| {
        let name = told["name"].as_str()?;
        in_force.contains(name).then(|| LimitView {
            level: level.to_owned(),
            holder: holder.to_string(),
            name: name.to_owned(),
            kind: kind.to_owned(),
            used: text(&told["used"]),
            remaining: text(&told["remaining"]),
            ..LimitView::default()
        })
    };
    let budgets = of("budgets").filter_map(|told| {
        let window = ["windowStart", "resetsAt"].map(|member| text(&told[member]));
        Some(LimitView {
            unit: "usd".to_owned(),
            limit: text(&told["amount"]),
            window: Some(window),
            ..view("budget", told)?
        })
    });
    let rates = of("rateLimits").filter_map(|told| {
        Some(LimitView {
            unit: unit(told["unit"].as_str().unwrap_or_default()).to_owned(),
            limit: text(&told["limit"]),
            ..view("rate_limit", told)?
        })
    });
    budgets.chain(rates).collect()
}

/// A unit as gateways call it.
fn unit(named: &str) -> &'static str {
    match named {
        "Requests" => "requests",
        "InputTokens" => "input_tokens",
        "OutputTokens" => "output_tokens",
        _ => "tokens",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn money_comes_from_a_gateway_as_it_is_written() {
        let text = r#"{"generation": 1, "limits": [
            {"level": "team", "holder": "a/t", "name": "month", "kind": "budget", "unit": "usd", "limit": 3999999.999999999, "used": 0.000000001,
             "remaining": 1.00, "window": {"start": "s", "end": "e"}},
            {"level": "planet", "holder": "a/t", "name": "x", "kind": "budget", "unit": "usd", "limit": 1, "used": 1, "remaining": 0}]}"#;
        let page: Page = serde_json::from_str(text).unwrap();
        let lines = page.lines();
        assert_eq!(lines.len(), 1);
        assert_eq!(lines[0].limit.get(), "3999999.999999999");
        assert_eq!(lines[0].used.get(), "0.000000001");
    }

    #[test]
    fn a_status_tells_of_limits_that_are_in_force_and_of_no_others() {
        let usage = json!({
            "budgets": [
                {"name": "month", "used": "1.50", "amount": "10.00", "remaining": "8.50", "windowStart": "s", "resetsAt": "e"},
                {"name": "gone", "used": "1.50", "amount": "10.00", "remaining": "8.50", "windowStart": "s", "resetsAt": "e"},
            ],
            "rateLimits": [{"name": "rpm", "unit": "Requests", "used": 3, "limit": 60, "remaining": 57}],
        });
        let name = ObjectName::new("search", "web");
        let told = of_status(("team", &name), &BTreeSet::from(["month", "rpm"]), &usage);
        let told: Vec<_> = told
            .iter()
            .map(|limit| {
                (
                    limit.name.as_str(),
                    limit.unit.as_str(),
                    limit.used.as_str(),
                    limit.limit.as_str(),
                )
            })
            .collect();
        assert_eq!(
            told,
            [
                ("month", "usd", "1.50", "10.00"),
                ("rpm", "requests", "3", "60")
            ]
        );
    }
}
