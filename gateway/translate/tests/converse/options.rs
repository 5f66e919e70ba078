//! Everything but what is said and the tools.

use fairlead_translate::{Conversation, Effort, Format, Reasoning, Role, Text, chat, messages};
use serde_json::{Value, json};

use crate::common::{
    CLAUDE, GPT, GPT_OSS, LLAMA, NOVA, of, pieces, text, turn, written, written_for,
};

fn hi() -> Conversation<'static> {
    of(vec![turn(Role::User, 0, vec![text("Hi")])])
}

fn thinking(model: &str, reasoning: Reasoning, max_output: Option<u64>) -> (Value, Vec<String>) {
    let (body, notes) = written_for(
        model,
        &Conversation {
            reasoning: Some(reasoning),
            max_output,
            ..hi()
        },
    );
    let fields = &body["additionalModelRequestFields"];
    (json!([fields, body["outputConfig"]["effort"]]), notes)
}

fn effort(effort: Effort) -> Reasoning {
    Reasoning {
        effort: Some(effort),
        ..Reasoning::default()
    }
}

fn budget(budget: u64) -> Reasoning {
    Reasoning {
        budget: Some(budget),
        ..Reasoning::default()
    }
}

#[test]
fn claude_thinks_in_anthropics_words() {
    let adaptive = Reasoning {
        adaptive: true,
        shown: Some(false),
        ..Reasoning::default()
    };
    for (reasoning, max_output, expected) in [
        (
            effort(Effort::None),
            None,
            json!([{"thinking": {"type": "disabled"}}, null]),
        ),
        (
            effort(Effort::Minimal),
            None,
            json!([{"thinking": {"type": "adaptive"}}, "low"]),
        ),
        (
            effort(Effort::ExtraHigh),
            None,
            json!([{"thinking": {"type": "adaptive"}}, "xhigh"]),
        ),
        (
            adaptive,
            None,
            json!([{"thinking": {"type": "adaptive", "display": "omitted"}}, "high"]),
        ),
        (
            budget(2000),
            None,
            json!([{"thinking": {"type": "enabled", "budget_tokens": 2000}}, null]),
        ),
        (
            budget(100),
            Some(8000),
            json!([{"thinking": {"type": "enabled", "budget_tokens": 1024}}, null]),
        ),
        (
            budget(9000),
            Some(8000),
            json!([{"thinking": {"type": "enabled", "budget_tokens": 7999}}, null]),
        ),
        (Reasoning::default(), None, json!([null, null])),
    ] {
        let (body, notes) = thinking(CLAUDE, reasoning, max_output);
        assert_eq!((body, notes), (expected, vec![]), "{reasoning:?}");
    }
    let (body, notes) = thinking(CLAUDE, budget(2000), Some(1024));
    assert_eq!(
        (body, notes),
        (json!([null, null]), vec!["!reasoning".to_owned()])
    );
}

#[test]
fn others_think_in_their_own_words_or_not_at_all() {
    let nova = |effort: &str| json!([{"reasoningConfig": {"type": "enabled", "maxReasoningEffort": effort}}, null]);
    let gpt = |effort: &str| json!([{"reasoning": {"effort": effort}}, null]);
    let oss = |effort: &str| json!([{"reasoning_effort": effort}, null]);
    for (model, reasoning, expected, notes) in [
        (NOVA, effort(Effort::Low), nova("low"), ""),
        (NOVA, budget(8192), nova("medium"), ""),
        (NOVA, effort(Effort::Max), nova("high"), ""),
        (
            NOVA,
            budget(0),
            json!([{"reasoningConfig": {"type": "disabled"}}, null]),
            "",
        ),
        (GPT, effort(Effort::Minimal), gpt("low"), ""),
        (GPT, effort(Effort::Max), gpt("max"), ""),
        (GPT, effort(Effort::None), gpt("none"), ""),
        (GPT_OSS, effort(Effort::Medium), oss("medium"), ""),
        (GPT_OSS, budget(20000), oss("high"), ""),
        (GPT_OSS, effort(Effort::None), oss("low"), "reasoning"),
        (
            LLAMA,
            effort(Effort::None),
            json!([null, null]),
            "reasoning",
        ),
        (
            LLAMA,
            effort(Effort::High),
            json!([null, null]),
            "!reasoning",
        ),
    ] {
        let (body, told) = thinking(model, reasoning, None);
        assert_eq!(body, expected, "{model} {reasoning:?}");
        assert_eq!(told.join(","), notes, "{model} {reasoning:?}");
    }
}

#[test]
fn a_claude_that_thinks_takes_no_sampling_and_no_forced_tool() {
    let body = |rest: &str| {
        let body = format!(
            r#"{{"max_tokens":9000,"messages":[{{"role":"user","content":"Hi"}}],"thinking":{{"type":"adaptive"}},{rest}}}"#
        );
        written(&messages::request::read(body.as_bytes()).unwrap())
    };
    let (sampled, notes) = body(r#""temperature":0.5,"top_k":5,"top_p":0.5"#);
    assert_eq!(sampled["inferenceConfig"], json!({"maxTokens": 9000}));
    assert_eq!(notes, ["!temperature", "!top_p", "!top_k"]);
    let (forced, notes) = body(
        r#""tools":[{"name":"a","input_schema":{"type":"object"}}],"tool_choice":{"type":"tool","name":"a"}"#,
    );
    assert_eq!(
        forced["toolConfig"]["toolChoice"],
        json!({"tool": {"name": "a"}})
    );
    assert_eq!(forced.get("additionalModelRequestFields"), None);
    assert_eq!(notes, ["!reasoning"]);
}

#[test]
fn sampling_is_said_where_each_model_has_it() {
    let conversation = messages::request::read(
        br#"{"max_tokens":5,"messages":[{"role":"user","content":"Hi"}],"temperature":0.70,"top_p":0.9,"top_k":40}"#,
    )
    .unwrap();
    for (model, fields, notes) in [
        (CLAUDE, json!({"top_k": 40}), ""),
        (NOVA, json!({"inferenceConfig": {"topK": 40}}), ""),
        (LLAMA, Value::Null, "!top_k"),
    ] {
        let (body, told) = written_for(model, &conversation);
        assert_eq!(
            body["inferenceConfig"],
            json!({"maxTokens": 5, "temperature": 0.7, "topP": 0.9})
        );
        assert_eq!(body["additionalModelRequestFields"], fields, "{model}");
        assert_eq!(told.join(","), notes, "{model}");
    }
}

#[test]
fn what_has_no_words_is_told() {
    let conversation = chat::request::read(
        br#"{"messages":[{"role":"user","content":"Hi"}],"temperature":1.5,"seed":1,"n":2,"presence_penalty":0,
        "frequency_penalty":0.5,"logprobs":true,"verbosity":"low","response_format":{"type":"json_object"},"stop":" ",
        "prompt_cache_key":"k","store":true,"service_tier":"auto","logit_bias":{"1":5}}"#,
    )
    .unwrap();
    let (body, notes) = written(&conversation);
    assert_eq!(body.as_object().unwrap().len(), 1, "{body}");
    assert_eq!(
        notes,
        [
            "!temperature",
            "!stop",
            "!response_format",
            "service_tier",
            "!frequency_penalty",
            "!n",
            "!logprobs",
            "seed",
            "prompt_cache_key",
            "store",
            "verbosity",
            "!logit_bias"
        ]
    );
}

#[test]
fn tiers_are_like_to_like() {
    for (tier, sent, notes) in [
        ("default", json!({"type": "default"}), ""),
        ("flex", json!({"type": "flex"}), ""),
        ("auto", Value::Null, "service_tier"),
        ("scale", Value::Null, "!service_tier"),
    ] {
        let (body, told) = written(&Conversation {
            service_tier: Some(Text::plain(tier)),
            ..hi()
        });
        assert_eq!(body["serviceTier"], sent, "{tier}");
        assert_eq!(told.join(","), notes, "{tier}");
    }
}

#[test]
fn metadata_are_said_as_far_as_they_can_be() {
    let of = |metadata: &str, user: &str| {
        let body = format!(
            r#"{{"messages":[{{"role":"user","content":"Hi"}}],"metadata":{metadata},"user":"{user}"}}"#
        );
        let (body, notes) = written(&chat::request::read(body.as_bytes()).unwrap());
        (body["requestMetadata"].clone(), notes.join(","))
    };
    assert_eq!(
        of(r#"{"a":"b","c":"d!","e":1}"#, "u-1"),
        (json!({"a": "b", "user": "u-1"}), "metadata".to_owned())
    );
    assert_eq!(
        of(r#"{"user":"mine"}"#, "u-1"),
        (json!({"user": "mine"}), "user".to_owned())
    );
    let many: Vec<_> = (0..17).map(|at| format!(r#""k{at}":"v""#)).collect();
    let (sent, notes) = of(&format!("{{{}}}", many.join(",")), "u-1");
    assert_eq!(sent.as_object().unwrap().len(), 16);
    assert_eq!(notes, "metadata,user");
    let (hashed, _) = of("{}", "Zoë");
    assert_eq!(hashed["user"].as_str().unwrap().len(), 32);
}

#[test]
fn a_schema_is_a_text_and_closes_its_objects() {
    let (body, notes) = written(&Conversation {
        format: Some(Format::Schema {
            name: None,
            description: None,
            schema: fairlead_translate::Value::made(r#"{"type":"object"}"#.to_owned()),
            strict: Some(true),
        }),
        ..hi()
    });
    assert_eq!(
        body["outputConfig"]["textFormat"]["structure"]["jsonSchema"],
        json!({"schema": "{\"type\":\"object\",\"additionalProperties\":false}"})
    );
    assert_eq!(notes, [""; 0]);
}

/// JSON by a tool that is made up for it would be told as a call, in streams event by event.
#[test]
fn a_schema_needs_no_tool_and_its_answer_streams_as_text() {
    let conversation = chat::request::read(
        br#"{"messages":[{"role":"user","content":"Hi"}],"response_format":{"type":"json_schema","json_schema":{"name":"a","schema":{"type":"object"}}}}"#,
    )
    .unwrap();
    let (body, notes) = written(&conversation);
    assert_eq!(body["outputConfig"]["textFormat"]["type"], "json_schema");
    assert_eq!(body.get("toolConfig"), None);
    assert_eq!(notes, [""; 0]);
    let told = pieces(
        r#"messageStart {"role":"assistant"}
        contentBlockDelta {"contentBlockIndex":0,"delta":{"text":"{\"a\":"}}
        contentBlockDelta {"contentBlockIndex":0,"delta":{"text":"1}"}}
        contentBlockStop {"contentBlockIndex":0}
        messageStop {"stopReason":"end_turn"}"#,
    );
    assert_eq!(told, ["begin", r#"text {"a":"#, "text 1}", "finish End"]);
}
