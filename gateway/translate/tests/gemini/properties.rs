//! What holds of every input.

use fairlead_translate::gemini::stream::{Reader, Writer};
use fairlead_translate::gemini::{answer, request};
use fairlead_translate::{Answered, Notes, Piece, Target};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::fixtures::{EVENTS, HEAD, RICH, WHOLE, parts, pieces, relayed};

const TARGET: Target<'static> = Target {
    model: "gemini-3-pro",
    default_max_output: 1,
};

/// Everything that reads, and what it read written again.
fn poke(bytes: &[u8]) {
    if let Ok(conversation) = request::read(bytes) {
        let written = request::write(&conversation, &TARGET, &mut Notes::default());
        assert!(is_json(&written));
    }
    if let Ok(Answered::Answer(answer)) = answer::read(bytes) {
        let written = answer::write(&answer, &HEAD);
        assert!(is_json(&written));
    }
    let (mut reader, mut writer, mut out) = (Reader::default(), Writer::new(&HEAD), Vec::new());
    let _malformed = reader.read(None, bytes, &mut |piece| {
        writer.write(&piece, &mut out);
    });
    writer.end(&mut out);
    let text = String::from_utf8(out).unwrap();
    for event in text.split_terminator("\n\n") {
        assert!(is_json(event.strip_prefix("data: ").unwrap().as_bytes()));
    }
}

/// By our own grammar: others refuse half a surrogate pair.
fn is_json(text: &[u8]) -> bool {
    fairlead_json::well_formed(text, &fairlead_json::Limits::default()).is_ok()
}

/// Something that may stand where a part does.
fn part() -> impl Strategy<Value = Value> {
    let text = "[a-z \"\\\\\u{e9}\u{1f600}\n]{0,8}";
    prop_oneof![
        text.prop_map(|text| json!({"text": text})),
        text.prop_map(|text| json!({"text": text, "thought": true})),
        (text, "[A-Za-z0-9]{0,8}")
            .prop_map(|(text, proof)| json!({"text": text, "thoughtSignature": proof})),
        ("[a-z]{1,3}", text, any::<bool>()).prop_map(|(name, value, signed)| {
            let mut part = json!({"functionCall": {"name": name, "args": {"v": value}}});
            if signed {
                part["thoughtSignature"] = "c2ln".into();
            }
            part
        }),
    ]
}

/// Texts and thoughts without the borders between deltas.
fn joined(parts: &[Value]) -> Vec<Value> {
    let mut all: Vec<Value> = Vec::new();
    for part in parts {
        let can_join = |part: &Value| part["text"].is_string();
        if part["text"] == "" && part.get("thoughtSignature").is_none() {
            continue;
        }
        match all.last_mut() {
            Some(last)
                if can_join(last)
                    && can_join(part)
                    && last["thought"] == part["thought"]
                    && last.get("thoughtSignature").is_none() =>
            {
                let text = format!(
                    "{}{}",
                    last["text"].as_str().unwrap(),
                    part["text"].as_str().unwrap()
                );
                last["text"] = text.into();
                if let Some(proof) = part.get("thoughtSignature") {
                    last["thoughtSignature"] = proof.clone();
                }
            }
            _ => all.push(part.clone()),
        }
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        poke(&bytes);
    }

    #[test]
    fn truncated_and_twisted_bodies_never_panic(
        which in 0..3_usize, at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<bool>()
    ) {
        let body = [RICH, WHOLE, EVENTS[3]][which].as_bytes();
        let at = at.index(body.len());
        let mut twisted = body.to_vec();
        if cut {
            twisted.truncate(at);
        } else {
            twisted[at] = byte;
        }
        poke(&twisted);
    }

    #[test]
    fn members_of_any_kind_never_panic(
        name in prop::sample::select(vec![
            "contents", "parts", "text", "functionCall", "functionResponse", "inlineData", "fileData", "thoughtSignature",
            "tools", "functionDeclarations", "parameters", "generationConfig", "candidates", "finishReason", "usageMetadata",
            "promptFeedback", "content", "systemInstruction", "toolConfig", "thinkingConfig", "responseSchema", "logprobsResult",
        ]),
        value in prop::sample::select(vec!["null", "7", "-1e999", "\"\\ud800\"", "[]", "{}", "[{}]", "[[]]", "true", "[null]"]),
    ) {
        for frame in [
            format!(r#"{{"contents":[{{"parts":[{{"text":"a"}}]}}],"{name}":{value}}}"#),
            format!(r#"{{"contents":[{{"parts":[{{"text":"a"}}],"{name}":{value}}}]}}"#),
            format!(r#"{{"contents":[{{"parts":[{{"{name}":{value}}}]}}]}}"#),
            format!(r#"{{"contents":[{{"parts":[{{"functionCall":{{"name":"f","{name}":{value}}}}}]}}]}}"#),
            format!(r#"{{"contents":[{{"parts":[{{"text":"a"}}]}}],"tools":[{{"functionDeclarations":[{{"name":"f","{name}":{value}}}]}}]}}"#),
            format!(r#"{{"contents":[{{"parts":[{{"text":"a"}}]}}],"generationConfig":{{"{name}":{value}}}}}"#),
            format!(r#"{{"candidates":[{{"{name}":{value},"finishReason":"STOP"}}],"{name}":{value}}}"#),
            format!(r#"{{"candidates":[{{"content":{{"parts":[{{"text":"a","{name}":{value}}}]}}}}]}}"#),
        ] {
            poke(frame.as_bytes());
        }
    }

    #[test]
    fn deltas_add_up_to_the_whole_answer(
        parts_said in proptest::collection::vec(part(), 1..12),
        cuts in proptest::collection::vec(any::<bool>(), 12),
    ) {
        let head = r#""responseId":"r","modelVersion":"m""#;
        let whole = format!(
            r#"{{"candidates":[{{"content":{{"parts":{}}},"finishReason":"STOP"}}],{head}}}"#,
            Value::from(parts_said.clone())
        );
        let mut events = vec![Vec::new()];
        for (part, cut) in parts_said.iter().zip(&cuts) {
            if *cut {
                events.push(Vec::new());
            }
            events.last_mut().unwrap().push(part.clone());
        }
        let mut events: Vec<_> = events
            .into_iter()
            .map(|parts| format!(r#"{{"candidates":[{{"content":{{"parts":{}}}}}],{head}}}"#, Value::from(parts)))
            .collect();
        events.push(format!(r#"{{"candidates":[{{"finishReason":"STOP"}}],{head}}}"#));
        match answer::read(whole.as_bytes()).unwrap() {
            Answered::Answer(answer) => {
                let whole: Value = serde_json::from_slice(&answer::write(&answer, &HEAD)).unwrap();
                let streamed = relayed(&events);
                let last = streamed.last().unwrap();
                prop_assert_eq!(&last["candidates"][0]["finishReason"], &whole["candidates"][0]["finishReason"]);
                let whole = whole["candidates"][0]["content"]["parts"].as_array().unwrap();
                prop_assert_eq!(joined(&parts(&streamed, 0)), joined(whole));
            }
            Answered::Error(_) => {
                prop_assert!(pieces(&events).last().unwrap().starts_with("error"));
            }
            Answered::Nothing => prop_assert!(false, "{}", whole),
        }
    }

    #[test]
    fn a_stream_that_is_cut_has_no_end(count in 0..EVENTS.len()) {
        let mut reader = Reader::default();
        let (mut finished, mut ends) = (0, 0);
        for event in EVENTS.iter().take(count) {
            reader
                .read(None, event.as_bytes(), &mut |piece| match piece {
                    Piece::Finish { .. } => finished += 1,
                    Piece::End => ends += 1,
                    _ => {}
                })
                .unwrap();
        }
        prop_assert_eq!(finished, usize::from(count >= 5));
        prop_assert_eq!(ends, 0);
    }

    #[test]
    fn what_was_said_is_asked_again_in_the_same_words(parts_said in proptest::collection::vec(part(), 1..12)) {
        // A signature that stands alone goes to a neighbour, and which that is may differ the second time.
        let parts_said: Vec<Value> = parts_said.into_iter().filter(|part| part["text"] != "").collect();
        let body = format!(r#"{{"contents":[{{"role":"model","parts":{}}}]}}"#, Value::from(parts_said));
        let once = written(&body);
        if once.as_array().is_some_and(|contents| !contents.is_empty()) {
            let twice = written(&json!({"contents": once}).to_string());
            let parts = |contents: &Value| {
                let mut parts = joined(contents[0]["parts"].as_array().unwrap());
                // Words without a signature are not sent again.
                parts.retain(|part| part.get("thought").is_none());
                joined(&parts)
            };
            prop_assert_eq!(parts(&once), parts(&twice));
        }
    }
}

fn written(body: &str) -> Value {
    crate::fixtures::write(&crate::fixtures::read(body), "gemini-3-pro").0["contents"].clone()
}
