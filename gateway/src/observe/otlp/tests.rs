//! What is exported, as JSON; and collectors that are slow, gone or of another mind.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use fairlead_record::{Attempt, Entry, Trace};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::time::Instant;

use super::exporter::Started;
use super::settings::Settings;
use super::spans::{Form, Usage};
use super::*;

/// The spans of a request in OTLP's JSON.
pub(crate) fn spans_of(entry: &Entry, form: Form) -> Value {
    let mut all = Vec::new();
    spans::write(entry, form, &mut all);
    serde_json::to_value(all).unwrap()
}

/// Its log record.
pub(crate) fn log_of(entry: &Entry, form: Form) -> Value {
    serde_json::to_value(logs::write(entry, form.names)).unwrap()
}

fn kept() -> Arc<Entry> {
    Arc::new(Entry {
        status: 200,
        complete: true,
        trace: Some(Trace {
            id: [1; 16],
            span: [2; 8],
            sampled: true,
            ..Trace::default()
        }),
        attempts: vec![Attempt {
            outcome: "ok".into(),
            sent: true,
            span: Some([3; 8]),
            ..Attempt::default()
        }],
        ..Entry::default()
    })
}

fn settings(address: SocketAddr) -> Settings {
    let get = |name: &str| match name {
        "OTEL_EXPORTER_OTLP_ENDPOINT" => Some(format!("http://{address}")),
        "OTEL_EXPORTER_OTLP_TIMEOUT" => Some("300".to_owned()),
        _ => None,
    };
    let settings = Settings::of(&get, Usage::Always, Duration::from_secs(10));
    settings.unwrap().unwrap()
}

/// A collector that answers every request so, and says how many there were; one without an answer takes them and is silent.
async fn collector(
    answers: Vec<&'static str>,
) -> (SocketAddr, tokio::sync::mpsc::Receiver<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (seen, requests) = tokio::sync::mpsc::channel(64);
    let tasks = crate::tasks::Tasks::default();
    let each = tasks.clone();
    tasks.spawn(async move {
        let mut at = 0;
        while let Ok((mut socket, _)) = listener.accept().await {
            let answer = answers.get(at).or(answers.last()).copied();
            at += 1;
            let seen = seen.clone();
            each.spawn(async move {
                let mut request = vec![0; 65536];
                let read = socket.read(&mut request).await.unwrap_or(0);
                request.truncate(read);
                let _ = seen.send(request).await;
                match answer {
                    Some(answer) => {
                        let _ = socket.write_all(answer.as_bytes()).await;
                    }
                    None => tokio::time::sleep(Duration::from_secs(60)).await,
                }
            });
        }
    });
    (address, requests)
}

fn count(counts: &Counts, signal: Signal, why: Option<Lost>) -> u64 {
    match why {
        None => {
            let signal = signal.as_str();
            counts
                .exported
                .get_or_create(&SignalLabels { signal })
                .get()
        }
        Some(why) => {
            let labels = DropLabels {
                signal: signal.as_str(),
                reason: why.as_str(),
            };
            counts.dropped.get_or_create(&labels).get()
        }
    }
}

async fn until(what: &str, is: impl Fn() -> bool) {
    let patience = Instant::now() + Duration::from_secs(20);
    while !is() {
        assert!(Instant::now() < patience, "never: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

const TAKEN: &str = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

#[tokio::test]
async fn what_is_kept_is_exported_and_counted() {
    let (address, mut requests) = collector(vec![TAKEN]).await;
    let counts = Counts::default();
    let Started { sink, end, .. } = start(&settings(address), &counts).unwrap().unwrap();
    for _ in 0..10 {
        sink.take(&kept());
    }
    let mut left = Entry::clone(&kept());
    left.trace.as_mut().unwrap().sampled = false;
    sink.take(&Arc::new(left));
    let request = requests.recv().await.unwrap();
    let head = String::from_utf8_lossy(&request).to_lowercase();
    assert!(head.starts_with("post /v1/traces "), "{head}");
    assert!(
        head.contains("content-type: application/x-protobuf")
            && head.contains("content-encoding: gzip")
    );
    until("20 spans", || count(&counts, Signal::Traces, None) == 20).await;
    sink.take(&kept());
    drop(sink);
    // What was left at the end is sent, too.
    tokio::task::spawn_blocking(move || end.wait())
        .await
        .unwrap();
    assert_eq!(count(&counts, Signal::Traces, None), 22);
}

#[tokio::test]
async fn a_collector_that_is_silent_delays_nobody_and_fills_no_memory() {
    let (address, mut requests) = collector(Vec::new()).await;
    let counts = Counts::default();
    let Started {
        sink, end: _end, ..
    } = start(&settings(address), &counts).unwrap().unwrap();
    sink.take(&kept());
    requests.recv().await.unwrap();
    let began = Instant::now();
    for _ in 0..6_000 {
        sink.take(&kept());
    }
    assert!(
        began.elapsed() < Duration::from_millis(500),
        "{:?}",
        began.elapsed()
    );
    // One batch may just have left the queue of 4,096.
    let dropped = count(&counts, Signal::Traces, Some(Lost::QueueFull)) / 2;
    assert!((1_300..=1_910).contains(&dropped), "{dropped}");
}

#[tokio::test]
async fn a_batch_is_sent_again_when_the_collector_says_so_and_not_when_it_refuses() {
    let later =
        "HTTP/1.1 503 Busy\r\nretry-after: 0\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    let never = "HTTP/1.1 400 No\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    // Field 1, of two bytes: its field 1 is 1.
    let partly =
        "HTTP/1.1 200 OK\r\ncontent-length: 4\r\nconnection: close\r\n\r\n\u{a}\u{2}\u{8}\u{1}";
    let (address, mut requests) = collector(vec![later, TAKEN, never, partly]).await;
    let counts = Counts::default();
    let Started {
        sink, end: _end, ..
    } = start(&settings(address), &counts).unwrap().unwrap();
    sink.take(&kept());
    let first = requests.recv().await.unwrap();
    assert_eq!(first, requests.recv().await.unwrap(), "the same again");
    until("taken", || count(&counts, Signal::Traces, None) == 2).await;
    sink.take(&kept());
    until("refused", || {
        count(&counts, Signal::Traces, Some(Lost::Refused)) == 2
    })
    .await;
    sink.take(&kept());
    until("taken in part", || {
        count(&counts, Signal::Traces, None) == 3
            && count(&counts, Signal::Traces, Some(Lost::Rejected)) == 1
    })
    .await;
}

#[tokio::test]
async fn a_collector_that_wants_to_be_left_alone_for_long_is() {
    let later =
        "HTTP/1.1 429 Busy\r\nretry-after: 600\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    let (address, mut requests) = collector(vec![later, TAKEN]).await;
    let counts = Counts::default();
    let Started {
        sink, end: _end, ..
    } = start(&settings(address), &counts).unwrap().unwrap();
    for batches in 1..=3 {
        sink.take(&kept());
        until("given up", || {
            count(&counts, Signal::Traces, Some(Lost::Unreachable)) == 2 * batches
        })
        .await;
    }
    requests.recv().await.unwrap();
    assert!(requests.try_recv().is_err(), "it was asked again");
}

#[tokio::test]
async fn a_collector_that_is_gone_does_not_keep_the_process_from_ending() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let counts = Counts::default();
    let Started { sink, end, .. } = start(&settings(address), &counts).unwrap().unwrap();
    sink.take(&kept());
    drop(sink);
    let began = Instant::now();
    tokio::task::spawn_blocking(move || end.wait())
        .await
        .unwrap();
    assert!(
        began.elapsed() < Duration::from_secs(4),
        "{:?}",
        began.elapsed()
    );
    assert_eq!(count(&counts, Signal::Traces, Some(Lost::Unreachable)), 2);
}

/// A line of the audit is a log record whose body is all of it; it is exported for as long as requests are, and holds up nobody's end.
#[tokio::test]
async fn a_line_of_the_audit_is_a_log_record() {
    let line = r#"{"audit":"key.suspended","kind":"VirtualKey","name":"app","namespace":"search","time":"2026-11-30T07:00:00.000Z","seq":41,"hash":"9b"}"#;
    let (address, mut requests) = collector(vec![TAKEN]).await;
    let get = |name: &str| {
        (name == "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT").then(|| format!("http://{address}/v1/logs"))
    };
    let settings = Settings::of(&get, Usage::Always, Duration::from_secs(10));
    let settings = settings.unwrap().unwrap();
    let record = serde_json::to_value(logs::decided(line, settings.form.names)).unwrap();
    assert_eq!(record["body"]["stringValue"], line);
    assert_eq!(record["eventName"], "fairlead.audit");
    assert_eq!(record["timeUnixNano"], "1796022000000000000");
    let text = record["attributes"].to_string();
    for said in ["key.suspended", "VirtualKey", "search", "app", "41"] {
        assert!(text.contains(said), "{said}: {text}");
    }
    let counts = Counts::default();
    let started = start(&settings, &counts).unwrap().unwrap();
    let Started { sink, end, decided } = started;
    let decided = decided.unwrap();
    decided.take(line);
    let request = requests.recv().await.unwrap();
    assert!(String::from_utf8_lossy(&request).starts_with("POST /v1/logs "));
    until("a record", || count(&counts, Signal::Logs, None) == 1).await;
    drop(sink);
    let began = Instant::now();
    tokio::task::spawn_blocking(move || end.wait())
        .await
        .unwrap();
    assert!(began.elapsed() < Duration::from_secs(3));
    decided.take(line);
    assert_eq!(count(&counts, Signal::Logs, Some(Lost::QueueFull)), 0);
}
