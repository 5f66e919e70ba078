//! A second installation beside the first: it minds its own objects, and uninstalling it leaves what would be lost.

use anyhow::{Context as _, Result, ensure};
use fairlead_e2e::results::Figure;
use fairlead_e2e::{Caller, Connections, Installation, Kubectl};
use tokio::time::Instant;

use crate::support::{Scene, show, turn};

const NAME: &str = "second";
const VALUES: [&str; 3] = [
    "gatewayName=second",
    "gateway.replicas=1",
    "operator.replicas=1",
];
const FILES: &str = "
apiVersion: fairlead.dev/v1alpha1
kind: LLMProvider
metadata: {name: sim}
spec: {gatewayName: second, type: Simulated, models: [{name: fast}]}
---
apiVersion: fairlead.dev/v1alpha1
kind: VirtualKey
metadata: {name: mine}
spec: {gatewayName: second, key: {type: Generate, secretRef: {name: mine-key}}}
";
/// What is neither helm's nor to be lost: users' objects, generated keys, what gateways enforce, and the definitions.
const STAYS: [&str; 5] = [
    "llmp/sim",
    "vk/mine",
    "secret/mine-key",
    "configmap/fairlead-second-index",
    "crd/virtualkeys.fairlead.dev",
];

#[tokio::test]
async fn a_second_installation_minds_its_own_and_leaves_what_would_be_lost() -> Result<()> {
    let fairlead = turn().await?;
    let run = fairlead.cluster.with_temp_namespace(async |admin| {
        let scene = Scene::set(&fairlead, admin).await?;
        let namespace = admin.namespace();
        fairlead.release(NAME, namespace, &VALUES).await?;
        scene.tenant.apply(FILES).await?;
        let wait = [
            "wait",
            "--for=condition=Programmed",
            "--timeout=60s",
            "llmp/sim",
            "vk/mine",
        ];
        scene.tenant.run(&wait).await?;
        let secret = fairlead.secret(&scene.tenant, "mine-key", "apiKey").await?;
        minds_its_own(&scene, namespace, &secret).await?;

        let helm = fairlead.cluster.helm();
        let said = helm
            .run(&["get", "notes", NAME, "--namespace", namespace])
            .await?;
        ensure!(
            said.contains("helm uninstall second"),
            "the notes say nothing of leaving: {said}"
        );
        helm.uninstall(namespace, NAME).await?;
        let mut stayed = 0;
        for what in STAYS {
            ensure!(
                admin.get(what).await?.is_some(),
                "{what} went with the release"
            );
            stayed += 1;
        }
        let began = Instant::now();
        fairlead.release(NAME, namespace, &VALUES).await?;
        ensure!(
            status(&fairlead, namespace, &secret).await? == 200,
            "the key is not what it was"
        );
        helm.uninstall(namespace, NAME).await?;
        show(&[
            Figure::no_fewer("uninstalled: what stays", stayed, "objects", 5),
            Figure::within(
                "installed again: the same key is answered after",
                began.elapsed(),
                120.0,
            ),
        ])
    });
    run.await
}

/// Neither takes the other's keys, and no object changes hands.
async fn minds_its_own(scene: &Scene<'_>, namespace: &str, secret: &str) -> Result<()> {
    ensure!(
        status(scene.fairlead, namespace, secret).await? == 200,
        "its own key"
    );
    ensure!(
        status(scene.fairlead, namespace, &scene.secret).await? == 401,
        "the first one's key"
    );
    for caller in scene.callers().await? {
        let answer = caller.with_key(secret).chat("sim/fast").await?;
        ensure!(answer.status == 401, "the first takes the second one's key");
    }
    let error = changed_hands(&scene.tenant).await.err();
    let error = error.context("an object changed hands")?.to_string();
    ensure!(error.contains("gatewayName"), "{error}");
    Ok(())
}

async fn changed_hands(tenant: &Kubectl) -> Result<()> {
    let patch = "{\"spec\": {\"gatewayName\": \"second\"}}";
    tenant
        .run(&["patch", "vk/app", "--type=merge", "-p", patch])
        .await?;
    Ok(())
}

/// What the second installation's gateway says to a key.
async fn status(fairlead: &Installation, namespace: &str, key: &str) -> Result<u16> {
    let service = "second-fairlead-gateway";
    let gateway = fairlead.cluster.service_address(namespace, service).await?;
    let caller = Caller::new(gateway, key, Connections::Fresh)?;
    Ok(caller.chat("sim/fast").await?.status)
}
