//! Faults that come and go: a provider that fails every second request.

use fairlead_faults::{Fault, Play, Provider};

use crate::harness::yaml::{caller, chain, provider};
use crate::harness::{serve, streamed, whole};

#[tokio::test]
async fn a_flapping_provider_is_never_noticed() {
    for (name, class) in [("flapping", "server_error"), ("flapping-by-reset", "reset")] {
        let fault = Fault::named(name).unwrap();
        let (a, spare) = (
            Provider::start(|seen| fault.play(seen)).await,
            Provider::always(Play::chat("Spare.")).await,
        );
        let gateway = serve([
            provider("a", &a.base_url(), "retries: {maxRetries: 0}"),
            provider("spare", &spare.base_url(), ""),
            chain("chat", &["a", "spare"], ""),
            caller(),
        ])
        .await;
        for nth in 0..20 {
            let body = if nth % 4 < 2 {
                whole("chat")
            } else {
                streamed("chat")
            };
            let answer = gateway.ask(&body).await;
            let expected = if nth % 2 == 0 {
                format!("a={class}, spare=ok")
            } else {
                "a=ok".to_owned()
            };
            assert_eq!(
                (answer.status, answer.attempts()),
                (200, expected.as_str()),
                "{name}, request {nth}: {}",
                answer.text()
            );
        }
        assert_eq!((a.requests(), spare.requests()), (20, 10));
    }
}
