//! The refresh: what it takes, what it refuses, and the readers of packages.

#![expect(clippy::expect_used, reason = "helpers of tests fail by panicking")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

fn crate_folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A copy of the data, and another one to change.
fn copies() -> (TempDir, PathBuf, PathBuf) {
    let folder = TempDir::new().expect("a temporary folder");
    let (data, new) = (folder.path().join("data"), folder.path().join("new"));
    for copy in [&data, &new] {
        fs::create_dir(copy).expect("a folder");
        for entry in fs::read_dir(crate_folder().join("data")).expect("the data") {
            let path = entry.expect("an entry").path();
            fs::copy(&path, copy.join(path.file_name().expect("a name"))).expect("a copy");
        }
    }
    (folder, data, new)
}

fn refresh(new: &Path, data: &Path) -> (bool, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_catalog-refresh"))
        .args([new, data])
        .output()
        .expect("it runs");
    let text = [output.stdout, output.stderr]
        .map(|bytes| String::from_utf8(bytes).expect("text"))
        .concat();
    (output.status.success(), text)
}

/// Replaces text in a file; it has to be there.
fn edit(file: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(file).expect("a file");
    assert!(text.contains(from), "{from} is not in {}", file.display());
    fs::write(file, text.replacen(from, to, 1)).expect("it is written");
}

const ROW: &str = "gpt-4o\tkind=chat\t@genai $input=2.5 ";

#[test]
fn takes_new_rows_and_prints_what_changed() {
    let (_folder, data, new) = copies();
    edit(
        &new.join("openai.models.tsv"),
        ROW,
        "gpt-4o\tkind=chat\t@genai $input=5 ",
    );
    fs::remove_file(new.join("v0.models.tsv")).expect("a vendor is gone");
    let (passed, text) = refresh(&new, &data);
    assert!(passed, "{text}");
    assert!(
        text.contains("price: openai gpt-4o input: 2.5 -> 5\n"),
        "{text}"
    );
    assert!(text.contains("removed: v0 "), "{text}");
    let rows = fs::read_to_string(data.join("openai.models.tsv")).expect("the rows");
    assert!(rows.contains("gpt-4o\tkind=chat\t@genai $input=5 "));
    assert!(!data.join("v0.models.tsv").exists());
}

#[test]
fn refuses_a_price_that_moved_more_than_tenfold_until_it_is_reviewed() {
    let (_folder, data, new) = copies();
    edit(
        &new.join("openai.models.tsv"),
        ROW,
        "gpt-4o\tkind=chat\t@genai $input=25.01 ",
    );
    let before = fs::read_to_string(data.join("openai.models.tsv")).expect("the rows");
    let (passed, text) = refresh(&new, &data);
    assert!(
        !passed && text.contains("refused: openai gpt-4o input: 2.5 -> 25.01"),
        "{text}"
    );
    assert_eq!(
        fs::read_to_string(data.join("openai.models.tsv")).expect("the rows"),
        before,
        "nothing is written"
    );

    let list = fs::read_to_string(data.join("reviewed.tsv")).expect("the list");
    fs::write(
        data.join("reviewed.tsv"),
        format!("{list}openai\tgpt-4o\tinput\t25.01\tannounced on its page\n"),
    )
    .expect("it is written");
    let (passed, text) = refresh(&new, &data);
    assert!(passed, "{text}");
}

#[test]
fn refuses_what_the_gateway_could_not_read_and_says_where_it_is() {
    let (_folder, data, new) = copies();
    edit(
        &new.join("openai.models.tsv"),
        ROW,
        "gpt-4o\tkind=chat\t@genai $input=2.5e-6 ",
    );
    let (passed, text) = refresh(&new, &data);
    assert!(
        !passed && text.contains("openai, line ") && text.contains("not a decimal number"),
        "{text}"
    );
}

#[test]
fn refuses_to_lose_most_of_the_models() {
    let (_folder, data, new) = copies();
    for entry in fs::read_dir(&new).expect("the folder") {
        let path = entry.expect("an entry").path();
        if path.to_string_lossy().ends_with(".models.tsv") && !path.ends_with("openai.models.tsv") {
            fs::remove_file(path).expect("it is removed");
        }
    }
    let (passed, text) = refresh(&new, &data);
    assert!(
        !passed && text.contains("refused: fewer than 2000 models"),
        "{text}"
    );
    assert!(data.join("anthropic.models.tsv").exists());
}

/// The readers are Python, whose decimals are exact; they bring their own tests. Where there is no Python, nobody refreshes.
#[test]
fn the_readers_of_packages_pass_their_own_tests() {
    let tests = Command::new("python3")
        .args(["-B", "-m", "unittest", "discover", "--start-directory"])
        .arg(crate_folder().join("refresh"))
        .output();
    match tests {
        Ok(output) => assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        ),
        Err(error) => eprintln!("not run: python3: {error}"),
    }
}
