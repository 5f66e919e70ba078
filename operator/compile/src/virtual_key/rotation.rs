//! Rotation: which value a key had before its present one, for how long that works, and when a generated value is to be replaced.
//!
//! The value before a generated one stands beside it in its Secret, so both come from one object. Of a supplied one only the digest is known, from
//! the live snapshot. Whatever says so, the time that is left to a value never grows.

use std::time::Duration;

use fairlead_crds::text::DurationText;
use fairlead_crds::v1alpha1::{KeySourceType, Rotation, VirtualKeySpec};
use fairlead_crds::{PREVIOUS_SUFFIX, ROTATE_ANNOTATION};
use fairlead_snapshot::{Digest, Key, KeyDigest, ObjectName, Previous, Refusal};

use crate::finding::{Finding, Reason};
use crate::path::Path;
use crate::secret::RotationState;

/// An hour, in seconds.
const HOUR: u64 = 3600;
/// How long a value works beside its successor where nothing is said.
const OVERLAP: Duration = Duration::from_secs(24 * HOUR);
/// The youngest and the oldest that a value may become.
const EVERY: (Duration, Duration) = (Duration::from_secs(HOUR), Duration::from_secs(8784 * HOUR));
/// Values are replaced within this part of their time before its end, so that those which were made together are not replaced together.
const SPREAD: i64 = 10;
/// The longest request to rotate a key, in bytes: what was served is noted in the key's Secret.
pub const ROTATION_REQUEST_BYTES: usize = 256;
/// What is wrong with `spec.rotation` of a key that has no value.
const NO_VALUE: &str =
    "rotation goes with key.type: Generate and SecretRef; tokens are replaced by their issuer";
/// The longest key in a Secret's `data`.
const DATA_KEY: usize = 253;

/// Something to do to the Secret of a generated key: the shell does it in one write, if the Secret still says what was seen, and compiles again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WantedRotation {
    /// The virtual key.
    pub key: ObjectName,
    /// Its Secret.
    pub secret: ObjectName,
    /// The key in the Secret under which the value stands; the one before it stands under [`Self::previous_key`].
    pub data_key: String,
    /// What the Secret said of its value.
    pub seen: RotationState,
    /// What is to be done.
    pub step: RotationStep,
}

/// What is to be done to the Secret of a generated key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RotationStep {
    /// The value is replaced by a new one.
    Replace {
        /// The request that is served by then: what the annotation `fairlead.dev/rotate` of the virtual key says.
        served: Option<String>,
        /// How long the old value works beside the new one; it is kept if this is longer than nothing.
        overlap: Duration,
    },
    /// The value before is taken away: its time is over.
    Forget,
}

impl WantedRotation {
    /// The key in the Secret under which the value before stands.
    #[must_use]
    pub fn previous_key(&self) -> String {
        previous_key(&self.data_key)
    }
}

pub(super) fn previous_key(data_key: &str) -> String {
    format!("{data_key}{PREVIOUS_SUFFIX}")
}

/// The request to rotate a generated key, as the annotation of the object says it; an empty one asks for nothing.
///
/// # Errors
/// It is too long to be noted.
pub(super) fn request(annotation: Option<&str>) -> Result<Option<&str>, Finding> {
    let request = annotation.filter(|request| !request.is_empty());
    if request.is_none_or(|request| request.len() <= ROTATION_REQUEST_BYTES) {
        return Ok(request);
    }
    let message = format!(
        "is longer than the {ROTATION_REQUEST_BYTES} bytes it may have, so nothing is rotated; a time such as 2026-12-01T09:00:00Z will do"
    );
    Err(annotation_finding(message))
}

/// What is to be said of a request to rotate a key that nobody here made a value for.
pub(super) fn stray_request() -> Finding {
    annotation_finding(
        "asks for nothing but with key.type: Generate; with SecretRef, write another value into the Secret"
            .to_owned(),
    )
}

fn annotation_finding(message: String) -> Finding {
    let annotations = Path::of("metadata").field("annotations");
    Finding::new(
        &annotations.field(ROTATE_ANNOTATION),
        Reason::Invalid,
        message,
    )
}

/// What is wrong with `spec.rotation`, as the CRD has it.
pub(super) fn faults(spec: &VirtualKeySpec) -> Vec<Finding> {
    let Some(rotation) = &spec.rotation else {
        return Vec::new();
    };
    let path = Path::of("spec").field("rotation");
    if spec.key.kind == KeySourceType::Oidc {
        return vec![Finding::new(&path, Reason::Invalid, NO_VALUE)];
    }
    let mut faults = Vec::new();
    let mut fault = |field: &str, wrong: bool, message: &str| {
        if wrong {
            faults.push(Finding::new(&path.field(field), Reason::Invalid, message));
        }
    };
    let in_millis = |text: &DurationText| text.as_str().contains("ms");
    let every = rotation.every.as_ref();
    let within = |every: Duration| (EVERY.0..=EVERY.1).contains(&every);
    fault(
        "every",
        every.is_some_and(|every| in_millis(every) || !within(every.to_duration())),
        "must be whole seconds, from 1h to 8784h",
    );
    fault(
        "every",
        every.is_some() && spec.key.kind != KeySourceType::Generate,
        "every goes with key.type: Generate only; a value that stands in a Secret is rotated by writing another",
    );
    fault(
        "overlap",
        rotation
            .overlap
            .as_ref()
            .is_some_and(|overlap| in_millis(overlap) || overlap.to_duration() > EVERY.1),
        "must be whole seconds, at most 8784h",
    );
    fault(
        "overlap",
        every.is_some_and(|every| overlap_of(rotation) >= every.to_duration()),
        "overlap (absent: 24h) must be shorter than every",
    );
    faults
}

fn overlap_of(rotation: &Rotation) -> Duration {
    let overlap = rotation.overlap.as_ref();
    overlap.map_or(OVERLAP, DurationText::to_duration)
}

/// How long a value works beside its successor; `None`: it is forgotten as soon as there is another.
pub(super) fn overlap(spec: &VirtualKeySpec) -> Option<Duration> {
    match (&spec.rotation, spec.key.kind) {
        (Some(rotation), _) => Some(overlap_of(rotation)),
        (None, KeySourceType::Generate) => Some(OVERLAP),
        (None, KeySourceType::SecretRef | KeySourceType::Oidc) => None,
    }
}

/// What is known of a key when its value before is looked for.
pub(super) struct Known<'a> {
    /// Its last accepted version.
    pub(super) past: Option<&'a Key>,
    /// See [`overlap`].
    pub(super) overlap: Option<Duration>,
    /// It is suspended, so no other value is to come back with it.
    pub(super) suspended: bool,
    /// Seconds since 1970.
    pub(super) now: i64,
}

impl Known<'_> {
    /// The value before a supplied one.
    pub(super) fn of_supplied(&self, digest: &KeyDigest) -> Option<Previous> {
        let overlap = seconds(self.overlap?);
        self.remembered(digest, self.now.saturating_add(overlap))
    }

    /// The value before a generated one. `held`: the one that stands beside it in its Secret, with the time that was written there. What stands there
    /// no more is over, whoever took it away.
    pub(super) fn of_generated(
        &self,
        digest: &KeyDigest,
        held: Option<Previous>,
        rotated_at: Option<i64>,
    ) -> Option<Previous> {
        let overlap = seconds(self.overlap?);
        let Some(held) = held.filter(|held| held.digest != *digest) else {
            return self.remembered(digest, self.now);
        };
        // A clock that was ahead when this was written gives it no more time either.
        let mut until = held.until.min(self.now.saturating_add(overlap));
        if let Some(at) = rotated_at {
            until = until.min(at.saturating_add(overlap));
        }
        let before = self.past.and_then(|past| past.previous.as_ref());
        if let Some(before) = before.filter(|before| before.digest == held.digest) {
            until = until.min(before.until);
        }
        Some(self.unless_suspended(Previous { until, ..held }))
    }

    /// What the live snapshot says, at most until `most`.
    fn remembered(&self, digest: &KeyDigest, most: i64) -> Option<Previous> {
        let past = self.past?;
        let present = past.digest.as_ref()?;
        let previous = if present == digest {
            past.previous.clone()?
        } else {
            // Whoever changes a value while the key is suspended has a reason to.
            let suspended = past.refused == Some(Refusal::Suspended);
            Previous {
                digest: present.clone(),
                until: if suspended { self.now } else { most },
            }
        };
        let until = previous.until.min(most);
        Some(self.unless_suspended(Previous { until, ..previous }))
    }

    fn unless_suspended(&self, previous: Previous) -> Previous {
        let most = if self.suspended { self.now } else { i64::MAX };
        Previous {
            until: previous.until.min(most),
            ..previous
        }
    }
}

/// What is to be done to the Secret of a generated key, or when there will be something.
pub(super) enum Plan {
    Now(RotationStep),
    At(Option<i64>),
}

/// What a generated key asks for.
pub(super) struct Asked<'a> {
    /// The key.
    pub(super) name: &'a ObjectName,
    /// `spec.rotation.every`.
    pub(super) every: Option<Duration>,
    /// See [`overlap`].
    pub(super) overlap: Duration,
    /// See [`request`].
    pub(super) request: Option<&'a str>,
}

impl Asked<'_> {
    /// What is to be done at `now`. `previous`: the value before, as it is enforced.
    pub(super) fn plan(&self, seen: &RotationState, previous: Option<&Previous>, now: i64) -> Plan {
        let request = self
            .request
            .filter(|request| seen.served.as_deref() != Some(request));
        // Of a value whose age nobody knows it is taken that it is old enough.
        let made = seen
            .rotated_at
            .or(seen.created)
            .unwrap_or_default()
            .min(now);
        let due = self.every.map(|every| {
            made.saturating_add(seconds(every))
                .saturating_sub(self.spread(every))
        });
        if request.is_some() || due.is_some_and(|due| due <= now) {
            let served = request.map(str::to_owned).or_else(|| seen.served.clone());
            let overlap = self.overlap;
            return Plan::Now(RotationStep::Replace { served, overlap });
        }
        let over = seen
            .previous_until
            .map(|until| previous.map_or(until, |previous| previous.until.min(until)));
        if over.is_some_and(|over| over <= now) {
            return Plan::Now(RotationStep::Forget);
        }
        Plan::At(due.into_iter().chain(over).min())
    }

    /// By how much this key is early: always the same, and never so much that the next rotation would end the overlap of the last.
    fn spread(&self, every: Duration) -> i64 {
        let every = seconds(every);
        let most = (every / SPREAD).min(every - seconds(self.overlap)).max(0);
        let digest = Digest::of(self.name);
        let chance = digest.as_str().get(..12).unwrap_or_default();
        i64::from_str_radix(chance, 16).unwrap_or_default() % (most + 1)
    }
}

/// Whether the value before can stand beside the one under this key in a Secret.
///
/// # Errors
/// Its name would be too long.
pub(super) fn room_beside(data_key: &str) -> Result<(), Finding> {
    if previous_key(data_key).len() <= DATA_KEY {
        return Ok(());
    }
    let path = Path::of("spec")
        .field("key")
        .field("secretRef")
        .field("key");
    let message = format!(
        "is too long for a key that is rotated: the value before stands beside it under a name that is longer by {PREVIOUS_SUFFIX:?}; use at most {} characters",
        DATA_KEY - PREVIOUS_SUFFIX.len()
    );
    Err(Finding::new(&path, Reason::Invalid, message))
}

fn seconds(length: Duration) -> i64 {
    i64::try_from(length.as_secs()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
