//! The program, from its command line to its log.

#![cfg(test)]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

const SCRIPT: &str = "
plays:
- {model: first-two, first: 2, fault: status-503}
- {model: third, every: 3, fault: reset-at-start}
- {model: 'said-*', answer: 'Well said.'}
- model: stepwise
  steps:
  - head: {status: 418, headers: {x-pot: tea}, length: 4}
  - pauseMillis: 1
  - body: 'tea!'
";

/// An answer that has not ended by then never ends.
const PATIENCE: Duration = Duration::from_secs(10);

struct Faults {
    child: Child,
    authority: String,
}

impl Faults {
    fn start(folder: &Path) -> Self {
        std::fs::write(folder.join("script.yaml"), SCRIPT).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_fairlead-faults"))
            .args([
                "--listen",
                "127.0.0.1:0",
                "--script",
                "script.yaml",
                "--log",
                "log.jsonl",
            ])
            .current_dir(folder)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let authority = line.trim().trim_start_matches("listening on http://");
        let authority = authority.trim_end_matches("/v1").to_owned();
        Self { child, authority }
    }

    /// What comes back until the connection ends; nothing if it is reset.
    fn ask(&self, request: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(&self.authority).unwrap();
        let length = body.len();
        write!(stream, "{request} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}").unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut answer = Vec::new();
        // A reset is an answer too: none.
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).into_owned()
    }

    fn chat(&self, model: &str) -> String {
        let body = format!("{{\"model\":\"{model}\",\"messages\":[]}}");
        self.ask("POST /v1/chat/completions", &body)
    }
}

impl Drop for Faults {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

#[test]
fn plays_what_the_request_the_script_or_nobody_says_and_logs_it() {
    let folder = tempfile::tempdir().unwrap();
    let faults = Faults::start(folder.path());
    assert!(faults.chat("fault:status-429").starts_with("HTTP/1.1 429 "));
    assert_eq!(faults.chat("fault:reset-at-start"), "");
    assert!(
        faults
            .chat("fault:no-such-thing")
            .contains("GET /faults lists them")
    );
    assert!(
        faults
            .ask("POST /play/early-refusal/v1/chat/completions", "{}")
            .starts_with("HTTP/1.1 413 ")
    );
    let statuses: Vec<bool> = (0..3)
        .map(|_| faults.chat("first-two").starts_with("HTTP/1.1 503 "))
        .collect();
    assert_eq!(statuses, [true, true, false]);
    let resets: Vec<bool> = (0..3).map(|_| faults.chat("third").is_empty()).collect();
    assert_eq!(resets, [false, false, true]);
    assert!(faults.chat("said-so").contains("Well said."));
    assert!(
        faults
            .chat("stepwise")
            .ends_with("x-pot: tea\r\ncontent-length: 4\r\n\r\ntea!")
    );
    assert!(faults.chat("anything").contains("twenty."));

    let log = std::fs::read_to_string(folder.path().join("log.jsonl")).unwrap();
    let lines: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines[0]["model"], "fault:status-429");
    assert_eq!(
        (&lines[0]["ending"], &lines[1]["ending"]),
        (&"kept_alive".into(), &"reset".into())
    );
    assert!(lines[0]["requestBytes"].as_u64().unwrap() > 50 && lines[1]["answerBytes"] == 0);
}

#[test]
fn lists_its_faults() {
    let folder = tempfile::tempdir().unwrap();
    let faults = Faults::start(folder.path());
    let answer = faults.ask("GET /faults", "");
    let list: Vec<Value> = serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap();
    assert!(list.len() >= 60, "{}", list.len());
    assert!(
        list.iter()
            .any(|fault| fault["name"] == "cut-after-content" && fault["fits"] == "both")
    );
}
