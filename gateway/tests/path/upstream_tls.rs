//! Whom the gateway connects to: certificates that are checked, and addresses that are not to be reached.

use fairlead_faults::{Play, Provider};

use crate::harness::certificate::Certificate;
use crate::harness::yaml::{caller, key, object, provider, secret};
use crate::harness::{serve, whole};

const TENANT: &str = "sk-tenant-0123456789abcdef0123456789";

/// A `ca` Secret in flow style, the line ends of the PEM escaped.
pub(crate) fn ca(name: &str, certificate: &Certificate) -> String {
    secret(
        name,
        "ca",
        &format!(
            "ca.crt: \"{}\"",
            certificate.certificate.replace('\n', "\\n")
        ),
    )
}

pub(crate) async fn over_tls(certificate: &Certificate) -> Provider {
    Provider::start_tls(
        |_| Play::chat("Hello."),
        &certificate.certificate,
        &certificate.key,
    )
    .await
}

#[tokio::test]
async fn a_provider_with_a_ca_of_its_own_is_verified_by_it_and_by_no_other() {
    let (good, other) = (Certificate::loopback(), Certificate::loopback());
    let a = over_tls(&good).await;
    let documents = [
        provider("a", &a.base_url(), "tls: {caCertificateRef: {name: good}}"),
        provider(
            "other",
            &a.base_url(),
            "tls: {caCertificateRef: {name: other}}",
        ),
        provider("system", &a.base_url(), ""),
        provider(
            "missing",
            &a.base_url(),
            "tls: {caCertificateRef: {name: missing}}",
        ),
        ca("good", &good),
        ca("other", &other),
        caller(),
    ];
    let gateway = serve(documents).await;
    assert_eq!(gateway.ask(&whole("a/any")).await.content(), "Hello.");
    for name in ["other", "system", "missing"] {
        let answer = gateway.ask(&whole(&format!("{name}/any"))).await;
        assert_eq!(
            (answer.status, answer.attempts()),
            (502, format!("default/{name}=connect").as_str()),
            "{}",
            answer.text()
        );
        assert!(
            answer.message().contains("certificate"),
            "{}",
            answer.message()
        );
    }
    assert_eq!(a.requests(), 1);
}

/// A Secret as of type kubernetes.io/tls, in flow style.
fn shown(name: &str, certificate: &str, key: &str) -> String {
    let line = |text: &str| text.replace('\n', "\\n");
    let data = format!(
        "tls.crt: \"{}\", tls.key: \"{}\"",
        line(certificate),
        line(key)
    );
    secret(name, "client-certificate", &data)
}

#[tokio::test]
async fn a_provider_that_asks_who_connects_is_shown_the_certificate_that_is_named_and_no_other() {
    let (server, ours, theirs) = (
        Certificate::loopback(),
        Certificate::of("gateway.example"),
        Certificate::of("gateway.example"),
    );
    let a = Provider::builder()
        .mutual_tls(&server.certificate, &server.key, &ours.certificate)
        .start(|_| Play::chat("Hello."))
        .await;
    let tls = |name: &str, more: &str| {
        let tls = format!("tls: {{caCertificateRef: {{name: good}}{more}}}");
        provider(name, &a.base_url(), &tls)
    };
    let documents = [
        tls("ours", ", clientCertificateRef: {name: ours}"),
        tls("theirs", ", clientCertificateRef: {name: theirs}"),
        tls("mixed", ", clientCertificateRef: {name: mixed}"),
        tls("missing", ", clientCertificateRef: {name: missing}"),
        tls("none", ""),
        ca("good", &server),
        shown("ours", &ours.certificate, &ours.key),
        shown("theirs", &theirs.certificate, &theirs.key),
        shown("mixed", &ours.certificate, &theirs.key),
        caller(),
    ];
    let gateway = serve(documents).await;
    for name in ["theirs", "mixed", "missing", "none", "ours"] {
        let answer = gateway.ask(&whole(&format!("{name}/any"))).await;
        let told = answer.text();
        assert_eq!(answer.status == 200, name == "ours", "{name}: {told}");
        assert!(!told.contains("PRIVATE KEY"), "{told}");
    }
    assert_eq!(a.requests(), 1);
    // One that takes its place is shown from the next connection on.
    let renewed = shown("ours", &theirs.certificate, &theirs.key);
    gateway
        .edit(
            "all.yaml",
            &[
                tls("ours", ", clientCertificateRef: {name: ours}"),
                ca("good", &server),
                renewed,
                caller(),
            ]
            .concat(),
        )
        .await;
    assert_ne!(gateway.ask(&whole("ours/any")).await.status, 200);
    let lines = gateway.err.so_far();
    assert!(lines.iter().all(|line| !line.contains("PRIVATE KEY")));
}

#[tokio::test]
async fn a_certificate_for_another_name_is_refused() {
    let certificate = Certificate::loopback();
    let a = over_tls(&certificate).await;
    let url = a.base_url().replace("127.0.0.1", "localhost");
    let gateway = serve([
        provider("a", &url, "tls: {caCertificateRef: {name: good}}"),
        ca("good", &certificate),
        caller(),
    ])
    .await;
    assert_eq!(
        gateway.ask(&whole("a/any")).await.attempts(),
        "default/a=connect"
    );
}

#[tokio::test]
async fn a_tenants_provider_reaches_no_private_address_whatever_it_says() {
    let a = Provider::always(Play::chat("Hello.")).await;
    let port = a.address().port();
    let documents = [
        provider("search/claims", &a.base_url(), ""),
        object(
            "LLMProvider",
            "search/plain",
            &format!("type: OpenAI, baseURL: \"{}\"", a.base_url()),
        ),
        object(
            "LLMProvider",
            "search/named",
            &format!("type: OpenAI, baseURL: \"http://localhost:{port}/v1\""),
        ),
        object(
            "LLMProvider",
            "search/mapped",
            &format!("type: OpenAI, baseURL: \"http://[::ffff:127.0.0.1]:{port}/v1\""),
        ),
        key("search/tenant", TENANT, ""),
    ];
    let gateway = serve(documents).await;
    for name in ["claims", "plain", "named", "mapped"] {
        let answer = gateway.ask_as(TENANT, &whole(&format!("{name}/any"))).await;
        assert!(
            answer.status >= 400,
            "{name}: {} {}",
            answer.status,
            answer.text()
        );
    }
    assert_eq!(a.connections(), 0);
}

#[tokio::test]
async fn the_platforms_provider_reaches_a_private_address_only_if_it_says_so() {
    let a = Provider::always(Play::chat("Hello.")).await;
    let documents = [
        object(
            "LLMProvider",
            "silent",
            &format!("type: OpenAI, baseURL: \"{}\"", a.base_url()),
        ),
        provider("says", &a.base_url(), ""),
        caller(),
    ];
    let gateway = serve(documents).await;
    let answer = gateway.ask(&whole("silent/any")).await;
    assert_eq!(
        (answer.status, answer.attempts(), a.connections()),
        (502, "default/silent=connect", 0)
    );
    assert!(
        answer.message().contains("allowPrivateNetwork"),
        "{}",
        answer.message()
    );
    assert_eq!(gateway.ask(&whole("says/any")).await.status, 200);
}
