//! Log probabilities: OpenAI's words for them, which are the neutral ones, and Gemini's `logprobsResult`.

use fairlead_json::{Kind, Raw};

use super::members::{each_element, each_member};
use crate::Value;
use crate::write::Json;

/// A `logprobsResult` in OpenAI's words.
pub(super) fn read(raw: Raw<'_>) -> Option<Value<'static>> {
    let (mut chosen, mut top) = (Vec::new(), Vec::new());
    let walked: Result<(), ()> = each_member(raw, |name, value| {
        match name {
            "chosenCandidates" => value.each_element(|each| chosen.push(each)),
            "topCandidates" => value.each_element(|each| top.push(each)),
            _ => {}
        }
        Ok(())
    });
    walked.ok()?;
    if chosen.is_empty() {
        return None;
    }
    let mut json = Json::default();
    json.object(|json| {
        json.key("content").array(|json| {
            for (at, each) in chosen.iter().enumerate() {
                json.object(|json| {
                    openai_token(*each, json);
                    json.key("top_logprobs").array(|json| {
                        if let Some(top) = top.get(at) {
                            openai_alternatives(*top, json);
                        }
                    });
                });
            }
        });
        json.key("refusal").null();
    });
    String::from_utf8(json.finish()).ok().map(Value::made)
}

fn openai_alternatives(top: Raw<'_>, json: &mut Json) {
    let walked: Result<(), ()> = each_member(top, |name, value| {
        if name == "candidates" {
            value.each_element(|each| json.object(|json| openai_token(each, json)));
        }
        Ok(())
    });
    debug_assert_eq!(walked, Ok(()), "nothing fails");
}

fn openai_token(token: Raw<'_>, json: &mut Json) {
    let (mut text, mut logprob) = (None, None);
    token.each_member(|key, value| match &*super::members::camel(&key) {
        "token" if value.kind() == Kind::String => text = Some(value),
        "logProbability" if value.kind() == Kind::Number => logprob = Some(value),
        _ => {}
    });
    match text {
        Some(text) => json.key("token").raw(text),
        None => json.key("token").str(""),
    }
    match logprob {
        Some(logprob) => json.key("logprob").raw(logprob),
        // Proto leaves a zero out, which is the certain one.
        None => json.key("logprob").number(0),
    }
    json.key("bytes").null();
}

/// What of OpenAI's becomes Gemini's, token by token.
#[derive(Debug, Default)]
pub(super) struct Logprobs {
    chosen: Vec<u8>,
    top: Vec<u8>,
}

impl Logprobs {
    /// Takes over the tokens of one object of OpenAI's.
    pub(super) fn add(&mut self, openai: Raw<'_>) {
        openai.each_member(|key, value| {
            if key == "content" {
                value.each_element(|token| self.add_token(token));
            }
        });
    }

    fn add_token(&mut self, token: Raw<'_>) {
        append(&mut self.chosen, |json| gemini_token(token, json));
        append(&mut self.top, |json| {
            json.key("candidates").array(|json| {
                token.each_member(|key, value| {
                    if key == "top_logprobs" {
                        let walked: Result<(), ()> = each_element(value, |_, each| {
                            json.object(|json| gemini_token(each, json));
                            Ok(())
                        });
                        debug_assert_eq!(walked, Ok(()), "nothing fails");
                    }
                });
            });
        });
    }

    /// Writes the member into a candidate that is open, if there is anything.
    pub(super) fn write(&self, json: &mut Json) {
        if self.chosen.is_empty() {
            return;
        }
        json.key("logprobsResult").object(|json| {
            for (name, elements) in [
                ("topCandidates", &self.top),
                ("chosenCandidates", &self.chosen),
            ] {
                let elements = String::from_utf8_lossy(elements);
                json.key(name).array(|json| json.verbatim(&elements));
            }
        });
    }
}

fn append(elements: &mut Vec<u8>, members: impl FnOnce(&mut Json)) {
    if !elements.is_empty() {
        elements.push(b',');
    }
    let mut json = Json::default();
    json.object(members);
    elements.extend_from_slice(&json.finish());
}

fn gemini_token(token: Raw<'_>, json: &mut Json) {
    token.each_member(|key, value| match &*key {
        "token" => json.key("token").raw(value),
        "logprob" => json.key("logProbability").raw(value),
        _ => {}
    });
}
