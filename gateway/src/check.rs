//! `check` and `explain`: the compiler's and the router's word, without serving anything.

mod audited;
mod servers;
mod stood;
mod supposed;

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::Context as _;
use fairlead_compile::{Compiled, compile, documents, report};
use fairlead_route::{Candidate, Explanation, Step, Table};
use fairlead_snapshot::{Key, ObjectName, Snapshot};
use fairlead_wire::openai::request::parse;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;

use crate::args;
pub use crate::check::audited::audit;
use crate::check::stood::Stood;
use crate::check::supposed::{Estimate, Supposed, Used};
use crate::clock;
use crate::config::folder::Folder;
use crate::config::state::State;
use crate::govern::chain::Owners;
use crate::govern::dear::{MaxCost, Most};
use crate::request::outlook::Outlook;
use crate::request::sight::Sight;
use crate::surface::Operation;

/// What a command prints, and whether all is well.
#[derive(Debug)]
pub struct Printed {
    /// For standard output.
    pub text: String,
    /// Whether the exit code is 0.
    pub good: bool,
}

/// Every verdict of a folder, with file, line and field.
///
/// # Errors
/// The folder cannot be listed.
pub fn check(folder: &args::Folder) -> anyhow::Result<Printed> {
    let (compiled, errors) = compiled(folder)?;
    let mut text = String::new();
    for error in &errors {
        text.push_str(error);
        text.push('\n');
    }
    text.push_str(&report(&compiled.verdicts));
    let good = errors.is_empty()
        && compiled
            .verdicts
            .iter()
            .all(fairlead_compile::Verdict::is_good);
    Ok(Printed { text, good })
}

/// What a folder compiles to, and what of it cannot be read. Generated keys that do not exist yet count as if they did: none is made.
///
/// # Errors
/// The folder cannot be listed.
pub fn compiled(folder: &args::Folder) -> anyhow::Result<(Compiled, Vec<String>)> {
    let mut reading = Folder::new(&folder.config_dir, &folder.settings).read()?;
    let state = State::open(folder.settings.state_dir.as_deref())?;
    reading.inputs.now = clock::unix_seconds();
    reading.inputs.secrets.extend(state.secrets());
    let previous = state.last_good()?;
    let mut compiled = compile(previous.as_ref(), &reading.inputs);
    compiled.verdicts.splice(0..0, reading.verdicts);
    let errors = reading
        .errors
        .iter()
        .map(|error| format!("{error} [Unreadable]"))
        .collect();
    Ok((compiled, errors))
}

/// A request as `explain` reads it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sketch {
    /// The virtual key, `namespace/name`; its value is not needed.
    key: ObjectName,
    /// What is asked for, as the path of the request says it below /v1. Absent: chat/completions.
    operation: Option<String>,
    /// Header names in any case.
    #[serde(default)]
    headers: BTreeMap<String, String>,
    /// The request's body; `model` is needed, the messages are not.
    body: serde_json::Map<String, serde_json::Value>,
    /// How much of the limits is used.
    usage: Option<Used>,
    /// What is to be expected of it.
    #[serde(default)]
    estimate: Estimate,
}

/// What becomes of a request that is thought of.
pub(crate) struct Thought {
    /// Every rule, and the plan.
    pub explanation: Explanation,
    /// The targets that are passed over because the request would cost too much there, and why.
    pub dear: Vec<(Arc<str>, String)>,
    /// Where the plan asks pools: which servers, as sentences.
    pub servers: String,
    /// Whether an attempt is left that is not.
    pub affordable: bool,
    /// Why the key itself is refused, if it is.
    pub refused: Option<String>,
    /// Whether there are limits of which the request does not say how much is used.
    pub unused: bool,
}

/// Which rule and targets a request would get, and why every other rule does not take it.
///
/// # Errors
/// The folder or the request cannot be read, or the request names no key or model that there is.
pub fn explain(args: &args::Explain) -> anyhow::Result<Printed> {
    let (compiled, _) = compiled(&args.folder)?;
    let sketch = sketch(&args.request)?;
    let table = Table::build(&compiled.snapshot, None);
    let thought = think(&table, &compiled.snapshot, &sketch)?;
    let stood = args.health.as_deref().map(Stood::read).transpose()?;
    let stood = stood::told(&thought.explanation, stood.as_ref());
    Ok(Printed {
        text: thought.told(&sketch, &stood)?,
        good: thought.is_good(),
    })
}

/// Which rule and targets a request gets.
#[derive(Debug)]
pub struct Explained {
    /// For people.
    pub text: String,
    /// Whether it would be answered.
    pub good: bool,
    /// What every rule said, and what is tried.
    pub explanation: Explanation,
    /// The provider of each attempt of the plan; `None`: it does not exist.
    pub providers: Vec<Option<ObjectName>>,
}

/// The same under any configuration.
///
/// # Errors
/// The request names no key or model that there is, or is not one.
pub fn explain_in(snapshot: &Snapshot, sketch: &Sketch) -> anyhow::Result<Explained> {
    let table = Table::build(snapshot, None);
    let thought = think(&table, snapshot, sketch)?;
    let steps = thought.explanation.outcome.iter();
    let named = |step: &Step| {
        let (name, _) = table.providers().get(step.provider?.0)?;
        Some(name.clone())
    };
    let providers = steps.flat_map(|plan| &plan.steps).map(named).collect();
    Ok(Explained {
        text: thought.told(sketch, "")?,
        good: thought.is_good(),
        explanation: thought.explanation,
        providers,
    })
}

impl Thought {
    /// Whether it would be answered.
    fn is_good(&self) -> bool {
        self.explanation.outcome.is_ok() && self.affordable && self.refused.is_none()
    }

    /// For people. `stood`: how targets stood, where that is known.
    fn told(&self, sketch: &Sketch, stood: &str) -> anyhow::Result<String> {
        let (key, model) = (&sketch.key, sketch.model()?);
        let mut text = format!("key {key}, model {model}\n{}", self.explanation);
        text.push_str(&self.servers);
        if self.unused {
            text.push_str("\nlimits are taken as unused; under usage the request can say how much of each is used\n");
        }
        text.push_str(stood);
        for (target, dear) in &self.dear {
            text.push_str(&format!("{target} is passed over: {dear}\n"));
        }
        if let Some(reason) = &self.refused {
            text.push_str(&format!("\nthe key itself is refused: {reason}\n"));
        }
        Ok(text)
    }
}

/// What becomes of a request in a configuration.
///
/// # Errors
/// The request cannot be read, or names no key or model that there is.
pub(crate) fn think(
    table: &Table,
    snapshot: &Snapshot,
    sketch: &Sketch,
) -> anyhow::Result<Thought> {
    let key = snapshot
        .keys
        .get(&sketch.key)
        .with_context(|| format!("there is no VirtualKey {} in force", sketch.key))?;
    let model = sketch.model()?;
    let caller = table.caller(&sketch.key, key);
    // Read as the gateway reads it, so that what it refuses or cannot read is told here, too.
    let body = serde_json::to_vec(&sketch.body)?;
    let request = parse(&body)?;
    let headers = headers(sketch)?;
    let operation = operation(sketch.operation.as_deref())?;
    let content: Vec<_> = Operation::ALL
        .iter()
        .flat_map(|operation| operation.content_members())
        .copied()
        .collect();
    let chain = Owners::of(snapshot, 0).chain(&sketch.key, key);
    let supposed = Supposed::new(
        (&chain, model),
        operation,
        snapshot,
        &request,
        sketch.usage.as_ref(),
        &sketch.estimate,
    )?;
    let sight = Sight::new(operation, &request, &headers, &content, &supposed);
    let explanation = table.explain(&caller, model, &sight);
    let servers = match &explanation.outcome {
        Ok(plan) => servers::told(plan, (table, snapshot), &body, operation),
        Err(_) => String::new(),
    };
    let most = MaxCost::of_key(snapshot, &sketch.key, key);
    let (affordable, dear) = afforded(table, &explanation, most.as_ref(), &supposed);
    Ok(Thought {
        affordable,
        dear,
        refused: refusal(key, clock::unix_seconds()),
        unused: sketch.usage.is_none() && supposed.has_limits(),
        servers,
        explanation,
    })
}

impl Sketch {
    /// A request of a key, with limits as they stand.
    #[cfg(feature = "console")]
    #[must_use]
    pub(crate) fn live(
        key: ObjectName,
        operation: Option<String>,
        headers: BTreeMap<String, String>,
        body: serde_json::Map<String, serde_json::Value>,
        lines: &[crate::govern::report::Line],
    ) -> Self {
        Self {
            key,
            operation,
            headers,
            body,
            usage: Some(Used::standing(lines)),
            estimate: Estimate::default(),
        }
    }

    fn model(&self) -> anyhow::Result<&str> {
        let model = self.body.get("model").and_then(|model| model.as_str());
        model.context("body.model is missing; it must be a text")
    }
}

/// The operation of a path below `/v1`.
fn operation(path: Option<&str>) -> anyhow::Result<Operation> {
    let Some(path) = path else {
        return Ok(Operation::Chat);
    };
    let named = |operation: &Operation| {
        operation.action(false).is_none() && operation.path().trim_start_matches('/') == path
    };
    let found = Operation::ALL.into_iter().find(named);
    found.with_context(|| format!("operation: nothing is asked for at /v1/{path}"))
}

/// Whether an attempt is left that is not too dear, and what is said of those that are.
fn afforded(
    table: &Table,
    explanation: &Explanation,
    of_key: Option<&MaxCost>,
    outlook: &dyn Outlook,
) -> (bool, Vec<(Arc<str>, String)>) {
    let Ok(plan) = &explanation.outcome else {
        return (true, Vec::new());
    };
    let most = Most::of(plan.rule.as_ref(), of_key);
    let mut passed = Vec::new();
    let mut left = false;
    for step in &plan.steps {
        let named = step.provider.and_then(|provider| {
            let (name, _) = table.providers().get(provider.0)?;
            Some((provider, Arc::from(name.to_string())))
        });
        let Some((provider, label)) = named else {
            continue;
        };
        let candidate = Candidate {
            provider,
            model: &step.model,
            requested: &step.requested,
        };
        match most.refuses(&label, &step.requested, || outlook.cost(candidate)) {
            None => left = true,
            Some(dear) => passed.push((Arc::clone(&step.target), dear.to_string())),
        }
    }
    (left || passed.is_empty(), passed)
}

/// Why the key would be refused before anything else is looked at, if it would be.
fn refusal(key: &Key, now: i64) -> Option<String> {
    if let Some(refusal) = key.refused {
        return Some(format!("{refusal:?}"));
    }
    let expired = key.expires_at.is_some_and(|at| at <= now);
    expired.then(|| "it has expired (spec.expiresAt)".to_owned())
}

fn sketch(path: &std::path::Path) -> anyhow::Result<Sketch> {
    let file = path.display().to_string();
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {file}"))?;
    let mut found = documents(&file, &text)?;
    anyhow::ensure!(
        found.len() == 1,
        "{file} must hold one request: key, headers, body"
    );
    let document = found.swap_remove(0);
    serde_json::from_value(document.value).with_context(|| format!("{file} is no request; it needs key: NAMESPACE/NAME and body: {{model: ...}}, and may have headers, usage and estimate"))
}

fn headers(sketch: &Sketch) -> anyhow::Result<HeaderMap> {
    let header = |(name, value): (&String, &String)| {
        let wrong = || format!("headers.{name} is no header");
        let field = HeaderName::try_from(name).with_context(wrong)?;
        Ok((field, HeaderValue::try_from(value).with_context(wrong)?))
    };
    sketch.headers.iter().map(header).collect()
}

#[cfg(test)]
mod tests;
