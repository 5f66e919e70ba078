//! Rolling restarts of everything under load, with streams open: nobody notices.

use std::time::Duration;

use anyhow::Result;
use tokio::time::sleep;

use crate::support::{SOON, Scene, show, turn, unharmed};

/// So that streams are open and connections are in use when it begins.
const BEFORE: Duration = Duration::from_secs(3);

#[tokio::test]
async fn a_rolling_restart_fails_no_request_and_cuts_no_stream() -> Result<()> {
    let fairlead = turn().await?;
    let run = fairlead.cluster.with_temp_namespace(async |admin| {
        let load = Scene::set(&fairlead, admin).await?.load(None).await?;
        sleep(BEFORE).await;
        let platform = fairlead.platform();
        for component in ["gateway", "operator"] {
            let deployment = format!("deployment/fairlead-{component}");
            platform.run(&["rollout", "restart", &deployment]).await?;
            platform.rolled_out(&deployment, SOON).await?;
            fairlead.settled(component, 2).await?;
        }
        show(&unharmed(load, "rolling restarts").await?)
    });
    run.await
}
