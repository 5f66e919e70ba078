//! Where the configuration comes from: a folder, the operator of a cluster, or the environment.

use std::net::SocketAddr;
use std::sync::Arc;

use crate::args::Serve;
#[cfg(feature = "kubernetes")]
use crate::config::cluster::{Cluster, Installation};
use crate::config::folder::Folder;
use crate::config::standalone::Standalone;
use crate::config::start::Start;
use crate::config::state::State;
use crate::runtime::apart;
use crate::status::Token;
use crate::tasks::Tasks;
use crate::worker::Shared;

/// What keeps the configuration up to date.
#[derive(Debug)]
pub(crate) enum Origin {
    /// A folder of YAML.
    Files(Box<Standalone>),
    /// What the environment names.
    Environment(Box<Standalone>, Box<Start>),
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
                Ok(Self::Files(standalone(folder, args, shared)?))
            }
            None if args.kubernetes => cluster(args).await,
            None => {
                let start = Start::of(args)?;
                let standalone = standalone(start.folder(&args.settings)?, args, shared)?;
                Ok(Self::Environment(standalone, Box::new(start)))
            }
        }
    }

    /// Tells whoever started the gateway without a configuration how to go on.
    pub(crate) fn greet(&self, listen: SocketAddr, tls: bool) {
        if let Self::Environment(_, start) = self {
            start.greet(listen, tls);
        }
    }

    /// Tells whoever started the gateway at a terminal where the console is; nobody else is shown its token.
    #[cfg(feature = "console")]
    pub(crate) fn greet_operator(&self, admin: SocketAddr) {
        match self {
            Self::Files(standalone) | Self::Environment(standalone, _) => standalone.greet(admin),
            #[cfg(feature = "kubernetes")]
            Self::Cluster(_) => {}
        }
    }

    /// Follows changes until the process ends.
    pub(crate) fn follow(self, shared: Arc<Shared>, tasks: &Tasks) {
        match self {
            Self::Files(standalone) | Self::Environment(standalone, _) => {
                tasks.spawn(standalone.watch(shared));
            }
            #[cfg(feature = "kubernetes")]
            Self::Cluster(cluster) => tasks.spawn(cluster.run(shared)),
        }
    }
}

/// Puts the folder into force.
fn standalone(folder: Folder, args: &Serve, shared: &Shared) -> anyhow::Result<Box<Standalone>> {
    let state = State::open(args.settings.state_dir.as_deref())?;
    let mut standalone = apart(|| {
        let mut standalone = Standalone::start(
            folder,
            state,
            #[cfg(feature = "console")]
            !args.no_console,
        )?;
        standalone.swap(shared);
        anyhow::Ok(standalone)
    })?;
    standalone.has_started();
    let token = standalone.admin_token()?;
    shared.status.send_modify(|status| {
        status.token = token.and_then(|token| Token::of(token.as_bytes()));
    });
    Ok(Box::new(standalone))
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
