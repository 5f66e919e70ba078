//! Keys for callers from some networks only.

use super::*;
use crate::harness::yaml::KEY;
use crate::peer::Peer;

fn serve(a: &Provider, proxies: &[&str]) -> World {
    let base = documents(a);
    let callers = [
        key("narrow", KEY, "networks: [10.1.0.0/16, \"2001:db8::/32\"]"),
        key("wide", OTHER, ""),
    ];
    let proxies: Vec<_> = proxies.iter().map(|text| text.parse().unwrap()).collect();
    World::serve_behind(&proxies, None, &[&base[..], &callers].concat())
}

/// Status and code for a key that is shown from an address, behind what proxies wrote.
async fn from(world: &World, key: &str, peer: &str, forwarded: &[&str]) -> (u16, String) {
    let mut request = Request::post("/v1/chat/completions")
        .header("authorization", format!("Bearer {key}"))
        .header("content-type", "application/json")
        .header("host", "gateway");
    for line in forwarded {
        request = request.header("x-forwarded-for", *line);
    }
    if let Ok(address) = peer.parse() {
        request = request.extension(Peer(address));
    }
    let body = Full::from(whole("chat").to_string());
    let answer = world.ask_request(request.body(body).unwrap()).await;
    let code = if answer.status == 200 {
        String::new()
    } else {
        answer.code()
    };
    (answer.status, code)
}

#[tokio::test(start_paused = true)]
async fn a_key_is_good_from_its_networks_alone() {
    let a = always(two_cents());
    let world = serve(&a, &[]);
    for inside in ["10.1.2.3", "::ffff:10.1.2.3", "2001:db8::7"] {
        assert_eq!(
            from(&world, KEY, inside, &[]).await,
            no(200, ""),
            "{inside}"
        );
    }
    let elsewhere = no(403, "network_not_allowed");
    for outside in ["10.2.0.1", "::1", "203.0.113.9", "nowhere"] {
        assert_eq!(
            from(&world, KEY, outside, &[]).await,
            elsewhere,
            "{outside}"
        );
        assert_eq!(
            from(&world, OTHER, outside, &[]).await,
            no(200, ""),
            "{outside}"
        );
    }
    // Whoever has no key learns nothing of networks.
    let unknown = from(&world, "sk-unknown", "203.0.113.9", &[]).await;
    assert_eq!(unknown, no(401, "invalid_key"));
    // A caller cannot say where it is.
    let lied = from(&world, KEY, "203.0.113.9", &["10.1.2.3"]).await;
    assert_eq!(lied, elsewhere);
}

#[tokio::test(start_paused = true)]
async fn behind_a_proxy_that_is_trusted_its_word_counts_and_no_other() {
    let a = always(two_cents());
    let world = serve(&a, &["192.0.2.0/24"]);
    let elsewhere = no(403, "network_not_allowed");
    for (forwarded, expected) in [
        (&["10.1.2.3"][..], no(200, "")),
        (&["203.0.113.9, 10.1.2.3"], no(200, "")),
        (&["203.0.113.9", "10.1.2.3, 192.0.2.99"], no(200, "")),
        // What the caller itself has written stands in front.
        (&["10.1.2.3, 203.0.113.9"], elsewhere.clone()),
        (&["unknown"], elsewhere.clone()),
        (&[], elsewhere.clone()),
    ] {
        assert_eq!(
            from(&world, KEY, "192.0.2.1", forwarded).await,
            expected,
            "{forwarded:?}"
        );
    }
    let lied = from(&world, KEY, "198.51.100.1", &["10.1.2.3"]).await;
    assert_eq!(lied, elsewhere);
}

#[tokio::test(start_paused = true)]
async fn lists_of_models_and_usage_are_for_callers_from_there_alone_too() {
    let a = always(two_cents());
    let world = serve(&a, &[]);
    for path in ["/v1/models", "/v1/usage"] {
        for (peer, status) in [("10.1.2.3", 200), ("10.2.0.1", 403)] {
            let request = Request::get(path)
                .header("authorization", format!("Bearer {KEY}"))
                .header("host", "gateway")
                .extension(Peer(peer.parse().unwrap()));
            let answer = world
                .ask_request(request.body(Full::default()).unwrap())
                .await;
            assert_eq!(answer.status, status, "{path} {peer}");
        }
    }
}
