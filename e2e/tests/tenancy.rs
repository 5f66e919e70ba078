//! Attacks of one tenant on another, or on the platform, by people with the rights that the charts give, against an operator with the rights
//! that the chart gives. Each is refused, the attacker is told why, and what everybody else has stays as it was; and the same thing done
//! from where it is right is accepted.

#[path = "tenancy/world.rs"]
mod world;

#[path = "tenancy/attack.rs"]
mod attack;
#[path = "tenancy/beyond.rs"]
mod beyond;
#[path = "tenancy/keys.rs"]
mod keys;
#[path = "tenancy/providers.rs"]
mod providers;
#[path = "tenancy/rules.rs"]
mod rules;

use std::fmt::Write as _;

use anyhow::{Result, ensure};
use fairlead_e2e::results::{self, Figure};
use serde_json::Value;

use self::attack::Attack;
use self::world::{Who, World};

/// The least that there must be.
const LEAST: f64 = 12.0;
/// Those by an object of the attacker's own.
const ATTACKS: [&[Attack]; 6] = [
    rules::REACHING,
    rules::SENDING,
    keys::ATTACKS,
    providers::SECRETS,
    providers::ADDRESSES,
    providers::OWNERS,
];

/// Attacks by their outcome.
#[derive(Default)]
struct Tally {
    tried: u32,
    failed: u32,
    complaints: String,
}

impl Tally {
    fn note(&mut self, what: &str, outcome: Result<()>) -> Result<()> {
        self.tried += 1;
        if let Err(error) = outcome {
            self.failed += 1;
            writeln!(self.complaints, "{what}: {error:#}\n")?;
        }
        Ok(())
    }
}

macro_rules! note {
    ($tally:ident, $world:ident: $($attack:ident),+ $(,)?) => {
        $($tally.note(stringify!($attack), beyond::$attack(&$world).await)?;)+
    };
}

#[tokio::test]
async fn every_attack_is_refused_and_harms_nobody() -> Result<()> {
    let world = World::build().await?;
    let mut tally = Tally::default();
    for attack in ATTACKS.into_iter().flatten() {
        tally.note(attack.what, attack.carry_out(&world).await)?;
    }
    note!(tally, world:
        a_secret_that_is_there_is_not_taken_over,
        a_secret_does_not_pass_for_another_keys,
        nobody_else_publishes,
        nobody_else_writes_a_status,
        nobody_else_reads_the_credentials,
        an_object_stays_with_its_installation,
        nobody_admits_themselves,
    );
    let (tried, refused) = (tally.tried, tally.tried - tally.failed);
    results::record(&[
        Figure::at_least("tenancy: attacks tried", f64::from(tried), "attacks", LEAST),
        Figure::at_least(
            "tenancy: attacks refused, the reason told, nobody harmed",
            f64::from(refused),
            "attacks",
            f64::from(tried),
        ),
    ])?;
    assert!(tally.complaints.is_empty(), "\n{}", tally.complaints);
    beyond::a_free_name_is_taken(&world).await?;
    nothing_was_missing(&world).await?;
    world.operator.stop().await
}

/// The operator could do all it wanted to with the rights that the chart gives it.
async fn nothing_was_missing(world: &World) -> Result<()> {
    for metric in ["status_failures", "watch_failures"] {
        let failures = world
            .operator
            .metric(&format!("fairlead_operator_{metric}_total"))
            .await?;
        ensure!(failures == 0.0, "{metric}: {failures}");
    }
    let namespace = Who::Attacker.namespace();
    let events: Vec<Value> = world
        .client(Who::Attacker)
        .list("v1", "events", namespace)
        .await?;
    ensure!(
        events
            .iter()
            .any(|event| event["type"] == "Warning" && event["reason"] == "NotPermitted"),
        "no event tells of an attack: {events:?}"
    );
    Ok(())
}
