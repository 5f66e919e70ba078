//! No secret of the corpus is left wherever it stands, what is JSON stays JSON, and what was masked once is masked.
#![cfg(test)]

use fairlead_redact::{KEPT, Redactor};
use proptest::prelude::*;
use serde_json::{Value, json};

/// Secrets, each with what stands in nothing else.
const SECRETS: &[&str] = &[
    "sk-proj-Zk3vT9qLw2Xy7Rb5Nf8H",
    "sk-ant-api03-Qm4_nBv6-Cx1ZsDf8GhJk",
    "sk-fairlead-0123456789abcdefghijklmn",
    "AIzaSyD3m0Fak3K3yF0rT3st1ng0nlyAbCdEf",
    "ya29.a0AfB_byC3xampleT0kenV4lue-xyz",
    "AKIAIOSFODNN7EXAMPLE",
    "gsk_wYt5Gv8Kp2Lm9Nc4Bx7Zq1Ds",
    "xai-Jh6Tg5Fd4Sa3Qw2Er1Ty0Ui9",
    "hf_AbCdEfGhIjKlMnOpQrStUvWx",
    "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
    "github_pat_11ABCDEFG0abcdefghijkl_MNOPqrstuv",
    "glpat-x7Yv2Wq9Zt4Rb6Nm1Kp3",
    "xoxb-123456789012-abcdefABCDEF",
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJqYW5lIn0.dGhlLXNpZ25hdHVyZQ",
    "Bearer 0a1b2c3d4e5f6a7b8c9d0e1f",
    "jane.doe+test@mail.example.com",
    "4111 1111 1111 1111",
    "5555555555554444",
    "DE89 3704 0044 0532 0130 00",
    "GB29NWBK60161331926819",
    "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\nBKcwggSjAgEAAoIBAQ\n-----END PRIVATE KEY-----",
];

/// What is left of a secret if anything is: any eight characters of it that stand in nothing else here.
fn remains(secret: &str, text: &str) -> Option<String> {
    let letters: Vec<char> = secret.chars().collect();
    let windows = letters.windows(8).map(|window| window.iter().collect());
    let mut windows =
        windows.filter(|window: &String| !window.contains('\n') && !window.contains("KEY"));
    windows.find(|window| text.contains(window.as_str()))
}

fn secret() -> impl Strategy<Value = &'static str> {
    proptest::sample::select(SECRETS)
}

/// Words between which secrets stand, none of which is part of one.
fn words() -> impl Strategy<Value = String> {
    proptest::sample::select(vec![
        "",
        " ",
        "the key is ",
        "größe: ",
        "日本語 ",
        "\n",
        "\t(",
        "\"quoted\" ",
        "\\ ",
        "{[",
        "a, b; ",
        "\u{202e} ",
        "'",
        "x = ",
    ])
    .prop_map(str::to_owned)
}

fn text_of(parts: &[(String, &'static str)]) -> String {
    parts
        .iter()
        .map(|(words, secret)| format!("{words} {secret} "))
        .collect()
}

/// JSON with a text somewhere in it.
fn around(text: &str, at: u8) -> Value {
    match at % 5 {
        0 => json!({"model": "m", "messages": [{"role": "user", "content": text}]}),
        1 => json!({"a": [1, 2.50, null, true, {text: "member"}]}),
        2 => json!({"tool_calls": [{"function": {"arguments": json!({"x": text}).to_string()}}]}),
        3 => json!([json!({"deep": json!([text]).to_string()}).to_string()]),
        _ => json!({"n": 4_111_111_111_111_111_u64, "t": text}),
    }
}

proptest! {
    #[test]
    fn nothing_of_a_secret_is_left_in_a_text(parts in proptest::collection::vec((words(), secret()), 1..5)) {
        let text = text_of(&parts);
        let redactor = Redactor::default();
        let masked = redactor.text(&text);
        for (_, secret) in &parts {
            prop_assert_eq!(remains(secret, &masked), None, "{}", masked);
        }
        prop_assert_eq!(redactor.text(&masked), masked);
    }

    #[test]
    fn json_stays_json_and_nothing_of_a_secret_is_left_in_it(
        parts in proptest::collection::vec((words(), secret()), 1..4),
        at in any::<u8>(),
    ) {
        let value = around(&text_of(&parts), at);
        let redactor = Redactor::default();
        for text in [value.to_string(), serde_json::to_string_pretty(&value).unwrap()] {
            let masked = redactor.text(&text);
            prop_assert!(serde_json::from_str::<Value>(&masked).is_ok(), "{}", masked);
            for (_, secret) in &parts {
                prop_assert_eq!(remains(secret, &masked), None, "{}", masked);
            }
            prop_assert!(!masked.contains("4111111111111111"));
            prop_assert_eq!(redactor.text(&masked), masked);
        }
    }

    /// Wherever the end of what is kept falls: the secret is whole before it, whole behind it, or masked.
    #[test]
    fn a_secret_across_the_end_is_not_kept_by_half(secret in secret(), before in 0_usize..90, json in any::<bool>()) {
        let fill = "word ".repeat((KEPT - before) / 5);
        let text = format!("{fill}{secret} and {}", "more ".repeat(2_000));
        let text = if json { json!({"t": text}).to_string() } else { text };
        let kept = Redactor::default().keep(text.as_bytes(), 0);
        prop_assert_eq!(remains(secret, &kept.text), None);
        prop_assert!(kept.cut && kept.text.len() <= KEPT);
        prop_assert_eq!(kept.bytes, text.len());
    }

    #[test]
    fn any_bytes_are_looked_at_without_harm(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let redactor = Redactor::with([("own", "a+b?")]).unwrap();
        let kept = redactor.keep(&bytes, 0);
        prop_assert_eq!(kept.bytes, bytes.len());
        if let Ok(text) = std::str::from_utf8(&bytes) {
            let once = redactor.text(text);
            prop_assert_eq!(redactor.text(&once), once);
        }
    }

    #[test]
    fn any_text_of_what_has_a_meaning_is_looked_at_without_harm(
        text in "(\\[redacted:(own|key|x)?\\]?|sk-|[a-z0-9@.:/\\\\\"{}\\[\\],-]|4111111111111111|data:;base64,|-----BEGIN A-----){0,60}"
    ) {
        let redactor = Redactor::with([("own", "a.?b|re?d")]).unwrap();
        let once = redactor.text(&text);
        let is_body = |text: &str| serde_json::from_str::<Value>(text).is_ok_and(|value| value.is_object() || value.is_array());
        if is_body(&text) {
            prop_assert!(is_body(&once));
        }
        prop_assert_eq!(redactor.text(&once), once);
    }
}

#[test]
fn a_rule_says_what_else_is_a_secret() {
    let own = Redactor::with([("customer", "C-[0-9]{6}"), ("name", "(?i)jane")]).unwrap();
    let text = r#"{"content":"Jane, C-123456, is 42","n":42}"#;
    assert_eq!(
        own.text(text),
        r#"{"content":"[redacted:name], [redacted:customer], is 42","n":42}"#
    );
    let number = Redactor::with([("own", "[0-9]+")]).unwrap();
    assert_eq!(number.text(r#"{"n":42}"#), r#"{"n":"[redacted:own]"}"#);
    assert!(Redactor::with((0..17).map(|_| ("a", "b"))).is_err());
}

#[test]
fn a_text_that_masks_make_longer_is_not_cut() {
    let own = Redactor::with([("customer", "C-[0-9]{6}")]).unwrap();
    for text in [
        r#"{"content":"C-123456","list":[1,"C-654321"],"last":true}"#,
        "C-123456 and C-654321, the last of it",
    ] {
        let kept = own.keep(text.as_bytes(), 0);
        assert_eq!((kept.text, kept.cut), (own.text(text), false));
    }
}

#[test]
fn what_is_no_secret_stays_to_the_letter() {
    let redactor = Redactor::default();
    for text in [
        r#"{ "model": "gpt-4o", "n":1, "x":[1.50,-0,1e9], "t":"\u00e9\/\n \ud83d\ude00", "l":"\ud800" }"#,
        "a plain text, with 12 numbers and a@b",
        "",
        "{",
        "[1,2",
        r#"{"secret":null,"password":{"type":"string"},"required":["password"]}"#,
    ] {
        assert_eq!(redactor.text(text), text);
        let kept = redactor.keep(text.as_bytes(), 0);
        assert_eq!((kept.text.as_str(), kept.cut), (text, false));
    }
}

#[test]
fn members_that_are_called_a_secret_are_one() {
    let masked = Redactor::default().text(
        r#"{"password": "hunter2", "Client-Secret":"a","arguments":"{\"api_key\":\"b\"}","token":"Hello"}"#,
    );
    assert_eq!(
        masked,
        r#"{"password": "[redacted:password]", "Client-Secret":"[redacted:password]","arguments":"{\"api_key\":\"[redacted:password]\"}","token":"Hello"}"#
    );
}

#[test]
fn escapes_hide_nothing() {
    let redactor = Redactor::default();
    for text in [
        r#"{"t":"\u0073k-proj-Zk3vT9qLw2Xy7Rb5Nf8H"}"#,
        r#"{"t":"a\nsk-proj-Zk3vT9qLw2Xy7Rb5Nf8H"}"#,
        r#"{"t":"{\"u\":\"a\\nsk-proj-Zk3vT9qLw2Xy7Rb5Nf8H"}"#,
        r#"{"t":"a\nsk-proj-Zk3vT9qLw2Xy7Rb5Nf8H"#,
    ] {
        let masked = redactor.text(text);
        assert!(!masked.contains("Zk3vT9"), "{masked}");
    }
}

#[test]
fn media_are_told_and_not_kept() {
    let data = "QUJD".repeat(200);
    for text in [
        json!({"source": {"type": "base64", "media_type": "image/png", "data": data}}),
        json!({"image_url": {"url": format!("data:image/png;base64,{data}")}}),
        json!({"content": format!("see data:image/png;base64,{data} and answer")}),
    ] {
        let kept = Redactor::default().keep(text.to_string().as_bytes(), 0);
        assert!(!kept.text.contains("QUJDQUJD"), "{}", kept.text);
        assert!(kept.text.contains(" 600 bytes sha256:"), "{}", kept.text);
        assert!(serde_json::from_str::<Value>(&kept.text).is_ok() && !kept.cut);
    }
    let form = Redactor::default().keep(b"--b\r\n\xff\xfe\x00", 0);
    assert!(
        form.text
            .starts_with("[media:application/octet-stream 8 bytes"),
        "{}",
        form.text
    );
}

/// What was captured may end within a secret.
#[test]
fn of_what_goes_on_elsewhere_the_end_is_not_kept() {
    for secret in SECRETS {
        for end in 1..secret.len() {
            let Some(begun) = secret.get(..end) else {
                continue;
            };
            let text = format!("{} {begun}", "word ".repeat(200));
            let kept = Redactor::default().keep(text.as_bytes(), 7);
            assert_eq!(remains(secret, &kept.text), None, "{begun}");
            assert_eq!((kept.bytes, kept.cut), (text.len() + 7, true));
        }
    }
}

#[test]
fn of_a_long_body_the_beginning_is_kept_and_all_is_counted() {
    let text = json!({"messages": ["é".repeat(KEPT)]}).to_string();
    let kept = Redactor::default().keep(text.as_bytes(), 0);
    assert!(kept.cut && kept.text.len() <= KEPT && kept.text.len() > KEPT - 4);
    assert_eq!(kept.bytes, text.len());
    // Marks are shorter than what they stand for: what was not looked at is cut off all the same.
    let keys = "sk-proj-Zk3vT9qLw2Xy7Rb5Nf8H ".repeat(KEPT / 10);
    let kept = Redactor::default().keep(json!([keys, 1]).to_string().as_bytes(), 0);
    assert!(kept.cut && !kept.text.contains("Zk3v"));
}
