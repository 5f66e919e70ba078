//! What is told of copies.

use std::sync::Arc;

use fairlead_faults::Play;
use fairlead_snapshot::FailureClass;
use serde_json::json;

use super::{both, has, mirroring, world};
use crate::harness::yaml::{caller, chain, key, provider, rule};
use crate::harness::{World, always, rounded, seconds, whole};
use crate::observe::Observe;
use crate::observe::metrics::Metrics;
use crate::observe::record::{ActiveRequest, Attempt, Record};
use crate::observe::recorder::Recorder;
use crate::observe::tags::Tags;

#[tokio::test(start_paused = true)]
async fn a_copy_says_of_the_request_what_the_original_does() {
    let (a, b) = (
        always(Play::chat("A.")),
        always(Play::chat("B.").after(seconds(2))),
    );
    let world = world(&a, &b, "", "");
    world.ask_with(&[("x-app", "search")], &whole("chat")).await;
    tokio::time::sleep(seconds(3)).await;
    let (original, copy) = both(&world);
    assert_eq!(original.tags.len(), 1);
    assert!(original.request_bytes > 0 && copy.began.is_some());
    assert_eq!(
        (copy.request_bytes, &copy.tags, copy.generation),
        (original.request_bytes, &original.tags, original.generation)
    );
}

#[tokio::test(start_paused = true)]
async fn how_long_its_original_stood_in_line_is_no_time_of_a_copys() {
    let (a, b) = (
        always(Play::chat("A.").after(seconds(5))),
        always(Play::chat("B.").after(seconds(3))),
    );
    let world = World::serve(&[
        provider(
            "a",
            &a.base_url(),
            "concurrency: {maxInFlight: 1, queue: {wait: 60s}}",
        ),
        provider("b", &b.base_url(), ""),
        caller(),
        mirroring("", ""),
        chain("direct", &["a"], ""),
    ]);
    let (first, second) = (whole("direct"), whole("chat"));
    tokio::join!(world.ask(&first), world.ask(&second));
    assert!(world.ended().unwrap().mirrored.is_none(), "the direct one");
    let (original, copy) = both(&world);
    assert_eq!(
        (rounded(original.duration), rounded(copy.duration)),
        (seconds(10), seconds(3))
    );
    let began = copy.attempts[0].began.duration_since(copy.began.unwrap());
    assert_eq!(rounded(began), seconds(0));
}

#[tokio::test(start_paused = true)]
async fn what_is_under_way_when_its_time_is_over_is_told_as_what_has_ended() {
    let (a, b) = (always(Play::chat("A.")), always(Play::chat("B.")));
    let world = world(&a, &b, "", "");
    world.ask(&whole("chat")).await;
    let attempt = world.ended().unwrap().attempts.remove(0);
    let (recorder, entries) = Recorder::kept();
    let (metrics, tags) = (Metrics::default(), Tags::default());
    let observe = Arc::new(Observe::new(metrics, Arc::default(), tags, recorder));
    let mut record = Record::begin(&observe, ActiveRequest::begin(&Arc::default()));
    record.attempts.push(Attempt {
        under_way: true,
        ..attempt
    });
    record.cut_off(FailureClass::TotalTimeout);
    drop(record);
    let entry = entries.try_recv().unwrap();
    assert_eq!(
        (entry.error, entry.attempts[0].class, entry.complete),
        (
            Some("total_timeout"),
            Some(FailureClass::TotalTimeout),
            false
        )
    );
}

#[tokio::test(start_paused = true)]
async fn the_platforms_mirrors_have_labels_however_many_tenants_have() {
    const OWN: usize = 20;
    let a = always(Play::chat("A."));
    let open = "access: {namespaces: {from: All}}";
    let value = |tenant: usize| format!("sk-tenant-{tenant:02}-0123456789abcdef0123456789");
    let mut documents = vec![
        provider("a", &a.base_url(), open),
        provider("b", &a.base_url(), open),
        caller(),
        mirroring("", ""),
    ];
    let mirror = |number: usize| {
        format!("{{name: m{number}, providerRef: {{name: b, namespace: default}}, percent: 100}}")
    };
    let mirrors: Vec<String> = (0..4).map(mirror).collect();
    for tenant in 0..11 {
        documents.push(key(&format!("t{tenant}/k"), &value(tenant), ""));
        for at in 0..=OWN / 4 {
            documents.push(rule(
                &format!("t{tenant}/r{at}"),
                &format!(
                    "match: {{models: [m{at}]}}, targets: [{{name: a, providerRef: {{name: a, namespace: default}}}}], mirror: [{}]",
                    mirrors.join(", ")
                ),
            ));
        }
    }
    let world = World::serve(&documents);
    let long = |model: &str| json!({"model": model, "messages": [{"role": "user", "content": "x".repeat(1_100_000)}]});
    for tenant in 0..11 {
        for at in 0..=OWN / 4 {
            let answer = world.ask_as(&value(tenant), &long(&format!("m{at}"))).await;
            assert_eq!(answer.status, 200);
        }
    }
    world.ask(&long("chat")).await;
    let metrics = world.metrics();
    let of = |tenant: usize| {
        let rule = format!("fairlead_mirror_unsent_total{{rule=\"t{tenant}/");
        metrics
            .lines()
            .filter(|line| line.starts_with(&rule))
            .count()
    };
    let had: Vec<usize> = (0..11).map(of).collect();
    assert_eq!(had, [[OWN; 10].as_slice(), &[0]].concat());
    has(
        &world,
        &[
            &super::unsent("too_large", 1),
            // Four more of each tenant, and all of the last one's.
            "fairlead_mirror_unsent_total{rule=\"_other\",mirror=\"_other\",reason=\"too_large\"} 64",
        ],
    );
}
