//! Where the configuration comes from: a folder, or the operator of a cluster.

use std::sync::Arc;

use crate::args::Serve;
#[cfg(feature = "kubernetes")]
use crate::config::cluster::{Cluster, Installation};
use crate::config::folder::Folder;
use crate::config::standalone::Standalone;
use crate::config::state::State;
use crate::status::Token;
use crate::tasks::Tasks;
use crate::worker::Shared;

/// What keeps the configuration up to date.
#[derive(Debug)]
pub(crate) enum Origin {
    /// A folder of YAML.
    Files(Box<Standalone>),
    /// The operator, by way of the API server.
    #[cfg(feature = "kubernetes")]
    Cluster(Box<Cluster>),
}

impl Origin {
    /// The one that the command line names; a folder is read and in force when this returns.
    ///
    /// # Errors
    /// The folder cannot be read, or nothing says where an API server is.
    pub(crate) async fn open(args: &Serve, shared: &Shared) -> anyhow::Result<Self> {
        match &args.config_dir {
            Some(directory) => {
                let folder = Folder::new(directory, &args.settings);
                let state = State::open(args.settings.state_dir.as_deref())?;
                let mut standalone = Standalone::start(folder, state)?;
                standalone.swap(shared);
                let token = standalone.admin_token()?;
                shared.status.send_modify(|status| {
                    status.token = token.and_then(|token| Token::of(token.as_bytes()));
                });
                Ok(Self::Files(Box::new(standalone)))
            }
            None => cluster(args).await,
        }
    }

    /// Follows changes until the process ends.
    pub(crate) fn follow(self, shared: Arc<Shared>, tasks: &Tasks) {
        match self {
            Self::Files(standalone) => tasks.spawn(standalone.watch(shared)),
            #[cfg(feature = "kubernetes")]
            Self::Cluster(cluster) => tasks.spawn(cluster.run(shared)),
        }
    }
}

#[cfg(feature = "kubernetes")]
async fn cluster(args: &Serve) -> anyhow::Result<Origin> {
    let installation = Installation {
        name: args.settings.gateway_name.clone(),
        namespace: args.settings.gateway_namespace.clone(),
    };
    let last_good = args.last_good_dir.as_deref();
    let cluster = Cluster::connect(installation, last_good, args.api_server_patience).await?;
    Ok(Origin::Cluster(Box::new(cluster)))
}

#[cfg(not(feature = "kubernetes"))]
#[expect(clippy::unused_async, reason = "the other one waits")]
async fn cluster(_: &Serve) -> anyhow::Result<Origin> {
    anyhow::bail!("this gateway was built without the feature 'kubernetes'; use --config-dir")
}
