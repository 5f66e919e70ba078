//! What whoever looks can hold up: nothing of the gateway's.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};

use super::*;
use crate::harness::raw::closes;

/// As many as the admin port has connections.
const SOCKETS: usize = 64;
/// The limit of a test: a body may take ten seconds.
const SOON: Duration = Duration::from_secs(12);

#[tokio::test]
async fn halves_of_questions_keep_no_probe_out_and_all_of_them_end() {
    let (bad, good) = providers().await;
    let gateway = gateway(&bad, &good).await;
    let half = format!(
        "POST /api/v1/session HTTP/1.1\r\nhost: {}\r\nx-fairlead-console: 1\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{{",
        gateway.admin
    );
    let mut sockets = Vec::new();
    for _ in 0..SOCKETS {
        let mut socket = TcpStream::connect(gateway.admin).await.unwrap();
        socket.write_all(half.as_bytes()).await.unwrap();
        sockets.push(socket);
    }
    let probe = timeout(SOON, gateway.admin("/livez").send()).await;
    assert_eq!(probe.expect("no probe gets in").unwrap().status(), 200);
    let ended = join_all(sockets.iter_mut().map(|socket| closes(socket, SOON))).await;
    assert_eq!(ended.iter().filter(|ended| **ended).count(), SOCKETS);
}

#[tokio::test]
async fn a_page_elsewhere_reads_no_metrics_by_a_name_that_means_this_machine() {
    let (bad, good) = providers().await;
    let gateway = gateway(&bad, &good).await;
    for (path, by, status) in [
        ("/metrics", Some("origin"), 421),
        ("/livez", Some("sec-fetch-site"), 421),
        ("/metrics", None, 200),
    ] {
        let mut request = gateway.admin(path).header("host", "evil.example:9090");
        if let Some(name) = by {
            request = request.header(name, "http://evil.example:9090");
        }
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), status, "{path} {by:?}");
    }
}

/// Requests that are refused, so that there is much to look through.
async fn fill(gateway: &Gateway, count: usize) {
    let ask = async || {
        for _ in 0..count / 32 {
            gateway.ask_as("sk-fairlead-nobody", &whole("chat")).await;
        }
    };
    join_all((0..32).map(|_| ask())).await;
}

#[tokio::test]
async fn whoever_looks_without_end_holds_up_neither_probes_nor_limits() {
    let reply = Reply::words(["Hello", "."]).usage(20, 5, 2);
    let good = Provider::always(reply.into()).await;
    let price = r#"price: {inputPerMillion: "1", outputPerMillion: "1"}"#;
    let budget = r#"budgets: [{name: day, amount: "1000", period: Daily, strict: true}]"#;
    let documents = [
        provider("good", &good.base_url(), price),
        key("caller", KEY, budget),
        chain("chat", &["good"], ""),
    ];
    let gateway = crate::harness::serve(documents).await;
    fill(&gateway, 6_000).await;
    let end = Instant::now() + Duration::from_secs(5);
    let looks = async || {
        let holder = Console::open(&gateway, &json!({"key": KEY})).await.unwrap();
        let nothing = json!({"filter": {"text": "zzz"}});
        let mut asked = 0;
        while Instant::now() < end {
            let path = if asked % 2 == 0 { "requests" } else { "mine" };
            let (status, told) = match path {
                "requests" => holder.post(path, &nothing).await,
                _ => holder.get(path).await,
            };
            assert!(status == 200 || status == 429, "{path}: {status} {told}");
            asked += 1;
        }
        asked
    };
    let probes = async {
        let mut slowest = Duration::ZERO;
        while Instant::now() < end {
            let before = Instant::now();
            assert_eq!(gateway.admin("/livez").send().await.unwrap().status(), 200);
            slowest = slowest.max(before.elapsed());
            sleep(Duration::from_millis(50)).await;
        }
        slowest
    };
    let asks = async {
        let mut answered = 0;
        while Instant::now() < end {
            let answer = gateway.ask(&whole("chat")).await;
            assert_eq!(answer.status, 200, "{}", answer.text());
            answered += 1;
        }
        answered
    };
    let (looked, slowest, answered) =
        tokio::join!(join_all((0..12).map(|_| looks())), probes, asks);
    assert!(looked.iter().all(|count| *count > 0), "{looked:?}");
    assert!(answered > 20, "{answered}");
    assert!(slowest < Duration::from_secs(1), "{slowest:?}");
}

#[tokio::test]
async fn a_session_of_a_key_ends_with_the_key() {
    let (bad, good) = providers().await;
    let others = [
        provider("bad", &bad.base_url(), ""),
        provider("good", &good.base_url(), ""),
    ]
    .concat();
    let values = ["suspended", "rotated", "deleted", "kept"].map(|name| {
        (
            name,
            format!("sk-fairlead-{name}-0123456789abcdef0123456789"),
        )
    });
    let keys = values.each_ref().map(|(name, value)| key(name, value, ""));
    let gateway = crate::harness::Setup::new()
        .file("all.yaml", &(others.clone() + &keys.concat()))
        .arguments(&["--state-dir", "{}/state"])
        .start()
        .await;
    let mut signed_in = Vec::new();
    for (name, value) in &values {
        let holder = Console::open(&gateway, &json!({"key": value}))
            .await
            .unwrap();
        let live = gateway
            .admin("/api/v1/live")
            .header("cookie", &holder.cookie);
        let live = live.send().await.unwrap();
        assert_eq!(live.status(), 200);
        signed_in.push((*name, holder, live));
    }
    let now = [
        key("suspended", &values[0].1, "suspended: true"),
        key(
            "rotated",
            "sk-fairlead-another-0123456789abcdef0123456789",
            "",
        ),
        key("kept", &values[3].1, ""),
    ];
    gateway.edit("all.yaml", &(others + &now.concat())).await;
    sleep(Duration::from_secs(11)).await;
    for (name, holder, live) in signed_in {
        let kept = name == "kept";
        let (status, _) = holder.get("session").await;
        assert_eq!(status == 200, kept, "{name}: {status}");
        let ended = timeout(Duration::from_secs(3), live.bytes()).await;
        assert_eq!(ended.is_ok(), !kept, "{name}");
    }
}

#[tokio::test]
async fn a_rule_without_a_namespace_is_the_one_that_the_compiler_takes_it_for() {
    let documents = [
        object(
            "LLMProvider",
            "good",
            r#"type: OpenAI, baseURL: "https://api.example.com/v1""#,
        ),
        key("caller", KEY, ""),
        chain("chat", &["good"], ""),
    ];
    let gateway = crate::harness::Setup::new()
        .file("all.yaml", &documents.concat())
        .arguments(&["--state-dir", "{}/state", "--gateway-namespace", "platform"])
        .start()
        .await;
    let console = Console::operator(&gateway).await;
    let (_, rules) = console.get("rules").await;
    assert_eq!(rules[0]["name"], "default/chat", "{rules}");
    let (status, built) = console.post("build", &rules[0]["form"]).await;
    assert_eq!(status, 200, "{built}");
    assert_eq!(built["live"], built["yaml"], "{built}");
    assert_eq!(built["findings"], json!([]), "{built}");
}
