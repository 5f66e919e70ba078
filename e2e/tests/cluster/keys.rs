//! A key that is withdrawn is refused everywhere at once.

use anyhow::Result;
use fairlead_e2e::Completion;
use fairlead_e2e::results::Figure;
use tokio::time::Instant;

use crate::support::{ENFORCED, Scene, everywhere, show, turn};

fn refused(code: &'static str) -> impl Fn(&Completion) -> bool {
    move |answer| answer.status == 401 && answer.code.as_deref() == Some(code)
}

#[tokio::test]
async fn a_suspended_or_deleted_key_is_refused_by_every_replica() -> Result<()> {
    let fairlead = turn().await?;
    let run = fairlead.cluster.with_temp_namespace(async |admin| {
        let scene = Scene::set(&fairlead, admin).await?;
        let callers = scene.callers().await?;
        let answered = |answer: &Completion| answer.status == 200;
        everywhere("answered", &callers, "split", answered).await?;

        let began = Instant::now();
        suspend(&scene, true).await?;
        everywhere("suspended", &callers, "split", refused("key_suspended")).await?;
        let suspended = began.elapsed();
        suspend(&scene, false).await?;
        everywhere("back again", &callers, "split", answered).await?;

        let began = Instant::now();
        let delete = ["delete", "vk/app", "--wait=false"];
        scene.tenant.run(&delete).await?;
        everywhere("deleted", &callers, "split", refused("invalid_key")).await?;
        let deleted = began.elapsed();
        show(&[
            Figure::within("key suspended: 401 on every replica", suspended, ENFORCED),
            Figure::within("key deleted: 401 on every replica", deleted, ENFORCED),
        ])
    });
    run.await
}

async fn suspend(scene: &Scene<'_>, suspended: bool) -> Result<()> {
    let patch = format!("{{\"spec\": {{\"suspended\": {suspended}}}}}");
    let words = ["patch", "vk/app", "--type=merge", "-p", &patch];
    scene.tenant.run(&words).await?;
    Ok(())
}
