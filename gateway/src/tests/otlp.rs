//! One request with a retry, a fallback and a hedge, as it is told by OTLP; and what of its trace reaches providers.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use fairlead_faults::{Play, Provider, Reply};
use serde_json::{Value, json};

use crate::harness::yaml::{caller, chain, provider};
use crate::harness::{World, always, millis, streamed, whole};
use crate::observe::otlp::names::Names;
use crate::observe::otlp::spans::{Form, Usage};
use crate::observe::otlp::tests::{log_of, spans_of};
use crate::observe::trace::{Root, Sampler, Tracing};

const CALLER: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

fn tracing(root: Root) -> Tracing {
    Tracing::on(Sampler {
        parent: true,
        root,
        slow: Duration::from_secs(10),
    })
}

/// Fails, is then short of what it may be asked, and answers after that.
fn failing() -> Provider {
    let seen = AtomicUsize::new(0);
    Provider::in_process(move |_| match seen.fetch_add(1, Ordering::SeqCst) {
        0 => Play::status(500).after(millis(300)),
        _ => Play::status(429).after(millis(200)),
    })
}

fn world(root: Root, a: &Provider, b: &Provider, c: &Provider) -> World {
    let quick = "retries: {maxRetries: 1, backoff: {initial: 1ms, max: 1ms}}";
    World::serve_traced(
        tracing(root),
        &[
            provider("a", &a.base_url(), quick),
            provider("b", &b.base_url(), ""),
            provider("c", &c.base_url(), "tracing: None"),
            caller(),
            chain(
                "chat",
                &["a", "b", "c"],
                "hedge: {delay: 2s, maxPercent: 100}",
            ),
        ],
    )
}

/// The same with ids by their order, and times by the tenth of a second from the first of them.
fn told(spans: &Value) -> Value {
    let mut ids = BTreeMap::new();
    let start = |span: &Value| -> u64 {
        let text = span["startTimeUnixNano"].as_str().unwrap();
        text.parse().unwrap()
    };
    let first = start(&spans[0]);
    let mut told = spans.clone();
    for span in told.as_array_mut().unwrap() {
        for name in ["traceId", "spanId", "parentSpanId"] {
            let id = span[name].as_str().unwrap_or_default().to_owned();
            if id.is_empty() || id == CALLER[3..35] || id == CALLER[36..52] {
                continue;
            }
            let next = ids.len() + 1;
            let place = ids.entry(id).or_insert(next);
            span[name] = json!(format!("id {place}"));
        }
        for name in ["startTimeUnixNano", "endTimeUnixNano"] {
            let at: u64 = span[name].as_str().unwrap().parse().unwrap();
            span[name] = json!(format!("+{} ms", (at - first) / 100_000_000 * 100));
        }
        settle(&mut span["attributes"]);
    }
    told
}

/// Attributes by name, as a map: what differs from run to run is left out.
fn settle(attributes: &mut Value) {
    let mut map = serde_json::Map::new();
    for attribute in attributes.as_array().unwrap() {
        let name = attribute["key"].as_str().unwrap();
        let value = match name {
            "fairlead.request.id" | "fairlead.duration_ms" | "fairlead.first_content_ms" => {
                json!("..")
            }
            "gen_ai.response.time_to_first_chunk" => {
                let time = attribute["value"]["doubleValue"].as_f64().unwrap();
                json!({"doubleValue": (time * 10.0).floor() / 10.0})
            }
            "server.port" => json!("a port"),
            _ => attribute["value"].clone(),
        };
        map.insert(name.to_owned(), value);
    }
    *attributes = Value::Object(map);
}

fn form(names: Names) -> Form {
    Form {
        names,
        usage: Usage::Always,
    }
}

#[tokio::test(start_paused = true)]
async fn a_retry_a_fallback_and_a_hedge_are_spans_below_one_request() {
    let reply = Reply::words(["Hello", "."]).usage(20, 5, 2);
    let (a, b, c) = (
        failing(),
        always(Play::silent()),
        always(Play::from(reply).after(millis(500))),
    );
    let world = world(Root::Always, &a, &b, &c);
    let headers = [
        ("traceparent", CALLER),
        ("user-agent", "sdk/1.0"),
        ("x-app", "search"),
    ];
    let answer = world.ask_with(&headers, &streamed("chat")).await;
    assert_eq!(
        answer.attempts(),
        "a=server_error, a=rate_limited, b=hedged, c=ok"
    );
    let entry = world.told().unwrap();
    let spans = spans_of(&entry, form(Names::Stable));
    insta::assert_json_snapshot!("spans", told(&spans));
    let latest = told(&spans_of(&entry, form(Names::Latest)));
    insta::assert_json_snapshot!("spans_latest", latest);
    let mut log = log_of(&entry, form(Names::Stable));
    for name in ["timeUnixNano", "observedTimeUnixNano", "spanId"] {
        log[name] = json!("..");
    }
    settle(&mut log["attributes"]);
    insta::assert_json_snapshot!("log", log);
    // Each attempt was told of its own span, but for the one whose provider is not to know.
    let carried = |provider: &Provider| -> Vec<Option<String>> {
        let seen = provider.seen();
        seen.iter()
            .map(|seen| seen.header("traceparent").map(str::to_owned))
            .collect()
    };
    let span = |at: usize| {
        let id = spans[at]["spanId"].as_str().unwrap();
        Some(format!("{}-{id}-01", &CALLER[..35]))
    };
    assert_eq!(carried(&a), [span(1), span(2)]);
    assert_eq!((carried(&b), carried(&c)), (vec![span(3)], vec![None]));
}

#[tokio::test(start_paused = true)]
async fn a_trace_that_begins_here_is_told_of_the_share_that_is_kept() {
    let a = always(Play::chat("A."));
    let world = World::serve_traced(
        tracing(Root::share(1.0)),
        &[
            provider("a", &a.base_url(), ""),
            caller(),
            chain("chat", &["a"], ""),
        ],
    );
    world.ask(&whole("chat")).await;
    let entry = world.told().unwrap();
    let trace = entry.trace.as_ref().unwrap();
    assert_eq!(
        (trace.parent, trace.sampled_by.as_deref()),
        (None, Some("ratio"))
    );
    let seen = a.seen();
    assert_eq!(seen[0].header("tracestate"), Some("ot=th:0"));
    assert!(seen[0].header("traceparent").unwrap().ends_with("-03"));
    assert!(
        world.metrics().contains("# {trace_id=\""),
        "exemplars: {}",
        world.metrics()
    );
}

#[tokio::test(start_paused = true)]
async fn tokens_are_left_to_callers_who_trace_where_that_is_wanted() {
    let a = always(Play::from(Reply::words(["A."]).usage(10, 0, 1)));
    let world = World::serve_traced(
        tracing(Root::Always),
        &[
            provider("a", &a.base_url(), ""),
            caller(),
            chain("chat", &["a"], ""),
        ],
    );
    let when_root = Form {
        names: Names::Stable,
        usage: Usage::WhenRoot,
    };
    for (headers, told) in [(vec![("traceparent", CALLER)], false), (vec![], true)] {
        world.ask_with(&headers, &whole("chat")).await;
        let spans = spans_of(&world.told().unwrap(), when_root);
        assert_eq!(spans.to_string().contains("gen_ai.usage."), told);
    }
}

#[tokio::test(start_paused = true)]
async fn a_caller_who_hangs_up_leaves_a_span_of_what_was_under_way() {
    let a = always(Play::silent());
    let world = World::serve_traced(
        tracing(Root::share(0.0)),
        &[
            provider("a", &a.base_url(), ""),
            caller(),
            chain("chat", &["a"], ""),
        ],
    );
    world
        .ask_and_leave_after(millis(1_500), &whole("chat"))
        .await;
    let entry = world.told().unwrap();
    let attempt = &entry.attempts[0];
    assert_eq!((&*attempt.outcome, attempt.sent), ("client_gone", true));
    assert_eq!(
        (attempt.ended_us / 100_000, attempt.took_us / 100_000),
        (15, 15)
    );
    let trace = entry.trace.unwrap();
    assert_eq!(
        (trace.sampled, trace.sampled_by.as_deref()),
        (true, Some("error"))
    );
}
