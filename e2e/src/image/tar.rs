//! Writes a tar archive: files and folders, owned by root, dated 1970, so that the same content gives the same bytes.

use anyhow::Result;
use tar::{Builder, EntryType, Header};

/// An archive in memory.
pub(super) struct Archive(Builder<Vec<u8>>);

impl Default for Archive {
    fn default() -> Self {
        Self(Builder::new(Vec::new()))
    }
}

impl Archive {
    /// Adds a file. `name` has no leading slash.
    pub(super) fn file(&mut self, name: &str, mode: u32, content: &[u8]) -> Result<()> {
        self.append(EntryType::Regular, name, mode, content)
    }

    /// Adds a folder. `name` ends with a slash.
    pub(super) fn folder(&mut self, name: &str, mode: u32) -> Result<()> {
        self.append(EntryType::Directory, name, mode, &[])
    }

    /// The bytes of the archive, its two empty blocks at the end included.
    pub(super) fn finish(self) -> Result<Vec<u8>> {
        Ok(self.0.into_inner()?)
    }

    fn append(&mut self, kind: EntryType, name: &str, mode: u32, content: &[u8]) -> Result<()> {
        let mut header = Header::new_ustar();
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        header.set_size(u64::try_from(content.len())?);
        Ok(self.0.append_data(&mut header, name, content)?)
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn tar_reads_back_what_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let mut archive = Archive::default();
        archive.folder("tmp/", 0o1777).unwrap();
        archive
            .file("usr/bin/hello", 0o755, b"#!/bin/sh\n")
            .unwrap();
        archive.file("etc/empty", 0o644, b"").unwrap();
        let path = folder.path().join("layer.tar");
        std::fs::write(&path, archive.finish().unwrap()).unwrap();
        let list = |arguments: &[&str]| {
            let output = Command::new("tar").args(arguments).arg(&path).output();
            String::from_utf8(output.unwrap().stdout).unwrap()
        };
        let listed = list(&["-tvf"]);
        let modes: Vec<_> = listed.lines().map(|line| &line[..10]).collect();
        assert_eq!(
            modes,
            ["drwxrwxrwt", "-rwxr-xr-x", "-rw-r--r--"],
            "{listed}"
        );
        assert_eq!(list(&["-xO", "--wildcards", "*hello", "-f"]), "#!/bin/sh\n");
    }

    #[test]
    fn a_long_name_is_kept_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("layer.tar");
        let long = "a".repeat(150);
        let mut archive = Archive::default();
        archive.file(&long, 0o644, b"").unwrap();
        std::fs::write(&path, archive.finish().unwrap()).unwrap();
        let output = Command::new("tar").arg("-tf").arg(&path).output();
        let listed = String::from_utf8(output.unwrap().stdout).unwrap();
        assert_eq!(listed.trim(), long);
    }
}
