//! What an answer uses, what it costs by the provider's own reckoning, and how it is said in each dialect.

use fairlead_faults::{Framing, Play, Reply, Seen, Step};
use fastrand::Rng;
use serde_json::{Value, json};

/// What one answer used, in tokens; each is counted once.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Used {
    /// Of the prompt, from no cache.
    pub(crate) input: u64,
    /// Of the prompt, from a cache.
    pub(crate) cached: u64,
    /// Of the prompt, into a cache for minutes.
    pub(crate) written: u64,
    /// Said.
    pub(crate) output: u64,
    /// Thought.
    pub(crate) reasoning: u64,
    /// Pictures in the prompt, and pictures made.
    pub(crate) shown: u64,
    pub(crate) drawn: u64,
    /// How it was served, where that is said.
    pub(crate) tier: Option<&'static str>,
}

/// What a token costs, in picodollars: millionths of the price of a million.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Prices {
    pub(crate) input: u64,
    pub(crate) cached: u64,
    pub(crate) written: u64,
    pub(crate) output: u64,
    pub(crate) reasoning: u64,
    /// Pictures in the prompt, and pictures made.
    pub(crate) shown: u64,
    pub(crate) drawn: u64,
}

/// How a request may be served.
pub(crate) const TIERS: [&str; 3] = ["default", "flex", "priority"];

/// The name of the model that everyone asks for.
const MODEL: &str = "m";

impl Prices {
    /// What such an answer costs, in nano-USD, a fraction being a whole one.
    pub(crate) fn bill(&self, used: &Used) -> i64 {
        let lines = [
            (used.input, self.input),
            (used.cached, self.cached),
            (used.written, self.written),
            (used.output, self.output),
            (used.reasoning, self.reasoning),
            (used.shown, self.shown),
            (used.drawn, self.drawn),
        ];
        let picos: u128 = lines
            .iter()
            .map(|(tokens, price)| u128::from(*tokens) * u128::from(*price))
            .sum();
        i64::try_from(picos.div_ceil(1000)).unwrap()
    }

    /// The `price` of a provider, in flow style.
    pub(crate) fn field(&self) -> String {
        let usd = |picos: u64| format!("\"{}.{:06}\"", picos / 1_000_000, picos % 1_000_000);
        format!(
            "price: {{inputPerMillion: {}, cachedInputPerMillion: {}, cacheWritePerMillion: {}, outputPerMillion: {}, reasoningPerMillion: {}}}",
            usd(self.input),
            usd(self.cached),
            usd(self.written),
            usd(self.output),
            usd(self.reasoning)
        )
    }
}

impl Used {
    /// A quarter of the prompt's bytes, some of it from a cache; an answer whose length is skewed, some of it thought.
    pub(crate) fn draw(random: &mut Rng, seen: &Seen, median: f64, tiers: bool) -> Self {
        let prompt = u64::try_from(seen.body.len()).unwrap() / 4 + random.u64(..8);
        if is_of_pictures(seen) {
            return Self {
                input: prompt,
                shown: random.u64(100..2_000),
                drawn: random.u64(200..6_000),
                ..Self::default()
            };
        }
        let (mut cached, mut written) = (0, 0);
        if random.u8(..10) < 4 {
            cached = prompt * random.u64(20..90) / 100;
        }
        let asked = seen.json();
        let most = [
            "/max_tokens",
            "/max_completion_tokens",
            "/generationConfig/maxOutputTokens",
            "/inferenceConfig/maxTokens",
        ];
        let most = most
            .into_iter()
            .find_map(|name| asked.pointer(name)?.as_u64())
            .unwrap_or(u64::MAX);
        let output = skewed(random, median).min(most);
        let (anthropic, openai) = (is_anthropic(seen), is_openai(seen));
        if anthropic && random.u8(..10) < 3 {
            written = (prompt - cached) / 3;
        }
        let reasoning = if openai && random.u8(..10) < 3 {
            skewed(random, median).min(most - output)
        } else {
            0
        };
        let tier = tiers.then(|| TIERS[random.usize(..3)]);
        Self {
            input: prompt - cached - written,
            cached,
            written,
            output,
            reasoning,
            tier: tier.filter(|_| openai),
            ..Self::default()
        }
    }

    /// Where a stream is cut after half of its words: the whole prompt, and what was said.
    pub(crate) fn half(mut self) -> Self {
        self.output = self.output.div_ceil(2);
        self
    }
}

/// Log-normal with this median, at least 1: the product of many small changes.
fn skewed(random: &mut Rng, median: f64) -> u64 {
    let normal = (0..12).map(|_| random.f64()).sum::<f64>() - 6.0;
    let length = std::time::Duration::from_secs_f64((median * normal.exp()).clamp(1.0, 4000.0));
    length.as_secs()
}

fn is_anthropic(seen: &Seen) -> bool {
    seen.dialect().name() == "Anthropic"
}

fn is_openai(seen: &Seen) -> bool {
    seen.dialect().name() == "OpenAI"
}

/// Whether a picture is asked for.
fn is_of_pictures(seen: &Seen) -> bool {
    seen.path.ends_with("/images/generations")
}

/// A picture, as OpenAI's Images API tells what it took.
fn picture(used: &Used) -> Value {
    let input = used.input + used.shown;
    json!({
        "created": 1_760_000_000, "data": [{"b64_json": "aGFyYm91cg=="}],
        "usage": {
            "input_tokens": input, "output_tokens": used.drawn, "total_tokens": input + used.drawn,
            "input_tokens_details": {"text_tokens": used.input, "image_tokens": used.shown},
        },
    })
}

/// The answer to a request, a word for each token.
pub(crate) fn play(used: &Used, seen: &Seen) -> Play {
    if is_of_pictures(seen) {
        return Play::steps(whole(&picture(used)));
    }
    if !is_anthropic(seen) && !is_openai(seen) {
        let words = std::iter::repeat_n("word ", usize::try_from(used.output).unwrap());
        let reply = Reply::words(words);
        return reply
            .usage(used.input + used.cached, used.cached, used.output)
            .into();
    }
    let steps = match (is_anthropic(seen), seen.streamed()) {
        (false, false) => whole(&chat(used)),
        (false, true) => stream(chat_events(used, seen)),
        (true, false) => whole(&message(used, &words(used.output), Some("end_turn"))),
        (true, true) => stream(message_events(used)),
    };
    Play::steps(steps)
}

fn words(count: u64) -> String {
    "word ".repeat(usize::try_from(count).unwrap())
}

fn whole(body: &Value) -> Vec<Step> {
    let body = body.to_string();
    let json = [("content-type", "application/json")];
    vec![
        Step::head(200, &json, Framing::Length(body.len())),
        Step::Body(body.into()),
    ]
}

fn stream(events: Vec<Step>) -> Vec<Step> {
    let mut steps = vec![Step::event_stream()];
    steps.extend(events);
    steps.push(Step::End);
    steps
}

fn chat_usage(used: &Used) -> Value {
    let (prompt, completion) = (used.input + used.cached, used.output + used.reasoning);
    json!({
        "prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": used.cached, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": used.reasoning, "audio_tokens": 0},
    })
}

fn chat(used: &Used) -> Value {
    let message = json!({"role": "assistant", "content": words(used.output), "refusal": null});
    let mut body = json!({
        "id": "chatcmpl-0", "object": "chat.completion", "created": 1_760_000_000, "model": MODEL,
        "choices": [{"index": 0, "message": message, "logprobs": null, "finish_reason": "stop"}],
        "usage": chat_usage(used),
    });
    if let Some(tier) = used.tier {
        body["service_tier"] = tier.into();
    }
    body
}

fn chat_events(used: &Used, seen: &Seen) -> Vec<Step> {
    let chunk = |choices: Value, usage: Value| {
        let mut chunk = json!({
            "id": "chatcmpl-0", "object": "chat.completion.chunk", "created": 1_760_000_000, "model": MODEL, "choices": choices,
        });
        if let Some(tier) = used.tier {
            chunk["service_tier"] = tier.into();
        }
        if seen.include_usage() {
            chunk["usage"] = usage;
        }
        Step::Event(chunk.to_string())
    };
    let choice = |delta: Value, finish: Value| json!([{"index": 0, "delta": delta, "finish_reason": finish}]);
    let opening = json!({"role": "assistant", "content": ""});
    let mut events = vec![chunk(choice(opening, Value::Null), Value::Null)];
    let word = chunk(
        choice(json!({"content": "word "}), Value::Null),
        Value::Null,
    );
    events.extend(std::iter::repeat_n(
        word,
        usize::try_from(used.output).unwrap(),
    ));
    events.push(chunk(choice(json!({}), "stop".into()), Value::Null));
    if seen.include_usage() {
        events.push(chunk(json!([]), chat_usage(used)));
    }
    events.push(Step::Event("[DONE]".to_owned()));
    events
}

fn message_usage(used: &Used, output: u64) -> Value {
    json!({
        "input_tokens": used.input, "cache_creation_input_tokens": used.written, "cache_read_input_tokens": used.cached,
        "cache_creation": {"ephemeral_5m_input_tokens": used.written, "ephemeral_1h_input_tokens": 0},
        "output_tokens": output, "service_tier": "standard",
    })
}

fn message(used: &Used, text: &str, reason: Option<&str>) -> Value {
    let content = if text.is_empty() {
        json!([])
    } else {
        json!([{"type": "text", "text": text}])
    };
    json!({
        "id": "msg_0", "type": "message", "role": "assistant", "model": MODEL, "content": content,
        "stop_reason": reason, "stop_sequence": null,
        "usage": message_usage(used, reason.map_or(1, |_| used.output)),
    })
}

fn message_events(used: &Used) -> Vec<Step> {
    let event = |payload: Value| {
        let name = payload["type"].as_str().unwrap().to_owned();
        Step::Body(format!("event: {name}\ndata: {payload}\n\n").into())
    };
    let text = json!({"type": "text", "text": ""});
    let mut events = vec![
        event(json!({"type": "message_start", "message": message(used, "", None)})),
        event(json!({"type": "content_block_start", "index": 0, "content_block": text})),
    ];
    let delta = json!({"type": "text_delta", "text": "word "});
    let word = event(json!({"type": "content_block_delta", "index": 0, "delta": delta}));
    events.extend(std::iter::repeat_n(
        word,
        usize::try_from(used.output).unwrap(),
    ));
    let ended = json!({"stop_reason": "end_turn", "stop_sequence": null});
    let told = json!({"output_tokens": used.output});
    events.extend([
        event(json!({"type": "content_block_stop", "index": 0})),
        event(json!({"type": "message_delta", "delta": ended, "usage": told})),
        event(json!({"type": "message_stop"})),
    ]);
    events
}
