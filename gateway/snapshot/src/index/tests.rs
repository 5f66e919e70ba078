use super::*;
use crate::{
    Adaptive, Allow, Key, ObjectName, OnUnsupported, Rule, Scope, ShardError, Strategy,
    TimeoutOverrides,
};

fn key(number: usize) -> (ObjectName, Key) {
    let key = Key {
        digest: Some(Digest::of(&number)),
        oidc: None,
        networks: Vec::new(),
        previous: None,
        refused: None,
        expires_at: None,
        team: Some("search".to_owned()),
        organization: None,
        allow: Allow::default(),
        limits: crate::Limits::default(),
    };
    (ObjectName::new("search", format!("key-{number}")), key)
}

fn rule(name: &str, priority: u32) -> Rule {
    Rule {
        name: ObjectName::new("search", name),
        overrides: false,
        scope: Scope::Global,
        priority,
        created: None,
        models: Vec::new(),
        when: None,
        strategy: Strategy::Weighted,
        adaptive: Adaptive::default(),
        targets: Vec::new(),
        fallbacks: Vec::new(),
        timeouts: TimeoutOverrides::default(),
        retries: crate::RetryOverrides::default(),
        stream: crate::Streams::default(),
        hedge: None,
        affinity: None,
        on_unsupported: OnUnsupported::default(),
        constrain: None,
        max_cost: None,
        sticky: None,
        mirrors: Vec::new(),
        continues: false,
        changes: crate::Changes::default(),
        said_defaults: Vec::new(),
        logging: None,
    }
}

fn snapshot(keys: usize) -> Snapshot {
    let mut rules: Vec<Rule> = (0..50)
        .map(|at| rule(&format!("rule-{at}"), 50 - at))
        .collect();
    order::sort(&mut rules);
    Snapshot {
        keys: (0..keys).map(key).collect(),
        rules,
        ..Snapshot::empty("fairlead-system")
    }
}

fn parts(publication: &Publication) -> Parts {
    let read = |shard: &Shard| {
        let part = Part::read(shard.section, &shard.digest, &shard.text).unwrap();
        ((shard.section, shard.digest.clone()), Arc::new(part))
    };
    publication.shards.iter().map(read).collect()
}

#[test]
fn what_was_split_joins_to_the_same_snapshot() {
    let before = snapshot(5_000);
    let publication = before.publish(1, None).unwrap();
    let index = Index::read(&publication.index.text().unwrap()).unwrap();
    assert_eq!(index, publication.index);
    assert_eq!(index.join(&parts(&publication)).unwrap(), before);
}

#[test]
fn an_empty_snapshot_has_no_shards() {
    let publication = Snapshot::empty("a").publish(1, None).unwrap();
    assert!(publication.shards.is_empty());
    assert_eq!(
        publication.index.join(&Parts::new()).unwrap(),
        Snapshot::empty("a")
    );
}

#[test]
fn one_changed_key_changes_one_shard() {
    let mut snapshot = snapshot(5_000);
    let before = snapshot.publish(1, None).unwrap();
    snapshot.keys.values_mut().next().unwrap().team = None;
    let after = snapshot.publish(2, Some(&before.index)).unwrap();
    let new = after
        .shards
        .iter()
        .filter(|shard| !before.shards.contains(shard));
    assert_eq!(new.count(), 1);
}

#[test]
fn growth_keeps_the_buckets_until_they_are_twice_too_large() {
    let count = |publication: &Publication| publication.index.shards[&Section::Keys].len();
    let first = snapshot(4_000).publish(1, None).unwrap();
    let larger = snapshot(7_000).publish(2, Some(&first.index)).unwrap();
    assert_eq!(count(&larger), count(&first));
    let large = snapshot(40_000).publish(3, Some(&first.index)).unwrap();
    assert!(count(&large) > count(&first));
    let most = large.shards.iter().map(|shard| shard.text.len()).max();
    assert!(most < Some(128 * 1024), "{most:?}");
}

#[test]
fn large_entries_that_fall_together_are_split_apart() {
    let mut snapshot = snapshot(8);
    for key in snapshot.keys.values_mut() {
        key.team = Some("x".repeat(300 * 1024));
    }
    let publication = snapshot.publish(1, None).unwrap();
    assert!(
        publication
            .shards
            .iter()
            .all(|shard| shard.text.len() < 1024 * 1024)
    );
}

#[test]
fn refuses_a_shard_whose_text_was_changed() {
    let publication = snapshot(1).publish(1, None).unwrap();
    let shard = &publication.shards[0];
    let error = Part::read(
        shard.section,
        &shard.digest,
        &shard.text.replace("rule-1", "rule-x"),
    )
    .unwrap_err();
    assert!(matches!(error, ShardError::Digest { .. }), "{error}");
}

#[test]
fn refuses_an_index_of_a_newer_format_whatever_else_it_says() {
    let newer = FORMAT + 1;
    let error = Index::read(&format!(r#"{{"format": {newer}, "shape": "new"}}"#)).unwrap_err();
    assert!(
        matches!(error, IndexError::Newer { found } if found == newer),
        "{error}"
    );
}

#[test]
fn says_which_shard_is_missing() {
    let publication = snapshot(1).publish(1, None).unwrap();
    let error = publication.index.join(&Parts::new()).unwrap_err();
    assert!(matches!(error, IndexError::Missing { .. }), "{error}");
}

#[test]
fn names_that_were_chosen_to_fall_together_make_no_shard_too_large_and_touch_no_other() {
    let quiet = snapshot(5_000);
    let before = quiet.publish(1, None).unwrap();
    let buckets = before.index.shards[&Section::Keys].len();
    let together = (0_u32..)
        .map(|at| ObjectName::new("hostile", format!("k{at}")))
        .filter(|name| {
            let digest = Digest::of_bytes(name.to_string().as_bytes());
            digest.as_str().get(6..8) == Some("00")
        });
    let mut hostile = quiet.clone();
    let (_, mut large) = key(0);
    large.team = Some("x".repeat(100 * 1024));
    hostile
        .keys
        .extend(together.take(10).map(|name| (name, large.clone())));
    let after = hostile.publish(2, Some(&before.index)).unwrap();
    let most = after.shards.iter().map(|shard| shard.text.len()).max();
    assert!(most <= Some(512 * 1024), "{most:?}");
    let new = after
        .shards
        .iter()
        .filter(|shard| !before.shards.contains(shard));
    assert_eq!(new.count(), 3, "their bucket, and what did not fit into it");
    assert_eq!(after.index.join(&parts(&after)).unwrap(), hostile);
    let once_more = hostile.publish(3, Some(&after.index)).unwrap();
    assert_eq!(once_more.shards, after.shards);
    assert!(buckets > 1 && buckets < after.index.shards[&Section::Keys].len());
}
