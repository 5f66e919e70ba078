//! Which credential goes with an attempt.

use fairlead_route::{CredentialChoice, ProviderIndex};
use fairlead_snapshot::{Credential, Provider};

use crate::world::{World, credential, provider_of_anything};

/// How often each choice is made in `requests` requests for `model`.
fn chosen(
    credentials: Vec<Credential>,
    model: &str,
    requests: usize,
) -> Vec<(CredentialChoice, usize)> {
    let table = World::new()
        .provider(
            "gateway/p",
            Provider {
                credentials,
                ..provider_of_anything()
            },
        )
        .table();
    let mut counts: Vec<(CredentialChoice, usize)> = Vec::new();
    for _ in 0..requests {
        let choice = table.credential(ProviderIndex(0), model, None, |_| true);
        match counts.iter_mut().find(|(each, _)| *each == choice) {
            Some((_, count)) => *count += 1,
            None => counts.push((choice, 1)),
        }
    }
    counts
}

#[test]
fn a_provider_without_credentials_needs_none() {
    assert_eq!(
        chosen(Vec::new(), "m", 1),
        [(CredentialChoice::NotNeeded, 1)]
    );
}

#[test]
fn credentials_are_chosen_by_weight_and_never_at_0() {
    let counts = chosen(
        vec![
            credential("a", 7, &[]),
            credential("off", 0, &[]),
            credential("b", 3, &[]),
        ],
        "m",
        200,
    );
    assert_eq!(counts.len(), 2, "{counts:?}");
    assert_eq!(counts[0].0, CredentialChoice::Use(0));
    assert!((138..=142).contains(&counts[0].1), "{counts:?}");
}

#[test]
fn a_credential_whose_secret_is_missing_is_not_chosen() {
    let missing = Credential {
        value: None,
        ..credential("a", 1_000, &[])
    };
    assert_eq!(
        chosen(vec![missing.clone(), credential("b", 1, &[])], "m", 50),
        [(CredentialChoice::Use(1), 50)]
    );
    assert_eq!(
        chosen(vec![missing], "m", 1),
        [(CredentialChoice::NoneUsable, 1)]
    );
}

#[test]
fn a_credential_serves_only_its_models() {
    let credentials = vec![
        credential("mini", 1, &["gpt-4o-mini"]),
        credential("gpt", 1, &["gpt-*"]),
    ];
    assert_eq!(
        chosen(credentials.clone(), "gpt-4o", 10),
        [(CredentialChoice::Use(1), 10)]
    );
    assert_eq!(chosen(credentials.clone(), "gpt-4o-mini", 10).len(), 2);
    assert_eq!(
        chosen(credentials, "o1", 1),
        [(CredentialChoice::NoneUsable, 1)]
    );
}

#[test]
fn a_provider_that_is_not_there_has_no_usable_credential() {
    assert_eq!(
        World::new()
            .table()
            .credential(ProviderIndex(3), "m", None, |_| true),
        CredentialChoice::NoneUsable
    );
}

#[test]
fn a_conversation_keeps_its_credential_as_long_as_that_is_ready() {
    let credentials = vec![credential("a", 1, &[]), credential("b", 1, &[])];
    let table = World::new()
        .provider(
            "gateway/p",
            Provider {
                credentials,
                ..provider_of_anything()
            },
        )
        .table();
    let of = |conversation, ready: &dyn Fn(usize) -> bool| {
        let choice = table.credential(ProviderIndex(0), "m", Some(conversation), ready);
        let CredentialChoice::Use(position) = choice else {
            panic!("{choice:?}")
        };
        position
    };
    let mut counts = [0_u32; 2];
    for conversation in 0..1_000 {
        let own = of(conversation, &|_| true);
        counts[own] += 1;
        assert_eq!(of(conversation, &|_| true), own);
        assert_eq!(of(conversation, &|position| position != own), 1 - own);
    }
    assert!(counts.iter().all(|count| *count > 400), "{counts:?}");
}
