//! Rotation through the whole compiler: what is in force of a key's values, and what is to be done to its Secret.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of a test fail by panicking, as the test itself does"
)]

use std::collections::BTreeMap;
use std::sync::Arc;

use fairlead_compile::{
    Compiled, Inputs, Reason, RotationState, RotationStep, Secret, Settings, compile, documents,
};
use fairlead_snapshot::{Digest, Key, ObjectName, Previous, Refusal, SecretBytes, Snapshot};

const ONE: &str = "sk-one-0123456789abcdef0123456789abcdef";
const TWO: &str = "sk-two-0123456789abcdef0123456789abcdef";
const THREE: &str = "sk-three-0123456789abcdef0123456789abcdef";
const HOUR: i64 = 3600;

/// What there is at a time.
#[derive(Clone)]
struct World {
    text: String,
    secrets: Vec<(ObjectName, Secret)>,
    now: i64,
}

impl World {
    fn new() -> Self {
        Self {
            text: String::new(),
            secrets: Vec::new(),
            now: 0,
        }
    }

    fn at(mut self, now: i64) -> Self {
        self.now = now;
        self
    }

    /// A key in the namespace `a`; `more` follows its `key`.
    fn key(mut self, name: &str, kind: &str, more: &str) -> Self {
        self.text += &format!(
            "apiVersion: fairlead.dev/v1alpha1\nkind: VirtualKey\nmetadata: {{name: {name}, namespace: a}}\nspec: {{key: {{type: {kind}, secretRef: {{name: {name}}}}}{more}}}\n---\n"
        );
        self
    }

    /// The same with a request to rotate it.
    fn asked(mut self, name: &str, request: &str) -> Self {
        let plain = format!("metadata: {{name: {name},");
        let asked = format!(
            "metadata: {{name: {name}, annotations: {{fairlead.dev/rotate: \"{request}\"}},"
        );
        self.text = self.text.replace(&plain, &asked);
        self
    }

    /// A Secret of values.
    fn secret(
        mut self,
        name: &str,
        values: &[(&str, &str)],
        rotation: Option<RotationState>,
    ) -> Self {
        let data = values
            .iter()
            .map(|(key, value)| ((*key).to_owned(), SecretBytes::new(*value)));
        let secret = Secret {
            labels: BTreeMap::from([("fairlead.dev/secret".to_owned(), "virtual-key".to_owned())]),
            data: Arc::new(data.collect()),
            generated_for: rotation.is_some().then(|| ObjectName::new("a", name)),
            rotation: rotation.unwrap_or_default(),
            ..Secret::default()
        };
        self.secrets.push((ObjectName::new("a", name), secret));
        self
    }

    fn compile(self, previous: Option<&Compiled>) -> Compiled {
        let found = documents("in.yaml", &self.text).unwrap();
        let (mut inputs, strays) = Inputs::from_documents(Settings::new("own"), found);
        assert!(strays.is_empty(), "{strays:?}");
        inputs.secrets = self.secrets.into_iter().collect();
        inputs.now = self.now;
        // As it is read back after a restart.
        let previous: Option<Snapshot> = previous.map(|previous| {
            let text = serde_json::to_string(&previous.snapshot).unwrap();
            serde_json::from_str(&text).unwrap()
        });
        compile(previous.as_ref(), &inputs)
    }
}

/// A supplied key with this value, and so much more in its spec.
fn supplied(value: &str, more: &str) -> World {
    World::new()
        .key("k", "SecretRef", more)
        .secret("k", &[("apiKey", value)], None)
}

/// A generated key whose Secret says this.
fn generated(values: &[(&str, &str)], seen: RotationState, more: &str) -> World {
    World::new()
        .key("k", "Generate", more)
        .secret("k", values, Some(seen))
}

fn of<'c>(compiled: &'c Compiled, name: &str) -> &'c Key {
    &compiled.snapshot.keys[&ObjectName::new("a", name)]
}

fn before(value: &str, until: i64) -> Option<Previous> {
    Some(Previous {
        digest: Digest::of_bytes(value.as_bytes()),
        until,
    })
}

fn is(key: &Key, value: &str) -> bool {
    key.digest == Some(Digest::of_bytes(value.as_bytes()))
}

const OVERLAP: &str = ", rotation: {overlap: 1h}";

#[test]
fn a_supplied_value_is_replaced_at_once_and_works_on_for_the_overlap_alone() {
    let first = supplied(ONE, OVERLAP).at(100).compile(None);
    assert_eq!(of(&first, "k").previous, None);
    let second = supplied(TWO, OVERLAP).at(200).compile(Some(&first));
    assert!(is(of(&second, "k"), TWO));
    assert_eq!(of(&second, "k").previous, before(ONE, 200 + HOUR));
    assert_eq!(second.snapshot.format, 2);
    // Later compiles say the same, so nothing is published for the passing of time.
    for now in [201, 3_000, 50_000] {
        let again = supplied(TWO, OVERLAP).at(now).compile(Some(&second));
        assert_eq!(again.snapshot, second.snapshot, "{now}");
    }
    let third = supplied(THREE, OVERLAP).at(300).compile(Some(&second));
    assert_eq!(
        of(&third, "k").previous,
        before(TWO, 300 + HOUR),
        "one is remembered"
    );
}

#[test]
fn without_a_word_about_rotation_a_supplied_value_is_forgotten_at_once() {
    let first = supplied(ONE, "").at(100).compile(None);
    let second = supplied(TWO, "").at(200).compile(Some(&first));
    assert_eq!(of(&second, "k").previous, None);
    assert_eq!(second.snapshot.format, 1);
}

#[test]
fn an_overlap_that_is_taken_back_ends_the_value_before_at_once() {
    let first = supplied(ONE, OVERLAP).at(100).compile(None);
    let second = supplied(TWO, OVERLAP).at(200).compile(Some(&first));
    let none = supplied(TWO, ", rotation: {overlap: 0s}")
        .at(300)
        .compile(Some(&second));
    assert_eq!(of(&none, "k").previous, before(ONE, 300));
    let longer = supplied(TWO, ", rotation: {overlap: 48h}")
        .at(400)
        .compile(Some(&none));
    assert_eq!(of(&longer, "k").previous, before(ONE, 300));
}

#[test]
fn a_deleted_secret_ends_both_values_and_brings_neither_back() {
    let first = supplied(ONE, OVERLAP).at(100).compile(None);
    let second = supplied(TWO, OVERLAP).at(200).compile(Some(&first));
    let deleted = World::new()
        .key("k", "SecretRef", OVERLAP)
        .at(300)
        .compile(Some(&second));
    let key = of(&deleted, "k");
    assert_eq!((&key.digest, &key.previous), (&None, &None));
    assert_eq!(key.refused, Some(Refusal::NoValue));
    let back = supplied(TWO, OVERLAP).at(400).compile(Some(&deleted));
    assert_eq!(of(&back, "k").previous, None);
}

#[test]
fn nobody_takes_over_the_value_that_a_key_had_before() {
    let first = supplied(ONE, OVERLAP).at(100).compile(None);
    let second = supplied(TWO, OVERLAP).at(200).compile(Some(&first));
    // Neither while it works nor after that, neither as a value nor as the value before.
    for now in [300, 99_999] {
        let thief = supplied(TWO, OVERLAP)
            .key("b", "SecretRef", "")
            .secret("b", &[("apiKey", ONE)], None)
            .at(now)
            .compile(Some(&second));
        assert_eq!(of(&thief, "b").refused, Some(Refusal::Conflict), "{now}");
        assert_eq!(of(&thief, "b").digest, None);
        assert_eq!(of(&thief, "k"), of(&second, "k"));
        let state = RotationState {
            rotated_at: Some(150),
            previous_until: Some(999_999),
            ..RotationState::default()
        };
        let beside = supplied(TWO, OVERLAP)
            .key("b", "Generate", "")
            .secret(
                "b",
                &[("apiKey", THREE), ("apiKey.previous", ONE)],
                Some(state),
            )
            .at(now)
            .compile(Some(&second));
        let key = of(&beside, "b");
        assert!(is(key, THREE) && key.refused.is_none(), "its own works");
        assert_eq!(key.previous, None);
        let verdict = beside
            .verdicts
            .iter()
            .find(|verdict| verdict.name.name == "b")
            .unwrap();
        assert_eq!(verdict.unresolved[0].reason, Reason::Conflict);
        assert_eq!(of(&beside, "k"), of(&second, "k"));
    }
}

#[test]
fn a_value_goes_where_its_owner_puts_it_when_nothing_is_said_about_rotation() {
    let first = supplied(ONE, "").compile(None);
    let moved = supplied(TWO, "")
        .key("b", "SecretRef", "")
        .secret("b", &[("apiKey", ONE)], None)
        .compile(Some(&first));
    assert!(is(of(&moved, "b"), ONE));
}

/// What a Secret says whose value took the place of another at second 200.
fn rotated() -> RotationState {
    RotationState {
        created: Some(0),
        rotated_at: Some(200),
        previous_until: Some(200 + HOUR),
        served: Some("x".to_owned()),
    }
}

const BOTH: [(&str, &str); 2] = [("apiKey", TWO), ("apiKey.previous", ONE)];

#[test]
fn both_values_of_a_generated_key_come_from_its_secret() {
    let compiled = generated(&BOTH, rotated(), OVERLAP).at(300).compile(None);
    let key = of(&compiled, "k");
    assert!(is(key, TWO));
    assert_eq!(key.previous, before(ONE, 200 + HOUR));
    assert_eq!(compiled.rotations, []);
    assert_eq!(compiled.next_rotation, Some(200 + HOUR));
    // What only looks like a value before is none.
    let unsaid = RotationState::default();
    let compiled = generated(&BOTH, unsaid, OVERLAP).at(300).compile(None);
    assert_eq!(of(&compiled, "k").previous, None);
}

#[test]
fn the_value_before_is_taken_out_of_the_secret_when_its_time_is_over_and_stays_known() {
    let first = generated(&BOTH, rotated(), OVERLAP).at(300).compile(None);
    let over = generated(&BOTH, rotated(), OVERLAP)
        .at(200 + HOUR)
        .compile(Some(&first));
    let [wanted] = &over.rotations[..] else {
        panic!("{:?}", over.rotations);
    };
    assert_eq!(wanted.step, RotationStep::Forget);
    assert_eq!(wanted.previous_key(), "apiKey.previous");
    assert_eq!(wanted.seen, rotated());
    let state = RotationState {
        previous_until: None,
        ..rotated()
    };
    let gone = generated(&BOTH[..1], state, OVERLAP)
        .at(201 + HOUR)
        .compile(Some(&over));
    assert_eq!(gone.rotations, []);
    assert_eq!(of(&gone, "k").previous, before(ONE, 200 + HOUR));
}

#[test]
fn a_request_is_wanted_until_the_secret_says_that_it_was_served() {
    let asked = |request: &str| {
        generated(&BOTH[..1], rotated(), "")
            .asked("k", request)
            .at(200)
            .compile(None)
    };
    let [wanted] = &asked("y").rotations[..] else {
        panic!("it is not wanted");
    };
    let day = std::time::Duration::from_secs(24 * 3600);
    assert_eq!(
        wanted.step,
        RotationStep::Replace {
            served: Some("y".to_owned()),
            overlap: day
        }
    );
    assert_eq!(asked("x").rotations, []);
    // A key that is made serves the request that is there already.
    let made = World::new()
        .key("k", "Generate", "")
        .asked("k", "y")
        .compile(None);
    assert_eq!(made.wanted[0].served.as_deref(), Some("y"));
}

#[test]
fn a_suspended_key_is_rotated_without_an_overlap() {
    let compiled = generated(&BOTH[..1], rotated(), ", suspended: true")
        .asked("k", "y")
        .compile(None);
    let RotationStep::Replace { overlap, .. } = compiled.rotations[0].step else {
        panic!("it is not rotated");
    };
    assert!(overlap.is_zero());
}

#[test]
fn a_supplied_key_is_never_rotated_by_us() {
    let compiled = supplied(ONE, OVERLAP).asked("k", "now").compile(None);
    let verdict = &compiled.verdicts[0];
    assert!(verdict.is_good());
    assert!(
        verdict.notes[0]
            .message
            .contains("write another value into the Secret")
    );
    assert_eq!((compiled.rotations, compiled.next_rotation), (vec![], None));
}

#[test]
fn a_rotation_counts_though_the_key_is_not_acceptable_any_more() {
    let first = generated(&BOTH[1..], RotationState::default(), OVERLAP);
    let mut first = first;
    first.secrets.clear();
    let first = first
        .secret("k", &[("apiKey", ONE)], Some(RotationState::default()))
        .at(100)
        .compile(None);
    assert!(is(of(&first, "k"), ONE));
    let bad = ", nonsense: 1";
    let second = generated(&BOTH, rotated(), bad)
        .at(300)
        .compile(Some(&first));
    let key = of(&second, "k");
    assert!(is(key, TWO), "the new value works");
    assert_eq!(
        key.previous,
        before(ONE, 200 + HOUR),
        "the old one for a while"
    );
    let later = generated(&BOTH, rotated(), bad)
        .at(400)
        .compile(Some(&second));
    assert_eq!(of(&later, "k"), key);
    let suspended = generated(&BOTH, rotated(), ", nonsense: 1, suspended: true")
        .at(500)
        .compile(Some(&second));
    assert_eq!(of(&suspended, "k").previous, before(ONE, 500));
}

#[test]
fn a_key_whose_name_in_the_secret_leaves_no_room_is_told_so_and_goes_on() {
    let long = "k".repeat(250);
    let mut world = generated(&[(&long, ONE)], RotationState::default(), "").asked("k", "now");
    world.text = world.text.replace(
        "secretRef: {name: k}",
        &format!("secretRef: {{name: k, key: {long}}}"),
    );
    let compiled = world.compile(None);
    assert!(is(of(&compiled, "k"), ONE));
    assert_eq!(compiled.rotations, []);
    let finding = &compiled.verdicts[0].unresolved[0];
    assert!(finding.message.contains("at most 244"), "{finding}");
}
