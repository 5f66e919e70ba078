//! How a caller presents its key.

use fairlead_faults::{Play, Provider};

use crate::harness::yaml::{caller, chain, provider};
use crate::harness::{Answer, KEY, serve, whole};

#[tokio::test]
async fn a_key_is_taken_from_each_of_its_headers() {
    let a = Provider::always(Play::chat("Hello.")).await;
    let gateway = serve([
        provider("a", &a.base_url(), ""),
        caller(),
        chain("chat", &["a"], ""),
    ])
    .await;
    let bearer = format!("Bearer {KEY}");
    let lower = format!("bearer {KEY}");
    let headers = [
        ("authorization", bearer.as_str()),
        ("authorization", lower.as_str()),
        ("x-api-key", KEY),
        ("api-key", KEY),
    ];
    for (name, value) in headers {
        let request = gateway
            .post("/v1/chat/completions")
            .header(name, value)
            .body(whole("chat").to_string());
        assert_eq!(Answer::to(request).await.status, 200, "{name}: {value}");
    }
}

#[tokio::test]
async fn authorization_goes_before_the_other_headers() {
    let a = Provider::always(Play::chat("Hello.")).await;
    let gateway = serve([
        provider("a", &a.base_url(), ""),
        caller(),
        chain("chat", &["a"], ""),
    ])
    .await;
    let request = |bearer: &str, other: &str| {
        let request = gateway
            .post("/v1/chat/completions")
            .bearer_auth(bearer)
            .header("x-api-key", other);
        Answer::to(request.body(whole("chat").to_string()))
    };
    assert_eq!(request(KEY, "nobody").await.status, 200);
    assert_eq!(request("nobody", KEY).await.status, 401);
}

#[tokio::test]
async fn no_header_with_a_key_reaches_the_provider() {
    let a = Provider::always(Play::chat("Hello.")).await;
    let gateway = serve([
        provider("a", &a.base_url(), ""),
        caller(),
        chain("chat", &["a"], ""),
    ])
    .await;
    let request = gateway
        .post("/v1/chat/completions")
        .bearer_auth(KEY)
        .header("x-api-key", KEY)
        .header("api-key", KEY);
    let request = request
        .header("cookie", format!("key={KEY}"))
        .header("x-forwarded-for", "10.0.0.1")
        .header("x-custom", KEY);
    assert_eq!(
        Answer::to(request.body(whole("chat").to_string()))
            .await
            .status,
        200
    );
    let head = String::from_utf8_lossy(&a.seen()[0].head).to_lowercase();
    assert!(!head.contains(KEY), "{head}");
    for name in [
        "authorization",
        "x-api-key",
        "api-key",
        "cookie",
        "x-forwarded-for",
        "x-custom",
    ] {
        assert!(!head.contains(&format!("\n{name}:")), "{head}");
    }
}
