//! Faults that come and go: a provider that fails every second request.

use fairlead_faults::{Dialect, Fault, Play, Provider};

use crate::cases::stage::provider;
use crate::cases::surface::Surface;
use crate::harness::serve;
use crate::harness::yaml::{caller, chain};

#[tokio::test]
async fn a_flapping_provider_is_never_noticed() {
    for dialect in Dialect::all() {
        let [surface, _] = Surface::of(dialect);
        for (name, class) in [("flapping", "server_error"), ("flapping-by-reset", "reset")] {
            let fault = Fault::named(name).unwrap();
            let (a, spare) = (
                Provider::start(|seen| fault.play(seen)).await,
                Provider::always(Play::chat("Spare.")).await,
            );
            let gateway = serve([
                provider(dialect, "a", &a.base_url(), "retries: {maxRetries: 0}"),
                provider(dialect, "spare", &spare.base_url(), ""),
                chain("chat", &["a", "spare"], ""),
                caller(),
            ])
            .await;
            for nth in 0..20 {
                let answer = surface.ask(&gateway, "chat", nth % 4 >= 2, "Hi.").await;
                let expected = if nth % 2 == 0 {
                    format!("a={class}, spare=ok")
                } else {
                    "a=ok".to_owned()
                };
                assert_eq!(
                    (answer.status, answer.attempts()),
                    (200, expected.as_str()),
                    "{dialect:?} {name}, request {nth}: {}",
                    answer.text()
                );
            }
            assert_eq!((a.requests(), spare.requests()), (20, 10));
        }
    }
}
