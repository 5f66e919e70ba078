use std::collections::BTreeMap;

use fairlead_snapshot::{Allow, Limits};
use serde_json::json;

use super::*;

const CLUSTER: &str = "https://kubernetes.default.svc";
const LOGIN: &str = "https://login.example";

fn key(issuer: &str, claims: &[(&str, &str)]) -> Key {
    let claims = claims
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Key {
        previous: None,
        digest: None,
        oidc: Some(Oidc {
            issuer: Issuer {
                name: issuer.to_owned(),
                jwks_url: None,
                private_network: false,
            },
            audiences: vec!["fairlead".to_owned()],
            claims: claims.collect::<BTreeMap<_, _>>(),
            created: None,
        }),
        networks: Vec::new(),
        refused: None,
        expires_at: None,
        team: None,
        organization: None,
        allow: Allow::default(),
        limits: Limits::default(),
    }
}

fn with(mut key: Key, change: impl FnOnce(&mut Oidc)) -> Key {
    key.oidc.as_mut().map(change);
    key
}

fn created(key: Key, at: i64) -> Key {
    with(key, |oidc| oidc.created = Some(at))
}

fn audience(key: Key, audience: &str) -> Key {
    with(key, |oidc| oidc.audiences.push(audience.to_owned()))
}

fn keys_at(key: Key, url: &str) -> Key {
    with(key, |oidc| oidc.issuer.jwks_url = Some(url.to_owned()))
}

/// The tokens of these keys, in a gateway of the namespace `gateway`.
fn tokens(keys: &[(&str, &str, Key)]) -> Tokens<()> {
    let named = keys
        .iter()
        .map(|(namespace, name, key)| (ObjectName::new(*namespace, *name), key, ()));
    Tokens::build("gateway", named)
}

/// A token of a service account of `namespace`.
fn of_account(namespace: &str, name: &str) -> Value {
    json!({
        "iss": CLUSTER,
        "aud": ["fairlead"],
        "sub": format!("system:serviceaccount:{namespace}:{name}"),
        "kubernetes.io": {"namespace": namespace, "serviceaccount": {"name": name}},
    })
}

/// Which key takes a token, and where the keys are had from that have to have signed it.
fn taker(tokens: &Tokens<()>, claims: &Value) -> (Result<String, Missed>, Option<String>) {
    match tokens.find(claims["iss"].as_str().unwrap(), claims) {
        Ok(found) => (
            found.taker.map(|taker| taker.held.name().to_string()),
            found.issuer.jwks_url.clone(),
        ),
        Err(missed) => (Err(missed), None),
    }
}

fn took(tokens: &Tokens<()>, claims: &Value) -> String {
    taker(tokens, claims).0.unwrap()
}

fn missed(tokens: &Tokens<()>, claims: &Value) -> Missed {
    taker(tokens, claims).0.unwrap_err()
}

const ACCOUNT: (&str, &str) = ("/kubernetes.io/serviceaccount/name", "app");

#[test]
fn claims_are_named_at_the_top_and_by_pointers() {
    let claims = json!({
        "sub": "a", "age": 7, "ok": true, "groups": ["x", "y", 1], "deep": {"a/b": {"c.d": "e"}}, "none": null,
    });
    for (name, value) in [
        ("sub", "a"),
        ("/sub", "a"),
        ("age", "7"),
        ("ok", "true"),
        ("groups", "y"),
        ("groups", "1"),
        ("/groups/0", "x"),
        ("/deep/a~1b/c.d", "e"),
    ] {
        assert!(says(&claims, name, value), "{name} {value}");
    }
    for (name, value) in [
        ("sub", "A"),
        ("sub", ""),
        ("sub", "a "),
        ("none", "null"),
        ("deep", "e"),
        ("groups", "z"),
        ("missing", "a"),
        ("/groups/1", "x"),
        ("deep.a/b", "e"),
    ] {
        assert!(!says(&claims, name, value), "{name} {value}");
    }
}

#[test]
fn a_key_takes_tokens_for_one_of_its_audiences() {
    let tokens = tokens(&[("gateway", "k", audience(key(LOGIN, &[]), "other"))]);
    for aud in [json!("fairlead"), json!(["x", "other"])] {
        assert_eq!(
            took(&tokens, &json!({"iss": LOGIN, "aud": aud})),
            "gateway/k"
        );
    }
    for aud in [
        json!("fairlea"),
        json!([]),
        json!(null),
        json!([["fairlead"]]),
        json!({"fairlead": 1}),
    ] {
        assert_eq!(
            missed(&tokens, &json!({"iss": LOGIN, "aud": aud})),
            Missed::Audience
        );
    }
    assert_eq!(
        missed(
            &tokens,
            &json!({"iss": "https://login.example/", "aud": "fairlead"})
        ),
        Missed::Issuer
    );
}

#[test]
fn of_the_keys_of_a_namespace_the_one_that_says_most_goes_first_then_the_older() {
    let all = [
        ("gateway", "any", created(key(LOGIN, &[]), 1)),
        ("gateway", "young", created(key(LOGIN, &[("team", "x")]), 9)),
        ("gateway", "old", created(key(LOGIN, &[("role", "y")]), 3)),
        (
            "gateway",
            "ageless",
            key(LOGIN, &[("role", "y"), ("z", "z")]),
        ),
    ];
    let tokens = tokens(&all);
    let said = |claims: Value| {
        let mut all = json!({"iss": LOGIN, "aud": "fairlead"});
        all.as_object_mut()
            .unwrap()
            .extend(claims.as_object().unwrap().clone());
        took(&tokens, &all)
    };
    assert_eq!(said(json!({})), "gateway/any");
    assert_eq!(said(json!({"team": "x"})), "gateway/young");
    assert_eq!(said(json!({"team": "x", "role": "y"})), "gateway/old");
    assert_eq!(
        said(json!({"team": "x", "role": "y", "z": "z"})),
        "gateway/ageless"
    );
}

#[test]
fn a_key_that_is_refused_still_takes_its_tokens_but_not_one_in_conflict() {
    let mut narrow = key(CLUSTER, &[ACCOUNT]);
    narrow.refused = Some(Refusal::Suspended);
    let mut double = key(
        CLUSTER,
        &[ACCOUNT, ("sub", "system:serviceaccount:shop:app")],
    );
    double.refused = Some(Refusal::Conflict);
    let tokens = tokens(&[
        ("shop", "double", double),
        ("shop", "narrow", narrow),
        ("shop", "wide", key(CLUSTER, &[])),
    ]);
    let claims = of_account("shop", "app");
    let found = tokens.find(CLUSTER, &claims).unwrap();
    assert_eq!(
        found.taker.unwrap().admit(0, || None).unwrap_err(),
        Refused::Suspended
    );
    assert_eq!(took(&tokens, &of_account("shop", "other")), "shop/wide");
}

// What a tenant may try: `evil` writes what it likes, and has tokens of its own service accounts.

#[test]
fn a_tenant_cannot_take_anothers_callers_with_the_same_words_nor_with_more_nor_by_age() {
    let victim = || ("shop", "app", created(key(CLUSTER, &[ACCOUNT]), 50));
    let same = key(CLUSTER, &[ACCOUNT]);
    let more = key(
        CLUSTER,
        &[
            ACCOUNT,
            ("/kubernetes.io/namespace", "shop"),
            ("sub", "system:serviceaccount:shop:app"),
        ],
    );
    for attack in [
        same.clone(),
        created(same, 1),
        more.clone(),
        created(more, 1),
        key(CLUSTER, &[]),
    ] {
        let tokens = tokens(&[victim(), ("evil", "app", attack)]);
        assert_eq!(took(&tokens, &of_account("shop", "app")), "shop/app");
    }
}

#[test]
fn a_tenant_that_is_there_first_takes_nobody_who_has_no_key_yet() {
    let squatter = key(CLUSTER, &[("sub", "system:serviceaccount:shop:app")]);
    let all = tokens(&[("evil", "app", created(squatter, 1))]);
    assert_eq!(missed(&all, &of_account("shop", "app")), Missed::Claims);
    // Nor those of a login that all tenants use.
    let squatter = key(LOGIN, &[("sub", "alice")]);
    let all = tokens(&[("evil", "alice", squatter)]);
    assert_eq!(
        missed(
            &all,
            &json!({"iss": LOGIN, "aud": "fairlead", "sub": "alice"})
        ),
        Missed::Claims
    );
}

#[test]
fn keys_from_a_place_of_the_tenants_own_vouch_for_its_own_keys_alone() {
    let evil = "https://evil.example/keys";
    let all = tokens(&[
        ("shop", "app", key(CLUSTER, &[ACCOUNT])),
        ("evil", "app", keys_at(key(CLUSTER, &[]), evil)),
    ]);
    // What is made up in the name of the victim's callers is verified with the victim's issuer's keys.
    assert_eq!(
        taker(&all, &of_account("shop", "app")),
        (Ok("shop/app".to_owned()), None)
    );
    // In its own name it gets its own key.
    let own = taker(&all, &of_account("evil", "app"));
    assert_eq!(own, (Ok("evil/app".to_owned()), Some(evil.to_owned())));
}

#[test]
fn a_tenant_cannot_pass_for_a_caller_of_the_platform() {
    let evil = "https://evil.example/keys";
    let all = tokens(&[
        ("gateway", "ops", key(LOGIN, &[("role", "ops")])),
        ("evil", "x", keys_at(key(LOGIN, &[]), evil)),
    ]);
    for claims in [
        json!({"iss": LOGIN, "aud": "fairlead", "role": "ops"}),
        json!({"iss": LOGIN, "aud": ["fairlead", "fairlead:gateway"], "role": "ops"}),
        json!({"iss": LOGIN, "aud": ["fairlead", "fairlead:evil"], "role": "ops"}),
        json!({"iss": LOGIN, "aud": "fairlead", "role": "ops", "kubernetes.io": {"namespace": "evil"}}),
    ] {
        let (key, place) = taker(&all, &claims);
        assert_eq!(
            (key.as_deref(), place),
            (Ok("gateway/ops"), None),
            "{claims}"
        );
    }
}

#[test]
fn made_up_tokens_learn_nothing_of_what_others_take() {
    let evil = "https://evil.example/keys";
    let all = tokens(&[
        ("shop", "app", key(CLUSTER, &[ACCOUNT])),
        ("evil", "app", keys_at(key(CLUSTER, &[]), evil)),
        (
            "evil",
            "own",
            keys_at(key("https://only.example", &[]), evil),
        ),
    ]);
    // Whatever is guessed of shop, and whether it has a key or not (bank has none), the issuer itself has to vouch for it first.
    for guess in [
        of_account("shop", "app"),
        of_account("shop", "other"),
        of_account("bank", "app"),
        json!({"iss": CLUSTER}),
    ] {
        let (_, place) = taker(&all, &guess);
        assert_eq!(place, None, "{guess}");
        assert!(all.find(CLUSTER, &guess).is_ok(), "{guess}");
    }
    // Where only another tenant's word could be had, nobody's is.
    let guess = json!({"iss": "https://only.example", "aud": "fairlead", "kubernetes.io": {"namespace": "shop"}});
    assert_eq!(missed(&all, &guess), Missed::Witness);
}

#[test]
fn an_audience_names_the_namespace_where_the_key_lists_it() {
    let all = tokens(&[
        ("shop", "plain", key(LOGIN, &[])),
        (
            "shop",
            "remote",
            audience(key(LOGIN, &[("role", "batch")]), "fairlead:shop"),
        ),
        // Whatever it lists: it is not of the namespace.
        ("evil", "remote", audience(key(LOGIN, &[]), "fairlead:shop")),
    ]);
    let mut claims = json!({"iss": LOGIN, "aud": ["fairlead"], "role": "batch"});
    assert_eq!(missed(&all, &claims), Missed::Claims);
    claims["aud"] = json!(["fairlead", "fairlead:shop"]);
    assert_eq!(took(&all, &claims), "shop/remote");
    // The plain key takes none, for it does not list the audience.
    claims["role"] = json!("other");
    assert_eq!(missed(&all, &claims), Missed::Claims);
}

/// Whoever asks Kubernetes for a token chooses its audiences, and everybody may name a service account of theirs as another's is named.
#[test]
fn an_audience_makes_no_service_account_another_namespaces() {
    let mut own = of_account("evil", "app");
    own["aud"] = json!(["fairlead", "fairlead:shop"]);
    let lists = audience(key(CLUSTER, &[ACCOUNT]), "fairlead:shop");
    for victim in [key(CLUSTER, &[ACCOUNT]), lists] {
        let all = tokens(&[("shop", "app", victim.clone())]);
        assert!(
            all.find(CLUSTER, &own).unwrap().taker.is_err(),
            "{victim:?}"
        );
        assert_eq!(took(&all, &of_account("shop", "app")), "shop/app");
    }
    // Of another cluster it may be said which account is meant.
    let whose = ("sub", "system:serviceaccount:jobs:nightly");
    let remote = audience(key(CLUSTER, &[whose]), "fairlead:shop");
    let all = tokens(&[("shop", "remote", remote)]);
    assert!(all.find(CLUSTER, &own).unwrap().taker.is_err());
    let mut nightly = of_account("jobs", "nightly");
    nightly["aud"] = json!("fairlead:shop");
    assert_eq!(took(&all, &nightly), "shop/remote");
}

#[test]
fn what_a_stranger_writes_is_looked_at_as_far_as_anybody_needs() {
    let all = tokens(&[("gateway", "k", key(LOGIN, &[("groups", "yes")]))]);
    let token = |audiences: usize, groups: usize| {
        let mut aud = vec!["other"; audiences];
        aud.push("fairlead");
        let mut named = vec!["no"; groups];
        named.push("yes");
        json!({"iss": LOGIN, "aud": aud, "groups": named})
    };
    assert_eq!(took(&all, &token(AUDIENCES - 1, ENTRIES - 1)), "gateway/k");
    assert_eq!(missed(&all, &token(AUDIENCES, 0)), Missed::Audience);
    assert_eq!(missed(&all, &token(0, ENTRIES)), Missed::Claims);
}

#[test]
fn the_platform_goes_first_for_it_says_what_holds_for_whom() {
    let all = tokens(&[
        (
            "gateway",
            "shop",
            key(CLUSTER, &[("/kubernetes.io/namespace", "shop")]),
        ),
        (
            "shop",
            "escape",
            key(CLUSTER, &[ACCOUNT, ("/kubernetes.io/namespace", "shop")]),
        ),
        ("bank", "app", key(CLUSTER, &[ACCOUNT])),
    ]);
    assert_eq!(took(&all, &of_account("shop", "app")), "gateway/shop");
    assert_eq!(took(&all, &of_account("bank", "app")), "bank/app");
}

#[test]
fn each_issuer_is_named_with_the_place_of_its_keys() {
    let all = tokens(&[
        ("a", "one", key(LOGIN, &[])),
        (
            "b",
            "two",
            keys_at(key(LOGIN, &[]), "https://b.example/keys"),
        ),
    ]);
    let mut places: Vec<_> = all
        .issuers()
        .map(|issuer| issuer.jwks_url.clone())
        .collect();
    places.sort();
    assert_eq!(places, [None, Some("https://b.example/keys".to_owned())]);
    assert_eq!((all.len(), all.is_empty()), (2, false));
}
