//! Whether files say what they said, where their times do not tell: those that were written shortly before they were read. To read them costs
//! little; to parse and compile what has not changed, and the memory for it, does not.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use super::Folder;

impl Folder {
    /// Whether everything is as it was when it was read last. In doubt it is not.
    #[must_use]
    pub(crate) fn is_unchanged(&mut self) -> bool {
        let Some(read) = &self.read else { return false };
        // Before anything is read: what is written meanwhile is another state.
        let Some(now) = self.stamps() else {
            return false;
        };
        if read.are_still(&now) {
            return true;
        }
        let same = self.says_the_same();
        if same {
            self.read = Some(now);
        }
        same
    }

    /// Reads every file again, and compares. The values of Secrets that have folders of their own are not kept to be compared with.
    fn says_the_same(&self) -> bool {
        let Ok(files) = self.files() else {
            return false;
        };
        let same = |(path, text): (&PathBuf, &Arc<str>)| {
            fs::read_to_string(path).is_ok_and(|now| *now == **text)
        };
        self.secrets.is_none() && self.good.keys().eq(&files) && self.good.iter().all(same)
    }
}

#[cfg(test)]
mod tests {
    use super::super::*;

    fn settings() -> args::Settings {
        args::Settings {
            secrets_dir: None,
            state_dir: None,
            gateway_namespace: "default".to_owned(),
            gateway_name: "default".to_owned(),
        }
    }

    #[test]
    fn what_was_written_just_now_is_compared_rather_than_compiled_again() {
        let home = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(home.path().join(name), text).unwrap();
        write("a.yaml", "");
        write("b.yaml", "# b");
        let mut folder = Folder::new(home.path(), &settings());
        assert!(!folder.is_unchanged(), "it was never read");
        folder.read().unwrap();
        assert!(folder.is_unchanged() && folder.is_unchanged());
        write("b.yaml", "# b");
        assert!(folder.is_unchanged(), "written again as it was");
        write("b.yaml", "# c");
        assert!(!folder.is_unchanged() && !folder.is_unchanged());
        folder.read().unwrap();
        assert!(folder.is_unchanged());
        write("c.yaml", "");
        assert!(!folder.is_unchanged(), "one more");
        folder.read().unwrap();
        std::fs::remove_file(home.path().join("a.yaml")).unwrap();
        assert!(!folder.is_unchanged(), "one less");
        write("c.yaml", "{");
        folder.read().unwrap();
        assert!(!folder.is_unchanged(), "what cannot be read is tried again");
    }
}
