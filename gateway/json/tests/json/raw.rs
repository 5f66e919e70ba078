//! Values read where they lie: nothing reads as missing that stands there.

use fairlead_json::{Kind, Limits, Number, Object, Raw, Unreadable};

fn raw(text: &str) -> Raw<'_> {
    Raw::parse(text, &Limits::default()).expect(text)
}

#[test]
fn numbers_are_whole_where_they_are_written_so_and_fit() {
    for (text, number) in [
        ("7", Number::Int(7)),
        ("-0", Number::Int(0)),
        ("9223372036854775807", Number::Int(i64::MAX)),
        ("-9223372036854775808", Number::Int(i64::MIN)),
        (
            "9223372036854775808",
            Number::Double(9_223_372_036_854_775_808.0),
        ),
        ("1.0", Number::Double(1.0)),
        ("1e3", Number::Double(1000.0)),
        ("1e-999", Number::Double(0.0)),
        ("1.7976931348623157e308", Number::Double(f64::MAX)),
    ] {
        assert_eq!(raw(text).number(), Ok(number), "{text}");
    }
}

#[test]
fn numbers_beyond_every_double_are_unreadable_and_not_missing() {
    let long = "1".repeat(1025);
    for text in ["1e999", "-1e999", "1e309", &long, "\"1\"", "null"] {
        assert_eq!(raw(text).number(), Err(Unreadable::OutOfRange), "{text}");
    }
}

#[test]
fn strings_with_half_of_a_pair_are_unreadable_and_not_missing() {
    for text in [
        r#""\ud800""#,
        r#""a\udc00b""#,
        r#""\udc00\ud800""#,
        r#""\uD83D\u0041""#,
    ] {
        assert_eq!(raw(text).string(), Err(Unreadable::NotText), "{text}");
    }
    assert_eq!(raw(r#""\ud83d\ude00\u0000""#).string().unwrap(), "😀\0");
}

#[test]
fn a_member_has_one_reading_or_none() {
    let read = |text, name| {
        raw(text)
            .member(name)
            .map(|found| found.map(|raw| raw.text()))
    };
    assert_eq!(read(r#"{"a":1,"b":[2]}"#, "b"), Ok(Some("[2]")));
    assert_eq!(read(r#"{"a":1}"#, "b"), Ok(None));
    assert_eq!(read(r#"{"\u0061":1}"#, "a"), Ok(Some("1")));
    assert_eq!(read("[1]", "a"), Ok(None));
    for text in [
        r#"{"a":1,"a":2}"#,
        r#"{"a":1,"\u0061":1}"#,
        r#"{"a":1,"A":2}"#,
        r#"{"A":2}"#,
        r#"{"a\u0000":2}"#,
        r#"{"\ud800a":2}"#,
    ] {
        assert_eq!(read(text, "a"), Err(Unreadable::Ambiguous), "{text}");
    }
}

#[test]
fn a_member_of_a_body_has_one_reading_or_none() {
    let read = |body: &str, name| {
        let object = Object::parse(body.as_bytes(), &Limits::default()).unwrap();
        object
            .read(name)
            .map(|found| found.map(|raw| (raw.kind(), raw.text().to_owned())))
    };
    assert_eq!(
        read(r#"{"tools":[ ]}"#, "tools"),
        Ok(Some((Kind::Array, "[ ]".to_owned())))
    );
    assert_eq!(read(r#"{"tool":[]}"#, "tools"), Ok(None));
    for body in [
        r#"{"Tools":[]}"#,
        r#"{"tools":[],"TOOLS":[]}"#,
        r#"{"tool\u017f":[]}"#,
    ] {
        assert_eq!(read(body, "tools"), Err(Unreadable::Ambiguous), "{body}");
    }
}

#[test]
fn arrays_are_counted_and_read_by_place() {
    let list = raw(r#"[1, {"a":[2,3]}, "x" ]"#);
    assert_eq!(list.count(), 3);
    assert_eq!(list.element(1).unwrap().text(), r#"{"a":[2,3]}"#);
    assert_eq!(list.element(3), None);
    assert_eq!(
        (raw("{}").count(), raw("[]").count(), raw("7").count()),
        (0, 0, 0)
    );
}
