//! What is changed in requests to a provider: by its configuration, by that of the target, and by where its operations are.

use std::collections::BTreeMap;

use fairlead_snapshot::{Addressing, Headers, Parameters, Protocol, Provider};
use fairlead_wire::amend::Amendment;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;

use crate::surface::Operation;

/// The version that Vertex AI wants in the body of a request to Anthropic's models.
const VERTEX_VERSION: &str = "\"vertex-2023-10-16\"";

/// What is changed in every request to a provider.
#[derive(Debug, Default)]
pub(crate) struct Amends {
    /// Members of the body, as configured.
    parameters: Amendment,
    /// Headers, as configured.
    headers: Headers,
    /// Whether models are asked for below their publishers, and not by the body.
    publishers: bool,
}

impl Amends {
    /// What a provider's configuration says.
    pub(crate) fn new(provider: &Provider) -> Self {
        let publishers = matches!(
            provider.protocol,
            Protocol::Http {
                addressing: Addressing::Publishers,
                ..
            }
        );
        Self {
            parameters: amendment(&provider.parameters),
            headers: provider.headers.clone(),
            publishers,
        }
    }

    /// Whether models are asked for below their publishers.
    pub(crate) fn publishers(&self) -> bool {
        self.publishers
    }

    /// What is changed in the body of a request; `None`: nothing. What the target says goes first.
    pub(crate) fn body(
        &self,
        sent: Operation,
        model: &str,
        target: Option<&Parameters>,
    ) -> Option<Amendment> {
        let claude = self.publishers && sent.surface() == crate::surface::Surface::Anthropic;
        if !claude && self.parameters.is_empty() && target.is_none_or(Parameters::is_empty) {
            return None;
        }
        let configured = match target {
            Some(target) => self.parameters.after(&amendment(target)),
            None => self.parameters.clone(),
        };
        if !claude {
            return Some(configured);
        }
        let version = ("anthropic_version".to_owned(), VERTEX_VERSION.to_owned());
        let mut own = Amendment {
            overrides: vec![version],
            ..Amendment::default()
        };
        if sent == Operation::Messages {
            own.remove.push("model".to_owned());
        } else {
            own.overrides.push(("model".to_owned(), counted(model)));
        }
        // Its beta is refused there, and neither goes without the other.
        own.remove.push("speed".to_owned());
        Some(configured.after(&own))
    }

    /// Changes the headers of a request. What the target says goes first.
    pub(crate) fn headers(&self, headers: &mut HeaderMap, target: Option<&Headers>) {
        apply(&self.headers, headers);
        if let Some(target) = target {
            apply(target, headers);
        }
    }
}

/// The model that tokens are counted for, as JSON: without the version behind it, with which none is known there.
fn counted(model: &str) -> String {
    let (name, _) = model.split_once('@').unwrap_or((model, ""));
    Value::from(name).to_string()
}

fn apply(said: &Headers, headers: &mut HeaderMap) {
    for name in &said.remove {
        while headers.remove(name.as_str()).is_some() {}
    }
    for (name, value) in &said.set {
        // The compiler has seen that they are a name and a value.
        let name = HeaderName::from_bytes(name.as_bytes());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(value)) {
            headers.insert(name, value);
        }
    }
}

fn amendment(parameters: &Parameters) -> Amendment {
    let texts = |map: &BTreeMap<String, Value>| {
        map.iter()
            .map(|(name, value)| (name.clone(), value.to_string()))
            .collect()
    };
    Amendment {
        remove: parameters.remove.iter().cloned().collect(),
        overrides: texts(&parameters.overrides),
        defaults: texts(&parameters.defaults),
    }
}
