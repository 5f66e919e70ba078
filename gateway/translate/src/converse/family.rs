//! Whose model it is.

use crate::Origin;

/// Whose model it is, as far as that changes what can be said to it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Family {
    /// Anthropic's.
    Claude,
    /// Amazon's own.
    Nova,
    /// OpenAI's.
    OpenAi,
    /// OpenAI's open ones, which are asked otherwise.
    GptOss,
    /// Anybody else's, or not to be told by its name: the name of an application's inference profile says nothing.
    #[default]
    Other,
}

impl Family {
    /// By the id of the model, or of an inference profile or an ARN that holds it.
    #[must_use]
    pub fn of(model: &str) -> Self {
        let model = model.to_ascii_lowercase();
        let is = |name: &str| model.starts_with(name) || model.contains(&format!(".{name}"));
        if model.contains("anthropic.") || is("claude") {
            Self::Claude
        } else if is("nova") {
            Self::Nova
        } else if is("gpt-oss") {
            Self::GptOss
        } else if model.contains("openai.") || is("gpt-") {
            Self::OpenAi
        } else {
            Self::Other
        }
    }

    /// Whose the signature of a thought is. Anthropic's are good on every host of its models; see
    /// <https://platform.claude.com/docs/en/build-with-claude/extended-thinking>, "Thinking encryption".
    pub(super) fn signs_as(self) -> Origin {
        match self {
            Self::Claude => Origin::Anthropic,
            Self::Nova | Self::OpenAi | Self::GptOss | Self::Other => Origin::Bedrock,
        }
    }

    /// Whether a model takes marks for the cache; others refuse the request for one.
    pub(super) fn caches(self) -> bool {
        matches!(self, Self::Claude | Self::Nova)
    }

    /// Whether a model is told that a tool has failed (`ToolResultBlock` in the API's model).
    pub(super) fn knows_failed_tools(self) -> bool {
        matches!(self, Self::Claude | Self::Nova)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_family_is_told_by_the_id() {
        for (model, family) in [
            ("anthropic.claude-opus-4-6-v1", Family::Claude),
            (
                "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
                Family::Claude,
            ),
            (
                "arn:aws:bedrock:us-east-1:1:inference-profile/eu.anthropic.claude-x",
                Family::Claude,
            ),
            ("claude-sonnet-5", Family::Claude),
            ("amazon.nova-pro-v1:0", Family::Nova),
            ("global.amazon.nova-2-lite-v1:0", Family::Nova),
            ("openai.gpt-oss-120b-1:0", Family::GptOss),
            ("us.openai.gpt-5.2", Family::OpenAi),
            ("meta.llama3-3-70b-instruct-v1:0", Family::Other),
            (
                "arn:aws:bedrock:us-east-1:1:application-inference-profile/ab12cd",
                Family::Other,
            ),
        ] {
            assert_eq!(Family::of(model), family, "{model}");
        }
    }
}
