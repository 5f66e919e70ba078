//! What may be used of money, requests, tokens and places, at any level: organization, team, key, provider.

use serde::{Deserialize, Serialize};

use crate::{ModelPattern, ObjectName};

/// All that limits one owner.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Limits {
    /// Money, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub budgets: Vec<Budget>,
    /// Requests and tokens, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rates: Vec<RateLimit>,
    /// How many requests may be in flight at a time, over all replicas; `None`: as many as there are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concurrent: Option<ConcurrentLimit>,
    /// What an attempt may probably cost at most, in nano-USD; `None`: anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_cost: Option<i64>,
}

impl Limits {
    /// Whether nothing is limited.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        !self.count() && self.max_cost.is_none()
    }

    /// Whether something is counted.
    #[must_use]
    pub fn count(&self) -> bool {
        !self.budgets.is_empty() || !self.rates.is_empty() || self.concurrent.is_some()
    }
}

/// So much money for each window.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Budget {
    /// Its name, of which an owner has one: what is used is kept under it.
    pub name: String,
    /// How much, in nano-USD. 0 refuses all that costs anything.
    pub amount: i64,
    /// The windows.
    pub period: Period,
    /// The time zone of the calendar, a name of the IANA database.
    pub time_zone: String,
    /// What happens when it is used up.
    pub on_exceeded: OnExceeded,
    /// From which percentage on cheaper targets are asked first; 1 to 100.
    pub soft_at_percent: u8,
    /// Whether it is never passed, at the price of refusals that would have fitted.
    pub strict: bool,
    /// Another amount for a while.
    pub raise: Option<Raise>,
    /// What was used before this moment does not count; seconds since 1970.
    pub reset_at: Option<i64>,
    /// What counts towards it.
    pub scope: LimitScope,
    /// Whether targets that are free may be asked when it is used up.
    pub free_targets: FreeTargets,
    /// What happens when nobody can say how much is left.
    pub on_store_failure: OnStoreFailure,
}

/// Another amount for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Raise {
    /// How much, in nano-USD.
    pub amount: i64,
    /// Until when, seconds since 1970.
    pub until: i64,
}

/// The windows of a budget: half open, one after the other without a gap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, tag = "type")]
pub enum Period {
    /// Each day of the calendar.
    Daily,
    /// Seven days.
    Weekly {
        /// The day they begin on, 1 (Monday) to 7 (Sunday).
        starts: u8,
    },
    /// Each month.
    Monthly {
        /// The day they begin on, 1 to 28.
        starts: u8,
    },
    /// Three months.
    Quarterly {
        /// A month that one begins with, 1 to 12.
        starts: u8,
    },
    /// Twelve months.
    Yearly {
        /// The month they begin with, 1 to 12.
        starts: u8,
    },
    /// So many seconds of elapsed time, counted from 1970.
    Every {
        /// How many.
        seconds: u64,
    },
}

/// What happens when a budget is used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum OnExceeded {
    /// Requests are refused.
    Reject,
    /// Cheaper targets are asked first from `soft_at_percent` on, and only those that cost nothing once it is used up.
    Fallback,
}

/// Whether free targets may be asked when a budget is used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum FreeTargets {
    /// They may: they take nothing of it.
    Allow,
    /// They are refused like all others.
    Reject,
}

/// What happens when nobody can say how much is left of a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum OnStoreFailure {
    /// Requests pass. What they use is counted once the store is back.
    Allow,
    /// Requests are refused.
    Deny,
}

/// So many requests or tokens within any interval of a length.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RateLimit {
    /// Its name, of which an owner has one.
    pub name: String,
    /// What is counted.
    pub unit: Unit,
    /// How many. 0 refuses all.
    pub limit: i64,
    /// The length of the interval, in milliseconds.
    pub per_ms: u64,
    /// Whether each end user of a key has it for itself.
    pub per_user: bool,
    /// What counts towards it.
    pub scope: LimitScope,
    /// What happens when nobody can say how much is left.
    pub on_store_failure: OnStoreFailure,
}

/// What a rate limit counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Unit {
    /// Requests, once each however many attempts they take; at a provider, attempts.
    Requests,
    /// Tokens of prompts and answers.
    Tokens,
    /// Tokens of prompts, those from a cache with them.
    InputTokens,
    /// Tokens of answers, those of reasoning with them.
    OutputTokens,
}

/// So many requests at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ConcurrentLimit {
    /// How many. 0 refuses all.
    pub limit: u32,
    /// What happens when nobody can say how many there are.
    pub on_store_failure: OnStoreFailure,
}

/// What counts towards a limit; both have to hold.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LimitScope {
    /// Requests for these model names, as callers send them, be it with a provider in front; `None`: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub models: Option<Vec<ModelPattern>>,
    /// Attempts at these providers; `None`: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub providers: Option<Vec<ObjectName>>,
}

impl LimitScope {
    /// Whether a request for this model name, as it was sent, can count.
    #[must_use]
    pub fn has_model(&self, model: &str) -> bool {
        let caught =
            |patterns: &Vec<ModelPattern>| patterns.iter().any(|pattern| pattern.catches(model));
        self.models.as_ref().is_none_or(caught)
    }

    /// Whether an attempt at this provider can count.
    #[must_use]
    pub fn has_provider(&self, provider: &ObjectName) -> bool {
        let providers = self.providers.as_ref();
        providers.is_none_or(|providers| providers.contains(provider))
    }
}

/// A team or an organization, as far as it limits.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Owner {
    /// What its keys may use together.
    pub limits: Limits,
    /// What its keys may use of models and providers.
    pub allow: crate::Allow,
    /// The organization that a team names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization: Option<String>,
    /// Whether that one is missing, or does not take the team: its keys are refused.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub apart: bool,
}

impl Owner {
    /// Whether its keys may use less for it.
    #[must_use]
    pub fn restricts(&self) -> bool {
        !(self.limits.is_empty() && self.allow.is_everything())
    }
}

/// What one model costs: USD a million tokens of each unit, as whole picodollars a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, tag = "type")]
pub enum ModelPrice {
    /// Nothing, and nothing has to be known of what it used.
    Free,
    /// By the token. What is not named is charged as what it is a part of.
    #[serde(rename_all = "camelCase")]
    Tokens {
        /// Of prompts.
        input: u64,
        /// Of what a cache gave of them.
        cached_input: Option<u64>,
        /// Of what was written to a cache.
        cache_write: Option<u64>,
        /// Of answers.
        output: u64,
        /// Of the part of them that is reasoning.
        reasoning: Option<u64>,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Allow, AllowedProvider, Deny};

    fn patterns(texts: &[&str]) -> Vec<ModelPattern> {
        let pattern = |text: &&str| ModelPattern((*text).to_owned());
        texts.iter().map(pattern).collect()
    }

    #[test]
    fn a_provider_in_front_of_a_model_takes_it_out_of_no_limit() {
        let scope = LimitScope {
            models: Some(patterns(&["gpt-*", "meta/llama"])),
            providers: None,
        };
        for counted in ["gpt-4o", "openai/gpt-4o", "meta/llama", "groq/meta/llama"] {
            assert!(scope.has_model(counted), "{counted}");
        }
        for other in ["o3", "openai/o3", "llama", "my-gpt-4o"] {
            assert!(!scope.has_model(other), "{other}");
        }
    }

    #[test]
    fn what_is_denied_is_denied_under_either_name_and_whatever_is_allowed() {
        let provider = |name| ObjectName::new("search", name);
        let allowed = |name| AllowedProvider {
            provider: provider(name),
            weight: 1,
        };
        let allow = Allow {
            models: Some(patterns(&["*"])),
            providers: Some(vec![allowed("a"), allowed("b")]),
            selector: None,
            deny: Deny {
                models: patterns(&["o3"]),
                providers: vec![provider("b")],
            },
        };
        assert!(allow.permits_model("gpt-4o") && allow.permits_model("o3-mini"));
        assert!(!allow.permits_model("o3") && !allow.permits_model("openai/o3"));
        let permitted = ["a", "b", "c"].map(|name| allow.permits_provider(&provider(name)));
        assert_eq!(permitted, [true, false, false]);
        assert!(Allow::default().is_everything() && !allow.is_everything());
    }
}
