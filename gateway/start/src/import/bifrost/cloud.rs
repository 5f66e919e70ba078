//! What a key says beside its value, for clouds and for servers of one's own.

use super::keys::{Key, aliases, variable};
use crate::import::cloud;
use crate::import::draft::Draft;
use crate::import::section::{Reasons, Section};
use crate::resources::{Credential, Identity, Place};
use crate::secret::Hidden;
use crate::vendor::Vendor;

/// Adds it to the key. `None`, and told, if the key cannot be used without what is missing.
pub(super) fn read(
    entry: &mut Section,
    vendor: &'static Vendor,
    key: &mut Key,
    draft: &mut Draft<'_>,
) -> Option<()> {
    let (field, address) = match vendor.name {
        "azure" => ("azure_key_config", "endpoint"),
        "bedrock" => ("bedrock_key_config", ""),
        "vertex" => ("vertex_key_config", ""),
        "ollama" => ("ollama_key_config", "url"),
        "sglang" => ("sgl_key_config", "url"),
        "vllm" => ("vllm_key_config", "url"),
        "databricks" => ("databricks_key_config", "workspace_url"),
        _ => return Some(()),
    };
    let mut config = entry.section(field).unwrap_or_default();
    let place = config.at(address);
    let url = (!address.is_empty())
        .then(|| variable(&mut config, address, draft))
        .flatten();
    if let Some(url) = url {
        key.base_url = Some(draft.address(&place, vendor, &url)?);
    }
    key.aliases
        .extend(aliases(&mut config, "deployments", draft));
    let usable = match vendor.name {
        "bedrock" => bedrock(&mut config, entry.path(), key, draft),
        "vertex" => vertex(&mut config, entry.path(), key, draft),
        "azure" => azure(&mut config, key, draft),
        _ => Some(()),
    };
    config.rest(CLOUD, &mut draft.notes);
    usable
}

fn take(credential: Credential, key: &mut Key) {
    key.secret = credential.secret;
    key.identity = credential.identity;
}

fn parts<const N: usize>(
    fields: [(&'static str, &str); N],
    config: &mut Section,
    draft: &mut Draft<'_>,
) -> Vec<(&'static str, Hidden)> {
    let mut found = Vec::new();
    for (part, field) in fields {
        let place = config.at(field);
        if let Some(text) = variable(config, field, draft)
            && let Some(value) = draft.credential(&place, &text)
        {
            found.push((part, value));
        }
    }
    found
}

/// A bearer key goes before a pair of keys.
fn bedrock(config: &mut Section, path: &str, key: &mut Key, draft: &mut Draft<'_>) -> Option<()> {
    let place = config.at("region");
    let Some(region) = variable(config, "region", draft) else {
        draft.note(path, "it names no region");
        return None;
    };
    key.place = Place::Region(cloud::place(&place, &region, draft)?);
    let fields = [
        ("accessKeyId", "access_key"),
        ("secretAccessKey", "secret_key"),
        ("sessionToken", "session_token"),
    ];
    let found = parts(fields, config, draft);
    let place = config.at("role_arn");
    let role = variable(config, "role_arn", draft);
    let role = role.and_then(|role| cloud::role(&place, &role, draft));
    config.pass_over(&["session_name"]);
    if key.secret.is_empty() {
        take(cloud::aws("", found, role), key);
    }
    Some(())
}

fn vertex(config: &mut Section, path: &str, key: &mut Key, draft: &mut Draft<'_>) -> Option<()> {
    let places =
        ["project_id", "region"].map(|name| (config.at(name), variable(config, name, draft)));
    let [(first, Some(project)), (second, Some(location))] = places else {
        draft.note(path, "it names no project_id or no region");
        return None;
    };
    let project = cloud::place(&first, &project, draft)?;
    let location = cloud::place(&second, &location, draft)?;
    key.place = Place::Project(project, location);
    let place = config.at("auth_credentials");
    let account = variable(config, "auth_credentials", draft);
    let account = account.and_then(|account| draft.resolved(&place, &account));
    if let Some(account) = &account
        && account.starts_with('{')
    {
        key.secret = vec![("serviceAccount", Hidden::known(account))];
    } else if key.secret.is_empty() {
        if account.is_some() {
            draft.note(place, "it is no JSON; decode it into the Secret under serviceAccount, or let the gateway's own identity be asked, as it is now");
        }
        key.identity = Some(Identity::default());
    }
    Some(())
}

/// A key, an application of Entra, or the identity of the gateway itself.
fn azure(config: &mut Section, key: &mut Key, draft: &mut Draft<'_>) -> Option<()> {
    let fields = [
        ("tenantId", "tenant_id"),
        ("clientId", "client_id"),
        ("clientSecret", "client_secret"),
    ];
    let place = config.at("client_secret");
    let found = parts(fields, config, draft);
    if !key.secret.is_empty() {
        return Some(());
    }
    match found.len() {
        0 => key.identity = Some(Identity::default()),
        3 => key.secret = found,
        _ => {
            draft.note(place, "tenant_id, client_id and client_secret go together");
            return None;
        }
    }
    Some(())
}

const CLOUD: Reasons = &[
    (
        "api_version",
        "the API without versions is asked; spec.azureOpenAI.apiVersion of the LLMProvider names one",
    ),
    ("external_id", "a role is taken on without one"),
];
