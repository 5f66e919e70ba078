//! Credentials that the first of their Secrets has no room for.

use fairlead_faults::{Play, Provider};
use fairlead_snapshot::CREDENTIAL_PARTS;
use serde_json::Map;

use super::operator::{Draft, Operator};
use super::{documents, error, in_force, running, with_credential};
use crate::harness::whole;

/// Publishes all but the credentials.
fn write(operator: &mut Operator, draft: &Draft) {
    operator.write_shards(&draft.shards);
    operator.write_index(&draft.index);
}

#[tokio::test]
async fn a_credential_is_found_in_whichever_of_its_secrets_it_stands() {
    let a = Provider::always(Play::chat("Hello.")).await;
    let mut operator = Operator::with(&documents(&a, &["chat"])).await;
    let gateway = running(&operator).await;
    for part in 1..CREDENTIAL_PARTS {
        let value = format!("sk-of-the-part-{part}-0123456789abcdef");
        let draft = operator.draft(&with_credential(&a, &["chat"], &value));
        operator.write_part(part, &draft.secret);
        write(&mut operator, &draft);
        in_force(&gateway, draft.index.generation).await;
        assert_eq!(gateway.ask(&whole("chat")).await.status, 200);
        let bearer = format!("Bearer {value}");
        let last = a.seen().pop().unwrap();
        assert_eq!(last.header("authorization"), Some(bearer.as_str()));
    }
}

#[tokio::test]
async fn a_gateway_that_starts_finds_all_credentials_although_the_first_secret_is_missing() {
    let a = Provider::always(Play::chat("Hello.")).await;
    let mut operator = Operator::new().await;
    let draft = operator.draft(&documents(&a, &["chat"]));
    operator.write_part(CREDENTIAL_PARTS - 1, &draft.secret);
    write(&mut operator, &draft);
    let gateway = running(&operator).await;
    assert_eq!(gateway.ask(&whole("chat")).await.status, 200);
}

#[tokio::test]
async fn a_credential_that_stands_in_none_of_its_secrets_keeps_what_is_in_force_until_it_does() {
    let a = Provider::always(Play::chat("Hello.")).await;
    let mut operator = Operator::with(&documents(&a, &["chat"])).await;
    let gateway = running(&operator).await;
    let draft = operator.draft(&with_credential(&a, &["chat"], "sk-late-0123456789abcdef"));
    operator.write_part(2, &Map::new());
    write(&mut operator, &draft);
    let config = error(&gateway, "is not in the credentials Secret").await;
    assert_eq!(config["generation"], 1);
    assert_eq!(gateway.ask(&whole("chat")).await.status, 200);
    operator.write_part(5, &draft.secret);
    in_force(&gateway, draft.index.generation).await;
}
