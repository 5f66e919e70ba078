//! The condition `Programmed`: whether every ready gateway enforces this version of an object. Pure.

use std::time::Duration;

use fairlead_compile::InForce;
use tokio::time::Instant;

use crate::replicas::Replica;

/// How long replicas may take before it is worth telling: most have caught up within a fraction of it, and one write is better than two.
pub const GRACE: Duration = Duration::from_secs(2);
/// How long a replica may be unreachable before that is told: pods that go away are unreachable before they are gone from the endpoints.
pub const UNREACHABLE: Duration = Duration::from_secs(5);

/// A condition's status, reason and message; or `Wait`: not known yet, so that what was said last stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Programmed {
    /// This is so.
    Is(&'static str, &'static str, String),
    /// It will be known soon; look again after so long.
    Wait(Duration),
}

/// `since`: the generation of the index in which the object's entry last changed, and when that was published.
#[must_use]
pub fn programmed(
    in_force: InForce,
    since: Option<(u64, Instant)>,
    replicas: &[Replica],
    now: Instant,
) -> Programmed {
    match in_force {
        InForce::Previous => {
            return Programmed::Is(
                "False",
                "NotAccepted",
                "the last accepted version stays in force".to_owned(),
            );
        }
        InForce::Nothing => {
            return Programmed::Is(
                "False",
                "NotAccepted",
                "no version of this object is in force".to_owned(),
            );
        }
        InForce::This => {}
    }
    let Some((generation, published)) = since else {
        return Programmed::Wait(GRACE);
    };
    if replicas.is_empty() {
        return after(published, GRACE, now, || {
            ("False", "NoReadyReplicas", "no gateway is ready".to_owned())
        });
    }
    let unreachable = replicas
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
    let current = replicas
        .iter()
        .filter(|replica| replica.enforces >= Some(generation))
        .count();
    let message = format!("{current}/{} replicas", replicas.len());
    if current == replicas.len() {
        return Programmed::Is("True", "Programmed", message);
    }
    if replicas.iter().any(|replica| replica.enforces.is_none()) {
        // Just become ready; it is being asked.
        return Programmed::Wait(GRACE);
    }
    after(published, GRACE, now, || ("False", "Pending", message))
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
    use super::*;

    fn replica(pod: &str, enforces: u64) -> Replica {
        Replica {
            pod: pod.to_owned(),
            enforces: Some(enforces),
            format: Some(1),
            unreachable_since: None,
        }
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
                InForce::This,
                Some((7, published)),
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
            InForce::This,
            Some((7, now - Duration::from_secs(60))),
            &[replica("a", 7), fresh],
            now,
        );
        assert_eq!(told(outcome), ("", "Wait"));
    }

    #[tokio::test(start_paused = true)]
    async fn an_unreachable_replica_is_named_after_a_while() {
        let since = Instant::now();
        let gone = Replica {
            unreachable_since: Some(since),
            ..replica("b", 7)
        };
        let replicas = [replica("a", 7), gone];
        let ask = |after: u64| {
            programmed(
                InForce::This,
                Some((7, since)),
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

    #[tokio::test(start_paused = true)]
    async fn what_is_not_accepted_is_not_programmed() {
        let now = Instant::now();
        for in_force in [InForce::Previous, InForce::Nothing] {
            let outcome = programmed(in_force, Some((1, now)), &[replica("a", 1)], now);
            assert_eq!(told(outcome), ("False", "NotAccepted"));
        }
    }
}
