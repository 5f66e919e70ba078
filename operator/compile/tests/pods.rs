//! The pods of a Service in a provider: what is kept, what goes, and whose they are.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of a test fail by panicking, as the test itself does"
)]

use std::collections::BTreeMap;
use std::sync::Arc;

use fairlead_compile::{
    Compiled, Document, Inputs, Origin, Reason, Secrets, Services, Settings, Slice, audit, compile,
};
use fairlead_snapshot::{ObjectName, Protocol, Provider, Snapshot};
use jiff::Timestamp;
use serde_json::{Value, json};

fn slice(port: u16, addresses: &[&str]) -> Slice {
    Slice {
        service: "vllm".to_owned(),
        ports: vec![("http".to_owned(), port)],
        addresses: addresses.iter().map(|text| text.parse().unwrap()).collect(),
    }
}

/// What is known of the Service `vllm` of a namespace.
fn known(namespace: &str, slices: Vec<Slice>) -> Services {
    let slices = slices.into_iter().map(Arc::new).collect();
    Services {
        slices: BTreeMap::from([(ObjectName::new(namespace, "vllm"), slices)]),
        ..Services::default()
    }
}

fn spec(more: &Value) -> Value {
    let mut spec = json!({"type": "VLLM", "allowPrivateNetwork": true, "endpoints": {"serviceRef": {"name": "vllm"}}});
    for (name, value) in more.as_object().unwrap() {
        spec[name] = value.clone();
    }
    spec
}

/// Compiles a pool in a namespace; the gateway is in `own`, and `permitted` may use private addresses.
fn compiled(
    namespace: &str,
    spec: &Value,
    services: Services,
    before: Option<&Snapshot>,
) -> Compiled {
    let document = Document {
        value: json!({"apiVersion": "fairlead.dev/v1alpha1", "kind": "LLMProvider", "metadata": {"namespace": namespace, "name": "pool", "generation": 1}, "spec": spec}),
        origin: Origin::default(),
    };
    let mut settings = Settings::new("own");
    settings
        .private_networks
        .namespaces
        .insert("permitted".to_owned());
    let inputs = Inputs {
        settings,
        objects: vec![Arc::new(document)],
        secrets: Secrets::new(),
        services,
        namespaces: BTreeMap::new(),
        now: 0,
    };
    compile(before, &inputs)
}

fn provider<'a>(compiled: &'a Compiled, namespace: &str) -> &'a Provider {
    &compiled.snapshot.providers[&ObjectName::new(namespace, "pool")]
}

fn servers(compiled: &Compiled) -> Vec<String> {
    let endpoints = provider(compiled, "own").endpoints.as_ref().unwrap();
    endpoints.addresses.clone()
}

fn reasons(compiled: &Compiled) -> Vec<Reason> {
    let findings = &compiled.verdicts[0].unresolved;
    findings.iter().map(|finding| finding.reason).collect()
}

#[test]
fn pods_are_sorted_and_of_one_family() {
    let slices = vec![
        slice(8000, &["10.0.0.10", "10.0.0.9"]),
        slice(8000, &["10.0.0.9", "10.0.0.2"]),
        slice(8000, &["fd00::1", "fd00::2"]),
    ];
    let both = compiled("own", &spec(&json!({})), known("own", slices), None);
    assert_eq!(
        servers(&both),
        ["10.0.0.2:8000", "10.0.0.9:8000", "10.0.0.10:8000"]
    );
    assert_eq!(reasons(&both), []);
    let six = vec![slice(8000, &["fd00::2", "fd00::1"])];
    let six = compiled("own", &spec(&json!({})), known("own", six), None);
    assert_eq!(servers(&six), ["[fd00::1]:8000", "[fd00::2]:8000"]);
}

#[test]
fn a_service_that_is_not_listed_yet_keeps_its_pods_and_one_that_has_none_loses_them() {
    let spec = spec(&json!({}));
    let first = compiled(
        "own",
        &spec,
        known("own", vec![slice(8000, &["10.0.0.1"])]),
        None,
    );
    let unknown = compiled("own", &spec, Services::default(), Some(&first.snapshot));
    assert_eq!(
        (servers(&unknown), reasons(&unknown)),
        (servers(&first), vec![])
    );
    let gone = compiled("own", &spec, known("own", vec![]), Some(&first.snapshot));
    assert_eq!(servers(&gone), [""; 0]);
    assert_eq!(reasons(&gone), [Reason::ServiceNotFound]);
    let other = json!({"serviceRef": {"name": "other"}});
    let other = self::spec(&json!({"endpoints": other}));
    let other = compiled("own", &other, Services::default(), Some(&first.snapshot));
    assert_eq!(servers(&other), [""; 0], "another Service has other pods");
}

#[test]
fn the_last_accepted_version_does_not_keep_pods_that_are_gone() {
    let first = compiled(
        "own",
        &spec(&json!({})),
        known("own", vec![slice(8000, &["10.0.0.1"])]),
        None,
    );
    let broken = spec(&json!({"baseURL": "nonsense"}));
    let services = known("own", vec![slice(8000, &["10.0.0.2"])]);
    let second = compiled("own", &broken, services, Some(&first.snapshot));
    assert!(!second.verdicts[0].faults.is_empty());
    assert_eq!(servers(&second), ["10.0.0.2:8000"]);
}

#[test]
fn pods_of_a_tenant_without_the_permission_are_nobodys_servers() {
    let services = || known("tenant", vec![slice(6443, &["10.96.0.1"])]);
    let refused = compiled("tenant", &spec(&json!({})), services(), None);
    assert!(refused.snapshot.providers.is_empty(), "{refused:?}");
    assert_eq!(refused.verdicts[0].faults[0].reason, Reason::NotPermitted);
    // By addresses: the gateway refuses each when it connects, for the permission is not there.
    let written = json!({"type": "VLLM", "endpoints": {"addresses": ["10.96.0.1:6443"]}});
    let written = compiled("tenant", &written, Services::default(), None);
    let Protocol::Http {
        private_network, ..
    } = &provider(&written, "tenant").protocol
    else {
        panic!("it is one");
    };
    assert!(!private_network);
}

#[test]
fn a_permission_that_is_taken_away_counts_for_pods_too() {
    let services = || known("permitted", vec![slice(8000, &["10.0.0.1"])]);
    let first = compiled("permitted", &spec(&json!({})), services(), None);
    assert_eq!(first.snapshot.providers.len(), 1);
    let document = Document {
        value: json!({"apiVersion": "fairlead.dev/v1alpha1", "kind": "LLMProvider", "metadata": {"namespace": "permitted", "name": "pool"}, "spec": spec(&json!({}))}),
        origin: Origin::default(),
    };
    let inputs = Inputs {
        settings: Settings::new("own"),
        objects: vec![Arc::new(document)],
        secrets: Secrets::new(),
        services: services(),
        namespaces: BTreeMap::new(),
        now: 0,
    };
    let second = compile(Some(&first.snapshot), &inputs);
    let Protocol::Http {
        private_network, ..
    } = &provider(&second, "permitted").protocol
    else {
        panic!("it is one");
    };
    assert!(
        !private_network,
        "what the gateway connects to is looked at by this"
    );
}

#[test]
fn a_service_of_too_many_pods_is_cut_and_its_provider_says_so() {
    let all: Vec<String> = (0..300)
        .map(|n| format!("10.0.{}.{}", n / 100, n % 100 + 1))
        .collect();
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    let many = compiled(
        "own",
        &spec(&json!({})),
        known("own", vec![slice(8000, &all)]),
        None,
    );
    assert_eq!(servers(&many).len(), 256);
    assert_eq!(reasons(&many), [Reason::TooLarge]);
}

#[test]
fn pods_that_come_and_go_are_no_edit_of_their_provider() {
    let of = |address: &str, more: Value| {
        let services = known("own", vec![slice(8000, &[address])]);
        compiled("own", &spec(&more), services, None).snapshot
    };
    let (one, two) = (of("10.0.0.1", json!({})), of("10.0.0.2", json!({})));
    assert_ne!(one, two);
    let lines = |before: &Snapshot, after: &Snapshot| -> Vec<Value> {
        let lines = audit::lines(before, after, 2, Timestamp::UNIX_EPOCH);
        lines
            .map(|line| serde_json::from_str(&line).unwrap())
            .collect()
    };
    assert_eq!(lines(&one, &two)[0]["count"], 0);
    let edited = of("10.0.0.2", json!({"httpVersion": "HTTP2"}));
    assert_eq!(lines(&one, &edited)[0]["count"], 1);
}

#[test]
fn what_is_asked_of_pods_is_by_the_name_of_their_service() {
    let at = |more: Value| {
        let services = known("own", vec![slice(8000, &["10.0.0.1"])]);
        let compiled = compiled("own", &spec(&more), services, None);
        let Protocol::Http { base_url, .. } = provider(&compiled, "own").protocol.clone() else {
            panic!("it is one");
        };
        base_url
    };
    assert_eq!(at(json!({})), "http://vllm.own.svc/v1");
    let port = json!({"endpoints": {"serviceRef": {"name": "vllm", "port": 8000}}});
    assert_eq!(at(port), "http://vllm.own.svc:8000/v1");
    assert_eq!(
        at(json!({"baseURL": "https://llm.example"})),
        "https://llm.example/v1"
    );
}
