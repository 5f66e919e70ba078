use super::*;
use fairlead_snapshot::{Allow, Digest};

const VALUE: &[u8] = b"sk-0123456789abcdef0123456789abcdef";

fn key(value: &[u8]) -> Key {
    Key {
        digest: Some(Digest::of_bytes(value)),
        oidc: None,
        networks: Vec::new(),
        previous: None,
        refused: None,
        expires_at: None,
        team: None,
        organization: None,
        allow: Allow::default(),
        limits: fairlead_snapshot::Limits::default(),
    }
}

fn keys(named: &[(&str, &Key)]) -> Keys<usize> {
    Keys::build(
        named
            .iter()
            .enumerate()
            .map(|(at, (name, key))| (ObjectName::new("search", *name), *key, at)),
    )
}

fn found(keys: &Keys<usize>, value: &[u8]) -> Result<String, Refused> {
    keys.find(value, 0, || None)
        .map(|admitted| admitted.name.name.clone())
}

#[test]
fn finds_each_key_by_its_value_and_brings_its_context() {
    let keys = keys(&[("one", &key(VALUE)), ("two", &key(b"other"))]);
    assert_eq!(found(&keys, VALUE), Ok("one".to_owned()));
    assert_eq!(keys.find(b"other", 0, || None).unwrap().context, 1);
    assert_eq!(keys.len(), 2);
}

#[test]
fn refuses_a_value_that_no_key_has() {
    let keys = keys(&[("one", &key(VALUE))]);
    assert_eq!(found(&keys, b""), Err(Refused::Unknown));
    assert_eq!(found(&keys, &VALUE[1..]), Err(Refused::Unknown));
    assert_eq!(
        found(&keys, Digest::of_bytes(VALUE).as_str().as_bytes()),
        Err(Refused::Unknown)
    );
}

#[test]
fn refuses_a_value_over_512_bytes_even_if_a_key_has_it() {
    let (longest, longer) = (vec![b'k'; 512], vec![b'k'; 513]);
    let keys = keys(&[("longest", &key(&longest)), ("longer", &key(&longer))]);
    assert_eq!(found(&keys, &longest), Ok("longest".to_owned()));
    assert_eq!(found(&keys, &longer), Err(Refused::Unknown));
}

#[test]
fn refuses_an_expired_key_from_its_very_second_on() {
    let keys = keys(&[(
        "one",
        &Key {
            expires_at: Some(1_000),
            ..key(VALUE)
        },
    )]);
    assert!(keys.find(VALUE, 999, || None).is_ok());
    assert_eq!(
        keys.find(VALUE, 1_000, || None).unwrap_err(),
        Refused::Expired
    );
}

const BEFORE: &[u8] = b"sk-before-0123456789abcdef0123456789";

/// A key whose value before is refused from second 1,000 on.
fn rotated() -> Key {
    Key {
        previous: Some(Previous {
            digest: Digest::of_bytes(BEFORE),
            until: 1_000,
        }),
        ..key(VALUE)
    }
}

#[test]
fn the_value_before_opens_the_same_key_until_its_very_second() {
    let keys = keys(&[("bystander", &key(b"other")), ("one", &rotated())]);
    for value in [VALUE, BEFORE] {
        let admitted = keys.find(value, 999, || None).unwrap();
        assert_eq!((admitted.name.name.as_str(), admitted.context), ("one", 1));
    }
    assert_eq!(
        keys.find(BEFORE, 1_000, || None).unwrap_err(),
        Refused::Rotated
    );
    assert!(keys.find(VALUE, 1_000, || None).is_ok());
    assert!(keys.find(b"other", 1_000, || None).is_ok());
    assert_eq!(keys.len(), 2, "it is one key");
}

#[test]
fn what_refuses_a_key_refuses_the_value_before_too() {
    for (more, refused) in [
        (
            Key {
                refused: Some(Refusal::Suspended),
                ..rotated()
            },
            Refused::Suspended,
        ),
        (
            Key {
                refused: Some(Refusal::Conflict),
                ..rotated()
            },
            Refused::Unknown,
        ),
        (
            Key {
                digest: None,
                refused: Some(Refusal::NoValue),
                ..rotated()
            },
            Refused::Unknown,
        ),
        (
            Key {
                expires_at: Some(-1),
                ..rotated()
            },
            Refused::Expired,
        ),
    ] {
        assert_eq!(found(&keys(&[("one", &more)]), BEFORE), Err(refused));
    }
}

#[test]
fn a_value_before_takes_the_place_of_no_value() {
    for order in [["one", "two"], ["two", "one"]] {
        let (one, two) = (rotated(), key(BEFORE));
        let named = order.map(|name| (name, if name == "one" { &one } else { &two }));
        assert_eq!(found(&keys(&named), BEFORE), Ok("two".to_owned()));
    }
}

#[test]
fn a_suspended_key_is_told_so_even_when_it_has_expired() {
    let keys = keys(&[(
        "one",
        &Key {
            refused: Some(Refusal::Suspended),
            expires_at: Some(-1),
            ..key(VALUE)
        },
    )]);
    assert_eq!(found(&keys, VALUE), Err(Refused::Suspended));
}

#[test]
fn a_key_with_networks_is_good_from_there_alone_and_tells_nothing_elsewhere() {
    let narrow = Key {
        networks: vec![
            "10.1.0.0/16".parse().unwrap(),
            "2001:db8::/32".parse().unwrap(),
        ],
        ..key(VALUE)
    };
    let from = |key: &Key, address: &str| {
        let address = address.parse().ok();
        keys(&[("one", key)]).find(VALUE, 0, || address).map(|_| ())
    };
    for inside in ["10.1.2.3", "::ffff:10.1.2.3", "2001:db8::1"] {
        assert_eq!(from(&narrow, inside), Ok(()), "{inside}");
    }
    for outside in ["10.2.0.1", "::1", "2001:db9::1", "unknown"] {
        assert_eq!(from(&narrow, outside), Err(Refused::Elsewhere), "{outside}");
    }
    let suspended = Key {
        refused: Some(Refusal::Suspended),
        ..narrow
    };
    assert_eq!(from(&suspended, "10.2.0.1"), Err(Refused::Elsewhere));
    assert_eq!(from(&suspended, "10.1.2.3"), Err(Refused::Suspended));
    assert_eq!(from(&key(VALUE), "unknown"), Ok(()));
}

#[test]
fn what_a_key_lacks_is_told_where_it_says_nothing_of_others() {
    for (refusal, told) in [
        (Refusal::NoValue, Refused::Unknown),
        (Refusal::Conflict, Refused::Unknown),
        (Refusal::NoTeam, Refused::Ownerless),
        (Refusal::NoOrganization, Refused::Ownerless),
    ] {
        let keys = keys(&[(
            "one",
            &Key {
                refused: Some(refusal),
                ..key(VALUE)
            },
        )]);
        assert_eq!(found(&keys, VALUE), Err(told), "{refusal:?}");
    }
}

#[test]
fn of_two_keys_with_one_value_the_first_stays_unless_it_is_the_one_in_conflict() {
    let conflicting = Key {
        refused: Some(Refusal::Conflict),
        ..key(VALUE)
    };
    assert_eq!(
        found(&keys(&[("a", &conflicting), ("b", &key(VALUE))]), VALUE),
        Ok("b".to_owned())
    );
    assert_eq!(
        found(&keys(&[("a", &key(VALUE)), ("b", &key(VALUE))]), VALUE),
        Ok("a".to_owned())
    );
}

#[test]
fn a_key_without_its_team_does_not_leave_its_value_to_another() {
    let teamless = Key {
        refused: Some(Refusal::NoTeam),
        ..key(VALUE)
    };
    assert_eq!(
        found(&keys(&[("a", &teamless), ("b", &key(VALUE))]), VALUE),
        Err(Refused::Ownerless)
    );
}

#[test]
fn skips_a_key_whose_digest_is_missing_or_malformed() {
    for digest in [
        "",
        "ab",
        &"0".repeat(63),
        &"0".repeat(66),
        &"g".repeat(64),
        &"é".repeat(32),
    ] {
        let malformed: Digest =
            serde_json::from_value(serde_json::Value::String(digest.to_owned())).unwrap();
        assert!(
            keys(&[(
                "one",
                &Key {
                    digest: Some(malformed),
                    ..key(VALUE)
                }
            )])
            .is_empty(),
            "{digest}"
        );
    }
    assert!(
        keys(&[(
            "one",
            &Key {
                digest: None,
                ..key(VALUE)
            }
        )])
        .is_empty()
    );
}
