//! Which of the last requests a changed configuration would move from one rule to another, or from one target to another.

use std::collections::BTreeMap;
use std::sync::Arc;

use fairlead_condition::{Limit, Usage};
use fairlead_console::Viewer;
use fairlead_console::view::build::Effect;
use fairlead_record::filter::LARGEST_PAGE;
use fairlead_record::{Ask, Entry, Filter, ReadError, RequestLog};
use fairlead_route::{Candidate, Step, Table};
use fairlead_snapshot::{ObjectName, Snapshot};
use fairlead_wire::openai::request::parse;
use http::HeaderMap;
use serde_json::json;

use super::rule_name;
use crate::request::outlook::Outlook;
use crate::request::sight::Sight;
use crate::surface::Operation;

/// So many pages of the last requests are looked at.
const PAGES: usize = 2;

/// The last requests that this viewer may see.
///
/// # Errors
/// The log cannot be read just now.
pub(crate) async fn last(
    log: &dyn RequestLog,
    viewer: &Viewer,
) -> Result<Vec<Arc<Entry>>, ReadError> {
    let filter = Filter {
        scope: viewer.scope(),
        ..Filter::default()
    };
    let mut ask = Ask {
        after: None,
        limit: LARGEST_PAGE,
    };
    let mut entries = Vec::new();
    for _ in 0..PAGES {
        let page = log.search(&filter, ask).await?;
        entries.extend(page.entries);
        ask.after = page.next;
        if ask.after.is_none() {
            break;
        }
    }
    Ok(entries)
}

/// Nothing is expected of requests that are over.
#[derive(Debug)]
struct Nothing;

impl Outlook for Nothing {
    fn usage(&self, _: &Limit) -> Option<Usage> {
        None
    }

    fn input_tokens(&self) -> u64 {
        0
    }

    fn cost(&self, _: Candidate<'_>) -> Option<i64> {
        None
    }
}

/// What is known of a request that matters for where it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Kind<'a> {
    key: &'a str,
    model: &'a str,
    /// Its place among all operations.
    operation: usize,
}

/// Who takes a request: the rule, and its targets so that one who changes where a rule sends requests sees it too.
#[derive(Debug, PartialEq, Eq)]
enum Taker {
    Rule(String, String),
    NoRule,
    Refusal,
}

/// Which rules would take the requests, before and after.
#[must_use]
pub(crate) fn effect(
    before: (&Snapshot, &Table),
    after: &Snapshot,
    entries: &[Arc<Entry>],
    viewer: &Viewer,
) -> Effect {
    let mut kinds: BTreeMap<Kind<'_>, usize> = BTreeMap::new();
    for entry in entries {
        if let (Some(key), Some(model)) = (&entry.key, &entry.model) {
            let operation = operation(entry);
            *kinds
                .entry(Kind {
                    key,
                    model,
                    operation,
                })
                .or_default() += 1;
        }
    }
    let table = Table::build(after, None);
    let after = (after, &table);
    let mut moves: BTreeMap<(String, String), usize> = BTreeMap::new();
    let mut effect = Effect {
        looked_at: kinds.values().sum(),
        ..Effect::default()
    };
    for (kind, count) in kinds {
        match [before, after].map(|which| taker(which, kind)) {
            [Some(one), Some(other)] if one == other => {}
            [Some(one), Some(other)] => {
                effect.moved += count;
                let words = (one.words(viewer), other.words(viewer));
                *moves.entry(words).or_default() += count;
            }
            [None, _] | [_, None] => effect.unjudged += count,
        }
    }
    effect.moves = moves
        .into_iter()
        .map(|((one, other), count)| (one, other, count))
        .collect();
    effect
}

/// What was asked for: by its path, and where that is not known by its name.
fn operation(entry: &Entry) -> usize {
    let route = entry.route.as_deref();
    let name = entry.operation.as_deref();
    let mut all = Operation::ALL.iter();
    let found = all.position(|one| route == Some(&*one.route(entry.stream)));
    found
        .or_else(|| {
            Operation::ALL
                .iter()
                .position(|one| name == Some(one.name()))
        })
        .unwrap_or_default()
}

/// Who takes a request; `None`: its key is not there.
fn taker((snapshot, table): (&Snapshot, &Table), kind: Kind<'_>) -> Option<Taker> {
    let name: ObjectName = kind.key.parse().ok()?;
    let caller = table.caller(&name, snapshot.keys.get(&name)?);
    let body = json!({"model": kind.model}).to_string();
    let request = parse(body.as_bytes()).ok()?;
    let headers = HeaderMap::new();
    let operation = *Operation::ALL.get(kind.operation)?;
    let sight = Sight::new(operation, &request, &headers, &[], &Nothing);
    Some(match table.foresee(&caller, kind.model, &sight) {
        Err(_) => Taker::Refusal,
        Ok(plan) => match plan.rule {
            None => Taker::NoRule,
            Some(rule) => Taker::Rule(rule.name.to_string(), targets(&plan.steps)),
        },
    })
}

impl Taker {
    fn words(&self, viewer: &Viewer) -> String {
        match self {
            Self::NoRule => "no rule".to_owned(),
            Self::Refusal => "a refusal".to_owned(),
            Self::Rule(rule, targets) if viewer.rights.rules.sees_object(rule) => {
                format!("{rule} ({targets})")
            }
            Self::Rule(rule, _) => rule_name(rule, viewer),
        }
    }
}

fn targets(steps: &[Step]) -> String {
    let mut names: Vec<String> = steps
        .iter()
        .map(|step| format!("{}:{}", step.target, step.model))
        .collect();
    names.sort_unstable();
    names.join(", ")
}
