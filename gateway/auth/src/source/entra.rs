//! Microsoft Entra: an application's own token (the client credentials flow), for Azure OpenAI and AI Foundry.
//!
//! The application proves itself with a client secret, or with the token that Kubernetes gives the pod (workload identity). Source: "Microsoft
//! identity platform and the OAuth 2.0 client credentials flow", and "Microsoft Entra authentication and authorization error codes".

use std::path::PathBuf;

use crate::call::exchange;
use crate::{Problem, Request, Secret, Token, World, files, oauth, url};

/// The scope of Azure OpenAI and of what else is a Cognitive Service.
pub const COGNITIVE_SERVICES: &str = "https://cognitiveservices.azure.com/.default";
/// Where the public cloud gives tokens.
pub const PUBLIC_AUTHORITY: &str = "https://login.microsoftonline.com";

const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// An application, and what its token is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entra {
    /// Such as [`PUBLIC_AUTHORITY`], without a slash at its end.
    pub(crate) authority: String,
    pub(crate) tenant: String,
    pub(crate) client: String,
    pub(crate) scope: String,
    pub(crate) proof: Proof,
}

/// How the application proves itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proof {
    /// One of its client secrets.
    Secret(Secret),
    /// A token that Kubernetes keeps fresh in a file.
    TokenFile(PathBuf),
}

impl Entra {
    pub(crate) async fn fetch(&self, world: &World) -> Result<Token, Problem> {
        let address = format!("{}/{}/oauth2/v2.0/token", self.authority, self.tenant);
        let mut fields = vec![
            ("client_id", self.client.as_str()),
            ("grant_type", "client_credentials"),
            ("scope", &self.scope),
        ];
        let proof = match &self.proof {
            Proof::Secret(secret) => secret.clone(),
            Proof::TokenFile(path) => files::read(path, "AZURE_FEDERATED_TOKEN_FILE").await?,
        };
        match &self.proof {
            Proof::Secret(_) => fields.push(("client_secret", proof.expose())),
            Proof::TokenFile(_) => fields.extend([
                ("client_assertion_type", JWT_BEARER),
                ("client_assertion", proof.expose()),
            ]),
        }
        let asked = world.clock.now();
        let response = exchange(world, Request::form(&address, &fields)).await?;
        let server = url::server(&address);
        if response.status == 200 {
            return oauth::granted(server, &response, asked);
        }
        let refusal = oauth::refusal(&response.body);
        let code = error_code(&refusal.said);
        if refusal.code == "temporarily_unavailable" || TRANSIENT.contains(&code) {
            return Err(Problem::Busy {
                server: server.to_owned(),
                status: response.status,
                retry_after: response.retry_after,
            });
        }
        let mend = mend(code);
        Err(oauth::refused(server, &response, &refusal, &[&proof], mend))
    }
}

/// Trouble that passes: a directory that is not reached, a tenant that asks too much, a client that seems to.
const TRANSIENT: [&str; 3] = ["90033", "90055", "50196"];

/// The digits of `AADSTS7000215` at the beginning of a description.
fn error_code(said: &str) -> &str {
    let digits = said.strip_prefix("AADSTS").unwrap_or_default();
    let end = digits.find(|letter: char| !letter.is_ascii_digit());
    digits.split_at(end.unwrap_or(digits.len())).0
}

fn mend(code: &str) -> &'static str {
    match code {
        "7000215" => {
            "clientSecret must be the value of a client secret of the application, not the id of one"
        }
        "7000222" => "the client secret has expired: create a new one and put it into the Secret",
        "700016" => {
            "no application of this clientId is in the tenant: correct clientId or tenantId"
        }
        "90002" | "900023" => "there is no such tenant: correct tenantId",
        // 700211 to 700213, and ever more digits behind them.
        _ if code.starts_with("70021") => {
            "give the application a federated credential with the issuer, subject (upper and lower case count) and audience of the pod's service account"
        }
        "700024" | "7000272" | "700027" | "50027" => {
            "the federated token is not good (any more): the clock must be right and the issuer's keys public"
        }
        "70011" | "500011" | "1002012" => {
            "the scope is not one of a resource in the tenant; it must end in /.default"
        }
        "7000112" => "the application is disabled: enable it",
        "53003" => {
            "conditional access forbids it: exempt the workload identity, or mend the policy"
        }
        _ => "check tenantId, clientId and what the application proves itself with",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_of_an_error_is_found() {
        for (said, code) in [
            ("AADSTS7000215: Invalid client secret provided.", "7000215"),
            ("AADSTS90002", "90002"),
            ("Something else", ""),
            ("", ""),
        ] {
            assert_eq!(error_code(said), code);
        }
    }
}
