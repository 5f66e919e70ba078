//! Keys, their owners, and how limits stand.

use fairlead_record::Usage;
use serde::Serialize;

/// All keys that a viewer may see, and the limits of these and of their owners.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Keys {
    /// The keys.
    pub keys: Vec<KeyView>,
    /// How limits stand, of keys, teams, organizations and providers.
    pub limits: Vec<LimitView>,
    /// Whose limits could not be read just now.
    pub unread: Vec<String>,
    /// How many keys there are; `keys` may have been cut.
    pub total: usize,
}

/// A key; never its value.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct KeyView {
    /// `namespace/name`.
    pub name: String,
    /// Its team, `namespace/name`.
    pub team: Option<String>,
    /// The team's organization.
    pub organization: Option<String>,
    /// `value`, or the issuer whose tokens it takes.
    pub presented_as: String,
    /// Why it is refused, if it is.
    pub refused: Option<String>,
    /// When it ends, in seconds since 1970.
    pub expires_unix_s: Option<i64>,
    /// Until when the value before is good too, in seconds since 1970.
    pub previous_until_unix_s: Option<i64>,
    /// The models that it may ask for; `None`: any.
    pub models: Option<Vec<String>>,
    /// The providers that it may be sent to; `None`: all that its namespace may use.
    pub providers: Option<Vec<String>>,
    /// Networks that its callers connect from; empty: any.
    pub networks: Vec<String>,
}

/// How a limit stands, over all gateways.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LimitView {
    /// `organization`, `team`, `key` or `provider`.
    pub level: String,
    /// `namespace/name`.
    pub holder: String,
    /// Its name.
    pub name: String,
    /// `budget`, `rate_limit` or `concurrency`.
    pub kind: String,
    /// `usd`, `requests`, `tokens`, `input_tokens` or `output_tokens`.
    pub unit: String,
    /// How much there is, a decimal number.
    pub limit: String,
    /// How much is used.
    pub used: String,
    /// How much is left.
    pub remaining: String,
    /// From when to when, RFC 3339, of a budget.
    pub window: Option<[String; 2]>,
    /// The interval of a rate.
    pub per_seconds: Option<String>,
}

/// What the holder of a key may know of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Mine {
    /// The key.
    pub key: KeyView,
    /// The models that it may ask for by a name that stands in the configuration.
    pub models: Vec<String>,
    /// How its limits and its owners' stand.
    pub limits: Vec<LimitView>,
    /// What it has used, by the day, over the last 30.
    pub usage: Vec<Usage>,
    /// Where callers connect.
    pub callers_at: Option<String>,
}
