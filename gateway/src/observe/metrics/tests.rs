use std::path::Path;

use fairlead_record::{Answer, Ask, Filter, Page, RequestLog, Scope, Sink, Standing, Store};
use fairlead_record::{Usage, UsageAsk};

use super::*;

/// A store that is there.
#[derive(Debug)]
struct There;

impl Sink for There {
    fn take(&self, _: &Arc<fairlead_record::Entry>) {}
}

impl RequestLog for There {
    fn search<'a>(&'a self, _: &'a Filter, _: Ask) -> Answer<'a, Page> {
        Box::pin(std::future::ready(Ok(Page::default())))
    }

    fn get<'a>(&'a self, _: u64, _: &'a Scope) -> Answer<'a, Option<Arc<fairlead_record::Entry>>> {
        Box::pin(std::future::ready(Ok(None)))
    }

    fn usage<'a>(&'a self, _: &'a UsageAsk) -> Answer<'a, Vec<Usage>> {
        Box::pin(std::future::ready(Ok(Vec::new())))
    }
}

impl Store for There {
    fn name(&self) -> &'static str {
        "there"
    }

    fn standing(&self) -> Standing {
        Standing::default()
    }

    fn end(&self) {}
}

fn shown() -> String {
    let mut metrics = Metrics::default();
    let requests = Arc::new(Requests::in_store(Arc::new(There)));
    metrics.show(&requests, &Arc::<Decisions>::default());
    let mut text = String::new();
    prometheus_client::encoding::text::encode(&mut text, &metrics.registry).unwrap();
    text
}

/// The names of what says that something is lost or left behind, as a query has them.
fn losses(text: &str) -> Vec<String> {
    let families = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    let ends = ["_dropped", "_lost", "_failing", "_astray", "_refused"];
    let losses = families.filter_map(|family| {
        let (name, kind) = family.split_once(' ')?;
        let suffix = if kind == "counter" { "_total" } else { "" };
        let is_loss = ends.iter().any(|end| name.ends_with(end));
        is_loss.then(|| format!("{name}{suffix}"))
    });
    losses.collect()
}

#[test]
fn there_is_an_alert_for_whatever_is_lost_or_left_behind() {
    let chart = Path::new(env!("CARGO_MANIFEST_DIR")).join("../charts/fairlead/files");
    let alerts = std::fs::read_to_string(chart.join("alerts.yaml")).unwrap();
    let dashboard = std::fs::read_to_string(chart.join("dashboard.json")).unwrap();
    let names = losses(&shown());
    assert!(names.len() >= 9, "{names:?}");
    for name in names {
        assert!(alerts.contains(&name), "no alert names {name}");
        assert!(dashboard.contains(&name), "no panel shows {name}");
    }
}

#[test]
fn what_may_be_lost_is_there_before_any_of_it_is() {
    let text = shown();
    for series in [
        "fairlead_otlp_dropped_total{signal=\"traces\",reason=\"queue_full\"} 0",
        "fairlead_otlp_dropped_total{signal=\"logs\",reason=\"unreachable\"} 0",
        "fairlead_audit_lost_total 0",
        "fairlead_log_lines_dropped_total 0",
        "fairlead_request_log_failing{store=\"there\"} 0",
    ] {
        assert!(text.contains(series), "{series}\n{text}");
    }
}
