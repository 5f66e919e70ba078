//! The condition `Programmed`: whether every ready gateway enforces this version of an object. Pure.

use std::time::Duration;

use fairlead_compile::{InForce, Verdict, conditions};
use tokio::time::Instant;

use crate::replicas::Replica;

/// How long replicas may take before it is worth telling: most have caught up within a fraction of it, and one write is better than two.
pub(crate) const GRACE: Duration = Duration::from_secs(2);
/// How long a replica may be unreachable before that is told: pods that go away are unreachable before they are gone from the endpoints.
pub(crate) const UNREACHABLE: Duration = Duration::from_secs(5);
/// How long several gateways may count each for itself before that is told: while one takes the other's place, both are ready for a moment.
pub(crate) const ALONE: Duration = Duration::from_secs(10);

/// A condition's status, reason and message; or `Wait`: not known yet, so that what was said last stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Programmed {
    /// This is so.
    Is(&'static str, &'static str, String),
    /// It will be known soon; look again after so long.
    Wait(Duration),
}

/// `since`: the generation of the index in which the object's entry last changed, and when that was published. `limited`: whether the object
/// has limits that are to hold over all gateways together.
#[must_use]
pub(crate) fn programmed(
    verdict: &Verdict,
    since: Option<(u64, Instant)>,
    limited: bool,
    replicas: &[Replica],
    now: Instant,
) -> Programmed {
    if let Some((reason, message)) = unfit(verdict) {
        return Programmed::Is("False", reason, message);
    }
    let Some((generation, published)) = since else {
        return Programmed::Wait(GRACE);
    };
    if replicas.is_empty() {
        return after(published, GRACE, now, || {
            ("False", "NoReadyReplicas", "no gateway is ready".to_owned())
        });
    }
    // A gateway never goes back to an older index, so one that has reported this one need not be asked again to be believed.
    let (current, behind): (Vec<_>, Vec<_>) = replicas
        .iter()
        .partition(|replica| replica.enforces >= Some(generation));
    let message = format!("{}/{} replicas", current.len(), replicas.len());
    if behind.is_empty() {
        let alone = replicas.iter().filter_map(|replica| replica.alone_since);
        if limited
            && replicas.len() > 1
            && let Some(last) = alone.max()
        {
            return after(last, ALONE, now, || {
                ("False", "StoreNotShared", not_shared(replicas.len()))
            });
        }
        return Programmed::Is("True", "Programmed", message);
    }
    let unreachable = behind
        .iter()
        .find_map(|replica| Some((replica, replica.unreachable_since?)));
    if let Some((replica, since)) = unreachable {
        return after(since, UNREACHABLE, now, || {
            let message = format!(
                "the gateway {} cannot be asked what it enforces",
                replica.pod
            );
            ("Unknown", "ReplicaUnreachable", message)
        });
    }
    if behind.iter().any(|replica| replica.enforces.is_none()) {
        // Just become ready; it is being asked.
        return Programmed::Wait(GRACE);
    }
    after(published, GRACE, now, || ("False", "Pending", message))
}

fn not_shared(replicas: usize) -> String {
    format!(
        "{replicas} gateways count each for itself, so that its limits hold on each of them and not on all together; give them one store (limits.store.type: Valkey or External of the chart), or run one gateway"
    )
}

/// Why this version cannot be enforced as it was meant, whatever the gateways do, in the words of the condition that says so first.
fn unfit(verdict: &Verdict) -> Option<(&'static str, String)> {
    let [accepted, resolved] = conditions(verdict);
    let told = match verdict.in_force {
        InForce::Previous => "; the last accepted version stays in force",
        InForce::Nothing => "; no version of this object is in force",
        InForce::This => "",
    };
    if accepted.status != "True" {
        return Some((accepted.reason, format!("see {}{told}", accepted.kind)));
    }
    (resolved.status != "True").then(|| {
        let message = format!("see {}; all else that it says counts", resolved.kind);
        (resolved.reason, message)
    })
}

fn after(
    since: Instant,
    patience: Duration,
    now: Instant,
    told: impl FnOnce() -> (&'static str, &'static str, String),
) -> Programmed {
    let left = patience.saturating_sub(now.saturating_duration_since(since));
    if left.is_zero() {
        let (status, reason, message) = told();
        return Programmed::Is(status, reason, message);
    }
    Programmed::Wait(left)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use fairlead_compile::{Document, Inputs, Origin, Secrets, Settings, compile};
    use serde_json::{Value, json};

    use super::*;

    fn replica(pod: &str, enforces: u64) -> Replica {
        Replica {
            pod: pod.to_owned(),
            enforces: Some(enforces),
            format: Some(1),
            reads_admin_secret: true,
            alone_since: None,
            unreachable_since: None,
        }
    }

    /// What the compiler says of a provider beside nothing else.
    fn verdict(spec: &Value) -> Verdict {
        let value = json!({"apiVersion": "fairlead.dev/v1alpha1", "kind": "LLMProvider", "metadata": {"namespace": "a", "name": "p", "generation": 3}, "spec": spec});
        let origin = Origin::default();
        let inputs = Inputs {
            settings: Settings::new("own"),
            objects: vec![Arc::new(Document { value, origin })],
            secrets: Secrets::new(),
            services: fairlead_compile::Services::default(),
            namespaces: std::collections::BTreeMap::new(),
            now: 0,
        };
        compile(None, &inputs).verdicts.remove(0)
    }

    fn good() -> Verdict {
        let verdict = verdict(&json!({"type": "Simulated"}));
        assert!(verdict.is_good());
        verdict
    }

    #[expect(clippy::needless_pass_by_value, reason = "shorter to call")]
    fn told(programmed: Programmed) -> (&'static str, &'static str) {
        match programmed {
            Programmed::Is(status, reason, _) => (status, reason),
            Programmed::Wait(_) => ("", "Wait"),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn is_true_once_every_replica_has_reached_the_objects_own_change() {
        let published = Instant::now();
        let ask = |replicas: &[Replica], after: u64| {
            told(programmed(
                &good(),
                Some((7, published)),
                false,
                replicas,
                published + Duration::from_secs(after),
            ))
        };
        assert_eq!(
            ask(&[replica("a", 7), replica("b", 9)], 0),
            ("True", "Programmed")
        );
        assert_eq!(ask(&[replica("a", 7), replica("b", 6)], 0), ("", "Wait"));
        assert_eq!(
            ask(&[replica("a", 7), replica("b", 6)], 3),
            ("False", "Pending")
        );
        assert_eq!(ask(&[], 3), ("False", "NoReadyReplicas"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_replica_that_was_not_asked_yet_flips_nothing() {
        let now = Instant::now() + Duration::from_secs(60);
        let fresh = Replica {
            enforces: None,
            ..replica("b", 0)
        };
        let outcome = programmed(
            &good(),
            Some((7, now - Duration::from_secs(60))),
            false,
            &[replica("a", 7), fresh],
            now,
        );
        assert_eq!(told(outcome), ("", "Wait"));
    }

    #[tokio::test(start_paused = true)]
    async fn an_unreachable_replica_that_is_behind_is_named_after_a_while() {
        let since = Instant::now();
        let gone = Replica {
            unreachable_since: Some(since),
            ..replica("b", 6)
        };
        let never_asked = Replica {
            enforces: None,
            ..gone.clone()
        };
        for behind in [gone, never_asked] {
            let replicas = [replica("a", 7), behind];
            let ask = |after: u64| {
                programmed(
                    &good(),
                    Some((7, since)),
                    false,
                    &replicas,
                    since + Duration::from_secs(after),
                )
            };
            assert_eq!(told(ask(3)), ("", "Wait"));
            let Programmed::Is(status, reason, message) = ask(6) else {
                panic!("it is told")
            };
            assert_eq!((status, reason), ("Unknown", "ReplicaUnreachable"));
            assert!(message.contains('b'), "{message}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_unreachable_replica_flips_only_the_objects_that_it_had_not_reached() {
        let since = Instant::now();
        let gone = Replica {
            unreachable_since: Some(since),
            ..replica("b", 7)
        };
        let replicas = [replica("a", 9), gone];
        let ask = |changed_in: u64| {
            told(programmed(
                &good(),
                Some((changed_in, since)),
                false,
                &replicas,
                since + Duration::from_secs(60),
            ))
        };
        assert_eq!(ask(6), ("True", "Programmed"));
        assert_eq!(ask(7), ("True", "Programmed"));
        assert_eq!(ask(8), ("Unknown", "ReplicaUnreachable"));
    }

    #[tokio::test(start_paused = true)]
    async fn limits_that_several_gateways_count_each_for_itself_are_not_enforced() {
        let since = Instant::now();
        let alone = |pod| Replica {
            alone_since: Some(since),
            ..replica(pod, 7)
        };
        let ask = |limited, replicas: &[Replica], after| {
            let now = since + Duration::from_secs(after);
            told(programmed(
                &good(),
                Some((7, since)),
                limited,
                replicas,
                now,
            ))
        };
        let two = [alone("a"), alone("b")];
        assert_eq!(ask(true, &two, 11), ("False", "StoreNotShared"));
        assert_eq!(ask(true, &two, 9), ("", "Wait"), "one may be about to go");
        assert_eq!(ask(false, &two, 11), ("True", "Programmed"));
        assert_eq!(ask(true, &two[..1], 11), ("True", "Programmed"));
        let shared = [replica("a", 7), replica("b", 7)];
        assert_eq!(ask(true, &shared, 11), ("True", "Programmed"));
        let one_of_them = [alone("a"), replica("b", 7)];
        assert_eq!(ask(true, &one_of_them, 11), ("False", "StoreNotShared"));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_not_accepted_is_not_programmed_and_says_why() {
        let now = Instant::now();
        let bad = verdict(&json!({"type": "Simulated", "baseURL": 7}));
        let why = bad.faults[0].reason.as_str();
        for in_force in [InForce::Previous, InForce::Nothing, InForce::This] {
            let bad = Verdict {
                in_force,
                ..bad.clone()
            };
            let outcome = programmed(&bad, Some((1, now)), false, &[replica("a", 1)], now);
            assert_eq!(told(outcome), ("False", why));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_provider_without_its_credentials_is_not_programmed_and_says_why() {
        let now = Instant::now();
        let lacking = verdict(
            &json!({"type": "OpenAI", "credentials": [{"name": "main", "secretRef": {"name": "missing"}}]}),
        );
        assert!(lacking.faults.is_empty(), "{lacking:?}");
        let outcome = programmed(&lacking, Some((1, now)), false, &[replica("a", 1)], now);
        assert_eq!(told(outcome), ("False", "SecretNotFound"));
    }
}
