//! What the audit is told of a rule that somebody has written, or tried to.

use fairlead_console::Trouble;
use fairlead_console::view::apply::Applied;
use serde_json::{Value, json};

use crate::config::form::KIND;
use crate::decisions::now;

/// The longest text that is told of what somebody else says, in characters.
const LONGEST: usize = 500;

/// The line.
#[must_use]
pub(super) fn line(
    user: &str,
    (namespace, name): (&str, &str),
    dry_run: bool,
    done: &Result<Applied, Trouble>,
) -> String {
    let mut line = json!({
        "time": now(), "audit": "console.apply", "kind": KIND, "namespace": cut(namespace), "name": cut(name), "by": cut(user),
        "dry_run": dry_run,
    });
    match done {
        Ok(applied) => {
            let outcome = if applied.created {
                "created"
            } else {
                "applied"
            };
            (line["outcome"], line["object_generation"]) =
                (outcome.into(), applied.generation.into());
        }
        Err(trouble) => {
            let (outcome, words) = refusal(trouble);
            (line["outcome"], line["message"]) = (outcome.into(), cut(words));
        }
    }
    line.to_string()
}

fn refusal(trouble: &Trouble) -> (&'static str, &str) {
    match trouble {
        Trouble::NotFound(words) => ("not_found", words),
        Trouble::Bad(words) => ("invalid", words),
        Trouble::Unavailable(words) => ("unavailable", words),
        Trouble::Forbidden(words) => ("forbidden", words),
        Trouble::Conflict(words) => ("conflict", words),
        Trouble::TooOften(_) | Trouble::Superseded => ("refused", ""),
    }
}

fn cut(text: &str) -> Value {
    text.chars().take(LONGEST).collect::<String>().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_who_wrote_what_and_what_came_of_it() {
        let read = |line: &str| serde_json::from_str::<Value>(line).unwrap();
        let applied = Applied {
            created: true,
            generation: 1,
            ..Applied::default()
        };
        let told = read(&line("jane", ("search", "chat"), false, &Ok(applied)));
        assert_eq!(
            [
                &told["audit"],
                &told["by"],
                &told["outcome"],
                &told["dry_run"],
                &told["object_generation"]
            ],
            [
                &json!("console.apply"),
                &json!("jane"),
                &json!("created"),
                &json!(false),
                &json!(1)
            ]
        );
        let refused = Err(Trouble::Forbidden("é".repeat(9_000)));
        let told = read(&line("jane\n", ("search", "chat"), true, &refused));
        assert_eq!(told["outcome"], "forbidden");
        assert_eq!(told["message"].as_str().unwrap().chars().count(), LONGEST);
    }
}
