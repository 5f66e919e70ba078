//! The metadata server, which each of Google's machines has, and which GKE's workload identity answers in the place of.
//!
//! It keeps a token until shortly before its end, and gives the same one until then. Source: "About VM metadata", Compute Engine.

use crate::call::exchange;
use crate::{Problem, Reach, Request, Secret, Token, World, oauth, url};

/// Where it is found.
pub const METADATA_HOST: &str = "metadata.google.internal";

/// The metadata server's default service account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metadata {
    /// With a port, if it is not 80.
    pub(crate) host: String,
}

impl Metadata {
    pub(crate) async fn fetch(&self, world: &World) -> Result<Token, Problem> {
        let address = format!(
            "http://{}/computeMetadata/v1/instance/service-accounts/default/token",
            self.host
        );
        let request = Request::get(&address, Reach::Node);
        let request = request.with("metadata-flavor", Secret::new("Google"));
        let asked = world.clock.now();
        let response = exchange(world, request).await?;
        let server = url::server(&address);
        if response.status == 200 {
            return oauth::granted(server, &response, asked);
        }
        let mend = match response.status {
            404 => "give the node a service account, or the pod one through workload identity",
            403 => {
                "let the Kubernetes service account act as the Google one (roles/iam.workloadIdentityUser)"
            }
            _ => "check the annotation of the pod's service account",
        };
        let refusal = oauth::refusal(&response.body);
        Err(oauth::refused(server, &response, &refusal, &[], mend))
    }
}
