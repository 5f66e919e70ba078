//! `GET /v1/models`: the names that a key can use, and what is known of whom they lead to.

use std::sync::Arc;

use fairlead_catalog::{Feature, Support};
use fairlead_route::NoRoute;
use fairlead_wire::openai::request::parse;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, header};
use serde_json::{Map, Value, json};

use super::router::decoded;
use crate::answer::body::{Body, Response};
use crate::answer::reject::Rejection;
use crate::answer::respond;
use crate::facts::Facts;
use crate::observe::record::Record;
use crate::request::governed::governed;
use crate::request::sight::Sight;
use crate::request::{caller, outlook};
use crate::runtime::{Admission, Runtime};
use crate::surface::{Operation, Surface};
use crate::worker::Worker;

/// What is told of a model, where it is known.
const TOLD: [Feature; 7] = [
    Feature::Tools,
    Feature::Schema,
    Feature::Images,
    Feature::Pdf,
    Feature::Audio,
    Feature::Reasoning,
    Feature::Sampling,
];

/// Whoever asks for a list, and what it is made of.
struct Asked<'a> {
    runtime: &'a Runtime,
    admitted: &'a Arc<Admission>,
    headers: &'a HeaderMap,
    surface: Surface,
}

/// `GET /v1/models`: the names this key can use.
pub(super) fn all(worker: &Worker, head: &Parts, surface: Surface) -> Response {
    answer(worker, head, surface, |asked, names| {
        let data: Vec<_> = names.iter().map(|name| asked.described(name)).collect();
        Ok(match surface {
            Surface::OpenAi => json!({"object": "list", "data": data}),
            Surface::Anthropic => {
                let (first, last) = (names.first(), names.last());
                json!({"data": data, "has_more": false, "first_id": first, "last_id": last})
            }
            Surface::Gemini => json!({"models": data}),
        })
    })
}

/// `GET /v1/models/NAME`. What is no text when it is decoded is the name of nothing.
pub(super) fn one(worker: &Worker, head: &Parts, surface: Surface, id: &str) -> Response {
    let decoded = decoded(id);
    let id = String::from_utf8_lossy(&decoded);
    answer(worker, head, surface, |asked, names| {
        if names.iter().any(|name| name.as_bytes() == decoded) {
            Ok(asked.described(&id))
        } else {
            Err(Rejection::no_route(NoRoute::UnknownModel, &id))
        }
    })
}

fn answer(
    worker: &Worker,
    head: &Parts,
    surface: Surface,
    answer: impl FnOnce(&Asked<'_>, &[String]) -> Result<Value, Rejection>,
) -> Response {
    let mut record = Record::begin(&worker.shared.observe, worker.begin());
    record.surface = surface;
    record.method = Some(head.method.clone());
    record.route = Some("/v1/models");
    let runtime = worker.shared.live.load_full();
    let admitted = caller::authenticate(worker, &runtime, head, &mut record);
    let answered = admitted.and_then(|admitted| {
        let asked = Asked {
            runtime: &runtime,
            admitted: &admitted,
            headers: &head.headers,
            surface,
        };
        answer(&asked, &runtime.table.models(&admitted.caller))
    });
    match answered {
        Ok(value) => {
            record.complete = true;
            let mut response = Response::new(Body::whole(value.to_string()));
            let json = HeaderValue::from_static("application/json");
            response.headers_mut().insert(header::CONTENT_TYPE, json);
            respond::finished(response, record)
        }
        Err(rejection) => respond::rejected(&rejection, record),
    }
}

impl Asked<'_> {
    /// A model in the words of the surface, with what is known of it under the names that the surface has, or under ones that SDKs pass over.
    fn described(&self, name: &str) -> Value {
        let facts = self.facts(name);
        let (window, output) = (
            common(&facts, Facts::window),
            common(&facts, Facts::max_output),
        );
        let (mut object, window_name, output_name) = match self.surface {
            Surface::OpenAi => (
                json!({"id": name, "object": "model", "created": 0, "owned_by": "fairlead"}),
                "context_window",
                "max_output_tokens",
            ),
            Surface::Anthropic => (
                json!({"type": "model", "id": name, "display_name": name, "created_at": "1970-01-01T00:00:00Z"}),
                "max_input_tokens",
                "max_tokens",
            ),
            Surface::Gemini => (
                json!({"name": format!("models/{name}"), "displayName": name, "supportedGenerationMethods": ["generateContent", "streamGenerateContent"]}),
                "inputTokenLimit",
                "outputTokenLimit",
            ),
        };
        let known = [(window_name, window), (output_name, output)];
        for (name, tokens) in known {
            if let Some(tokens) = tokens {
                object[name] = tokens.into();
            }
        }
        let abilities = abilities(&facts);
        if self.surface == Surface::OpenAi && !abilities.is_empty() {
            object["capabilities"] = abilities.into();
        }
        object
    }

    /// What is known of those a request for this name would go to, were it asked with these headers; of fallbacks nothing is told.
    fn facts(&self, name: &str) -> Vec<Facts> {
        let body = json!({"model": name, "messages": []}).to_string();
        let Ok(request) = parse(body.as_bytes()) else {
            return Vec::new();
        };
        let governed = governed(
            self.admitted,
            Operation::Chat,
            &request,
            self.headers,
            1,
            &Arc::default(),
        );
        let outlook = outlook::Now::of(self.runtime, &governed, Operation::Chat);
        let sight = Sight::new(Operation::Chat, &request, self.headers, &[], &outlook);
        let plan = self
            .runtime
            .table
            .foresee(&self.admitted.caller, name, &sight);
        let steps = plan.map(|plan| plan.steps).unwrap_or_default();
        let asked = steps
            .iter()
            .filter(|step| !step.fallback && step.problem.is_none());
        asked
            .filter_map(|step| {
                let upstream = self.runtime.upstreams.get(step.provider?.0)?;
                Some(upstream.facts(&step.model))
            })
            .collect()
    }
}

/// The least of what all are known to take; `None`: of one it is not known.
fn common(facts: &[Facts], of: impl Fn(&Facts) -> Option<u32>) -> Option<u32> {
    let all: Option<Vec<u32>> = facts.iter().map(of).collect();
    all?.into_iter().min()
}

/// What all of them can do, or none.
fn abilities(facts: &[Facts]) -> Map<String, Value> {
    let agreed = |feature: &Feature| {
        let (first, rest) = facts.split_first()?;
        let support = first.supports(*feature);
        let same = rest.iter().all(|each| each.supports(*feature) == support);
        let told = same && support != Support::Unknown;
        told.then(|| (feature.name().to_owned(), (support == Support::Yes).into()))
    };
    TOLD.iter().filter_map(agreed).collect()
}
