//! Providers from the variables that people have set anyway, for the SDKs of the vendors.
//!
//! A variable that is empty counts as not set. One that cannot be used is told and passed over, never guessed at: an address that cannot be
//! read does not send the key to the vendor's public one.

mod clouds;

use std::net::SocketAddr;

use crate::address::{azure, base_url, is_own, ollama};
use crate::family;
use crate::greeting::Key;
use crate::resources::{Caller, Credential, Provider, Resources};
use crate::secret::Hidden;
use crate::vendor::{VENDORS, Vendor, vendor};

/// The variable with the key that callers shall present, if it shall not be made.
pub const KEY_VARIABLE: &str = "FAIRLEAD_API_KEY";
/// What is made of the one key.
pub(crate) const CALLER: &str = "me";

/// What the environment says.
#[derive(Debug, Clone)]
pub struct Found {
    /// What to serve.
    pub resources: Resources,
    /// Where each provider comes from.
    pub sources: Vec<Source>,
    /// Variables that are set and could not be used, and why.
    pub notes: Vec<String>,
    /// The key for callers.
    pub key: Key,
}

/// Where a provider comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The provider.
    pub provider: String,
    /// The variables that said so.
    pub variables: Vec<&'static str>,
}

/// Nothing can be served.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NothingSet {
    /// No variable names a provider.
    #[error(
        "{}no provider: set one or more of {}\nOr serve a folder of resources (--config-dir DIR), a cluster's (--kubernetes), or answers that need nobody: --simulated.",
        lines(.notes),
        set_one_of()
    )]
    NoProvider {
        /// Variables that are set and could not be used, and why.
        notes: Vec<String>,
    },
    /// The key for callers cannot be one.
    #[error(
        "{} must have 32 to 512 characters of printable ASCII without spaces; make one with `openssl rand -hex 24`, or leave it out",
        KEY_VARIABLE
    )]
    BadKey,
}

/// How a variable's value is looked up.
pub(crate) type Get<'g> = &'g dyn Fn(&str) -> Option<String>;

/// The resources that the environment asks for. `own` is where the gateway itself will listen; `fresh` is a new key, or nothing if the gateway
/// shall make one and keep it.
///
/// # Errors
/// There is no provider, or the key in [`KEY_VARIABLE`] is none.
pub fn variables(
    get: Get<'_>,
    own: SocketAddr,
    fresh: Option<String>,
) -> Result<Found, NothingSet> {
    let set = |name: &str| {
        let value = get(name)?;
        let value = value.trim();
        (!value.is_empty()).then(|| value.to_owned())
    };
    let mut search = Search {
        get: &set,
        own,
        found: Vec::new(),
        notes: Vec::new(),
    };
    for vendor in VENDORS {
        search.look_for(vendor);
    }
    let Search { found, notes, .. } = search;
    if found.is_empty() {
        return Err(NothingSet::NoProvider { notes });
    }
    finish(found, notes, &set, fresh)
}

/// A provider that answers by itself, so that nothing has to be set.
///
/// # Errors
/// The key in [`KEY_VARIABLE`] is none.
pub fn simulated(get: Get<'_>, fresh: Option<String>) -> Result<Found, NothingSet> {
    let provider = vendor("sim").map(|vendor| Provider::new(vendor.name, vendor));
    let found = provider.into_iter().map(|provider| (provider, Vec::new()));
    finish(found.collect(), Vec::new(), get, fresh)
}

fn finish(
    found: Vec<(Provider, Vec<&'static str>)>,
    notes: Vec<String>,
    get: Get<'_>,
    fresh: Option<String>,
) -> Result<Found, NothingSet> {
    let (value, key) = match (get(KEY_VARIABLE), fresh) {
        (Some(value), _) if !Hidden::is_token(&value, 32, 512) => return Err(NothingSet::BadKey),
        (Some(value), _) => (
            Some(Hidden::variable(KEY_VARIABLE, Some(value))),
            Key::InVariable,
        ),
        (None, Some(fresh)) => (
            Some(Hidden::known(fresh.clone())),
            Key::Fresh(Hidden::known(fresh)),
        ),
        (None, None) => (None, Key::Kept),
    };
    let named: Vec<(String, &'static Vendor)> = found
        .iter()
        .map(|(provider, _)| (provider.name.clone(), provider.vendor))
        .collect();
    let (providers, variables): (Vec<_>, Vec<_>) = found.into_iter().unzip();
    let source = |(provider, variables): (&Provider, Vec<&'static str>)| Source {
        provider: provider.name.clone(),
        variables,
    };
    let sources = providers.iter().zip(variables).map(source).collect();
    let resources = Resources {
        rules: family::rules(&named),
        providers,
        callers: vec![Caller {
            name: CALLER.to_owned(),
            value,
            ..Caller::default()
        }],
        teams: Vec::new(),
    };
    Ok(Found {
        resources,
        sources,
        notes,
        key,
    })
}

/// Variables that are read for vendors that want more than a key and an address.
const OF_CLOUDS: [&str; 11] = [
    "AWS_BEARER_TOKEN_BEDROCK",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "CLOUDFLARE_ACCOUNT_ID",
    "GOOGLE_APPLICATION_CREDENTIALS",
    "GOOGLE_CLOUD_PROJECT",
    "GOOGLE_CLOUD_LOCATION",
    "CLOUD_ML_REGION",
];

/// Every variable that is read.
pub fn read() -> impl Iterator<Item = &'static str> {
    let usual = VENDORS
        .iter()
        .flat_map(|vendor| vendor.keys.iter().chain(vendor.bases));
    usual.copied().chain(OF_CLOUDS).chain([KEY_VARIABLE])
}

/// The variables, as a person would list them.
fn set_one_of() -> String {
    let first = |vendor: &'static Vendor| vendor.keys.first().or(vendor.bases.first()).copied();
    let mut names: Vec<&str> = VENDORS.iter().filter_map(first).collect();
    names.push("AWS_BEARER_TOKEN_BEDROCK with AWS_REGION");
    names.join(", ")
}

fn lines(notes: &[String]) -> String {
    notes.iter().map(|note| format!("{note}\n")).collect()
}

/// Goes through the vendors.
struct Search<'g> {
    get: Get<'g>,
    own: SocketAddr,
    found: Vec<(Provider, Vec<&'static str>)>,
    notes: Vec<String>,
}

impl Search<'_> {
    fn look_for(&mut self, vendor: &'static Vendor) {
        let found = match vendor.name {
            "bedrock" => self.bedrock(vendor),
            "cloudflare" => self.cloudflare(vendor),
            "databricks" => self.databricks(vendor),
            "vertex" => self.vertex(vendor),
            _ => self.usual(vendor),
        };
        let Some((provider, variables)) = found else {
            return;
        };
        self.found.push((provider, variables));
    }

    /// A key, an address, or both.
    fn usual(&mut self, vendor: &'static Vendor) -> Option<(Provider, Vec<&'static str>)> {
        let key = self.key(vendor.keys);
        let base = self.first(vendor.bases);
        let mut provider = Provider::new(vendor.name, vendor);
        let mut variables = Vec::new();
        if let Some((name, value)) = key {
            provider.credentials.push(Credential::of("main", value));
            variables.push(name);
        }
        if let Some((name, text)) = base
            && let Some(url) = self.address(vendor, name, &text)?
        {
            provider.base_url = Some(url);
            variables.push(name);
        }
        let asks_for_key = !vendor.keys.is_empty() && vendor.name != "openai";
        if provider.credentials.is_empty() && asks_for_key && provider.base_url.is_some() {
            let name = variables.first()?;
            self.note(name, &format!("there is no {}", vendor.keys.first()?));
            return None;
        }
        if vendor.base_url(provider.base_url.as_deref()).is_none() {
            let (name, missing) = (variables.first()?, vendor.bases.first()?);
            self.note(name, &format!("there is no {missing} to go with it"));
            return None;
        }
        (!variables.is_empty()).then_some((provider, variables))
    }

    /// The base URL that a variable gives; inside, nothing if it is the gateway's own.
    fn address(&mut self, vendor: &Vendor, name: &str, text: &str) -> Option<Option<String>> {
        let read = match vendor.name {
            "azure" => azure(text),
            "ollama" => ollama(text),
            _ => base_url(text, vendor.version),
        };
        match read {
            Ok(url) if is_own(&url, self.own) => {
                self.note(
                    name,
                    "it is the address of this gateway, which would ask itself",
                );
                Some(None)
            }
            Ok(url) => Some(Some(url)),
            Err(reason) => {
                self.note(name, reason);
                None
            }
        }
    }

    fn first(&self, names: &'static [&'static str]) -> Option<(&'static str, String)> {
        let mut set = names
            .iter()
            .filter_map(|&name| Some((name, (self.get)(name)?)));
        set.next()
    }

    /// The first of these that is set, if it can stand in a header.
    fn key(&mut self, names: &'static [&'static str]) -> Option<(&'static str, Hidden)> {
        let (name, value) = self.first(names)?;
        if !Hidden::is_token(&value, 1, 8 * 1024) {
            self.note(name, "it holds spaces or letters that no key has");
            return None;
        }
        Some((name, Hidden::variable(name, Some(value))))
    }

    fn note(&mut self, variable: &str, reason: &str) {
        self.notes
            .push(format!("{variable} is set and not used: {reason}"));
    }
}

#[cfg(test)]
mod tests;
