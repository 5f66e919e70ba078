//! The command line in a cluster.

use crate::harness::Setup;

async fn refused(setup: Setup) -> (Option<i32>, String) {
    let output = setup.refused().await;
    (
        output.status.code(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

#[tokio::test]
async fn a_configuration_comes_from_a_folder_or_from_a_cluster_and_not_from_both() {
    let (code, text) = refused(Setup::in_cluster().arguments(&["--config-dir", "{}/config"])).await;
    assert_eq!(code, Some(64), "{text}");
    assert!(text.contains("cannot be used with"), "{text}");
}

#[tokio::test]
async fn folders_of_the_standalone_gateway_are_refused_in_a_cluster_and_the_other_way_round() {
    for option in ["--state-dir", "--secrets-dir"] {
        wrong(Setup::in_cluster().arguments(&[option, "{}"]), option).await;
    }
    wrong(
        Setup::new().arguments(&["--last-good-dir", "{}"]),
        "--last-good-dir",
    )
    .await;
}

async fn wrong(setup: Setup, option: &str) {
    let (code, text) = refused(setup).await;
    assert_eq!(code, Some(64), "{text}");
    assert!(
        text.contains("cannot be used with") && text.contains(option),
        "{text}"
    );
}

#[tokio::test]
async fn without_a_cluster_the_start_is_refused_with_what_is_missing() {
    let setup = Setup::in_cluster().variable("KUBECONFIG", "/nonexistent");
    let (code, text) = refused(setup).await;
    assert_eq!(code, Some(1), "{text}");
    assert!(
        text.contains("the service account of a pod, or a kubeconfig"),
        "{text}"
    );
}
