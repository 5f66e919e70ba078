//! Writes `crds/manifests/`, one file a kind. With `--check` it writes nothing and exits 1 if a file differs.

use std::path::Path;
use std::process::ExitCode;

#[expect(clippy::print_stderr, reason = "a generator talks to its terminal")]
fn main() -> ExitCode {
    let check = std::env::args()
        .nth(1)
        .is_some_and(|argument| argument == "--check");
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("manifests");
    let mut drifted = false;
    for (name, text) in fairlead_crds::manifests() {
        let path = directory.join(&name);
        if std::fs::read_to_string(&path).is_ok_and(|found| found == text) {
            continue;
        }
        if check {
            eprintln!("crds/manifests/{name} is out of date; run `make generate`");
            drifted = true;
        } else if let Err(error) = std::fs::write(&path, text) {
            eprintln!("cannot write {}: {error}", path.display());
            return ExitCode::FAILURE;
        }
    }
    if drifted {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}
