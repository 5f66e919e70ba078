//! A key of a provider, with what else its cloud wants to know.

use serde_json::Value;

use super::{MARK, cloud};
use crate::import::draft::{Draft, MOST_MODELS, is_pattern};
use crate::import::section::{Reasons, Section};
use crate::resources::{Identity, Place};
use crate::secret::Hidden;
use crate::vendor::Vendor;

/// A key.
#[derive(Debug)]
pub(super) struct Key {
    pub(super) name: String,
    pub(super) weight: f64,
    /// The models it serves; none: all.
    pub(super) models: Vec<String>,
    /// Other names of models, and what they are asked by.
    pub(super) aliases: Vec<(String, String)>,
    pub(super) base_url: Option<String>,
    pub(super) place: Place,
    pub(super) secret: Vec<(&'static str, Hidden)>,
    pub(super) identity: Option<Identity>,
}

impl Key {
    /// The models it serves, by whichever name they are asked for.
    pub(super) fn models(&self) -> Vec<String> {
        let mut models = self.models.clone();
        for (alias, model) in &self.aliases {
            if models.contains(alias) && !models.contains(model) {
                models.push(model.clone());
            }
        }
        models.truncate(MOST_MODELS);
        models
    }

    /// The models that it lists by the names they are asked for.
    pub(super) fn own_models(&self) -> impl Iterator<Item = &String> {
        let renamed = |model: &String| self.aliases.iter().any(|(alias, _)| alias == model);
        self.models
            .iter()
            .filter(move |model| !model.contains('*') && !renamed(model))
    }

    /// Whether it serves models that it does not list.
    pub(super) fn is_open(&self) -> bool {
        self.models.is_empty() || self.models.iter().any(|model| model.contains('*'))
    }
}

pub(super) fn read(
    mut entry: Section,
    vendor: &'static Vendor,
    empty_is_all: bool,
    draft: &mut Draft<'_>,
) -> Option<Key> {
    let path = entry.path().to_owned();
    if entry.truth("enabled") == Some(false) {
        draft.note(path, "it is disabled, and left out");
        return None;
    }
    let name = entry.text("name").or_else(|| entry.text("id"));
    entry.pass_over(&["id", "description", "use_for_batch_api"]);
    let models = match entry.texts("models") {
        Some(models) if models.is_empty() && !empty_is_all => {
            draft.note(
                path,
                "an empty list of models allows none, so the key is left out",
            );
            return None;
        }
        Some(models) if models.is_empty() => models,
        Some(models) => listed(&entry, models, draft)?,
        None => Vec::new(),
    };
    let mut key = Key {
        name: name.unwrap_or_else(|| "main".to_owned()),
        weight: entry.number("weight").unwrap_or(1.0),
        models,
        aliases: aliases(&mut entry, "aliases", draft),
        base_url: None,
        place: Place::Anywhere,
        secret: Vec::new(),
        identity: None,
    };
    let place = entry.at("value");
    if let Some(text) = variable(&mut entry, "value", draft) {
        let value = draft.credential(&place, &text);
        key.secret.extend(value.map(|value| ("apiKey", value)));
    }
    let usable = cloud::read(&mut entry, vendor, &mut key, draft);
    let own_server = ["ollama", "vllm", "sglang"].contains(&vendor.name);
    if key.secret.is_empty() && key.identity.is_none() && !own_server {
        draft.note(
            place,
            "it has no value here, so the provider is asked without a key",
        );
    }
    entry.rest(KEY, &mut draft.notes);
    usable.map(|()| key)
}

/// None of them: all. `None`, and told, if none of them can be asked for.
fn listed(entry: &Section, mut models: Vec<String>, draft: &mut Draft<'_>) -> Option<Vec<String>> {
    if models.iter().any(|model| model == "*") {
        return Some(Vec::new());
    }
    models.retain(|model| is_pattern(model) && !model.is_empty());
    models.sort();
    if models.is_empty() {
        draft.note(
            entry.at("models"),
            "none of these is a name of a model, so the key is left out",
        );
        return None;
    }
    models.dedup();
    if models.len() > MOST_MODELS {
        draft.note(
            entry.at("models"),
            format!("a key lists at most {MOST_MODELS} models; the others are left out"),
        );
        models.truncate(MOST_MODELS);
    }
    Some(models)
}

/// A text, or an object that says where the text comes from.
pub(super) fn variable(section: &mut Section, name: &str, draft: &mut Draft<'_>) -> Option<String> {
    let text = match section.section(name) {
        Some(object) => referred(object, draft),
        None => section.text(name),
    };
    text.filter(|text| !text.is_empty())
}

fn referred(mut object: Section, draft: &mut Draft<'_>) -> Option<String> {
    if object.text("type").as_deref() == Some("vault") {
        draft.note(
            object.path(),
            "values of a vault are not looked up; put it into the provider's Secret",
        );
        return None;
    }
    let variable = object.text("env_var").or_else(|| object.text("ref"));
    match variable.filter(|variable| !variable.is_empty()) {
        Some(variable) if variable.starts_with(MARK) => Some(variable),
        Some(variable) => Some(format!("{MARK}{variable}")),
        None => object.text("value"),
    }
}

/// Names, and the names that are meant, as texts or as objects that have one.
pub(super) fn aliases(
    section: &mut Section,
    field: &str,
    draft: &mut Draft<'_>,
) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let Some(mut names) = section.section(field) else {
        return found;
    };
    for name in names.names() {
        let place = names.at(&name);
        let model = match names.take(&name) {
            Some(Value::String(model)) => Some(model),
            Some(Value::Object(fields)) => {
                let id = ["model_id", "model", "name"]
                    .into_iter()
                    .find_map(|id| fields.get(id));
                draft.note(&place, "only the name that is meant is carried over");
                id.and_then(Value::as_str).map(str::to_owned)
            }
            _ => None,
        };
        let both = model
            .and_then(|model| Some((draft.model(&place, &name)?, draft.model(&place, &model)?)));
        found.extend(both);
    }
    found
}

const KEY: Reasons = &[(
    "blacklisted_models",
    "say which models a key may serve: spec.credentials[].models of the LLMProvider",
)];
