//! Gateways that are scripted, on loopback.

use std::convert::Infallible;
use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use axum::body::Body;
use axum::extract::State;
use axum::routing::get;
use fairlead_record::{Ask, Entry, Filter, RequestLog as _, Scope};
use futures_util::stream;
use k8s_openapi::ByteString;
use k8s_openapi::api::discovery::v1::EndpointSlice;
use kube::runtime::watcher::Event;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::*;

/// What a gateway says.
#[derive(Clone)]
struct Script {
    generation: u64,
    before: Vec<u64>,
    lines: Vec<String>,
    asked: Arc<AtomicUsize>,
}

impl Script {
    fn of(generation: u64, before: &[u64], lines: &[String]) -> Self {
        Self {
            generation,
            before: before.to_vec(),
            lines: lines.to_vec(),
            asked: Arc::default(),
        }
    }
}

fn entry(id: u64) -> Entry {
    Entry {
        id,
        key: Some("search/app".into()),
        ..Entry::default()
    }
}

fn line(id: u64) -> String {
    serde_json::to_string(&entry(id)).unwrap() + "\n"
}

async fn config(State(script): State<Script>) -> String {
    script.asked.fetch_add(1, Relaxed);
    json!({"generation": script.generation, "digest": "d", "store": {"reachable": true}})
        .to_string()
}

async fn before(State(script): State<Script>) -> String {
    let entries: Vec<Entry> = script.before.iter().rev().map(|id| entry(*id)).collect();
    json!({"entries": entries, "next": null}).to_string()
}

async fn live(State(script): State<Script>) -> Body {
    let said = stream::iter(script.lines.into_iter().map(Ok::<_, Infallible>));
    Body::from_stream(futures_util::StreamExt::chain(said, stream::pending()))
}

/// A fleet of gateways at 127.0.0.1 and so on, of which only those answer that have something to say.
struct World {
    fleet: Arc<Fleet>,
    ring: Arc<Ring>,
    tasks: JoinSet<()>,
    port: u16,
}

async fn world() -> World {
    let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let service = tower::service_fn(|_: http::Request<kube::client::Body>| async {
        let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "x"}, "data": {"token": ByteString(b"t".to_vec())}});
        let body = kube::client::Body::from(secret.to_string().into_bytes());
        Ok::<_, Infallible>(http::Response::new(body))
    });
    let client = kube::Client::new(service, "own");
    let asker = AdminClient::new(&client, "own", "default", port).unwrap();
    let places = Places::new(&client, "own", "fairlead-gateway");
    let (ring, told) = (Arc::<Ring>::default(), Arc::default());
    let kept = (Arc::default(), Some(Arc::clone(&ring)));
    World {
        fleet: Arc::new(Fleet::new(asker, places, kept, &told)),
        ring,
        tasks: JoinSet::new(),
        port,
    }
}

impl World {
    async fn gateway(&mut self, last: u8, script: Script) {
        let place = (Ipv4Addr::new(127, 0, 0, last), self.port);
        let listener = TcpListener::bind(place).await.unwrap();
        let service = axum::Router::new()
            .route("/config", get(config))
            .route(
                "/health",
                get(|| async { json!({"providers": {}}).to_string() }),
            )
            .route("/requests", get(before))
            .route("/requests/live", get(live))
            .with_state(script);
        self.tasks.spawn(async move {
            let _ = axum::serve(listener, service).await;
        });
    }

    /// Says which of them there are.
    fn there_are(&self, all: &[u8]) {
        let endpoint = |last: &u8| json!({"addresses": [format!("127.0.0.{last}")], "targetRef": {"kind": "Pod", "name": format!("gateway-{last}")}});
        let endpoints: Vec<Value> = all.iter().map(endpoint).collect();
        let slice = json!({"metadata": {"namespace": "own", "name": "a"}, "addressType": "IPv4", "endpoints": endpoints});
        let slice: EndpointSlice = serde_json::from_value(slice).unwrap();
        let places = &self.fleet.places;
        places.take(Event::Apply(slice), &mut Default::default());
    }

    fn run(&mut self) {
        let fleet = Arc::clone(&self.fleet);
        self.tasks.spawn(async move {
            let all = follow::all(&fleet.client, &fleet.places, &fleet.merged);
            tokio::join!(fleet.ask(), all);
        });
    }

    async fn until(&self, count: usize) -> Vec<u64> {
        let all = Filter {
            scope: Scope::All,
            ..Filter::default()
        };
        let ask = Ask {
            limit: 500,
            after: None,
        };
        loop {
            let page = self.ring.search(&all, ask).await.unwrap();
            if page.entries.len() >= count {
                let mut ids: Vec<u64> = page.entries.iter().map(|entry| entry.id).collect();
                ids.sort_unstable();
                return ids;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

#[tokio::test]
async fn requests_of_all_gateways_come_once_whichever_way_they_come() {
    let mut world = world().await;
    let skipped = "{\"skipped\":5}\n".to_owned();
    world
        .gateway(1, Script::of(7, &[1, 2], &[line(2), line(3), skipped]))
        .await;
    world
        .gateway(2, Script::of(7, &[10, 3], &[line(11), "\n".to_owned()]))
        .await;
    world.there_are(&[1, 2]);
    world.run();
    assert_eq!(world.until(5).await, [1, 2, 3, 10, 11]);
    assert_eq!(world.fleet.told.requests.get(), 5);
    // Lines of other gateways may come later than the last request.
    while world.fleet.told.skipped.get() == 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(world.fleet.told.skipped.get(), 5);
}

#[tokio::test]
async fn a_silent_gateway_stays_and_the_others_are_asked_once_for_all_who_look() {
    let mut world = world().await;
    let script = Script::of(7, &[], &[]);
    let asked = Arc::clone(&script.asked);
    world.gateway(1, script).await;
    world.there_are(&[1, 2]);
    world.run();
    let looks = (0..50).map(|_| world.fleet.look());
    for seen in join_all(looks).await {
        let told: Vec<_> = seen
            .gateways
            .iter()
            .map(|one| (one.name.as_str(), one.said.is_ok()))
            .collect();
        assert_eq!(told, [("gateway-1", true), ("gateway-2", false)]);
        assert_eq!(seen.reports.len(), 1);
    }
    assert!(asked.load(Relaxed) <= 2, "{}", asked.load(Relaxed));
}

#[tokio::test]
async fn one_that_is_gone_is_asked_no_more_and_one_that_comes_is_followed() {
    let mut world = world().await;
    world.gateway(1, Script::of(7, &[1], &[])).await;
    world.gateway(2, Script::of(7, &[2], &[])).await;
    world.there_are(&[1]);
    world.run();
    assert_eq!(world.until(1).await, [1]);
    world.there_are(&[2]);
    assert_eq!(world.until(2).await, [1, 2]);
    let seen = world.fleet.look().await;
    let names: Vec<_> = seen.gateways.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names, ["gateway-2"]);
}
