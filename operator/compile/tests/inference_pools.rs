//! The pods of an InferencePool in a provider: what they are, what is said where there are none, and that they are no edit.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of a test fail by panicking, as the test itself does"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use fairlead_compile::{
    Compiled, Document, InferencePool, Inputs, Origin, Reason, Secrets, Services, Settings,
    compile, documents,
};
use fairlead_snapshot::{ObjectName, Protocol, Provider, Snapshot};
use serde_json::{Value, json};

fn found(pods: &[&str], ports: &[u16]) -> InferencePool {
    InferencePool::Found {
        pods: pods.iter().map(|text| text.parse().unwrap()).collect(),
        ports: ports.iter().copied().collect(),
    }
}

/// What is known of the InferencePool `vllm` of a namespace.
fn known(namespace: &str, pool: InferencePool) -> Services {
    Services {
        inference_pools: BTreeMap::from([(ObjectName::new(namespace, "vllm"), pool)]),
        ..Services::default()
    }
}

fn document(name: &str, endpoints: &Value) -> Arc<Document> {
    let spec = json!({"type": "VLLM", "allowPrivateNetwork": true, "endpoints": endpoints});
    Arc::new(Document {
        value: json!({"apiVersion": "fairlead.dev/v1alpha1", "kind": "LLMProvider", "metadata": {"namespace": "own", "name": name, "generation": 1}, "spec": spec}),
        origin: Origin::default(),
    })
}

fn by_pool() -> Value {
    json!({"inferencePoolRef": {"name": "vllm"}})
}

fn compiled(endpoints: &Value, services: Services, before: Option<&Snapshot>) -> Compiled {
    let inputs = Inputs {
        settings: Settings::new("own"),
        objects: vec![document("pool", endpoints)],
        secrets: Secrets::new(),
        services,
        namespaces: BTreeMap::new(),
        now: 0,
    };
    compile(before, &inputs)
}

fn provider(compiled: &Compiled) -> &Provider {
    &compiled.snapshot.providers[&ObjectName::new("own", "pool")]
}

fn servers(compiled: &Compiled) -> &[String] {
    &provider(compiled).endpoints.as_ref().unwrap().addresses
}

fn reasons(compiled: &Compiled) -> Vec<Reason> {
    let findings = &compiled.verdicts[0].unresolved;
    findings.iter().map(|finding| finding.reason).collect()
}

#[test]
fn every_pod_has_a_server_at_each_port() {
    let pool = found(&["10.0.0.2", "10.0.0.1", "10.0.0.2"], &[8001, 8000]);
    let compiled = compiled(&by_pool(), known("own", pool), None);
    let expected = [
        "10.0.0.1:8000",
        "10.0.0.1:8001",
        "10.0.0.2:8000",
        "10.0.0.2:8001",
    ];
    assert_eq!(servers(&compiled), expected);
    assert_eq!(reasons(&compiled), []);
    let Protocol::Http { base_url, .. } = &provider(&compiled).protocol else {
        panic!("it is one");
    };
    assert_eq!(base_url, "http://vllm.own.svc/v1");
}

#[test]
fn what_is_wrong_with_a_pool_is_said_and_mended_by_the_words_for_it() {
    for (pool, reason, says) in [
        (
            InferencePool::NotInstalled,
            Reason::InferencePoolNotFound,
            "is not installed",
        ),
        (
            InferencePool::Missing,
            Reason::InferencePoolNotFound,
            "there is no InferencePool own/vllm",
        ),
        (
            InferencePool::Unwatched,
            Reason::TooLarge,
            "more InferencePools than are watched",
        ),
        (
            InferencePool::Unreadable("it is odd"),
            Reason::InferencePoolNotFound,
            "it is odd",
        ),
        (
            found(&[], &[8000]),
            Reason::NoReadyEndpoints,
            "no pod of the InferencePool own/vllm is ready",
        ),
    ] {
        let compiled = compiled(&by_pool(), known("own", pool.clone()), None);
        assert_eq!(servers(&compiled), [""; 0], "{pool:?}");
        let finding = &compiled.verdicts[0].unresolved[0];
        assert_eq!(finding.reason, reason, "{pool:?}");
        assert_eq!(finding.path, "spec.endpoints.inferencePoolRef");
        assert!(finding.message.contains(says), "{}", finding.message);
    }
    let foreign = compiled(
        &by_pool(),
        known("other", found(&["10.0.0.1"], &[8000])),
        None,
    );
    assert_eq!(
        servers(&foreign),
        [""; 0],
        "the pools of others are not ours"
    );
}

#[test]
fn a_pool_that_is_not_listed_yet_keeps_its_pods_and_one_that_is_gone_loses_them() {
    let pool = known("own", found(&["10.0.0.1"], &[8000]));
    let first = compiled(&by_pool(), pool, None);
    let unknown = compiled(&by_pool(), Services::default(), Some(&first.snapshot));
    assert_eq!(servers(&unknown), servers(&first));
    assert_eq!(reasons(&unknown), []);
    let gone = known("own", InferencePool::Missing);
    let gone = compiled(&by_pool(), gone, Some(&first.snapshot));
    assert_eq!(servers(&gone), [""; 0]);
    // A Service of the same name has other pods.
    let service = json!({"serviceRef": {"name": "vllm"}});
    let service = compiled(&service, Services::default(), Some(&first.snapshot));
    assert_eq!(servers(&service), [""; 0]);
}

#[test]
fn pods_that_come_and_go_are_no_edit() {
    let of = |pods: &[&str], endpoints: &Value| {
        let pool = known("own", found(pods, &[8000]));
        provider(&compiled(endpoints, pool, None)).clone()
    };
    let one = of(&["10.0.0.1"], &by_pool());
    assert!(one.is_but_for_pods(&of(&["10.0.0.2"], &by_pool())));
    let mut asked = by_pool();
    asked["metrics"] = json!({});
    assert!(!one.is_but_for_pods(&of(&["10.0.0.2"], &asked)));
}

#[test]
fn where_metrics_are_is_as_servers_have_it_unless_it_is_said() {
    let said = |metrics: Value| {
        let endpoints = json!({"addresses": ["10.0.0.1:8000"], "metrics": metrics});
        let compiled = compiled(&endpoints, Services::default(), None);
        let endpoints = provider(&compiled).endpoints.clone().unwrap();
        let metrics = endpoints.metrics.unwrap();
        (metrics.path, metrics.interval.as_secs())
    };
    assert_eq!(said(json!({})), ("/metrics".to_owned(), 5));
    let other = json!({"path": "/internal/metrics", "interval": "30s"});
    assert_eq!(said(other), ("/internal/metrics".to_owned(), 30));
}

#[test]
fn services_beyond_what_is_watched_have_no_pods_and_say_why() {
    let service = json!({"serviceRef": {"name": "vllm"}});
    let name = ObjectName::new("own", "vllm");
    let services = Services {
        unwatched: BTreeSet::from([name]),
        ..Services::default()
    };
    let compiled = compiled(&service, services, None);
    let finding = &compiled.verdicts[0].unresolved[0];
    assert_eq!(finding.reason, Reason::TooLarge);
    assert!(
        finding.message.contains("move some of the providers"),
        "{}",
        finding.message
    );
}

#[test]
fn many_providers_of_one_pool_look_it_up_once() {
    let pods: Vec<String> = (0..200).map(|n| format!("10.0.{n}.1")).collect();
    let pods: Vec<&str> = pods.iter().map(String::as_str).collect();
    let names: Vec<String> = (0..300).map(|n| format!("pool-{n}")).collect();
    let inputs = Inputs {
        settings: Settings::new("own"),
        objects: names
            .iter()
            .map(|name| document(name, &by_pool()))
            .collect(),
        secrets: Secrets::new(),
        services: known("own", found(&pods, &[8000])),
        namespaces: BTreeMap::new(),
        now: 0,
    };
    let compiled = compile(None, &inputs);
    let all = compiled.snapshot.providers.values();
    let all: BTreeSet<&[String]> = all
        .map(|provider| provider.endpoints.as_ref().unwrap().addresses.as_slice())
        .collect();
    assert_eq!((compiled.snapshot.providers.len(), all.len()), (300, 1));
}

#[test]
fn a_pool_in_files_has_its_pods_in_a_cluster_only() {
    let text = "apiVersion: inference.networking.k8s.io/v1\nkind: InferencePool\nmetadata: {namespace: own, name: vllm}\nspec: {}\n---\napiVersion: fairlead.dev/v1alpha1\nkind: LLMProvider\nmetadata: {namespace: own, name: pool}\nspec: {type: VLLM, allowPrivateNetwork: true, endpoints: {inferencePoolRef: {name: vllm}}}\n";
    let read = documents("all.yaml", text).unwrap();
    let (inputs, verdicts) = Inputs::from_documents(Settings::new("own"), read);
    assert!(verdicts.is_empty(), "{verdicts:?}");
    let compiled = compile(None, &inputs);
    assert!(compiled.verdicts[0].is_good(), "{:?}", compiled.verdicts);
    assert_eq!(servers(&compiled), [""; 0]);
}
