//! Whose usage is written when, and what is written.

use std::convert::Infallible;

use clap::Parser as _;
use fairlead_compile::{Document, Inputs, Origin, Secrets, Settings, compile};
use fairlead_crds::v1alpha1::VirtualKey;
use fairlead_snapshot::ObjectName;
use http::{Request, Response};
use kube::Client;
use kube::api::ApiResource;
use kube::client::Body;
use kube::runtime::watcher::Event;
use parking_lot::Mutex;

use super::*;
use crate::args::Args;
use crate::metrics::Metrics;
use crate::watch::Watched;
use crate::watch::shelf::Source;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn due(namespace: &str, name: &str, last: Option<i64>) -> Due {
    let api = ApiResource::erase::<VirtualKey>(&());
    let object =
        json!({"metadata": {"namespace": namespace, "name": name, "uid": "1"}, "spec": {}});
    let object = serde_json::from_value(object).unwrap();
    let (name, resource) = Resource::read(&api, object).unwrap();
    Due {
        entry: ("VirtualKey".to_owned(), name),
        resource: Arc::new(resource),
        usage: Value::Null,
        last: last.map(at),
    }
}

#[test]
fn a_namespace_with_thousands_of_keys_keeps_nobody_else_waiting() {
    let mut all: Vec<_> = (0..5_000)
        .map(|key| due("hostile", &format!("k{key}"), None))
        .collect();
    all.push(due("victim", "late", Some(100)));
    all.push(due("victim", "early", Some(50)));
    all.push(due("other", "only", Some(10)));
    let order: Vec<ObjectName> = in_turn(all).into_iter().map(|due| due.entry.1).collect();
    let place = |namespace: &str, name: &str| {
        let name = ObjectName::new(namespace, name);
        order.iter().position(|other| *other == name).unwrap()
    };
    assert_eq!(place("other", "only"), 1);
    assert_eq!(place("victim", "early"), 2);
    assert_eq!(place("victim", "late"), 4);
    assert_eq!(order.len(), 5_003);
}

fn usage(used: &str, seconds: i64) -> Value {
    json!({"observedAt": at(seconds).to_string(), "tightest": {"limit": "m"}, "budgets": [{"name": "m", "used": used}]})
}

#[test]
fn only_another_meaning_is_worth_a_write() {
    assert!(means_the_same(&usage("1", 1), &usage("1", 900)));
    assert!(!means_the_same(&usage("1", 1), &usage("2", 1)));
    assert!(!means_the_same(&Value::Null, &usage("1", 1)));
    assert!(!means_the_same(&usage("1", 1), &Value::Null));
    assert!(means_the_same(&Value::Null, &Value::Null));
}

#[test]
fn a_judgement_is_written_when_its_state_changes_or_its_score_does_by_much() {
    let judged = |state: &str, score: &str| json!({"observedAt": at(1).to_string(), "judged": {"state": state, "score": score, "reason": "r"}});
    let healthy = judged("healthy", "1.000");
    assert!(means_the_same(&healthy, &judged("healthy", "0.800")));
    assert!(!means_the_same(&healthy, &judged("healthy", "0.700")));
    assert!(!means_the_same(&healthy, &judged("recovering", "1.000")));
    assert!(!means_the_same(&healthy, &usage("1", 1)));
    assert!(!means_the_same(
        &healthy,
        &json!({"observedAt": at(1).to_string()})
    ));
}

#[test]
fn what_is_used_of_a_rate_is_told_roughly_and_exactly_that_it_is_used_up() {
    let rate = |used: u64, limit: u64| {
        let percent = used * 100 / limit;
        json!({
            "observedAt": at(1).to_string(), "tightest": {"limit": "rpm", "usedPercent": percent},
            "rateLimits": [{"name": "rpm", "unit": "Requests", "used": used, "limit": limit, "remaining": limit.saturating_sub(used), "usedPercent": percent}],
        })
    };
    assert!(means_the_same(&rate(10, 100), &rate(30, 100)));
    assert!(!means_the_same(&rate(10, 100), &rate(35, 100)));
    assert!(!means_the_same(&rate(99, 100), &rate(100, 100)));
    assert!(!means_the_same(&rate(100, 100), &rate(99, 100)));
    assert!(means_the_same(&rate(110, 100), &rate(190, 100)));
    assert!(!means_the_same(&rate(10, 100), &rate(20, 200)));
    assert!(!means_the_same(&rate(0, 100), &Value::Null));
    assert!(!means_the_same(&rate(0, 100), &json!({"observedAt": "t"})));
}

#[test]
fn what_was_written_counts_until_the_watch_shows_something_else() {
    let tried = Try {
        uid: "1".to_owned(),
        at: at(5),
        written: Some((usage("1", 1), usage("2", 5))),
    };
    assert_eq!(said(&usage("1", 1), Some(&tried)), &usage("2", 5));
    assert_eq!(said(&usage("3", 9), Some(&tried)), &usage("3", 9));
    assert_eq!(said(&usage("1", 1), None), &usage("1", 1));
}

#[test]
fn the_last_write_is_known_to_the_next_leader_and_a_wrong_clock_holds_nothing_up() {
    let tried = |second: i64| Try {
        uid: "1".to_owned(),
        at: at(second),
        written: None,
    };
    assert_eq!(last(&usage("1", 40), None, at(90)), Some(at(40)));
    assert_eq!(
        last(&usage("1", 40), Some(&tried(60)), at(90)),
        Some(at(60))
    );
    assert_eq!(last(&usage("1", 4_000), None, at(90)), None);
    assert_eq!(last(&Value::Null, None, at(90)), None);
}

#[test]
fn a_patch_takes_away_what_is_no_more() {
    let rates = json!({"observedAt": "t", "tightest": {"limit": "rpm", "usedPercent": 1}, "rateLimits": []});
    assert_eq!(
        patch(&rates),
        json!({"observedAt": "t", "tightest": {"limit": "rpm", "usedPercent": 1, "resetsAt": null}, "budgets": null, "rateLimits": [], "judged": null})
    );
    assert_eq!(patch(&Value::Null), Value::Null);
}

/// Two teams with limits and one without, as the watch and a rebuild show them, and an API server that takes patches.
struct World {
    writer: Writer,
    report: Report,
    metrics: Arc<Metrics>,
    patches: Arc<Mutex<Vec<(String, Value)>>>,
    refuse: Arc<Mutex<bool>>,
}

fn team(name: &str, usage: &Value) -> Value {
    json!({
        "apiVersion": "fairlead.dev/v1alpha1", "kind": "Team",
        "metadata": {"namespace": "a", "name": name, "uid": name, "generation": 1},
        "spec": {}, "status": {"conditions": [], "usage": usage},
    })
}

impl World {
    fn new(teams: &[Value]) -> Self {
        let patches: Arc<Mutex<Vec<(String, Value)>>> = Arc::default();
        let refuse: Arc<Mutex<bool>> = Arc::default();
        let (seen, refuses) = (Arc::clone(&patches), Arc::clone(&refuse));
        let service = tower::service_fn(move |request: Request<Body>| {
            let (seen, refuses) = (Arc::clone(&seen), Arc::clone(&refuses));
            async move {
                let (head, body) = request.into_parts();
                let body = body.collect_bytes().await.unwrap();
                let patch: Value = serde_json::from_slice(&body).unwrap();
                seen.lock().push((head.uri.path().to_owned(), patch));
                let (code, body) = if *refuses.lock() {
                    (
                        422,
                        json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "code": 422, "reason": "Invalid", "message": ""}),
                    )
                } else {
                    (200, team("x", &Value::Null))
                };
                let body = Body::from(body.to_string().into_bytes());
                Ok::<_, Infallible>(Response::builder().status(code).body(body).unwrap())
            }
        });
        let args = ["fairlead-operator", "--namespace=own", "--identity=me"];
        let args = Args::try_parse_from(args).unwrap();
        let (watched, metrics) = (Arc::new(Watched::new(&args)), Arc::default());
        let client = Client::new(service, "own");
        let writer = Writer::new(&client, "me", &watched, &metrics);
        for team in teams {
            watch(&watched, team);
        }
        Self {
            writer,
            report: report(teams),
            metrics,
            patches,
            refuse,
        }
    }

    async fn write(&mut self, standings: &Standings) {
        let until = Instant::now() + Duration::from_secs(30);
        let never = || false;
        self.writer
            .write_usages(&self.report, standings, never, until)
            .await;
    }

    fn patched(&self) -> Vec<(String, Value)> {
        std::mem::take(&mut *self.patches.lock())
    }
}

fn watch(watched: &Watched, team: &Value) {
    let (api, shelf) = &watched.resources["Team"];
    let event = Event::Apply(serde_json::from_value(team.clone()).unwrap());
    shelf.take(&mut Source::new(None), event, |object| {
        Resource::read(api, object)
    });
}

/// What a rebuild says that publishes them in index 5.
fn report(teams: &[Value]) -> Report {
    let documents = teams.iter().map(|team| {
        let mut value = team.clone();
        value.as_object_mut().unwrap().remove("status");
        Arc::new(Document {
            value,
            origin: Origin::default(),
        })
    });
    let compiled = compile(
        None,
        &Inputs {
            now: 0,
            settings: Settings::new("own"),
            objects: documents.collect(),
            secrets: Secrets::new(),
            services: fairlead_compile::Services::default(),
            namespaces: BTreeMap::new(),
        },
    );
    let mut report = Report {
        verdicts: compiled.verdicts,
        ..Report::default()
    };
    let now = Instant::now();
    report
        .ledger
        .note(None, &compiled.snapshot, &report.verdicts, 5, now);
    report
}

fn standings(generation: u64, usages: &[(&str, Value)]) -> Standings {
    let usages = usages.iter().map(|(name, usage)| {
        let entry = ("Team".to_owned(), ObjectName::new("a", *name));
        (entry, usage.clone())
    });
    Standings {
        generation,
        usages: usages.collect(),
        partial: false,
    }
}

fn now(used: &str) -> Value {
    usage(used, Timestamp::now().as_second())
}

#[tokio::test(start_paused = true)]
async fn usages_are_written_beside_the_conditions_and_once() {
    let old = usage("7", 1);
    let mut world = World::new(&[
        team("one", &Value::Null),
        team("gone", &old),
        team("free", &Value::Null),
    ]);
    let standings = standings(5, &[("one", now("1"))]);
    world.write(&standings).await;
    let mut patched = world.patched();
    patched.sort_by(|one, other| one.0.cmp(&other.0));
    let path = |name: &str| format!("/apis/fairlead.dev/v1alpha1/namespaces/a/teams/{name}/status");
    let paths: Vec<&str> = patched.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(paths, [path("gone"), path("one")]);
    assert_eq!(patched[0].1["status"], json!({"usage": null}));
    let members: Vec<&String> = patched[1].1["status"].as_object().unwrap().keys().collect();
    assert_eq!(members, ["usage"], "conditions are left alone");
    assert_eq!(patched[1].1["status"]["usage"]["budgets"][0]["used"], "1");
    // The watch has not shown them yet.
    world.write(&standings).await;
    assert!(world.patched().is_empty());
    assert_eq!(world.metrics.status_writes.get(), 2);
}

#[tokio::test(start_paused = true)]
async fn what_was_written_within_a_minute_waits() {
    let lately = now("1");
    let mut world = World::new(&[team("one", &lately), team("two", &usage("1", 1))]);
    world
        .write(&standings(5, &[("one", now("2")), ("two", now("2"))]))
        .await;
    let patched = world.patched();
    assert_eq!(patched.len(), 1);
    assert!(patched[0].0.ends_with("/teams/two/status"), "{patched:?}");
}

#[tokio::test(start_paused = true)]
async fn a_gateway_that_is_behind_is_not_believed() {
    let mut world = World::new(&[team("one", &Value::Null), team("two", &usage("7", 1))]);
    world.write(&standings(4, &[("one", now("1"))])).await;
    assert!(world.patched().is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_written_holds_nobody_up_and_waits_for_a_minute() {
    let mut world = World::new(&[team("one", &Value::Null), team("two", &Value::Null)]);
    *world.refuse.lock() = true;
    let standings = standings(5, &[("one", now("1")), ("two", now("1"))]);
    for tries in [2, 0] {
        world.write(&standings).await;
        assert_eq!(world.patched().len(), tries);
    }
    assert_eq!(world.metrics.status_failures.get(), 2);
}

#[tokio::test(start_paused = true)]
async fn anything_more_urgent_goes_first() {
    let names: Vec<String> = (0..20).map(|at| format!("t{at}")).collect();
    let teams: Vec<Value> = names.iter().map(|name| team(name, &Value::Null)).collect();
    let mut world = World::new(&teams);
    let wanted: Vec<(&str, Value)> = names.iter().map(|name| (name.as_str(), now("1"))).collect();
    let standings = standings(5, &wanted);
    let looked = std::cell::Cell::new(0);
    let third = || {
        looked.set(looked.get() + 1);
        looked.get() > 3
    };
    let until = Instant::now() + Duration::from_secs(30);
    let report = std::mem::take(&mut world.report);
    world
        .writer
        .write_usages(&report, &standings, third, until)
        .await;
    assert_eq!(world.patched().len(), 3);
    // And no longer than until something is to be looked at again.
    let soon = Instant::now() + Duration::from_millis(70);
    world
        .writer
        .write_usages(&report, &standings, || false, soon)
        .await;
    assert_eq!(world.patched().len(), 4);
}
