//! Snapshots in a few words, and plans as lines of text.

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::BTreeMap;

use fairlead_condition::{Limit, Usage};
use fairlead_json::{Raw, Unreadable};
use fairlead_route::{Caller, Candidate, NoRoute, Plan, Request, Table, all_well};
use fairlead_snapshot::{
    Access, Adaptive, Allow, AllowedProvider, Changes, Charge, Credential, CredentialStrategy,
    Digest, Failover, FailureClass, Fallback, Health, Key, Labels, Mirror, Model, ModelPattern,
    ObjectName, OnUnsupported, Problem, Protocol, Provider, Retries, RetryOverrides, Rule, Scope,
    Selector, Simulated, Snapshot, Sticky, Strategy, Streams, Target, TimeoutOverrides, Timeouts,
};

/// The gateway's namespace in all scenarios.
pub(crate) const GATEWAY: &str = "gateway";

/// A name from `namespace/name`.
pub(crate) fn name(text: &str) -> ObjectName {
    let (namespace, name) = text.split_once('/').unwrap_or(("default", text));
    ObjectName::new(namespace, name)
}

pub(crate) fn patterns(texts: &[&str]) -> Vec<ModelPattern> {
    texts
        .iter()
        .map(|text| ModelPattern((*text).to_owned()))
        .collect()
}

/// A provider that every namespace may name, with these models.
pub(crate) fn provider(models: &[&str]) -> Provider {
    let model = |model: &&str| Model {
        name: (*model).to_owned(),
        upstream_name: format!("{model}-upstream"),
        price: None,
        facts: fairlead_snapshot::ModelFacts::default(),
    };
    Provider {
        models: Some(models.iter().map(model).collect()),
        ..provider_of_anything()
    }
}

/// A provider that passes on any name.
pub(crate) fn provider_of_anything() -> Provider {
    let simulated = Simulated {
        text: None,
        tokens: None,
        first_token_latency: std::time::Duration::ZERO,
        token_latency: std::time::Duration::ZERO,
        error_percent: 0,
        error_status: 500,
    };
    Provider {
        protocol: Protocol::Simulated(simulated),
        credentials: Vec::new(),
        credential_strategy: CredentialStrategy::default(),
        models: None,
        timeouts: Timeouts::default(),
        retries: Retries::default(),
        health: Health::default(),
        concurrency: None,
        continuation: None,
        parameters: fairlead_snapshot::Parameters::default(),
        headers: fairlead_snapshot::Headers::default(),
        endpoints: None,
        passthrough: Vec::new(),
        tracing: fairlead_snapshot::Tracing::default(),
        price: None,
        limits: fairlead_snapshot::Limits::default(),
        labels: fairlead_snapshot::Labels::default(),
        access: Access::All,
    }
}

pub(crate) fn only_from(namespaces: &[&str], provider: Provider) -> Provider {
    Provider {
        access: Access::Namespaces(namespaces.iter().map(|text| (*text).to_owned()).collect()),
        ..provider
    }
}

/// The same with labels: `region=eu tier=gold`.
pub(crate) fn labelled(text: &str, provider: Provider) -> Provider {
    Provider {
        labels: Labels {
            given: pairs(text),
            partial: false,
        },
        ..provider
    }
}

/// Of providers with these labels.
pub(crate) fn picking(text: &str) -> Selector {
    Selector {
        labels: pairs(text),
        ..Selector::default()
    }
}

fn pairs(text: &str) -> BTreeMap<String, String> {
    let pairs = text
        .split_whitespace()
        .filter_map(|pair| pair.split_once('='));
    pairs
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect()
}

pub(crate) fn credential(name: &str, weight: u32, models: &[&str]) -> Credential {
    Credential {
        name: name.to_owned(),
        weight,
        models: patterns(models),
        value: Some(Digest::of_bytes(name.as_bytes())),
        identity: None,
    }
}

/// A rule for the keys of its namespace (of the gateway's: for all), without targets.
pub(crate) fn rule(text: &str) -> RuleBuilder {
    let name = name(text);
    let scope = if name.namespace == GATEWAY {
        Scope::Global
    } else {
        Scope::Namespace(name.namespace.clone())
    };
    RuleBuilder(Rule {
        name,
        overrides: false,
        scope,
        priority: 0,
        created: None,
        models: Vec::new(),
        when: None,
        strategy: Strategy::Weighted,
        adaptive: Adaptive::default(),
        targets: Vec::new(),
        fallbacks: Vec::new(),
        timeouts: TimeoutOverrides::default(),
        retries: RetryOverrides::default(),
        stream: Streams::default(),
        hedge: None,
        affinity: None,
        on_unsupported: OnUnsupported::default(),
        constrain: None,
        max_cost: None,
        sticky: None,
        mirrors: Vec::new(),
        continues: false,
        changes: Changes::default(),
        said_defaults: Vec::new(),
        logging: None,
    })
}

#[derive(Debug, Clone)]
pub(crate) struct RuleBuilder(pub(crate) Rule);

impl RuleBuilder {
    pub(crate) fn overriding(mut self) -> Self {
        self.0.overrides = true;
        self
    }

    /// It chooses nothing, but holds requests to providers with these labels.
    pub(crate) fn constraining(mut self, labels: &str) -> Self {
        self.0.constrain = Some(picking(labels));
        self.overriding()
    }

    /// It chooses nothing, and matching goes on; an empty `model` leaves the name as it is.
    pub(crate) fn continuing(mut self, model: &str) -> Self {
        self.0.continues = true;
        self.0.changes.model = (!model.is_empty()).then(|| model.to_owned());
        self
    }

    /// It sets a member of the body: of all that is sent, if it continues, else for its last target.
    pub(crate) fn setting(mut self, member: &str, value: u32) -> Self {
        let parameters = match self.0.targets.last_mut() {
            Some(target) => &mut target.parameters,
            None => &mut self.0.changes.parameters,
        };
        parameters.overrides.insert(member.to_owned(), value.into());
        self
    }

    /// Copies so many of a hundred of its requests.
    pub(crate) fn mirror(mut self, name: &str, provider: &str, model: &str, percent: u32) -> Self {
        self.0.mirrors.push(Mirror {
            target: make_target(name, provider, model, 1),
            percent,
            max_in_flight: 16,
            charge: Charge::Provider,
        });
        self
    }

    /// Spreads users, who are known by this header.
    pub(crate) fn sticky(mut self, header: &str) -> Self {
        self.0.sticky = Some(Sticky::Header(header.to_owned()));
        self
    }

    pub(crate) fn scope(mut self, scope: Scope) -> Self {
        self.0.scope = scope;
        self
    }

    pub(crate) fn priority(mut self, priority: u32) -> Self {
        self.0.priority = priority;
        self
    }

    pub(crate) fn models(mut self, models: &[&str]) -> Self {
        self.0.models = patterns(models);
        self
    }

    pub(crate) fn when(mut self, when: &str) -> Self {
        self.0.when = Some(when.to_owned());
        self
    }

    pub(crate) fn strategy(mut self, strategy: Strategy) -> Self {
        self.0.strategy = strategy;
        self
    }

    /// A target; an empty `model` passes on the name as sent.
    pub(crate) fn target(mut self, target: &str, provider: &str, model: &str, weight: u32) -> Self {
        self.0
            .targets
            .push(make_target(target, provider, model, weight));
        self
    }

    pub(crate) fn problem(mut self, problem: Problem) -> Self {
        if let Some(target) = self.0.targets.last_mut() {
            target.problem = Some(problem);
        }
        self
    }

    pub(crate) fn fallback(
        mut self,
        target: &str,
        provider: &str,
        model: &str,
        classes: &[FailureClass],
    ) -> Self {
        let on = (!classes.is_empty()).then(|| Failover {
            classes: classes.to_vec(),
            status_codes: vec![529],
        });
        self.0.fallbacks.push(Fallback {
            target: make_target(target, provider, model, 1),
            on,
        });
        self
    }
}

fn make_target(target: &str, provider: &str, model: &str, weight: u32) -> Target {
    Target {
        name: target.to_owned(),
        provider: name(provider),
        model: (!model.is_empty()).then(|| model.to_owned()),
        weight,
        problem: None,
        parameters: fairlead_snapshot::Parameters::default(),
        headers: fairlead_snapshot::Headers::default(),
    }
}

/// A key without a team, which may use anything.
pub(crate) fn key() -> Key {
    Key {
        digest: None,
        oidc: None,
        networks: Vec::new(),
        previous: None,
        refused: None,
        expires_at: None,
        team: None,
        organization: None,
        allow: Allow::default(),
        limits: fairlead_snapshot::Limits::default(),
    }
}

pub(crate) fn key_of(team: &str, organization: Option<&str>) -> Key {
    Key {
        team: Some(team.to_owned()),
        organization: organization.map(str::to_owned),
        ..key()
    }
}

pub(crate) fn allowing(providers: &[(&str, u32)]) -> Key {
    let allowed = |(provider, weight): &(&str, u32)| AllowedProvider {
        provider: name(provider),
        weight: *weight,
    };
    Key {
        allow: Allow {
            providers: Some(providers.iter().map(allowed).collect()),
            ..Allow::default()
        },
        ..key()
    }
}

pub(crate) fn allowing_models(models: &[&str]) -> Key {
    Key {
        allow: Allow {
            models: Some(patterns(models)),
            ..Allow::default()
        },
        ..key()
    }
}

/// A snapshot under construction. Rules are put in order as the compiler does.
#[derive(Debug, Clone)]
pub(crate) struct World(pub(crate) Snapshot);

impl World {
    pub(crate) fn new() -> Self {
        Self(Snapshot::empty(GATEWAY))
    }

    pub(crate) fn provider(mut self, text: &str, provider: Provider) -> Self {
        self.0.providers.insert(name(text), provider);
        self
    }

    pub(crate) fn rule(mut self, rule: RuleBuilder) -> Self {
        self.0.rules.push(rule.0);
        let level = |scope: &Scope| match scope {
            Scope::VirtualKey(_) => 0,
            Scope::Team(_) => 1,
            Scope::Organization { .. } => 2,
            Scope::Namespace(_) => 3,
            Scope::Global => 4,
        };
        self.0.rules.sort_by_key(|rule| {
            (
                !rule.overrides,
                level(&rule.scope),
                rule.priority,
                rule.created,
                rule.name.clone(),
            )
        });
        self
    }

    pub(crate) fn key(mut self, text: &str, key: Key) -> Self {
        self.0.keys.insert(name(text), key);
        self
    }

    pub(crate) fn table(&self) -> Table {
        Table::build(&self.0, None)
    }

    /// What a key of the world gets for a model, with no facts but the model.
    pub(crate) fn ask(&self, key: &str, model: &str) -> Result<Vec<String>, NoRoute> {
        self.ask_with(key, model, &[])
    }

    /// The same with headers.
    pub(crate) fn ask_with(
        &self,
        key: &str,
        model: &str,
        headers: &[(&str, &str)],
    ) -> Result<Vec<String>, NoRoute> {
        let table = self.table();
        let caller = self.caller(&table, key);
        table
            .plan(&caller, model, &asked(model, headers), &all_well)
            .map(|plan| lines(&table, &plan))
    }

    /// A key of the world; one it does not have is one without restrictions.
    pub(crate) fn caller(&self, table: &Table, text: &str) -> Caller {
        table.caller(&name(text), self.0.keys.get(&name(text)).unwrap_or(&key()))
    }

    /// How often each target is first in `requests` requests.
    pub(crate) fn first_targets(
        &self,
        key: &str,
        model: &str,
        requests: usize,
    ) -> BTreeMap<String, usize> {
        let table = self.table();
        first_targets(&table, &self.caller(&table, key), model, requests)
    }
}

pub(crate) fn first_targets(
    table: &Table,
    caller: &Caller,
    model: &str,
    requests: usize,
) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for _ in 0..requests {
        let first = table
            .plan(caller, model, &nothing(), &all_well)
            .map(|plan| plan.steps[0].target.to_string());
        *counts
            .entry(first.unwrap_or_else(|error| error.to_string()))
            .or_default() += 1;
    }
    counts
}

/// A request with headers and without parameters.
pub(crate) struct Asked<'a> {
    model: &'a str,
    headers: &'a [(&'a str, &'a str)],
    /// How often a condition asked for something.
    pub(crate) times: Cell<u32>,
}

/// A request of which nothing is known.
pub(crate) fn nothing() -> Asked<'static> {
    asked("", &[])
}

pub(crate) fn asked<'a>(model: &'a str, headers: &'a [(&'a str, &'a str)]) -> Asked<'a> {
    Asked {
        model,
        headers,
        times: Cell::new(0),
    }
}

impl Asked<'_> {
    fn note(&self) {
        self.times.set(self.times.get() + 1);
    }
}

impl fairlead_condition::Request for Asked<'_> {
    fn header(&self, name: &str) -> Result<Option<Cow<'_, str>>, Unreadable> {
        self.note();
        let found = self.headers.iter().find(|(each, _)| *each == name);
        Ok(found.map(|(_, value)| Cow::Borrowed(*value)))
    }

    fn headers(&self) -> usize {
        self.note();
        self.headers.len()
    }

    fn model(&self) -> &str {
        self.note();
        self.model
    }

    fn stream(&self) -> bool {
        self.note();
        false
    }

    fn param(&self, _name: &str) -> Result<Option<Raw<'_>>, Unreadable> {
        self.note();
        Ok(None)
    }

    fn params(&self) -> usize {
        self.note();
        0
    }

    fn usage(&self, _limit: &Limit) -> Option<Usage> {
        self.note();
        None
    }

    fn input_tokens(&self) -> u64 {
        self.note();
        0
    }
}

/// A model that is called `cents-N` costs N cents; what the others cost nobody knows.
impl Request for Asked<'_> {
    fn cost(&self, target: Candidate<'_>) -> Option<i64> {
        self.note();
        let cents: i64 = target.requested.strip_prefix("cents-")?.parse().ok()?;
        Some(cents * 10_000_000)
    }

    fn user(&self, sticky: &Sticky, rule: &ObjectName) -> Option<u64> {
        let Sticky::Header(header) = sticky else {
            return None;
        };
        let (_, user) = self.headers.iter().find(|(name, _)| name == header)?;
        Some(fairlead_route::hash(&format!("{rule} {user}")))
    }
}

/// A plan, one line a step: `[rule: ]target -> provider model[ fallback][ on classes][ !problem]`.
pub(crate) fn lines(table: &Table, plan: &Plan) -> Vec<String> {
    let rule = plan
        .rule
        .as_ref()
        .map(|rule| format!("{}: ", rule.name))
        .unwrap_or_default();
    let line = |step: &fairlead_route::Step| {
        let provider = step.provider.map_or("?".to_owned(), |index| {
            table.providers()[index.0].0.to_string()
        });
        let fallback = if step.fallback { " fallback" } else { "" };
        let on = step
            .on
            .as_ref()
            .map(|on| format!(" on {:?}", on.classes))
            .unwrap_or_default();
        let problem = step
            .problem
            .map(|problem| format!(" !{problem:?}"))
            .unwrap_or_default();
        format!(
            "{rule}{} -> {provider} {}{fallback}{on}{problem}",
            step.target, step.model
        )
    };
    plan.steps.iter().map(line).collect()
}
