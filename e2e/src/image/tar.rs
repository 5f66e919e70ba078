//! Writes a tar archive: files and folders, owned by root, dated 1970, so that the same content gives the same bytes.
//!
//! The ustar form (source: POSIX.1-2017, `pax`), as far as an image needs it: names of at most 100 bytes, no links.

use anyhow::{Result, ensure};

const BLOCK: usize = 512;
/// Where the checksum lies in a header; it counts as blanks while it is computed.
const CHECKSUM: std::ops::Range<usize> = 148..156;

/// An archive in memory.
#[derive(Debug, Default)]
pub(super) struct Archive(Vec<u8>);

impl Archive {
    /// Adds a file. `name` has no leading slash.
    pub(super) fn file(&mut self, name: &str, mode: u32, content: &[u8]) -> Result<()> {
        self.header(name, mode, content.len(), b'0')?;
        self.0.extend_from_slice(content);
        self.pad();
        Ok(())
    }

    /// Adds a folder. `name` ends with a slash.
    pub(super) fn folder(&mut self, name: &str, mode: u32) -> Result<()> {
        self.header(name, mode, 0, b'5')
    }

    /// The bytes of the archive, its two empty blocks at the end included.
    pub(super) fn finish(mut self) -> Vec<u8> {
        self.0.resize(self.0.len() + 2 * BLOCK, 0);
        self.0
    }

    fn header(&mut self, name: &str, mode: u32, size: usize, kind: u8) -> Result<()> {
        ensure!(name.len() <= 100, "{name} is too long a name for ustar");
        let mut header = [0_u8; BLOCK];
        let mut put = |at: usize, bytes: &[u8]| header[at..at + bytes.len()].copy_from_slice(bytes);
        put(0, name.as_bytes());
        put(100, format!("{mode:07o}\0").as_bytes());
        // Owner and group 0, and the time.
        put(108, b"0000000\x000000000\0");
        put(124, format!("{size:011o}\0").as_bytes());
        put(136, b"00000000000\0");
        put(CHECKSUM.start, b"        ");
        put(156, &[kind]);
        put(257, b"ustar\x0000");
        let sum: u32 = header.iter().copied().map(u32::from).sum();
        header[CHECKSUM].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        self.0.extend_from_slice(&header);
        Ok(())
    }

    fn pad(&mut self) {
        self.0.resize(self.0.len().next_multiple_of(BLOCK), 0);
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
        std::fs::write(&path, archive.finish()).unwrap();
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
    fn refuses_a_name_that_the_form_cannot_hold() {
        let mut archive = Archive::default();
        assert!(archive.file(&"a".repeat(101), 0o644, b"").is_err());
    }
}
