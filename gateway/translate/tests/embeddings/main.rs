//! Embeddings: what goes from OpenAI's form to Gemini's and back, to the letter, and what does not.

#![cfg(test)]

use fairlead_translate::embeddings::{Coding, Form, openai};
use fairlead_translate::gemini::{embed, predict};
use fairlead_translate::{Notes, RequestError};
use serde_json::{Value, json};

/// The names of what cannot be asked for elsewhere.
fn essential(notes: &Notes) -> Vec<String> {
    notes
        .essential()
        .map(|each| each.what.to_string())
        .collect()
}

fn json_of(text: &[u8]) -> Value {
    serde_json::from_slice(text).unwrap()
}

/// What Gemini is asked for in the place of a body of OpenAI, and what that leaves out.
fn to_gemini(body: &Value) -> Result<(Value, Form, Vec<String>), RequestError> {
    let (body, mut notes) = (body.to_string(), Notes::default());
    let wanted = openai::read(body.as_bytes(), &mut notes)?;
    let sent = json_of(&embed::write(&wanted, "up"));
    Ok((sent, wanted.form, essential(&notes)))
}

/// The same the other way.
fn to_openai(body: &Value, batch: bool) -> Result<(Value, Vec<String>), RequestError> {
    let (body, mut notes) = (body.to_string(), Notes::default());
    let wanted = embed::read(body.as_bytes(), batch, &mut notes)?;
    Ok((json_of(&openai::write(&wanted, "up")), essential(&notes)))
}

#[test]
fn each_text_is_a_request_of_a_batch() {
    let request = |text: &str| json!({"model": "models/up", "content": {"parts": [{"text": text}]}, "outputDimensionality": 8});
    let body = json!({"model": "m", "input": ["a\n\"b\"", "c"], "dimensions": 8, "encoding_format": "base64", "user": "u"});
    let (sent, form, left_out) = to_gemini(&body).unwrap();
    assert_eq!(
        sent,
        json!({"requests": [request("a\n\"b\""), request("c")]})
    );
    assert_eq!((form.count, form.coding), (2, Coding::Base64));
    assert!(left_out.is_empty(), "a user's name is advice");
    let (sent, form, _) = to_gemini(&json!({"model": "m", "input": "a"})).unwrap();
    assert_eq!(sent["requests"].as_array().unwrap().len(), 1);
    assert_eq!((form.count, form.coding), (1, Coding::Numbers));
}

#[test]
fn what_has_no_meaning_there_is_told() {
    for (member, value, told) in [
        ("input", json!([1, 2]), "input (tokens)"),
        ("input", json!([[1], [2]]), "input (tokens)"),
        ("input_type", json!("query"), "input_type"),
    ] {
        let mut body = json!({"model": "m", "input": "a"});
        body[member] = value;
        let (_, _, left_out) = to_gemini(&body).unwrap();
        assert_eq!(left_out, [told]);
    }
    for (body, told) in [
        (
            json!({"content": {"parts": [{"text": "a"}]}, "taskType": "RETRIEVAL_QUERY"}),
            "taskType",
        ),
        (
            json!({"content": {"parts": [{"text": "a"}, {"text": "b"}]}}),
            "content.parts (more than one text)",
        ),
        (
            json!({"content": {"parts": [{"inline_data": {"data": ""}}]}}),
            "content.parts (inlineData)",
        ),
    ] {
        assert_eq!(to_openai(&body, false).unwrap().1, [told], "{body}");
    }
}

#[test]
fn a_body_of_another_form_is_refused_by_its_member() {
    for (body, at) in [
        (json!({"model": "m"}), "input"),
        (json!({"input": []}), "input"),
        (json!({"input": [null]}), "input"),
        (json!({"input": "a", "dimensions": "8"}), "dimensions"),
        (
            json!({"input": "a", "encoding_format": "int8"}),
            "encoding_format",
        ),
    ] {
        let error = to_gemini(&body).unwrap_err();
        assert!(error.to_string().starts_with(at), "{body}: {error}");
    }
    for (body, batch, at) in [
        (json!({}), false, "content"),
        (
            json!({"requests": [{"content": 1, "model": "m"}]}),
            true,
            "requests",
        ),
        (json!({"requests": {}}), true, "requests"),
        (
            json!({"content": {"parts": [{"text": 1}]}}),
            false,
            "content",
        ),
    ] {
        match to_openai(&body, batch) {
            Err(error) => assert!(error.to_string().starts_with(at), "{body}: {error}"),
            Ok(sent) => panic!("{body}: {sent:?}"),
        }
    }
}

#[test]
fn a_batch_is_a_list_of_texts_of_one_length() {
    let request = |text: &str, length: Value| json!({"model": "models/m", "content": {"parts": [{"text": text}]}, "output_dimensionality": length});
    let body = json!({"requests": [request("a", json!(8)), request("b", json!(8))]});
    let (sent, left_out) = to_openai(&body, true).unwrap();
    assert_eq!(
        sent,
        json!({"model": "up", "input": ["a", "b"], "encoding_format": "float", "dimensions": 8})
    );
    assert!(left_out.is_empty());
    let uneven = json!({"requests": [request("a", json!(8)), request("b", Value::Null)]});
    assert_eq!(to_openai(&uneven, true).unwrap().1.len(), 1);
}

#[test]
fn numbers_stay_as_they_are_written() {
    let body = br#"{"embeddings":[{"values":[0.10, -1e-3]},{"values":[1,2]}]}"#;
    let form = Form {
        count: 2,
        coding: Coding::Numbers,
    };
    let vectors = embed::counted(embed::answer(body, true).unwrap().unwrap(), form).unwrap();
    let told = openai::write_answer(&vectors, "m", form).unwrap();
    assert_eq!(
        String::from_utf8(told).unwrap(),
        r#"{"object":"list","data":[{"object":"embedding","index":0,"embedding":[0.10, -1e-3]},{"object":"embedding","index":1,"embedding":[1,2]}],"model":"m","usage":{"prompt_tokens":0,"total_tokens":0}}"#
    );
}

#[test]
fn base64_holds_the_same_floats() {
    let body = br#"{"embedding":{"values":[0.25,-0.5,1]},"usageMetadata":{"promptTokenCount":3}}"#;
    let form = Form {
        count: 1,
        coding: Coding::Base64,
    };
    let vectors = embed::answer(body, false).unwrap().unwrap();
    let told = json_of(&openai::write_answer(&vectors, "m", form).unwrap());
    assert_eq!(told["data"][0]["embedding"], "AACAPgAAAL8AAIA/");
    assert_eq!(told["usage"]["prompt_tokens"], 3);
    // A server that answers in base64 though it was asked for numbers.
    let form = Form {
        count: 1,
        coding: Coding::Numbers,
    };
    let vectors = openai::answer(told.to_string().as_bytes(), form)
        .map(|vectors| embed::write_answer(&vectors, false));
    let told = json_of(&vectors.unwrap().unwrap());
    assert_eq!(told["embedding"]["values"], json!([0.25, -0.5, 1]));
}

#[test]
fn vectors_go_by_their_index_and_each_must_be_there() {
    let of = |data: Value, count| {
        let body = json!({"object": "list", "data": data}).to_string();
        let form = Form {
            count,
            coding: Coding::Numbers,
        };
        let vectors = openai::answer(body.as_bytes(), form)?;
        embed::write_answer(&vectors, true).map(|told| json_of(&told))
    };
    let vector = |index: usize, values: Value| json!({"index": index, "embedding": values});
    let told = of(json!([vector(1, json!([2])), vector(0, json!([1]))]), 2).unwrap();
    assert_eq!(
        told,
        json!({"embeddings": [{"values": [1]}, {"values": [2]}]})
    );
    for (data, count) in [
        (json!([vector(0, json!([1]))]), 2),
        (json!([vector(0, json!([1])), vector(0, json!([1]))]), 2),
        (json!([vector(7, json!([1]))]), 1),
        (json!([vector(0, json!([]))]), 1),
        (json!([vector(0, json!("AAA="))]), 1),
    ] {
        assert!(of(data.clone(), count).is_err(), "{data}");
    }
}

/// An answer of OpenAI's form with these for vectors, and with members of a host's own.
fn answered(vectors: &[&str]) -> String {
    let vectors: Vec<String> = vectors
        .iter()
        .map(|vector| format!(r#"{{ "object":"embedding","embedding" : {vector},"own":1.50}}"#))
        .collect();
    format!(
        r#"{{"id":"\"embedding\":[","object":"list","data":[{}], "usage":{{"prompt_tokens":2}}}}"#,
        vectors.join(" ,")
    )
}

#[test]
fn vectors_that_are_written_otherwise_are_written_as_asked_and_nothing_else_is_changed() {
    // 0.25, -1.5 and 2 as little-endian floats.
    let numbers = answered(&["[0.25, -1.5e0]", "[2]"]);
    let texts = answered(&[r#""AACAPgAAwL8=""#, r#""AAAAQA==""#]);
    let plain = answered(&["[0.25,-1.5]", "[2]"]);
    for (answer, coding, expected) in [
        (&numbers, Coding::Base64, &texts),
        (&texts, Coding::Numbers, &plain),
    ] {
        assert!(coding.is_missed_by(answer.as_bytes()));
        let written = coding.applied(answer.as_bytes()).unwrap();
        assert_eq!(String::from_utf8(written).unwrap(), *expected);
        assert!(!coding.is_missed_by(expected.as_bytes()));
        // The beginning tells.
        assert!(coding.is_missed_by(&answer.as_bytes()[..90]));
    }
}

#[test]
fn what_is_no_vector_is_left_as_it_came() {
    for answer in ["", "{}", r#"{"data":[]}"#, r#"{"error":"\"embedding\":["}"#] {
        for coding in [Coding::Base64, Coding::Numbers] {
            assert!(!coding.is_missed_by(answer.as_bytes()), "{answer}");
            assert_eq!(coding.applied(answer.as_bytes()), None, "{answer}");
        }
    }
    for (vectors, coding) in [
        (["[[0.1],[0.2]]", "[1]"], Coding::Base64),
        (["[1]", "[1e39]"], Coding::Base64),
        ([r#""AACAPg==""#, r#""QUJD""#], Coding::Numbers),
        ([r#""!""#, "[1]"], Coding::Numbers),
        (["[1]", "null"], Coding::Base64),
    ] {
        let answer = answered(&vectors);
        assert_eq!(coding.applied(answer.as_bytes()), None, "{answer}");
    }
}

#[test]
fn vertex_ai_is_asked_by_predict_or_for_one_text_by_the_models_generation() {
    for (model, asked) in [
        ("text-embedding-005", true),
        ("text-multilingual-embedding-002", true),
        ("gemini-embedding-001", true),
        ("gemini-embedding-2", false),
        ("multilingual-e5-large-instruct-maas", false),
    ] {
        assert_eq!(predict::is_asked(model), asked, "{model}");
    }
    let body = json!({"model": "m", "input": ["a", "b"], "dimensions": 8}).to_string();
    let mut notes = Notes::default();
    let wanted = openai::read(body.as_bytes(), &mut notes).unwrap();
    assert_eq!(
        json_of(&predict::write(&wanted)),
        json!({"instances": [{"content": "a"}, {"content": "b"}], "parameters": {"outputDimensionality": 8}})
    );
    assert!(essential(&notes).is_empty());
    let _ = predict::write_one(&wanted, &mut notes);
    assert_eq!(
        essential(&notes),
        ["input (this model takes one text at a time)"]
    );
    let (body, mut notes) = (json!({"input": "a"}).to_string(), Notes::default());
    let wanted = openai::read(body.as_bytes(), &mut notes).unwrap();
    let one = json_of(&predict::write_one(&wanted, &mut notes));
    assert_eq!(one, json!({"content": {"parts": [{"text": "a"}]}}));
    assert_eq!(
        json_of(&predict::write(&wanted)),
        json!({"instances": [{"content": "a"}]})
    );
    assert!(essential(&notes).is_empty());
}

#[test]
fn predictions_are_vectors_with_their_tokens() {
    let of = |values: Value, tokens: u64| json!({"embeddings": {"values": values, "statistics": {"token_count": tokens, "truncated": false}}});
    let body = json!({"predictions": [of(json!([0.25, -1]), 3), of(json!([1e-3, 2]), 4)]});
    let body = body.to_string();
    let vectors = predict::answer(body.as_bytes()).unwrap().unwrap();
    assert_eq!((vectors.all.len(), vectors.input_tokens), (2, Some(7)));
    let told = openai::write_answer(
        &vectors,
        "m",
        Form {
            count: 2,
            coding: Coding::Numbers,
        },
    );
    let told = json_of(&told.unwrap());
    assert_eq!(told["data"][1]["embedding"], json!([1e-3, 2]));
    assert_eq!(told["usage"]["prompt_tokens"], 7);
    for nothing in ["{}", r#"{"predictions":[]}"#, r#"{"predictions":7}"#] {
        assert!(
            predict::answer(nothing.as_bytes()).unwrap().is_none(),
            "{nothing}"
        );
    }
    for wrong in [
        "",
        r#"{"predictions":[1]}"#,
        r#"{"predictions":[{"embeddings":{}}]}"#,
    ] {
        assert!(predict::answer(wrong.as_bytes()).is_err(), "{wrong}");
    }
}
