//! One attack by an object: who tries what, where it fails and why, and who may rightly do the same.

use anyhow::{Context as _, Result, ensure};
use fairlead_e2e::{Write, condition};
use serde_json::Value;

use crate::world::{Who, World, create, object};

/// An object that is not acceptable, and where the same is.
pub(crate) struct Attack {
    /// A sentence.
    pub(crate) what: &'static str,
    /// Who tries.
    pub(crate) by: Who,
    /// The object's kind.
    pub(crate) kind: &'static str,
    /// Its spec, as YAML.
    pub(crate) spec: &'static str,
    /// How it is refused.
    pub(crate) refused: Refused,
    /// Whether what is published of it is harmless; `None`: nothing is.
    pub(crate) leaves: fn(Option<&Value>) -> bool,
    /// Who may do the same or its like, by which spec. Without it the attack could fail for a reason that has nothing to do with tenancy.
    pub(crate) rightly: &'static [(Who, &'static str)],
}

/// How an attack is refused.
pub(crate) enum Refused {
    /// By the API server, in words that contain this.
    AtOnce(&'static str),
    /// By a condition that is False.
    Told {
        condition: &'static str,
        reason: &'static str,
        /// A piece of its message.
        says: &'static str,
    },
}

/// `Accepted` is False.
pub(crate) const fn not_accepted(reason: &'static str, says: &'static str) -> Refused {
    Refused::Told {
        condition: "Accepted",
        reason,
        says,
    }
}

/// `ResolvedRefs` is False.
pub(crate) const fn not_resolved(reason: &'static str, says: &'static str) -> Refused {
    Refused::Told {
        condition: "ResolvedRefs",
        reason,
        says,
    }
}

/// No version of it is in force.
pub(crate) fn nothing(entry: Option<&Value>) -> bool {
    entry.is_none()
}

impl Attack {
    /// Tries it from where it is refused, then from where it is not.
    pub(crate) async fn carry_out(&self, world: &World) -> Result<()> {
        let outcome = self.attempt(world).await;
        // What was refused at once is not there.
        let tried = object(self.by, self.kind, "x");
        let _ = world.client(self.by).delete(&tried).await;
        outcome?;
        world.is_restored().await?;
        for (who, spec) in self.rightly {
            self.same(world, *who, spec)
                .await
                .with_context(|| format!("rightly done by {who:?}"))?;
        }
        world.is_restored().await
    }

    async fn attempt(&self, world: &World) -> Result<()> {
        let client = world.client(self.by);
        let tried = specified(self.by, self.kind, self.spec)?;
        let answer = client.create(&tried, Write::Stored).await?;
        match self.refused {
            Refused::AtOnce(says) => ensure!(
                !answer.is_success() && answer.message().contains(says),
                "should be refused at once with {says:?}: {} {}",
                answer.status,
                answer.message()
            ),
            Refused::Told {
                condition: kind,
                reason,
                says,
            } => {
                ensure!(answer.is_success(), "refused: {}", answer.message());
                let told = condition(client, &tried, kind, "False").await?;
                let message = told["message"].as_str().unwrap_or_default();
                ensure!(
                    told["reason"] == reason && message.contains(says),
                    "should say {reason}: {says}, but says: {told}"
                );
            }
        }
        let now = world.published().await?;
        let left = section(self.kind)
            .and_then(|section| now.entry(section, &format!("{}/x", self.by.namespace())));
        ensure!((self.leaves)(left), "it leaves {left:?}");
        world.is_unharmed().await
    }

    async fn same(&self, world: &World, who: Who, spec: &str) -> Result<()> {
        let object = specified(who, self.kind, spec)?;
        let outcome = self.accepted(world, who, &object).await;
        let deleted = world.client(who).delete(&object).await;
        outcome.and(deleted)
    }

    async fn accepted(&self, world: &World, who: Who, object: &Value) -> Result<()> {
        let client = world.client(who);
        create(client, object).await?;
        condition(client, object, "Accepted", "True").await?;
        condition(client, object, "ResolvedRefs", "True").await?;
        let (now, name) = (world.published().await?, format!("{}/x", who.namespace()));
        let is_published =
            section(self.kind).is_none_or(|section| now.entry(section, &name).is_some());
        ensure!(is_published, "{name} is not published");
        Ok(())
    }
}

fn specified(who: Who, kind: &str, spec: &str) -> Result<Value> {
    let mut object = object(who, kind, "x");
    object["spec"] = serde_saphyr::from_str(spec).with_context(|| spec.to_owned())?;
    Ok(object)
}

/// Where objects of a kind are published; teams and organizations are not by themselves.
fn section(kind: &str) -> Option<&'static str> {
    match kind {
        "LLMProvider" => Some("providers"),
        "RoutingRule" => Some("rules"),
        "VirtualKey" => Some("keys"),
        _ => None,
    }
}
