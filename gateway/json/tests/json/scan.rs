//! The scanner: what is JSON, where the members are, what is refused and where.

use fairlead_json::{JsonError, Kind, Limits, Object, well_formed};
use proptest::prelude::*;

use crate::check_json_object::check;

fn parse(body: &str) -> Result<Object<'_>, JsonError> {
    Object::parse(body.as_bytes(), &Limits::default())
}

fn syntax(at: usize, expected: &'static str) -> JsonError {
    JsonError::Syntax { at, expected }
}

#[test]
fn finds_every_member_where_it_is() {
    let body = "\t{ \"model\" : \"gpt\", \"n\":1e3,\"on\": true , \"o\":{\"a\":[1]},\"l\":[ ],\"z\":null }\n";
    let object = parse(body).unwrap();
    let found: Vec<_> = object
        .members()
        .iter()
        .map(|member| (&*member.key, object.text(member), member.kind))
        .collect();
    assert_eq!(
        found,
        [
            ("model", "\"gpt\"", Kind::String),
            ("n", "1e3", Kind::Number),
            ("on", "true", Kind::Bool(true)),
            ("o", "{\"a\":[1]}", Kind::Object),
            ("l", "[ ]", Kind::Array),
            ("z", "null", Kind::Null),
        ]
    );
    assert_eq!(object.end_of_members(), body.rfind('}').unwrap());
    assert_eq!(
        object.get("on").unwrap().key_start,
        body.find("\"on").unwrap()
    );
    assert!(object.get("a").is_none(), "a member of a member");
}

#[test]
fn an_empty_object_has_no_members() {
    let object = parse(" {\n} ").unwrap();
    assert!(object.is_empty());
    assert_eq!(object.end_of_members(), 3);
}

#[test]
fn undoes_escapes_in_names_and_strings() {
    let object = parse(r#"{"m\u006fdel":"a\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00z"}"#).unwrap();
    let member = object.get("model").unwrap();
    assert_eq!(
        object.string(member).unwrap(),
        "a\"\\/\u{8}\u{c}\n\r\t\u{e9}\u{1f600}z"
    );
}

#[test]
fn passes_lone_surrogates_on_but_takes_them_for_no_text() {
    for lone in [
        r"\ud800",
        r"\udc00",
        r"\ud800\ud800",
        r"\ud800\n",
        r"\ud800A",
        r"\udc00\ud800",
    ] {
        let body = format!("{{\"a\":\"{lone}\",\"{lone}\":1}}");
        let object = parse(&body).unwrap();
        assert_eq!(object.string(object.get("a").unwrap()), None, "{lone}");
        assert!(object.members()[1].key.contains('\u{fffd}'), "{lone}");
    }
}

#[test]
fn says_where_the_grammar_is_broken() {
    for (body, error) in [
        ("", syntax(0, "an object")),
        ("  ", syntax(2, "an object")),
        ("{", syntax(1, "a member name in double quotes")),
        ("{a:1}", syntax(1, "a member name in double quotes")),
        ("{\"a\":1,}", syntax(7, "a member name in double quotes")),
        ("{\"a\" 1}", syntax(5, "a colon")),
        ("{\"a\":}", syntax(5, "a value")),
        ("{\"a\":'x'}", syntax(5, "a value")),
        ("{\"a\":1 \"b\":2}", syntax(7, "a comma or a closing brace")),
        ("{\"a\":[1 2]}", syntax(8, "a comma or a closing bracket")),
        ("{\"a\":01}", syntax(6, "a comma or a closing brace")),
        ("{\"a\":-}", syntax(6, "a digit")),
        ("{\"a\":1.}", syntax(7, "a digit")),
        ("{\"a\":1e+}", syntax(8, "a digit")),
        ("{\"a\":nul}", syntax(5, "null")),
        (
            "{\"a\":\"\\x\"}",
            syntax(7, "one of the escapes that JSON knows"),
        ),
        ("{\"a\":\"\\u12g4\"}", syntax(10, "four hexadecimal digits")),
        (
            "{\"a\":\"tab\there\"}",
            syntax(9, "control characters to be escaped"),
        ),
        ("{\"a\":\"open", syntax(10, "a closing quote")),
        ("[1,", syntax(3, "a value")),
        ("{} {}", JsonError::TrailingBytes { at: 3 }),
        ("{}\0", JsonError::TrailingBytes { at: 2 }),
        ("\u{feff}{}", syntax(0, "a value")),
        (" [1] ", JsonError::NotAnObject),
        ("null", JsonError::NotAnObject),
    ] {
        assert_eq!(parse(body), Err(error), "{body:?}");
    }
    assert_eq!(
        Object::parse(b"{\"a\":\"\xff\"}", &Limits::default()),
        Err(JsonError::NotUtf8 { at: 6 })
    );
}

#[test]
fn refuses_a_name_given_twice_however_it_is_written() {
    let twice = Err(JsonError::DuplicateKey {
        key: "model".into(),
    });
    assert_eq!(parse(r#"{"model":1,"a":2,"model":3}"#), twice);
    assert_eq!(parse(r#"{"model":1,"mode\u006c":2}"#), twice);
    assert!(parse(r#"{"a":{"x":1},"b":{"x":1}}"#).is_ok());
    let many = |last: &str| {
        let members: String = (0..100).map(|n| format!("\"k{n}\":1,")).collect();
        format!("{{{members}\"{last}\":1}}")
    };
    assert_eq!(
        parse(&many("k42")),
        Err(JsonError::DuplicateKey { key: "k42".into() })
    );
    assert!(parse(&many("k100")).is_ok());
}

#[test]
fn shortens_a_long_name_in_an_error() {
    let name = "é".repeat(5000);
    let Err(JsonError::DuplicateKey { key }) = parse(&format!("{{\"{name}\":1,\"{name}\":1}}"))
    else {
        panic!()
    };
    assert_eq!(key.chars().count(), 64);
}

#[test]
fn refuses_what_is_nested_too_deeply() {
    let nested = |levels: usize| format!("{}1{}", "[".repeat(levels), "]".repeat(levels));
    let limits = Limits {
        depth: 3,
        ..Limits::default()
    };
    assert_eq!(well_formed(nested(3).as_bytes(), &limits), Ok(()));
    assert_eq!(
        well_formed(nested(4).as_bytes(), &limits),
        Err(JsonError::TooDeep { limit: 3 })
    );
    // A level ends where its bracket closes.
    assert_eq!(well_formed(b"[[[],[]],[[],{}]]", &limits), Ok(()));
    let body = |levels| format!("{{\"a\":{}}}", nested(levels));
    assert!(parse(&body(127)).is_ok());
    assert_eq!(parse(&body(128)), Err(JsonError::TooDeep { limit: 128 }));
}

#[test]
fn no_limit_allows_more_depth_than_the_stack_bears() {
    let deep = "[".repeat(1_000_000);
    let limits = Limits {
        depth: usize::MAX,
        ..Limits::default()
    };
    assert_eq!(
        well_formed(deep.as_bytes(), &limits),
        Err(JsonError::TooDeep { limit: 512 })
    );
    let objects = "{\"a\":".repeat(1_000_000);
    assert_eq!(
        well_formed(objects.as_bytes(), &limits),
        Err(JsonError::TooDeep { limit: 512 })
    );
}

#[test]
fn refuses_more_members_than_agreed() {
    let limits = Limits {
        members: 2,
        ..Limits::default()
    };
    assert!(Object::parse(b"{\"a\":1,\"b\":2}", &limits).is_ok());
    assert_eq!(
        Object::parse(b"{\"a\":1,\"b\":2,\"c\":3}", &limits),
        Err(JsonError::TooManyMembers { limit: 2 })
    );
}

/// Texts at the edges of the grammar.
const HARD_CASES: &[&str] = &[
    "0",
    "-0",
    "-0.0e-0",
    "00",
    "+1",
    "1.5e10",
    "1E+2",
    ".5",
    "1e",
    "1e999",
    "123456789012345678901234567890",
    "-",
    "--1",
    "0x1",
    "1_000",
    "Infinity",
    "NaN",
    "true",
    "True",
    "truefalse",
    "nul",
    "nullx",
    "\"\"",
    "\"",
    "\"\\\"",
    "\"\\",
    "\"\\u\"",
    "\"\\u00\"",
    "\"\\uD800\"",
    "\"\\uDC00\\uD800\"",
    "\"\\ud83d\\ude00\"",
    "\"\\U0041\"",
    "\"\x7f\"",
    "\"\x1f\"",
    "\"\n\"",
    "\"\0\"",
    "\"\u{2028}\"",
    "[]",
    "[ ]",
    "[,]",
    "[1,]",
    "[1,,2]",
    "[1 2]",
    "[",
    "]",
    "[[]",
    "{}",
    "{ }",
    "{,}",
    "{\"a\":1,}",
    "{\"a\"}",
    "{\"a\":}",
    "{:1}",
    "{1:1}",
    "{\"a\":1 \"b\":1}",
    "{\"a\":1}}",
    "//c\n1",
    "1 2",
    "\u{a0}1",
    "\x0b1",
    "\r\n\t 1 \r\n\t",
    "\u{feff}1",
    "'a'",
    "{\"a\":1,\"a\":2}",
    "{\"\":\"\"}",
    "{\"\\u0061\":1,\"a\":2}",
];

/// Bytes that are not UTF-8.
const HARD_BYTES: &[&[u8]] = &[
    b"\"\xff\"",
    b"\"\xc3\"",
    b"\"\xed\xa0\x80\"",
    b"\xff",
    b"\"\xf4\x90\x80\x80\"",
    b"\"\xc0\xaf\"",
];

#[test]
fn agrees_with_serde_json_on_hard_cases() {
    for text in HARD_CASES {
        check(text.as_bytes());
    }
    for bytes in HARD_BYTES {
        check(bytes);
    }
}

#[test]
fn sees_a_special_character_at_every_distance() {
    // Strings are searched in blocks; each offset in a block, and one beyond, must be noticed.
    for length in 0..100 {
        let plain = "x".repeat(length);
        for special in ["\"", "\\n", "\\", "\u{1}", "\u{1f}", "é", "\u{7f}"] {
            check(format!("{{\"a\":\"{plain}{special}\"}}").as_bytes());
        }
    }
}

/// Well-formed texts, and texts that nearly are: any tree, with bytes put in, taken out or changed.
fn nearly_json() -> impl Strategy<Value = Vec<u8>> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        "-?(0|[1-9][0-9]{0,3})(\\.[0-9]{1,3})?([eE][+-]?[0-9]{1,3})?",
        "\"([a-zé\u{1f600} ]|\\\\n|\\\\\"|\\\\u[0-9a-fA-F]{4}){0,40}\"",
    ];
    let tree = leaf.prop_recursive(5, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6)
                .prop_map(|values| format!("[{}]", values.join(" ,"))),
            prop::collection::vec(("[a-dAB]{0,2}|\\\\u00[0-9]{2}", inner), 0..6).prop_map(
                |members| {
                    let members: Vec<_> = members
                        .iter()
                        .map(|(name, value)| format!("\"{name}\" :{value}"))
                        .collect();
                    format!("{{{}}}", members.join(",\n"))
                }
            ),
        ]
    });
    let edits = prop::collection::vec(
        (
            any::<prop::sample::Index>(),
            prop::option::of(any::<u8>()),
            any::<bool>(),
        ),
        0..3,
    );
    (tree, edits).prop_map(|(text, edits)| {
        let mut bytes = text.into_bytes();
        for (index, byte, remove) in edits {
            let at = index.index(bytes.len() + 1);
            if remove && at < bytes.len() {
                bytes.remove(at);
            }
            bytes.splice(at.min(bytes.len())..at.min(bytes.len()), byte);
        }
        bytes
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn agrees_with_serde_json_on_what_is_nearly_json(text in nearly_json()) {
        check(&text);
    }

    #[test]
    fn agrees_with_serde_json_on_bytes_of_its_alphabet(text in "[\\[\\]{}\",:\\\\u0-9a-f.eE+\\- \n]{0,40}") {
        check(text.as_bytes());
    }
}
