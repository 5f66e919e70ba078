//! A provider that is a pool: which of its servers is asked, and what becomes of requests when servers fail.

mod cache;
mod reported;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use fairlead_faults::{Play, Provider};
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::harness::yaml::{caller, chain, object, provider};
use crate::harness::{Answer, World, always, millis, seconds, settled, whole};

/// A provider whose servers are these; `more` are further fields.
pub(super) fn pool(servers: &[&Provider], more: &str) -> String {
    let addresses = servers.iter().map(|server| server.address().to_string());
    let addresses: Vec<String> = addresses.map(|address| format!("\"{address}\"")).collect();
    let more = if more.is_empty() {
        String::new()
    } else {
        format!(", {more}")
    };
    object(
        "LLMProvider",
        "pool",
        &format!(
            "type: VLLM, allowPrivateNetwork: true, endpoints: {{addresses: [{}]}}{more}",
            addresses.join(", ")
        ),
    )
}

/// A pool, a fallback, and a provider that has nothing to do with them.
struct Stage {
    world: World,
    fallback: Provider,
    other: Provider,
}

impl Stage {
    fn set(servers: &[&Provider], more: &str) -> Self {
        let (fallback, other) = (always(Play::chat("F.")), always(Play::chat("O.")));
        let world = World::serve(&Self::documents(servers, more, &fallback, &other));
        Self {
            world,
            fallback,
            other,
        }
    }

    fn documents(
        servers: &[&Provider],
        more: &str,
        fallback: &Provider,
        other: &Provider,
    ) -> [String; 7] {
        [
            pool(servers, more),
            provider("fallback", &fallback.base_url(), ""),
            provider("other", &other.base_url(), ""),
            caller(),
            chain("chat", &["pool", "fallback"], ""),
            chain("alone", &["pool"], ""),
            chain("other", &["other"], ""),
        ]
    }

    fn edit(&self, servers: &[&Provider]) {
        let documents = Self::documents(servers, "", &self.fallback, &self.other);
        self.world.edit(&documents);
    }

    /// Asks in as many conversations at once.
    async fn ask_at_once(&self, conversations: usize) -> Vec<Answer> {
        let asked = (0..conversations).map(|number| talk("chat", number, 1));
        join_all(asked.map(async |body| self.world.ask(&body).await)).await
    }

    fn servers(&self) -> Value {
        self.world.health("pool")["servers"].clone()
    }

    fn state(&self, server: &Provider) -> String {
        let state = &self.servers()[server.address().to_string()]["state"];
        state.as_str().unwrap_or_default().to_owned()
    }

    /// Nothing is known against the pool as a whole, nor against anybody beside it.
    fn nobody_else_is_blamed(&self) {
        for name in ["pool", "fallback", "other"] {
            let health = self.world.health(name);
            assert_eq!(health["connections"]["state"], "closed", "{name}");
            assert_eq!(health["connections"]["consecutiveFailures"], 0, "{name}");
            for model in health["models"].as_object().unwrap().values() {
                assert_eq!(model["state"], "closed", "{name}");
                assert_eq!(model["consecutiveFailures"], 0, "{name}");
                // What has failed at one server is not on its way for ever.
                for count in ["inFlight", "waiting"] {
                    assert_eq!(model[count].as_u64().unwrap_or(0), 0, "{name}: {count}");
                }
            }
        }
    }
}

/// A turn of a conversation.
fn talk(model: &str, conversation: usize, turn: usize) -> Value {
    let mut messages = vec![
        json!({"role": "system", "content": "Be kind."}),
        json!({"role": "user", "content": format!("Conversation {conversation}.")}),
    ];
    for turn in 1..turn {
        messages.push(json!({"role": "assistant", "content": format!("Answer {turn}.")}));
        messages.push(json!({"role": "user", "content": format!("Turn {turn}.")}));
    }
    json!({"model": model, "messages": messages})
}

fn three() -> [Provider; 3] {
    [(); 3].map(|()| always(Play::chat("P.")))
}

#[tokio::test(start_paused = true)]
async fn a_conversation_stays_at_one_server_and_conversations_spread() {
    let servers = three();
    let stage = Stage::set(&servers.each_ref(), "");
    for turn in 1..=3 {
        for conversation in 0..60 {
            let answer = stage.world.ask(&talk("chat", conversation, turn)).await;
            assert_eq!(answer.attempts(), "pool=ok");
        }
    }
    let mut at: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (number, server) in servers.iter().enumerate() {
        assert!(server.requests() >= 9, "{}", server.requests());
        for seen in server.seen() {
            let first = seen.json()["messages"][1]["content"].to_string();
            at.entry(first).or_default().push(number);
        }
    }
    assert_eq!(at.len(), 60);
    for (conversation, servers) in at {
        assert!(
            servers.iter().all(|one| *one == servers[0]),
            "{conversation}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn what_everybody_asks_at_once_spreads_though_it_begins_alike() {
    let servers = [(); 3].map(|()| always(Play::chat("P.").after(seconds(1))));
    let stage = Stage::set(&servers.each_ref(), "");
    let body = whole("chat");
    let same = || stage.world.ask(&body);
    join_all((0..60).map(|_| same())).await;
    let had: Vec<usize> = servers.iter().map(Provider::requests).collect();
    // A quarter more than the mean, and four.
    assert!(had.iter().all(|count| (1..=29).contains(count)), "{had:?}");
}

#[tokio::test(start_paused = true)]
async fn without_affinity_the_less_busy_server_is_asked() {
    let slow = always(Play::chat("S.").after(seconds(10)));
    let quick = always(Play::chat("Q.").after(seconds(1)));
    let servers = [&slow, &quick];
    let stage = Stage::set(&servers, "");
    let mut documents = Stage::documents(&servers, "", &stage.fallback, &stage.other);
    documents[0] = documents[0].replace("endpoints: {", "endpoints: {affinity: None, ");
    stage.world.edit(&documents);
    let body = whole("chat");
    let one_after_theother = async |_| {
        for _ in 0..20 {
            stage.world.ask(&body).await;
        }
    };
    join_all((0..8).map(one_after_theother)).await;
    assert_eq!(slow.requests() + quick.requests(), 160);
    assert!(slow.requests() < 40, "{}", slow.requests());
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_gone_fails_no_request_and_is_left_alone() {
    let [a, b, c] = three();
    let stage = Stage::set(&[&a, &b, &c], "");
    assert!(
        stage
            .ask_at_once(30)
            .await
            .iter()
            .all(|one| one.status == 200)
    );
    let address = a.address().to_string();
    a.stop().await;
    for answer in stage.ask_at_once(60).await {
        let attempts = answer.attempts();
        let known = ["pool=ok", "pool=connect, pool=ok", "pool=reset, pool=ok"];
        assert!(known.contains(&attempts.as_str()), "{attempts}");
        assert!(answer.text().contains("P."));
    }
    assert_eq!(stage.servers()[&address]["state"], "open");
    let quick = stage.ask_at_once(60).await;
    assert!(quick.iter().all(|answer| answer.attempts() == "pool=ok"));
    assert_eq!(stage.fallback.requests(), 0);
    stage.nobody_else_is_blamed();
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_killed_amid_requests_fails_none_of_them() {
    let [a, b, c] = [(); 3].map(|()| always(Play::chat("P.").after(seconds(5))));
    let stage = Arc::new(Stage::set(&[&a, &b, &c], ""));
    let asking = Arc::clone(&stage);
    let asked = async move { asking.ask_at_once(90).await };
    let killed = async {
        tokio::time::sleep(seconds(1)).await;
        let had = a.requests();
        a.stop().await;
        had
    };
    let (answers, had) = tokio::join!(asked, killed);
    assert!(had > 15, "{had}");
    for answer in &answers {
        assert_eq!((answer.status, answer.whole), (200, true));
        assert!(
            answer.attempts().ends_with("pool=ok"),
            "{}",
            answer.attempts()
        );
    }
    let moved = answers
        .iter()
        .filter(|answer| answer.attempts() != "pool=ok");
    assert!(moved.count() >= had);
    stage.nobody_else_is_blamed();
}

#[tokio::test(start_paused = true)]
async fn streams_that_are_cut_after_their_content_do_not_bring_the_pool_down() {
    let cut = always(Play::chat("One two three four.").cut_after(2));
    let well = always(Play::chat("P."));
    let stage = Stage::set(&[&cut, &well], "");
    for conversation in 0..60 {
        let mut body = talk("chat", conversation, 1);
        body["stream"] = json!(true);
        stage.world.ask(&body).await;
    }
    assert!(cut.requests() >= 5);
    assert_eq!(stage.state(&cut), "open");
    stage.nobody_else_is_blamed();
}

#[tokio::test(start_paused = true)]
async fn when_the_pool_is_gone_the_fallback_answers_and_when_it_is_back_the_pool_does() {
    let broken = Arc::new(AtomicUsize::new(1));
    let server = || {
        let broken = Arc::clone(&broken);
        Provider::in_process(move |_| match broken.load(Ordering::SeqCst) {
            0 => Play::chat("P."),
            _ => Play::reset(),
        })
    };
    let servers = [server(), server(), server()];
    let stage = Stage::set(
        &servers.each_ref(),
        "health: {probeInterval: 5s, rampUp: 0s}",
    );
    for conversation in 0..40 {
        let answer = stage.world.ask(&talk("chat", conversation, 1)).await;
        assert!(
            answer.attempts().ends_with("fallback=ok"),
            "{}",
            answer.attempts()
        );
    }
    let asked: usize = servers.iter().map(Provider::requests).sum();
    assert!(asked < 40, "it is left alone as a whole: {asked}");
    let last = stage.world.ask(&talk("chat", 0, 1)).await;
    assert_eq!(last.attempts(), "pool=unhealthy, fallback=ok");
    broken.store(0, Ordering::SeqCst);
    tokio::time::sleep(seconds(6)).await;
    for conversation in 0..40 {
        let answer = stage.world.ask(&talk("chat", conversation, 1)).await;
        assert_eq!(answer.attempts(), "pool=ok");
    }
    let other = stage.world.ask(&whole("other")).await;
    assert_eq!(other.attempts(), "other=ok");
}

#[tokio::test(start_paused = true)]
async fn a_pool_of_which_every_server_is_gone_answers_by_its_fallback() {
    let [a, b, c] = three();
    let stage = Stage::set(&[&a, &b, &c], "");
    for server in [a, b, c] {
        server.stop().await;
    }
    for answer in stage.ask_at_once(20).await {
        assert!(
            answer.attempts().ends_with("fallback=ok"),
            "{}",
            answer.attempts()
        );
    }
    let alone = stage.world.ask(&whole("alone")).await;
    assert!(alone.status >= 500, "{}", alone.status);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_answers_with_failures_is_left_alone_and_comes_back() {
    let broken = Arc::new(AtomicUsize::new(1));
    let is_broken = Arc::clone(&broken);
    let a = Provider::in_process(move |_| match is_broken.load(Ordering::SeqCst) {
        0 => Play::chat("P."),
        _ => Play::status(500),
    });
    let [b, c, _] = three();
    let more = "health: {consecutiveFailures: 3, probeInterval: 5s, rampUp: 0s}";
    let stage = Stage::set(&[&a, &b, &c], more);
    for conversation in 0..60 {
        let answer = stage.world.ask(&talk("chat", conversation, 1)).await;
        assert_eq!(answer.status, 200);
    }
    assert_eq!((a.requests(), stage.state(&a).as_str()), (3, "open"));
    stage.nobody_else_is_blamed();
    broken.store(0, Ordering::SeqCst);
    tokio::time::sleep(seconds(6)).await;
    for conversation in 0..60 {
        let answer = stage.world.ask(&talk("chat", conversation, 1)).await;
        assert_eq!(answer.attempts(), "pool=ok");
    }
    assert_eq!(stage.state(&a), "closed");
    assert!(a.requests() > 10);
}

#[tokio::test(start_paused = true)]
async fn where_most_servers_answer_with_failures_it_is_not_the_servers() {
    let broken = [(); 3].map(|()| always(Play::status(500)));
    let well = always(Play::chat("P."));
    let [a, b, c] = broken.each_ref();
    let stage = Stage::set(&[a, b, c, &well], "health: {consecutiveFailures: 3}");
    let ask = async |from: usize| {
        for conversation in from..from + 80 {
            let answer = stage.world.ask(&talk("chat", conversation, 1)).await;
            assert_eq!(answer.status, 200);
        }
        broken.iter().map(Provider::requests).sum::<usize>()
    };
    let first = ask(0).await;
    assert!(broken.iter().all(|server| stage.state(server) == "open"));
    let second = ask(80).await;
    assert!(
        second - first > 20,
        "nobody is left with four times as much"
    );
    stage.nobody_else_is_blamed();
}

#[tokio::test(start_paused = true)]
async fn a_request_that_breaks_servers_breaks_few_of_them() {
    let servers = [(); 6].map(|()| {
        Provider::in_process(|seen| {
            let text = seen.json()["messages"].to_string();
            if text.contains("poison") {
                Play::reset()
            } else {
                Play::chat("P.")
            }
        })
    });
    let stage = Stage::set(&servers.each_ref(), "");
    let poison = json!({"model": "chat", "messages": [{"role": "user", "content": "poison"}]});
    let answer = stage.world.ask(&poison).await;
    let attempts = "pool=reset, pool=reset, pool=reset, fallback=ok";
    assert_eq!(answer.attempts(), attempts);
    stage.nobody_else_is_blamed();
}

#[tokio::test(start_paused = true)]
async fn a_pool_that_has_too_much_to_do_is_not_asked_several_times_as_much() {
    let servers = [(); 4].map(|()| always(Play::status(503)));
    let stage = Stage::set(
        &servers.each_ref(),
        "health: {consecutiveFailures: 0, errorPercent: 0}",
    );
    for conversation in 0..200 {
        let answer = stage.world.ask(&talk("chat", conversation, 1)).await;
        assert!(answer.attempts().ends_with("fallback=ok"));
    }
    let asked: usize = servers.iter().map(Provider::requests).sum();
    assert!(
        (200..=245).contains(&asked),
        "a fifth more at most: {asked}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_pool_that_breaks_off_whatever_it_is_asked_is_not_asked_several_times_as_much() {
    let servers = [(); 4].map(|()| always(Play::reset()));
    let stage = Stage::set(
        &servers.each_ref(),
        "health: {consecutiveFailures: 0, errorPercent: 0}",
    );
    for conversation in 0..200 {
        let answer = stage.world.ask(&talk("chat", conversation, 1)).await;
        assert!(answer.attempts().ends_with("fallback=ok"));
    }
    let asked: usize = servers.iter().map(Provider::requests).sum();
    assert!(
        (200..=250).contains(&asked),
        "a fifth more at most, and the first few: {asked}"
    );
}

#[tokio::test(start_paused = true)]
async fn what_several_servers_fail_for_speaks_against_one_of_them() {
    let servers = [(); 6].map(|()| {
        Provider::in_process(|seen| {
            let text = seen.json()["messages"].to_string();
            if text.contains("poison") {
                Play::status(500)
            } else {
                Play::chat("P.")
            }
        })
    });
    let more = "health: {consecutiveFailures: 1, probeInterval: 60s}";
    let stage = Stage::set(&servers.each_ref(), more);
    let poison = json!({"model": "chat", "messages": [{"role": "user", "content": "poison"}]});
    let answer = stage.world.ask(&poison).await;
    let attempts = "pool=server_error, pool=server_error, pool=server_error, fallback=ok";
    assert_eq!(answer.attempts(), attempts);
    let open = servers
        .iter()
        .filter(|server| stage.state(server) == "open");
    assert_eq!(open.count(), 1);
    stage.nobody_else_is_blamed();
}

#[tokio::test(start_paused = true)]
async fn what_is_passed_through_is_told_with_its_server() {
    let [a, b] = [(); 2].map(|()| always(Play::answer(200, &[], "Its files.")));
    let stage = Stage::set(&[&a, &b], "passthrough: {paths: [/files]}");
    let request = http::Request::builder()
        .uri("/passthrough/default/pool/files")
        .header("host", "gateway")
        .header(
            "authorization",
            format!("Bearer {}", crate::harness::yaml::KEY),
        );
    let answer = stage
        .world
        .ask_request(request.body(Default::default()).unwrap())
        .await;
    assert_eq!(answer.status, 200);
    let entry = stage.world.ended().unwrap();
    let server = entry.attempts[0].server.as_deref().unwrap().to_owned();
    let asked = [&a, &b]
        .into_iter()
        .find(|server| server.requests() == 1)
        .unwrap();
    assert_eq!(server, asked.address().to_string());
    assert_eq!(asked.seen()[0].header("host"), Some(server.as_str()));
}

#[tokio::test(start_paused = true)]
async fn servers_come_and_go_with_an_edit_and_those_that_stay_are_the_same() {
    let [a, b, c] = three();
    let stage = Stage::set(&[&a, &b], "");
    for conversation in 0..40 {
        stage.world.ask(&talk("chat", conversation, 1)).await;
    }
    let gone = c.address().to_string();
    assert_eq!(stage.servers().get(&gone), None);
    let (of_a, of_b) = (a.requests(), b.requests());
    stage.edit(&[&b, &c]);
    for conversation in 0..40 {
        stage.world.ask(&talk("chat", conversation, 2)).await;
    }
    assert_eq!(a.requests(), of_a, "who is gone is not asked");
    assert!(b.requests() > of_b && c.requests() > 5);
    assert_eq!(b.connections(), 1, "its connections are kept");
    stage.nobody_else_is_blamed();
}

#[tokio::test(start_paused = true)]
async fn a_node_that_swallows_packets_costs_a_second_once() {
    let slow = Provider::builder()
        .accepts_after(seconds(60))
        .in_process(|_| Play::chat("S."));
    let well = always(Play::chat("P."));
    let stage = Stage::set(&[&slow, &well], "");
    let mut late = 0;
    for conversation in 0..40 {
        let answer = stage.world.ask(&talk("chat", conversation, 1)).await;
        assert_eq!(answer.status, 200);
        late += usize::from(answer.took() >= millis(900));
        assert!(answer.took() < millis(1_100), "{:?}", answer.took());
    }
    assert_eq!(late, 1);
}

#[tokio::test(start_paused = true)]
async fn what_is_in_flight_at_a_server_is_counted_and_nothing_stays_behind() {
    let servers = [(); 2].map(|()| always(Play::chat("P.").after(seconds(10))));
    let stage = Stage::set(&servers.each_ref(), "");
    let load = |stage: &Stage| -> u64 {
        let servers = stage.servers();
        let servers = servers.as_object().unwrap().values();
        servers.map(|one| one["inFlight"].as_u64().unwrap()).sum()
    };
    let looking = async {
        tokio::time::sleep(seconds(1)).await;
        load(&stage)
    };
    let body = whole("chat");
    let leaving = stage.world.ask_and_leave_after(seconds(5), &body);
    let (_, (), during) = tokio::join!(stage.ask_at_once(6), leaving, looking);
    settled().await;
    assert_eq!((during, load(&stage)), (7, 0));
}

#[tokio::test(start_paused = true)]
async fn the_log_and_the_metrics_tell_of_servers() {
    let [a, b, _c] = three();
    let stage = Stage::set(&[&a, &b], "");
    let address = a.address().to_string();
    a.stop().await;
    let mut told = Vec::new();
    for conversation in 0..20 {
        stage.world.ask(&talk("chat", conversation, 1)).await;
        settled().await;
        let entry = stage.world.ended().unwrap();
        let servers = entry.attempts.iter().map(|attempt| {
            let server = attempt.server.as_deref().unwrap_or("none");
            format!("{server} {}", attempt.outcome())
        });
        told.extend(servers);
    }
    assert!(told.contains(&format!("{address} connect")), "{told:?}");
    assert!(told.contains(&format!("{} ok", b.address())), "{told:?}");
    let metrics = stage.world.metrics();
    for line in [
        r#"fairlead_servers{provider="default/pool",state="closed"} 1"#,
        r#"fairlead_servers{provider="default/pool",state="open"} 1"#,
    ] {
        assert!(metrics.contains(line), "{metrics}");
    }
    assert!(!metrics.contains(&address), "no address is a label");
}

#[tokio::test(start_paused = true)]
async fn the_pods_of_a_service_are_asked_standalone_too() {
    let [a, b, c] = three();
    let endpoint = |server: &Provider, ready: bool| {
        let ip = server.address().ip();
        format!("{{addresses: [\"{ip}\"], conditions: {{ready: {ready}}}}}")
    };
    // In these tests all have one address, so that a slice has one port and one endpoint.
    let slice = |namespace: &str, server: &Provider, ready: bool| {
        let port = server.address().port();
        format!(
            "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {{namespace: {namespace}, name: s{port}, labels: {{kubernetes.io/service-name: vllm}}}}\naddressType: IPv4\nports: [{{name: http, port: {port}}}]\nendpoints: [{}]\n---\n",
            endpoint(server, ready)
        )
    };
    let pool = object(
        "LLMProvider",
        "pool",
        "type: VLLM, allowPrivateNetwork: true, endpoints: {serviceRef: {name: vllm, portName: http}}",
    );
    let elsewhere = always(Play::chat("X."));
    let world = World::serve(&[
        slice("default", &a, true),
        slice("default", &b, false),
        slice("default", &c, true),
        slice("stranger", &elsewhere, true),
        pool,
        caller(),
        chain("chat", &["pool"], ""),
    ]);
    for conversation in 0..40 {
        let answer = world.ask(&talk("chat", conversation, 1)).await;
        assert_eq!(answer.status, 200);
    }
    assert!(a.requests() > 5 && c.requests() > 5);
    assert_eq!(b.requests(), 0, "it is not ready");
    assert_eq!(elsewhere.requests(), 0, "it is in another namespace");
    let host = a.seen()[0].header("host").unwrap_or_default().to_owned();
    assert_eq!(host, "vllm.default.svc");
    assert_eq!(a.seen()[0].path, "/v1/chat/completions");
}
