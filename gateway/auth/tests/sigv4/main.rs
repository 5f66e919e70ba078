//! Signatures beside those of botocore, the AWS SDK for Python: `generate.py` wrote down what it signs, and how.

#![cfg(test)]

use std::collections::BTreeMap;
use std::time::{Duration, UNIX_EPOCH};

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fairlead_auth::sigv4::{Parts, Payload, Scope, sign};
use fairlead_auth::{AwsCredentials, Secret};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Case {
    name: String,
    method: String,
    host: String,
    path: String,
    query: String,
    headers: Vec<(String, String)>,
    body: String,
    unsigned: bool,
    region: String,
    service: String,
    time: u64,
    access_key: String,
    secret_key: String,
    session_token: Option<String>,
    signed: BTreeMap<String, String>,
}

impl Case {
    fn sign(&self, payload: Payload<'_>) -> BTreeMap<String, String> {
        let headers: Vec<_> = self
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        let parts = Parts {
            method: &self.method,
            host: &self.host,
            path: &self.path,
            query: &self.query,
            headers: &headers,
            payload,
        };
        let scope = Scope {
            region: &self.region,
            service: &self.service,
        };
        let time = UNIX_EPOCH + Duration::from_secs(self.time);
        let signed = sign(&parts, &self.credentials(), scope, time);
        let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        signed.headers().map(owned).collect()
    }

    fn credentials(&self) -> AwsCredentials {
        AwsCredentials {
            access_key: self.access_key.clone(),
            secret_key: Secret::new(self.secret_key.as_str()),
            session_token: self.session_token.as_deref().map(Secret::new),
        }
    }
}

fn cases() -> Vec<Case> {
    serde_json::from_str(include_str!("botocore.json")).unwrap()
}

#[test]
fn signs_what_botocore_signs_in_the_same_way() {
    let cases = cases();
    assert!(cases.len() >= 200, "{} cases", cases.len());
    let mut wrong = Vec::new();
    for case in &cases {
        let body = STANDARD.decode(&case.body).unwrap();
        let payload = if case.unsigned {
            Payload::Unsigned
        } else {
            Payload::Bytes(&body)
        };
        if case.sign(payload) != case.signed {
            wrong.push(&case.name);
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {}: {wrong:#?}",
        wrong.len(),
        cases.len()
    );
}

#[test]
fn a_digest_that_is_known_does_as_well_as_the_body() {
    for case in cases().iter().filter(|case| !case.unsigned) {
        let body = STANDARD.decode(&case.body).unwrap();
        let known = digest(&SHA256, &body).as_ref().try_into().unwrap();
        assert_eq!(
            case.sign(Payload::Sha256(known)),
            case.signed,
            "{}",
            case.name
        );
    }
}

#[test]
fn neither_keys_nor_signatures_are_printed() {
    let credentials = AwsCredentials {
        access_key: "AKIDEXAMPLE".to_owned(),
        secret_key: Secret::new("hush-secret-key"),
        session_token: Some(Secret::new("hush-session-token")),
    };
    let parts = Parts {
        method: "POST",
        host: "a.example",
        path: "/",
        query: "",
        headers: &[],
        payload: Payload::Unsigned,
    };
    let scope = Scope {
        region: "eu-west-1",
        service: "bedrock",
    };
    let signed = sign(&parts, &credentials, scope, UNIX_EPOCH);
    for printed in [format!("{credentials:?}"), format!("{signed:?}")] {
        assert!(!printed.contains("hush"), "{printed}");
        assert!(!printed.contains("Signature="), "{printed}");
    }
}
