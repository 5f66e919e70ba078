//! What is printed holds no secret, wherever one goes.

use fairlead_auth::configure::aws::{Settings, from_environment, from_secret};
use fairlead_auth::{Keeper, Source};
use serde_json::json;

use crate::script::{Server, json_answer, of, secret, token};

/// One of each kind that holds a secret.
fn sources() -> Vec<Source> {
    let keys = [
        ("accessKeyId", "AKIDEXAMPLE"),
        ("secretAccessKey", "hush-key"),
        ("sessionToken", "hush-session"),
    ];
    let agent = [
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1/"),
        ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "hush-agent"),
    ];
    vec![
        crate::entra::application(),
        crate::google::account(),
        from_secret(&secret(&keys), &Settings::default()).unwrap(),
        from_environment(&of(&agent), &Settings::default()).unwrap(),
    ]
}

fn assert_clean(printed: &str) {
    let key = crate::google::pem();
    let key_line = key.lines().nth(1).unwrap();
    for secret in ["hush", "BEGIN", "eyJ", key_line] {
        assert!(!printed.contains(secret), "{secret} is in {printed}");
    }
}

#[tokio::test(start_paused = true)]
async fn sources_requests_answers_tokens_and_keepers_print_no_secret() {
    for source in sources() {
        assert_clean(&format!("{source:?} {source:#?}"));
        let server = Server::new(|_, _| token("hush-token", 3600));
        if let Ok(token) = server.fetch(&source).await {
            assert_clean(&format!("{token:?} {token:#?}"));
        }
        for number in 0..server.asked() {
            assert_clean(&format!("{:?}", server.request(number)));
        }
        let (keeper, refresher) = Keeper::new("a", source, server.world());
        assert_clean(&format!("{keeper:?} {refresher:?} {:?}", server.world()));
    }
    assert_clean(&format!("{:?}", token("hush-token", 1)));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_repeats_what_it_was_sent_is_not_repeated() {
    for source in sources() {
        let server = Server::new(|_, request| {
            let mut said = String::from_utf8_lossy(&request.body).into_owned();
            for (_, value) in &request.headers {
                said.push(' ');
                said.push_str(value.expose());
            }
            json_answer(
                400,
                &json!({"error": "bad", "error_description": said, "message": said}),
            )
        });
        if let Err(problem) = server.fetch(&source).await {
            assert_clean(&format!("{problem} {problem:?}"));
        }
    }
}
