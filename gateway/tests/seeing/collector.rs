//! A real OpenTelemetry Collector between a gateway and the test: what it takes by OTLP it hands on as JSON.

use std::process::Stdio;
use std::sync::Arc;

use parking_lot::Mutex;
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};

use crate::harness::eventually;

/// A collector, and what has come out of it.
pub(crate) struct Collector {
    /// Where it takes OTLP over HTTP.
    pub(crate) endpoint: String,
    handed: Arc<Mutex<Vec<(String, Value)>>>,
    _folder: TempDir,
    _child: Child,
}

impl Collector {
    /// Starts one, with this section for its receivers; the built one is in the cache (`hack/collector.sh`).
    pub(crate) async fn start() -> Self {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../hack/collector.sh");
        let built = Command::new(script).stderr(Stdio::inherit()).output();
        let built = built.await.unwrap();
        assert!(built.status.success(), "hack/collector.sh");
        let program = String::from_utf8(built.stdout).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let out = listener.local_addr().unwrap();
        let port = free_port().await;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("collector.yaml");
        std::fs::write(&file, configuration(port, out.port())).unwrap();
        let handed = Arc::<Mutex<Vec<(String, Value)>>>::default();
        let log = std::fs::File::create(folder.path().join("log")).unwrap();
        let child = Command::new(program.trim())
            .arg("--config")
            .arg(format!("file:{}", file.display()))
            .stdout(Stdio::null())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let told = Arc::clone(&handed);
        // It ends with the test.
        spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let told = Arc::clone(&told);
                spawn(async move {
                    let _ = take(socket, &told).await;
                });
            }
        });
        eventually("the collector listens", async || {
            TcpStream::connect(("127.0.0.1", port)).await.ok()
        })
        .await;
        Self {
            endpoint: format!("http://127.0.0.1:{port}"),
            handed,
            _folder: folder,
            _child: child,
        }
    }

    /// What it has handed on of one signal.
    pub(crate) fn handed(&self, signal: &str) -> Vec<Value> {
        let all = self.handed.lock();
        let of = all.iter().filter(|(path, _)| path.ends_with(signal));
        of.map(|(_, value)| value.clone()).collect()
    }

    /// All of it as text.
    pub(crate) fn text(&self) -> String {
        let all = self.handed.lock();
        all.iter().map(|(_, value)| value.to_string()).collect()
    }

    /// Every span.
    pub(crate) fn spans(&self) -> Vec<Value> {
        within(
            &self.handed("/v1/traces"),
            ["resourceSpans", "scopeSpans", "spans"],
        )
    }

    /// Every log record.
    pub(crate) fn records(&self) -> Vec<Value> {
        within(
            &self.handed("/v1/logs"),
            ["resourceLogs", "scopeLogs", "logRecords"],
        )
    }

    /// Every metric.
    pub(crate) fn metrics(&self) -> Vec<Value> {
        within(
            &self.handed("/v1/metrics"),
            ["resourceMetrics", "scopeMetrics", "metrics"],
        )
    }
}

/// What lies so deep in messages.
fn within(messages: &[Value], names: [&str; 3]) -> Vec<Value> {
    names.iter().fold(messages.to_vec(), |values, name| {
        let lists = values.iter().filter_map(|value| value[name].as_array());
        lists.flatten().cloned().collect()
    })
}

/// The text of an attribute.
pub(crate) fn attribute<'a>(thing: &'a Value, name: &str) -> Option<&'a Value> {
    let mut all = thing["attributes"].as_array()?.iter();
    let found = all.find(|attribute| attribute["key"] == name)?;
    found["value"].as_object()?.values().next()
}

#[expect(
    clippy::disallowed_methods,
    reason = "a test's own tasks end with its runtime"
)]
pub(crate) fn spawn(task: impl Future<Output = ()> + Send + 'static) {
    tokio::spawn(task);
}

async fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap().port()
}

fn configuration(port: u16, out: u16) -> String {
    format!(
        "receivers:
  otlp: {{protocols: {{http: {{endpoint: \"127.0.0.1:{port}\"}}}}}}
exporters:
  otlp_http: {{endpoint: \"http://127.0.0.1:{out}\", encoding: json, compression: none}}
service:
  telemetry: {{metrics: {{level: none}}}}
  pipelines:
    traces: {{receivers: [otlp], exporters: [otlp_http]}}
    metrics: {{receivers: [otlp], exporters: [otlp_http]}}
    logs: {{receivers: [otlp], exporters: [otlp_http]}}
"
    )
}

/// Takes requests of one connection until it ends: each a POST with a length.
async fn take(mut socket: TcpStream, told: &Mutex<Vec<(String, Value)>>) -> std::io::Result<()> {
    let mut read = Vec::new();
    loop {
        let end = loop {
            if let Some(at) = read.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            if socket.read_buf(&mut read).await? == 0 {
                return Ok(());
            }
        };
        let head = String::from_utf8_lossy(&read[..end]).into_owned();
        let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length")
                .then(|| value.trim().parse::<usize>().ok())?
        });
        let length = length.unwrap_or(0);
        while read.len() < end + length {
            if socket.read_buf(&mut read).await? == 0 {
                return Ok(());
            }
        }
        let body = serde_json::from_slice(&read[end..end + length]).unwrap_or_default();
        told.lock().push((path, body));
        read.drain(..end + length);
        let answer =
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}";
        socket.write_all(answer.as_bytes()).await?;
    }
}
