//! What both of the other gateways say in their own ways: roles, headers, parts of keys.

use fairlead_crds::text::{HeaderName, Label};
use serde_json::Value;

use super::draft::Draft;
use super::section::Section;
use crate::resources::{Credential, Identity};
use crate::secret::Hidden;

/// The most headers that a provider sets (source: the schema of LLMProvider).
const MOST_HEADERS: usize = 16;
/// Headers without `x-` that say something to a provider and are no secrets.
const KNOWN_HEADERS: [&str; 5] = [
    "openai-organization",
    "openai-project",
    "anthropic-beta",
    "http-referer",
    "helicone-property-app",
];

/// The role of AWS that is meant, if it is one.
pub(super) fn role(path: &str, text: &str, draft: &mut Draft<'_>) -> Option<String> {
    let role = draft.resolved(path, text)?;
    if is_role(&role) {
        return Some(role);
    }
    draft.note(
        path,
        "it is no ARN of a role, such as arn:aws:iam::123456789012:role/bedrock",
    );
    None
}

fn is_role(text: &str) -> bool {
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let [arn, partition, service, region, account, resource] = parts.as_slice() else {
        return false;
    };
    let lower = |text: &str| {
        text.bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte == b'-')
    };
    let rest = resource.strip_prefix("role/");
    (*arn, *service, *region) == ("arn", "iam", "")
        && partition.strip_prefix("aws").is_some_and(lower)
        && account.len() == 12
        && account.bytes().all(|byte| byte.is_ascii_digit())
        && rest.is_some_and(|rest| Hidden::is_token(rest, 1, 1024))
}

/// A region, a project, a location.
pub(super) fn place(path: &str, text: &str, draft: &mut Draft<'_>) -> Option<String> {
    let text = draft.resolved(path, text)?;
    let good = text.parse::<Label>().is_ok();
    if !good {
        draft.note(
            path,
            "it is no region, project or location: lower-case letters, digits and '-'",
        );
    }
    good.then_some(text)
}

/// Keys of AWS: in parts, and in a role; without any the identity of the gateway itself.
pub(super) fn aws(
    name: impl Into<String>,
    mut parts: Vec<(&'static str, Hidden)>,
    role: Option<String>,
) -> Credential {
    if parts.is_empty() {
        return Credential::in_parts(name, parts, Some(Identity { role }));
    }
    parts.extend(role.map(|role| ("roleARN", Hidden::known(role))));
    Credential::in_parts(name, parts, None)
}

/// Headers that every request has. What may be a secret is none of these.
pub(super) fn headers(mut section: Section, draft: &mut Draft<'_>) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for name in section.names() {
        let place = section.at(&name);
        let lower = name.to_ascii_lowercase();
        let value = match section.take(&name) {
            Some(Value::String(value)) => Some(value),
            _ => None,
        };
        let value = value.filter(|value| is_value(value));
        match value.filter(|_| may_be_set(&lower) && found.len() < MOST_HEADERS) {
            Some(value) => found.push((lower, value)),
            None => draft.note(place, "it is no header that a provider sets: spec.headers of the LLMProvider; what is a secret is a credential"),
        }
    }
    found
}

fn is_value(text: &str) -> bool {
    let printable = text
        .bytes()
        .all(|byte| byte == b' ' || byte.is_ascii_graphic());
    printable
        && (1..=1024).contains(&text.len())
        && text.trim() == text
        && !text.contains("os.environ/")
}

fn may_be_set(name: &str) -> bool {
    const SECRET: [&str; 6] = ["key", "token", "secret", "auth", "x-amz-", "x-forwarded-"];
    let said = name.starts_with("x-") || KNOWN_HEADERS.contains(&name);
    said && name.parse::<HeaderName>().is_ok() && !SECRET.iter().any(|word| name.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_are_known_by_their_looks() {
        assert!(is_role("arn:aws:iam::123456789012:role/bedrock"));
        assert!(is_role(
            "arn:aws-us-gov:iam::123456789012:role/path/bedrock"
        ));
        for other in [
            "",
            "bedrock",
            "arn:aws:iam::12:role/x",
            "arn:aws:iam::123456789012:user/x",
            "arn:aws:iam::123456789012:role/",
        ] {
            assert!(!is_role(other), "{other}");
        }
    }

    #[test]
    fn headers_that_may_be_secrets_are_not_set() {
        assert!(may_be_set("x-team") && may_be_set("openai-organization"));
        for other in [
            "authorization",
            "x-api-key",
            "x-goog-api-key",
            "x-auth",
            "cookie",
            "x y",
        ] {
            assert!(!may_be_set(other), "{other}");
        }
    }
}
