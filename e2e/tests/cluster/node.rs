//! The cluster itself: what every other test on it takes for granted.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use fairlead_e2e::{Caller, Cluster, Connections, Image, Kubectl};

use crate::support::turn;

/// A pod on a node that has its image.
const SOON: Duration = Duration::from_secs(60);

const HELLO: &str = r#"
apiVersion: apps/v1
kind: Deployment
metadata: {name: hello}
spec:
  replicas: 2
  selector: {matchLabels: {app: hello}}
  template:
    metadata: {labels: {app: hello}}
    spec:
      automountServiceAccountToken: true
      securityContext: {runAsNonRoot: true}
      containers:
      - name: hello
        image: fairlead-faults:e2e
        imagePullPolicy: Never
        args: [--name, hello]
        ports: [{name: http, containerPort: 8080}]
        readinessProbe: {httpGet: {path: /v1/models, port: http}, periodSeconds: 1}
---
apiVersion: v1
kind: Service
metadata: {name: hello}
spec:
  selector: {app: hello}
  ports: [{port: 80, targetPort: http}]
"#;

async fn hello(cluster: &Cluster, kubectl: &Kubectl) -> Result<Caller> {
    let program = Path::new(env!("CARGO_BIN_EXE_fairlead-e2e-upstream"));
    cluster
        .load(&Image::new("fairlead-faults:e2e", program))
        .await?;
    kubectl.apply(HELLO).await?;
    kubectl.rolled_out("deployment/hello", SOON).await?;
    let address = cluster
        .service_address(kubectl.namespace(), "hello")
        .await?;
    Caller::new(address, "any", Connections::Fresh)
}

#[tokio::test]
async fn a_service_answers_for_its_pods_and_a_stream_passes() -> Result<()> {
    let _turn = turn().await;
    let cluster = Cluster::connect()?;
    cluster
        .with_temp_namespace(async |kubectl| {
            let caller = hello(&cluster, kubectl).await?;
            assert_eq!(caller.chat("m").await?.text, "hello");
            let streamed = caller.stream("m").await?;
            assert_eq!((streamed.text.as_str(), streamed.finished), ("hello", true));
            assert_eq!(caller.chat("status-503").await?.status, 503);

            let namespace = kubectl.namespace();
            let pods = cluster.pods(namespace, "app=hello").await?;
            assert_eq!(pods.len(), 2);
            for pod in pods {
                let caller = Caller::new((pod.address, 8080).into(), "any", Connections::Fresh)?;
                assert_eq!(caller.chat("whoami").await?.text, "Bearer any");
            }
            Ok(())
        })
        .await
}

#[tokio::test]
async fn logs_and_exec_reach_a_pod_that_knows_the_api_server() -> Result<()> {
    let _turn = turn().await;
    let cluster = Cluster::connect()?;
    cluster
        .with_temp_namespace(async |kubectl| {
            hello(&cluster, kubectl).await?;
            let logs = kubectl.run(&["logs", "deployment/hello"]).await?;
            assert!(logs.contains("hello listens on port 8080"), "{logs}");
            let help = ["fairlead-e2e-upstream", "--help"];
            let exec = [["exec", "deployment/hello", "--"].as_slice(), &help].concat();
            let said = kubectl.run(&exec).await?;
            assert!(said.contains("--port"), "{said}");
            Ok(())
        })
        .await
}

#[tokio::test]
async fn a_service_answers_while_the_api_server_is_down() -> Result<()> {
    let _turn = turn().await;
    let cluster = Cluster::connect()?;
    cluster
        .with_temp_namespace(async |kubectl| {
            let caller = hello(&cluster, kubectl).await?;
            let answer = cluster
                .without_api_server(async || caller.chat("m").await)
                .await?;
            assert_eq!(answer.text, "hello");
            // It has forgotten nothing.
            kubectl.rolled_out("deployment/hello", SOON).await
        })
        .await
}
