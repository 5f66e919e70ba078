//! Vendors that want more than a key: a region, an account, a workspace.

use fairlead_crds::text::Label;

use super::Search;
use crate::address::base_url;
use crate::resources::{Credential, Identity, Place, Provider};
use crate::vendor::Vendor;

type Found = Option<(Provider, Vec<&'static str>)>;

impl Search<'_> {
    /// A bearer token goes before a pair of keys, as in the SDKs of AWS (source: their documentation of Amazon Bedrock API keys).
    pub(super) fn bedrock(&mut self, vendor: &'static Vendor) -> Found {
        let token = self.key(&["AWS_BEARER_TOKEN_BEDROCK"]);
        let pair = (
            self.key(&["AWS_ACCESS_KEY_ID"]),
            self.key(&["AWS_SECRET_ACCESS_KEY"]),
        );
        let mut provider = Provider::new(vendor.name, vendor);
        let mut variables = Vec::new();
        let secret = match (token, pair) {
            (Some((name, token)), _) => {
                variables.push(name);
                vec![("apiKey", token)]
            }
            (None, (Some((first, id)), Some((second, secret)))) => {
                variables.extend([first, second]);
                let mut parts = vec![("accessKeyId", id), ("secretAccessKey", secret)];
                if let Some((name, token)) = self.key(&["AWS_SESSION_TOKEN"]) {
                    variables.push(name);
                    parts.push(("sessionToken", token));
                }
                parts
            }
            _ => return None,
        };
        let first = *variables.first()?;
        let Some((name, region)) = self.first(&["AWS_REGION", "AWS_DEFAULT_REGION"]) else {
            self.note(first, "there is no AWS_REGION to go with it");
            return None;
        };
        if region.parse::<Label>().is_err() {
            self.note(name, "it is no region, such as us-east-1");
            return None;
        }
        variables.push(name);
        provider.place = Place::Region(region);
        provider
            .credentials
            .push(Credential::in_parts("main", secret, None));
        Some((provider, variables))
    }

    /// The key file is found by the gateway's own identity, which reads this variable, too (source: Google's documentation of Application Default
    /// Credentials; the location's variables are those of Google's SDK and of Claude Code).
    pub(super) fn vertex(&mut self, vendor: &'static Vendor) -> Found {
        let (key_name, _) = self.first(&["GOOGLE_APPLICATION_CREDENTIALS"])?;
        let (project_name, project) = self.first(&["GOOGLE_CLOUD_PROJECT"])?;
        let locations = &["GOOGLE_CLOUD_LOCATION", "CLOUD_ML_REGION"];
        let (location_name, location) = self.first(locations)?;
        for (name, value) in [(project_name, &project), (location_name, &location)] {
            if value.parse::<Label>().is_err() {
                self.note(name, "it is no project or location");
                return None;
            }
        }
        let mut provider = Provider::new(vendor.name, vendor);
        provider.place = Place::Project(project, location);
        let identity = Some(Identity::default());
        provider
            .credentials
            .push(Credential::in_parts("main", Vec::new(), identity));
        Some((provider, vec![project_name, location_name, key_name]))
    }

    /// The account stands in the address (source: Cloudflare's documentation of Workers AI's OpenAI-compatible API).
    pub(super) fn cloudflare(&mut self, vendor: &'static Vendor) -> Found {
        // Both variables are set for many things that are no models.
        let (account_name, account) = self.first(&["CLOUDFLARE_ACCOUNT_ID"])?;
        let (key_name, key) = self.key(vendor.keys)?;
        if !account.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            self.note(account_name, "it is no account id");
            return None;
        }
        let mut provider = Provider::new(vendor.name, vendor);
        provider.base_url = Some(format!(
            "https://api.cloudflare.com/client/v4/accounts/{account}/ai/v1"
        ));
        provider.credentials.push(Credential::of("main", key));
        Some((provider, vec![key_name, account_name]))
    }

    /// The workspace is an address, with or without its scheme (source: Databricks' documentation of its unified authentication).
    pub(super) fn databricks(&mut self, vendor: &'static Vendor) -> Found {
        let (host_name, host) = self.first(vendor.bases)?;
        let (key_name, key) = self.key(vendor.keys)?;
        let host = host.trim_end_matches('/');
        let host = host.strip_prefix("https://").unwrap_or(host);
        match base_url(&format!("https://{host}/serving-endpoints"), "") {
            Ok(url) => {
                let mut provider = Provider::new(vendor.name, vendor);
                provider.base_url = Some(url);
                provider.credentials.push(Credential::of("main", key));
                Some((provider, vec![key_name, host_name]))
            }
            Err(reason) => {
                self.note(host_name, reason);
                None
            }
        }
    }
}
