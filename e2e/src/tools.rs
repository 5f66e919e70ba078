//! Where the programs are that a cluster is made of: the pinned Kubernetes commands by `hack/kubernetes.sh`, the others on the path. A
//! missing one is an error that says what to install, never a skipped test.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail, ensure};

/// The folder that holds these Kubernetes commands, at the version this repository pins. The first call on a machine builds them, which
/// takes minutes; the script says so on standard error.
///
/// # Errors
/// When they cannot be built; the script has said why.
pub(crate) fn kubernetes(names: &[&str]) -> Result<PathBuf> {
    path_of("hack/kubernetes.sh", names)
}

/// The binary of Argo CD at the version this repository pins, with its manifests in the folder beside it; built as those of Kubernetes are.
///
/// # Errors
/// When it cannot be built; the script has said why.
pub(crate) fn argocd() -> Result<PathBuf> {
    path_of("hack/argocd.sh", &[])
}

/// The path that a script of this repository prints.
fn path_of(script: &str, arguments: &[&str]) -> Result<PathBuf> {
    let output = Command::new(workspace().join(script))
        .args(arguments)
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("cannot run {script}"))?;
    ensure!(
        output.status.success(),
        "{script} has failed ({}); it says above why",
        output.status
    );
    let path = String::from_utf8(output.stdout).with_context(|| format!("{script}: not a path"))?;
    Ok(PathBuf::from(path.trim_end()))
}

/// The folder of etcd and kube-apiserver: `$KUBEBUILDER_ASSETS` if that is set.
///
/// # Errors
/// When one is missing.
pub(crate) fn api_server() -> Result<[PathBuf; 2]> {
    match env::var_os("KUBEBUILDER_ASSETS").filter(|value| !value.is_empty()) {
        Some(assets) => in_assets(Path::new(&assets)),
        None => Ok([
            on_path("etcd", "etcd-server")?,
            kubernetes(&["kube-apiserver"])?.join("kube-apiserver"),
        ]),
    }
}

fn in_assets(assets: &Path) -> Result<[PathBuf; 2]> {
    let found = ["etcd", "kube-apiserver"].map(|name| assets.join(name));
    for path in &found {
        ensure!(
            path.is_file(),
            "KUBEBUILDER_ASSETS holds no {}; unset it, or run `setup-envtest use`",
            path.display()
        );
    }
    Ok(found)
}

/// A program that the Debian package `package` brings.
///
/// # Errors
/// When it is not on the path.
pub(crate) fn on_path(name: &str, package: &str) -> Result<PathBuf> {
    find(name, package, &env::var_os("PATH").unwrap_or_default())
}

fn find(name: &str, package: &str, path: &OsString) -> Result<PathBuf> {
    // Debian keeps some of them where only root looks.
    let folders = env::split_paths(path).chain(["/usr/sbin", "/sbin"].map(PathBuf::from));
    let found = folders
        .map(|folder| folder.join(name))
        .find(|path| path.is_file());
    match found {
        Some(path) => Ok(path),
        None => bail!("there is no {name} on the path; run `apt-get install {package}`"),
    }
}

/// The program that `cargo build --profile quick` has built under this name.
///
/// # Errors
/// When it has not been built.
pub(crate) fn built(name: &str) -> Result<PathBuf> {
    let target =
        env::var_os("CARGO_TARGET_DIR").map_or_else(|| workspace().join("target"), PathBuf::from);
    let program = target.join("quick").join(name);
    ensure!(
        program.is_file(),
        "{} is not there; run `make e2e`, which builds it",
        program.display()
    );
    Ok(program)
}

/// The folder with the workspace's manifest.
pub(crate) fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .map(PathBuf::from)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn assets_without_a_server_say_what_brings_it() {
        let assets = tempfile::tempdir().unwrap();
        std::fs::write(assets.path().join("etcd"), "").unwrap();
        let error = in_assets(assets.path()).unwrap_err().to_string();
        assert!(
            error.contains("kube-apiserver") && error.contains("setup-envtest use"),
            "{error}"
        );
        std::fs::write(assets.path().join("kube-apiserver"), "").unwrap();
        assert_eq!(
            in_assets(assets.path()).unwrap()[1],
            assets.path().join("kube-apiserver")
        );
    }

    #[test]
    fn a_missing_program_names_its_package() {
        let empty = tempfile::tempdir().unwrap();
        let error = find("no-etcd", "etcd-server", &empty.path().into())
            .unwrap_err()
            .to_string();
        assert!(error.contains("apt-get install etcd-server"), "{error}");
    }

    #[test]
    fn the_workspace_holds_the_script_that_builds_the_commands() {
        assert!(workspace().join("hack/kubernetes.sh").is_file());
    }
}
