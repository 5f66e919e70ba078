//! The token of the gateways' admin ports: made once, in a Secret that holds nothing else, so that whoever may look at gateways need not be able to
//! read the providers' credentials.

#[cfg(test)]
pub(crate) mod tests;

use fairlead_process::random_value;
use fairlead_snapshot::names;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use kube::api::PostParams;

use crate::apply::Publisher;

/// The token is not where it should be.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TokenError {
    /// A Secret cannot be read or written.
    #[error("cannot read or write the Secret")]
    Api(#[from] kube::Error),
    /// No token can be made.
    #[error("the system gives no random numbers")]
    Random,
}

impl Publisher {
    /// Makes sure that there is a token. The one that an older release keeps among the credentials is taken over, and taken away from there once
    /// every gateway reads the new place (`all_read_it`): until then older gateways know no other.
    ///
    /// # Errors
    /// A Secret cannot be read or written, or the system gives no random numbers.
    pub(crate) async fn token(&self, all_read_it: bool) -> Result<(), TokenError> {
        let api: Api<Secret> = Api::namespaced(self.client.clone(), &self.namespace);
        let name = names::admin(&self.gateway_name);
        let found = api.get_opt(&name).await?;
        let has_token = |secret: &Secret| {
            let token = secret
                .data
                .as_ref()
                .and_then(|data| data.get(names::TOKEN_KEY));
            token.is_some_and(|token| !token.0.is_empty())
        };
        let there = found.as_ref().is_some_and(has_token);
        if there && !all_read_it {
            return Ok(());
        }
        let mut credentials = api.get_opt(&names::credentials(&self.gateway_name)).await?;
        let old = credentials
            .as_mut()
            .and_then(|secret| secret.data.as_mut()?.remove(names::OLD_TOKEN_KEY));
        if there {
            if let (Some(_), Some(credentials)) = (old, credentials) {
                let name = names::credentials(&self.gateway_name);
                api.replace(&name, &PostParams::default(), &credentials)
                    .await?;
            }
            return Ok(());
        }
        let token = match old {
            Some(old) => old,
            None => ByteString(
                random_value("")
                    .map_err(|_| TokenError::Random)?
                    .into_bytes(),
            ),
        };
        self.write_token(&api, found, token).await
    }

    async fn write_token(
        &self,
        api: &Api<Secret>,
        found: Option<Secret>,
        token: ByteString,
    ) -> Result<(), TokenError> {
        let name = names::admin(&self.gateway_name);
        let is_new = found.is_none();
        let mut secret = found.unwrap_or_else(|| Secret {
            metadata: self.metadata(name.clone(), names::PART_ADMIN),
            type_: Some("Opaque".to_owned()),
            ..Secret::default()
        });
        let data = secret.data.get_or_insert_default();
        data.insert(names::TOKEN_KEY.to_owned(), token);
        if is_new {
            api.create(&PostParams::default(), &secret).await?;
        } else {
            api.replace(&name, &PostParams::default(), &secret).await?;
        }
        Ok(())
    }
}
