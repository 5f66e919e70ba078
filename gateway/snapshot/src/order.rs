//! The order in which rules are tried: total, and the same on every run.
//!
//! Overrides of the gateway's namespace first; then the narrower scope, the lower priority, the older object, the name.

use std::cmp::Reverse;

use crate::{ObjectName, Rule, Scope};

/// Puts rules in the order in which they are tried.
pub fn sort(rules: &mut [Rule]) {
    rules.sort_by(|a, b| key(a).cmp(&key(b)));
}

fn key(rule: &Rule) -> (Reverse<bool>, u8, u32, i64, &ObjectName) {
    (
        Reverse(rule.overrides),
        breadth(&rule.scope),
        rule.priority,
        age(rule.created),
        &rule.name,
    )
}

/// What sorts older objects first; an object of unknown age counts as the youngest.
#[must_use]
pub fn age(created: Option<i64>) -> i64 {
    created.unwrap_or(i64::MAX)
}

fn breadth(scope: &Scope) -> u8 {
    match scope {
        Scope::VirtualKey(_) => 0,
        Scope::Team(_) => 1,
        Scope::Organization { .. } => 2,
        Scope::Namespace(_) => 3,
        Scope::Global => 4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Adaptive, OnUnsupported, Strategy, TimeoutOverrides};

    fn rule(
        name: &str,
        overrides: bool,
        scope: Scope,
        priority: u32,
        created: Option<i64>,
    ) -> Rule {
        Rule {
            name: ObjectName::new("ns", name),
            overrides,
            scope,
            priority,
            created,
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

    #[test]
    fn overrides_then_scope_then_priority_then_age_then_name() {
        let namespace = || Scope::Namespace("ns".to_owned());
        let expected = [
            rule("imposed", true, Scope::Global, 9, None),
            rule(
                "key",
                false,
                Scope::VirtualKey(ObjectName::new("ns", "z")),
                9,
                None,
            ),
            rule(
                "team",
                false,
                Scope::Team(ObjectName::new("ns", "a")),
                0,
                None,
            ),
            rule(
                "organization",
                false,
                Scope::Organization {
                    name: "o".to_owned(),
                    namespace: None,
                },
                0,
                None,
            ),
            rule("first", false, namespace(), 0, None),
            rule("old", false, namespace(), 5, Some(1)),
            rule("young", false, namespace(), 5, Some(2)),
            rule("a", false, namespace(), 5, None),
            rule("b", false, namespace(), 5, None),
            rule("global", false, Scope::Global, 0, None),
        ];
        let mut sorted: Vec<Rule> = expected.iter().rev().cloned().collect();
        sort(&mut sorted);
        assert_eq!(sorted, expected);
    }
}
