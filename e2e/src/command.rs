//! Runs a program to its end and takes what it printed; a failure carries its complaint.

use std::process::Stdio;

use anyhow::{Context as _, Result, bail};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

/// What it printed on standard output.
///
/// # Errors
/// With what it printed on standard error, if it does not end well.
pub(crate) async fn output(command: &mut Command) -> Result<String> {
    output_of(command, "").await
}

/// As [`output`], with something to read on standard input.
pub(crate) async fn output_of(command: &mut Command, input: &str) -> Result<String> {
    let shown = shown(command);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("cannot run {shown}"))?;
    let mut stdin = child.stdin.take().context("no way in")?;
    // A program that does not read all of it says why by its status.
    let write = async {
        let _ = stdin.write_all(input.as_bytes()).await;
        drop(stdin);
    };
    let (output, ()) = tokio::join!(child.wait_with_output(), write);
    let output = output?;
    if !output.status.success() {
        let complaint = String::from_utf8_lossy(&output.stderr);
        bail!("{shown}: {}: {}", output.status, complaint.trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn shown(command: &Command) -> String {
    let command = command.as_std();
    let mut words = vec![command.get_program().to_string_lossy()];
    words.extend(command.get_args().map(|word| word.to_string_lossy()));
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_failure_carries_the_command_and_its_complaint() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo the tap is dry >&2; exit 4"]);
        let error = output(&mut command).await.unwrap_err().to_string();
        assert!(
            error.starts_with("sh -c") && error.contains("exit status: 4: the tap is dry"),
            "{error}"
        );
    }

    #[tokio::test]
    async fn input_reaches_the_program() {
        let said = output_of(&mut Command::new("cat"), "hello").await.unwrap();
        assert_eq!(said, "hello");
    }
}
