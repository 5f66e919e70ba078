//! A container image from one program: an archive as `docker save` writes it, made without a registry, a base image or a daemon.
//!
//! The one layer holds the program, the shared libraries that `ldd` finds for it on this machine, the CA bundle and a user without
//! privileges. Fails when the program is missing or needs a library that is.

mod tar;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use self::tar::Archive;
use crate::tools;

/// Debian's name for the bundle, which is also where rustls-native-certs looks.
const CA_BUNDLE: &str = "/etc/ssl/certs/ca-certificates.crt";
const PASSWD: &str =
    "root:x:0:0:root:/:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/:/sbin/nologin\n";
const GROUP: &str = "root:x:0:\nnonroot:x:65532:\n";
/// Runs as nobody in particular, as the charts demand.
const USER: &str = "65532:65532";

/// What an image is made of.
#[derive(Debug, Clone)]
pub struct Image {
    /// Its name and tag, such as `fairlead-gateway:e2e`.
    pub reference: String,
    /// The program on this machine; it lies in `/usr/local/bin` of the image and is the entrypoint.
    pub program: PathBuf,
    /// What the entrypoint is always given.
    pub arguments: Vec<String>,
}

impl Image {
    /// An image of `program` with no arguments of its own.
    #[must_use]
    pub fn new(reference: &str, program: &Path) -> Self {
        Self {
            reference: reference.to_owned(),
            program: program.to_owned(),
            arguments: Vec::new(),
        }
    }

    /// `NAME:e2e` of the program `NAME` that `cargo build --profile quick` has built.
    ///
    /// # Errors
    /// When it has not been built.
    pub fn built(name: &str) -> Result<Self> {
        Ok(Self::new(&format!("{name}:e2e"), &tools::built(name)?))
    }

    /// `NAME:e2e` of a program that the Debian package `package` brings.
    ///
    /// # Errors
    /// When it is not on the path.
    pub fn installed(name: &str, package: &str) -> Result<Self> {
        let program = tools::on_path(name, package)?;
        Ok(Self::new(&format!("{name}:e2e"), &program))
    }

    /// The same under another name and tag.
    #[must_use]
    pub fn named(self, reference: &str) -> Self {
        Self {
            reference: reference.to_owned(),
            ..self
        }
    }

    /// Writes the archive to `path`.
    ///
    /// # Errors
    /// When a file cannot be read or written, or `ldd` misses a library.
    pub fn pack(&self, path: &Path) -> Result<()> {
        let name = self.program.file_name().and_then(|name| name.to_str());
        let name = name.context("a program without a name")?;
        let layer = self.layer(name)?;
        let mut entrypoint = vec![format!("/usr/local/bin/{name}")];
        entrypoint.extend_from_slice(&self.arguments);
        let config = json!({
            "architecture": architecture()?,
            "os": "linux",
            "config": {"Entrypoint": entrypoint, "User": USER, "Env": ["PATH=/usr/local/bin"]},
            "rootfs": {"type": "layers", "diff_ids": [format!("sha256:{}", hex_digest(&layer))]},
        });
        let config = serde_json::to_vec(&config)?;
        let config_name = format!("{}.json", hex_digest(&config));
        let manifest = json!([{
            "Config": config_name,
            "RepoTags": [format!("docker.io/library/{}", self.reference)],
            "Layers": ["layer.tar"],
        }]);
        let mut archive = Archive::default();
        archive.file("manifest.json", 0o644, &serde_json::to_vec(&manifest)?)?;
        archive.file(&config_name, 0o644, &config)?;
        archive.file("layer.tar", 0o644, &layer)?;
        fs::write(path, archive.finish()?)
            .with_context(|| format!("cannot write {}", path.display()))
    }

    fn layer(&self, name: &str) -> Result<Vec<u8>> {
        let mut layer = Archive::default();
        layer.folder("tmp/", 0o1777)?;
        layer.file("etc/passwd", 0o644, PASSWD.as_bytes())?;
        layer.file("etc/group", 0o644, GROUP.as_bytes())?;
        for library in libraries(&self.program)? {
            copy(&mut layer, &library, &library.display().to_string(), 0o755)?;
        }
        copy(&mut layer, Path::new(CA_BUNDLE), CA_BUNDLE, 0o644)?;
        let place = format!("/usr/local/bin/{name}");
        copy(&mut layer, &self.program, &place, 0o755)?;
        layer.finish()
    }
}

/// Reads through links: the image has the file itself wherever the program looks for it.
fn copy(layer: &mut Archive, from: &Path, to: &str, mode: u32) -> Result<()> {
    let content = fs::read(from).with_context(|| format!("cannot read {}", from.display()))?;
    layer.file(to.trim_start_matches('/'), mode, &content)
}

/// The shared libraries a program is linked to, and its loader; none for a static one.
fn libraries(program: &Path) -> Result<BTreeSet<PathBuf>> {
    let output = Command::new("ldd")
        .arg(program)
        .output()
        .context("cannot run ldd; run `apt-get install libc-bin`")?;
    let said = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() {
        let complaint = String::from_utf8_lossy(&output.stderr);
        if complaint.contains("not a dynamic executable") {
            return Ok(BTreeSet::new());
        }
        bail!("ldd {}: {}{}", program.display(), said, complaint);
    }
    parse_ldd(&said)
}

/// Lines such as `libc.so.6 => /lib/libc.so.6 (0x7f…)`, `/lib64/ld-linux-x86-64.so.2 (0x7f…)` and, of the kernel's making,
/// `linux-vdso.so.1 (0x7f…)`.
fn parse_ldd(said: &str) -> Result<BTreeSet<PathBuf>> {
    let mut found = BTreeSet::new();
    for line in said.lines() {
        ensure!(
            !line.contains("not found"),
            "a library is missing: {}",
            line.trim()
        );
        let path = line.split_whitespace().find(|word| word.starts_with('/'));
        found.extend(path.map(PathBuf::from));
    }
    Ok(found)
}

/// This machine's, in the words of images.
fn architecture() -> Result<&'static str> {
    match std::env::consts::ARCH {
        "x86_64" => Ok("amd64"),
        "aarch64" => Ok("arm64"),
        other => bail!("no image is known to run on {other}"),
    }
}

fn hex_digest(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loader_is_a_library_and_the_kernels_own_is_not() {
        let said = "\tlinux-vdso.so.1 (0x1)\n\tlibc.so.6 => /lib/libc.so.6 (0x2)\n\t/lib64/ld-linux.so.2 (0x3)\n";
        let found = parse_ldd(said).unwrap();
        assert_eq!(
            found.into_iter().collect::<Vec<_>>(),
            ["/lib/libc.so.6", "/lib64/ld-linux.so.2"].map(PathBuf::from)
        );
    }

    #[test]
    fn a_missing_library_is_named() {
        let error = parse_ldd("\tlibssl.so.3 => not found\n").unwrap_err();
        assert!(error.to_string().contains("libssl.so.3"), "{error}");
    }

    #[test]
    fn an_archive_names_its_image_and_the_layer_by_digest() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("image.tar");
        Image::new("hello:e2e", Path::new("/bin/sh"))
            .pack(&path)
            .unwrap();
        let read = |name: &str| {
            let output = Command::new("tar")
                .arg("-xOf")
                .arg(&path)
                .arg(name)
                .output();
            output.unwrap().stdout
        };
        let manifest: serde_json::Value = serde_json::from_slice(&read("manifest.json")).unwrap();
        assert_eq!(manifest[0]["RepoTags"][0], "docker.io/library/hello:e2e");
        let config = read(manifest[0]["Config"].as_str().unwrap());
        let config: serde_json::Value = serde_json::from_slice(&config).unwrap();
        assert_eq!(config["config"]["Entrypoint"][0], "/usr/local/bin/sh");
        assert_eq!(
            config["rootfs"]["diff_ids"][0],
            format!("sha256:{}", hex_digest(&read("layer.tar")))
        );
    }
}
