//! What is said, in no format's words: what a provider is told to say, and what a caller has understood.

use std::fmt::Debug;

use serde_json::{Value, json};

use super::dialect::Dialect;

/// The value of every signature: base64, as Gemini's have to be.
pub(crate) const SIGNATURE: &str = "c2lnbmF0dXJl";

/// An answer.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Said {
    /// What was thought.
    pub(crate) reasoning: String,
    /// Whose signature proves it, and the signature.
    pub(crate) signature: Option<(String, String)>,
    /// The text.
    pub(crate) text: String,
    /// The calls of tools.
    pub(crate) calls: Vec<Call>,
    /// Why it ended.
    pub(crate) stop: Option<Stop>,
    /// What was used.
    pub(crate) used: Option<Tokens>,
}

/// A call of a tool.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Call {
    /// Its id.
    pub(crate) id: String,
    /// The tool.
    pub(crate) name: String,
    /// What it is called with.
    pub(crate) arguments: Value,
}

/// Why an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stop {
    /// By itself.
    End,
    /// At the limit of the output.
    Length,
    /// To wait for tools.
    Calls,
    /// By a filter.
    Filtered,
}

/// Tokens: `cached` are among those of the input, `reasoning` among those of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tokens {
    pub(crate) input: u64,
    pub(crate) cached: u64,
    pub(crate) output: u64,
    pub(crate) reasoning: u64,
}

/// What every answer has used.
pub(crate) const USED: Tokens = Tokens {
    input: 12,
    cached: 4,
    output: 9,
    reasoning: 5,
};

impl Said {
    /// Some words, and the end.
    pub(crate) fn words(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            stop: Some(Stop::End),
            used: Some(USED),
            ..Self::default()
        }
    }

    /// The same, ended for another reason.
    pub(crate) fn stopped(self, stop: Stop) -> Self {
        Self {
            stop: Some(stop),
            ..self
        }
    }

    /// Calls of these ids, each with an argument of its own.
    pub(crate) fn calls(ids: &[&str]) -> Self {
        let call = |id: &&str| Call {
            id: (*id).to_owned(),
            name: "find".to_owned(),
            arguments: json!({"q": format!("of {id}")}),
        };
        Self {
            calls: ids.iter().map(call).collect(),
            ..Self::words("").stopped(Stop::Calls)
        }
    }

    /// Thoughts that are signed, by whoever says it.
    pub(crate) fn thought(self, text: &str) -> Self {
        Self {
            reasoning: text.to_owned(),
            signature: Some((String::new(), SIGNATURE.to_owned())),
            ..self
        }
    }

    /// As a provider of this dialect says it.
    pub(crate) fn by(mut self, dialect: Dialect) -> Self {
        if let Some((by, _)) = &mut self.signature {
            dialect.origin().clone_into(by);
        }
        if let Some(used) = &mut self.used
            && dialect == Dialect::Bedrock
        {
            // It does not say how much of the output was thought.
            used.reasoning = 0;
        }
        self
    }
}

/// What a caller was told.
#[derive(Debug, Default)]
pub(crate) struct Told {
    /// The whole answer, in its surface's words; put together where it came as a stream.
    pub(crate) body: Value,
    /// Whether it ended as its surface promises.
    pub(crate) ended: bool,
    /// An error in the stream.
    pub(crate) error: Option<Value>,
}

/// An error in its surface's words, and what they mean.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// How the surface calls this kind.
    pub(crate) kind: String,
    /// The sentence.
    pub(crate) message: String,
}

/// A signature as it stands where `own` ones stand without a tag: whose it is, and what.
pub(crate) fn untagged(written: &str, own: &str) -> Option<(String, String)> {
    let (origin, value) = match written.strip_prefix("fairlead:") {
        Some(tagged) => tagged.split_once(':')?,
        None => (own, written),
    };
    let origin = origin.trim_start_matches("call.").trim_end_matches("+call");
    (!value.is_empty()).then(|| (origin.to_owned(), value.to_owned()))
}

/// Fails with both sides unless they are the same.
pub(crate) fn same<T: PartialEq + Debug>(what: &str, got: &T, wanted: &T) -> Result<(), String> {
    if got == wanted {
        return Ok(());
    }
    Err(format!("{what}: {got:?}, wanted {wanted:?}"))
}

/// A text; empty if it is none.
pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Adds to a text in place.
pub(crate) fn append(to: &mut Value, more: &Value) {
    if let Some(more) = more.as_str() {
        *to = json!(text(to) + more);
    }
}

/// JSON in a text.
pub(crate) fn parsed(value: &Value) -> Result<Value, String> {
    serde_json::from_str(&text(value)).map_err(|error| format!("{value} is no JSON: {error}"))
}

/// The elements of a list; none if it is no list.
pub(crate) fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}
