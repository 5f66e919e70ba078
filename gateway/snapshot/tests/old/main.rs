//! Versions beside each other: what the version before wrote is read and written as it was, what is written now it can read, and what a later
//! one wrote is refused.
//!
//! `format-1` was recorded from the first version; `format_1.rs` is its reader. Neither is ever changed. When a format has been released, it
//! gets a folder and a reader of its own, and those of the format before the one before it may go.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of a test fail by panicking, as the test itself does"
)]

/// These variants, which are all that there are.
macro_rules! every {
    ($kind:ident: $($variant:ident),+) => {{
        let _ = |one: $kind| match one {
            $($kind::$variant => (),)+
        };
        [$($kind::$variant),+]
    }};
}

mod format_1;
mod limits;
mod rich;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fairlead_snapshot::{
    Addressing, Authentication, Dialect, FORMAT, Index, IndexError, OLDEST, ObjectName, Part,
    Parts, Protocol, Provider, Publication, Refusal, Section, Snapshot,
};

/// What to do about a text that an older reader refuses.
const ADVICE: &str = "Gateways and operators of the version before must be able to read this, for both are upgraded and rolled back one \
after the other. A new member or variant: write it only when it is not at its default (serde: default and skip_serializing_if), and say in \
gateway/snapshot/src/format.rs what readers who do not know it are given instead (`needs`, `reduced`). The list at its top says it all.";

fn recorded(format: u32) -> PathBuf {
    let folder = format!("tests/old/format-{format}");
    Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// What stands in a folder: an index, and its shards named by section and digest.
fn publication(folder: &Path) -> (Index, BTreeMap<String, String>) {
    let index = Index::read(&read(&folder.join("index.json"))).unwrap();
    let name = |(section, digest): (Section, &_)| format!("{}-{digest}", section.as_str());
    let texts = index.named().map(|named| {
        let name = name(named);
        let text = read(&folder.join(format!("{name}.json")));
        (name, text)
    });
    let texts = texts.collect();
    (index, texts)
}

fn parts(index: &Index, texts: &BTreeMap<String, String>) -> Parts {
    let part = |(section, digest): (Section, &fairlead_snapshot::Digest)| {
        let text = &texts[&format!("{}-{digest}", section.as_str())];
        let part = Part::read(section, digest, text).unwrap();
        ((section, digest.clone()), Arc::new(part))
    };
    index.named().map(part).collect()
}

fn texts(publication: &Publication) -> BTreeMap<String, String> {
    let text = |shard: &fairlead_snapshot::Shard| {
        let name = format!("{}-{}", shard.section.as_str(), shard.digest);
        (name, shard.text.clone())
    };
    publication.shards.iter().map(text).collect()
}

/// What the reader of format 1 says of a snapshot that is written for it.
fn as_read_in_format_1(snapshot: &Snapshot) -> Result<(), String> {
    let publication = snapshot.publish(3, None).unwrap();
    let refused = |what: &str, error: serde_json::Error| {
        Err(format!(
            "a reader of format 1 refuses {what}: {error}. {ADVICE}"
        ))
    };
    if let Err(error) = format_1::index(&publication.index.text().unwrap()) {
        return refused("the index", error);
    }
    for shard in &publication.shards {
        if let Err(error) = format_1::shard(shard.section.as_str(), &shard.text) {
            return refused(&format!("the {}", shard.section.as_str()), error);
        }
    }
    let whole = serde_json::to_string(snapshot).unwrap();
    format_1::snapshot(&whole).or_else(|error| refused("the whole", error))
}

#[test]
fn whatever_a_snapshot_says_a_reader_of_the_format_before_can_read_what_is_written_for_it() {
    let snapshot = rich::snapshot();
    assert!(snapshot.format <= FORMAT);
    let (written, _) = snapshot.readable_in(1);
    assert_eq!(as_read_in_format_1(&written), Ok(()));
}

#[test]
fn what_is_written_is_read_again_in_every_format() {
    for format in OLDEST..=FORMAT {
        let snapshot = rich::snapshot();
        let (written, _) = snapshot.readable_in(format);
        let publication = written.publish(3, None).unwrap();
        let index = Index::read(&publication.index.text().unwrap()).unwrap();
        let read = index.join(&parts(&index, &texts(&publication))).unwrap();
        assert_eq!(read, *written);
    }
}

#[test]
fn what_the_first_version_published_is_read_and_published_again_byte_for_byte() {
    for what in ["rich", "defaults"] {
        let folder = recorded(1).join(what);
        let (index, recorded) = publication(&folder);
        let snapshot = index.join(&parts(&index, &recorded)).unwrap();
        assert_eq!(snapshot.format, 1, "{what} needs nothing new. {ADVICE}");
        let again = snapshot.publish(index.generation, None).unwrap();
        assert_eq!(texts(&again), recorded, "{what}. {ADVICE}");
        assert_eq!(
            again.index.text().unwrap(),
            read(&folder.join("index.json"))
        );
    }
}

#[test]
fn what_the_first_version_kept_in_a_file_is_read_and_kept_again_byte_for_byte() {
    for what in ["rich", "defaults"] {
        let text = read(&recorded(1).join(what).join("last-good.json"));
        let snapshot: Snapshot = serde_json::from_str(&text).unwrap();
        assert_eq!(
            serde_json::to_string(&snapshot).unwrap(),
            text,
            "{what}. {ADVICE}"
        );
    }
}

#[test]
fn a_provider_over_http_2_needs_format_2_and_is_one_over_http_1_before() {
    let mut snapshot = rich::snapshot();
    for provider in snapshot.providers.values_mut() {
        provider.timeouts = fairlead_snapshot::Timeouts::default();
    }
    snapshot
        .providers
        .retain(|_, provider| !needs_format_2(provider));
    let Snapshot {
        gateway_namespace,
        providers,
        ..
    } = snapshot;
    let snapshot = Snapshot::new(&gateway_namespace, providers, Vec::new(), BTreeMap::new());
    assert_eq!(snapshot.format, 2);
    assert!(
        serde_json::to_string(&snapshot)
            .unwrap()
            .contains(r#""httpVersion":"http2""#)
    );
    let (before, closed) = snapshot.readable_in(1);
    assert_eq!(
        (before.providers.len(), closed),
        (snapshot.providers.len(), 0)
    );
    assert!(
        !serde_json::to_string(&before)
            .unwrap()
            .contains("httpVersion")
    );
}

/// Whether a reader of format 1 would send it what it does not understand, somebody else's credential, or what was to be changed.
fn needs_format_2(provider: &Provider) -> bool {
    let plain = match &provider.protocol {
        Protocol::Http {
            dialect,
            authentication,
            addressing,
            ..
        } => {
            *dialect == Dialect::OpenAi
                && *authentication == Authentication::Dialect
                && *addressing == Addressing::Below
        }
        Protocol::Simulated(_) => true,
    };
    let amended = !(provider.parameters.is_empty() && provider.headers.is_empty());
    !plain || amended || !provider.limits.is_empty() || provider.endpoints.is_some()
}

#[test]
fn a_provider_that_is_asked_otherwise_is_not_there_before_format_2() {
    let snapshot = rich::snapshot();
    let (before, closed) = snapshot.readable_in(1);
    let foreign = |(name, provider): (_, &Provider)| needs_format_2(provider).then_some(name);
    let foreign: Vec<&ObjectName> = snapshot.providers.iter().filter_map(foreign).collect();
    assert!(foreign.len() > 1);
    // And a rule whose targets change requests, one whose attempts may cost only so much, one that continues with changes, one that constrains with
    // what goes before it, and keys.
    let rules = 3 + CONSTRAINED.len();
    assert_eq!(
        closed,
        foreign.len() + rules + BY_ITSELF.len() + BY_OWNERS.len()
    );
    let nowhere = before.rules.iter().filter(|rule| rule.targets.is_empty());
    assert_eq!(nowhere.count(), rules);
    for name in foreign {
        assert!(!before.providers.contains_key(name), "{name}");
    }
    let text = serde_json::to_string(&before).unwrap();
    for member in [
        "dialect",
        "onUnsupported",
        "vendor",
        "parameters",
        "headers\":{",
        "passthrough",
        "tracing",
        "identity",
        "labels",
        "constrain",
        "selector",
        "maxCost",
        "lowestLatency",
        "lowestCost",
        "leastBusy",
        "strategy\":\"adaptive",
        "endpoints",
        "sticky",
        "mirrors",
        "continues",
        "changes",
        "saidDefaults",
        "logging",
    ] {
        assert!(!text.contains(member), "{member}");
    }
}

/// The rule that constrains, and the Override rules that might go before it: those for everybody.
const CONSTRAINED: [&str; 5] = ["held", "r28", "r30", "r32", "r34"];

#[test]
fn who_knows_no_constraints_serves_nobody_who_may_be_constrained_by_an_override() {
    let snapshot = rich::snapshot();
    let (before, _) = snapshot.readable_in(1);
    let find = |snapshot: &Snapshot, name: &str| {
        let mut rules = snapshot.rules.iter();
        rules.find(|rule| rule.name.name == name).cloned().unwrap()
    };
    for name in CONSTRAINED {
        let (was, is) = (find(&snapshot, name), find(&before, name));
        assert!(is.overrides && is.targets.is_empty() && is.fallbacks.is_empty());
        assert_eq!((&is.scope, &is.when), (&was.scope, &was.when), "{name}");
    }
    // Names are matched as they are sent there, and not as they are meant.
    let constraint = find(&before, CONSTRAINED[0]);
    assert!(constraint.models.is_empty() && !find(&snapshot, CONSTRAINED[0]).models.is_empty());
    assert_eq!(
        constraint.scope,
        fairlead_snapshot::Scope::Namespace(rich::CONSTRAINED.to_owned())
    );
    // Of who is in another namespace nothing is held back, and no rule that goes after it.
    for name in ["r0", "r2", "r6", "r8", "r14", "r22", "r29"] {
        assert_eq!(
            find(&before, name).targets.len(),
            find(&snapshot, name).targets.len(),
            "{name}"
        );
    }
}

#[test]
fn a_rule_that_continues_takes_its_requests_before_format_2_only_if_it_holds_them_to_something() {
    let snapshot = rich::snapshot();
    let (before, _) = snapshot.readable_in(1);
    let find = |name: &str| before.rules.iter().find(|rule| rule.name.name == name);
    let aliased = find("aliased").unwrap();
    assert!(aliased.targets.is_empty() && !aliased.models.is_empty());
    assert_eq!(find("patient"), None);
}

/// The keys that are restricted by what they say: limits, what they may not use, networks, tokens, labels.
const BY_ITSELF: [&str; 5] = ["k5", "k6", "k9", "k10", "k13"];
/// The keys that are limited by their owners.
const BY_OWNERS: [&str; 2] = ["k7", "k8"];

#[test]
fn a_key_that_is_restricted_by_whomever_is_closed_before_format_2() {
    let snapshot = rich::snapshot();
    let (before, _) = snapshot.readable_in(1);
    assert!(before.teams.is_empty() && before.organizations.is_empty());
    for (name, key) in &snapshot.keys {
        let refused = before.keys[name].refused;
        let expected = match key.refused {
            None if BY_ITSELF.contains(&name.name.as_str()) => Some(Refusal::NoValue),
            None if BY_OWNERS.contains(&name.name.as_str()) => Some(Refusal::NoTeam),
            Some(Refusal::NoOrganization) => Some(Refusal::NoTeam),
            as_it_was => as_it_was,
        };
        assert_eq!(refused, expected, "{name}");
    }
    let text = serde_json::to_string(&before).unwrap();
    for member in [
        "limits",
        "deny",
        "price",
        "facts",
        "teams",
        "organizations",
        "oidc",
        "networks",
    ] {
        assert!(!text.contains(&format!("\"{member}\"")), "{member}");
    }
}

#[test]
fn owners_without_limits_need_nothing_new() {
    let Snapshot {
        gateway_namespace,
        keys,
        ..
    } = rich::snapshot();
    let free = keys.into_iter().filter(|(name, _)| name.name == "k11");
    let none = || BTreeMap::new();
    let snapshot = Snapshot::new(&gateway_namespace, none(), Vec::new(), free.collect());
    assert_eq!((snapshot.keys.len(), snapshot.format), (1, OLDEST));
    let index = snapshot.publish(1, None).unwrap().index;
    assert_eq!(index.shards.len(), 3, "{index:?}");
}

#[test]
fn an_index_of_the_next_format_is_refused_before_anything_else_of_it_is_read() {
    let next = FORMAT + 1;
    let text = read(&recorded(1).join("rich/index.json"));
    let text = text.replace(
        "\"format\":1",
        &format!("\"format\":{next},\"sections\":[]"),
    );
    let error = Index::read(&text).unwrap_err();
    assert!(
        matches!(error, IndexError::Newer { found } if found == next),
        "{error}"
    );
}

#[test]
fn a_shard_with_a_member_that_nobody_knows_is_refused() {
    let (index, texts) = publication(&recorded(1).join("rich"));
    for (section, digest) in index.named() {
        let text = &texts[&format!("{}-{digest}", section.as_str())];
        let newer = match section {
            Section::Providers => text.replacen("\"access\":", "\"newer\":1,\"access\":", 1),
            Section::Rules => text.replacen("\"when\":", "\"newer\":1,\"when\":", 1),
            Section::Keys => text.replacen("\"team\":", "\"newer\":1,\"team\":", 1),
            Section::Teams | Section::Organizations => panic!("format 1 has no owners"),
        };
        assert_ne!(newer, *text);
        let digest = fairlead_snapshot::Digest::of_bytes(newer.as_bytes());
        let error = Part::read(section, &digest, &newer)
            .unwrap_err()
            .to_string();
        assert!(error.contains("unknown field `newer`"), "{error}");
        assert!(format_1::shard(section.as_str(), &newer).is_err());
    }
}

#[test]
fn a_rotated_key_stays_open_before_format_2_with_its_new_value_alone() {
    let snapshot = rich::snapshot();
    let rotated = |key: &&fairlead_snapshot::Key| key.previous.is_some();
    let (name, key) = snapshot.keys.iter().find(|(_, key)| rotated(key)).unwrap();
    let (before, _) = snapshot.readable_in(1);
    let written = &before.keys[name];
    assert_eq!((&written.digest, &written.previous), (&key.digest, &None));
    assert_eq!(written.refused, None);
}

#[test]
fn an_entry_whose_restriction_readers_do_not_know_is_closed_to_them() {
    let snapshot = rich::snapshot();
    // No reader of this format knows anything.
    let (closed, count) = snapshot.readable_in(0);
    assert_eq!(
        count,
        snapshot.providers.len() + snapshot.rules.len() + snapshot.keys.len()
    );
    assert!(closed.providers.is_empty());
    assert_eq!(closed.keys.len(), snapshot.keys.len());
    assert!(closed.keys.values().all(|key| key.refused.is_some()));
    // A rule still takes its requests, in its place, and sends them nowhere.
    let names = |snapshot: &Snapshot| -> Vec<_> {
        let rules = snapshot.rules.iter();
        rules
            .map(|rule| (rule.name.clone(), rule.overrides))
            .collect()
    };
    assert_eq!(names(&closed), names(&snapshot));
    let nowhere =
        |rule: &fairlead_snapshot::Rule| rule.targets.is_empty() && rule.fallbacks.is_empty();
    assert!(closed.rules.iter().all(nowhere));
    assert_eq!(
        as_read_in_format_1(&Snapshot {
            format: 1,
            ..closed.into_owned()
        }),
        Ok(())
    );
}
