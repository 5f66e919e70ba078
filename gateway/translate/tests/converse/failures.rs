//! What a provider says when it fails.

use fairlead_translate::Piece;
use fairlead_translate::converse::stream::Reader;
use fairlead_translate::converse::{Family, error};
use fairlead_wire::event_stream::{self, Decoder};
use fairlead_wire::sse::Event;

use crate::common::{bytes_of, pieces};

const BEGUN: &str = r#"
messageStart {"role":"assistant"}
contentBlockDelta {"contentBlockIndex":0,"delta":{"text":"Hi"}}
"#;

#[test]
fn an_exception_in_a_stream_is_an_error_with_its_status() {
    for (exception, kind, status) in [
        ("throttlingException", "ThrottlingException", 429),
        (
            "modelStreamErrorException",
            "ModelStreamErrorException",
            424,
        ),
        ("modelTimeoutException", "ModelTimeoutException", 408),
        ("validationException", "ValidationException", 400),
        ("internalServerException", "InternalServerException", 500),
        (
            "serviceUnavailableException",
            "ServiceUnavailableException",
            503,
        ),
    ] {
        let line = format!(r#"{exception} {{"message":"It \"broke\"."}}"#);
        let expected = format!("error Some(\"{kind}\") Some({status}) Some(\"It \\\"broke\\\".\")");
        assert_eq!(pieces(&line).join("\n"), expected, "before any content");
        let told = pieces(&format!("{BEGUN}{line}"));
        assert_eq!(told, ["begin", "text Hi", &expected], "behind content");
    }
}

#[test]
fn an_exception_of_another_name_is_an_error_too() {
    assert_eq!(
        pieces(r#"brandNewException {"message":"New."}"#),
        ["error Some(\"BrandNewException\") None Some(\"New.\")"]
    );
}

#[test]
fn what_stands_behind_says_whether_to_wait() {
    let line = |status: &str| {
        let line = format!(
            r#"modelStreamErrorException {{"message":"m","originalStatusCode":{status},"originalMessage":"o"}}"#
        );
        pieces(&line).remove(0)
    };
    let expected =
        |status| format!("error Some(\"ModelStreamErrorException\") Some({status}) Some(\"m\")");
    assert_eq!(line("429"), expected(429));
    assert_eq!(line("503"), expected(503));
    assert_eq!(line("400"), expected(424));
    assert_eq!(line("\"503\""), expected(424));
    let facts = error::exception(
        "modelStreamErrorException",
        br#"{"message":"m","originalMessage":"o"}"#,
    );
    assert_eq!(facts.further.as_deref(), Some("o"));
}

#[test]
fn an_exception_without_words_and_a_broken_stream_are_errors() {
    let told = |frame: bytes::Bytes| {
        let mut decoder = Decoder::new(1 << 16);
        decoder.push(bytes_of(&frame));
        let event = Event::from(decoder.next().unwrap().unwrap());
        let mut facts = None;
        Reader::new(Family::Claude)
            .read(event.name.as_deref(), &event.data.unwrap(), &mut |piece| {
                if let Piece::Error(told) = piece {
                    facts = Some(told);
                }
            })
            .unwrap();
        facts.unwrap()
    };
    let facts = told(event_stream::exception("throttlingException", b""));
    assert_eq!((facts.status, facts.message), (Some(429), None));
    let facts = told(event_stream::exception("throttlingException", b"not JSON"));
    assert_eq!((facts.status, facts.message), (Some(429), None));
    let facts = told(event_stream::error("InternalError", "It broke."));
    assert_eq!(facts.code.as_deref(), Some("InternalError"));
    assert_eq!(facts.message.as_deref(), Some("It broke."));
}

#[test]
fn a_refusal_is_named_by_its_header() {
    for (header, kind, status) in [
        (
            "ThrottlingException:http://internal.amazon.com/coral/",
            "ThrottlingException",
            Some(429),
        ),
        ("ValidationException", "ValidationException", Some(400)),
        ("AccessDeniedException", "AccessDeniedException", Some(403)),
        (
            "ResourceNotFoundException",
            "ResourceNotFoundException",
            Some(404),
        ),
        ("ModelTimeoutException", "ModelTimeoutException", Some(408)),
        ("ModelErrorException", "ModelErrorException", Some(424)),
        (
            "ModelNotReadyException",
            "ModelNotReadyException",
            Some(429),
        ),
        (
            "ServiceQuotaExceededException",
            "ServiceQuotaExceededException",
            Some(400),
        ),
        (
            "InternalServerException",
            "InternalServerException",
            Some(500),
        ),
        (
            "ServiceUnavailableException",
            "ServiceUnavailableException",
            Some(503),
        ),
        ("BrandNewException", "BrandNewException", None),
    ] {
        let facts = error::read(br#"{"message":"m"}"#, Some(header)).unwrap();
        assert_eq!(facts.kind.as_deref(), Some(kind));
        assert_eq!(facts.status, status, "{kind}");
        assert_eq!(facts.message.as_deref(), Some("m"));
    }
}

#[test]
fn a_refusal_is_read_whoever_refuses() {
    let facts = error::read(
        br#"{"Message":"The security token included in the request is invalid."}"#,
        None,
    );
    assert!(facts.unwrap().message.unwrap().starts_with("The security"));
    let typed = br#"{"__type":"com.amazon.coral.service#AccessDeniedException","Message":null,"message":"no"}"#;
    let facts = error::read(typed, None).unwrap();
    assert_eq!(facts.kind.as_deref(), Some("AccessDeniedException"));
    assert_eq!(
        (facts.status, facts.message.as_deref()),
        (Some(403), Some("no"))
    );
    let facts = error::read(b"<html>", Some("ThrottlingException")).unwrap();
    assert_eq!((facts.status, facts.message), (Some(429), None));
    for nothing in [&b"<html>"[..], b"{}", b"[]", b"", br#"{"message":" "}"#] {
        assert_eq!(error::read(nothing, None), None);
        assert_eq!(error::read(nothing, Some("")), None);
    }
    let long = format!(r#"{{"message":"{}"}}"#, "é".repeat(5000));
    let facts = error::read(long.as_bytes(), None).unwrap();
    assert_eq!(facts.message.unwrap().chars().count(), 2048);
}
