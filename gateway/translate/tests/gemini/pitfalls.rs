//! What goes wrong between Gemini and others.

mod answered;
mod asked;

/// An answer, or an event, of those parts; `rest` stands behind them in the candidate.
fn streamed(parts: &str, rest: &str) -> String {
    format!(r#"{{"candidates":[{{"content":{{"role":"model","parts":[{parts}]}}{rest}}}]}}"#)
}
