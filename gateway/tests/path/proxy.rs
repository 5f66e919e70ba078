//! Providers behind a forward proxy: `HTTPS_PROXY` and `NO_PROXY`.

use std::net::SocketAddr;
use std::sync::Arc;

use fairlead_faults::{Play, Provider};
use parking_lot::Mutex;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::harness::certificate::Certificate;
use crate::harness::http2_provider::Http2Provider;
use crate::harness::yaml::{caller, chain, object, provider};
use crate::harness::{Setup, streamed, whole};
use crate::upstream_tls::{ca, over_tls};

/// A proxy on loopback: whatever is asked for leads to one server.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
    _serving: JoinSet<()>,
}

impl Proxy {
    /// Answers each CONNECT with `answer`, and connects to `server` if that is a success.
    pub(crate) async fn start(server: SocketAddr, answer: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let heads = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&heads);
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            let mut tunnels = JoinSet::new();
            while let Ok((mut caller, _)) = listener.accept().await {
                let seen = Arc::clone(&seen);
                tunnels.spawn(async move {
                    let head = head(&mut caller).await;
                    seen.lock().push(head);
                    let answer = format!("HTTP/1.1 {answer}\r\n\r\n");
                    caller.write_all(answer.as_bytes()).await.unwrap();
                    if answer.starts_with("HTTP/1.1 200") {
                        let mut server = TcpStream::connect(server).await.unwrap();
                        // How it ends is the matter of the two ends.
                        let _ = copy_bidirectional(&mut caller, &mut server).await;
                    }
                });
            }
        });
        Self {
            address,
            heads,
            _serving: serving,
        }
    }

    fn heads(&self) -> Vec<String> {
        self.heads.lock().clone()
    }
}

async fn head(caller: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(caller.read_u8().await.unwrap());
    }
    String::from_utf8(head).unwrap()
}

/// A provider of that URL which trusts the certificate named like itself.
pub(crate) fn trusting(name: &str, url: &str) -> String {
    let tls = format!("tls: {{caCertificateRef: {{name: {name}}}}}");
    provider(name, url, &tls)
}

#[tokio::test]
async fn a_provider_whose_name_only_the_proxy_knows_is_reached_through_it() {
    let certificate = Certificate::of("provider.test");
    let far = over_tls(&certificate).await;
    let near = Provider::always(Play::chat("Near.")).await;
    let proxy = Proxy::start(far.address(), "200 Connection established").await;
    let local = Certificate::loopback();
    let beside = over_tls(&local).await;
    let gateway = Setup::new()
        .file(
            "all.yaml",
            &[
                trusting("far", "https://provider.test/v1"),
                ca("far", &certificate),
                trusting("beside", &beside.base_url()),
                ca("beside", &local),
                provider("near", &near.base_url(), ""),
                caller(),
            ]
            .concat(),
        )
        .variable(
            "HTTPS_PROXY",
            &format!("http://me:s3cret@{}", proxy.address),
        )
        .start()
        .await;

    assert_eq!(gateway.ask(&whole("far/any")).await.content(), "Hello.");
    assert_eq!(gateway.ask(&streamed("far/any")).await.status, 200);
    let heads = proxy.heads();
    assert_eq!(
        heads[0],
        "CONNECT provider.test:443 HTTP/1.1\r\nhost: provider.test:443\r\nproxy-authorization: Basic bWU6czNjcmV0\r\n\r\n"
    );
    // Each core has connections of its own.
    assert!(heads.iter().all(|head| *head == heads[0]), "{heads:?}");

    // Plain HTTP and this machine itself do without.
    assert_eq!(gateway.ask(&whole("near/any")).await.content(), "Near.");
    assert_eq!(gateway.ask(&whole("beside/any")).await.content(), "Hello.");
    assert_eq!(proxy.heads(), heads);
}

#[tokio::test]
async fn what_the_proxy_will_not_do_is_a_failed_connection_and_the_next_is_asked() {
    let near = Provider::always(Play::chat("Near.")).await;
    let unused = "127.0.0.1:9".parse().unwrap();
    // What would be so whichever provider was meant is this gateway's own want, and speaks against none.
    for (answer, class, status, says) in [
        ("403 Forbidden", "connect", 502, "makes no connection to it"),
        (
            "407 Proxy Authentication Required",
            "gateway_overloaded",
            503,
            "HTTPS_PROXY) does not work",
        ),
        (
            "nonsense",
            "gateway_overloaded",
            503,
            "HTTPS_PROXY) does not work",
        ),
    ] {
        let proxy = Proxy::start(unused, answer).await;
        let gateway = Setup::new()
            .file(
                "all.yaml",
                &[
                    provider("far", "https://provider.test/v1", ""),
                    provider("near", &near.base_url(), ""),
                    chain("m", &["far", "near"], ""),
                    caller(),
                ]
                .concat(),
            )
            .variable("https_proxy", &format!("{}", proxy.address))
            .start()
            .await;
        let alone = gateway.ask(&whole("far/any")).await;
        assert_eq!(alone.attempts(), format!("default/far={class}"), "{answer}");
        assert_eq!(alone.status, status, "{answer}");
        assert!(
            alone.message().contains(says),
            "{answer}: {}",
            alone.message()
        );
        assert!(!alone.text().contains("127.0.0.1"), "{}", alone.text());
        assert_eq!(
            gateway.ask(&whole("m")).await.content(),
            "Near.",
            "{answer}"
        );
    }
}

#[tokio::test]
async fn a_private_address_is_not_asked_of_the_proxy_either() {
    let proxy = Proxy::start("127.0.0.1:9".parse().unwrap(), "200 OK").await;
    let documents = [
        object(
            "LLMProvider",
            "metadata",
            "type: OpenAI, baseURL: \"https://169.254.169.254/v1\"",
        ),
        caller(),
    ];
    let gateway = Setup::new()
        .file("all.yaml", &documents.concat())
        .variable("HTTPS_PROXY", &format!("{}", proxy.address))
        .start()
        .await;
    let answer = gateway.ask(&whole("metadata/any")).await;
    assert!(answer.status >= 400, "{}", answer.text());
    assert_eq!(proxy.heads(), Vec::<String>::new());
}

#[tokio::test]
async fn a_proxy_that_cannot_be_used_keeps_the_gateway_from_starting_and_shows_no_password() {
    let refused = Setup::new()
        .variable("HTTPS_PROXY", "socks5://me:s3cret@proxy.test:1080")
        .refused()
        .await;
    assert!(!refused.status.success());
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(said.contains("HTTPS_PROXY has to be"), "{said}");
    assert!(!said.contains("s3cret"), "{said}");
}

#[tokio::test]
async fn http_2_goes_through_the_proxy_too() {
    let certificate = Certificate::of("provider.test");
    let far = Http2Provider::start_tls(&certificate, |asked| async move {
        asked.answer("Far.");
    })
    .await;
    let proxy = Proxy::start(far.address(), "200 Connection established").await;
    let more = "httpVersion: HTTP2, tls: {caCertificateRef: {name: far}}";
    let gateway = Setup::new()
        .file(
            "all.yaml",
            &[
                provider("far", "https://provider.test/v1", more),
                ca("far", &certificate),
                caller(),
            ]
            .concat(),
        )
        .arguments(&["--cores", "1"])
        .variable("HTTPS_PROXY", &format!("{}", proxy.address))
        .start()
        .await;
    for _ in 0..3 {
        assert_eq!(gateway.ask(&whole("far/any")).await.content(), "Far.");
    }
    assert_eq!((far.requests(), proxy.heads().len()), (3, 1));
}
