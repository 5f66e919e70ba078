//! Forms: where their parts are, and what is no form.

use fairlead_wire::form::{FormError, boundary, parse};
use fairlead_wire::openai::request::{parse_form, parse_or};

const FORM: &str = "--B\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nwhisper-1\r\n--B\r\n\
    Content-Disposition: form-data; name=\"file\"; filename=\"a;\\\"b.wav\"\r\nContent-Type: audio/wav\r\n\r\nRIFF\r\n--not B\r\n\r\n--B\r\n\
    content-disposition: form-data; name=include[]\r\n\r\nlogprobs\r\n--B\r\nContent-Disposition: form-data; name=\"include[]\"\r\n\r\nx\r\n--B--\r\n";

#[test]
fn parts_are_found_where_they_lie() {
    let form = parse(FORM.as_bytes(), b"B").unwrap();
    let fields: Vec<_> = form
        .fields
        .iter()
        .map(|field| (&*field.name, &FORM[field.value.clone()], field.file))
        .collect();
    assert_eq!(
        fields,
        [
            ("model", "whisper-1", false),
            ("file", "RIFF\r\n--not B\r\n", true),
            ("include[]", "logprobs", false),
            ("include[]", "x", false),
        ]
    );
    assert_eq!(
        form.parameters(),
        r#"{"model":"whisper-1","include[]":["logprobs","x"]}"#
    );
}

#[test]
fn the_models_name_is_all_that_changes() {
    let form = parse(FORM.as_bytes(), b"B").unwrap();
    let parameters = form.parameters();
    let request = parse_form(&form, &parameters).unwrap();
    assert_eq!((&*request.model, request.stream), ("whisper-1", false));
    let edits = request.edits(false);
    let body = FORM.into();
    let sent = edits.upstream_body(&body, "other", true).to_bytes();
    assert_eq!(sent, FORM.replace("whisper-1", "other"));
    assert_eq!(
        edits.upstream_body(&body, "whisper-1", true).to_bytes(),
        FORM
    );
}

#[test]
fn a_form_that_two_readers_read_in_two_ways_is_none() {
    let part = |head: &str| format!("--B\r\n{head}\r\n\r\nx\r\n--B--");
    let name = "Content-Disposition: form-data; name=\"model\"";
    assert!(parse(part(name).as_bytes(), b"B").is_ok());
    for bad in [
        format!("text\r\n{}", part(name)),
        format!("{}text", part(name)),
        part(name).replace("--B--", "--Bx"),
        part(name).replace("--B--", ""),
        part(name).replace("\r\n", "\n"),
        part("Content-Type: text/plain"),
        part("Content-Disposition: form-data"),
        part("Content-Disposition: form-data; name*=utf-8''model"),
        part("Content-Disposition: form-data; name=\"mo\\\"del\""),
        part("Content-Disposition: form-data; name=a; name=model"),
        part(&format!("{name}\r\nContent-Transfer-Encoding: base64")),
        part(&format!("{name}\r\n{name}")),
        part("Content-Disposition: form-data;\r\n name=\"model\""),
        String::new(),
    ] {
        assert!(parse(bad.as_bytes(), b"B").is_err(), "{bad:?}");
    }
    let many = "--B\r\nContent-Disposition: form-data; name=a\r\n\r\n\r\n".repeat(257) + "--B--";
    assert_eq!(parse(many.as_bytes(), b"B"), Err(FormError::TooManyParts));
}

#[test]
fn the_forms_of_common_libraries_are_read() {
    let file = "Content-Disposition: form-data; name=\"file\"; filename=\"a%22b.wav\"\r\nContent-Type: audio/wav";
    for (library, model, file, end) in [
        (
            "httpx",
            "Content-Disposition: form-data; name=\"model\"",
            file,
            "--B--\r\n",
        ),
        (
            "undici",
            "Content-Disposition: form-data; name=\"model\"",
            file,
            "--B--\r\n\r\n",
        ),
        (
            "undici before 6",
            "Content-Disposition: form-data; name=\"model\"",
            file,
            "--B--",
        ),
        (
            "Go",
            "Content-Disposition: form-data; name=\"model\"",
            "Content-Disposition: form-data; name=\"file\"; filename=\"a\\\"b.wav\"\r\nContent-Type: application/octet-stream",
            "--B--\r\n",
        ),
        (
            ".NET",
            "Content-Type: text/plain; charset=utf-8\r\nContent-Disposition: form-data; name=model",
            "Content-Disposition: form-data; name=file; filename=a.wav; filename*=utf-8''a.wav",
            "--B--\r\n",
        ),
        (
            "okhttp",
            "Content-Disposition: form-data; name=\"model\"\r\nContent-Length: 9",
            "Content-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\nContent-Type: audio/wav\r\nContent-Length: 4",
            "--B--\r\n",
        ),
    ] {
        let body = format!("--B\r\n{model}\r\n\r\nwhisper-1\r\n--B\r\n{file}\r\n\r\nRIFF\r\n{end}");
        let form =
            parse(body.as_bytes(), b"B").unwrap_or_else(|error| panic!("{library}: {error}"));
        let parameters = form.parameters();
        assert_eq!(
            parse_form(&form, &parameters).unwrap().model,
            "whisper-1",
            "{library}"
        );
        assert!(form.fields[1].file, "{library}");
        assert_eq!(&body[form.fields[1].value.clone()], "RIFF", "{library}");
    }
}

#[test]
fn a_model_that_is_ambiguous_is_refused() {
    let of = |names: &[&str]| -> String {
        let part =
            |name: &&str| format!("--B\r\nContent-Disposition: form-data; {name}\r\n\r\nm\r\n");
        names.iter().map(part).collect::<String>() + "--B--"
    };
    for (names, fine) in [
        (&["name=model"][..], true),
        (&["name=model", "name=model"], false),
        (&["name=model", "name=Model"], false),
        (&["name=Model"], false),
        (&["name=\"model\"; filename=x"], false),
        (&["name=prompt"], false),
    ] {
        let body = of(names);
        let form = parse(body.as_bytes(), b"B").unwrap();
        let parameters = form.parameters();
        assert_eq!(parse_form(&form, &parameters).is_ok(), fine, "{names:?}");
    }
}

#[test]
fn the_boundary_is_in_the_media_type() {
    for (header, expected) in [
        ("application/json", Ok(None)),
        ("multipart/form-data; boundary=abc", Ok(Some(&b"abc"[..]))),
        (
            "Multipart/Form-Data;charset=utf-8; Boundary=\"a b\"",
            Ok(Some(&b"a b"[..])),
        ),
        ("multipart/form-data", Err(FormError::Boundary)),
        ("multipart/form-data; boundary=", Err(FormError::Boundary)),
        (
            "multipart/form-data; boundary=a; boundary=b",
            Err(FormError::Boundary),
        ),
        (
            "multipart/form-data; boundary=\"a\\\"b\"",
            Err(FormError::Boundary),
        ),
    ] {
        assert_eq!(boundary(header.as_bytes()), expected, "{header}");
    }
}

#[test]
fn where_the_api_has_a_model_of_its_own_none_need_be_named() {
    for (body, sent) in [
        (r#"{"input":"x"}"#, r#"{"input":"x","model":"up"}"#),
        (
            r#"{"model":null,"input":"x"}"#,
            r#"{"model":"up","input":"x"}"#,
        ),
        (r#"{"model":"m"}"#, r#"{"model":"up"}"#),
        ("{}", r#"{"model":"up"}"#),
    ] {
        let request = parse_or(body.as_bytes(), "usual").unwrap();
        let edits = request.edits(false);
        let bytes = body.into();
        assert_eq!(edits.upstream_body(&bytes, "up", false).to_bytes(), sent);
        if request.model == "usual" {
            assert_eq!(edits.upstream_body(&bytes, "usual", false).to_bytes(), body);
        }
    }
    for bad in [r#"{"model":7}"#, r#"{"model":""}"#, "[]"] {
        assert!(parse_or(bad.as_bytes(), "usual").is_err(), "{bad}");
    }
}

#[test]
fn nothing_that_is_sent_makes_it_panic() {
    for end in 0..FORM.len() {
        for start in [0, end / 2] {
            let _ = parse(&FORM.as_bytes()[start..end], b"B");
        }
    }
}
