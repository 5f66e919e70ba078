use super::*;
use crate::token::tests::{data, scene};

const SECRET: &str = "fairlead-default-store";

/// What the Secret holds after a look at it, where `next` would be the next password.
fn after(data: &mut Data, next: &str) -> (bool, String, Vec<String>) {
    let changed = complete(data, || Ok(next.to_owned())).unwrap();
    let password = String::from_utf8(data[PASSWORD].0.clone()).unwrap();
    (changed, password, hashes(&data[USERS]))
}

fn hash(password: &str) -> String {
    Digest::of_bytes(password.as_bytes()).to_string()
}

#[test]
fn valkey_is_told_the_sha_256_of_the_password_and_nothing_is_open_to_others() {
    let mut data = Data::new();
    assert_eq!(
        after(&mut data, "one"),
        (true, "one".to_owned(), vec![hash("one")])
    );
    assert_eq!(
        String::from_utf8(data[USERS].0.clone()).unwrap(),
        "user default off\n\
         user fairlead on #7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed \
         ~fairlead/* resetchannels +@all -@admin -@dangerous +info\n"
    );
    assert!(!after(&mut data, "two").0, "there is nothing to do");
}

#[test]
fn a_password_that_is_taken_out_is_followed_by_another_and_stays_good_until_the_next() {
    let mut data = Data::new();
    after(&mut data, "one");
    data.remove(PASSWORD);
    let both = vec![hash("two"), hash("one")];
    assert_eq!(after(&mut data, "two"), (true, "two".to_owned(), both));
    assert!(!after(&mut data, "no").0);
    data.insert(PASSWORD.to_owned(), ByteString::default());
    let both = vec![hash("three"), hash("two")];
    assert_eq!(after(&mut data, "three"), (true, "three".to_owned(), both));
}

#[test]
fn a_password_of_ones_own_is_taken_and_a_list_that_was_damaged_is_written_anew() {
    let mut data = Data::new();
    after(&mut data, "one");
    data.insert(PASSWORD.to_owned(), ByteString(b"ours".to_vec()));
    let both = vec![hash("ours"), hash("one")];
    assert_eq!(after(&mut data, "no"), (true, "ours".to_owned(), both));
    data.insert(USERS.to_owned(), ByteString(b"user default on".to_vec()));
    let (changed, _, known) = after(&mut data, "no");
    assert_eq!((changed, known), (true, vec![hash("ours")]));
}

#[tokio::test]
async fn a_password_is_made_once_and_again_when_its_secret_is_gone() {
    let (secrets, publisher) = scene().await;
    publisher.store_password().await.unwrap();
    let first = data(&secrets, SECRET, PASSWORD).unwrap();
    publisher.store_password().await.unwrap();
    assert_eq!(
        data(&secrets, SECRET, PASSWORD).as_deref(),
        Some(first.as_str())
    );
    secrets.lock().remove(SECRET);
    publisher.store_password().await.unwrap();
    assert_ne!(data(&secrets, SECRET, PASSWORD), Some(first));
}
