//! Writes what is generated from the types: `crds/manifests/`, one file a kind, and `docs/api.md`.

use std::path::Path;
use std::process::ExitCode;

#[expect(clippy::print_stderr, reason = "a generator talks to its terminal")]
fn main() -> ExitCode {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for (name, text) in fairlead_crds::generated() {
        if let Err(error) = std::fs::write(root.join(&name), text) {
            eprintln!("cannot write {name}: {error}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
