use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair,
    KeyPair as _, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256,
    RSA_PSS_SHA384, RSA_PSS_SHA512, RsaKeyPair,
};
use serde_json::json;

use super::*;

/// Whatever signs.
enum Pair {
    Rsa(RsaKeyPair),
    Ec(EcdsaKeyPair),
    Ed(Ed25519KeyPair),
}

fn encoded(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

impl Pair {
    fn rsa() -> Self {
        Self::Rsa(RsaKeyPair::generate(KeySize::Rsa2048).unwrap())
    }

    fn p256() -> Self {
        Self::Ec(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap())
    }

    fn p384() -> Self {
        Self::Ec(EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).unwrap())
    }

    fn ed() -> Self {
        Self::Ed(Ed25519KeyPair::generate().unwrap())
    }

    /// The public half, called `kid`.
    fn public(&self, kid: &str) -> Value {
        match self {
            // In DER: a sequence of two numbers, of 257 bytes with a zero in front, and of 3.
            Self::Rsa(pair) => {
                let der = pair.public_key().as_ref();
                json!({"kty": "RSA", "kid": kid, "n": encoded(&der[9..265]), "e": encoded(&der[267..])})
            }
            Self::Ec(pair) => {
                let point = &pair.public_key().as_ref()[1..];
                let (x, y) = point.split_at(point.len() / 2);
                let crv = if x.len() == 32 { "P-256" } else { "P-384" };
                json!({"kty": "EC", "kid": kid, "crv": crv, "x": encoded(x), "y": encoded(y)})
            }
            Self::Ed(pair) => {
                json!({"kty": "OKP", "kid": kid, "crv": "Ed25519", "x": encoded(pair.public_key().as_ref())})
            }
        }
    }

    fn signature(&self, algorithm: &str, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match self {
            Self::Rsa(pair) => {
                let padding: &dyn aws_lc_rs::signature::RsaEncoding = match algorithm {
                    "RS384" => &RSA_PKCS1_SHA384,
                    "RS512" => &RSA_PKCS1_SHA512,
                    "PS256" => &RSA_PSS_SHA256,
                    "PS384" => &RSA_PSS_SHA384,
                    "PS512" => &RSA_PSS_SHA512,
                    _ => &RSA_PKCS1_SHA256,
                };
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(padding, &random, message, &mut signature)
                    .unwrap();
                signature
            }
            Self::Ec(pair) => pair.sign(&random, message).unwrap().as_ref().to_vec(),
            Self::Ed(pair) => pair.sign(message).as_ref().to_vec(),
        }
    }

    fn token(&self, algorithm: &str, kid: Option<&str>) -> Jwt {
        let header = json!({"alg": algorithm, "kid": kid});
        let claims = json!({"iss": "https://a"});
        let signed = format!(
            "{}.{}",
            encoded(header.to_string().as_bytes()),
            encoded(claims.to_string().as_bytes())
        );
        let signature = encoded(&self.signature(algorithm, signed.as_bytes()));
        Jwt::read(format!("{signed}.{signature}").as_bytes()).unwrap()
    }
}

fn set(keys: &[Value]) -> KeySet {
    KeySet::parse(json!({ "keys": keys }).to_string().as_bytes()).unwrap()
}

const RSA: [&str; 6] = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"];

#[test]
fn a_signature_is_known_in_each_way_in_which_it_may_be_made() {
    let (rsa, p256, p384, ed) = (Pair::rsa(), Pair::p256(), Pair::p384(), Pair::ed());
    let keys = set(&[
        rsa.public("r"),
        p256.public("2"),
        p384.public("3"),
        ed.public("e"),
    ]);
    assert_eq!(keys.len(), 4);
    let others = [
        ("2", "ES256", &p256),
        ("3", "ES384", &p384),
        ("e", "EdDSA", &ed),
    ];
    let all = RSA.map(|algorithm| ("r", algorithm, &rsa));
    for (kid, algorithm, pair) in all.into_iter().chain(others) {
        let verified = keys.verify(&pair.token(algorithm, Some(kid)));
        assert_eq!(verified, Ok(()), "{algorithm}");
        // Where the token names no key, each that fits is tried.
        assert_eq!(
            keys.verify(&pair.token(algorithm, None)),
            Ok(()),
            "{algorithm}"
        );
    }
}

#[test]
fn a_key_is_used_in_no_other_way_than_its_own() {
    let (rsa, p256) = (Pair::rsa(), Pair::p256());
    let keys = set(&[rsa.public("r"), p256.public("2")]);
    // Signed rightly, by a key that is there under another name.
    assert_eq!(
        keys.verify(&p256.token("ES256", Some("r"))),
        Err(BadToken::Signature)
    );
    assert_eq!(
        keys.verify(&rsa.token("RS256", Some("2"))),
        Err(BadToken::Signature)
    );
    for algorithm in ["ES384", "EdDSA", "RS256", "PS256"] {
        assert_eq!(
            keys.verify(&p256.token(algorithm, Some("2"))),
            Err(BadToken::Signature),
            "{algorithm}"
        );
    }
    // The key says of itself how it may be used.
    let mut narrow = rsa.public("r");
    narrow["alg"] = json!("PS256");
    let keys = set(&[narrow]);
    assert_eq!(keys.verify(&rsa.token("PS256", Some("r"))), Ok(()));
    assert_eq!(
        keys.verify(&rsa.token("RS256", Some("r"))),
        Err(BadToken::Signature)
    );
}

#[test]
fn whoever_else_has_a_key_of_the_same_name_did_not_sign() {
    let (one, other) = (Pair::p256(), Pair::p256());
    let keys = set(&[one.public("k")]);
    assert_eq!(
        keys.verify(&other.token("ES256", Some("k"))),
        Err(BadToken::Signature)
    );
    assert_eq!(
        keys.verify(&other.token("ES256", None)),
        Err(BadToken::Signature)
    );
    assert_eq!(
        keys.verify(&one.token("ES256", Some("l"))),
        Err(BadToken::UnknownKey)
    );
}

#[test]
fn keys_that_are_for_something_else_or_not_understood_are_passed_over() {
    let pair = Pair::p256();
    let with = |name: &str, value: Value| {
        let mut key = pair.public("k");
        key[name] = value;
        key
    };
    for other in [
        with("use", json!("enc")),
        with("key_ops", json!(["sign", "deriveKey"])),
        with("alg", json!("ECDH-ES")),
        with("alg", json!("ES384")),
        with("alg", json!("RS256")),
        with("crv", json!("P-521")),
        with("crv", json!("P-384")),
        with("kty", json!("oct")),
        with("x", json!("AAAA")),
        with("x", json!("not base64!")),
        with("y", json!(null)),
        json!({"kty": "oct", "k": "c2VjcmV0"}),
        json!({"kty": "RSA", "n": "AQAB", "e": "AQAB"}),
        json!("text"),
        json!({}),
    ] {
        let keys = set(&[other.clone(), pair.public("good")]);
        assert_eq!(keys.len(), 1, "{other}");
        assert_eq!(
            keys.verify(&pair.token("ES256", Some("k"))),
            Err(BadToken::UnknownKey)
        );
        assert_eq!(keys.verify(&pair.token("ES256", Some("good"))), Ok(()));
    }
    for good in [
        with("use", json!("sig")),
        with("key_ops", json!(["verify"])),
        with("alg", json!("ES256")),
    ] {
        assert_eq!(
            set(std::slice::from_ref(&good)).verify(&pair.token("ES256", Some("k"))),
            Ok(()),
            "{good}"
        );
    }
}

#[test]
fn an_rsa_key_has_2048_to_4096_bits_and_zeros_in_front_do_not_count() {
    let key = |bytes: usize, e: &[u8]| json!({"kty": "RSA", "n": encoded(&vec![0xff; bytes]), "e": encoded(e)});
    for (bytes, e, known) in [
        (255, &[1, 0, 1][..], 0),
        (256, &[1, 0, 1], 1),
        (512, &[3], 1),
        (513, &[1, 0, 1], 0),
        (256, &[], 0),
        (256, &[0, 0, 0], 0),
        (256, &[1, 0, 0, 0, 1], 0),
    ] {
        assert_eq!(set(&[key(bytes, e)]).len(), known, "{bytes} {e:?}");
    }
    let pair = Pair::rsa();
    let mut padded = pair.public("r");
    let modulus = URL_SAFE_NO_PAD
        .decode(padded["n"].as_str().unwrap())
        .unwrap();
    padded["n"] = json!(encoded(&[vec![0, 0], modulus].concat()));
    assert_eq!(
        set(&[padded]).verify(&pair.token("RS256", Some("r"))),
        Ok(())
    );
}

#[test]
fn a_set_is_an_object_with_keys_of_which_no_more_than_64_count() {
    for text in ["", "[]", "{}", r#"{"keys": {}}"#, r#"{"keys": []} x"#] {
        assert_eq!(KeySet::parse(text.as_bytes()), None, "{text}");
    }
    assert!(set(&[]).is_empty());
    let pair = Pair::ed();
    let many: Vec<Value> = (0..100).map(|at| pair.public(&format!("k{at}"))).collect();
    assert_eq!(set(&many).len(), 64);
}
