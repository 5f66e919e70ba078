//! The committed manifests and the API reference are what the types say.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/manifests"))
}

#[test]
fn each_generated_file_is_the_one_the_types_generate() {
    for (name, text) in fairlead_crds::generated() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(&name);
        let committed = fs::read_to_string(path).unwrap_or_default();
        assert!(
            committed == text,
            "{name} is out of date; run `make generate`"
        );
    }
}

#[test]
fn there_is_a_manifest_for_each_kind_and_no_other() {
    let generated: BTreeSet<String> = fairlead_crds::manifests()
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    assert_eq!(
        generated.len(),
        fairlead_crds::all().len(),
        "a CRD was left out: it cannot be written as YAML"
    );
    let committed: BTreeSet<String> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(
        committed, generated,
        "crds/manifests/ holds other files than crdgen writes; run `make generate` and remove the rest"
    );
}
