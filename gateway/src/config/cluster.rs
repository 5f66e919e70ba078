//! The control loop of a gateway in a cluster: the operator publishes, this follows.
//!
//! Three watches tell of the index, of the credentials and of the admin port's token; shards never change and are fetched by name. A new index is loaded ([`load`]),
//! built beside the control thread, swapped, and kept as the last good copy ([`follow`]). Whatever cannot be loaded leaves everything as it
//! was, is told once, and is tried again. Where nothing is in force after a while, whatever the reason, the copy from before the restart is.

mod api;
mod follow;
mod held;
mod known;
mod last_good;
mod load;
mod watch;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch::channel;
use tokio::time::Instant;

use crate::tasks::Tasks;
use crate::worker::Shared;

pub(crate) use api::{ConnectError, Installation};

use api::Api;
use follow::Follower;
use known::{Admin, Known};
use last_good::LastGood;
use load::Published;
use watch::{Seen, Watch};

/// A gateway's side of a cluster.
pub(crate) struct Cluster {
    api: Api,
    last_good: LastGood,
    patience: Duration,
}

impl Cluster {
    /// Finds the API server. `patience` is how long the live configuration is waited for before the last good one is put into force.
    ///
    /// # Errors
    /// There is nothing that says where an API server is. That it does not answer is no error.
    pub(crate) async fn connect(
        installation: Installation,
        last_good: Option<&Path>,
        patience: Duration,
    ) -> Result<Self, ConnectError> {
        Ok(Self {
            api: Api::connect(installation).await?,
            last_good: LastGood::below(last_good),
            patience,
        })
    }

    /// Follows what is published until the process ends.
    pub(crate) async fn run(self, shared: Arc<Shared>) {
        let impatient = Instant::now() + self.patience;
        let index = Watch {
            objects: self.api.maps.clone(),
            name: self.api.index_name(),
            keep: Published::of,
            observe: Arc::clone(&shared.observe),
        };
        let credentials = Watch {
            objects: self.api.secrets.clone(),
            name: self.api.credentials_name(),
            keep: Known::of,
            observe: Arc::clone(&shared.observe),
        };
        let admin = Watch {
            objects: self.api.secrets.clone(),
            name: self.api.admin_name(),
            keep: Admin::of,
            observe: Arc::clone(&shared.observe),
        };
        let tasks = Tasks::default();
        let (seen, published) = channel(Seen::default());
        tasks.spawn(index.run(seen));
        let (seen, known) = channel(Seen::default());
        tasks.spawn(credentials.run(seen));
        let (seen, token) = channel(Seen::default());
        tasks.spawn(admin.run(seen));
        Follower::start(self.api, self.last_good, shared)
            .await
            .follow(published, known, token, impatient)
            .await;
    }
}

impl std::fmt::Debug for Cluster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cluster")
            .field("installation", &self.api.installation)
            .finish_non_exhaustive()
    }
}
