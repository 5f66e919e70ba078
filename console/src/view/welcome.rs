//! How one signs in.

use serde::Serialize;

/// What the first page asks for, and says of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Welcome {
    /// What stands over the field for a token.
    pub token: String,
    /// Where one gets it.
    pub hint: String,
}

/// Those of a gateway that tells of itself.
impl Default for Welcome {
    fn default() -> Self {
        Self {
            token: "Admin token".to_owned(),
            hint: "It stands in --state-dir/admin-token; without a state folder the gateway has printed a link when it began.".to_owned(),
        }
    }
}
