use serde_json::json;

use super::*;

fn part(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

fn token(header: &Value, claims: &Value) -> String {
    format!("{}.{}.c2ln", part(header), part(claims))
}

fn read(header: &Value, claims: &Value) -> Result<Jwt, BadToken> {
    Jwt::read(token(header, claims).as_bytes())
}

fn fault(header: &Value, claims: &Value) -> BadToken {
    read(header, claims).unwrap_err()
}

#[test]
fn a_token_looks_otherwise_than_a_key() {
    let plain = token(&json!({"alg": "ES256"}), &json!({}));
    assert!(Jwt::is_one(plain.as_bytes()));
    for key in [
        "sk-0123.4567.89",
        "eyJhbGciOiJFUzI1NiJ9",
        "eyJh.b",
        "eyJh.b.c.d",
        "",
    ] {
        assert!(!Jwt::is_one(key.as_bytes()), "{key}");
    }
}

#[test]
fn only_signatures_with_a_public_key_are_taken() {
    let claims = json!({"iss": "https://a"});
    for good in [
        "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA",
    ] {
        assert!(read(&json!({"alg": good}), &claims).is_ok(), "{good}");
    }
    for bad in [
        "none", "None", "", "HS256", "HS384", "HS512", "rs256", "ES256K", "ES512", "RS1", "dir",
    ] {
        assert_eq!(
            fault(&json!({"alg": bad}), &claims),
            BadToken::Algorithm,
            "{bad}"
        );
    }
    assert_eq!(fault(&json!({"kid": "a"}), &claims), BadToken::Unreadable);
}

#[test]
fn what_is_critical_and_not_understood_is_refused() {
    let header = json!({"alg": "ES256", "crit": ["b64"], "b64": false});
    assert_eq!(
        fault(&header, &json!({"iss": "https://a"})),
        BadToken::Critical
    );
}

#[test]
fn what_cannot_be_read_is_no_token() {
    let good = token(&json!({"alg": "ES256"}), &json!({"iss": "https://a"}));
    for bad in [
        "eyJ..".to_owned(),
        "a.b".to_owned(),
        format!("{good}.x"),
        format!("{good}="),
        good.replace('.', ".*"),
        token(&json!([]), &json!({"iss": "https://a"})),
        token(&json!({"alg": "ES256"}), &json!(["iss"])),
    ] {
        assert_eq!(
            Jwt::read(bad.as_bytes()).unwrap_err(),
            BadToken::Unreadable,
            "{bad}"
        );
    }
    assert_eq!(Jwt::read(b"eyJ\xff.a.b").unwrap_err(), BadToken::Unreadable);
    assert_eq!(
        fault(&json!({"alg": "ES256"}), &json!({"iss": ["https://a"]})),
        BadToken::NoIssuer
    );
}

#[test]
fn a_token_has_8_kib_at_most() {
    let long = |length: usize| {
        let mut text = token(&json!({"alg": "ES256"}), &json!({"iss": "https://a"}));
        text.push_str(&"A".repeat(length - text.len()));
        Jwt::read(text.as_bytes()).map(|_| ())
    };
    assert_eq!(long(TOKEN_BYTES + 1), Err(BadToken::TooLong));
    assert_ne!(long(TOKEN_BYTES), Err(BadToken::TooLong));
}

#[test]
fn a_token_is_good_in_its_time_and_half_a_minute_around_it() {
    let at = |claims: Value, now: i64| {
        let mut claims = claims;
        claims["iss"] = json!("https://a");
        read(&json!({"alg": "ES256"}), &claims)
            .unwrap()
            .good_until(now)
    };
    let until = |exp: Value, now| at(json!({"exp": exp}), now);
    assert_eq!(until(json!(1000), 1000), Ok(1030));
    assert_eq!(until(json!(1000), 1029), Ok(1030));
    assert_eq!(until(json!(1000), 1030), Err(BadToken::Expired));
    assert_eq!(until(json!(1000.9), 1029), Ok(1030));
    assert_eq!(until(json!(i64::MAX), 1000), Ok(i64::MAX));
    assert_eq!(until(json!(-5), 1000), Err(BadToken::Expired));
    for bad in [json!("1000"), json!(1e300), json!(u64::MAX), json!([1000])] {
        assert_eq!(until(bad.clone(), 0), Err(BadToken::Unreadable), "{bad}");
    }
    assert_eq!(at(json!({}), 0), Err(BadToken::NoExpiry));
    let from = |now| at(json!({"exp": 5000, "nbf": 1000}), now);
    assert_eq!(from(969), Err(BadToken::NotYet));
    assert_eq!(from(970), Ok(5030));
    assert_eq!(
        at(json!({"exp": 5000, "nbf": "soon"}), 0),
        Err(BadToken::Unreadable)
    );
}

#[test]
fn nothing_of_a_token_is_printed() {
    let token = read(
        &json!({"alg": "ES256"}),
        &json!({"iss": "https://a", "sub": "hush"}),
    )
    .unwrap();
    assert_eq!(format!("{token:?}"), "Jwt { .. }");
}
