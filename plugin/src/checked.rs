//! `check` and `render`: the compiler's word on a folder, before anything is applied.

use fairlead_compile::{Verdict, report};
use fairlead_gateway::args as gateway;
use fairlead_gateway::check::compiled;
use serde_json::{Value, json};

use crate::args::{Folder, Format, Part, Place, Render};
use crate::error::Error;
use crate::output::{Report, yaml};

/// Every verdict of a folder.
///
/// # Errors
/// The folder cannot be listed.
pub(crate) fn check(place: &Place, args: &Folder) -> Result<Report, Error> {
    let (compiled, errors) =
        compiled(&folder(place, args)).map_err(|error| Error::Other(format!("{error:#}")))?;
    let mut text = String::new();
    for error in &errors {
        text.push_str(error);
        text.push('\n');
    }
    text.push_str(&report(&compiled.verdicts));
    let good = errors.is_empty() && compiled.verdicts.iter().all(Verdict::is_good);
    let objects: Vec<Value> = compiled.verdicts.iter().map(verdict).collect();
    Ok(Report {
        text,
        data: json!({"objects": objects, "unreadable": errors}),
        good,
    })
}

fn verdict(verdict: &Verdict) -> Value {
    let findings = verdict.faults.iter().chain(&verdict.unresolved).map(|finding| {
        json!({"field": finding.path, "line": finding.line, "reason": finding.reason.as_str(), "message": finding.message})
    });
    json!({
        "kind": verdict.kind, "name": verdict.name.to_string(), "file": verdict.file, "line": verdict.line, "ok": verdict.is_good(),
        "findings": findings.collect::<Vec<_>>(), "notes": verdict.notes.iter().map(ToString::to_string).collect::<Vec<_>>(),
    })
}

/// What gateways would get.
///
/// # Errors
/// The folder cannot be listed.
pub(crate) fn render(place: &Place, args: &Render, format: Format) -> Result<Report, Error> {
    let (compiled, errors) = compiled(&folder(place, &args.folder))
        .map_err(|error| Error::Other(format!("{error:#}")))?;
    let good = errors.is_empty() && compiled.verdicts.iter().all(Verdict::is_good);
    let mut data = serde_json::to_value(&compiled.snapshot)
        .map_err(|error| Error::Other(error.to_string()))?;
    if let Some(part) = args.only {
        data = data[name(part)].take();
    }
    // There is no table of a configuration.
    let text = if format == Format::Table {
        yaml(&data)?
    } else {
        String::new()
    };
    Ok(Report { text, data, good })
}

fn name(part: Part) -> &'static str {
    match part {
        Part::Providers => "providers",
        Part::Rules => "rules",
        Part::Keys => "keys",
        Part::Teams => "teams",
        Part::Organizations => "organizations",
    }
}

/// The folder as the gateway's own commands name it.
pub(crate) fn folder(place: &Place, args: &Folder) -> gateway::Folder {
    gateway::Folder {
        config_dir: args.folder.clone(),
        settings: gateway::Settings {
            secrets_dir: args.secrets_dir.clone(),
            state_dir: None,
            gateway_namespace: place.gateway_namespace.clone(),
            gateway_name: place.gateway_name.clone(),
        },
    }
}
