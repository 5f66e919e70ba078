//! Before an API server that has what an operator has published, and no more.

use std::collections::BTreeMap;
use std::convert::Infallible;

use fairlead_snapshot::{Allow, Limits, ObjectName, Owner};
use http::{Request, Response};
use kube::Client;
use kube::client::Body;
use parking_lot::Mutex;
use serde_json::json;

use super::*;

/// ConfigMaps by their names, each with its only key and that one's text; and who was asked for.
#[derive(Default)]
struct Server {
    maps: Mutex<BTreeMap<String, (String, String)>>,
    asked: Mutex<Vec<String>>,
}

impl Server {
    fn answer(&self, name: &str) -> Response<Body> {
        self.asked.lock().push(name.to_owned());
        let found = self.maps.lock().get(name).cloned();
        let (status, body) = match found {
            Some((key, text)) => (
                200,
                json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {key: text}}),
            ),
            None => (
                404,
                json!({"kind": "Status", "apiVersion": "v1", "code": 404, "reason": "NotFound", "message": "no", "status": "Failure"}),
            ),
        };
        let body = Body::from(body.to_string().into_bytes());
        Response::builder().status(status).body(body).unwrap()
    }

    fn publish(&self, snapshot: &Snapshot, generation: u64) {
        let publication = snapshot.publish(generation, None).unwrap();
        let mut maps = self.maps.lock();
        for shard in publication.shards {
            let name = names::shard("default", shard.section, &shard.digest);
            maps.insert(name, (names::SHARD_KEY.to_owned(), shard.text));
        }
        let text = publication.index.text().unwrap();
        maps.insert(names::index("default"), (names::INDEX_KEY.to_owned(), text));
    }
}

fn world() -> (Arc<Server>, Api<ConfigMap>) {
    let server = Arc::<Server>::default();
    let serving = Arc::clone(&server);
    let service = tower::service_fn(move |request: Request<Body>| {
        let name = request.uri().path().rsplit('/').next().map(str::to_owned);
        let answer = serving.answer(&name.unwrap_or_default());
        async move { Ok::<_, Infallible>(answer) }
    });
    let maps = Api::namespaced(Client::new(service, "own"), "own");
    (server, maps)
}

fn snapshot(teams: &[&str]) -> Snapshot {
    let mut snapshot = Snapshot::empty("own");
    for name in teams {
        let owner = Owner {
            limits: Limits::default(),
            allow: Allow::default(),
            organization: None,
            apart: false,
        };
        snapshot
            .teams
            .insert(ObjectName::new("search", *name), owner);
    }
    snapshot
}

#[tokio::test]
async fn what_is_published_is_read_as_it_was_and_shards_that_are_known_are_not_fetched_again() {
    let (server, maps) = world();
    server.publish(&snapshot(&["one"]), 7);
    let mut shards = Shards::default();
    let (generation, read) = shards.read(&maps, "default").await.unwrap();
    // The format is the reader's own.
    assert_eq!((generation, read.teams), (7, snapshot(&["one"]).teams));
    server.asked.lock().clear();
    assert_eq!(shards.read(&maps, "default").await.unwrap().0, 7);
    assert_eq!(*server.asked.lock(), [names::index("default")]);
    server.publish(&snapshot(&["one", "two"]), 8);
    let read = shards.read(&maps, "default").await.unwrap();
    assert_eq!(read.0, 8);
    assert_eq!(read.1.teams, snapshot(&["one", "two"]).teams);
    assert_eq!(self::read(&maps, "default").await.unwrap(), read);
}

#[tokio::test]
async fn what_is_not_there_or_not_whole_is_said() {
    let (server, maps) = world();
    let absent = read(&maps, "default").await.unwrap_err();
    assert!(matches!(absent, ReadError::Absent(name) if name == names::index("default")));
    server.publish(&snapshot(&["one"]), 7);
    let is_shard = |name: &String| *name != names::index("default");
    let one = server
        .maps
        .lock()
        .keys()
        .find(|name| is_shard(name))
        .cloned();
    let one = one.unwrap();
    let whole = server.maps.lock().remove(&one).unwrap();
    server.asked.lock().clear();
    let missing = read(&maps, "default").await.unwrap_err();
    assert!(matches!(
        missing,
        ReadError::Index(IndexError::Missing { .. })
    ));
    // It may only have been replaced meanwhile, so that the index is read anew.
    let readings = server
        .asked
        .lock()
        .iter()
        .filter(|name| !is_shard(name))
        .count();
    assert_eq!(readings, READINGS as usize);
    let broken = (whole.0, whole.1.replace('{', "["));
    server.maps.lock().insert(one, broken);
    let wrong = read(&maps, "default").await.unwrap_err();
    assert!(matches!(wrong, ReadError::Shard(..)), "{wrong:?}");
}
