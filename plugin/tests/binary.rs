//! The binary as a shell sees it: exit codes, what needs no cluster, completion, and what a release makes of it.

#![cfg(test)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const BINARY: &str = env!("CARGO_BIN_EXE_kubectl-fairlead");

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn run(words: &[&str]) -> Output {
    let mut command = Command::new(BINARY);
    let nowhere = repository().join("no-kubeconfig");
    command.args(words).env("KUBECONFIG", nowhere);
    command.output().unwrap()
}

/// Exit code and what was printed.
fn told(words: &[&str]) -> (Option<i32>, String) {
    let output = run(words);
    let text = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(text).unwrap())
}

#[test]
fn exit_codes_are_those_of_its_page() {
    let (code, text) = told(&["--version"]);
    assert!(
        code == Some(0) && text.starts_with("kubectl-fairlead "),
        "{text}"
    );
    let (code, text) = told(&["health", "--fail-on", "sadness"]);
    assert!(code == Some(64) && text.contains("not-closed"), "{text}");
    let (code, text) = told(&["status"]);
    assert!(
        code == Some(1) && text.contains("the kubeconfig cannot be used"),
        "{text}"
    );
    let (code, text) = told(&["health", "--gateway", "127.0.0.1:1"]);
    assert!(
        code == Some(1) && text.contains("--admin-token-file"),
        "{text}"
    );
}

#[test]
fn folders_are_checked_rendered_and_explained_without_a_cluster() {
    let examples = repository().join("examples");
    let folder = examples.join("weighted-split");
    let folder = folder.to_str().unwrap();
    let (code, text) = told(&["check", "-f", folder, "-o", "json"]);
    let data: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        (code, &data["unreadable"]),
        (Some(0), &serde_json::json!([])),
        "{text}"
    );
    let (code, text) = told(&["render", "-f", folder, "--only", "rules"]);
    assert!(code == Some(0) && text.contains("weight: "), "{text}");
    let wrong = tempfile::tempdir().unwrap();
    let rule = "apiVersion: fairlead.dev/v1alpha1\nkind: RoutingRule\nmetadata: {name: r}\nspec: {target: []}\n";
    std::fs::write(wrong.path().join("rule.yaml"), rule).unwrap();
    let (code, text) = told(&["check", "-f", wrong.path().to_str().unwrap()]);
    assert!(code == Some(1) && text.contains("[UnknownField]"), "{text}");
}

#[test]
fn completion_goes_through_the_script_that_kubectl_runs() {
    let folder = Path::new(BINARY).parent().unwrap();
    let path = format!("{}:/usr/bin:/bin", folder.display());
    let script = repository().join("plugin/kubectl_complete-fairlead");
    let output = Command::new(script)
        .args(["keys", "su"])
        .env("PATH", path)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        text.starts_with("suspend\t") && text.ends_with("\n:4\n"),
        "{text}"
    );
}

#[test]
fn a_release_names_the_archives_that_there_are() {
    let (archives, krew) = (
        tempfile::tempdir().unwrap(),
        repository().join("plugin/krew"),
    );
    let folder = archives.path().to_str().unwrap();
    let script = |name: &str, arguments: &[&str]| {
        Command::new(krew.join(name))
            .args(arguments)
            .output()
            .unwrap()
    };
    assert!(
        !script("manifest.sh", &["v0.1.0", folder]).status.success(),
        "there are none"
    );
    for platform in ["linux_amd64", "darwin_arm64"] {
        let made = script("archive.sh", &[script_path(), platform, folder]);
        assert!(made.status.success(), "{made:?}");
    }
    assert!(
        !script("manifest.sh", &["0.1.0", folder]).status.success(),
        "krew wants v0.1.0"
    );
    let made = script("manifest.sh", &["v0.1.0", folder]);
    let text = String::from_utf8(made.stdout).unwrap();
    let manifest: serde_json::Value = serde_saphyr::from_str(&text).unwrap();
    assert_eq!(manifest["spec"]["version"], "v0.1.0");
    let platforms = manifest["spec"]["platforms"].as_array().unwrap();
    assert_eq!(platforms.len(), 2, "{text}");
    for platform in platforms {
        let digest = platform["sha256"].as_str().unwrap();
        assert!(
            digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_hexdigit()),
            "{text}"
        );
        assert!(
            platform["uri"].as_str().unwrap().contains("/v0.1.0/"),
            "{text}"
        );
    }
}

/// Any file will do for a binary; this one is small.
fn script_path() -> &'static str {
    concat!(env!("CARGO_MANIFEST_DIR"), "/kubectl_complete-fairlead")
}
