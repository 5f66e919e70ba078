//! Images, documents, films and sounds.

use fairlead_translate::{Block, Content, Media, Role, Source, Text, responses};
use serde_json::{Value, json};

use crate::common::{of, round, text, turn, written};

fn media(
    source: Source<'static>,
    media_type: Option<&'static str>,
    name: &'static str,
) -> Media<'static> {
    Media {
        source,
        media_type: media_type.map(Text::plain),
        name: (!name.is_empty()).then(|| Text::plain(name)),
        detail: None,
    }
}

fn here(data: &'static str) -> Source<'static> {
    Source::Base64(Text::plain(data))
}

fn at(url: &'static str) -> Source<'static> {
    Source::Url(Text::plain(url))
}

fn of_user(content: Content<'static>) -> (Value, Vec<String>) {
    let (body, notes) = written(&of(vec![turn(Role::User, 3, vec![text("Look:"), content])]));
    (body["messages"][0]["content"][1].clone(), notes)
}

#[test]
fn media_are_named_by_what_they_are() {
    for (content, expected) in [
        (
            Content::Image(media(at("data:image/jpg;base64,/9j/4A=="), None, "")),
            json!({"image": {"format": "jpeg", "source": {"bytes": "/9j/4A=="}}}),
        ),
        (
            Content::Image(media(here("R0lGODlh"), None, "")),
            json!({"image": {"format": "gif", "source": {"bytes": "R0lGODlh"}}}),
        ),
        (
            Content::Image(media(at("s3://bucket/a.webp"), None, "")),
            json!({"image": {"format": "webp", "source": {"s3Location": {"uri": "s3://bucket/a.webp"}}}}),
        ),
        (
            Content::File(media(
                here("AAAA"),
                Some("application/octet-stream"),
                "My_Sheet.v2.xlsx",
            )),
            json!({"document": {"format": "xlsx", "name": "My-Sheet-v2", "source": {"bytes": "AAAA"}}}),
        ),
        (
            Content::File(media(here("YSxi"), Some("text/csv; charset=utf-8"), "")),
            json!({"document": {"format": "csv", "name": "document", "source": {"bytes": "YSxi"}}}),
        ),
        (
            Content::File(media(Source::Text(Text::plain("# Hi")), None, "notes.md")),
            json!({"document": {"format": "md", "name": "notes", "source": {"bytes": "IyBIaQ=="}}}),
        ),
        (
            Content::File(media(at("data:image/png;base64,iVBORw0K"), None, "")),
            json!({"image": {"format": "png", "source": {"bytes": "iVBORw0K"}}}),
        ),
        (
            Content::File(media(here("AAAA"), Some("video/mp4"), "")),
            json!({"video": {"format": "mp4", "source": {"bytes": "AAAA"}}}),
        ),
        (
            Content::Audio(media(here("AAAA"), Some("audio/wav"), "")),
            json!({"audio": {"format": "wav", "source": {"bytes": "AAAA"}}}),
        ),
    ] {
        let (block, notes) = of_user(content);
        assert_eq!(block, expected);
        assert_eq!(notes, [""; 0]);
    }
}

#[test]
fn what_lies_elsewhere_or_is_of_no_known_kind_is_told() {
    for content in [
        Content::Image(media(at("https://host/a.png"), None, "")),
        Content::Image(media(here(""), Some("image/png"), "")),
        Content::Image(media(here("AAAA"), Some("image/tiff"), "")),
        Content::Image(media(here("JVBERi0="), None, "")),
        Content::File(media(Source::Id(Text::plain("file_1")), None, "a.pdf")),
        Content::File(media(here("AAAA"), Some("application/zip"), "a.zip")),
        Content::File(media(here("AAAA"), None, "")),
        Content::Audio(media(here("AAAA"), Some("video/mp4"), "")),
        Content::Other("search_result".into()),
    ] {
        let (block, notes) = of_user(content.clone());
        assert_eq!(block, Value::Null, "{content:?}");
        assert!(notes[0].starts_with("!messages[3].content[1]"), "{notes:?}");
    }
}

#[test]
fn how_closely_an_image_is_looked_at_is_told() {
    let mut image = media(here("iVBORw0K"), None, "");
    image.detail = Some(Text::plain("high"));
    let (block, notes) = of_user(Content::Image(image));
    assert_eq!(block["image"]["format"], "png");
    assert_eq!(notes, ["messages[3].content[1].detail"]);
}

#[test]
fn a_document_has_a_text_beside_it() {
    let document = || Content::File(media(here("JVBERi0="), None, "a.pdf"));
    let (body, notes) = written(&of(vec![turn(Role::User, 0, vec![document(), document()])]));
    let content = &body["messages"][0]["content"];
    assert_eq!(content[0]["document"]["name"], "a");
    assert_eq!(content[1]["document"]["name"], "a 2");
    assert_eq!(content[2], json!({"text": "Document: a"}));
    assert_eq!(notes, [""; 0]);
    let (block, _) = of_user(document());
    assert_eq!(block["document"]["name"], "a");
}

#[test]
fn the_model_shows_nothing_and_a_tool_sounds_nothing() {
    let image = || Content::Image(media(here("iVBORw0K"), None, ""));
    let sound = Content::Audio(media(here("AAAA"), Some("audio/wav"), ""));
    let call = Content::Call {
        id: Text::plain("a"),
        name: Text::plain("f"),
        arguments: fairlead_translate::Arguments::Text(Text::default()),
        signature: None,
    };
    let result = Content::Result {
        id: Text::plain("a"),
        content: vec![Block::from(sound), Block::from(image())],
        is_error: false,
    };
    let (body, notes) = written(&of(vec![
        turn(Role::User, 0, vec![text("go")]),
        turn(Role::Assistant, 1, vec![image(), call]),
        turn(Role::User, 2, vec![result]),
    ]));
    let result = &body["messages"][2]["content"][0]["toolResult"];
    assert_eq!(
        result["content"],
        json!([{"image": {"format": "png", "source": {"bytes": "iVBORw0K"}}}])
    );
    assert_eq!(
        notes,
        [
            "!messages[1].content[0]",
            "!messages[2].content[0].content[0]"
        ]
    );
}

#[test]
fn an_image_and_a_document_in_a_result_are_within_it() {
    let image =
        r#"{"type":"image","source":{"type":"base64","media_type":"image/png","data":"iVBORw0K"}}"#;
    let document = r#"{"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"JVBERi0="},"title":"a.pdf"}"#;
    let body = format!(
        r#"{{"max_tokens":9,"messages":[{{"role":"user","content":"go"}},
      {{"role":"assistant","content":[{{"type":"tool_use","id":"a","name":"read","input":{{}}}}]}},
      {{"role":"user","content":[{{"type":"tool_result","tool_use_id":"a","content":[{{"type":"text","text":"See:"}},{image},{document}]}}]}}]}}"#
    );
    let expected = json!([
        {"text": "See:"},
        {"image": {"format": "png", "source": {"bytes": "iVBORw0K"}}},
        {"document": {"format": "pdf", "name": "a", "source": {"bytes": "JVBERi0="}}},
    ]);
    let (body, notes) = round(&body);
    let content = &body["messages"][2]["content"][0]["toolResult"]["content"];
    assert_eq!(*content, expected);
    assert_eq!(notes, [""; 0]);
    // The same of Responses, whose outputs show images, too.
    let conversation = responses::request::read(
        br#"{"input":[{"role":"user","content":"go"},{"type":"function_call","call_id":"a","name":"read","arguments":"{}"},
        {"type":"function_call_output","call_id":"a","output":[{"type":"input_text","text":"See:"},{"type":"input_image","image_url":"data:image/png;base64,iVBORw0K"}]}]}"#,
    )
    .unwrap();
    let (body, notes) = written(&conversation);
    let content = &body["messages"][2]["content"][0]["toolResult"]["content"];
    assert_eq!(*content, json!([expected[0], expected[1]]));
    assert_eq!(notes, [""; 0]);
}
