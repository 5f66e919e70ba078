//! A git repository with the charts and the example, served by `git daemon` on loopback.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use crate::process::Process;
use crate::tools;

/// What of this repository is in it. The chart of the definitions leads to the manifests by a link.
const FOLDERS: [&str; 3] = ["charts", "crds/manifests", "examples/argocd"];

/// The repository.
#[derive(Debug)]
pub struct Repository {
    folder: PathBuf,
    url: String,
    _daemon: Process,
}

impl Repository {
    /// Its one branch.
    pub const BRANCH: &'static str = "main";

    /// Makes one below a folder and serves it.
    pub(super) fn start(folder: &Path) -> Result<Self> {
        let base = folder.join("git");
        let tree = base.join("fairlead");
        for name in FOLDERS {
            let to = tree.join(name);
            fs::create_dir_all(to.parent().context("no parent")?)?;
            run(Command::new("cp")
                .arg("-a")
                .arg(tools::workspace().join(name))
                .arg(&to))?;
        }
        run(git(&tree).args(["init", "--quiet", "--initial-branch", Self::BRANCH]))?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        // Not by `git daemon`, which is another process than the one that serves.
        let programs = run(Command::new("git").arg("--exec-path"))?;
        let daemon = Process::start(
            "git-daemon",
            &Path::new(programs.trim_end()).join("git-daemon"),
            &[
                "--listen=127.0.0.1".to_owned(),
                format!("--port={port}"),
                "--export-all".to_owned(),
                format!("--base-path={}", base.display()),
                base.display().to_string(),
            ],
            folder,
        )?;
        let repository = Self {
            folder: tree,
            url: format!("git://127.0.0.1:{port}/fairlead"),
            _daemon: daemon,
        };
        repository.commit("Begin")?;
        Ok(repository)
    }

    /// Where it is served.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Where its files are.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Replaces a text in a file and commits that; the commit's id.
    ///
    /// # Errors
    /// When the text is not there, or git complains.
    pub fn edit(&self, file: &str, from: &str, to: &str) -> Result<String> {
        let path = self.folder.join(file);
        let text = fs::read_to_string(&path)?;
        ensure!(text.contains(from), "{file} does not hold {from:?}");
        fs::write(&path, text.replace(from, to))?;
        self.commit(&format!("Change {file}"))
    }

    /// Adds a file and commits it; the commit's id.
    ///
    /// # Errors
    /// When it cannot be written, or git complains.
    pub fn add(&self, file: &str, text: &str) -> Result<String> {
        fs::write(self.folder.join(file), text)?;
        self.commit(&format!("Add {file}"))
    }

    fn commit(&self, subject: &str) -> Result<String> {
        run(git(&self.folder).args(["add", "--all"]))?;
        run(git(&self.folder).args(["commit", "--quiet", "--message", subject]))?;
        let id = run(git(&self.folder).args(["rev-parse", "HEAD"]))?;
        Ok(id.trim_end().to_owned())
    }
}

/// Git as nobody in particular: the configuration of whoever runs the tests counts for nothing.
fn git(folder: &Path) -> Command {
    let mut command = Command::new("git");
    command.current_dir(folder).envs([
        ("GIT_CONFIG_GLOBAL", "/dev/null"),
        ("GIT_CONFIG_SYSTEM", "/dev/null"),
        ("GIT_AUTHOR_NAME", "e2e"),
        ("GIT_AUTHOR_EMAIL", "e2e@localhost"),
        ("GIT_COMMITTER_NAME", "e2e"),
        ("GIT_COMMITTER_EMAIL", "e2e@localhost"),
    ]);
    command
}

fn run(command: &mut Command) -> Result<String> {
    let output = command
        .output()
        .with_context(|| format!("cannot run {}", command.get_program().display()))?;
    ensure!(
        output.status.success(),
        "{}: {}",
        command.get_program().display(),
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(String::from_utf8(output.stdout)?)
}
