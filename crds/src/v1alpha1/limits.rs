//! What may be used of money, requests, tokens and places. The same fields on VirtualKey, Team, Organization and LLMProvider.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::rule::ProviderReference;
use crate::text::{DurationText, Label, ModelPattern, TimeZoneName, Usd};

/// So much money for each window. Calendar windows begin with the first instant of their first date in the time zone.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("(self.period == 'Duration') == has(self.every)").message("every goes with period: Duration, which needs it").field_path(".every"),
    validation = Rule::new("self.period == 'Monthly' || !has(self.startDay)").message("startDay goes with period: Monthly only").field_path(".startDay"),
    validation = Rule::new("self.period == 'Weekly' || !has(self.weekStart)").message("weekStart goes with period: Weekly only").field_path(".weekStart"),
    validation = Rule::new("self.period in ['Quarterly', 'Yearly'] || !has(self.startMonth)").message("startMonth goes with period: Quarterly and Yearly only").field_path(".startMonth"),
    validation = Rule::new("self.period != 'Duration' || !has(self.timeZone)").message("a Duration is elapsed time and knows no timeZone; remove it").field_path(".timeZone"),
)]
pub struct Budget {
    /// Its name, unique among the budgets of its owner. What is used is kept under it, so another name begins anew.
    pub name: Label,
    /// What each window has, in US dollars; quote it. "0" refuses all that costs anything.
    pub amount: Usd,
    /// How long a window is.
    pub period: Period,
    /// How long a window is, in whole seconds from 1m to 8784h; they are counted from 1970-01-01T00:00:00Z. For period: Duration, which
    /// needs it.
    #[x_kube(validation = Rule::new("!self.contains('ms') && duration(self) >= duration('1m') && duration(self) <= duration('8784h')").message("must be whole seconds, from 1m to 8784h"))]
    pub every: Option<DurationText>,
    /// The day of the month that a window begins on; only for period: Monthly. Absent: 1.
    #[schemars(range(min = 1, max = 28), extend("format" = "int32"))]
    pub start_day: Option<u32>,
    /// The day that a window begins on; only for period: Weekly. Absent: Monday.
    pub week_start: Option<Weekday>,
    /// The month that a year begins with, or one of the four that a quarter does; only for period: Quarterly and Yearly. Absent: January.
    pub start_month: Option<Month>,
    /// The time zone of the calendar, a name of the IANA database such as Europe/Berlin; not for period: Duration. Absent: UTC.
    pub time_zone: Option<TimeZoneName>,
    /// What happens when it is used up. Absent: Reject.
    pub on_exceeded: Option<OnExceeded>,
    /// From which percentage on it counts as nearly used up: with onExceeded: Fallback cheaper targets are asked first from there on. Absent: 80.
    #[schemars(range(min = 1, max = 100), extend("format" = "int32"))]
    pub soft_at_percent: Option<u32>,
    /// Whether it is never passed: each request then reserves the most that it could cost, and what has no such bound is refused. Absent: false,
    /// which reserves what requests of the kind usually cost, and may pass the amount by what those in flight cost beyond it.
    pub strict: Option<bool>,
    /// Another amount for a while. Absent: none.
    #[serde(rename = "override")]
    pub raise: Option<BudgetOverride>,
    /// What was used before this moment (RFC 3339) does not count: a window begins there. Absent: windows begin by the period alone.
    pub reset_at: Option<Time>,
    /// The model names, as callers send them, that count towards it: exact, or a prefix ending in *. A name behind a provider (provider/model) is
    /// meant, too. Absent: all.
    #[schemars(length(min = 1, max = 32))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub models: Option<Vec<ModelPattern>>,
    /// The providers that count towards it. Absent: all.
    #[schemars(length(min = 1, max = 32))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub providers: Option<Vec<ProviderReference>>,
    /// Whether targets that are free may be asked when it is used up. Absent: Allow.
    pub free_targets: Option<FreeTargets>,
    /// What happens while nobody can say how much is left. Absent: Deny.
    pub on_store_failure: Option<OnStoreFailure>,
}

/// How long a window of a budget is.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Period {
    /// A day of the calendar.
    Daily,
    /// Seven days, from weekStart on.
    Weekly,
    /// A month, from startDay on.
    Monthly,
    /// Three months, of which one begins with startMonth.
    Quarterly,
    /// Twelve months, from startMonth on.
    Yearly,
    /// As long as every says.
    Duration,
}

/// The day that a window begins on; only for period: Weekly. Absent: Monday.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weekday {
    /// The first day by ISO 8601.
    Monday,
    /// The second.
    Tuesday,
    /// The third.
    Wednesday,
    /// The fourth.
    Thursday,
    /// The fifth.
    Friday,
    /// The sixth.
    Saturday,
    /// The last.
    Sunday,
}

/// The month that a year begins with, or one of the four that a quarter does; only for period: Quarterly and Yearly. Absent: January.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Month {
    /// The first.
    January,
    /// The second.
    February,
    /// The third.
    March,
    /// The fourth.
    April,
    /// The fifth.
    May,
    /// The sixth.
    June,
    /// The seventh.
    July,
    /// The eighth.
    August,
    /// The ninth.
    September,
    /// The tenth.
    October,
    /// The eleventh.
    November,
    /// The last.
    December,
}

/// What happens when a budget is used up. Absent: Reject.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnExceeded {
    /// Requests are refused with 429 until the window ends.
    Reject,
    /// From softAtPercent on cheaper targets are asked first; once it is used up, only those that are free.
    Fallback,
}

/// Another amount for a while. Absent: none.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct BudgetOverride {
    /// What a window has instead, in US dollars; quote it.
    pub amount: Usd,
    /// The moment (RFC 3339) from which the budget's own amount holds again.
    pub until: Time,
}

/// Whether targets that are free may be asked when a budget is used up. Absent: Allow.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum FreeTargets {
    /// They may: they take nothing of it.
    Allow,
    /// They are refused like all others.
    Reject,
}

/// What happens while nobody can say how much is left of a limit, because the store of the counters cannot be reached. Absent: Deny for budgets,
/// Allow for rate limits and concurrency.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnStoreFailure {
    /// Requests pass, and what they use is counted once the store is back.
    Allow,
    /// Requests are refused with 503.
    Deny,
}

/// So many requests or tokens within any interval of a length.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct RateLimit {
    /// Its name, unique among the rate limits of its owner.
    pub name: Label,
    /// What is counted.
    pub unit: RateUnit,
    /// How many. 0 refuses all.
    #[schemars(range(min = 0, max = 1_000_000_000_000_i64))]
    pub limit: i64,
    /// The length of the interval, from 1s to 24h. It slides: no interval of this length has more.
    #[x_kube(validation = Rule::new("duration(self) >= duration('1s') && duration(self) <= duration('24h')").message("must be from 1s to 24h"))]
    pub per: DurationText,
    /// The model names, as callers send them, that count towards it: exact, or a prefix ending in *. A name behind a provider (provider/model) is
    /// meant, too. Absent: all.
    #[schemars(length(min = 1, max = 32))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub models: Option<Vec<ModelPattern>>,
    /// The providers that count towards it. Absent: all.
    #[schemars(length(min = 1, max = 32))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub providers: Option<Vec<ProviderReference>>,
    /// Whether each end user has it for itself, as the request names them. Absent: false, all have it together.
    pub per_user: Option<bool>,
    /// What happens while nobody can say how much is left. Absent: Allow.
    pub on_store_failure: Option<OnStoreFailure>,
}

/// What a rate limit counts.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum RateUnit {
    /// Requests, once each however many attempts they take; on an LLMProvider, attempts.
    Requests,
    /// Tokens of prompts and answers.
    Tokens,
    /// Tokens of prompts, those from a cache with them.
    InputTokens,
    /// Tokens of answers, those of reasoning with them.
    OutputTokens,
}

/// How many requests may be in flight at a time, over all replicas; streams count until they end. Absent: as many as there are.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct InFlightLimit {
    /// How many. 0 refuses all.
    #[schemars(range(min = 0, max = 1_000_000), extend("format" = "int32"))]
    pub max_in_flight: u32,
    /// What happens while nobody can say how many there are. Absent: Allow.
    pub on_store_failure: Option<OnStoreFailure>,
}

/// The limits of a provider are about itself, and about everybody: users of two tenants are not the same.
pub(super) fn about_itself(schema: &mut schemars::Schema) {
    let fields = schema.pointer_mut("/items/properties");
    if let Some(fields) = fields.and_then(serde_json::Value::as_object_mut) {
        fields.remove("providers");
        fields.remove("perUser");
    }
}
