//! What a condition sees of a request and of who sends it.

use serde_json::{Map, Value};

/// Everything a condition sees.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Facts {
    pub(crate) request: RequestFacts,
    pub(crate) caller: CallerFacts,
}

/// The request.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RequestFacts {
    /// Header fields; one that was repeated has its values joined by `", "`.
    pub headers: Vec<(String, String)>,
    /// The model name as sent.
    pub model: String,
    /// Whether the answer is to be streamed.
    pub stream: bool,
    /// The top-level fields of the body other than the messages.
    pub params: Map<String, Value>,
}

/// Who sends it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CallerFacts {
    /// The key's name.
    pub key_name: String,
    /// The key's namespace.
    pub key_namespace: String,
    /// The key's team, if it has one.
    pub team: Option<String>,
    /// The team's organization, if it has one.
    pub organization: Option<String>,
}

impl Facts {
    /// The facts of one request.
    #[must_use]
    pub fn new(request: RequestFacts, caller: CallerFacts) -> Self {
        Self { request, caller }
    }
}
