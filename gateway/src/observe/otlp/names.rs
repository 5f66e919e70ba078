//! The names that OpenTelemetry's GenAI conventions have for what is told, as of two of their versions (sources: semantic conventions v1.41.0;
//! the main branch of `semantic-conventions-genai` and its migration guide).
//!
//! Libraries and dashboards know those of v1.41, so these are the default. `OTEL_SEMCONV_STABILITY_OPT_IN` puts the latest in their place
//! (`gen_ai_latest_experimental`) or beside them (`gen_ai_latest_experimental/dup`). What begins with `fairlead.` is ours, and is never renamed.

/// Which of two sets of names are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Names {
    /// Those of v1.41.
    #[default]
    Stable,
    /// The latest.
    Latest,
    /// Both.
    Both,
}

/// What something is called in each set.
#[derive(Debug, Clone, Copy)]
pub(super) struct Name {
    stable: &'static str,
    latest: &'static str,
}

/// A name that is the same in both.
const fn same(name: &'static str) -> Name {
    Name {
        stable: name,
        latest: name,
    }
}

/// A name that is another in the latest set.
const fn renamed(stable: &'static str, latest: &'static str) -> Name {
    Name { stable, latest }
}

impl Names {
    /// The value of `OTEL_SEMCONV_STABILITY_OPT_IN`, a list of which only what speaks of GenAI counts.
    #[must_use]
    pub(crate) fn opted_in(list: &str) -> Self {
        let mut words = list.split(',').map(str::trim);
        let find = |wanted: &str| words.clone().any(|word| word == wanted);
        if find("gen_ai_latest_experimental/dup") {
            Self::Both
        } else if words.any(|word| word == "gen_ai_latest_experimental") {
            Self::Latest
        } else {
            Self::Stable
        }
    }

    /// What is written for a name: one, or two.
    pub(super) fn of(self, name: Name) -> impl Iterator<Item = &'static str> {
        let (stable, latest) = match self {
            Self::Stable => (Some(name.stable), None),
            Self::Latest => (None, Some(name.latest)),
            Self::Both => (
                Some(name.stable),
                Some(name.latest).filter(|latest| *latest != name.stable),
            ),
        };
        stable.into_iter().chain(latest)
    }

    /// Whether metrics are written in the forms of v1.41.
    #[must_use]
    pub(super) fn has_stable(self) -> bool {
        self != Self::Latest
    }

    /// Whether metrics are written in the latest forms.
    #[must_use]
    pub(super) fn has_latest(self) -> bool {
        self != Self::Stable
    }

    /// The schema that the names are of, where they are of one (source: opentelemetry.io/schemas).
    #[must_use]
    pub(super) fn schema(self) -> &'static str {
        match self {
            Self::Stable => "https://opentelemetry.io/schemas/1.41.0",
            Self::Latest => "https://opentelemetry.io/schemas/gen-ai/1.42.0",
            Self::Both => "",
        }
    }
}

pub(super) const OPERATION: Name = same("gen_ai.operation.name");
pub(super) const PROVIDER: Name = same("gen_ai.provider.name");
pub(super) const REQUEST_MODEL: Name = same("gen_ai.request.model");
pub(super) const RESPONSE_MODEL: Name = same("gen_ai.response.model");
pub(super) const RESPONSE_ID: Name = same("gen_ai.response.id");
pub(super) const FINISH_REASONS: Name = same("gen_ai.response.finish_reasons");
pub(super) const TIME_TO_FIRST_CHUNK: Name = same("gen_ai.response.time_to_first_chunk");
pub(super) const INPUT_TOKENS: Name = same("gen_ai.usage.input_tokens");
pub(super) const OUTPUT_TOKENS: Name = same("gen_ai.usage.output_tokens");
pub(super) const CACHE_READ: Name = same("gen_ai.usage.cache_read.input_tokens");
pub(super) const CACHE_WRITE: Name = renamed(
    "gen_ai.usage.cache_creation.input_tokens",
    "gen_ai.usage.cache_write.input_tokens",
);
pub(super) const REASONING: Name = same("gen_ai.usage.reasoning.output_tokens");

/// The metrics whose names `/metrics` writes with underscores, and their units.
pub(super) const METRICS: [(&str, &str, &str); 3] = [
    (
        "gen_ai_server_request_duration_seconds",
        "gen_ai.server.request.duration",
        "s",
    ),
    (
        "gen_ai_server_time_to_first_token_seconds",
        "gen_ai.server.time_to_first_token",
        "s",
    ),
    (
        "gen_ai_server_time_per_output_token_seconds",
        "gen_ai.server.time_per_output_token",
        "s",
    ),
];
/// The histogram of tokens, as `/metrics` has it, which the latest conventions have split.
pub(super) const TOKEN_USAGE: &str = "gen_ai_client_token_usage";
/// What it is called in v1.41.
pub(super) const TOKEN_USAGE_STABLE: &str = "gen_ai.client.token.usage";
/// Its label for the kind of tokens, as `/metrics` has it.
pub(super) const TOKEN_TYPE: &str = "gen_ai_token_type";
/// Each kind of tokens: the counter and the histogram that the latest conventions have for it.
pub(super) const TOKENS_LATEST: [(&str, &str, &str); 2] = [
    (
        "input",
        "gen_ai.client.inference.usage.input_tokens",
        "gen_ai.client.inference.operation.input_tokens",
    ),
    (
        "output",
        "gen_ai.client.inference.usage.output_tokens",
        "gen_ai.client.inference.operation.output_tokens",
    ),
];
/// The unit of counts of tokens.
pub(super) const TOKEN: &str = "{token}";

/// The labels that `/metrics` writes with underscores.
pub(super) const LABELS: [(&str, &str); 7] = [
    ("gen_ai_operation_name", "gen_ai.operation.name"),
    ("gen_ai_provider_name", "gen_ai.provider.name"),
    ("gen_ai_request_model", "gen_ai.request.model"),
    ("gen_ai_token_type", "gen_ai.token.type"),
    ("error_type", "error.type"),
    ("fairlead_provider", "fairlead.provider"),
    ("fairlead_team", "fairlead.team"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_names_come_instead_of_those_of_v1_41_or_beside_them() {
        let of = |list, name| Names::opted_in(list).of(name).collect::<Vec<_>>();
        let (stable, latest) = (CACHE_WRITE.stable, CACHE_WRITE.latest);
        assert_eq!(of("", CACHE_WRITE), [stable]);
        assert_eq!(of("http/dup,database", CACHE_WRITE), [stable]);
        assert_eq!(
            of("http, gen_ai_latest_experimental", CACHE_WRITE),
            [latest]
        );
        assert_eq!(
            of("gen_ai_latest_experimental/dup", CACHE_WRITE),
            [stable, latest]
        );
        assert_eq!(of("gen_ai_latest_experimental/dup", OPERATION).len(), 1);
    }
}
