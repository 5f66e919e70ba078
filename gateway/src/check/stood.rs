//! How the targets of a rule stand that goes by how they do, as a running gateway has said at `GET /health`: of that nothing is known here.

use std::fmt::Write as _;
use std::io::Read as _;
use std::path::Path;

use anyhow::Context as _;
use fairlead_route::{Explanation, RuleHead};
use serde_json::Value;

/// What a gateway has said of rules.
#[derive(Debug)]
pub(super) struct Stood(Value);

impl Stood {
    /// Reads it from a file, or from standard input where that is `-`.
    ///
    /// # Errors
    /// It cannot be read, or is not what `GET /health` says.
    pub(super) fn read(path: &Path) -> anyhow::Result<Self> {
        let text = if path.as_os_str() == "-" {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text).map(|_| text)
        } else {
            std::fs::read_to_string(path)
        };
        let name = path.display();
        let text = text.with_context(|| format!("--health: cannot read {name}"))?;
        let said: Value = serde_json::from_str(&text)
            .ok()
            .filter(|said: &Value| said["rules"].is_object())
            .with_context(|| {
                format!(
                    "--health: {name} is not what a gateway says at GET /health on its admin port"
                )
            })?;
        Ok(Self(said))
    }

    /// What is said of the targets of the rule that takes the request.
    fn told(&self, rule: &RuleHead, explanation: &mut String) {
        let targets = &self.0["rules"][rule.name.to_string()]["targets"];
        let Some(targets) = targets.as_object() else {
            explanation.push_str("that gateway says nothing of the targets of this rule: it has another configuration, or has not had a request for it\n");
            return;
        };
        explanation.push_str("as that gateway has seen them:\n");
        for (target, standing) in targets {
            let part = |name: &str| standing[name].as_f64().unwrap_or(0.0);
            let text = |name: &str| standing[name].as_str().unwrap_or_default();
            // Writing to a String cannot fail.
            let _ = writeln!(
                explanation,
                "  {target}: {}, score {:.3}, {:.1} % of the requests: {}",
                text("state"),
                part("score"),
                100.0 * part("share"),
                text("reason")
            );
        }
    }
}

/// What is to be said of how targets stand, where the rule that takes the request goes by that.
#[must_use]
pub(super) fn told(explanation: &Explanation, stood: Option<&Stood>) -> String {
    let plan = explanation.outcome.as_ref().ok();
    let rule = plan.and_then(|plan| plan.rule.as_ref());
    let Some(rule) = rule.filter(|rule| rule.judges) else {
        return String::new();
    };
    let mut text = String::new();
    match stood {
        Some(stood) => stood.told(rule, &mut text),
        None => text.push_str(
            "which target is first depends on how they do: --health FILE reads what a gateway says of that (GET /health on its admin port)\n",
        ),
    }
    text
}
