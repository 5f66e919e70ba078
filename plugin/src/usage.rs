//! `usage`: how budgets and rates stand, as statuses say it (up to a minute old), or as a gateway knows it now.

use serde_json::{Value, json};

use crate::args::{Level, Place, Usage};
use crate::error::Error;
use crate::objects::{full_name, list};
use crate::output::Report;
use crate::session::Session;
use crate::table::Table;

/// All levels, in the order in which they are told.
const LEVELS: [Level; 4] = [
    Level::Organization,
    Level::Team,
    Level::Key,
    Level::Provider,
];

impl Level {
    fn as_str(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Team => "team",
            Self::Organization => "organization",
            Self::Provider => "provider",
        }
    }

    fn kind(self) -> &'static str {
        match self {
            Self::Key => "VirtualKey",
            Self::Team => "Team",
            Self::Organization => "Organization",
            Self::Provider => "LLMProvider",
        }
    }
}

/// Reads statuses, or asks a gateway.
///
/// # Errors
/// The user may not list the objects, or no gateway answers.
pub(crate) async fn usage(place: &Place, args: &Usage) -> Result<Report, Error> {
    let wanted = |level: &Level| args.by.is_empty() || args.by.contains(level);
    let levels: Vec<Level> = LEVELS.into_iter().filter(wanted).collect();
    if args.live || !place.gateway.is_empty() {
        return live(place, &levels).await;
    }
    let session = Session::open(place).await?;
    let namespace = (!place.all_namespaces).then_some(session.namespace.as_str());
    let mut lines = Vec::new();
    for level in levels {
        for (_, object) in list(&session.client, &[level.kind()], namespace).await? {
            lines.extend(of_status(level, &object));
        }
    }
    Ok(report(&lines, &[]))
}

/// The lines of an object's status.
fn of_status(level: Level, object: &Value) -> Vec<Value> {
    let (usage, name) = (&object["status"]["usage"], full_name(object));
    let budgets = usage["budgets"].as_array().into_iter().flatten().map(|budget| {
        json!({
            "level": level.as_str(), "holder": name, "kind": "budget", "limit": budget["name"], "unit": "usd", "used": budget["used"],
            "of": budget["amount"], "remaining": budget["remaining"], "usedPercent": budget["usedPercent"], "resetsAt": budget["resetsAt"],
        })
    });
    let rates = usage["rateLimits"].as_array().into_iter().flatten().map(|rate| {
        let unit = rate["unit"].as_str().unwrap_or_default().to_lowercase();
        json!({
            "level": level.as_str(), "holder": name, "kind": "rate_limit", "limit": rate["name"], "unit": unit, "used": rate["used"],
            "of": rate["limit"], "remaining": rate["remaining"], "usedPercent": rate["usedPercent"], "resetsAt": null,
        })
    });
    budgets.chain(rates).collect()
}

async fn live(place: &Place, levels: &[Level]) -> Result<Report, Error> {
    let reach = crate::reach(place).await?;
    // Without a cluster there is no context whose namespace could be meant.
    let namespace = match (
        &place.namespace,
        place.gateway.is_empty() && !place.all_namespaces,
    ) {
        (Some(namespace), _) => Some(namespace.clone()),
        (None, true) => Some(Session::open(place).await?.namespace),
        (None, false) => None,
    };
    let (mut lines, mut unread) = (Vec::new(), Vec::new());
    let mut path = "/usage".to_owned();
    loop {
        let body = reach.ask_one_in_confidence(&path).await?;
        let page: Value = serde_json::from_slice(&body)
            .map_err(|error| Error::Other(format!("a gateway's /usage: {error}")))?;
        let all = page["limits"].as_array().into_iter().flatten();
        lines.extend(all.filter_map(|line| of_gateway(line, levels, namespace.as_deref())));
        let more = page["unread"].as_array().into_iter().flatten();
        unread.extend(more.filter_map(|name| name.as_str().map(str::to_owned)));
        match page["next"].as_str() {
            Some(next) => path = format!("/usage?after={next}"),
            None => return Ok(report(&lines, &unread)),
        }
    }
}

fn of_gateway(line: &Value, levels: &[Level], namespace: Option<&str>) -> Option<Value> {
    let level = line["level"].as_str()?;
    let holder = line["holder"].as_str()?;
    let in_namespace = namespace.is_none_or(|namespace| {
        holder
            .split_once('/')
            .is_some_and(|(own, _)| own == namespace)
    });
    if !in_namespace || !levels.iter().any(|wanted| wanted.as_str() == level) {
        return None;
    }
    let percent = match (line["used"].as_f64(), line["limit"].as_f64()) {
        (Some(used), Some(limit)) if limit > 0.0 => Some((100.0 * used / limit).floor()),
        _ => None,
    };
    Some(json!({
        "level": level, "holder": holder, "kind": line["kind"], "limit": line["name"], "unit": line["unit"], "used": line["used"],
        "of": line["limit"], "remaining": line["remaining"], "usedPercent": percent, "resetsAt": line["window"]["end"],
    }))
}

fn report(lines: &[Value], unread: &[String]) -> Report {
    let mut table = Table::new(&[
        "LEVEL", "NAME", "LIMIT", "USED", "OF", "LEFT", "UNIT", "USED%", "RESETS",
    ]);
    for line in lines {
        let cell = |field: &str| match line[field].as_str() {
            Some(text) => text.to_owned(),
            None if line[field].is_null() => String::new(),
            None => line[field].to_string(),
        };
        let percent = line["usedPercent"]
            .as_f64()
            .map(|percent| format!("{percent:.0} %"));
        table.row(&[
            cell("level"),
            cell("holder"),
            format!("{}/{}", cell("kind"), cell("limit")),
            cell("used"),
            cell("of"),
            cell("remaining"),
            cell("unit"),
            percent.unwrap_or_default(),
            cell("resetsAt"),
        ]);
    }
    let mut text = if table.is_empty() {
        "no limits are counted here\n".to_owned()
    } else {
        table.to_string()
    };
    if !unread.is_empty() {
        text.push_str(&format!(
            "could not be read just now: {}\n",
            unread.join(", ")
        ));
    }
    Report {
        text,
        data: json!({"limits": lines, "unread": unread}),
        good: true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_told_limit_by_limit() {
        let object = json!({
            "metadata": {"namespace": "search", "name": "research"},
            "status": {"usage": {
                "budgets": [{"name": "month", "used": "83.25", "amount": "100.00", "remaining": "16.75", "usedPercent": 83, "resetsAt": "2026-12-01T00:00:00Z"}],
                "rateLimits": [{"name": "rpm", "unit": "Requests", "used": 7, "limit": 60, "remaining": 53, "usedPercent": 11}],
            }},
        });
        let text = report(&of_status(Level::Team, &object), &[]).text;
        let expected = "LEVEL  NAME             LIMIT           USED   OF      LEFT   UNIT      USED%  RESETS\n\
                        team   search/research  budget/month    83.25  100.00  16.75  usd       83 %   2026-12-01T00:00:00Z\n\
                        team   search/research  rate_limit/rpm  7      60      53     requests  11 %   -\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn of_a_gateway_only_what_was_asked_for_is_told() {
        let line = json!({"level": "key", "holder": "search/app", "name": "month", "kind": "budget", "unit": "usd", "limit": 100, "used": 83.2, "remaining": 16.8});
        assert!(of_gateway(&line, &[Level::Team], None).is_none());
        assert!(of_gateway(&line, &LEVELS, Some("shop")).is_none());
        let told = of_gateway(&line, &LEVELS, Some("search")).unwrap();
        assert_eq!(told["usedPercent"], 83.0);
    }
}
