//! What the compiler says about one object: whether it is accepted, whether what it names is there, and which version is in force.
//!
//! The operator writes [`conditions`] into the object's status; `check` prints them through [`crate::report()`].

use std::sync::Arc;

use fairlead_crds::v1alpha1::{ACCEPTED, RESOLVED_REFS};
use fairlead_snapshot::ObjectName;

use crate::document::Origin;
use crate::finding::Finding;

/// The longest message that Kubernetes takes in a condition is 32 KiB; nobody reads that far.
const MESSAGE_CHARS: usize = 1024;

/// What the compiler says about one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The object's kind.
    pub kind: String,
    /// Its namespace and name; empty where the object gives none.
    pub name: ObjectName,
    /// The generation that was looked at.
    pub generation: Option<i64>,
    /// The file it stands in.
    pub file: Option<Arc<str>>,
    /// The line on which it begins.
    pub line: Option<u32>,
    /// The object's own faults; none: it is accepted.
    pub faults: Vec<Finding>,
    /// What it names and cannot have; none: its references are resolved.
    pub unresolved: Vec<Finding>,
    /// Worth knowing, but harmless.
    pub notes: Vec<Finding>,
    /// The version that counts.
    pub in_force: InForce,
}

/// The version of an object that counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InForce {
    /// This one.
    This,
    /// The last accepted one, because this one is not acceptable.
    Previous,
    /// None: a rule matches nothing, a provider cannot be used, a key is refused.
    Nothing,
}

impl Verdict {
    /// Whether nothing is wrong with the object or with what it names.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.faults.is_empty() && self.unresolved.is_empty()
    }

    /// A verdict on something that stands in `origin`; findings get their lines.
    pub(crate) fn new(
        kind: &str,
        name: ObjectName,
        generation: Option<i64>,
        origin: &Origin,
    ) -> Self {
        Self {
            kind: kind.to_owned(),
            name,
            generation,
            file: origin.file.clone(),
            line: origin.lines.of(""),
            faults: Vec::new(),
            unresolved: Vec::new(),
            notes: Vec::new(),
            in_force: InForce::This,
        }
    }
}

/// A condition of an object's status, without the times and generations that only the operator knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConditionValue {
    /// `Accepted` or `ResolvedRefs`.
    pub kind: &'static str,
    /// `True`, `False` or `Unknown`.
    pub status: &'static str,
    /// One stable word.
    pub reason: &'static str,
    /// For people.
    pub message: String,
}

/// The conditions `Accepted` and `ResolvedRefs` of an object.
#[must_use]
pub fn conditions(verdict: &Verdict) -> [ConditionValue; 2] {
    [accepted(verdict), resolved(verdict)]
}

fn accepted(verdict: &Verdict) -> ConditionValue {
    let Some(first) = verdict.faults.first() else {
        return ConditionValue {
            kind: ACCEPTED,
            status: "True",
            reason: ACCEPTED,
            message: String::new(),
        };
    };
    let mut message = told(&verdict.faults);
    match verdict.in_force {
        InForce::Previous => message.push_str(". The last accepted version stays in force"),
        InForce::Nothing => message.push_str(". No version of this object is in force"),
        InForce::This => {}
    }
    ConditionValue {
        kind: ACCEPTED,
        status: "False",
        reason: first.reason.as_str(),
        message,
    }
}

fn resolved(verdict: &Verdict) -> ConditionValue {
    let value = |status, reason, message| ConditionValue {
        kind: RESOLVED_REFS,
        status,
        reason,
        message,
    };
    match verdict.unresolved.first() {
        Some(first) => value("False", first.reason.as_str(), told(&verdict.unresolved)),
        None if verdict.in_force == InForce::Nothing => value(
            "Unknown",
            "NotAccepted",
            "References are looked at once the object is accepted".to_owned(),
        ),
        None => value("True", RESOLVED_REFS, String::new()),
    }
}

/// All findings in one text, cut at a finding when it becomes too long.
fn told(findings: &[Finding]) -> String {
    let mut text = String::new();
    for (at, finding) in findings.iter().enumerate() {
        let next = finding.to_string();
        if at > 0 && text.chars().count() + next.chars().count() > MESSAGE_CHARS {
            text.push_str(&format!("; and {} more", findings.len() - at));
            break;
        }
        if at > 0 {
            text.push_str("; ");
        }
        text.extend(next.chars().take(MESSAGE_CHARS));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Reason;
    use crate::path::Path;

    fn verdict(faults: usize, unresolved: usize) -> Verdict {
        let finding = |at: usize| {
            Finding::new(
                &Path::of("spec").index(at),
                Reason::Invalid,
                "x".repeat(300),
            )
        };
        Verdict {
            faults: (0..faults).map(finding).collect(),
            unresolved: (0..unresolved).map(finding).collect(),
            ..Verdict::new("Team", ObjectName::new("a", "b"), None, &Origin::default())
        }
    }

    #[test]
    fn a_good_object_has_both_conditions_true() {
        assert_eq!(
            conditions(&verdict(0, 0)).map(|condition| condition.status),
            ["True", "True"]
        );
    }

    #[test]
    fn a_message_is_cut_between_findings() {
        let [accepted, resolved] = conditions(&verdict(9, 1));
        assert_eq!(
            (accepted.status, accepted.reason, resolved.status),
            ("False", "Invalid", "False")
        );
        assert!(
            accepted.message.ends_with("; and 6 more"),
            "{}",
            accepted.message
        );
    }

    #[test]
    fn says_which_version_is_in_force() {
        let previous = Verdict {
            in_force: InForce::Previous,
            ..verdict(1, 0)
        };
        assert!(
            conditions(&previous)[0]
                .message
                .ends_with("The last accepted version stays in force")
        );
        let nothing = Verdict {
            in_force: InForce::Nothing,
            ..verdict(1, 0)
        };
        assert_eq!(conditions(&nothing)[1].status, "Unknown");
    }
}
