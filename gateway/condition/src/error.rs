//! What can be wrong with a condition, before and while it is evaluated.
//!
//! Neither kind ever quotes a value of a request: a header may be a secret, and these messages end in logs and in status conditions.

/// Why a text is not a condition.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConditionError {
    /// Over [`crate::Condition::MAX_BYTES`].
    #[error("the condition is longer than 1024 bytes; split the rule in two")]
    TooLong,
    /// Not CEL.
    #[error("the condition is not valid CEL: {0}")]
    Syntax(String),
    /// Over [`crate::Condition::MAX_DEPTH`].
    #[error("the condition nests deeper than 16 levels; flatten it or split the rule in two")]
    TooDeep,
    /// Over [`crate::Condition::MAX_NODES`].
    #[error("the condition has more than 128 parts; split the rule in two")]
    TooLarge,
    /// A comprehension.
    #[error(
        "all, exists, exists_one, map and filter are not available in conditions; use in, contains() or matches()"
    )]
    Comprehension,
    /// `matches()` with a computed pattern.
    #[error("the pattern of matches() must be a string literal, so that it can be compiled once")]
    PatternNotLiteral,
    /// `matches()` with a pattern that is no regular expression, or too large a one.
    #[error("the pattern of matches() does not compile: {0}")]
    BadPattern(String),
    /// A variable, field or function that does not exist.
    #[error(
        "{0} is not known here; conditions see request.headers, request.model, request.stream, request.params, request.estimate, key.name, key.namespace, team.name, organization.name, budget.LEVEL and rate.LEVEL, and the functions has, size, int, double, string, contains, startsWith, endsWith and matches"
    )]
    UnknownName(String),
    /// A level that has no limits which could be known.
    #[error(
        "{0} is not known here; budget and rate have the levels organization, team and key (which provider answers is not decided yet)"
    )]
    UnknownLevel(String),
    /// Something that limits and estimates do not have.
    #[error(
        "{0} is not known here; a budget has usedPercent and remainingUsd, a rate usedPercent and remaining, request.estimate inputTokens and costUsd, and one of several limits is meant by its name, such as budget.team[\"month\"].usedPercent"
    )]
    UnknownMember(String),
    /// A name of a limit that is computed, or that no limit can have.
    #[error(
        "the name of a limit must be a string literal of lower-case letters, digits and '-', such as budget.team[\"month\"].usedPercent"
    )]
    LimitName,
    /// CEL that conditions leave out.
    #[error("{0} are not available in conditions")]
    Unsupported(&'static str),
    /// Not true or false where it has to be.
    #[error("{0} is used where true or false is needed; compare it with something")]
    NotBoolean(&'static str),
}

/// Why a condition has no value for a request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EvaluationError {
    /// A value that is neither true nor false where one of them is needed.
    #[error("a {0} is used where true or false is needed")]
    NotBoolean(&'static str),
    /// Two values that have no order.
    #[error("a {0} and a {1} have no order; ask with has() first")]
    NoOrder(&'static str, &'static str),
    /// An operation that a value does not have.
    #[error("{0} does not apply to a {1}; ask with has() first")]
    NotApplicable(&'static str, &'static str),
    /// A number beyond 64 bits, or not a number.
    #[error("a number is out of range")]
    OutOfRange,
    /// Division of an integer by zero.
    #[error("division by zero")]
    DivisionByZero,
    /// An index past the end of a list.
    #[error("an index is past the end of its list")]
    NoSuchIndex,
    /// What the caller sent has no one reading: half of a UTF-16 pair, a number beyond every double, a member that is given twice.
    #[error("the request has no one reading there: {0}")]
    Unreadable(#[from] fairlead_json::Unreadable),
    /// More parameters than conditions look through.
    #[error(
        "the parameters are too much to look through: 4 MiB for a request, 1000 elements where lists are compared"
    )]
    TooMuch,
    /// A text over 64 KiB where it would be copied or searched by pattern.
    #[error("a text is longer than 64 KiB")]
    TooLong,
    /// Whether the request needs something cannot be told from it.
    #[error("whether the request needs {0} cannot be told: it holds what is not understood")]
    Untold(&'static str),
    /// What follows from a body that nobody reads.
    #[error("what the body says is not known, for it is passed through as it is")]
    NotRead,
}
