//! Teams, virtual keys and routing rules.

use jiff::Timestamp;

use super::{Made, rule};
use crate::family::patterns;
use crate::import::draft::{Draft, MOST_MODELS, is_pattern, weights};
use crate::import::section::{Reasons, Section};
use crate::resources::Caller;

/// Ids of the file, and the names that became of them.
#[derive(Debug, Default)]
pub(super) struct Owners {
    pub(super) keys: Vec<(String, String)>,
    pub(super) teams: Vec<(String, String)>,
}

impl Owners {
    pub(super) fn key(&self, id: &str) -> Option<String> {
        Self::named(&self.keys, id)
    }

    pub(super) fn team(&self, id: &str) -> Option<String> {
        Self::named(&self.teams, id)
    }

    fn named(list: &[(String, String)], id: &str) -> Option<String> {
        let found = list.iter().find(|(known, _)| known == id);
        found.map(|(_, name)| name.clone())
    }
}

/// Carries over what there is, and says whether somebody may call.
pub(super) fn import(
    mut section: Section,
    made: &[Made],
    empty_is_all: bool,
    draft: &mut Draft<'_>,
) -> bool {
    let mut owners = Owners::default();
    for mut team in section.sections("teams", &mut draft.notes) {
        let id = team.text("id");
        let name = team.text("name").or_else(|| id.clone());
        if let Some(name) = name {
            let given = draft.team(&name);
            owners.teams.extend(id.map(|id| (id, given)));
        }
        team.rest(TEAM, &mut draft.notes);
    }
    for key in section.sections("virtual_keys", &mut draft.notes) {
        caller(key, made, empty_is_all, &mut owners, draft);
    }
    for entry in section.sections("routing_rules", &mut draft.notes) {
        rule::import(entry, made, &owners, draft);
    }
    section.rest(GOVERNANCE, &mut draft.notes);
    !draft.resources.callers.is_empty()
}

fn caller(
    mut key: Section,
    made: &[Made],
    empty_is_all: bool,
    owners: &mut Owners,
    draft: &mut Draft<'_>,
) {
    let path = key.path().to_owned();
    let id = key.text("id");
    let name = key.text("name").or_else(|| id.clone());
    let Some(name) = name else {
        draft.note(path, "it has no name");
        return;
    };
    let place = key.at("value");
    let value = key.text("value");
    let value = value.and_then(|value| draft.caller_value(&place, &value));
    if value.is_none() {
        draft.note(place, "a new key is made");
    }
    let team = key.text("team_id");
    let place = key.at("team_id");
    let named = team.as_deref().map(|team| owners.team(team));
    if named == Some(None) {
        draft.note(place, "there is no such team");
    }
    let mut new = Caller {
        name,
        value,
        suspended: key.truth("is_active") == Some(false),
        expires_at: expiry(&mut key, draft),
        team: named.flatten(),
        ..Caller::default()
    };
    allow(&mut key, &mut new, made, empty_is_all, draft);
    key.pass_over(&["description"]);
    key.rest(KEY, &mut draft.notes);
    let given = draft.caller(new);
    owners.keys.extend(id.map(|id| (id, given)));
}

/// A key without a moment that can be read has ended rather than never does.
fn expiry(key: &mut Section, draft: &mut Draft<'_>) -> Option<String> {
    let place = key.at("expires_at");
    let text = key.text("expires_at")?;
    match text.parse::<Timestamp>() {
        Ok(moment) => Some(moment.to_string()),
        Err(_) => {
            draft.note(place, "it is no moment (RFC 3339), so the key has ended");
            Some(Timestamp::UNIX_EPOCH.to_string())
        }
    }
}

/// The providers and models of a key. What cannot be said narrows, never widens.
fn allow(
    key: &mut Section,
    new: &mut Caller,
    made: &[Made],
    empty_is_all: bool,
    draft: &mut Draft<'_>,
) {
    let path = key.at("provider_configs");
    let configs = key.sections("provider_configs", &mut draft.notes);
    if configs.is_empty() {
        if !empty_is_all {
            draft.note(
                path,
                "without providers a key may use none, so it is suspended",
            );
            new.suspended = true;
        }
        return;
    }
    let mut allowed = Allowed::default();
    for config in configs {
        allowed.add(config, made, empty_is_all, draft);
    }
    if allowed.shares.is_empty() || allowed.is_restricted && allowed.models.is_empty() {
        draft.note(path, "nothing that it may use is there, so it is suspended");
        new.suspended = true;
        return;
    }
    if allowed.models.len() > MOST_MODELS || allowed.shares.len() > MOST_MODELS {
        let message = format!(
            "a key lists at most {MOST_MODELS} models and providers; the others are left out"
        );
        draft.note(path, message);
    }
    let (names, shares): (Vec<String>, Vec<f64>) =
        allowed.shares.into_iter().take(MOST_MODELS).unzip();
    let mut weights = weights(&shares);
    if weights.iter().all(|weight| *weight == 0) {
        weights.fill(1);
    }
    new.providers = names
        .into_iter()
        .zip(weights.into_iter().map(Some))
        .collect();
    if allowed.is_restricted {
        allowed.models.truncate(MOST_MODELS);
        new.models = allowed.models;
    }
}

/// What a key may use.
#[derive(Debug, Default)]
struct Allowed {
    /// Providers and their shares.
    shares: Vec<(String, f64)>,
    /// Models, by whichever name they are asked for.
    models: Vec<String>,
    /// Whether other models are forbidden.
    is_restricted: bool,
}

impl Allowed {
    fn add(
        &mut self,
        mut config: Section,
        made: &[Made],
        empty_is_all: bool,
        draft: &mut Draft<'_>,
    ) {
        let place = config.at("provider");
        let provider = config.text("provider");
        let share = config.number("weight").unwrap_or(1.0);
        let models = config.texts("allowed_models");
        config.pass_over(&["id"]);
        if config.texts("key_ids").is_some_and(|ids| ids != ["*"]) {
            draft.note(
                config.at("key_ids"),
                "a caller is not bound to single keys of a provider; give them a provider of their own",
            );
        }
        config.rest(CONFIG, &mut draft.notes);
        let Some(found) = made
            .iter()
            .find(|made| Some(&made.name) == provider.as_ref())
        else {
            draft.note(place, "there is no such provider");
            return;
        };
        let all = match &models {
            None => true,
            Some(models) if models.is_empty() => empty_is_all,
            Some(models) => models.iter().any(|model| model == "*"),
        };
        self.is_restricted |= !all;
        let models = if all {
            patterns(found.vendor)
                .iter()
                .map(|&model| model.to_owned())
                .collect()
        } else {
            models.unwrap_or_default()
        };
        if !all && models.is_empty() {
            return;
        }
        for part in &found.parts {
            if !self.shares.iter().any(|(known, _)| known == part) {
                self.shares.push((part.clone(), share));
            }
        }
        for name in std::iter::once(&found.name).chain(&found.parts) {
            if all {
                self.model(format!("{name}/*"));
            }
            models
                .iter()
                .for_each(|model| self.model(format!("{name}/{model}")));
        }
        models.into_iter().for_each(|model| self.model(model));
    }

    fn model(&mut self, model: String) {
        if !model.is_empty() && is_pattern(&model) && !self.models.contains(&model) {
            self.models.push(model);
        }
    }
}

const GOVERNANCE: Reasons = &[
    ("budgets", "no budgets are carried over"),
    ("rate_limits", "no limits of rates are carried over"),
    (
        "customers",
        "who owns teams is said by Organizations, which select namespaces: docs/api.md",
    ),
    (
        "business_units",
        "who owns teams is said by Organizations, which select namespaces: docs/api.md",
    ),
    (
        "auth_config",
        "nothing is administered with a password here, but by resources",
    ),
    ("model_configs", "no budgets and limits are carried over"),
    ("providers", "no budgets and limits are carried over"),
    ("pricing_overrides", "no prices are carried over"),
];

const TEAM: Reasons = &[
    (
        "customer_id",
        "who owns teams is said by Organizations, which select namespaces: docs/api.md",
    ),
    ("budget_id", "no budgets are carried over"),
    ("rate_limit_id", "no limits of rates are carried over"),
];

const KEY: Reasons = &[
    (
        "customer_id",
        "who owns teams is said by Organizations, which select namespaces: docs/api.md",
    ),
    ("budget_id", "no budgets are carried over"),
    ("budgets", "no budgets are carried over"),
    ("rate_limit_id", "no limits of rates are carried over"),
    ("mcp_configs", "no MCP servers are carried over"),
];

const CONFIG: Reasons = &[
    ("budget_id", "no budgets are carried over"),
    ("budgets", "no budgets are carried over"),
    ("rate_limit_id", "no limits of rates are carried over"),
];
