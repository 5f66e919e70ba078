//! What the pages are made of, and what a browser is told of every answer.

use std::path::Path;
use std::process::Command;

use super::*;
use crate::assets::ASSETS;
use crate::reply::POLICY;
use crate::route::{BELOW, ROUTES};

/// All of it together, as a browser gets it from a server that compresses.
const BUDGET: usize = 60 * 1024;

#[tokio::test]
async fn every_answer_says_what_may_run_in_it_and_is_kept_by_nobody() {
    let browser = Browser::signed_in(operator()).await;
    let api = ROUTES.iter().map(|route| {
        let path = route.path.replace('*', "0000000000000009");
        (route.method.clone(), format!("{BELOW}{path}"))
    });
    let assets = ASSETS
        .iter()
        .map(|asset| (Method::GET, asset.path.to_owned()));
    let none = [
        (Method::GET, "/none".to_owned()),
        (Method::POST, "/".to_owned()),
    ];
    for (method, path) in assets.chain(none).chain(api) {
        let answer = browser
            .send(browser.request(method, &path, &json!({})))
            .await;
        let headers = answer.headers();
        assert_eq!(headers[header::CONTENT_SECURITY_POLICY], POLICY, "{path}");
        assert_eq!(headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff", "{path}");
        assert_eq!(headers[header::REFERRER_POLICY], "no-referrer", "{path}");
        assert!(
            !headers.contains_key("access-control-allow-origin"),
            "{path}"
        );
        if path.starts_with(BELOW) && !path.ends_with("live") {
            assert_eq!(headers[header::CACHE_CONTROL], "no-store", "{path}");
        }
    }
    for must in [
        "default-src 'none'",
        "script-src 'self'",
        "require-trusted-types-for 'script'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    ] {
        assert!(POLICY.contains(must), "{must}");
    }
    assert!(!POLICY.contains("unsafe"));
}

#[tokio::test]
async fn a_browser_that_has_a_file_does_not_get_it_again() {
    let browser = Browser::new();
    let answer = browser
        .send(browser.request(Method::GET, "/console.js", &Value::Null))
        .await;
    let tag = answer.headers()[header::ETAG].clone();
    let mut again = browser.request(Method::GET, "/console.js", &Value::Null);
    again.headers_mut().insert(header::IF_NONE_MATCH, tag);
    let kept = browser.send(again).await;
    assert_eq!(kept.status(), StatusCode::NOT_MODIFIED);
    for name in [header::ETAG, header::CACHE_CONTROL] {
        assert_eq!(kept.headers()[&name], answer.headers()[&name], "{name}");
    }
}

#[test]
fn the_pages_load_nothing_from_elsewhere_and_hold_no_script() {
    let page = std::str::from_utf8(ASSETS[0].content).unwrap();
    for bad in ["http:", "https:", "<script>", " on", "style="] {
        assert!(!page.contains(bad), "{bad}");
    }
    for asset in &ASSETS[1..] {
        let text = std::str::from_utf8(asset.content).unwrap();
        assert!(!text.contains("sourceMappingURL"), "{}", asset.path);
        for bad in ["@import", "url(http"] {
            assert!(!text.contains(bad), "{}: {bad}", asset.path);
        }
    }
}

/// What is committed is what `web` gives, where there is a Node to tell; and it is small.
#[test]
fn what_is_committed_is_what_is_built() {
    let web = Path::new(env!("CARGO_MANIFEST_DIR")).join("web");
    if !web.join("node_modules").is_dir() {
        return;
    }
    let out = std::env::temp_dir().join(format!("fairlead-console-{}", std::process::id()));
    let built = Command::new("node")
        .arg("build.mjs")
        .arg(&out)
        .current_dir(&web)
        .status();
    assert!(built.unwrap().success());
    for asset in ASSETS {
        let name = match asset.path {
            "/" => "index.html",
            path => path.trim_start_matches('/'),
        };
        let fresh = std::fs::read(out.join(name)).unwrap();
        assert!(
            fresh == asset.content,
            "{name}: run `make console`, and commit console/dist"
        );
    }
    std::fs::remove_dir_all(out).unwrap();
}

#[test]
fn the_pages_are_small() {
    let whole: usize = ASSETS.iter().map(|asset| gzipped(asset.content)).sum();
    assert!(
        whole > 0 && whole <= BUDGET,
        "{whole} bytes, and {BUDGET} are allowed"
    );
}

fn gzipped(content: &[u8]) -> usize {
    use std::io::Write as _;

    let mut child = Command::new("gzip")
        .args(["-9", "-n"])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    std::thread::scope(|scope| {
        scope.spawn(move || input.write_all(content).unwrap());
        child.wait_with_output().unwrap().stdout.len()
    })
}
