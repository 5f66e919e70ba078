//! Conversations that did not begin with Gemini.

use fairlead_translate::conversation::Other;
use fairlead_translate::{
    Arguments, Block, Cache, Content, Conversation, Effort, Format, Media, Origin, Reasoning, Role,
    Signature, Source, Text, Tool, ToolChoice, Turn,
};
use serde_json::{Value, json as literal};

use crate::fixtures::{names, write};

pub(crate) fn turn(role: Role, at: usize, contents: Vec<Content<'static>>) -> Turn<'static> {
    Turn {
        role,
        blocks: contents.into_iter().map(Block::from).collect(),
        name: None,
        at,
    }
}

pub(crate) fn text(text: &'static str) -> Content<'static> {
    Content::Text(Text::plain(text))
}

pub(crate) fn call(
    id: &'static str,
    arguments: &'static str,
    signature: Option<Signature<'static>>,
) -> Content<'static> {
    Content::Call {
        id: Text::plain(id),
        name: Text::plain("find"),
        arguments: Arguments::Text(Text::plain(arguments)),
        signature,
    }
}

pub(crate) fn result(
    id: &'static str,
    content: Vec<Content<'static>>,
    is_error: bool,
) -> Content<'static> {
    Content::Result {
        id: Text::plain(id),
        content: content.into_iter().map(Block::from).collect(),
        is_error,
    }
}

pub(crate) fn thought(
    words: &'static str,
    origin: Origin,
    value: &'static str,
) -> Content<'static> {
    Content::Reasoning {
        text: Text::plain(words),
        signature: Some(Signature {
            origin,
            value: Text::plain(value),
        }),
    }
}

fn medium(source: Source<'static>, media_type: Option<&'static str>) -> Media<'static> {
    Media {
        source,
        media_type: media_type.map(Text::plain),
        name: None,
        detail: None,
    }
}

pub(crate) fn asked(turns: Vec<Turn<'static>>) -> Conversation<'static> {
    Conversation {
        turns,
        ..Conversation::default()
    }
}

pub(crate) fn contents(turns: Vec<Turn<'static>>, model: &str) -> Value {
    write(&asked(turns), model).0["contents"].clone()
}

#[test]
fn results_in_turns_of_their_own_become_one_content_after_their_calls() {
    let turns = vec![
        turn(Role::User, 0, vec![text("Find both.")]),
        turn(Role::Assistant, 1, vec![call("a", "{\"q\":1}", None)]),
        turn(Role::Assistant, 2, vec![call("b", "", None)]),
        turn(
            Role::User,
            3,
            vec![result("a", vec![text("one"), text("two")], false)],
        ),
        turn(
            Role::User,
            4,
            vec![result("b", vec![text(" {\"n\": 1} ")], false)],
        ),
        turn(Role::User, 5, vec![text("And?")]),
    ];
    assert_eq!(
        contents(turns, "gemini-2.5-flash"),
        literal!([
            {"role": "user", "parts": [{"text": "Find both."}]},
            {"role": "model", "parts": [
                {"functionCall": {"name": "find", "args": {"q": 1}}},
                {"functionCall": {"name": "find", "args": {}}}
            ]},
            {"role": "user", "parts": [
                {"functionResponse": {"name": "find", "response": {"result": "one\ntwo"}}},
                {"functionResponse": {"name": "find", "response": {"n": 1}}}
            ]},
            {"role": "user", "parts": [{"text": "And?"}]}
        ])
    );
}

#[test]
fn images_of_results_stand_beside_them() {
    let image = Content::Image(medium(
        Source::Base64(Text::plain("AAAA")),
        Some("image/png"),
    ));
    let turns = vec![
        turn(Role::Assistant, 0, vec![call("a", "{}", None)]),
        turn(
            Role::User,
            1,
            vec![result("a", vec![image, text("see")], true)],
        ),
    ];
    assert_eq!(
        contents(turns, "gemini-3-pro")[1]["parts"],
        literal!([
            {"functionResponse": {"id": "a", "name": "find", "response": {"error": "see"}}},
            {"inlineData": {"mimeType": "image/png", "data": "AAAA"}}
        ])
    );
}

#[test]
fn system_turns_in_the_middle_stay_where_they_are() {
    let mut asked = asked(vec![
        turn(Role::User, 0, vec![text("a")]),
        turn(Role::System, 1, vec![text("now in French")]),
        turn(Role::Assistant, 2, vec![text("b")]),
    ]);
    asked.system = vec![Block::from(text("one")), Block::from(text("two"))];
    let (body, notes) = write(&asked, "m");
    assert_eq!(
        body,
        literal!({
            "contents": [
                {"role": "user", "parts": [{"text": "a"}]},
                {"role": "user", "parts": [{"text": "now in French"}]},
                {"role": "model", "parts": [{"text": "b"}]}
            ],
            "systemInstruction": {"parts": [{"text": "one"}, {"text": "two"}]}
        })
    );
    assert_eq!(names(&notes), [("messages[1].role".to_owned(), false)]);
}

#[test]
fn a_system_prompt_alone_is_asked_all_the_same() {
    let asked = Conversation {
        system: vec![Block::from(text("Say hi."))],
        ..Conversation::default()
    };
    assert_eq!(
        write(&asked, "m").0,
        literal!({"contents": [{"role": "user", "parts": [{"text": "Say hi."}]}]})
    );
}

#[test]
fn reasoning_goes_back_only_to_whom_it_came_from() {
    let turns = vec![turn(
        Role::Assistant,
        0,
        vec![
            thought("Foreign.", Origin::Anthropic, "sig"),
            Content::Reasoning {
                text: Text::plain("Unsigned."),
                signature: None,
            },
            Content::Redacted(Signature {
                origin: Origin::Anthropic,
                value: Text::plain("data"),
            }),
            text("Hi."),
            thought("", Origin::Gemini, "c2ln"),
        ],
    )];
    assert_eq!(
        contents(turns, "gemini-3-pro"),
        literal!([{"role": "model", "parts": [{"text": "Hi.", "thoughtSignature": "c2ln"}]}])
    );
}

#[test]
fn a_signature_that_came_with_reasoning_returns_to_its_call() {
    // As a surface brings it that has no place for it but reasoning.
    let turns = vec![
        turn(
            Role::Assistant,
            0,
            vec![thought("Hm.", Origin::Gemini, "b25l"), text("Let me see.")],
        ),
        turn(
            Role::Assistant,
            1,
            vec![call("a", "{}", None), call("b", "{}", None)],
        ),
    ];
    assert_eq!(
        contents(turns, "gemini-3-pro")[0]["parts"],
        literal!([
            {"text": "Hm.", "thought": true},
            {"text": "Let me see."},
            {"functionCall": {"id": "a", "name": "find", "args": {}}, "thoughtSignature": "b25l"},
            {"functionCall": {"id": "b", "name": "find", "args": {}}}
        ])
    );
    let turns = vec![turn(
        Role::Assistant,
        0,
        vec![
            text("Let me see."),
            thought("", Origin::Gemini, "dGV4dA=="),
            thought("", Origin::Gemini, "Y2FsbA=="),
            call("a", "{}", None),
        ],
    )];
    assert_eq!(
        contents(turns, "gemini-3-pro")[0]["parts"],
        literal!([
            {"text": "Let me see.", "thoughtSignature": "dGV4dA=="},
            {"functionCall": {"id": "a", "name": "find", "args": {}}, "thoughtSignature": "Y2FsbA=="}
        ])
    );
    let turns = vec![turn(
        Role::Assistant,
        0,
        vec![thought("", Origin::Gemini, "dGV4dA=="), text("Hi.")],
    )];
    assert_eq!(
        contents(turns, "m")[0]["parts"],
        literal!([{"text": "Hi.", "thoughtSignature": "dGV4dA=="}])
    );
    let turns = vec![turn(
        Role::Assistant,
        0,
        vec![thought("", Origin::Gemini, "dGV4dA==")],
    )];
    assert_eq!(
        contents(turns, "m")[0]["parts"],
        literal!([{"text": "", "thoughtSignature": "dGV4dA=="}])
    );
}

#[test]
fn media_go_in_the_form_that_google_reads() {
    let image = |source, media_type| Content::Image(medium(source, media_type));
    let turns = vec![turn(
        Role::User,
        3,
        vec![
            image(Source::Base64(Text::plain("iVBORw0KGgo=")), None),
            image(Source::Url(Text::plain("data:image/jpg;base64,AAAA")), None),
            image(Source::Url(Text::plain("gs://b/o.png")), Some("image/png")),
            Content::File(medium(Source::Url(Text::plain("https://youtu.be/x")), None)),
            Content::File(medium(Source::Text(Text::plain("plain \"text\"")), None)),
            image(Source::Url(Text::plain("https://example.com/a.png")), None),
            image(Source::Id(Text::plain("file-1")), None),
            image(Source::Base64(Text::plain("AAAA")), None),
            Content::Other("search_result".into()),
        ],
    )];
    let (body, notes) = write(&asked(turns), "m");
    assert_eq!(
        body["contents"][0]["parts"],
        literal!([
            {"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}},
            {"inlineData": {"mimeType": "image/jpeg", "data": "AAAA"}},
            {"fileData": {"mimeType": "image/png", "fileUri": "gs://b/o.png"}},
            {"fileData": {"fileUri": "https://youtu.be/x"}},
            {"inlineData": {"mimeType": "text/plain", "data": "cGxhaW4gInRleHQi"}}
        ])
    );
    let refused = [5, 6, 7, 8].map(|at| (format!("messages[3].content[{at}]"), true));
    assert_eq!(names(&notes), refused);
}

#[test]
fn what_gemini_cannot_be_asked_is_told() {
    let mut asked = asked(vec![turn(Role::User, 0, vec![text("a")])]);
    asked.turns[0].name = Some(Text::plain("ann"));
    asked.turns[0].blocks[0].cache = Some(Cache::Hour);
    asked.tools = vec![Tool {
        name: Text::plain("f"),
        description: None,
        parameters: None,
        strict: Some(true),
        cache: Some(Cache::Default),
    }];
    asked.tool_choice = Some(ToolChoice::None);
    asked.parallel_tools = Some(false);
    asked.choices = 2;
    asked.logprobs = Some(2);
    asked.stream = true;
    asked.stop = vec![Text::plain("x"); 6];
    asked.verbosity = Some(Text::plain("low"));
    asked.service_tier = Some(Text::plain("scale"));
    asked.user = Some(Text::plain("u"));
    asked.cache_key = Some(Text::plain("k"));
    asked.others = vec![Other {
        name: "logit_bias".into(),
        changes_meaning: true,
    }];
    let (body, notes) = write(&asked, "gemini-3-pro");
    let expected = [
        ("messages[0].name", false),
        ("cache_control", false),
        ("strict", false),
        ("parallel_tool_calls", false),
        ("stop", true),
        ("n", true),
        ("logprobs", true),
        ("verbosity", false),
        ("service_tier", true),
        ("user", false),
        ("prompt_cache_key", false),
        ("logit_bias", true),
    ];
    assert_eq!(
        names(&notes),
        expected.map(|(name, changes)| (name.to_owned(), changes))
    );
    assert_eq!(
        body,
        literal!({
            "contents": [{"role": "user", "parts": [{"text": "a"}]}],
            "tools": [{"functionDeclarations": [{"name": "f"}]}],
            "toolConfig": {"functionCallingConfig": {"mode": "NONE"}},
            "generationConfig": {"stopSequences": ["x", "x", "x", "x", "x"]}
        })
    );
}

#[test]
fn several_answers_are_asked_of_those_that_give_them() {
    let mut asked = asked(vec![turn(Role::User, 0, vec![text("a")])]);
    asked.choices = 2;
    let (body, notes) = write(&asked, "gemini-2.5-flash");
    assert_eq!(body["generationConfig"], literal!({"candidateCount": 2}));
    assert_eq!(names(&notes), []);
    asked.choices = 9;
    assert_eq!(
        names(&write(&asked, "gemini-2.5-flash").1),
        [("n".to_owned(), true)]
    );
}

#[test]
fn json_without_a_schema_and_thinking_as_it_likes() {
    let mut asked = asked(vec![turn(Role::User, 0, vec![text("a")])]);
    asked.format = Some(Format::Json);
    asked.reasoning = Some(Reasoning {
        adaptive: true,
        effort: Some(Effort::Max),
        ..Reasoning::default()
    });
    let (body, notes) = write(&asked, "gemini-3-pro");
    assert_eq!(
        body["generationConfig"],
        literal!({"responseMimeType": "application/json", "thinkingConfig": {"thinkingLevel": "XHIGH"}})
    );
    assert_eq!(names(&notes), []);
}
