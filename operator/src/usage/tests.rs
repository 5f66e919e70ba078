//! The reader, before gateways that are scripted.

use std::convert::Infallible;
use std::net::Ipv4Addr;

use axum::Router;
use axum::response::IntoResponse as _;
use axum::routing::get;
use clap::Parser as _;
use fairlead_snapshot::ObjectName;
use http::{HeaderMap, Request, Response, StatusCode, Uri};
use k8s_openapi::ByteString;
use kube::Client;
use kube::client::Body;
use kube::runtime::watcher::Event;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::*;
use crate::args::Args;

use crate::watch::shelf::Source;

const TOKEN: &str = "the-token";

/// Gateways at 127.0.0.1 and 127.0.0.2, of which those listen that are told to.
struct World {
    reader: Reader,
    metrics: Arc<Metrics>,
    port: u16,
    gateways: JoinSet<()>,
}

/// An API server that has the token and nothing else.
fn api_server() -> Client {
    let service = tower::service_fn(|_: Request<Body>| async {
        let token = ByteString(TOKEN.as_bytes().to_vec());
        let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "x"}, "data": {"token": token}});
        let body = Body::from(secret.to_string().into_bytes());
        Ok::<_, Infallible>(Response::builder().status(200).body(body).unwrap())
    });
    Client::new(service, "own")
}

async fn world() -> World {
    let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = free.local_addr().unwrap().port();
    let port_text = port.to_string();
    let args = [
        "fairlead-operator",
        "--namespace=own",
        "--identity=me",
        "--gateway-admin-port",
        &port_text,
    ];
    let args = Args::try_parse_from(args).unwrap();
    let (watched, metrics) = (Arc::new(Watched::new(&args)), Arc::default());
    let endpoint = |last: u8, ready: bool| json!({"addresses": [format!("127.0.0.{last}")], "conditions": {"ready": ready}, "targetRef": {"kind": "Pod", "name": format!("gateway-{last}")}});
    let slice = json!({
        "metadata": {"namespace": "own", "name": "gateway"}, "addressType": "IPv4",
        "endpoints": [endpoint(1, true), endpoint(2, true), endpoint(3, false)],
    });
    let event = Event::Apply(serde_json::from_value(slice).unwrap());
    watched.endpoints.take(
        &mut Source::new(None),
        event,
        fairlead_admin_client::endpoints,
    );
    let gateways = AdminClient::new(&api_server(), "own", &args.gateway_name, port).unwrap();
    World {
        reader: Reader::new(gateways, &watched, &metrics),
        metrics,
        port,
        gateways: JoinSet::new(),
    }
}

impl World {
    /// A gateway whose pages are these, each asked for by what the one before says.
    async fn listens(&mut self, last: u8, pages: Vec<Value>) {
        let listener = TcpListener::bind((Ipv4Addr::new(127, 0, 0, last), self.port))
            .await
            .unwrap();
        let pages = Arc::new(pages);
        let answer = move |uri: Uri, headers: HeaderMap| {
            let pages = Arc::clone(&pages);
            async move { said(&pages, &uri, &headers) }
        };
        let service = Router::new().route("/usage", get(answer));
        self.gateways.spawn(async move {
            let _ = axum::serve(listener, service).await;
        });
    }
}

/// The page that is asked for, for whoever has the token.
fn said(pages: &[Value], uri: &Uri, headers: &HeaderMap) -> axum::response::Response {
    let token = headers.get("authorization").map(|value| value.as_bytes());
    if token != Some(format!("Bearer {TOKEN}").as_bytes()) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let asked = uri.query().unwrap_or_default();
    let before = |page: &Value| {
        let next = page["next"].as_str();
        next.is_some_and(|next| asked == format!("after={next}"))
    };
    let at = pages.iter().position(before).map_or(0, |before| before + 1);
    pages[at].to_string().into_response()
}

fn page(generation: u64, holder: &str, next: Option<&str>) -> Value {
    let line = json!({"level": "team", "holder": holder, "name": "rpm", "kind": "rate_limit", "unit": "requests", "limit": 60, "used": 1, "remaining": 59, "per_seconds": 60.0});
    let mut page = json!({"generation": generation, "limits": [line]});
    if let Some(next) = next {
        page["next"] = next.into();
    }
    page
}

fn teams(standings: &Standings) -> Vec<String> {
    let names = standings.usages.keys();
    names.map(|(_, name)| name.to_string()).collect()
}

#[tokio::test]
async fn pages_are_put_together_and_the_oldest_configuration_counts() {
    let mut world = world().await;
    let pages = vec![
        page(7, "a/one", Some("team/a/one")),
        page(6, "a/two", Some("team/a/two")),
        page(8, "b/three", None),
    ];
    world.listens(1, pages).await;
    let standings = world.reader.ask().await.unwrap();
    assert_eq!(teams(&standings), ["a/one", "a/two", "b/three"]);
    assert_eq!(standings.generation, 6);
}

#[tokio::test]
async fn how_providers_are_judged_is_told_beside_their_limits_and_without_them() {
    let mut world = world().await;
    let mut first = page(7, "a/one", Some("team/a/one"));
    first["judged"] = json!([
        {"provider": "a/quick", "state": "healthy", "score": 1000, "reason": "nothing speaks against it"},
        {"provider": "a/slow", "state": "degraded", "score": 71, "reason": "first token takes 1.80 times the best's"},
    ]);
    let mut last = page(7, "a/slow", None);
    last["limits"][0]["level"] = "provider".into();
    world.listens(1, vec![first, last]).await;
    let mut standings = world.reader.ask().await.unwrap();
    let of = |standings: &Standings, name: &str| {
        let entry = ("LLMProvider".to_owned(), ObjectName::new("a", name));
        standings.usages.get(&entry).cloned().unwrap_or_default()
    };
    let slow = of(&standings, "slow");
    assert_eq!(slow["judged"]["state"], "degraded");
    assert_eq!(slow["judged"]["score"], "0.071");
    assert_eq!(slow["rateLimits"][0]["name"], "rpm");
    assert_eq!(of(&standings, "quick")["judged"]["score"], "1.000");
    assert!(of(&standings, "quick")["observedAt"].is_string());
    standings.without_limits();
    assert_eq!(teams(&standings), ["a/quick", "a/slow"]);
    assert!(standings.partial && of(&standings, "slow")["rateLimits"].is_null());
}

#[tokio::test]
async fn a_gateway_that_does_not_answer_is_passed_over() {
    let mut world = world().await;
    world.listens(2, vec![page(7, "a/one", None)]).await;
    let standings = world.reader.ask().await.unwrap();
    assert_eq!(teams(&standings), ["a/one"]);
    assert_eq!(world.metrics.usage_failures.get(), 0);
}

#[tokio::test]
async fn where_none_answers_nothing_is_said_and_it_is_counted() {
    let mut world = world().await;
    // One that is not ready is not asked; one that answers nonsense has not answered.
    world.listens(3, vec![page(7, "a/one", None)]).await;
    world.listens(2, vec![json!({"generation": "many"})]).await;
    for failures in [1, 2] {
        assert_eq!(world.reader.ask().await, None);
        assert_eq!(world.metrics.usage_failures.get(), failures);
    }
}

#[test]
fn gateways_that_count_each_for_itself_know_nothing_of_the_whole() {
    let replica = |alone: bool| Replica {
        pod: String::new(),
        enforces: Some(1),
        format: None,
        reads_admin_secret: true,
        alone_since: alone.then(Instant::now),
        unreachable_since: None,
    };
    assert_eq!(word(&[replica(true)]), Word::Whole);
    assert_eq!(word(&[replica(false), replica(false)]), Word::Whole);
    assert_eq!(word(&[replica(true), replica(true)]), Word::Apart);
    assert_eq!(word(&[replica(false), replica(true)]), Word::Apart);
    let unasked = Replica {
        enforces: None,
        ..replica(false)
    };
    assert_eq!(word(&[]), Word::Unknown);
    assert_eq!(word(&[replica(false), unasked]), Word::Unknown);
}

#[tokio::test]
async fn a_page_that_nobody_gives_hides_nobody_elses_and_is_asked_for_again() {
    let mut world = world().await;
    let (one, two) = ("team/a/one", "team/a/two");
    let whole = [
        page(7, "a/one", Some(one)),
        page(7, "a/two", Some(two)),
        page(7, "b/three", None),
    ];
    world.reader.last = Standings {
        generation: 6,
        usages: usages(
            serde_json::from_value(page(6, "b/three", None)["limits"].clone()).unwrap(),
            Timestamp::UNIX_EPOCH,
        ),
        partial: false,
    };
    let broken = vec![page(7, "a/one", Some(one)), json!({"generation": "many"})];
    world.listens(1, broken).await;
    let standings = world.reader.ask().await.unwrap();
    assert_eq!(teams(&standings), ["a/one", "b/three"]);
    assert_eq!(standings.generation, 6, "the rest is as old as that");
    // Another goes on from there.
    world.listens(2, whole[1..].to_vec()).await;
    let standings = world.reader.ask().await.unwrap();
    assert_eq!(teams(&standings), ["a/one", "a/two", "b/three"]);
    assert_eq!(standings.generation, 7);
}

#[tokio::test]
async fn whose_limits_cannot_be_read_stays_as_it_was_and_who_has_none_is_gone() {
    let mut world = world().await;
    let mut second = page(7, "a/one", None);
    second["unread"] = json!(["team/a/two", "team/a/new"]);
    let lines = ["a/two", "a/gone"].map(|team| page(6, team, None)["limits"][0].clone());
    let known = usages(
        serde_json::from_value(json!(lines)).unwrap(),
        Timestamp::UNIX_EPOCH,
    );
    world.reader.last = Standings {
        generation: 6,
        usages: known.clone(),
        partial: false,
    };
    world.listens(1, vec![second]).await;
    let standings = world.reader.ask().await.unwrap();
    assert_eq!(teams(&standings), ["a/one", "a/two"]);
    let two = entry_at("team/a/two").unwrap();
    assert_eq!(standings.usages[&two], known[&two]);
}
