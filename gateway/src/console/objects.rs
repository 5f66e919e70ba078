//! Our objects as they stand in the API server: what the operator says of each, and how its limits stand.

mod documents;
pub(super) mod owner;
mod watch;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use fairlead_compile::Document;
use fairlead_console::Reach;
use fairlead_console::view::configuration::{Configuration, FindingView, ObjectView};
use fairlead_snapshot::{ObjectName, Snapshot};
use kube::Client;
use kube::api::DynamicObject;
use parking_lot::Mutex;
use serde_json::Value;

use crate::config::form::UNSAID;

/// The kinds, with the names that rights go by.
pub(super) const KINDS: [(&str, &str); 5] = [
    ("LLMProvider", "llmproviders"),
    ("RoutingRule", "routingrules"),
    ("VirtualKey", "virtualkeys"),
    ("Team", "teams"),
    ("Organization", "organizations"),
];
/// So many objects are told of.
const OBJECTS: usize = 500;

/// An object.
#[derive(Debug)]
pub(super) struct Object {
    pub(super) generation: Option<i64>,
    /// What tells it from another of its name.
    uid: Option<String>,
    /// What keeps it, in words; `None`: nothing that marks what it keeps.
    pub(super) owner: Option<String>,
    /// What its installation is called.
    gateway_name: Option<String>,
    /// What the operator says of it.
    pub(super) status: Value,
    /// As the compiler reads it.
    pub(super) document: Option<Arc<Document>>,
}

type Shelf = Mutex<Option<HashMap<ObjectName, Arc<Object>>>>;

/// All of them: of each kind, and of each namespace that is watched by itself.
pub(super) struct Objects {
    client: Client,
    gateway_name: String,
    scopes: Vec<Option<String>>,
    /// Of each kind in each scope; `None`: not listed yet.
    shelves: Vec<(usize, usize, Shelf)>,
    /// The labels of namespaces; `None`: not listed yet.
    labels: Mutex<Option<BTreeMap<String, BTreeMap<String, String>>>>,
}

impl Object {
    pub(super) fn of(kind: &str, mut object: DynamicObject) -> Self {
        let spec = &object.data["spec"];
        let metadata = &object.metadata;
        let [namespace, name] = [&metadata.namespace, &metadata.name];
        let [namespace, name] = [namespace, name].map(|text| text.as_deref().unwrap_or_default());
        Self {
            generation: metadata.generation,
            uid: metadata.uid.clone(),
            owner: owner::of(metadata, (kind, namespace, name)),
            gateway_name: spec["gatewayName"].as_str().map(str::to_owned),
            status: object.data["status"].take(),
            document: documents::document(kind, object),
        }
    }

    /// What changes with whatever people write of it, and with nothing that controllers do.
    #[must_use]
    pub(super) fn version(&self) -> String {
        let uid = self.uid.as_deref().unwrap_or_default();
        format!("{uid}.{}", self.generation.unwrap_or_default())
    }

    pub(super) fn condition(&self, kind: &str) -> Option<&Value> {
        let all = self.status["conditions"].as_array()?;
        all.iter().find(|condition| condition["type"] == kind)
    }

    fn is(&self, kind: &str) -> bool {
        let condition = self.condition(kind);
        condition.is_none_or(|condition| condition["status"] == "True")
    }

    /// Whether the operator has seen it as it is now.
    fn is_seen(&self) -> bool {
        let accepted = self.condition("Accepted");
        let seen = accepted.and_then(|condition| condition["observedGeneration"].as_i64());
        accepted.is_some() && (seen.is_none() || seen == self.generation)
    }

    fn finding(&self, kind: &str) -> Option<FindingView> {
        let condition = self
            .condition(kind)
            .filter(|condition| condition["status"] != "True")?;
        let text = |member: &str| condition[member].as_str().unwrap_or_default().to_owned();
        Some(FindingView {
            reason: text("reason"),
            message: text("message"),
            ..FindingView::default()
        })
    }

    /// What there is to say of it; `known`: whether something of its name is in force.
    fn view(&self, (kind, name): (&str, &ObjectName), known: bool) -> ObjectView {
        let (accepted, seen) = (self.is("Accepted"), self.is_seen());
        let waiting = || FindingView {
            reason: "Waiting".to_owned(),
            message: "the operator has said nothing about this version of it yet".to_owned(),
            ..FindingView::default()
        };
        let programmed = self.finding("Programmed").filter(|_| accepted);
        ObjectView {
            kind: kind.to_owned(),
            name: name.to_string(),
            file: None,
            in_force: match (known, accepted && seen) {
                (true, true) => "this",
                (true, false) => "previous",
                (false, _) => "nothing",
            }
            .to_owned(),
            faults: self.finding("Accepted").into_iter().collect(),
            unresolved: self.finding("ResolvedRefs").into_iter().collect(),
            notes: (!seen)
                .then(waiting)
                .into_iter()
                .chain(programmed)
                .collect(),
        }
    }

    fn is_good(&self) -> bool {
        self.is_seen()
            && ["Accepted", "ResolvedRefs", "Programmed"]
                .iter()
                .all(|kind| self.is(kind))
    }
}

impl Objects {
    /// Of which none is known yet. `scopes`: the namespaces to watch, each by itself; `None`: all at once.
    #[must_use]
    pub(super) fn new(client: &Client, gateway_name: &str, scopes: Vec<Option<String>>) -> Self {
        let places = (0..KINDS.len()).flat_map(|kind| (0..scopes.len()).map(move |at| (kind, at)));
        let shelves = places
            .map(|(kind, at)| (kind, at, Shelf::default()))
            .collect();
        Self {
            client: client.clone(),
            gateway_name: gateway_name.to_owned(),
            scopes,
            shelves,
            labels: Mutex::default(),
        }
    }

    /// Whether all of them were listed.
    #[must_use]
    pub(super) fn is_complete(&self) -> bool {
        let mut shelves = self.shelves.iter();
        shelves.all(|(_, _, shelf)| shelf.lock().is_some()) && self.labels.lock().is_some()
    }

    /// One of them.
    #[must_use]
    pub(super) fn get(&self, kind: &str, name: &ObjectName) -> Option<Arc<Object>> {
        let found = self
            .of_kind(kind)
            .find_map(|shelf| shelf.lock().as_ref()?.get(name).cloned());
        found.filter(|object| self.is_ours(object))
    }

    /// The namespaces where there are some.
    #[must_use]
    pub(super) fn namespaces(&self) -> BTreeSet<Arc<str>> {
        let mut all = BTreeSet::new();
        for (_, _, shelf) in &self.shelves {
            for name in shelf.lock().iter().flat_map(HashMap::keys) {
                if !all.contains(name.namespace.as_str()) {
                    all.insert(name.namespace.as_str().into());
                }
            }
        }
        all
    }

    /// How many are not as they should be, of those that may be seen.
    #[must_use]
    pub(super) fn not_ok(&self, reach: &Reach) -> usize {
        self.seen(reach)
            .into_iter()
            .filter(|(_, _, object)| !object.is_good())
            .count()
    }

    /// How many there are, and those of which there is something to say, of those that may be seen.
    #[must_use]
    pub(super) fn configuration(
        &self,
        reach: &Reach,
        snapshot: Option<&Snapshot>,
    ) -> Configuration {
        let mut counts = BTreeMap::new();
        let mut objects = Vec::new();
        for (kind, name, object) in self.seen(reach) {
            *counts.entry(kind.to_owned()).or_default() += 1;
            if !object.is_good() && objects.len() < OBJECTS {
                let known = snapshot.is_some_and(|snapshot| is_in(snapshot, kind, &name));
                objects.push(object.view((kind, &name), known));
            }
        }
        Configuration { counts, objects }
    }

    /// In the order of kinds and names.
    fn seen(&self, reach: &Reach) -> Vec<(&'static str, ObjectName, Arc<Object>)> {
        let mut all = Vec::new();
        for (kind, _) in KINDS {
            let before = all.len();
            for shelf in self.of_kind(kind) {
                let shelf = shelf.lock();
                let seen = shelf.iter().flatten();
                let seen = seen
                    .filter(|(name, object)| reach.sees(&name.namespace) && self.is_ours(object));
                all.extend(seen.map(|(name, object)| (kind, name.clone(), Arc::clone(object))));
            }
            all[before..].sort_by(|one, other| one.1.cmp(&other.1));
        }
        all
    }

    fn of_kind(&self, kind: &str) -> impl Iterator<Item = &Shelf> {
        let at = KINDS.iter().position(|(name, _)| *name == kind);
        let shelves = self.shelves.iter();
        shelves
            .filter(move |(own, _, _)| Some(*own) == at)
            .map(|(_, _, shelf)| shelf)
    }

    fn is_ours(&self, object: &Object) -> bool {
        object.gateway_name.as_deref().unwrap_or(UNSAID) == self.gateway_name
    }
}

/// Whether something of this name is in force.
fn is_in(snapshot: &Snapshot, kind: &str, name: &ObjectName) -> bool {
    match kind {
        "LLMProvider" => snapshot.providers.contains_key(name),
        "RoutingRule" => snapshot.rules.iter().any(|rule| rule.name == *name),
        "VirtualKey" => snapshot.keys.contains_key(name),
        "Team" => snapshot.teams.contains_key(name),
        _ => snapshot.organizations.contains_key(name),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(namespace: &str, name: &str, spec: &Value, conditions: &Value) -> DynamicObject {
        let value = json!({
            "apiVersion": "fairlead.dev/v1alpha1", "kind": "RoutingRule",
            "metadata": {"namespace": namespace, "name": name, "generation": 2},
            "spec": spec, "status": {"conditions": conditions},
        });
        serde_json::from_value(value).unwrap()
    }

    fn condition(kind: &str, status: &str, generation: i64) -> Value {
        json!({"type": kind, "status": status, "reason": "Why", "message": "words", "observedGeneration": generation})
    }

    impl Objects {
        /// These rules, and no other object.
        pub(in crate::console) fn of_rules(all: Vec<DynamicObject>) -> Self {
            objects(all)
        }
    }

    fn objects(all: Vec<DynamicObject>) -> Objects {
        let service = tower::service_fn(|_: http::Request<kube::client::Body>| async {
            Ok::<_, std::convert::Infallible>(http::Response::new(kube::client::Body::empty()))
        });
        let objects = Objects::new(&Client::new(service, "own"), "default", vec![None]);
        let kept = all.into_iter().map(|object| {
            let metadata = object.metadata.clone();
            let name = ObjectName::new(metadata.namespace.unwrap(), metadata.name.unwrap());
            (name, Arc::new(Object::of("RoutingRule", object)))
        });
        *objects.of_kind("RoutingRule").next().unwrap().lock() = Some(kept.collect());
        objects
    }

    #[tokio::test]
    async fn what_is_not_ok_is_told_to_whoever_may_see_it_and_other_installations_are_not_looked_at()
     {
        let good = json!([
            condition("Accepted", "True", 2),
            condition("Programmed", "True", 2)
        ]);
        let bad = json!([
            condition("Accepted", "False", 2),
            condition("Programmed", "False", 2)
        ]);
        let old = json!([condition("Accepted", "True", 1)]);
        let none = json!({});
        let objects = objects(vec![
            object("search", "good", &none, &good),
            object("search", "bad", &none, &bad),
            object("search", "old", &none, &old),
            object("search", "others", &json!({"gatewayName": "other"}), &bad),
            object("shop", "bad", &none, &bad),
        ]);
        let search = Reach::Namespaces(["search".to_owned()].into());
        let told = objects.configuration(&search, None);
        assert_eq!(told.counts, BTreeMap::from([("RoutingRule".to_owned(), 3)]));
        let names: Vec<_> = told
            .objects
            .iter()
            .map(|object| object.name.as_str())
            .collect();
        assert_eq!(names, ["search/bad", "search/old"]);
        assert_eq!(
            (told.objects[0].faults.len(), told.objects[0].notes.len()),
            (1, 0)
        );
        assert_eq!(told.objects[1].notes[0].reason, "Waiting");
        assert_eq!(objects.not_ok(&search), 2);
        assert_eq!(objects.not_ok(&Reach::All), 3);
        assert_eq!(objects.not_ok(&Reach::default()), 0);
        let namespaces = objects.namespaces();
        assert!(namespaces.iter().map(AsRef::as_ref).eq(["search", "shop"]));
    }
}
