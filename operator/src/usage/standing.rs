//! What a gateway says of limits -> what `status.usage` says. Pure.

use std::collections::BTreeMap;

use fairlead_crds::v1alpha1::{
    BudgetUsage, Judged, RateLimitUsage, RateUnit, TightestLimit, Usage,
};
use fairlead_snapshot::ObjectName;
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::report::ledger::Entry;

/// The most of each that an object may have, as the schema says.
const BUDGETS: usize = 8;
const RATE_LIMITS: usize = 16;
/// A percentage is told up to here.
const MOST_PERCENT: u32 = 1_000_000;
const NANOS: i128 = 1_000_000_000;

/// How one limit stands, as a gateway says it. Amounts are kept as text: money must not become a float.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Line {
    level: String,
    /// `namespace/name`.
    holder: String,
    name: String,
    kind: String,
    unit: String,
    limit: Box<RawValue>,
    used: Box<RawValue>,
    #[serde(default)]
    window: Option<Window>,
}

#[derive(Debug, Clone, Deserialize)]
struct Window {
    start: String,
    end: String,
}

/// What each object's usage is to say. What is not understood, of a gateway of another version, is left out.
#[must_use]
pub(super) fn usages(lines: Vec<Line>, at: Timestamp) -> BTreeMap<Entry, Value> {
    let mut usages: BTreeMap<Entry, Usage> = BTreeMap::new();
    for line in lines {
        let Some(entry) = entry(&line) else { continue };
        let (budget, rate_limit) = (budget(&line), rate_limit(&line));
        if budget.is_none() && rate_limit.is_none() {
            continue;
        }
        let usage = usages.entry(entry).or_default();
        add(&mut usage.budgets, budget, BUDGETS);
        add(&mut usage.rate_limits, rate_limit, RATE_LIMITS);
    }
    let told = usages.into_iter().filter_map(|(entry, mut usage)| {
        usage.observed_at = Some(Time(at));
        usage.tightest = tightest(&usage);
        Some((entry, serde_json::to_value(usage).ok()?))
    });
    told.collect()
}

/// How a provider is judged, as a gateway says it.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct JudgedLine {
    /// `namespace/name`.
    provider: String,
    state: String,
    /// In thousandths.
    score: u32,
    reason: String,
}

/// Adds to usages how providers are judged.
pub(super) fn add_judged(usages: &mut BTreeMap<Entry, Value>, lines: &[JudgedLine], at: Timestamp) {
    for line in lines {
        let Some(entry) = entry_of("provider", &line.provider) else {
            continue;
        };
        let judged = Judged {
            state: cut(&line.state, 16),
            score: format!("{:.3}", f64::from(line.score.min(1000)) / 1000.0),
            reason: cut(&line.reason, 128),
        };
        let told = Usage {
            observed_at: Some(Time(at)),
            judged: Some(judged),
            ..Usage::default()
        };
        let Ok(told) = serde_json::to_value(told) else {
            continue;
        };
        match usages.get_mut(&entry) {
            Some(usage) => usage["judged"] = told["judged"].clone(),
            None => {
                usages.insert(entry, told);
            }
        }
    }
}

/// As much of a text as a status takes.
fn cut(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}

fn add<T>(list: &mut Option<Vec<T>>, item: Option<T>, most: usize) {
    let Some(item) = item else { return };
    let list = list.get_or_insert_default();
    if list.len() < most {
        list.push(item);
    }
}

fn entry(line: &Line) -> Option<Entry> {
    entry_of(&line.level, &line.holder)
}

/// Whom `LEVEL/NAMESPACE/NAME` names.
#[must_use]
pub(super) fn entry_at(place: &str) -> Option<Entry> {
    let (level, holder) = place.split_once('/')?;
    entry_of(level, holder)
}

fn entry_of(level: &str, holder: &str) -> Option<Entry> {
    let kind = match level {
        "organization" => "Organization",
        "team" => "Team",
        "key" => "VirtualKey",
        "provider" => "LLMProvider",
        _ => return None,
    };
    let (namespace, name) = holder.split_once('/')?;
    Some((kind.to_owned(), ObjectName::new(namespace, name)))
}

fn budget(line: &Line) -> Option<BudgetUsage> {
    if line.kind != "budget" || line.unit != "usd" {
        return None;
    }
    let (amount, used) = (nanos(line.limit.get())?, nanos(line.used.get())?);
    let window = line.window.as_ref()?;
    let moment = |text: &str| Some(Time(text.parse().ok()?));
    Some(BudgetUsage {
        name: line.name.parse().ok()?,
        used: usd(used),
        amount: usd(amount),
        remaining: usd((amount - used).max(0)),
        used_percent: percent(used, amount),
        window_start: moment(&window.start)?,
        resets_at: moment(&window.end)?,
    })
}

fn rate_limit(line: &Line) -> Option<RateLimitUsage> {
    if line.kind != "rate_limit" {
        return None;
    }
    let unit = match line.unit.as_str() {
        "requests" => RateUnit::Requests,
        "tokens" => RateUnit::Tokens,
        "input_tokens" => RateUnit::InputTokens,
        "output_tokens" => RateUnit::OutputTokens,
        _ => return None,
    };
    let count = |text: &RawValue| text.get().parse::<i64>().ok().map(|count| count.max(0));
    let (limit, used) = (count(&line.limit)?, count(&line.used)?);
    Some(RateLimitUsage {
        name: line.name.parse().ok()?,
        unit,
        used,
        limit,
        remaining: limit.saturating_sub(used).max(0),
        used_percent: percent(used.into(), limit.into()),
    })
}

/// The budget of which most is used, of several the one that stays so for longest; the rate limit, where there is no budget.
fn tightest(usage: &Usage) -> Option<TightestLimit> {
    let budgets = usage.budgets.iter().flatten();
    let budget = budgets.max_by(|one, other| {
        let by = |budget: &BudgetUsage| (budget.used_percent, budget.resets_at.0);
        by(one).cmp(&by(other))
    });
    if let Some(budget) = budget {
        return Some(TightestLimit {
            limit: budget.name.clone(),
            used_percent: budget.used_percent,
            resets_at: Some(budget.resets_at.clone()),
        });
    }
    let rate_limits = usage.rate_limits.iter().flatten();
    let rate_limit = rate_limits.max_by_key(|rate_limit| rate_limit.used_percent)?;
    Some(TightestLimit {
        limit: rate_limit.name.clone(),
        used_percent: rate_limit.used_percent,
        resets_at: None,
    })
}

/// How much is used, in percent, rounded down, so that 100 means used up. Of nothing all is used.
fn percent(used: i128, limit: i128) -> u32 {
    if limit <= 0 {
        return 100;
    }
    let percent = used.saturating_mul(100) / limit;
    u32::try_from(percent).map_or(MOST_PERCENT, |percent| percent.min(MOST_PERCENT))
}

/// An amount in nano-USD, exactly; nothing is less than nothing. `None`: it is no decimal number, or has more than nine digits behind the point.
fn nanos(text: &str) -> Option<i128> {
    if text.starts_with('-') {
        return Some(0);
    }
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|digit| digit.is_ascii_digit());
    if whole.is_empty() || whole.len() > 12 || fraction.len() > 9 || !digits(fraction) {
        return None;
    }
    let whole: i128 = digits(whole).then(|| whole.parse().ok())??;
    let fraction: i128 = format!("{fraction:0<9}").parse().ok()?;
    Some(whole * NANOS + fraction)
}

/// USD with as many digits as it takes and two at least, as everywhere.
fn usd(nanos: i128) -> String {
    let fraction = format!("{:09}", nanos % NANOS);
    let kept = fraction.trim_end_matches('0').len().max(2);
    format!("{}.{}", nanos / NANOS, &fraction[..kept])
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const WINDOW: &str =
        r#""window": {"start": "2026-10-31T23:00:00Z", "end": "2026-11-30T23:00:00Z"}"#;

    fn read(lines: &str) -> BTreeMap<Entry, Value> {
        usages(
            serde_json::from_str(lines).unwrap(),
            "2026-11-30T07:00:00Z".parse().unwrap(),
        )
    }

    fn object(kind: &str, name: &str) -> Entry {
        (kind.to_owned(), ObjectName::new("search", name))
    }

    fn line(
        holder: (&str, &str),
        limit: (&str, &str, &str),
        amounts: (&str, &str),
        more: &str,
    ) -> String {
        let ((level, holder), (name, kind, unit), (used, limit)) = (holder, limit, amounts);
        format!(
            r#"{{"level": "{level}", "holder": "search/{holder}", "name": "{name}", "kind": "{kind}", "unit": "{unit}", "limit": {limit}, "used": {used}, "remaining": 0{more}}}"#
        )
    }

    fn budget_of(level: &str, name: &str, used: &str, amount: &str) -> String {
        let more = format!(", {WINDOW}");
        line((level, "x"), (name, "budget", "usd"), (used, amount), &more)
    }

    #[test]
    fn each_holder_is_told_its_own() {
        let rpm = |level: &str, holder: &str| {
            line(
                (level, holder),
                ("rpm", "rate_limit", "requests"),
                ("7", "60"),
                r#", "per_seconds": 60.0"#,
            )
        };
        let lines = [
            budget_of("key", "month", "12.34", "100.00"),
            rpm("key", "x"),
            rpm("team", "x"),
            rpm("organization", "x"),
            rpm("provider", "y"),
        ];
        let told = read(&format!("[{}]", lines.join(",")));
        let kinds: Vec<_> = told.keys().cloned().collect();
        let expected = [
            object("LLMProvider", "y"),
            object("Organization", "x"),
            object("Team", "x"),
            object("VirtualKey", "x"),
        ];
        assert_eq!(kinds, expected);
        assert_eq!(
            told[&object("VirtualKey", "x")],
            json!({
                "observedAt": "2026-11-30T07:00:00Z",
                "tightest": {"limit": "month", "usedPercent": 12, "resetsAt": "2026-11-30T23:00:00Z"},
                "budgets": [{
                    "name": "month", "used": "12.34", "amount": "100.00", "remaining": "87.66", "usedPercent": 12,
                    "windowStart": "2026-10-31T23:00:00Z", "resetsAt": "2026-11-30T23:00:00Z",
                }],
                "rateLimits": [{"name": "rpm", "unit": "Requests", "used": 7, "limit": 60, "remaining": 53, "usedPercent": 11}],
            })
        );
        let team = &told[&object("Team", "x")];
        assert_eq!(team["tightest"], json!({"limit": "rpm", "usedPercent": 11}));
        assert_eq!(team["budgets"], Value::Null);
    }

    #[test]
    fn money_is_exact_to_the_billionth() {
        for (used, amount, told, remaining, percent) in [
            ("0.00", "4000000.00", "0.00", "4000000.00", 0),
            ("0.000000001", "1", "0.000000001", "0.999999999", 0),
            (
                "3999999.999999999",
                "4000000.00",
                "3999999.999999999",
                "0.000000001",
                99,
            ),
            ("1.00", "1.00", "1.00", "0.00", 100),
            ("1.25", "1.00", "1.25", "0.00", 125),
            ("0.5", "0.00", "0.50", "0.00", 100),
            ("-1.00", "2.00", "0.00", "2.00", 0),
            (
                "4000000.00",
                "0.000000001",
                "4000000.00",
                "0.00",
                MOST_PERCENT,
            ),
        ] {
            let lines = format!("[{}]", budget_of("key", "b", used, amount));
            let usage = &read(&lines)[&object("VirtualKey", "x")];
            let budget = &usage["budgets"][0];
            assert_eq!(budget["used"], told);
            assert_eq!(budget["remaining"], remaining, "{used} of {amount}");
            assert_eq!(budget["usedPercent"], percent, "{used} of {amount}");
        }
    }

    #[test]
    fn the_tightest_is_a_budget_and_of_two_the_one_that_stays_so_for_longer() {
        let day = r#", "window": {"start": "2026-11-29T23:00:00Z", "end": "2026-11-30T23:00:00Z"}"#;
        let year =
            r#", "window": {"start": "2025-12-31T23:00:00Z", "end": "2026-12-31T23:00:00Z"}"#;
        let x = ("key", "x");
        let lines = [
            line(x, ("year", "budget", "usd"), ("50.00", "100"), year),
            line(x, ("day", "budget", "usd"), ("5.00", "10"), day),
            line(x, ("half", "budget", "usd"), ("4.90", "10"), year),
            line(x, ("rpm", "rate_limit", "requests"), ("60", "60"), ""),
        ];
        let usage = &read(&format!("[{}]", lines.join(",")))[&object("VirtualKey", "x")];
        assert_eq!(usage["tightest"]["limit"], "year");
        assert_eq!(usage["tightest"]["usedPercent"], 50);
    }

    #[test]
    fn what_is_not_understood_is_left_out() {
        let window = format!(", {WINDOW}");
        let lines = [
            line(("galaxy", "x"), ("b", "budget", "usd"), ("1", "2"), &window),
            line(("key", "x"), ("b", "budget", "gold"), ("1", "2"), &window),
            line(("key", "x"), ("b", "budget", "usd"), ("1e-9", "2"), &window),
            line(("key", "x"), ("b", "budget", "usd"), ("1", "2"), ""),
            line(
                ("key", "x"),
                ("Not A Name", "budget", "usd"),
                ("1", "2"),
                &window,
            ),
            line(
                ("key", "x"),
                ("b", "budget", "usd"),
                ("1", "2"),
                r#", "window": {"start": "soon", "end": "later"}"#,
            ),
            line(("key", "x"), ("r", "rate_limit", "images"), ("1", "2"), ""),
            line(
                ("key", "x"),
                ("concurrency", "concurrency", "requests"),
                ("1", "2"),
                "",
            ),
        ];
        assert!(read(&format!("[{}]", lines.join(","))).is_empty());
    }

    #[test]
    fn no_more_is_told_than_the_schema_takes() {
        let lines: Vec<_> = (0..40)
            .map(|at| budget_of("key", &format!("b{at}"), "1", "2"))
            .collect();
        let usage = &read(&format!("[{}]", lines.join(",")))[&object("VirtualKey", "x")];
        assert_eq!(usage["budgets"].as_array().unwrap().len(), BUDGETS);
    }
}
