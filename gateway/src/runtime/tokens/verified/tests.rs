use std::collections::BTreeMap;

use fairlead_admit::Tokens;
use fairlead_auth::{Http, Issuer, Request, SendError, Sending, SystemClock, World};
use fairlead_snapshot::{Allow, Key, Limits, ObjectName, Oidc};
use serde_json::json;

use super::*;

struct Nobody;

impl Http for Nobody {
    fn send(&self, _: Request) -> Sending<'_> {
        Box::pin(async { Err(SendError("nobody is there".to_owned())) })
    }
}

fn taker() -> Arc<Taker<()>> {
    let key = Key {
        previous: None,
        digest: None,
        oidc: Some(Oidc {
            issuer: fairlead_snapshot::Issuer {
                name: "https://a".to_owned(),
                jwks_url: None,
                private_network: false,
            },
            audiences: vec!["b".to_owned()],
            claims: BTreeMap::new(),
            created: None,
        }),
        networks: Vec::new(),
        refused: None,
        expires_at: None,
        team: None,
        organization: None,
        allow: Allow::default(),
        limits: Limits::default(),
    };
    let tokens = Tokens::build("ns", [(ObjectName::new("ns", "k"), &key, ())]);
    let found = tokens.find("https://a", &json!({"aud": "b"})).unwrap();
    Arc::clone(found.taker.unwrap())
}

fn digest(number: usize) -> [u8; 32] {
    let mut digest = [0; 32];
    digest[8..16].copy_from_slice(&number.to_be_bytes());
    digest
}

#[test]
fn as_many_tokens_are_remembered_as_there_is_room_for_and_those_in_use_longest() {
    let world = World {
        http: Arc::new(Nobody),
        clock: Arc::new(SystemClock),
        random: || 0,
    };
    let (issuer, _) = IssuerKeys::new(Issuer::new("https://a", None, false), world);
    let (issuer, taker) = (Arc::new(issuer), taker());
    let mut part = Part {
        young: HashMap::new(),
        old: HashMap::new(),
    };
    for number in 0..10 * TOKENS {
        let known = Known {
            taker: Arc::clone(&taker),
            issuer: Arc::clone(&issuer),
            version: 1,
            until: 1,
        };
        part.insert(digest(number), known);
        assert!(part.get(&digest(0)).is_some(), "{number}");
        assert!(part.young.len() + part.old.len() <= 2 * TOKENS);
    }
    assert!(part.get(&digest(10 * TOKENS - 1)).is_some());
    assert!(part.get(&digest(1)).is_none());
}
