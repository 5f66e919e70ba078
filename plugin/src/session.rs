//! The API server, as the user of the kubeconfig sees it: every right is the user's own.

use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};

use crate::args::Place;
use crate::error::{Error, chain};

/// A cluster, and the namespace that is meant.
#[derive(Clone)]
pub(crate) struct Session {
    pub(crate) client: Client,
    /// That of the command line, or else of the context.
    pub(crate) namespace: String,
}

impl Session {
    /// Reads the kubeconfig; asks nothing yet.
    ///
    /// # Errors
    /// There is none, or it cannot be used.
    pub(crate) async fn open(place: &Place) -> Result<Self, Error> {
        let wrong = |error: &dyn std::error::Error| Error::Config(chain(error));
        let kubeconfig = match &place.kubeconfig {
            Some(file) => Kubeconfig::read_from(file),
            None => Kubeconfig::read(),
        };
        let options = KubeConfigOptions {
            context: place.context.clone(),
            ..KubeConfigOptions::default()
        };
        let kubeconfig = kubeconfig.map_err(|error| wrong(&error))?;
        let config = Config::from_custom_kubeconfig(kubeconfig, &options)
            .await
            .map_err(|error| wrong(&error))?;
        let namespace = place.namespace.clone();
        let namespace = namespace.unwrap_or_else(|| config.default_namespace.clone());
        let client = Client::try_from(config).map_err(|error| wrong(&error))?;
        Ok(Self { client, namespace })
    }

    /// The namespace and name of `NAMESPACE/NAME`, or of a name in the namespace.
    pub(crate) fn name<'a>(&'a self, text: &'a str) -> (&'a str, &'a str) {
        text.split_once('/').unwrap_or((&self.namespace, text))
    }
}
