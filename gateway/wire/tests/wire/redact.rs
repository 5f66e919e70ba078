//! A credential that a provider repeats: cut out in every form that libraries give it.

use bytes::Bytes;
use fairlead_wire::json::{Limits, well_formed};
use fairlead_wire::redact::Redactor;
use proptest::prelude::*;

const SECRET: &str = "sk-se/cr+et_9";

fn cut(text: &str) -> String {
    let redactor = Redactor::new(SECRET.as_bytes()).unwrap();
    let clean = redactor.cut(Bytes::copy_from_slice(text.as_bytes()));
    String::from_utf8(clean.to_vec()).unwrap()
}

#[test]
fn a_credential_is_cut_out_in_every_form() {
    for (text, clean) in [
        (
            "no luck with sk-se/cr+et_9, sk-se/cr+et_9!",
            "no luck with [redacted], [redacted]!",
        ),
        (
            r#"{"message":"wrong key \u0073k-se\/cr\u002Bet_9.","code":1}"#,
            r#"{"message":"wrong key [redacted].","code":1}"#,
        ),
        (
            r#"{"a":"x\ny","b":["\"sk-se\/cr+et_9\"",1e3]}"#,
            r#"{"a":"x\ny","b":["\"[redacted]\"",1e3]}"#,
        ),
        (
            r#"{"sk-se\u002fcr+et_9":"é\ud83d\ude00\u0073k-se/cr+et_9"}"#,
            r#"{"[redacted]":"é😀[redacted]"}"#,
        ),
        (
            r#"{"url":"https://x/?key=sk-se%2Fcr%2bet_9&n=1"}"#,
            r#"{"url":"[redacted]"}"#,
        ),
        (
            r#"{"body":"{\"key\":\"sk-se\\/cr\\u002Bet_9\"}"}"#,
            r#"{"body":"[redacted]"}"#,
        ),
    ] {
        assert_eq!(cut(text), clean, "{text}");
    }
}

#[test]
fn what_does_not_hold_it_is_not_touched() {
    let redactor = Redactor::new(SECRET.as_bytes()).unwrap();
    for text in [
        r#"{"message":"100% of \ud800 \u00e9 \/ %zz %2","open":"\"#,
        "",
        "\\",
        "%",
        "sk-se/cr+et_",
    ] {
        let bytes = Bytes::copy_from_slice(text.as_bytes());
        let clean = redactor.cut(bytes.clone());
        assert_eq!((clean.as_ptr(), &clean), (bytes.as_ptr(), &bytes));
    }
    assert!(Redactor::new(b"").is_none());
}

#[test]
fn one_search_finds_the_forms_that_libraries_write() {
    let redactor = Redactor::new(SECRET.as_bytes()).unwrap();
    for text in [
        r#"{"echo":"Bearer sk-se/cr+et_9"}"#,
        r#"{"echo":"Bearer sk-se\/cr\u002bet_9"}"#,
        "sk-se%2Fcr%2Bet_9",
    ] {
        assert!(redactor.may_be_in(text.as_bytes()), "{text}");
    }
    let good = r#"{"choices":[{"message":{"content":"Hello.\n"}}]}"#;
    assert!(!redactor.may_be_in(good.as_bytes()));
}

#[test]
fn nothing_of_it_is_shown_when_it_is_printed() {
    let redactor = Redactor::new(SECRET.as_bytes()).unwrap();
    assert_eq!(format!("{redactor:?}"), "Redactor");
}

/// The secret, each letter in one of its forms.
fn disguised() -> impl Strategy<Value = String> {
    prop::collection::vec(0..4_u8, SECRET.len()).prop_map(|forms| {
        SECRET
            .chars()
            .zip(forms)
            .map(|(letter, form)| match form {
                0 => format!("\\u{:04x}", u32::from(letter)),
                1 => format!("\\u{:04X}", u32::from(letter)),
                2 if letter == '/' => "\\/".to_owned(),
                _ => letter.to_string(),
            })
            .collect()
    })
}

proptest! {
    #[test]
    fn no_string_of_an_error_says_it(before in "[a-z%\\u{e9} ]{0,8}", disguised in disguised(), after in "(\\\\n|\\\\\"|[a-z%]){0,4}") {
        let text = format!(r#"{{"a":1,"message":"{before}{disguised}{after}","list":["{disguised}"]}}"#);
        let clean = cut(&text);
        prop_assert_eq!(well_formed(clean.as_bytes(), &Limits::default()), Ok(()), "{}", clean);
        let tree: serde_json::Value = serde_json::from_str(&clean).unwrap();
        prop_assert!(!tree["message"].as_str().unwrap().contains(SECRET));
        prop_assert_eq!(tree["list"][0].as_str(), Some("[redacted]"));
    }

    #[test]
    fn any_bytes_are_cut_without_panic(text in prop::collection::vec(any::<u8>(), 0..60)) {
        let redactor = Redactor::new(b"\"\\").unwrap();
        let _ = redactor.cut(Bytes::from(text));
    }
}
