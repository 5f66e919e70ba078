//! Images, documents, tools and schemas, as a provider of this format takes them.

use fairlead_translate::{
    Block, Content, Conversation, Format, Media, Role, Source, Text, Tool, ToolChoice, Turn,
};
use serde_json::json;

use crate::{round, written};

fn user(content: Content<'static>) -> Conversation<'static> {
    Conversation {
        turns: vec![Turn {
            role: Role::User,
            blocks: vec![Block::from(content)],
            name: None,
            at: 3,
        }],
        ..Conversation::default()
    }
}

fn media(source: Source<'static>, media_type: Option<&'static str>) -> Media<'static> {
    Media {
        source,
        media_type: media_type.map(Text::plain),
        name: Some(Text::plain("a name")),
        detail: None,
    }
}

#[test]
fn media_are_named_by_their_data() {
    let data = |url| Source::Url(Text::plain(url));
    let here = |base64| Source::Base64(Text::plain(base64));
    for (content, expected) in [
        (
            Content::Image(media(data("data:image/jpg;base64,/9j/4A=="), None)),
            json!({"type":"image","source":{"type":"base64","media_type":"image/jpeg","data":"/9j/4A=="}}),
        ),
        (
            Content::Image(media(here("R0lGODlh"), None)),
            json!({"type":"image","source":{"type":"base64","media_type":"image/gif","data":"R0lGODlh"}}),
        ),
        (
            Content::File(media(here("JVBERi0="), Some("application/pdf"))),
            json!({"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"JVBERi0="},"title":"a name"}),
        ),
        (
            Content::File(media(here("YSwiYiIK"), Some("text/csv; charset=utf-8"))),
            json!({"type":"document","source":{"type":"text","media_type":"text/plain","data":"a,\"b\"\n"},"title":"a name"}),
        ),
        (
            Content::File(media(data("data:image/png;base64,iVBORw0K"), None)),
            json!({"type":"image","source":{"type":"base64","media_type":"image/png","data":"iVBORw0K"}}),
        ),
    ] {
        let (body, notes) = written(&user(content));
        assert_eq!(body["messages"][0]["content"][0], expected);
        assert_eq!(notes, [""; 0]);
    }
}

#[test]
fn media_that_the_format_does_not_take_are_refused_and_leave_no_empty_message() {
    let here = |base64| Source::Base64(Text::plain(base64));
    for content in [
        Content::Audio(media(here("UklGR"), Some("audio/wav"))),
        Content::Image(media(here("Qk0="), Some("image/bmp"))),
        Content::Image(media(Source::Url(Text::plain("gs://a/b.png")), None)),
        Content::Image(media(Source::Id(Text::plain("file-1")), None)),
        Content::File(media(
            here("UEsDBA=="),
            Some("application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        )),
        Content::File(media(here("/w=="), Some("text/plain"))),
    ] {
        let (body, notes) = written(&user(content));
        assert_eq!(body["messages"], json!([]));
        assert_eq!(notes, ["!messages[3].content[0]"]);
    }
}

#[test]
fn tools_have_the_schema_of_an_object() {
    let raw = |text| fairlead_json::Raw::parse(text, &fairlead_json::Limits::default()).unwrap();
    let tool = |name, parameters| Tool {
        name: Text::plain(name),
        description: None,
        parameters,
        strict: Some(false),
        cache: None,
    };
    let conversation = Conversation {
        tools: vec![
            tool("a", None),
            tool("b", Some(raw(r#"{"properties":{"q":{}}}"#).into())),
            tool(
                "c",
                Some(raw(r#"{"type":"object","anyOf":[{"required":["q"]}]}"#).into()),
            ),
            tool("d.e", Some(raw(r#"{"type":"object"}"#).into())),
        ],
        tool_choice: Some(ToolChoice::None),
        parallel_tools: Some(false),
        ..Conversation::default()
    };
    let (body, notes) = written(&conversation);
    assert_eq!(
        body["tools"][0],
        json!({"name":"a","input_schema":{"type":"object","properties":{}}})
    );
    assert_eq!(
        body["tools"][1]["input_schema"],
        json!({"type":"object","properties":{"q":{}}})
    );
    assert_eq!(body["tools"][2]["input_schema"], json!({"type":"object"}));
    assert_eq!(body["tool_choice"], json!({"type":"none"}));
    assert_eq!(notes, ["!tools[2].parameters"]);
    let name = body["tools"][3]["name"].as_str().unwrap();
    assert!(name.starts_with("d_e_"), "{name}");
}

#[test]
fn one_call_at_a_time_is_said_even_where_no_choice_is() {
    let conversation = Conversation {
        tools: vec![Tool {
            name: Text::plain("a"),
            description: None,
            parameters: None,
            strict: None,
            cache: None,
        }],
        parallel_tools: Some(false),
        ..Conversation::default()
    };
    assert_eq!(
        written(&conversation).0["tool_choice"],
        json!({"type":"auto","disable_parallel_tool_use":true})
    );
}

#[test]
fn a_schema_of_the_answer_is_closed_and_otherwise_as_it_was() {
    let schema =
        r#"{"type":"object","properties":{"n":{"type":"integer","minimum":1}},"required":["n"]}"#;
    let conversation = Conversation {
        format: Some(Format::Schema {
            name: Some(Text::plain("numbers")),
            description: None,
            schema: fairlead_json::Raw::parse(schema, &fairlead_json::Limits::default())
                .unwrap()
                .into(),
            strict: Some(false),
        }),
        ..Conversation::default()
    };
    let (body, notes) = written(&conversation);
    let mut expected: serde_json::Value = serde_json::from_str(schema).unwrap();
    expected["additionalProperties"] = false.into();
    assert_eq!(
        body["output_config"],
        json!({"format":{"type":"json_schema","schema":expected}})
    );
    assert_eq!(notes, [""; 0]);
}

#[test]
fn documents_within_results_are_taken() {
    let (body, notes) = round(
        r#"{"messages":[{"role":"user","content":[{"type":"tool_result","tool_use_id":"t","content":[{"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"JVBERi0="}}]}]}]}"#,
    );
    assert_eq!(
        body["messages"][0]["content"][0]["content"][0]["type"],
        "document"
    );
    assert_eq!(notes, [""; 0]);
}

#[test]
fn what_a_search_has_found_is_said_and_a_document_of_texts_is_one_text() {
    let (body, notes) = round(
        r#"{"max_tokens":10,"messages":[{"role":"user","content":[
        {"type":"search_result","title":"Cats","source":"https://h/cats","content":[{"type":"text","text":"They purr."},{"type":"text","text":"Often."}]},
        {"type":"document","title":"notes","source":{"type":"content","content":[{"type":"text","text":"One."},{"type":"text","text":"Two."}]}},
        {"type":"text","text":"Why?"}]}]}"#,
    );
    let content = &body["messages"][0]["content"];
    assert_eq!(
        content[0]["text"],
        "Cats\nhttps://h/cats\nThey purr.\nOften."
    );
    assert_eq!(content[1]["title"], "notes");
    assert_eq!(content[1]["source"]["data"], "One.\nTwo.");
    assert_eq!(notes, [""; 0]);
    // Of what is more than text, and of citations, something would be lost.
    let (_, notes) = round(
        r#"{"max_tokens":10,"messages":[{"role":"user","content":[
        {"type":"search_result","title":"a","source":"b","content":[{"type":"text","text":"c"}],"citations":{"enabled":true}},
        {"type":"document","source":{"type":"content","content":[{"type":"text","text":"One."},{"type":"image","source":{}}]}},
        {"type":"text","text":"Why?"}]}]}"#,
    );
    assert_eq!(
        notes,
        [
            "!messages[0].content[1] (document)",
            "!messages[].content[].citations.enabled"
        ]
    );
}
