//! Processes that are started here and end with this one.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

/// How long a process has to end when asked, before it is killed.
const END: Duration = Duration::from_secs(5);

/// A command with as many descriptors as it may have. The limit is a process's own, and only a shell sets it without unsafe code.
pub(crate) fn roomy(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new("sh");
    let raise = "ulimit -n 65536 2>/dev/null || ulimit -n \"$(ulimit -H -n)\"; exec \"$0\" \"$@\"";
    command.args(["-c", raise]).arg(program);
    command
}

/// Asks a process to end and waits for it; kills it if it takes too long.
pub(crate) fn end(child: &mut Child) {
    // TERM, not KILL: nginx's workers outlive a killed master. The shell's own `kill` is on every system.
    let _ = Command::new("sh")
        .args(["-c", &format!("kill -TERM {}", child.id())])
        .stderr(Stdio::null())
        .status();
    let step = Duration::from_millis(10);
    let mut waited = Duration::ZERO;
    while waited < END && matches!(child.try_wait(), Ok(None)) {
        #[expect(
            clippy::disallowed_methods,
            reason = "Drop cannot wait otherwise, and nothing is measured meanwhile"
        )]
        std::thread::sleep(step);
        waited += step;
    }
    let _ = child.kill();
    let _ = child.wait();
}

/// A subcommand of this program in a process of its own, so that its CPU time is nobody else's.
pub(crate) struct Helper {
    child: Child,
    /// What it said when it was ready.
    pub(crate) line: String,
    /// Kept open: the child would fail to write to a closed one.
    _said: BufReader<ChildStdout>,
}

impl Helper {
    /// Starts it, and waits for its first line.
    pub(crate) fn start(arguments: &[&OsStr]) -> Result<Self> {
        let mut child = roomy(std::env::current_exe()?)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()?;
        let output = child.stdout.take().context("its output")?;
        let (mut said, mut line) = (BufReader::new(output), String::new());
        said.read_line(&mut line)?;
        let helper = Self {
            child,
            line: line.trim().to_owned(),
            _said: said,
        };
        ensure!(
            !helper.line.is_empty(),
            "{arguments:?} failed; what it said stands above"
        );
        Ok(helper)
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
