//! What Argo CD is told about our kinds (`examples/argocd`).

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

const PREFIX: &str = "resource.customizations.health.fairlead.dev_";

#[test]
fn every_kind_has_a_health_check_under_a_key_of_its_own() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/argocd/apps/argocd-cm.yaml");
    let text = std::fs::read_to_string(path).unwrap();
    let map: Value = serde_saphyr::from_str(&text).unwrap();
    let data = map["data"].as_object().unwrap();
    assert!(
        !data.contains_key("resource.customizations"),
        "a merge would replace what somebody has there"
    );
    let ours = |key: &String| key.strip_prefix(PREFIX).map(str::to_owned);
    let told: BTreeSet<String> = data.keys().filter_map(ours).collect();
    let kinds = fairlead_crds::all()
        .into_iter()
        .map(|crd| crd.spec.names.kind);
    assert_eq!(told, kinds.collect());
    let mut checks = data
        .iter()
        .filter(|(key, _)| key.starts_with(PREFIX))
        .map(|(_, check)| check);
    let first = checks.next().unwrap();
    assert!(
        checks.all(|check| check == first),
        "all kinds have the same conditions"
    );
}
