//! Requests: read, written, and both.

use fairlead_translate::{
    Cache, Content, Conversation, Effort, Format, Role, Source, ToolChoice, Turn,
};
use serde_json::{Value, json};

use super::common::{read, through, write, wrong};

/// The roles and kinds of blocks of turns, in short.
fn outline(conversation: &Conversation<'_>) -> Vec<String> {
    conversation.turns.iter().map(outline_of).collect()
}

fn outline_of(turn: &Turn<'_>) -> String {
    let role = match turn.role {
        Role::User => "user",
        Role::Assistant => "assistant",
        Role::System => "system",
    };
    let blocks: Vec<String> = turn
        .blocks
        .iter()
        .map(|block| match &block.content {
            Content::Text(text) => format!("text {}", text.unescaped()),
            Content::Refusal(text) => format!("refusal {}", text.unescaped()),
            Content::Image(_) => "image".to_owned(),
            Content::File(_) => "file".to_owned(),
            Content::Audio(_) => "audio".to_owned(),
            Content::Reasoning { text, signature } => format!(
                "reasoning {} {}",
                text.unescaped(),
                signature.as_ref().map_or("", |it| it.origin.as_str())
            ),
            Content::Redacted(data) => format!("redacted {}", data.origin.as_str()),
            Content::Call { id, name, .. } => {
                format!("call {} {}", id.unescaped(), name.unescaped())
            }
            Content::Result { id, .. } => format!("result {}", id.unescaped()),
            Content::Other(kind) => format!("other {kind}"),
        })
        .collect();
    format!("{role}: {}", blocks.join(", "))
}

#[test]
fn a_string_is_a_user_message() {
    let body = r#"{"model":"x","input":"Hi \"you\""}"#;
    assert_eq!(outline(&read(body)), ["user: text Hi \"you\""]);
    assert_eq!(
        through(body),
        json!({"model": "m", "input": [{"type": "message", "role": "user",
            "content": [{"type": "input_text", "text": "Hi \"you\""}]}], "store": false})
    );
}

const AGENT: &str = r#"{"model":"x","instructions":"Be brief.","input":[
    {"role":"user","content":"Find x and y."},
    {"type":"reasoning","id":"rs_1","summary":[{"type":"summary_text","text":"Look it up."}],"encrypted_content":"sig0"},
    {"type":"message","role":"assistant","content":[{"type":"output_text","text":"One moment.","annotations":[]}]},
    {"type":"function_call","id":"fc_1","call_id":"call_1","name":"find","arguments":"{\"q\":\"x\",\"n\":12345678901234567890}"},
    {"type":"function_call","call_id":"call_2","name":"find","arguments":""},
    {"type":"function_call_output","call_id":"call_1","output":"1"},
    {"type":"function_call_output","call_id":"call_2","output":[{"type":"input_text","text":"2"},{"type":"input_image","image_url":"data:image/png;base64,iVBORw0KGgo=","detail":"low"}]},
    {"role":"user","content":[{"type":"input_text","text":"And this?"},{"type":"input_image","image_url":"https://a.example/b.png","detail":"auto"},{"type":"input_image","file_id":"file-1","detail":"high"},{"type":"input_file","filename":"a.pdf","file_data":"data:application/pdf;base64,JVBERi0="},{"type":"input_file","file_url":"https://a.example/b.pdf"}]}
    ],"tools":[{"type":"function","name":"find","description":"Finds.","parameters":{"type":"object","properties":{"q":{"type":"string"}}},"strict":false}],
    "tool_choice":{"type":"function","name":"find"},"parallel_tool_calls":false,"store":false,"stream":true,"include":["reasoning.encrypted_content"],
    "max_output_tokens":4000,"temperature":0.50,"top_p":1,"reasoning":{"effort":"high","summary":"auto"},"text":{"verbosity":"low","format":{"type":"json_schema","name":"s","schema":{"type":"object"},"strict":true}},
    "service_tier":"flex","safety_identifier":"u","metadata":{"a":"b"},"prompt_cache_key":"k"}"#;

#[test]
fn an_agents_conversation_keeps_its_turns() {
    let conversation = read(AGENT);
    assert_eq!(
        outline(&conversation),
        [
            "user: text Find x and y.",
            "assistant: reasoning Look it up. openai, text One moment., call call_1 find, call call_2 find",
            "user: result call_1, result call_2",
            "user: text And this?, image, image, file, file",
        ]
    );
    assert_eq!(conversation.system.len(), 1);
    assert_eq!(conversation.turns[3].at, 7);
    assert_eq!(conversation.max_output, Some(4000));
    assert_eq!(conversation.temperature.unwrap().text(), "0.50");
    assert_eq!(conversation.parallel_tools, Some(false));
    assert!(matches!(&conversation.tool_choice, Some(ToolChoice::Tool(name)) if *name == "find"));
    assert!(conversation.stream && conversation.others.is_empty());
    let reasoning = conversation.reasoning.unwrap();
    assert_eq!(
        (reasoning.effort, reasoning.shown),
        (Some(Effort::High), Some(true))
    );
    assert!(matches!(
        conversation.format,
        Some(Format::Schema {
            strict: Some(true),
            ..
        })
    ));
}

#[test]
fn an_agents_conversation_means_the_same_to_the_provider() {
    let (mut expected, written): (Value, Value) =
        (serde_json::from_str(AGENT).unwrap(), through(AGENT));
    expected["model"] = json!("m");
    let input = expected["input"].as_array_mut().unwrap();
    input[0] = json!({"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Find x and y."}]});
    input[1].as_object_mut().unwrap().remove("id");
    input[2]["content"] = json!("One moment.");
    input[3].as_object_mut().unwrap().remove("id");
    input[4]["arguments"] = json!("{}");
    input[7]["type"] = json!("message");
    assert_eq!(written, expected);
    let text = serde_json::to_string(&written["input"]).unwrap();
    assert!(
        text.contains("12345678901234567890"),
        "numbers are kept as written"
    );
}

#[test]
fn leading_instructions_are_the_system_prompt_and_later_ones_stay_where_they_stand() {
    let body = r#"{"instructions":"a","input":[{"role":"developer","content":"b"},{"role":"system","content":[{"type":"input_text","text":"c"}]},
        {"role":"user","content":"d"},{"role":"developer","content":"e"},{"role":"assistant","content":"f"}]}"#;
    let conversation = read(body);
    assert_eq!(conversation.system.len(), 3);
    assert_eq!(
        outline(&conversation),
        ["user: text d", "system: text e", "assistant: text f"]
    );
    let written = through(body);
    assert!(written.get("instructions").is_none());
    assert_eq!(
        written["input"][0],
        json!({"type": "message", "role": "system", "content": [{"type": "input_text", "text": "a"},
            {"type": "input_text", "text": "b"}, {"type": "input_text", "text": "c"}]})
    );
    assert_eq!(written["input"][2]["role"], "system");
    assert_eq!(written["input"].as_array().unwrap().len(), 4);
}

fn call(id: &str) -> Value {
    json!({"type": "function_call", "call_id": id, "name": "f", "arguments": "{}"})
}

fn output(id: &str) -> Value {
    json!({"type": "function_call_output", "call_id": id, "output": ""})
}

fn user(text: &str) -> Value {
    json!({"role": "user", "content": text})
}

fn said(text: &str) -> Value {
    json!({"role": "assistant", "content": text})
}

/// The turns of a list of items.
fn turns(items: &[Value]) -> Vec<String> {
    let body = json!({"input": items}).to_string();
    outline(&read(&body))
}

#[test]
fn a_message_between_a_call_and_its_output_comes_after_the_results() {
    assert_eq!(
        turns(&[call("1"), user("warned"), output("1"), said("done")]),
        [
            "assistant: call 1 f",
            "user: result 1",
            "user: text warned",
            "assistant: text done"
        ]
    );
    assert_eq!(
        turns(&[
            call("1"),
            user("w"),
            call("2"),
            output("1"),
            user("v"),
            output("2"),
            user("u")
        ]),
        [
            "assistant: call 1 f, call 2 f",
            "user: result 1, result 2",
            "user: text w",
            "user: text v",
            "user: text u"
        ]
    );
}

#[test]
fn turns_end_where_their_results_do() {
    // Rounds are not run together.
    assert_eq!(
        turns(&[call("1"), output("1"), call("2"), output("2")]),
        [
            "assistant: call 1 f",
            "user: result 1",
            "assistant: call 2 f",
            "user: result 2"
        ]
    );
    // A call without an output holds nothing up.
    assert_eq!(
        turns(&[call("1"), user("never mind"), said("ok"), user("next")]),
        [
            "assistant: call 1 f",
            "user: text never mind",
            "assistant: text ok",
            "user: text next"
        ]
    );
    // An id that is used again is a new call.
    assert_eq!(
        turns(&[call("1"), output("1"), call("1"), user("w"), output("1")]),
        [
            "assistant: call 1 f",
            "user: result 1",
            "assistant: call 1 f",
            "user: result 1",
            "user: text w"
        ]
    );
}

#[test]
fn a_prefix_is_translated_the_same_whatever_follows() {
    let whole: Value = serde_json::from_str(AGENT).unwrap();
    let full = through(AGENT);
    for length in [1, 7, 8] {
        let mut body = whole.clone();
        body["input"].as_array_mut().unwrap().truncate(length);
        let part = through(&body.to_string());
        let part = part["input"].as_array().unwrap();
        assert_eq!(part[..], full["input"].as_array().unwrap()[..part.len()]);
    }
}

fn signature_of(content: &Content<'_>) -> Option<String> {
    let signature =
        if let Content::Call { signature, .. } | Content::Reasoning { signature, .. } = content {
            signature.as_ref()
        } else if let Content::Redacted(data) = content {
            Some(data)
        } else {
            None
        };
    signature.map(|it| it.value.unescaped().into_owned())
}

#[test]
fn signatures_of_any_origin_come_back_tagged() {
    let body = r#"{"input":[
        {"type":"reasoning","summary":[{"type":"summary_text","text":"a"}],"encrypted_content":"fairlead:anthropic:sig+/="},
        {"type":"reasoning","summary":[],"encrypted_content":"fairlead:anthropic+redacted:data"},
        {"type":"reasoning","summary":[],"encrypted_content":"own"},
        {"type":"reasoning","summary":[],"encrypted_content":"fairlead:gemini+call:proof"},
        {"type":"function_call","call_id":"1","name":"f","arguments":"{}"},
        {"type":"function_call","call_id":"2","name":"f","arguments":"{}"},
        {"type":"reasoning","summary":[{"type":"summary_text","text":"b"},{"type":"summary_text","text":"c"}],"content":[{"type":"reasoning_text","text":"d"}]},
        {"type":"reasoning","summary":[]}]}"#;
    let conversation = read(body);
    assert_eq!(
        outline(&conversation),
        [
            "assistant: reasoning a anthropic, redacted anthropic, reasoning  openai, call 1 f, call 2 f, reasoning b\n\nc\n\nd "
        ]
    );
    let signatures: Vec<Option<String>> = conversation.turns[0]
        .blocks
        .iter()
        .map(|block| signature_of(&block.content))
        .collect();
    let expected = [
        Some("sig+/="),
        Some("data"),
        Some("own"),
        Some("proof"),
        None,
        None,
    ];
    assert_eq!(signatures, expected.map(|it| it.map(str::to_owned)));
    // To OpenAI goes back what is OpenAI's, without a word on the others.
    let (written, essential, advice) = write(&conversation);
    let input = written["input"].as_array().unwrap();
    assert_eq!(
        input[0],
        json!({"type": "reasoning", "summary": [], "encrypted_content": "own"})
    );
    assert_eq!(input.len(), 3);
    assert_eq!(written["include"], json!(["reasoning.encrypted_content"]));
    assert!(essential.is_empty() && advice.is_empty());
}

#[test]
fn tools_of_every_type_are_read() {
    let body = r#"{"input":"x","tools":[
        {"type":"function","name":"f"},
        {"type":"custom","name":"apply_patch","description":"Patches.","format":{"type":"grammar","syntax":"lark","definition":"start: \"a\"\n"}},
        {"type":"custom","name":"say","format":{"type":"text"}},
        {"type":"namespace","name":"crm","description":"Customers.","tools":[{"type":"function","name":"get","parameters":{"type":"object"}},{"type":"custom","name":"note"}]},
        {"type":"web_search"},{"type":"local_shell"},{"type":"mcp","server_label":"s"}]}"#;
    let conversation = read(body);
    let names: Vec<_> = conversation
        .tools
        .iter()
        .map(|tool| tool.name.unescaped())
        .collect();
    assert_eq!(names, ["f", "apply_patch", "say", "crm__get", "crm__note"]);
    assert_eq!(
        conversation.tools[1]
            .description
            .as_ref()
            .unwrap()
            .unescaped(),
        "Patches.\n\nThe input must follow this lark grammar:\nstart: \"a\"\n"
    );
    let others: Vec<_> = conversation
        .others
        .iter()
        .map(|it| (&*it.name, it.changes_meaning))
        .collect();
    assert_eq!(
        others,
        [
            ("tools[1].format", false),
            ("tools[3].description", false),
            ("tools[4] (web_search)", true),
            ("tools[5] (local_shell)", true),
            ("tools[6] (mcp)", true)
        ]
    );
    let (written, essential, _) = write(&conversation);
    assert_eq!(essential.len(), 3);
    assert_eq!(
        written["tools"][1]["parameters"],
        json!({"type": "object", "properties": {"input": {"type": "string"}}, "required": ["input"], "additionalProperties": false})
    );
    assert_eq!(
        written["tools"][0],
        json!({"type": "function", "name": "f", "parameters": {"type": "object", "properties": {}}})
    );
}

#[test]
fn custom_and_namespaced_calls_of_the_history_fit_their_tools() {
    let body = r#"{"input":[
        {"type":"custom_tool_call","call_id":"1","name":"apply_patch","input":"*** \"a\"\n\\b"},
        {"type":"custom_tool_call_output","call_id":"1","output":"ok"},
        {"type":"function_call","call_id":"2","name":"get","namespace":"crm","arguments":"{}"}]}"#;
    let written = through(body);
    let arguments = written["input"][0]["arguments"].as_str().unwrap();
    let arguments: Value = serde_json::from_str(arguments).unwrap();
    assert_eq!(arguments, json!({"input": "*** \"a\"\n\\b"}));
    assert_eq!(written["input"][2]["name"], "crm__get");
}

#[test]
fn allowed_tools_are_the_tools() {
    let body = r#"{"input":"x","tools":[{"type":"function","name":"a"},{"type":"function","name":"b"},{"type":"custom","name":"c"}],
        "tool_choice":{"type":"allowed_tools","mode":"required","tools":[{"type":"function","name":"b"},{"type":"custom","name":"c"}]}}"#;
    let conversation = read(body);
    let names: Vec<_> = conversation
        .tools
        .iter()
        .map(|tool| tool.name.unescaped())
        .collect();
    assert_eq!(names, ["b", "c"]);
    assert_eq!(conversation.tool_choice, Some(ToolChoice::Any));
    let built_in = read(r#"{"input":"x","tool_choice":{"type":"web_search"}}"#);
    assert!(built_in.others[0].changes_meaning);
}

#[test]
fn what_would_have_to_be_kept_is_refused_with_the_reason() {
    for (member, hint) in [
        (
            r#""previous_response_id":"resp_1""#,
            "send the whole conversation as input",
        ),
        (
            r#""conversation":"conv_1""#,
            "send the whole conversation as input",
        ),
        (
            r#""prompt":{"id":"pmpt_1"}"#,
            "send the text as instructions or input",
        ),
        (r#""background":true"#, "keeps no answers"),
    ] {
        let refusal = wrong(&format!(r#"{{"input":"x",{member}}}"#));
        assert!(refusal.contains(hint), "{refusal}");
    }
    for item in [
        r#"{"type":"item_reference","id":"msg_1"}"#,
        r#"{"id":"msg_1"}"#,
    ] {
        let refusal = wrong(&format!(r#"{{"input":[{item}]}}"#));
        assert!(
            refusal.starts_with("input[0] must be the item itself"),
            "{refusal}"
        );
    }
    let fine = r#"{"input":"x","previous_response_id":null,"conversation":null,"prompt":null,"background":false,"store":true}"#;
    assert_eq!(read(fine).store, Some(true));
    assert!(read(fine).others.is_empty());
}

/// Bodies, and how what is wrong with them begins.
const WRONG: &[(&str, &str)] = &[
    (r#"{"model":"x"}"#, "input must be"),
    (r#"{"input":5}"#, "input must be"),
    (r#"{"input":["x"]}"#, "input[0] must be an object"),
    (
        r#"{"input":[{"role":"tool","content":""}]}"#,
        "input[0].role must be",
    ),
    (r#"{"input":[{"role":"user"}]}"#, "input[0].content must be"),
    (
        r#"{"input":[{"role":"user","content":[{"type":"input_text"}]}]}"#,
        "input[0].content[0].text must be a string",
    ),
    (
        r#"{"input":[{"role":"user","content":[{"type":"input_image"}]}]}"#,
        "input[0].content[0] must be an image",
    ),
    (
        r#"{"input":[{"type":"function_call","name":"f","arguments":"{}"}]}"#,
        "input[0].call_id must be",
    ),
    (
        r#"{"input":[{"type":"function_call","call_id":"1","name":"f","arguments":{}}]}"#,
        "input[0].arguments must be",
    ),
    (
        r#"{"input":[{"type":"function_call_output","call_id":"1"}]}"#,
        "input[0].output must be",
    ),
    (
        r#"{"input":"x","max_output_tokens":-1}"#,
        "max_output_tokens must be",
    ),
    (
        r#"{"input":"x","temperature":"1"}"#,
        "temperature must be a number",
    ),
    (r#"{"input":"x","stream":"yes"}"#, "stream must be"),
    (
        r#"{"input":"x","tools":[{"type":"function"}]}"#,
        "tools[0].name must be",
    ),
    (
        r#"{"input":"x","tools":[{"type":"namespace","name":"n","tools":[{"type":"namespace","name":"m","tools":[]}]}]}"#,
        "tools[0].tools[0].type must be",
    ),
    (
        r#"{"input":"x","reasoning":{"effort":"huge"}}"#,
        "reasoning.effort must be",
    ),
    (
        r#"{"input":"x","text":{"format":{"type":"json_schema","name":"s"}}}"#,
        "text.format.schema must be",
    ),
    (
        r#"{"input":"x","Stream":true}"#,
        "stream must be given once",
    ),
    (
        r#"{"input":"x","tool_choice":"any"}"#,
        "tool_choice must be",
    ),
];

#[test]
fn a_wrong_kind_is_refused_by_its_path() {
    for (body, path) in WRONG {
        let refusal = wrong(body);
        assert!(refusal.starts_with(path), "{refusal}");
    }
    assert!(wrong("{").contains("JSON"));
}

#[test]
fn what_has_no_neutral_meaning_is_told_by_name() {
    let body = r#"{"input":[{"role":"assistant","content":"a","phase":"commentary"},{"role":"assistant","content":"b","phase":"final_answer"},
        {"type":"web_search_call","id":"ws_1","status":"completed"}],
        "max_tool_calls":3,"truncation":"auto","moderation":{"policy":{}},"include":["web_search_call.action.sources"],
        "stream_options":{"include_obfuscation":false},"nothing":null}"#;
    let conversation = read(body);
    let mut others: Vec<_> = conversation
        .others
        .iter()
        .map(|it| (&*it.name, it.changes_meaning))
        .collect();
    others.sort_unstable();
    assert_eq!(
        others,
        [
            ("include (web_search_call.action.sources)", false),
            ("input[0].phase", false),
            ("max_tool_calls", false),
            ("moderation", true),
            ("truncation", false)
        ]
    );
    let (_, essential, advice) = write(&conversation);
    assert_eq!(essential, ["messages[0] (web_search_call)", "moderation"]);
    assert_eq!(advice.len(), 4);
}

/// Parts, where their medium is, and of what type.
const MEDIA: &[(&str, &str, &str)] = &[
    (
        r#"{"type":"input_image","image_url":"data:image/jpg;base64,AA=="}"#,
        "data AA==",
        "image/jpeg",
    ),
    (
        r#"{"type":"input_image","image_url":"DATA:Image\/PNG;x=y;base64,\/9j\/"}"#,
        "data /9j/",
        "image/png",
    ),
    (
        r#"{"type":"input_image","image_url":"data:;base64,\/9j\/"}"#,
        "data /9j/",
        "image/jpeg",
    ),
    (
        r#"{"type":"input_image","image_url":"data:text/plain,hello"}"#,
        "url data:text/plain,hello",
        "",
    ),
    (
        r#"{"type":"input_image","image_url":"https://a.example"}"#,
        "url https://a.example",
        "",
    ),
    (
        r#"{"type":"input_image","file_id":"file-1"}"#,
        "id file-1",
        "",
    ),
    (
        r#"{"type":"input_file","file_data":"JVBERi0x"}"#,
        "data JVBERi0x",
        "application/pdf",
    ),
    (
        r#"{"type":"input_file","filename":"A.CSV","file_data":"AAAA"}"#,
        "data AAAA",
        "text/csv",
    ),
    (
        r#"{"type":"input_file","file_data":"AAAA"}"#,
        "data AAAA",
        "application/octet-stream",
    ),
    (
        r#"{"type":"input_file","file_data":"data:text/plain;charset=utf-8;base64,AAAA"}"#,
        "data AAAA",
        "text/plain",
    ),
];

#[test]
fn media_types_come_from_the_data_url_or_the_bytes() {
    let types = |part: &str| {
        let body = format!(r#"{{"input":[{{"role":"user","content":[{part}]}}]}}"#);
        let conversation = read(&body);
        let (Content::Image(media) | Content::File(media)) =
            &conversation.turns[0].blocks[0].content
        else {
            panic!("no medium");
        };
        let kind = match &media.source {
            Source::Base64(data) => format!("data {}", data.unescaped()),
            Source::Url(url) => format!("url {}", url.unescaped()),
            Source::Id(id) => format!("id {}", id.unescaped()),
            Source::Text(_) => "text".to_owned(),
        };
        let media_type = media
            .media_type
            .as_ref()
            .map(|it| it.unescaped().into_owned());
        (kind, media_type.unwrap_or_default())
    };
    for (part, source, media_type) in MEDIA {
        assert_eq!(
            types(part),
            ((*source).to_owned(), (*media_type).to_owned()),
            "{part}"
        );
    }
}

#[test]
fn a_wish_to_cache_is_read_and_its_loss_is_told() {
    let body = r#"{"input":[{"role":"user","content":[{"type":"input_text","text":"a","prompt_cache_breakpoint":{"mode":"explicit"}}]}]}"#;
    let conversation = read(body);
    assert_eq!(conversation.turns[0].blocks[0].cache, Some(Cache::Default));
    assert_eq!(write(&conversation).2, ["cache_control"]);
}

#[test]
fn other_surfaces_parameters_are_told() {
    let mut conversation = read(r#"{"input":"x"}"#);
    let number = fairlead_json::Raw::parse("1", &fairlead_json::Limits::default()).unwrap();
    conversation.top_k = Some(number);
    conversation.seed = Some(number);
    conversation.presence_penalty = Some(number);
    conversation.frequency_penalty = Some(number);
    conversation.stop.push(fairlead_translate::Text::plain("x"));
    conversation.choices = 2;
    conversation.logprobs = Some(3);
    conversation.max_output = Some(1);
    conversation.parallel_tools = Some(false);
    let (written, essential, advice) = write(&conversation);
    assert_eq!(
        essential,
        [
            "top_k",
            "presence_penalty",
            "frequency_penalty",
            "stop",
            "n",
            "logprobs"
        ]
    );
    assert_eq!(advice, ["max_output_tokens below 16", "seed"]);
    assert_eq!(written["max_output_tokens"], 16);
    assert!(
        written.get("parallel_tool_calls").is_none(),
        "refused without tools"
    );
}

#[test]
fn budgets_become_efforts() {
    for (budget, effort) in [
        (0, "none"),
        (1024, "low"),
        (10000, "medium"),
        (31999, "high"),
    ] {
        let mut conversation = read(r#"{"input":"x"}"#);
        conversation.reasoning = Some(fairlead_translate::Reasoning {
            budget: Some(budget),
            ..Default::default()
        });
        let (written, ..) = write(&conversation);
        assert_eq!(written["reasoning"], json!({"effort": effort}));
        assert_eq!(written.get("include").is_some(), budget > 0);
    }
}

#[test]
fn sound_is_read_and_has_no_place_in_an_input() {
    let body = r#"{"input":[{"role":"user","content":[{"type":"input_audio","input_audio":{"data":"AAAA","format":"mp3"}}]}]}"#;
    let conversation = read(body);
    assert!(
        matches!(&conversation.turns[0].blocks[0].content, Content::Audio(media)
        if media.media_type.as_ref().is_some_and(|it| *it == "audio/mpeg"))
    );
    assert_eq!(write(&conversation).1, ["messages[0] (audio)"]);
}
