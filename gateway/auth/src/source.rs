//! Where tokens come from: one file per cloud and way.
//!
//! A source is parsed configuration ([`configure`](crate::configure) makes them), so that two that are equal fetch the same, and a keeper can
//! be carried over from one configuration to the next. It holds no state: each call fetches.

pub mod aws;
pub mod entra;
pub mod google;

use std::future::Future;
use std::pin::Pin;

use crate::{AwsCredentials, Problem, Token, Value, World};

/// Where tokens come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// Keys that somebody wrote down; they do not expire, as far as is known.
    AwsKeys(AwsCredentials),
    /// A role of AWS, for the token that Kubernetes gives the pod (IRSA).
    AwsWebIdentity(aws::WebIdentity),
    /// A role of AWS, for somebody who may assume it.
    AwsAssumeRole(aws::AssumeRole),
    /// An agent beside the pod: EKS Pod Identity, ECS.
    AwsContainer(aws::Container),
    /// An application of Microsoft Entra.
    Entra(entra::Entra),
    /// A service account of Google, by its key.
    GoogleServiceAccount(google::ServiceAccount),
    /// A document that the environment names, read each time: a service account's, or one of workload identity federation.
    GoogleFile(google::File),
    /// The metadata server of Google's machines, which is also GKE's workload identity.
    GoogleMetadata(google::Metadata),
}

impl Source {
    /// Fetches a token.
    ///
    /// # Errors
    /// It could not be had. The problem says what to mend.
    pub async fn fetch(&self, world: &World) -> Result<Token, Problem> {
        match self {
            Self::AwsKeys(keys) => Ok(Token {
                value: Value::Aws(keys.clone()),
                expires: None,
            }),
            Self::AwsWebIdentity(source) => source.fetch(world).await,
            Self::AwsAssumeRole(source) => source.fetch(world).await,
            Self::AwsContainer(source) => source.fetch(world).await,
            Self::Entra(source) => source.fetch(world).await,
            Self::GoogleServiceAccount(source) => source.fetch(world).await,
            Self::GoogleFile(source) => source.fetch(world).await,
            Self::GoogleMetadata(source) => source.fetch(world).await,
        }
    }

    /// [`Source::fetch`], for sources that stand on another.
    pub(crate) fn fetch_boxed<'a>(
        &'a self,
        world: &'a World,
    ) -> Pin<Box<dyn Future<Output = Result<Token, Problem>> + Send + 'a>> {
        Box::pin(self.fetch(world))
    }

    /// What never changes, and so needs no fetching.
    pub(crate) fn fixed(&self) -> Option<Token> {
        match self {
            Self::AwsKeys(keys) => Some(Token {
                value: Value::Aws(keys.clone()),
                expires: None,
            }),
            Self::AwsWebIdentity(_)
            | Self::AwsAssumeRole(_)
            | Self::AwsContainer(_)
            | Self::Entra(_)
            | Self::GoogleServiceAccount(_)
            | Self::GoogleFile(_)
            | Self::GoogleMetadata(_) => None,
        }
    }
}
