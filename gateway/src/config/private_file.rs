//! Files that only the owner may read, replaced whole: whoever reads one finds the old content or the new one, never half of it.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

/// Writes beside the place and renames into it.
///
/// # Errors
/// The folder cannot be written to; the file is as it was then.
pub(crate) fn write(path: &Path, content: &[u8]) -> std::io::Result<()> {
    let fresh = path.with_extension("new");
    // What a start that was cut short left there keeps the mode it had.
    match std::fs::remove_file(&fresh) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&fresh)?;
    file.write_all(content)?;
    file.sync_all()?;
    std::fs::rename(&fresh, path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn only_the_owner_may_read_whatever_lay_there_before() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kept.json");
        for stale in ["kept.json", "kept.new"] {
            let stale = folder.path().join(stale);
            std::fs::write(&stale, "stale").unwrap();
            std::fs::set_permissions(&stale, std::fs::Permissions::from_mode(0o644)).unwrap();
        }
        write(&path, b"content").unwrap();
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(
            (std::fs::read(&path).unwrap().as_slice(), mode & 0o777),
            (b"content".as_slice(), 0o600)
        );
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
