//! What is changed in every request that goes to a provider or a target.

use std::collections::BTreeMap;

use fairlead_crds::v1alpha1 as spec;
use fairlead_snapshot::{Headers, Parameters};
use serde_json::Value;

use crate::finding::{Finding, Reason};
use crate::path::Path;

/// Members that say what is asked, of whom and how: they are not parameters.
const OWN_MEMBERS: [&str; 8] = [
    "model",
    "stream",
    "messages",
    "contents",
    "input",
    "prompt",
    "system",
    "instructions",
];
/// The most members that a map of parameters may have.
const MEMBERS: usize = 32;
/// The most that the values of an object's parameters may be, in bytes.
const VALUES_BYTES: usize = 16 * 1024;
/// Headers that belong to the connection, to the body or to whoever asks.
const OWN_HEADERS: [&str; 22] = [
    "accept",
    "accept-encoding",
    "api-key",
    "authorization",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "cookie",
    "expect",
    "host",
    "keep-alive",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "x-amz-date",
    "x-amz-security-token",
    "x-api-key",
    "x-goog-api-key",
    "x-forwarded-for",
];

pub(crate) fn parameters(given: Option<&spec::Parameters>) -> Parameters {
    let given = given.cloned().unwrap_or_default();
    let remove = given.remove.unwrap_or_default();
    Parameters {
        defaults: given.defaults.unwrap_or_default(),
        overrides: given.overrides.unwrap_or_default(),
        remove: remove.iter().map(ToString::to_string).collect(),
    }
}

pub(crate) fn headers(given: Option<&spec::Headers>) -> Headers {
    let given = given.cloned().unwrap_or_default();
    let set = given.set.unwrap_or_default().into_iter();
    let remove = given.remove.unwrap_or_default();
    Headers {
        set: set
            .map(|header| (header.name.to_string(), header.value.to_string()))
            .collect(),
        remove: remove.iter().map(ToString::to_string).collect(),
    }
}

/// What is wrong with both, below a path.
pub(crate) fn faults(
    parameters: Option<&spec::Parameters>,
    headers: Option<&spec::Headers>,
    path: &Path,
) -> Vec<Finding> {
    let mut faults = Vec::new();
    if let Some(parameters) = parameters {
        parameter_faults(parameters, &path.field("parameters"), &mut faults);
    }
    if let Some(headers) = headers {
        header_faults(headers, &path.field("headers"), &mut faults);
    }
    faults
}

fn parameter_faults(given: &spec::Parameters, path: &Path, faults: &mut Vec<Finding>) {
    let mut fault =
        |path: &Path, message: String| faults.push(Finding::new(path, Reason::Invalid, message));
    let maps = [
        ("defaults", given.defaults.as_ref()),
        ("overrides", given.overrides.as_ref()),
    ];
    if maps.iter().all(|(_, map)| map.is_none()) && given.remove.is_none() {
        fault(
            path,
            "parameters says nothing; give defaults, overrides or remove".to_owned(),
        );
    }
    for (field, map) in maps {
        let path = path.field(field);
        let Some(map) = map else { continue };
        for name in map.keys() {
            if let Some(why) = refused(name) {
                fault(&path, format!("{name:?} {why}"));
            }
        }
        if map.len() > MEMBERS {
            fault(&path, format!("must have at most {MEMBERS} items"));
        }
        if size(map) > VALUES_BYTES {
            fault(&path, format!("is over {VALUES_BYTES} bytes; shorten it"));
        }
    }
    for name in given.remove.iter().flatten() {
        if let Some(why) = refused(name.as_str()) {
            fault(&path.field("remove"), format!("{:?} {why}", name.as_str()));
        }
    }
}

/// Why a member is no parameter, if it is none.
fn refused(name: &str) -> Option<&'static str> {
    if OWN_MEMBERS.contains(&name) {
        return Some(
            "is no parameter: it says what is asked, and of whom; a model is renamed by upstreamName or by a rule's target",
        );
    }
    name.parse::<fairlead_crds::text::Member>()
        .is_err()
        .then_some("is not a member of a request body (letters, digits and '_', at most 64)")
}

fn size(map: &BTreeMap<String, Value>) -> usize {
    serde_json::to_string(map).map_or(usize::MAX, |text| text.len())
}

fn header_faults(given: &spec::Headers, path: &Path, faults: &mut Vec<Finding>) {
    if given.set.is_none() && given.remove.is_none() {
        let message = "headers says nothing; give set or remove";
        faults.push(Finding::new(path, Reason::Invalid, message));
    }
    let set = given.set.iter().flatten();
    let named = set
        .map(|header| ("set", &header.name))
        .chain(given.remove.iter().flatten().map(|name| ("remove", name)));
    for (field, name) in named {
        if OWN_HEADERS.contains(&name.as_str()) {
            let message = format!(
                "{:?} belongs to the connection, the body or the credential, which the gateway sets itself",
                name.as_str()
            );
            faults.push(Finding::new(&path.field(field), Reason::Invalid, message));
        }
    }
}
