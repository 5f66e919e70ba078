//! Images, sounds, moderations and rankings: of providers of OpenAI's dialect, whose bytes pass as they came.

use bytes::Bytes;
use fairlead_faults::{Framing, Play, Provider, Seen, Step};
use serde_json::{Value, json};

use crate::harness::yaml::{KEY, ONCE, caller, chain, object, provider};
use crate::harness::{Answer, Gateway, serve};

const BOUNDARY: &str = "a-boundary-of-ours";
const FORM: &str = "multipart/form-data; boundary=a-boundary-of-ours";
/// Half a sound, as far as anybody here can tell.
const SOUND: &[u8] = b"\xff\xfb\x90\x00{\"not json\0\xff";

/// Of two providers the first answers `play` where it is asked for one of these operations; `model` goes to it first and then to `b`.
async fn before(a: &Provider, b: &Provider) -> Gateway {
    serve([
        provider("a", &a.base_url(), ONCE),
        provider("b", &b.base_url(), ONCE),
        object(
            "LLMProvider",
            "claude",
            &format!(
                "type: Anthropic, baseURL: \"{}\", allowPrivateNetwork: true",
                a.base_url()
            ),
        ),
        object("LLMProvider", "sim", "type: Simulated"),
        caller(),
        chain("m", &["a", "b"], ""),
        chain("other", &["claude", "sim", "b"], ""),
        chain("none", &["claude", "sim"], ""),
    ])
    .await
}

/// A form of these fields, and of a file of these bytes.
fn form(fields: &[(&str, &str)], file: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, value) in fields {
        let part = format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
        );
        body.extend_from_slice(part.as_bytes());
    }
    let head = format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\nContent-Type: audio/wav\r\n\r\n"
    );
    body.extend_from_slice(head.as_bytes());
    body.extend_from_slice(file);
    body.extend_from_slice(format!("\r\n--{BOUNDARY}--\r\n").as_bytes());
    body
}

async fn send_form(gateway: &Gateway, path: &str, body: Vec<u8>) -> Answer {
    let request = gateway.post(path).bearer_auth(KEY);
    let mut request = request.body(body).build().unwrap();
    request
        .headers_mut()
        .insert("content-type", FORM.parse().unwrap());
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    Answer::of(client.execute(request).await.unwrap()).await
}

fn images() -> Value {
    json!({"created": 1, "data": [{"b64_json": "AAAA"}], "usage": {"input_tokens": 7, "output_tokens": 100, "total_tokens": 107}})
}

#[tokio::test]
async fn each_is_asked_for_at_its_own_path_with_the_bytes_as_they_came() {
    let results = json!({"id": "modr-1", "model": "omni", "results": [{"flagged": false}]});
    let ranked = json!({"results": [{"index": 1, "relevance_score": 0.90}], "usage": {"total_tokens": 15, "prompt_tokens": 15}});
    for (path, below, operation, more, answer, tokens) in [
        (
            "/v1/images/generations",
            "/v1/images/generations",
            "image_generation",
            json!({"prompt": "A cat."}),
            images(),
            json!(7),
        ),
        (
            "/openai/v1/images/edits",
            "/v1/images/edits",
            "image_edit",
            json!({"prompt": "A dog.", "images": []}),
            images(),
            json!(7),
        ),
        (
            "/v1/moderations",
            "/v1/moderations",
            "moderation",
            json!({"input": "x"}),
            results,
            Value::Null,
        ),
        (
            "/v1/rerank",
            "/v1/rerank",
            "rerank",
            json!({"query": "q", "documents": ["a", "b"]}),
            ranked,
            json!(15),
        ),
    ] {
        let told = answer.clone();
        let a = Provider::start(move |_: &Seen| Play::json(200, &told)).await;
        let b = Provider::always(Play::status(500)).await;
        let gateway = before(&a, &b).await;
        let mut body = more;
        body["model"] = json!("a/up");
        let got = gateway.ask_at(path, &body).await;
        assert_eq!(
            (got.status, got.text()),
            (200, answer.to_string()),
            "{path}"
        );
        let seen = &a.seen()[0];
        assert_eq!(seen.path, below);
        assert_eq!(seen.body, body.to_string().replace("a/up", "up"));
        let line = gateway
            .access(|line| line["gen_ai.request.model"] == "a/up")
            .await;
        assert_eq!(line["gen_ai.operation.name"], operation, "{line}");
        assert_eq!(line["gen_ai.usage.input_tokens"], tokens);
    }
}

#[tokio::test]
async fn a_moderation_need_not_name_its_model() {
    let results = json!({"id": "modr-1", "results": [{"flagged": false}]});
    let a = Provider::start(move |_: &Seen| Play::json(200, &results)).await;
    let gateway = serve([
        provider(
            "a",
            &a.base_url(),
            "models: [{name: omni-moderation-latest, upstreamName: other}]",
        ),
        caller(),
    ])
    .await;
    let got = gateway
        .ask_at("/v1/moderations", &json!({"input": "x"}))
        .await;
    assert_eq!(got.status, 200, "{}", got.text());
    assert_eq!(a.seen()[0].json(), json!({"input": "x", "model": "other"}));
}

#[tokio::test]
async fn of_a_form_nothing_changes_but_the_models_name() {
    let text = json!({"text": "Hello.", "usage": {"type": "tokens", "input_tokens": 14, "output_tokens": 4, "total_tokens": 18}});
    let file = [&[0, 255, 13, 10][..], b"--a-boundary\r\n"].concat();
    for (path, answer) in [
        ("/v1/audio/transcriptions", text.clone()),
        ("/v1/audio/translations", text),
        ("/v1/images/edits", images()),
        ("/openai/v1/images/variations", images()),
    ] {
        let told = answer.clone();
        let a = Provider::start(move |_: &Seen| Play::json(200, &told)).await;
        let b = Provider::always(Play::status(500)).await;
        let gateway = before(&a, &b).await;
        let got = send_form(
            &gateway,
            path,
            form(&[("language", "en"), ("model", "a/whisper-1")], &file),
        )
        .await;
        assert_eq!(
            (got.status, got.json()),
            (200, answer),
            "{path}: {}",
            got.text()
        );
        let seen = &a.seen()[0];
        assert_eq!(seen.header("content-type"), Some(FORM));
        assert_eq!(
            seen.body,
            form(&[("language", "en"), ("model", "whisper-1")], &file)
        );
        assert_eq!(
            seen.header("authorization"),
            None,
            "the caller's key stays here"
        );
    }
}

#[tokio::test]
async fn a_transcript_may_be_a_text() {
    let a = Provider::always(Play::answer(
        200,
        &[("content-type", "text/plain; charset=utf-8")],
        "1\n00:00 --> 00:02\nHello.\n",
    ))
    .await;
    let b = Provider::always(Play::status(500)).await;
    let gateway = before(&a, &b).await;
    let got = send_form(
        &gateway,
        "/v1/audio/transcriptions",
        form(&[("model", "m"), ("response_format", "srt")], b"RIFF"),
    )
    .await;
    assert_eq!(got.status, 200);
    assert_eq!(got.text(), "1\n00:00 --> 00:02\nHello.\n");
    assert_eq!(got.header("content-type"), "text/plain; charset=utf-8");
}

#[tokio::test]
async fn a_sound_comes_as_it_is_and_fails_over_before_its_first_byte() {
    let sound = |framing, last| {
        Play::steps([
            Step::head(200, &[("content-type", "audio/mpeg")], framing),
            Step::Body(Bytes::from_static(SOUND)),
            Step::Body(Bytes::from_static(SOUND)),
            last,
        ])
    };
    let ask = json!({"model": "m", "input": "Hello.", "voice": "alloy"});
    for first in [
        Play::status(500),
        Play::reset(),
        Play::json(
            200,
            &json!({"error": {"message": "No.", "type": "server_error", "code": "x"}}),
        ),
        Play::answer(200, &[("content-type", "audio/mpeg")], ""),
    ] {
        let a = Provider::always(first).await;
        let b = Provider::always(sound(Framing::Chunked, Step::End)).await;
        let gateway = before(&a, &b).await;
        let got = gateway.ask_at("/v1/audio/speech", &ask).await;
        assert_eq!(got.status, 200, "{}", got.text());
        assert_eq!(
            (&got.body[..], got.whole),
            (&[SOUND, SOUND].concat()[..], true)
        );
        assert_eq!(got.header("content-type"), "audio/mpeg");
        assert!(got.attempts().ends_with("b=ok"), "{}", got.attempts());
        assert_eq!(b.seen()[0].path, "/v1/audio/speech");
    }
    // One that breaks off in the middle is not taken for whole.
    let a = Provider::always(sound(Framing::Length(3 * SOUND.len()), Step::Close)).await;
    let b = Provider::always(Play::status(500)).await;
    let gateway = before(&a, &b).await;
    let got = gateway.ask_at("/v1/audio/speech", &ask).await;
    assert_eq!((got.status, got.whole), (200, false));
    let line = gateway
        .access(|line| line["gen_ai.request.model"] == "m")
        .await;
    assert_eq!(line["complete"], false);
}

#[tokio::test]
async fn their_streams_pass_event_by_event() {
    let events = |last: &str| {
        format!(
            "event: image_generation.partial_image\ndata: {{\"type\":\"image_generation.partial_image\",\"b64_json\":\"AAAA\"}}\n\ndata: {last}\n\n"
        )
    };
    let done = r#"{"type":"image_generation.completed","b64_json":"BBBB","usage":{"input_tokens":7,"output_tokens":9,"total_tokens":16}}"#;
    let sent = events(done);
    let a = Provider::always(Play::answer(
        200,
        &[("content-type", "text/event-stream")],
        sent.clone(),
    ))
    .await;
    let b = Provider::always(Play::status(500)).await;
    let gateway = before(&a, &b).await;
    let ask = json!({"model": "m", "prompt": "A cat.", "stream": true});
    let got = gateway.ask_at("/v1/images/generations", &ask).await;
    assert_eq!((got.status, got.text(), got.whole), (200, sent, true));
    let line = gateway
        .access(|line| line["gen_ai.request.model"] == "m")
        .await;
    assert_eq!(
        (&line["complete"], &line["gen_ai.usage.output_tokens"]),
        (&json!(true), &json!(9))
    );
    assert_eq!(a.seen()[0].header("accept"), Some("text/event-stream"));

    // A model that does not stream says nothing of it.
    let a = Provider::always(Play::json(200, &json!({"text": "Hello."}))).await;
    let gateway = before(&a, &b).await;
    let got = send_form(
        &gateway,
        "/v1/audio/transcriptions",
        form(&[("model", "m"), ("stream", "true")], b"RIFF"),
    )
    .await;
    assert_eq!((got.status, got.json()), (200, json!({"text": "Hello."})));

    // A stream without its last event is cut.
    let a = Provider::always(Play::answer(
        200,
        &[("content-type", "text/event-stream")],
        "data: {\"type\":\"speech.audio.delta\",\"audio\":\"AA\"}\n\n",
    ))
    .await;
    let gateway = before(&a, &b).await;
    let ask = json!({"model": "m", "input": "x", "voice": "alloy", "stream_format": "sse"});
    let got = gateway.ask_at("/v1/audio/speech", &ask).await;
    assert!(got.text().contains("provider_error"), "{}", got.text());
}

#[tokio::test]
async fn who_cannot_is_passed_over() {
    let a = Provider::always(Play::status(500)).await;
    let b = Provider::always(Play::json(200, &images())).await;
    let gateway = before(&a, &b).await;
    let ask = |model: &str| json!({"model": model, "prompt": "A cat."});
    let got = gateway
        .ask_at("/v1/images/generations", &ask("other"))
        .await;
    assert_eq!(
        (got.status, got.attempts()),
        (200, "claude=unsupported, sim=unsupported, b=ok")
    );
    let got = gateway.ask_at("/v1/images/generations", &ask("none")).await;
    assert_eq!(
        (got.status, got.code().as_str()),
        (404, "unsupported_operation")
    );
    // A compatible server that has nothing at the path is a target that cannot.
    let a = Provider::always(Play::answer(404, &[], "404 page not found")).await;
    let gateway = before(&a, &b).await;
    let got = gateway.ask_at("/v1/images/generations", &ask("m")).await;
    assert_eq!((got.status, got.attempts()), (200, "a=unavailable, b=ok"));
    assert_eq!(a.requests(), 1);
}

#[tokio::test]
async fn a_form_that_cannot_be_read_is_refused_before_anybody_is_asked() {
    let a = Provider::always(Play::json(200, &json!({"text": ""}))).await;
    let b = Provider::always(Play::status(500)).await;
    let gateway = before(&a, &b).await;
    for (fields, says) in [
        (&[("language", "en")][..], "names no model"),
        (&[("model", "m"), ("model", "dearer")], "model"),
        (&[("Model", "m")], "Model"),
        (&[("model", "")], "empty"),
    ] {
        let got = send_form(&gateway, "/v1/audio/transcriptions", form(fields, b"RIFF")).await;
        assert_eq!(
            (got.status, got.code().as_str()),
            (400, "invalid_request"),
            "{}",
            got.text()
        );
        assert!(got.message().contains(says), "{}", got.message());
    }
    let mut cut = form(&[("model", "m")], b"RIFF");
    cut.truncate(cut.len() - 8);
    let got = send_form(&gateway, "/v1/audio/transcriptions", cut).await;
    assert_eq!((got.status, got.code().as_str()), (400, "invalid_request"));
    let got = send_form(&gateway, "/v1/audio/speech", form(&[("model", "m")], b"")).await;
    assert_eq!(got.status, 400, "speech takes no form");
    assert_eq!(a.requests(), 0);
}

#[tokio::test]
async fn rules_read_the_fields_of_a_form() {
    let a = Provider::always(Play::json(200, &json!({"text": "A."}))).await;
    let b = Provider::always(Play::json(200, &json!({"text": "B."}))).await;
    let gateway = serve([
        provider("a", &a.base_url(), ONCE),
        provider("b", &b.base_url(), ONCE),
        caller(),
        crate::harness::yaml::rule(
            "german",
            "match: {models: [m], when: 'request.params.language == \"de\"'}, targets: [{name: b, providerRef: {name: b}}]",
        ),
        chain("m", &["a"], "priority: 10"),
    ])
    .await;
    for (language, text) in [("en", "A."), ("de", "B.")] {
        let fields = [("model", "m"), ("language", language)];
        let got = send_form(&gateway, "/v1/audio/transcriptions", form(&fields, b"RIFF")).await;
        assert_eq!(got.json()["text"], text, "{}", got.text());
    }
}
