//! What whoever starts the gateway without a configuration is told: who was found, the key, and lines to copy.

use std::fmt::Write as _;
use std::net::SocketAddr;

use crate::environment::{Found, KEY_VARIABLE};
use crate::family;
use crate::resources::Rule;
use crate::secret::Hidden;

/// The key for callers, as far as it can be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Key {
    /// Made now.
    Fresh(Hidden),
    /// In [`KEY_VARIABLE`].
    InVariable,
    /// Made by the gateway and kept in its state folder, which shows it when it is made.
    Kept,
}

/// Where to go on from.
const ANY_ADDRESS: &str = "127.0.0.1";

/// The text for standard error. `listen` is where callers connect; `kept` is the folder that the resources have been written to, if they have.
#[must_use]
pub fn greeting(found: &Found, listen: SocketAddr, tls: bool, kept: Option<&str>) -> String {
    let mut out = String::from("\nProviders, by the variables that are set:\n");
    let width = found
        .sources
        .iter()
        .map(|source| source.provider.len())
        .max();
    for source in &found.sources {
        let models = taken(found, &source.provider);
        let variables = match source.variables.as_slice() {
            [] => "answers by itself".to_owned(),
            variables => variables.join(", "),
        };
        line(
            &mut out,
            format_args!(
                "  {:width$}  {variables}: {models}",
                source.provider,
                width = width.unwrap_or_default()
            ),
        );
    }
    for note in &found.notes {
        line(&mut out, format_args!("  {note}"));
    }
    let url = url(listen, tls);
    let key = key(&mut out, &found.key, kept.is_some());
    example(&mut out, found, &url, &key);
    match kept {
        Some(folder) => line(
            &mut out,
            format_args!(
                "\nWritten to {folder}; edits take effect while it runs. The next time: fairlead-gateway serve --config-dir {folder}\n"
            ),
        ),
        None => line(
            &mut out,
            format_args!(
                "\nTo go on from here: --write-config DIR writes all this as YAML, and serves it.\n"
            ),
        ),
    }
    out
}

/// The names that go to a provider.
fn taken(found: &Found, provider: &str) -> String {
    let goes_there = |rule: &&Rule| {
        rule.targets
            .iter()
            .any(|target| target.provider == provider)
    };
    let mut names: Vec<String> = found
        .resources
        .rules
        .iter()
        .filter(goes_there)
        .map(family::told)
        .collect();
    if names.iter().any(|name| name == "every other model") && found.sources.len() == 1 {
        names = vec!["every model".to_owned()];
    } else {
        names.push(format!("{provider}/MODEL"));
    }
    names.dedup();
    names.join(", ")
}

/// Says what the key is; gives what stands for it in the lines to copy.
fn key(out: &mut String, key: &Key, kept: bool) -> String {
    match key {
        Key::Fresh(value) => {
            let how_long = if kept {
                "it is in secrets.yaml"
            } else {
                "it is valid until the gateway stops; set FAIRLEAD_API_KEY for one that stays"
            };
            let value = value.expose().unwrap_or_default();
            line(
                out,
                format_args!("\nThe key for callers, shown this once ({how_long}):\n\n  {value}"),
            );
            value.to_owned()
        }
        Key::InVariable => {
            line(
                out,
                format_args!("\nThe key for callers is in {KEY_VARIABLE}."),
            );
            format!("${KEY_VARIABLE}")
        }
        Key::Kept => {
            line(
                out,
                format_args!(
                    "\nThe key for callers is kept in --state-dir, and was shown when it was made; here ${KEY_VARIABLE} stands for it."
                ),
            );
            format!("${KEY_VARIABLE}")
        }
    }
}

/// Lines to copy: a request, and what Claude Code needs.
fn example(out: &mut String, found: &Found, url: &str, key: &str) {
    let asked = found.resources.providers.iter().find_map(|provider| {
        let example = provider
            .vendor
            .example
            .filter(|_| provider.base_url.is_none());
        Some(format!("{}/{}", provider.name, example?))
    });
    let model = asked.unwrap_or_else(|| {
        let first = found.resources.providers.first();
        let name = first.map_or("PROVIDER", |provider| provider.name.as_str());
        format!("{name}/MODEL")
    });
    // In double quotes, so that the shell puts in what stands for a key.
    line(
        out,
        format_args!(
            "\nTry it:\n\n  curl {url}/v1/chat/completions \\\n    -H \"Authorization: Bearer {key}\" \\\n    -d '{{\"model\": \"{model}\", \"messages\": [{{\"role\": \"user\", \"content\": \"Hello\"}}]}}'"
        ),
    );
    line(
        out,
        format_args!(
            "\nClaude Code:\n\n  export ANTHROPIC_BASE_URL={url}\n  export ANTHROPIC_AUTH_TOKEN={key}"
        ),
    );
    let claude = |rule: &Rule| rule.models.iter().any(|model| model == "claude-*");
    let anthropic = found
        .resources
        .providers
        .iter()
        .any(|provider| provider.vendor.name == "anthropic");
    if !anthropic && !found.resources.rules.iter().any(claude) {
        line(out, format_args!("  export ANTHROPIC_MODEL={model}"));
    }
}

/// An address that a caller on this machine can use.
fn url(listen: SocketAddr, tls: bool) -> String {
    let scheme = if tls { "https" } else { "http" };
    if listen.ip().is_unspecified() {
        format!("{scheme}://{ANY_ADDRESS}:{}", listen.port())
    } else {
        format!("{scheme}://{listen}")
    }
}

fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    // A string takes everything.
    let _ = writeln!(out, "{text}");
}
