//! The provider of a deployment: where it is, with which key, how long its answers may take.

use fairlead_crds::text::Label;

use super::{Defaults, MARK};
use crate::import::cloud;
use crate::import::draft::Draft;
use crate::import::hosts;
use crate::import::section::Section;
use crate::resources::{Credential, Identity, Place, Provider, Timeouts};
use crate::secret::Hidden;
use crate::vendor::Vendor;

/// What stands in each version of Azure's API by deployments: a date, perhaps `-preview`.
const DATE: usize = 10;

/// The name of the provider that a deployment is at, which may be one that another has made.
pub(super) fn provider(
    name: &str,
    vendor: &'static Vendor,
    base: Option<String>,
    params: &mut Section,
    defaults: &Defaults,
    draft: &mut Draft<'_>,
) -> Option<String> {
    let mut wanted = Provider::new(name, vendor);
    let place = params.at("api_base");
    let base = match (base, vendor.name) {
        (Some(base), _) => Some(base),
        (None, "azure") => Some(format!("{MARK}AZURE_API_BASE")),
        (None, _) => None,
    };
    if let Some(base) = base {
        wanted.base_url = Some(draft.address(&place, vendor, &base)?);
    }
    let credential = match vendor.name {
        "bedrock" => {
            let region = location(params, "aws_region_name", &["AWS_REGION"], draft)?;
            wanted.place = Place::Region(region);
            Some(aws(params, draft))
        }
        "vertex" => {
            let project = ["VERTEXAI_PROJECT", "GOOGLE_CLOUD_PROJECT"];
            let project = location(params, "vertex_project", &project, draft)?;
            let at = ["VERTEXAI_LOCATION", "GOOGLE_CLOUD_LOCATION"];
            let at = location(params, "vertex_location", &at, draft)?;
            wanted.place = Place::Project(project, at);
            Some(google(params, draft))
        }
        "azure" => {
            wanted.place = version(params, draft);
            azure(params, draft).or_else(|| key(vendor, false, params, draft))
        }
        _ => key(vendor, wanted.base_url.is_some(), params, draft),
    };
    wanted.credentials.extend(credential);
    wanted.headers = headers(vendor, params, draft);
    let whole = params.seconds("timeout").or(defaults.timeout);
    let streamed = params.seconds("stream_timeout");
    wanted.timeouts = Timeouts {
        first_byte: whole,
        first_token: streamed.or(defaults.stream_timeout).or(whole),
        idle: None,
    };
    for name in ["num_retries", "max_retries"] {
        let place = params.at(name);
        if let Some(retries) = params.whole(name) {
            wanted.max_retries = Some(draft.retries(place, retries));
        }
    }
    let most = params.whole("max_parallel_requests");
    wanted.max_in_flight = most.filter(|most| (1..=100_000).contains(most));
    draft.provider(params.path(), wanted)
}

/// A place that the deployment names, or one of these variables.
fn location(
    params: &mut Section,
    field: &str,
    variables: &[&str],
    draft: &mut Draft<'_>,
) -> Option<String> {
    let place = params.at(field);
    let set = variables.iter().find(|name| (draft.get)(name).is_some());
    let implied = set.or(variables.first())?;
    let text = params.text(field);
    let text = text.unwrap_or_else(|| format!("{MARK}{implied}"));
    cloud::place(&place, &text, draft)
}

/// The API by deployments, if a version of it is named.
fn version(params: &mut Section, draft: &mut Draft<'_>) -> Place {
    let place = params.at("api_version");
    let Some(text) = params.text("api_version") else {
        return Place::Anywhere;
    };
    let Some(text) = draft.resolved(&place, &text) else {
        return Place::Anywhere;
    };
    let date = text.strip_suffix("-preview").unwrap_or(&text);
    let parts: Vec<&str> = date.split('-').collect();
    let digits = |part: &&str| part.bytes().all(|byte| byte.is_ascii_digit());
    let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
    if date.len() == DATE && lengths == [4, 2, 2] && parts.iter().all(digits) {
        return Place::Version(text);
    }
    draft.note(
        place,
        "it is no version such as 2024-10-21; the API without versions is asked",
    );
    Place::Anywhere
}

/// The key that a deployment names, or the variable of its vendor. A key that was not meant for an address is not sent there.
fn key(
    vendor: &Vendor,
    has_base: bool,
    params: &mut Section,
    draft: &mut Draft<'_>,
) -> Option<Credential> {
    let place = params.at("api_key");
    let implied = || {
        let keys = hosts::litellm_keys(vendor);
        let set = keys.iter().find(|key| (draft.get)(key).is_some());
        let name = set.or(keys.first())?;
        Some(format!("{MARK}{name}"))
    };
    let text = match params.text("api_key") {
        Some(text) => Some(text),
        None if has_base => None,
        None => implied(),
    };
    let value = draft.credential(&place, &text?)?;
    Some(Credential::of("main", value))
}

/// The fields that there are, as parts of a key.
fn parts<const N: usize>(
    fields: [(&'static str, &str); N],
    params: &mut Section,
    draft: &mut Draft<'_>,
) -> Vec<(&'static str, Hidden)> {
    let mut found = Vec::new();
    for (part, field) in fields {
        let place = params.at(field);
        if let Some(text) = params.text(field)
            && let Some(value) = draft.credential(&place, &text)
        {
            found.push((part, value));
        }
    }
    found
}

/// The keys that a deployment names, the variables of AWS, or whatever identity the gateway has.
fn aws(params: &mut Section, draft: &mut Draft<'_>) -> Credential {
    if let Some(key) = params.text("api_key") {
        let place = params.at("api_key");
        if let Some(value) = draft.credential(&place, &key) {
            return Credential::of("main", value);
        }
    }
    let fields = [
        ("accessKeyId", "aws_access_key_id"),
        ("secretAccessKey", "aws_secret_access_key"),
        ("sessionToken", "aws_session_token"),
    ];
    let mut found = parts(fields, params, draft);
    if found.is_empty() {
        let variables = [
            "AWS_ACCESS_KEY_ID",
            "AWS_SECRET_ACCESS_KEY",
            "AWS_SESSION_TOKEN",
        ];
        for ((part, field), variable) in fields.into_iter().zip(variables) {
            if (draft.get)(variable).is_some() {
                let text = format!("{MARK}{variable}");
                let value = draft.credential(&params.at(field), &text);
                found.extend(value.map(|value| (part, value)));
            }
        }
    }
    let place = params.at("aws_role_name");
    let role = params.text("aws_role_name");
    let role = role.and_then(|role| cloud::role(&place, &role, draft));
    params.pass_over(&["aws_session_name"]);
    cloud::aws("main", found, role)
}

/// A service account, if its key is at hand; otherwise whatever identity the gateway has.
fn google(params: &mut Section, draft: &mut Draft<'_>) -> Credential {
    let place = params.at("vertex_credentials");
    if let Some(text) = params.text("vertex_credentials")
        && let Some(account) = draft.resolved(&place, &text)
    {
        if account.starts_with('{') {
            let account = text
                .strip_prefix(MARK)
                .map(|name| Hidden::variable(name, Some(account.clone())))
                .unwrap_or_else(|| Hidden::known(account));
            return Credential::in_parts("main", vec![("serviceAccount", account)], None);
        }
        draft.note(place, "files are not read; put the key file into a Secret under serviceAccount, or let the gateway's own identity be asked, as it is now");
    }
    Credential::in_parts("main", Vec::new(), Some(Identity::default()))
}

/// An application of Entra.
fn azure(params: &mut Section, draft: &mut Draft<'_>) -> Option<Credential> {
    let fields = [
        ("tenantId", "tenant_id"),
        ("clientId", "client_id"),
        ("clientSecret", "client_secret"),
    ];
    let place = params.at("client_secret");
    let found = parts(fields, params, draft);
    match found.len() {
        0 => None,
        3 => Some(Credential::in_parts("main", found, None)),
        _ => {
            draft.note(place, "tenant_id, client_id and client_secret go together");
            None
        }
    }
}

fn headers(vendor: &Vendor, params: &mut Section, draft: &mut Draft<'_>) -> Vec<(String, String)> {
    let section = params.section("extra_headers");
    let mut found = section.map_or_else(Vec::new, |section| cloud::headers(section, draft));
    if vendor.name == "openai"
        && let Some(organization) = params.text("organization")
    {
        let place = params.at("organization");
        let organization = draft.resolved(&place, &organization);
        match organization.filter(|text| {
            text.replace('_', "-")
                .to_lowercase()
                .parse::<Label>()
                .is_ok()
        }) {
            Some(text) => found.push(("openai-organization".to_owned(), text)),
            None => draft.note(place, "it is no organization"),
        }
    }
    found.dedup_by(|one, other| one.0 == other.0);
    found
}
