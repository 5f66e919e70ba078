//! A well-formed answer: what a healthy server says, in the form the request asked for.

use serde_json::{Value, json};

use crate::{Framing, Seen, Shape, Step};

/// A healthy server's answer to conversations in every API, and to OpenAI's legacy completions, embeddings and list of models.
///
/// What does not apply to a request is left out: embeddings have no words; reasoning and tool calls are in chat completions only.
#[derive(Clone, Debug, PartialEq)]
pub struct Reply {
    pub(crate) shape: Shape,
    pub(crate) words: Vec<String>,
    pub(crate) reasoning: Vec<String>,
    pub(crate) tool: Option<Tool>,
    pub(crate) finish: String,
    pub(crate) usage: Tokens,
    /// Whether it is a stream; `None`: as it was asked for.
    streamed: Option<bool>,
}

/// A call of a function the caller offered.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tool {
    pub(crate) name: String,
    /// JSON, as a text.
    pub(crate) arguments: String,
}

/// The usage a reply reports, in tokens.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Tokens {
    pub(crate) input: u64,
    pub(crate) cached: u64,
    pub(crate) output: u64,
}

impl Reply {
    /// Says these words, each a content chunk of its own when streamed. Usage: 10 tokens in, one token out per word.
    #[must_use]
    pub fn words<'a>(words: impl IntoIterator<Item = &'a str>) -> Self {
        let words: Vec<_> = words.into_iter().map(str::to_owned).collect();
        let output = u64::try_from(words.len()).unwrap_or(u64::MAX);
        Self {
            shape: Shape::OpenAi,
            words,
            reasoning: Vec::new(),
            tool: None,
            finish: "stop".to_owned(),
            usage: Tokens {
                input: 10,
                cached: 0,
                output,
            },
            streamed: None,
        }
    }

    /// In the dialect of this server.
    #[must_use]
    pub fn shape(mut self, shape: Shape) -> Self {
        self.shape = shape;
        self
    }

    /// Reasons aloud before the words.
    #[must_use]
    pub fn reasoning<'a>(mut self, words: impl IntoIterator<Item = &'a str>) -> Self {
        self.reasoning = words.into_iter().map(str::to_owned).collect();
        self
    }

    /// Calls a function after the words; its arguments come in two chunks when streamed.
    #[must_use]
    pub fn tool_call(mut self, name: &str, arguments: &Value) -> Self {
        self.tool = Some(Tool {
            name: name.to_owned(),
            arguments: arguments.to_string(),
        });
        self.finish("tool_calls")
    }

    /// Ends for this reason instead of `stop`.
    #[must_use]
    pub fn finish(mut self, reason: &str) -> Self {
        reason.clone_into(&mut self.finish);
        self
    }

    /// Reports so many tokens: `cached` are part of `input`.
    #[must_use]
    pub fn usage(mut self, input: u64, cached: u64, output: u64) -> Self {
        self.usage = Tokens {
            input,
            cached,
            output,
        };
        self
    }

    /// Whole, whatever was asked for.
    #[must_use]
    pub fn as_whole(mut self) -> Self {
        self.streamed = Some(false);
        self
    }

    /// As a stream, whatever was asked for.
    #[must_use]
    pub fn as_stream(mut self) -> Self {
        self.streamed = Some(true);
        self
    }

    /// The steps that answer this request.
    pub(crate) fn steps(&self, seen: &Seen) -> Vec<Step> {
        seen.dialect().speech().answer(self, seen)
    }

    /// Whether it is said as a stream.
    pub(crate) fn is_streamed(&self, seen: &Seen) -> bool {
        self.streamed.unwrap_or_else(|| seen.streamed())
    }
}

/// A JSON body, with its length.
pub(crate) fn whole(status: u16, body: &Value) -> Vec<Step> {
    let body = body.to_string();
    let json = [("content-type", "application/json")];
    let head = Step::head(status, &json, Framing::Length(body.len()));
    vec![head, Step::Body(body.into())]
}

/// A stream of this media type, to its orderly end.
pub(crate) fn stream(media_type: &str, events: Vec<Step>) -> Vec<Step> {
    let head = Step::head(200, &[("content-type", media_type)], Framing::Chunked);
    let mut steps = vec![head];
    steps.extend(events);
    steps.push(Step::End);
    steps
}

/// When every answer claims to have been made, in seconds of the Unix epoch.
pub(crate) const CREATED: u64 = 1_760_000_000;

/// The embedding of every text.
const VECTOR: [f32; 3] = [0.25, -0.5, 1.0];

/// The same as little-endian `f32`s in base64.
const VECTOR_BASE64: &str = "AACAPgAAAL8AAIA/";

/// A reply together with what it needs to know of the request.
pub(crate) struct Draft<'a> {
    pub(crate) reply: &'a Reply,
    pub(crate) id: String,
    pub(crate) model: String,
    pub(crate) include_usage: bool,
}

impl<'a> Draft<'a> {
    pub(crate) fn new(reply: &'a Reply, seen: &Seen) -> Self {
        Self {
            reply,
            id: format!("chatcmpl-{}", seen.sequence),
            model: seen.model(),
            include_usage: seen.include_usage(),
        }
    }

    pub(crate) fn completion(&self) -> Value {
        let choice = json!({
            "index": 0, "text": self.reply.words.concat(), "logprobs": null, "finish_reason": self.reply.finish,
        });
        self.text_completion(json!([choice]), &self.usage())
    }

    pub(crate) fn completion_stream(&self) -> Vec<Step> {
        let last = ("", Value::from(self.reply.finish.as_str()));
        let words = self
            .reply
            .words
            .iter()
            .map(|word| (word.as_str(), Value::Null));
        let choices = words.chain([last]).map(|(text, finish)| {
            json!([{"index": 0, "text": text, "logprobs": null, "finish_reason": finish}])
        });
        let mut chunks: Vec<_> = choices
            .map(|choices| self.text_completion(choices, &Value::Null))
            .collect();
        if self.include_usage {
            chunks.push(self.text_completion(json!([]), &self.usage()));
        }
        chunks.iter().map(event).collect()
    }

    fn text_completion(&self, choices: Value, usage: &Value) -> Value {
        let mut body = json!({"id": self.id, "object": "text_completion", "created": CREATED, "model": self.model});
        body["choices"] = choices;
        if !usage.is_null() {
            body["usage"] = usage.clone();
        }
        body
    }

    pub(crate) fn embeddings(&self, seen: &Seen) -> Value {
        let ask = seen.json();
        // The official libraries ask for base64 unless told otherwise, and take nothing else then.
        let vector = if ask["encoding_format"] == "base64" {
            json!(VECTOR_BASE64)
        } else {
            json!(VECTOR)
        };
        let inputs = ask["input"].as_array().map_or(1, Vec::len);
        let data: Vec<_> = (0..inputs)
            .map(|index| json!({"object": "embedding", "index": index, "embedding": vector}))
            .collect();
        let input = self.reply.usage.input;
        json!({
            "object": "list", "model": self.model, "data": data,
            "usage": {"prompt_tokens": input, "total_tokens": input},
        })
    }

    pub(crate) fn models() -> Value {
        let model =
            json!({"id": "fast", "object": "model", "created": CREATED, "owned_by": "faults"});
        json!({"object": "list", "data": [model]})
    }

    /// Usage with the members that every server has.
    pub(crate) fn usage(&self) -> Value {
        let Tokens { input, output, .. } = self.reply.usage;
        json!({"prompt_tokens": input, "completion_tokens": output, "total_tokens": input + output})
    }
}

/// An event with this payload.
pub(crate) fn event(payload: &Value) -> Step {
    Step::Event(payload.to_string())
}
