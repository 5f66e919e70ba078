//! The pure crates stay pure: no async runtime, no HTTP stack, no Kubernetes client among what they are built with.

#![cfg(test)]

mod modules;

use std::process::Command;

/// What none of them may depend on, directly or not.
const IMPURE: [&str; 8] = [
    "tokio",
    "hyper",
    "axum",
    "reqwest",
    "kube-client",
    "kube-runtime",
    "rustls",
    "mio",
];

fn dependencies(package: &str) -> Vec<String> {
    let tree = tree(package, "{p}");
    let names = tree.lines().filter_map(|line| line.split(' ').next());
    names.map(str::to_owned).collect()
}

/// What a package is built with, a line each.
fn tree(package: &str, format: &str) -> String {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let arguments = [
        "tree",
        "--offline",
        "--edges",
        "normal",
        "--prefix",
        "none",
        "--format",
        format,
        "--package",
        package,
    ];
    match Command::new(cargo).args(arguments).output() {
        Ok(tree) if tree.status.success() => String::from_utf8_lossy(&tree.stdout).into_owned(),
        Ok(tree) => panic!(
            "cargo tree failed: {}",
            String::from_utf8_lossy(&tree.stderr)
        ),
        Err(error) => panic!("cargo cannot be run: {error}"),
    }
}

/// It costs each look at the clock a lock.
#[test]
fn a_clock_that_can_be_stopped_is_in_no_program() {
    for package in ["fairlead-gateway", "fairlead-operator"] {
        let tree = tree(package, "{p} {f}");
        let tokio: Vec<_> = tree
            .lines()
            .filter(|line| line.starts_with("tokio v"))
            .collect();
        assert!(
            !tokio.is_empty() && tokio.iter().all(|line| !line.contains("test-util")),
            "{package}: {tokio:?}"
        );
    }
}

#[test]
fn the_pure_crates_depend_on_nothing_impure() {
    for package in [
        "fairlead-snapshot",
        "fairlead-condition",
        "fairlead-compile",
        "fairlead-json",
        "fairlead-translate",
        "fairlead-wire",
        "fairlead-redact",
        "fairlead-route",
        "fairlead-admit",
        "fairlead-health",
        "fairlead-catalog",
        "fairlead-start",
    ] {
        let dependencies = dependencies(package);
        assert!(
            dependencies.contains(&package.to_owned()),
            "cargo tree names the package itself"
        );
        let impure: Vec<_> = dependencies
            .iter()
            .filter(|name| IMPURE.contains(&name.as_str()))
            .collect();
        assert!(impure.is_empty(), "{package} depends on {impure:?}");
    }
}

/// It runs on tokio, but who calls out for it is the gateway: by its pools, proxies and rules of egress.
#[test]
fn tokens_are_fetched_without_an_http_library() {
    let dependencies = dependencies("fairlead-auth");
    let own: Vec<_> = dependencies
        .iter()
        .filter(|name| {
            let impure =
                IMPURE.contains(&name.as_str()) && !["tokio", "mio"].contains(&name.as_str());
            impure || (name.starts_with("fairlead-") && *name != "fairlead-auth")
        })
        .collect();
    assert!(
        dependencies.contains(&"tokio".to_owned()) && own.is_empty(),
        "fairlead-auth depends on {own:?}"
    );
}

#[test]
fn arrows_go_one_way() {
    let never = [
        ("fairlead-snapshot", "fairlead-crds"),
        ("fairlead-wire", "fairlead-snapshot"),
        ("fairlead-route", "fairlead-crds"),
        ("fairlead-route", "fairlead-wire"),
        ("fairlead-admit", "fairlead-crds"),
        ("fairlead-health", "fairlead-crds"),
        ("fairlead-health", "fairlead-route"),
        ("fairlead-route", "fairlead-health"),
        ("fairlead-compile", "fairlead-route"),
        ("fairlead-compile", "fairlead-wire"),
        ("fairlead-crds", "fairlead-snapshot"),
        // It knows what it shows, and not where that comes from.
        ("fairlead-console", "fairlead-gateway"),
        ("fairlead-console", "fairlead-snapshot"),
        ("fairlead-console", "fairlead-crds"),
        // They read and ask, and enforce nothing.
        ("fairlead-published", "fairlead-gateway"),
        ("fairlead-published", "fairlead-crds"),
        ("fairlead-admin-client", "fairlead-gateway"),
        ("fairlead-admin-client", "fairlead-crds"),
        ("fairlead-admin-client", "fairlead-record"),
        // They meet in the snapshot.
        ("fairlead-operator", "fairlead-route"),
        ("fairlead-operator", "fairlead-wire"),
        ("fairlead-operator", "fairlead-gateway"),
        ("fairlead-gateway", "fairlead-operator"),
    ];
    for (from, to) in never {
        assert!(
            !dependencies(from).contains(&to.to_owned()),
            "{from} depends on {to}"
        );
    }
}
