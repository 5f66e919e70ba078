//! Where etcd and kube-apiserver are: in `$KUBEBUILDER_ASSETS` if that is set, else kube-apiserver in the cache that
//! `hack/apiserver.sh` fills and etcd on the path. A missing binary is an error that names the command to run.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

/// The same version as in `hack/apiserver.sh`.
const VERSION: &str = "v1.34.4";

/// Two programs.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Binaries {
    pub(super) etcd: PathBuf,
    pub(super) kube_apiserver: PathBuf,
}

/// What the environment says.
#[derive(Debug, Default)]
struct Places {
    assets: Option<PathBuf>,
    cache: Option<PathBuf>,
    home: Option<PathBuf>,
    path: OsString,
}

impl Binaries {
    pub(super) fn find() -> Result<Self> {
        let folder = |name: &str| {
            env::var_os(name)
                .filter(|value| !value.is_empty())
                .map(PathBuf::from)
        };
        Self::among(&Places {
            assets: folder("KUBEBUILDER_ASSETS"),
            cache: folder("FAIRLEAD_CACHE"),
            home: folder("HOME"),
            path: env::var_os("PATH").unwrap_or_default(),
        })
    }

    fn among(places: &Places) -> Result<Self> {
        if let Some(assets) = &places.assets {
            let in_assets = |name: &str| {
                existing(&assets.join(name)).with_context(|| {
                    format!(
                        "KUBEBUILDER_ASSETS holds no {name}; unset it, or run `setup-envtest use`"
                    )
                })
            };
            return Ok(Self {
                etcd: in_assets("etcd")?,
                kube_apiserver: in_assets("kube-apiserver")?,
            });
        }
        let cache = match (&places.cache, &places.home) {
            (Some(cache), _) => cache.clone(),
            (None, Some(home)) => home.join(".cache/fairlead"),
            (None, None) => bail!("neither FAIRLEAD_CACHE nor HOME is set"),
        };
        let kube_apiserver = existing(&cache.join(format!("bin/kube-apiserver-{VERSION}"))).context("there is no kube-apiserver; run hack/apiserver.sh, which builds it once, or set KUBEBUILDER_ASSETS")?;
        let etcd = env::split_paths(&places.path)
            .find_map(|folder| existing(&folder.join("etcd")).ok())
            .context("there is no etcd on the path; run `apt-get install etcd-server`, or set KUBEBUILDER_ASSETS")?;
        Ok(Self {
            etcd,
            kube_apiserver,
        })
    }
}

fn existing(path: &Path) -> Result<PathBuf> {
    if path.is_file() {
        Ok(path.to_owned())
    } else {
        bail!("{} is not there", path.display())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder_with(names: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for name in names {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        folder
    }

    #[test]
    fn the_assets_go_before_the_cache() {
        let assets = folder_with(&["etcd", "kube-apiserver"]);
        let cache = folder_with(&["bin/kube-apiserver-v1.34.4"]);
        let found = Binaries::among(&Places {
            assets: Some(assets.path().into()),
            cache: Some(cache.path().into()),
            ..Places::default()
        })
        .unwrap();
        assert_eq!(found.kube_apiserver, assets.path().join("kube-apiserver"));
    }

    #[test]
    fn a_missing_server_names_the_script_that_builds_it() {
        let home = folder_with(&[]);
        let error = Binaries::among(&Places {
            home: Some(home.path().into()),
            ..Places::default()
        })
        .unwrap_err();
        assert!(
            error.to_string().contains("run hack/apiserver.sh"),
            "{error}"
        );
    }

    #[test]
    fn a_missing_etcd_names_the_package() {
        let cache = folder_with(&["bin/kube-apiserver-v1.34.4"]);
        let empty = folder_with(&[]);
        let error = Binaries::among(&Places {
            cache: Some(cache.path().into()),
            path: empty.path().into(),
            ..Places::default()
        })
        .unwrap_err();
        assert!(
            error.to_string().contains("apt-get install etcd-server"),
            "{error}"
        );
    }

    #[test]
    fn the_version_is_the_one_the_script_builds() {
        let script =
            std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../hack/apiserver.sh"))
                .unwrap();
        assert!(script.contains(&format!("version={VERSION}\n")));
    }
}
