//! Requests, member by member.

use fairlead_translate::gemini::request;
use fairlead_translate::{Content, Effort, Format, Origin, RequestError, Role, Source, ToolChoice};
use serde_json::json as literal;

use crate::fixtures::{RICH, again, contents, json, names, read, write};

#[test]
fn all_of_a_request_is_read() {
    let asked = read(RICH);
    assert_eq!(asked.system.len(), 2);
    let roles: Vec<_> = asked.turns.iter().map(|turn| turn.role).collect();
    assert_eq!(
        roles,
        [
            Role::User,
            Role::Assistant,
            Role::User,
            Role::Assistant,
            Role::User
        ]
    );
    assert_eq!(asked.tools.len(), 2);
    assert_eq!(
        asked.tool_choice,
        Some(ToolChoice::Tool(fairlead_translate::Text::plain("find")))
    );
    assert_eq!(asked.temperature.unwrap().text(), "0.70");
    assert_eq!(asked.max_output, Some(2048));
    assert_eq!(asked.logprobs, Some(3));
    assert_eq!(asked.reasoning.unwrap().effort, Some(Effort::High));
    assert_eq!(asked.reasoning.unwrap().shown, Some(true));
    assert_eq!(asked.service_tier.unwrap(), "flex");
    assert_eq!(asked.store, Some(false));
    assert!(matches!(asked.format, Some(Format::Schema { .. })));
    assert!(!asked.stream && asked.others.is_empty());
    let first: Vec<_> = asked.turns[0]
        .blocks
        .iter()
        .map(|block| match &block.content {
            Content::Text(_) => "text",
            Content::Image(_) => "image",
            Content::Audio(_) => "audio",
            Content::File(medium) => match medium.source {
                Source::Id(_) => "stored file",
                _ => "file",
            },
            _ => "else",
        })
        .collect();
    assert_eq!(first, ["text", "image", "file", "audio", "stored file"]);
}

#[test]
fn a_request_comes_out_as_it_went_in() {
    let (body, notes) = again(RICH);
    assert_eq!(body, json(RICH));
    assert_eq!(names(&notes), []);
    let (twice, _) = again(&body.to_string());
    assert_eq!(twice, body);
}

#[test]
fn snake_case_is_read_as_well() {
    let snake = r#"{
      "system_instruction": {"parts": [{"text": "s"}]},
      "contents": [{"parts": [{"inline_data": {"mime_type": "image/png", "data": "AAAA"}}]},
        {"role": "model", "parts": [{"function_call": {"name": "f", "args": {"some_key": 1}}, "thought_signature": "c2ln"}]},
        {"role": "user", "parts": [{"function_response": {"name": "f", "response": {"some_key": 2}}}]}],
      "tools": [{"function_declarations": [{"name": "f", "parameters_json_schema": {"type": "object", "properties": {"some_key": {"type": "integer"}}}}]}],
      "tool_config": {"function_calling_config": {"mode": "auto"}},
      "generation_config": {"max_output_tokens": 5, "response_mime_type": "application/json", "thinking_config": {"include_thoughts": true, "thinking_level": "low"}},
      "service_tier": "SERVICE_TIER_PRIORITY"
    }"#;
    let (body, notes) = again(snake);
    assert_eq!(names(&notes), []);
    assert_eq!(
        body,
        literal!({
            "systemInstruction": {"parts": [{"text": "s"}]},
            "contents": [
                {"role": "user", "parts": [{"inlineData": {"mimeType": "image/png", "data": "AAAA"}}]},
                {"role": "model", "parts": [{"functionCall": {"id": "call_1_0", "name": "f", "args": {"some_key": 1}}, "thoughtSignature": "c2ln"}]},
                {"role": "user", "parts": [{"functionResponse": {"id": "call_1_0", "name": "f", "response": {"some_key": 2}}}]}
            ],
            "tools": [{"functionDeclarations": [{"name": "f", "parametersJsonSchema": {"type": "object", "properties": {"some_key": {"type": "integer"}}}}]}],
            "toolConfig": {"functionCallingConfig": {"mode": "AUTO"}},
            "generationConfig": {"maxOutputTokens": 5, "responseMimeType": "application/json", "thinkingConfig": {"includeThoughts": true, "thinkingLevel": "LOW"}},
            "serviceTier": "priority"
        })
    );
}

#[test]
fn nulls_are_absent() {
    let body = r#"{"contents":[{"role":null,"parts":[{"text":"a","thought":null,"thoughtSignature":null}]}],"tools":null,"toolConfig":null,"systemInstruction":null,"generationConfig":{"temperature":null,"stopSequences":null}}"#;
    let (body, notes) = again(body);
    assert_eq!(
        body,
        literal!({"contents": [{"role": "user", "parts": [{"text": "a"}]}]})
    );
    assert_eq!(names(&notes), []);
}

#[test]
fn what_has_no_neutral_form_is_told() {
    let body = r#"{"contents":[{"parts":[{"text":"a","videoMetadata":{"fps":1}},{"executableCode":{"code":"1"}}]}],
      "tools":[{"googleSearch":{}},{"functionDeclarations":[{"name":"f"},{"name":"g"},{"name":"h"}]}],
      "toolConfig":{"functionCallingConfig":{"mode":"VALIDATED","allowedFunctionNames":["f","g"]},"retrievalConfig":{}},
      "generationConfig":{"responseModalities":["IMAGE"],"mediaResolution":"MEDIA_RESOLUTION_LOW","speechConfig":{}},
      "safetySettings":[{"category":"x","threshold":"BLOCK_LOW_AND_ABOVE"}],
      "cachedContent":"cachedContents/1","labels":{"a":"b"},"model":"models/m","extra":1}"#;
    let (_, notes) = again(body);
    assert_eq!(
        names(&notes),
        [
            ("messages[0].content[1]".to_owned(), true),
            ("metadata".to_owned(), false),
            ("contents[0].parts[0].videoMetadata".to_owned(), true),
            ("tools[0].googleSearch".to_owned(), true),
            ("toolConfig.functionCallingConfig.mode".to_owned(), false),
            (
                "toolConfig.functionCallingConfig.allowedFunctionNames".to_owned(),
                true
            ),
            ("toolConfig.retrievalConfig".to_owned(), true),
            ("generationConfig.responseModalities".to_owned(), true),
            ("generationConfig.mediaResolution".to_owned(), false),
            ("generationConfig.speechConfig".to_owned(), true),
            ("safetySettings".to_owned(), true),
            ("cachedContent".to_owned(), true),
            ("extra".to_owned(), true),
        ]
    );
}

#[test]
fn a_filter_that_is_switched_off_asks_nothing_of_others() {
    let body = r#"{"contents":[{"parts":[{"text":"a"}]}],"safetySettings":[{"category":"x","threshold":"BLOCK_NONE"},{"threshold":"OFF"}],"generationConfig":{"responseModalities":["TEXT"],"responseMimeType":"text/plain"}}"#;
    assert_eq!(names(&again(body).1), []);
}

#[test]
fn wrong_kinds_are_refused_by_their_path() {
    for (body, path) in [
        ("{}", "contents"),
        (r#"{"contents":[]}"#, "contents"),
        (r#"{"contents":{}}"#, "contents"),
        (r#"{"contents":["a"]}"#, "contents[0]"),
        (
            r#"{"contents":[{"role":"assistant","parts":[]}]}"#,
            "contents[0].role",
        ),
        (r#"{"contents":[{"parts":"a"}]}"#, "contents[0].parts"),
        (r#"{"contents":[{"parts":[{}]}]}"#, "contents[0].parts[0]"),
        (
            r#"{"contents":[{"parts":[{"text":1}]}]}"#,
            "contents[0].parts[0].text",
        ),
        (
            r#"{"contents":[{"parts":[{"functionCall":{"name":"f","args":[]}}]}]}"#,
            "contents[0].parts[0].functionCall.args",
        ),
        (
            r#"{"contents":[{"parts":[{"functionResponse":{"name":"f","parts":[{}]}}]}]}"#,
            "contents[0].parts[0].functionResponse.parts[0]",
        ),
        (
            r#"{"contents":[{"parts":[{"text":"a"}]}],"generationConfig":{"maxOutputTokens":-1}}"#,
            "generationConfig.maxOutputTokens",
        ),
        (
            r#"{"contents":[{"parts":[{"text":"a"}]}],"generationConfig":{"thinkingConfig":{"thinkingLevel":"SOME"}}}"#,
            "generationConfig.thinkingConfig.thinkingLevel",
        ),
        (
            r#"{"contents":[{"parts":[{"text":"a"}]}],"tools":[{"functionDeclarations":[{"name":"f"},{}]}]}"#,
            "tools[0].functionDeclarations[1].name",
        ),
        (
            r#"{"contents":[{"parts":[{"text":"a"}]}],"generationConfig":{},"generation_config":{}}"#,
            "generationConfig",
        ),
        (
            r#"{"contents":[{"parts":[{"text":"a"}]}],"Contents":[]}"#,
            "contents",
        ),
    ] {
        match request::read(body.as_bytes()) {
            Err(RequestError::Wrong { at, .. }) => assert_eq!(at, path, "{body}"),
            other => panic!("{body}: {other:?}"),
        }
    }
    assert!(matches!(request::read(b"[]"), Err(RequestError::Json(_))));
    assert!(matches!(
        request::read(br#"{"contents":[],"contents":[]}"#),
        Err(RequestError::Json(_))
    ));
}

#[test]
fn types_of_gemini_become_those_of_json_schema() {
    let body = r#"{"contents":[{"parts":[{"text":"a"}]}],
      "tools":[{"functionDeclarations":[{"name":"f","parameters":{"type":"OBJECT","properties":{"q":{"type":"STRING","nullable":true}}}}]}],
      "generationConfig":{"responseMimeType":"application/json","responseSchema":{"type":"ARRAY","items":{"type":"INTEGER"}}}}"#;
    let (body, _) = again(body);
    assert_eq!(
        body["tools"][0]["functionDeclarations"][0]["parametersJsonSchema"],
        literal!({"type": "object", "properties": {"q": {"type": ["string", "null"]}}})
    );
    assert_eq!(
        body["generationConfig"]["responseJsonSchema"],
        literal!({"type": "array", "items": {"type": "integer"}})
    );
}

#[test]
fn thinking_is_told_in_the_words_of_each_generation() {
    let ask = |config: &str, model: &str| {
        let body = format!(
            r#"{{"contents":[{{"parts":[{{"text":"a"}}]}}],"generationConfig":{{"thinkingConfig":{config}}}}}"#
        );
        let (body, notes) = write(&read(&body), model);
        (body["generationConfig"]["thinkingConfig"].clone(), notes)
    };
    let (old, new) = ("gemini-2.5-flash", "gemini-3-pro");
    for (config, model, expected) in [
        (
            r#"{"thinkingBudget":0}"#,
            old,
            literal!({"thinkingBudget": 0}),
        ),
        (
            r#"{"thinkingBudget":-1}"#,
            old,
            literal!({"thinkingBudget": -1}),
        ),
        (
            r#"{"thinkingBudget":500}"#,
            old,
            literal!({"thinkingBudget": 500}),
        ),
        (
            r#"{"thinkingBudget":500}"#,
            new,
            literal!({"thinkingBudget": 500}),
        ),
        (r#"{"thinkingBudget":-1}"#, new, literal!(null)),
        (
            r#"{"thinkingLevel":"HIGH"}"#,
            old,
            literal!({"thinkingBudget": 24_576}),
        ),
        (
            r#"{"thinkingLevel":"XHIGH"}"#,
            new,
            literal!({"thinkingLevel": "XHIGH"}),
        ),
        (
            r#"{"includeThoughts":false}"#,
            new,
            literal!({"includeThoughts": false}),
        ),
    ] {
        assert_eq!(ask(config, model).0, expected, "{config} {model}");
    }
    let (config, notes) = ask(r#"{"thinkingBudget":0}"#, new);
    assert_eq!(config, literal!({"thinkingLevel": "MINIMAL"}));
    assert_eq!(names(&notes), [("reasoning_effort".to_owned(), false)]);
}

#[test]
fn base64_comes_in_either_alphabet_and_leaves_in_one() {
    let contents = contents(
        r#"[{"parts":[{"inlineData":{"mimeType":"image/png","data":"-_8"}},{"inlineData":{"mimeType":"image/jpg","data":"\u002bAA="}}]}]"#,
    );
    assert_eq!(contents[0]["parts"][0]["inlineData"]["data"], "+/8=");
    assert_eq!(
        contents[0]["parts"][1]["inlineData"],
        literal!({"mimeType": "image/jpeg", "data": "+AA="})
    );
}

#[test]
fn a_stream_that_was_kept_in_pieces_is_one_turn() {
    let tagged = "ZmFpcmxlYWQ6YW50aHJvcGljOnNpZw==";
    let body = format!(
        r#"{{"contents":[{{"role":"user","parts":[{{"text":"a"}},{{"text":"b"}}]}},
        {{"role":"model","parts":[{{"text":"Let ","thought":true}}]}},
        {{"role":"model","parts":[{{"text":"me see.","thought":true,"thoughtSignature":"{tagged}"}}]}},
        {{"role":"model","parts":[{{"text":"It "}}]}},
        {{"role":"model","parts":[{{"text":"is."}}]}},
        {{"role":"model","parts":[{{"thought":true}}]}}]}}"#
    );
    let asked = read(&body);
    assert_eq!(asked.turns.len(), 2);
    assert_eq!(asked.turns[0].blocks.len(), 2);
    let [thought, text] = asked.turns[1].blocks.as_slice() else {
        panic!("{:?}", asked.turns[1].blocks);
    };
    match &thought.content {
        Content::Reasoning { text, signature } => {
            assert_eq!(*text, "Let me see.");
            let signature = signature.as_ref().unwrap();
            assert_eq!(signature.origin, Origin::Anthropic);
            assert_eq!(signature.value, "sig");
        }
        other => panic!("{other:?}"),
    }
    assert!(matches!(&text.content, Content::Text(text) if *text == "It is."));
    // Gemini can check neither, so it gets neither.
    let (body, _) = write(&asked, "gemini-3-pro");
    assert_eq!(body["contents"][1]["parts"], literal!([{"text": "It is."}]));
}

#[test]
fn results_find_their_calls_by_name_and_order() {
    let contents = contents(
        r#"[{"role":"model","parts":[{"functionCall":{"name":"f","args":{"n":1}}},{"functionCall":{"name":"g"}},{"functionCall":{"name":"f"}}]},
        {"role":"function","parts":[{"functionResponse":{"name":"f","response":{"output":"one"}}},{"functionResponse":{"name":"f","response":{}}},{"functionResponse":{"name":"g","response":{"result":{"a":1}}}}]},
        {"role":"model","parts":[{"functionCall":{"name":"f"}}]},
        {"role":"user","parts":[{"functionResponse":{"name":"f","response":{"error":{"code":7}}}}]}]"#,
    );
    let ids = |turn: usize, member: &str| -> Vec<_> {
        let parts = contents[turn]["parts"].as_array().unwrap();
        parts
            .iter()
            .map(|part| part[member]["id"].clone())
            .collect()
    };
    assert_eq!(ids(0, "functionCall"), ["call_0_0", "call_0_1", "call_0_2"]);
    assert_eq!(
        ids(1, "functionResponse"),
        ["call_0_0", "call_0_2", "call_0_1"]
    );
    assert_eq!(ids(2, "functionCall"), ["call_2_0"]);
    let responses = contents[1]["parts"].as_array().unwrap();
    assert_eq!(
        responses[0]["functionResponse"]["response"],
        literal!({"result": "one"})
    );
    assert_eq!(
        responses[1]["functionResponse"]["response"],
        literal!({"result": ""})
    );
    assert_eq!(
        responses[2]["functionResponse"]["response"],
        literal!({"result": {"a": 1}})
    );
    assert_eq!(
        contents[3]["parts"][0]["functionResponse"],
        literal!({"id": "call_2_0", "name": "f", "response": {"error": {"code": 7}}})
    );
}
