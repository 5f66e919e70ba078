//! Google: tokens for Vertex AI, from a service account's key, the metadata server, or workload identity federation.

mod federated;
mod metadata;
mod service_account;

pub use metadata::{METADATA_HOST, Metadata};
pub use service_account::ServiceAccount;

use std::path::PathBuf;

use serde::Deserialize;

use crate::{Problem, Secret, Token, World, files};
use federated::Federated;

/// The scope of all of Google Cloud; what the account may do is said by its roles.
pub const CLOUD_PLATFORM: &str = "https://www.googleapis.com/auth/cloud-platform";

/// A document that `GOOGLE_APPLICATION_CREDENTIALS` names. It is read for each token, for whoever mounted it may replace it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    pub(crate) path: PathBuf,
    pub(crate) scope: String,
}

const NAMED_BY: &str = "GOOGLE_APPLICATION_CREDENTIALS";

impl File {
    pub(crate) async fn fetch(&self, world: &World) -> Result<Token, Problem> {
        let document = files::read(&self.path, NAMED_BY).await?;
        let wrong = |reason| Problem::Document {
            path: self.path.display().to_string(),
            reason,
        };
        match kind(&document).as_deref() {
            Some("service_account") => {
                let account = ServiceAccount::parse(&document, &self.scope).map_err(wrong)?;
                account.fetch(world).await
            }
            Some("external_account") => {
                let account = Federated::parse(&document, &self.scope).map_err(wrong)?;
                account.fetch(world).await
            }
            other => Err(wrong(unknown_kind(other))),
        }
    }
}

/// What kind of credentials a document holds.
fn kind(document: &Secret) -> Option<String> {
    #[derive(Deserialize)]
    struct Document {
        r#type: String,
    }
    let document: Document = serde_json::from_str(document.expose()).ok()?;
    Some(document.r#type)
}

fn unknown_kind(kind: Option<&str>) -> String {
    match kind {
        Some("authorized_user") => {
            "it holds the login of a person; give a service account's key, or workload identity federation"
                .to_owned()
        }
        Some(other) => format!(
            "credentials of type {:?} are not known; service_account and external_account are",
            crate::words::clean(other, &[])
        ),
        None => "it is not the JSON document of a service account, with a member type".to_owned(),
    }
}
