//! What stands in each object, in the order of the API reference.

use std::borrow::Cow;
use std::time::Duration;

use super::secret_name;
use crate::address::is_private;
use crate::names::Names;
use crate::resources::{
    Caller, Credential, Fallback, Place, Provider, Rule, Scope, Target, Team, Timeouts,
};
use crate::yaml::Node;

const API_VERSION: &str = "fairlead.dev/v1alpha1";

fn object(kind: &str, name: &str, spec: Fields) -> String {
    let document = Node::map([
        ("apiVersion", Node::text(API_VERSION)),
        ("kind", Node::text(kind)),
        ("metadata", Node::map([("name", Node::text(name))])),
        ("spec", Node::Map(spec.0)),
    ]);
    document.document()
}

/// Fields of a mapping, of which some are left out.
#[derive(Default)]
struct Fields(Vec<(Cow<'static, str>, Node)>);

impl Fields {
    fn set(mut self, name: &'static str, value: Option<Node>) -> Self {
        if let Some(value) = value {
            self.0.push((name.into(), value));
        }
        self
    }

    fn text(self, name: &'static str, value: Option<&str>) -> Self {
        self.set(name, value.map(Node::text))
    }

    fn whole(self, name: &'static str, value: Option<u64>) -> Self {
        self.set(name, value.map(Node::whole))
    }

    fn texts(self, name: &'static str, values: &[String]) -> Self {
        self.set(name, (!values.is_empty()).then(|| Node::texts(values)))
    }

    fn list(self, name: &'static str, entries: Vec<Node>) -> Self {
        self.set(name, (!entries.is_empty()).then_some(Node::List(entries)))
    }

    fn map(self, name: &'static str, fields: Self) -> Self {
        self.set(name, (!fields.0.is_empty()).then_some(Node::Map(fields.0)))
    }
}

pub(super) fn provider(provider: &Provider) -> Option<String> {
    let base_url = provider.vendor.base_url(provider.base_url.as_deref())?;
    let private = base_url.as_deref().is_some_and(is_private);
    let credential = |credential: &Credential| credential_node(&provider.name, credential);
    let retries = Fields::default()
        .whole("maxRetries", provider.max_retries)
        .map(
            "backoff",
            Fields::default()
                .set("initial", provider.backoff.0.map(duration))
                .set("max", provider.backoff.1.map(duration)),
        );
    let spec = Fields::default()
        .text("type", Some(provider.vendor.kind))
        .text("baseURL", base_url.as_deref())
        .set("allowPrivateNetwork", private.then_some(Node::Bool(true)))
        .list(
            "credentials",
            provider.credentials.iter().map(credential).collect(),
        )
        .map("timeouts", timeouts(&provider.timeouts))
        .map("retries", retries)
        .map(
            "concurrency",
            Fields::default().whole("maxInFlight", provider.max_in_flight),
        );
    let spec = place(spec, &provider.place).map("headers", headers(&provider.headers));
    Some(object("LLMProvider", &provider.name, spec))
}

fn place(spec: Fields, place: &Place) -> Fields {
    let text = |name, value: &String| Fields::default().text(name, Some(value));
    match place {
        Place::Anywhere => spec,
        Place::Region(region) => spec.map("bedrock", text("region", region)),
        Place::Project(project, location) => spec.map(
            "vertexAI",
            text("project", project).text("location", Some(location)),
        ),
        Place::Version(version) => spec.map("azureOpenAI", text("apiVersion", version)),
    }
}

fn headers(headers: &[(String, String)]) -> Fields {
    let header = |(name, value): &(String, String)| {
        Node::map([("name", Node::text(name)), ("value", Node::text(value))])
    };
    Fields::default().list("set", headers.iter().map(header).collect())
}

fn credential_node(provider: &str, credential: &Credential) -> Node {
    let name = secret_name(provider, &credential.name);
    let reference = (!credential.secret.is_empty()).then_some(name.as_str());
    let identity = credential.identity.as_ref().filter(|_| reference.is_none());
    let identity = identity.map(|identity| {
        let role = Fields::default().text("roleARN", identity.role.as_deref());
        Node::Map(role.0)
    });
    let fields = Fields::default()
        .text("name", Some(&credential.name))
        .whole("weight", credential.weight)
        .map("secretRef", Fields::default().text("name", reference))
        .set("workloadIdentity", identity)
        .texts("models", &credential.models);
    Node::Map(fields.0)
}

fn timeouts(timeouts: &Timeouts) -> Fields {
    Fields::default()
        .set("firstToken", timeouts.first_token.map(duration))
        .set("firstByte", timeouts.first_byte.map(duration))
        .set("idle", timeouts.idle.map(duration))
}

/// As GEP-2257 writes it, with at most five digits a unit; no one waits for years.
fn duration(duration: Duration) -> Node {
    let millis = duration.as_millis();
    let seconds = duration.as_secs();
    Node::Text(match (millis % 1000, seconds % 60) {
        (0, 0) if seconds > 0 => format!("{}m", (seconds / 60).min(99_999)),
        (0, _) if seconds <= 99_999 => format!("{seconds}s"),
        _ if millis <= 99_999 => format!("{millis}ms"),
        _ if seconds <= 99_999 => format!("{seconds}s"),
        _ => format!("{}m", (seconds / 60).min(99_999)),
    })
}

pub(super) fn rule(rule: &Rule) -> String {
    let mut names = Names::default();
    let targets: Vec<Node> = rule
        .targets
        .iter()
        .map(|target| Node::Map(target_fields(target, &mut names).0))
        .collect();
    let mut fallback = |fallback: &Fallback| {
        let classes = fallback
            .class
            .map(|class| Node::List(vec![Node::text(class)]));
        let fields = target_fields(&fallback.target, &mut names)
            .map("onFailure", Fields::default().set("classes", classes));
        Node::Map(fields.0)
    };
    let fallbacks = rule.fallbacks.iter().map(&mut fallback).collect();
    let strategy = rule.in_order.then_some("Priority");
    let matched = Fields::default()
        .texts("models", &rule.models)
        .text("when", rule.when.as_deref());
    let (scope, name) = match &rule.scope {
        Some(Scope::VirtualKey(name)) => (Some("VirtualKey"), Some(name.as_str())),
        Some(Scope::Team(name)) => (Some("Team"), Some(name.as_str())),
        None => (None, None),
    };
    let spec = Fields::default()
        .map(
            "scope",
            Fields::default().text("type", scope).text("name", name),
        )
        .whole("priority", rule.priority)
        .map("match", matched)
        .map("strategy", Fields::default().text("type", strategy))
        .list("targets", targets)
        .list("fallbacks", fallbacks)
        .map(
            "retries",
            Fields::default().whole("maxRetries", rule.max_retries),
        )
        .text("onUnsupported", rule.drop_unsupported.then_some("Drop"));
    let comment = if rule.comment.is_empty() {
        String::new()
    } else {
        format!("# {}\n", rule.comment)
    };
    comment + &object("RoutingRule", &rule.name, spec)
}

fn target_fields(target: &Target, names: &mut Names) -> Fields {
    let provider = Fields::default().text("name", Some(&target.provider));
    let values = target.defaults.iter();
    let defaults = values
        .filter_map(|(name, value)| Some((name.clone().into(), Node::parameter(value)?)))
        .collect();
    let defaults = Fields(defaults);
    Fields::default()
        .text("name", Some(&names.give(&target.provider)))
        .map("providerRef", provider)
        .text("model", target.model.as_deref())
        .whole("weight", target.weight)
        .map("parameters", Fields::default().map("defaults", defaults))
}

pub(super) fn caller(caller: &Caller, is_supplied: bool) -> String {
    let kind = if is_supplied { "SecretRef" } else { "Generate" };
    let reference = Fields::default().text("name", Some(&format!("{}-key", caller.name)));
    let key = Fields::default()
        .text("type", Some(kind))
        .map("secretRef", reference);
    let provider = |(name, weight): &(String, Option<u64>)| {
        let fields = Fields::default()
            .text("name", Some(name))
            .whole("weight", *weight);
        Node::Map(fields.0)
    };
    let allow = Fields::default()
        .texts("models", &caller.models)
        .list("providers", caller.providers.iter().map(provider).collect());
    let team = Fields::default().text("name", caller.team.as_deref());
    let spec = Fields::default()
        .map("key", key)
        .map("teamRef", team)
        .map("allow", allow)
        .text("expiresAt", caller.expires_at.as_deref())
        .set("suspended", caller.suspended.then_some(Node::Bool(true)));
    object("VirtualKey", &caller.name, spec)
}

pub(super) fn team(team: &Team) -> String {
    object("Team", &team.name, Fields::default())
}
