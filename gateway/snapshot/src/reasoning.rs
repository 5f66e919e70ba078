//! Which models reason before they answer, by their names: what is known until there is a catalog of models.

/// Parts of names that are theirs alone.
const ANYWHERE: [&str; 5] = ["gpt-5", "reason", "think", "-r1", "_r1"];
/// Beginnings of names, or of a part of one: `o3`, `openai/o3-mini`, but not `turbo3`.
const AT_A_BEGINNING: [&str; 3] = ["o1", "o3", "o4"];

/// Whether a model of this name is known to reason before it answers, so that its first token takes minutes without anything being wrong.
/// `false` is no certainty.
#[must_use]
pub fn reasons(model: &str) -> bool {
    let lower;
    let name = if model.bytes().any(|byte| byte.is_ascii_uppercase()) {
        lower = model.to_ascii_lowercase();
        &lower
    } else {
        model
    };
    ANYWHERE.iter().any(|part| name.contains(part))
        || AT_A_BEGINNING.iter().any(|part| {
            name.match_indices(part).any(|(at, _)| {
                let before = at.checked_sub(1).and_then(|at| name.as_bytes().get(at));
                before.is_none_or(|byte| !byte.is_ascii_alphanumeric())
            })
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_that_reason_are_known_by_their_names() {
        for name in [
            "o1",
            "o3-mini",
            "openai/o4-mini-2025-04-16",
            "gpt-5.2",
            "GPT-5-mini",
            "deepseek-r1",
            "deepseek-ai/DeepSeek-R1",
            "deepseek-reasoner",
            "phi-4-reasoning",
            "kimi-k2-thinking",
            "qwen3-30b-a3b-thinking",
        ] {
            assert!(reasons(name), "{name}");
        }
    }

    #[test]
    fn others_are_not_taken_for_them() {
        for name in [
            "",
            "gpt-4o",
            "gpt-4o-mini",
            "gpt-4.1",
            "llama-3.1-405b",
            "turbo3",
            "demo1",
            "text-embedding-3-large",
            "mistral-large",
        ] {
            assert!(!reasons(name), "{name}");
        }
    }
}
