use super::*;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

fn wanted() -> WantedKey {
    WantedKey {
        key: ObjectName::new("search", "checkout"),
        secret: ObjectName::new("search", "checkout-key"),
        data_key: "apiKey".to_owned(),
        served: None,
    }
}

fn rotation(step: RotationStep) -> WantedRotation {
    let WantedKey {
        key,
        secret,
        data_key,
        ..
    } = wanted();
    WantedRotation {
        key,
        secret,
        data_key,
        seen: RotationState::default(),
        step,
    }
}

#[test]
fn a_rotated_key_keeps_its_old_value_over_a_restart_until_it_is_to_be_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let mut told = Vec::new();
    let mut state = State::open(Some(folder.path())).unwrap();
    let mut tell = |_: &ObjectName, value: &str| told.push(value.to_owned());
    state.generate(&[wanted()], &mut tell).unwrap();
    let replace = rotation(RotationStep::Replace {
        served: Some("x".to_owned()),
        overlap: Duration::from_secs(3600),
    });
    state.rotate(&[replace], &mut tell).unwrap();
    let mut reopened = State::open(Some(folder.path())).unwrap();
    let secret = reopened.secrets().remove(&wanted().secret).unwrap();
    let value = |name: &str| secret.data[name].expose().to_vec();
    let seen = &secret.rotation;
    reopened
        .rotate(&[rotation(RotationStep::Forget)], &mut tell)
        .unwrap();
    assert_eq!(told.len(), 2);
    assert_ne!(told[0], told[1]);
    assert_eq!(value("apiKey.previous"), told[0].as_bytes());
    assert_eq!(value("apiKey"), told[1].as_bytes());
    assert_eq!(seen.served.as_deref(), Some("x"));
    let (at, until) = (seen.rotated_at.unwrap(), seen.previous_until.unwrap());
    assert_eq!(until - at, 3600);
    let forgotten = State::open(Some(folder.path())).unwrap().secrets();
    let forgotten = &forgotten[&wanted().secret];
    assert_eq!(forgotten.data.len(), 1);
    assert_eq!(forgotten.rotation.previous_until, None);
    assert_eq!(forgotten.rotation.rotated_at, Some(at));
}

#[test]
fn keys_that_the_version_before_made_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let text = r#"{"search/checkout-key": {"virtualKey": "search/checkout", "dataKey": "apiKey", "value": "sk-0"}}"#;
    std::fs::write(folder.path().join(KEYS), text).unwrap();
    let secrets = State::open(Some(folder.path())).unwrap().secrets();
    assert_eq!(secrets[&wanted().secret].rotation, RotationState::default());
}

#[test]
fn a_generated_key_is_told_once_and_known_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let mut told = Vec::new();
    let mut state = State::open(Some(folder.path())).unwrap();
    state
        .generate(&[wanted()], |_, value| told.push(value.to_owned()))
        .unwrap();
    let reopened = State::open(Some(folder.path())).unwrap();
    let secrets = reopened.secrets();
    let kept = secrets[&wanted().secret].data["apiKey"].expose();
    assert_eq!(told.len(), 1);
    assert_eq!(kept, told[0].as_bytes());
    assert!(kept.len() >= 32);
    let mode = std::fs::metadata(folder.path().join(KEYS))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn the_admin_token_stays_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let token = State::open(Some(folder.path()))
        .unwrap()
        .admin_token()
        .unwrap();
    assert!(token.is_some());
    assert_eq!(
        State::open(Some(folder.path()))
            .unwrap()
            .admin_token()
            .unwrap(),
        token
    );
    assert_eq!(State::open(None).unwrap().admin_token().unwrap(), None);
}

#[test]
fn a_damaged_file_is_named() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(KEYS), "{").unwrap();
    let error = State::open(Some(folder.path())).unwrap_err().to_string();
    assert!(error.contains(KEYS) && error.contains("damaged"), "{error}");
}

/// What the first version kept.
const RECORDED: &str = "snapshot/tests/old/format-1/rich/last-good.json";

#[test]
fn what_the_version_before_kept_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let recorded = Path::new(env!("CARGO_MANIFEST_DIR")).join(RECORDED);
    std::fs::copy(recorded, folder.path().join(LAST_GOOD)).unwrap();
    let state = State::open(Some(folder.path())).unwrap();
    let snapshot = state.last_good().unwrap().unwrap();
    assert!(!snapshot.rules.is_empty() && !snapshot.keys.is_empty());
}

#[test]
fn what_a_newer_version_kept_is_not_taken_for_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let newer = fairlead_snapshot::FORMAT + 1;
    let text = format!(r#"{{"format": {newer}, "shape": "new"}}"#);
    std::fs::write(folder.path().join(LAST_GOOD), text).unwrap();
    let state = State::open(Some(folder.path())).unwrap();
    let error = state.last_good().unwrap_err();
    assert!(
        matches!(error, StateError::Unknown(_, found) if found == newer),
        "{error}"
    );
}
