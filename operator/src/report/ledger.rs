//! In which index each object's own entry last changed. `Programmed` is measured by that, so edits to other objects move nothing.

use std::collections::BTreeMap;

use fairlead_compile::Verdict;
use fairlead_snapshot::{ObjectName, Snapshot};
use tokio::time::Instant;

/// An object: its kind and name.
pub(crate) type Entry = (String, ObjectName);

/// When each entry last changed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ledger {
    entries: BTreeMap<Entry, Change>,
}

#[derive(Debug, Clone, Copy)]
struct Change {
    /// Of the object.
    generation: Option<i64>,
    /// Of the index.
    index: u64,
    published: Instant,
}

impl Ledger {
    /// The index in which the entry last changed, and when that was published.
    #[must_use]
    pub(crate) fn since(&self, entry: &Entry) -> Option<(u64, Instant)> {
        self.entries
            .get(entry)
            .map(|change| (change.index, change.published))
    }

    /// Notes what changed between two snapshots, of which `index` is the generation that publishes the later one.
    pub(crate) fn note(
        &mut self,
        before: Option<&Snapshot>,
        after: &Snapshot,
        verdicts: &[Verdict],
        index: u64,
        now: Instant,
    ) {
        let rules = |snapshot: &Snapshot| -> BTreeMap<ObjectName, usize> {
            let rules = snapshot.rules.iter().enumerate();
            rules.map(|(at, rule)| (rule.name.clone(), at)).collect()
        };
        let (rules_before, rules_after) = (before.map(rules).unwrap_or_default(), rules(after));
        let same = |kind: &str, name: &ObjectName| {
            let Some(before) = before else { return false };
            match kind {
                // Pods that come and go are no edit of the provider: nobody waits for them.
                "LLMProvider" => match (before.providers.get(name), after.providers.get(name)) {
                    (Some(before), Some(after)) => after.is_but_for_pods(before),
                    (before, after) => before.is_none() && after.is_none(),
                },
                "VirtualKey" => before.keys.get(name) == after.keys.get(name),
                "RoutingRule" => {
                    let old = rules_before.get(name).map(|at| &before.rules[*at]);
                    old == rules_after.get(name).map(|at| &after.rules[*at])
                }
                // Those that limit nothing have no entry of their own: what they say stands in those of keys and rules.
                "Team" => before.teams.get(name) == after.teams.get(name),
                "Organization" => before.organizations.get(name) == after.organizations.get(name),
                _ => true,
            }
        };
        let entries = verdicts.iter().map(|verdict| {
            let entry = (verdict.kind.clone(), verdict.name.clone());
            let known = self.entries.get(&entry).copied().filter(|known| {
                let unchanged = same(&entry.0, &entry.1);
                let owner = matches!(entry.0.as_str(), "Team" | "Organization");
                unchanged && (!owner || known.generation == verdict.generation)
            });
            let change = known.unwrap_or(Change {
                generation: verdict.generation,
                index,
                published: now,
            });
            (entry, change)
        });
        self.entries = entries.collect();
    }
}

#[cfg(test)]
mod tests {
    use fairlead_compile::{Document, Inputs, Origin, Secrets, Settings, compile};
    use serde_json::json;

    use super::*;

    fn compiled(weights: [u32; 2], team_generation: i64) -> fairlead_compile::Compiled {
        let object = |kind: &str, name: &str, generation: i64, spec: serde_json::Value| {
            std::sync::Arc::new(Document {
                value: json!({"apiVersion": "fairlead.dev/v1alpha1", "kind": kind, "metadata": {"namespace": "a", "name": name, "generation": generation}, "spec": spec}),
                origin: Origin::default(),
            })
        };
        let rule = |weight: u32| json!({"targets": [{"name": "t", "providerRef": {"name": "p"}, "weight": weight}]});
        let inputs = Inputs {
            settings: Settings::new("own"),
            objects: vec![
                object("LLMProvider", "p", 1, json!({"type": "Simulated"})),
                object("RoutingRule", "one", 1, rule(weights[0])),
                object("RoutingRule", "two", 1, rule(weights[1])),
                object("Team", "t", team_generation, json!({})),
            ],
            secrets: Secrets::new(),
            services: fairlead_compile::Services::default(),
            namespaces: BTreeMap::new(),
            now: 0,
        };
        compile(None, &inputs)
    }

    #[test]
    fn only_what_changed_moves() {
        let now = Instant::now();
        let (first, second) = (compiled([1, 1], 1), compiled([1, 2], 1));
        let mut ledger = Ledger::default();
        ledger.note(None, &first.snapshot, &first.verdicts, 4, now);
        ledger.note(
            Some(&first.snapshot),
            &second.snapshot,
            &second.verdicts,
            5,
            now,
        );
        let since = |kind: &str, name: &str| {
            ledger
                .since(&(kind.to_owned(), ObjectName::new("a", name)))
                .map(|(index, _)| index)
        };
        assert_eq!(since("RoutingRule", "one"), Some(4));
        assert_eq!(since("RoutingRule", "two"), Some(5));
        assert_eq!(since("LLMProvider", "p"), Some(4));
        assert_eq!(since("Team", "t"), Some(4));
        assert_eq!(since("Team", "other"), None);
    }

    #[test]
    fn an_owner_moves_with_its_own_generation() {
        let now = Instant::now();
        let (first, second) = (compiled([1, 1], 1), compiled([1, 1], 2));
        let mut ledger = Ledger::default();
        ledger.note(None, &first.snapshot, &first.verdicts, 4, now);
        ledger.note(
            Some(&first.snapshot),
            &second.snapshot,
            &second.verdicts,
            4,
            now,
        );
        let team = ("Team".to_owned(), ObjectName::new("a", "t"));
        assert_eq!(ledger.since(&team).map(|(index, _)| index), Some(4));
        ledger.note(
            Some(&second.snapshot),
            &first.snapshot,
            &first.verdicts,
            6,
            now,
        );
        assert_eq!(ledger.since(&team).map(|(index, _)| index), Some(6));
    }
}
