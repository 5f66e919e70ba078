//! `top`: what all gateways do together, from the difference of two looks at `/metrics`.

mod rates;

use std::collections::BTreeMap;
use std::io::Write;

use serde_json::{Value, json};
use tokio::time::{Instant, sleep_until};

use crate::args::{Format, Top, What};
use crate::error::Error;
use crate::exposition::{Sample, parse};
use crate::output::Report;
use crate::reach::{Answer, Reach};
use crate::table::Table;
use rates::{Line, keys, providers};

/// Moves the cursor home and clears what is below (source: ECMA-48, CUP and ED).
const CLEAR: &str = "\u{1b}[H\u{1b}[J";

/// The columns of providers, and those of keys.
const PROVIDERS: [&str; 11] = [
    "PROVIDER",
    "MODEL",
    "REQ/S",
    "ERRORS",
    "P95",
    "P95 FIRST",
    "TOKENS/S",
    "USD/H",
    "IN FLIGHT",
    "QUEUED",
    "BREAKER",
];
const KEYS: [&str; 7] = ["KEY", "TEAM", "USD/H", "LIMIT", "USED", "OF", "USED%"];

/// What every gateway said, by its name.
type Look = BTreeMap<String, Vec<Sample>>;

/// Measures and prints, once or until it is interrupted.
///
/// # Errors
/// No gateway answers, or nobody reads.
pub(crate) async fn top(
    reach: &Reach,
    format: Format,
    args: &Top,
    out: &mut (dyn Write + Send),
) -> Result<bool, Error> {
    let (mut before, mut silent) = look(reach).await?;
    let mut began = Instant::now();
    loop {
        sleep_until(began + args.interval).await;
        let (now, missing) = look(reach).await?;
        let at = Instant::now();
        let report = report(
            &before,
            &now,
            at.duration_since(began).as_secs_f64(),
            &missing,
            args.what,
        );
        if args.watch && format == Format::Table {
            out.write_all(CLEAR.as_bytes()).map_err(Error::Output)?;
        }
        report.write(format, out)?;
        out.flush().map_err(Error::Output)?;
        if !args.watch {
            return Ok(silent.is_empty() && missing.is_empty());
        }
        (before, began, silent) = (now, at, missing);
    }
}

async fn look(reach: &Reach) -> Result<(Look, Vec<String>), Error> {
    let (mut look, mut silent) = (Look::new(), Vec::new());
    for Answer { gateway, said } in reach.ask("/metrics").await? {
        match said {
            Ok(body) => drop(look.insert(gateway, parse(&String::from_utf8_lossy(&body)))),
            Err(error) => silent.push(error.to_string()),
        }
    }
    Ok((look, silent))
}

fn report(before: &Look, now: &Look, seconds: f64, silent: &[String], what: What) -> Report {
    let lines = match what {
        What::Providers => providers(before, now, seconds),
        What::Keys => keys(before, now, seconds),
    };
    let header: &[&str] = match what {
        What::Providers => &PROVIDERS,
        What::Keys => &KEYS,
    };
    let row = match what {
        What::Providers => provider_row,
        What::Keys => key_row,
    };
    let mut table = Table::new(header);
    for line in &lines {
        table.row(&row(line));
    }
    let mut text = format!("{} gateways, over {seconds:.1} s\n", now.len());
    if table.is_empty() {
        text.push_str("nothing was asked for\n");
    } else {
        text.push_str(&table.to_string());
    }
    for error in silent {
        text.push_str(&format!("not asked: {error}\n"));
    }
    let data = json!({
        "gateways": now.keys().collect::<Vec<_>>(), "seconds": seconds, "unreachable": silent,
        "lines": lines.iter().map(|line| line.data.clone()).collect::<Vec<_>>(),
    });
    Report {
        text,
        data,
        good: true,
    }
}

fn number(value: &Value, digits: usize, unit: &str) -> String {
    value
        .as_f64()
        .map(|value| format!("{value:.digits$}{unit}"))
        .unwrap_or_default()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn provider_row(line: &Line) -> Vec<String> {
    let data = &line.data;
    vec![
        text(&data["provider"]),
        text(&data["model"]),
        number(&data["requestsPerSecond"], 1, ""),
        number(&data["errorPercent"], 1, " %"),
        number(&data["p95Seconds"], 2, " s"),
        number(&data["firstTokenP95Seconds"], 2, " s"),
        number(&data["tokensPerSecond"], 0, ""),
        number(&data["usdPerHour"], 2, ""),
        number(&data["inFlight"], 0, ""),
        number(&data["queued"], 0, ""),
        text(&data["breaker"]),
    ]
}

fn key_row(line: &Line) -> Vec<String> {
    let data = &line.data;
    vec![
        text(&data["key"]),
        text(&data["team"]),
        number(&data["usdPerHour"], 2, ""),
        text(&data["limit"]),
        number(&data["used"], 2, ""),
        number(&data["of"], 2, ""),
        number(&data["usedPercent"], 0, " %"),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scrape(requests: u32, errors: u32, busy: u32) -> Vec<Sample> {
        let labels = |error: &str| {
            format!(
                r#"gen_ai_operation_name="chat",gen_ai_provider_name="openai",gen_ai_request_model="chat",fairlead_provider="default/a",error_type="{error}""#
            )
        };
        let (ok, bad) = (labels(""), labels("overloaded"));
        let spend = r#"fairlead_key="search/app",fairlead_team="search/t",fairlead_provider="default/a",gen_ai_request_model="chat",estimated="false""#;
        let limit =
            r#"level="key",namespace="search",name="app",limit="month",kind="budget",unit="usd""#;
        parse(&format!(
            "gen_ai_server_request_duration_seconds_count{{{ok}}} {requests}\n\
             gen_ai_server_request_duration_seconds_bucket{{{ok},le=\"0.5\"}} {requests}\n\
             gen_ai_server_request_duration_seconds_bucket{{{ok},le=\"+Inf\"}} {requests}\n\
             gen_ai_server_request_duration_seconds_count{{{bad}}} {errors}\n\
             gen_ai_client_token_usage_sum{{{ok},gen_ai_token_type=\"input\"}} {}\n\
             fairlead_in_flight{{provider=\"default/a\"}} {busy}\n\
             fairlead_breaker_state{{provider=\"default/a\",model=\"\"}} 1\n\
             fairlead_cost_usd_total{{{spend}}} {}\n\
             fairlead_limit{{{limit}}} 100\nfairlead_limit_used{{{limit}}} {}\n",
            requests * 10,
            f64::from(requests) / 100.0,
            requests / 2,
        ))
    }

    fn looks() -> (Look, Look) {
        let look =
            |a: Vec<Sample>, b: Vec<Sample>| Look::from([("a".to_owned(), a), ("b".to_owned(), b)]);
        (
            look(scrape(100, 0, 1), scrape(200, 10, 2)),
            // The second has begun anew meanwhile.
            look(scrape(130, 10, 3), scrape(50, 0, 4)),
        )
    }

    #[test]
    fn rates_are_summed_over_gateways_and_survive_a_restart() {
        let (before, now) = looks();
        let report = report(&before, &now, 10.0, &[], What::Providers);
        let line = &report.data["lines"][0];
        assert_eq!(line["provider"], "default/a");
        // 30 and 10 errors of the first, 50 since the restart of the second.
        assert!(
            (line["requestsPerSecond"].as_f64().unwrap() - 9.0).abs() < 1e-9,
            "{line}"
        );
        assert!(
            (line["errorPercent"].as_f64().unwrap() - 100.0 / 9.0).abs() < 1e-6,
            "{line}"
        );
        assert!(
            (line["tokensPerSecond"].as_f64().unwrap() - 80.0).abs() < 1e-9,
            "{line}"
        );
        assert!(
            (line["inFlight"].as_f64().unwrap() - 7.0).abs() < 1e-9,
            "{line}"
        );
        assert_eq!(line["breaker"], "open on 2 of 2");
        assert!(
            (line["usdPerHour"].as_f64().unwrap() - 0.8 * 360.0).abs() < 1e-6,
            "{line}"
        );
        assert!(
            report.text.contains("default/a  chat   9.0    11.1 %"),
            "{}",
            report.text
        );
    }

    #[test]
    fn of_what_is_used_over_all_gateways_the_newest_counts_and_not_the_sum() {
        let (before, now) = looks();
        let report = report(&before, &now, 10.0, &["c: gone".to_owned()], What::Keys);
        let line = &report.data["lines"][0];
        assert_eq!(
            (line["key"].as_str(), line["limit"].as_str()),
            (Some("search/app"), Some("budget/month"))
        );
        assert!(
            (line["used"].as_f64().unwrap() - 65.0).abs() < 1e-9,
            "{line}"
        );
        assert!(
            report.text.ends_with("not asked: c: gone\n"),
            "{}",
            report.text
        );
    }
}
