//! What of the content of requests may be kept, as the command line says it.

use clap::ValueEnum;
use fairlead_snapshot::LoggedContent;

/// How much of the content of requests may be kept, whatever rules ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "PascalCase")]
pub(crate) enum Ceiling {
    /// Nothing.
    None,
    /// What callers have sent.
    Request,
    /// That, and what they were answered.
    Full,
}

impl Ceiling {
    /// As rules say it; `None`: nothing.
    #[must_use]
    pub(crate) fn content(self) -> Option<LoggedContent> {
        match self {
            Self::None => None,
            Self::Request => Some(LoggedContent::Request),
            Self::Full => Some(LoggedContent::Full),
        }
    }
}

/// Arguments that say what is kept of the content of requests.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct Content {
    /// How much of the content of requests may be kept where a RoutingRule asks for it in spec.logging. Secrets are masked before.
    #[arg(
        id = "log_content",
        long = "log-content",
        env = "FAIRLEAD_LOG_CONTENT",
        value_name = "MODE",
        value_enum,
        ignore_case = true,
        default_value_t = Ceiling::None
    )]
    pub(crate) ceiling: Ceiling,
    /// For how many hours it is kept: in memory, and in --state-dir or PostgreSQL where requests are.
    #[arg(
        id = "log_content_hours",
        long = "log-content-hours",
        env = "FAIRLEAD_LOG_CONTENT_HOURS",
        value_name = "HOURS",
        value_parser = clap::value_parser!(u16).range(1..=720),
        default_value_t = 24
    )]
    pub(crate) hours: u16,
}
