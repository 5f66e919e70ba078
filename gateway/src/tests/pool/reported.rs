//! What servers tell of their queues and caches: it places requests, and whatever a server makes of being asked harms nobody.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use fairlead_faults::{Framing, Play, Provider, Step};
use serde_json::Value;

use super::{Stage, pool, talk, three};
use crate::harness::yaml::{caller, chain, secret};
use crate::harness::{World, seconds, settled};

const PATH: &str = "/internal/metrics";

/// A page as vLLM writes it.
fn page(running: u32, waiting: u32, cache: f64) -> Play {
    let text = format!(
        "# TYPE vllm:num_requests_running gauge\nvllm:num_requests_running{{engine=\"0\",model_name=\"m\"}} {running}.0\nvllm:num_requests_waiting{{engine=\"0\",model_name=\"m\"}} {waiting}.0\nvllm:kv_cache_usage_perc{{engine=\"0\",model_name=\"m\"}} {cache}\n"
    );
    Play::answer(200, &[("content-type", "text/plain; version=0.0.4")], text)
}

/// A server that answers requests, and does this when it is asked for its metrics.
fn server(metrics: impl Fn() -> Play + Send + Sync + 'static) -> Provider {
    Provider::in_process(move |seen| {
        if seen.path == PATH {
            metrics()
        } else {
            Play::chat("P.")
        }
    })
}

fn telling(running: u32, waiting: u32, cache: f64) -> Provider {
    server(move || page(running, waiting, cache))
}

/// How many requests of callers it has had.
fn chats(server: &Provider) -> usize {
    server.count(|seen| seen.path != PATH)
}

fn asked(server: &Provider) -> usize {
    server.count(|seen| seen.path == PATH)
}

/// A pool that is asked for its metrics every second.
fn stage(servers: &[&Provider]) -> Stage {
    let stage = Stage::set(servers, "");
    let mut documents = Stage::documents(servers, "", &stage.fallback, &stage.other);
    documents[0] = documents[0].replace(
        "endpoints: {",
        &format!("endpoints: {{metrics: {{path: {PATH}, interval: 1s}}, "),
    );
    stage.world.edit(&documents);
    stage.world.ask_servers();
    stage
}

async fn ask(stage: &Stage, conversations: usize) {
    ask_those(stage, 0..conversations).await;
}

async fn ask_those(stage: &Stage, conversations: Range<usize>) {
    for conversation in conversations {
        let answer = stage.world.ask(&talk("chat", conversation, 1)).await;
        assert_eq!(answer.attempts(), "pool=ok");
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_others_keep_busy_is_passed_over() {
    let (busy, idle) = (telling(30, 12, 0.5), telling(0, 0, 0.1));
    let stage = stage(&[&busy, &idle]);
    tokio::time::sleep(seconds(2)).await;
    ask(&stage, 40).await;
    assert_eq!((chats(&busy), chats(&idle)), (0, 40));
    let told = &stage.servers()[busy.address().to_string()]["reported"];
    assert_eq!(told["running"], 30);
    assert_eq!(told["waiting"], 12);
    assert_eq!(told["cacheUsed"], 0.5);
}

#[tokio::test(start_paused = true)]
async fn a_server_whose_cache_is_full_is_passed_over() {
    let (full, roomy) = (telling(2, 0, 0.99), telling(3, 0, 0.5));
    let stage = stage(&[&full, &roomy]);
    tokio::time::sleep(seconds(2)).await;
    ask(&stage, 40).await;
    assert_eq!(chats(&full), 0);
}

#[tokio::test(start_paused = true)]
async fn what_was_told_long_ago_does_not_count() {
    let told = Arc::new(AtomicUsize::new(0));
    let tells = Arc::clone(&told);
    let busy = server(move || match tells.fetch_add(1, Ordering::SeqCst) {
        0 => page(500, 0, 0.5),
        _ => Play::silent(),
    });
    let idle = telling(0, 0, 0.1);
    let stage = stage(&[&busy, &idle]);
    tokio::time::sleep(seconds(1)).await;
    ask(&stage, 20).await;
    assert_eq!(chats(&busy), 0);
    tokio::time::sleep(seconds(10)).await;
    ask(&stage, 40).await;
    assert!(chats(&busy) > 5, "{}", chats(&busy));
    let told = &stage.servers()[busy.address().to_string()]["reported"];
    assert_eq!(*told, Value::Null);
}

#[tokio::test(start_paused = true)]
async fn whatever_a_server_makes_of_it_requests_are_answered() {
    let endless = || {
        let line = "x".repeat(64 * 1024);
        let mut steps = vec![Step::head(200, &[], Framing::Chunked)];
        steps.extend((0..64).map(|_| Step::Body(line.clone().into())));
        Play::steps(steps)
    };
    let odd: [Box<dyn Fn() -> Play + Send + Sync>; 6] = [
        Box::new(Play::silent),
        Box::new(Play::silent_after_head),
        Box::new(Play::reset),
        Box::new(|| Play::status(404)),
        Box::new(Play::garbage),
        Box::new(endless),
    ];
    let odd = odd.map(server);
    let well = telling(0, 0, 0.1);
    let mut servers: Vec<&Provider> = odd.iter().collect();
    servers.push(&well);
    let stage = stage(&servers);
    // Each time other conversations: which server keeps one depends on addresses, and so on the tests that ran before.
    for round in 0..60 {
        ask_those(&stage, round * 20..(round + 1) * 20).await;
        tokio::time::sleep(seconds(1)).await;
    }
    for server in &odd {
        assert!(chats(server) > 20, "{}", chats(server));
        // Less and less often.
        assert!((2..=12).contains(&asked(server)), "{}", asked(server));
        assert_eq!(stage.state(server), "closed");
    }
    assert!(asked(&well) > 40, "{}", asked(&well));
    stage.nobody_else_is_blamed();
}

#[tokio::test(start_paused = true)]
async fn a_number_out_of_the_air_keeps_requests_from_who_tells_it() {
    let lies = telling(900_000, 900_000, 0.1);
    let (a, b) = (telling(0, 0, 0.1), telling(0, 0, 0.1));
    let stage = stage(&[&lies, &a, &b]);
    tokio::time::sleep(seconds(2)).await;
    ask(&stage, 60).await;
    assert_eq!(chats(&lies), 0);
    assert!(chats(&a) > 10 && chats(&b) > 10);
}

#[tokio::test(start_paused = true)]
async fn a_pool_whose_servers_never_answer_takes_no_turn_from_another() {
    let silent: Vec<Provider> = (0..60).map(|_| server(Play::silent)).collect();
    let silent: Vec<&Provider> = silent.iter().collect();
    let well = telling(7, 0, 0.1);
    let metrics = format!("endpoints: {{metrics: {{path: {PATH}, interval: 1s}}, ");
    let hostile: Vec<String> = (0..6)
        .map(|number| {
            let document = pool(&silent, "");
            let name = format!("hostile-{number}");
            document
                .replace("name: pool", &format!("name: {name}"))
                .replace("endpoints: {", &metrics)
        })
        .collect();
    let mut documents = vec![
        pool(&[&well], "").replace("endpoints: {", &metrics),
        caller(),
    ];
    documents.extend(hostile);
    let world = World::serve(&documents);
    world.ask_servers();
    tokio::time::sleep(seconds(30)).await;
    assert!(asked(&well) >= 10, "{}", asked(&well));
    let told = world.health("pool")["servers"][well.address().to_string()]["reported"].clone();
    assert_eq!(told["running"], 7);
}

#[tokio::test(start_paused = true)]
async fn no_credential_goes_with_it_and_nobody_is_asked_unless_it_is_said() {
    let well = telling(0, 0, 0.1);
    let credential = "credentials: [{name: main, secretRef: {name: its-key}}]";
    let with = pool(&[&well], credential).replace(
        "endpoints: {",
        &format!("endpoints: {{metrics: {{path: {PATH}}}, "),
    );
    let rest = [
        secret("its-key", "credential", "apiKey: sk-its-0123456789"),
        caller(),
        chain("chat", &["pool"], ""),
    ];
    let [secret, caller, chain] = rest;
    let world = World::serve(&[with, secret, caller, chain]);
    world.ask_servers();
    tokio::time::sleep(seconds(1)).await;
    settled().await;
    let seen = well.seen();
    let first = seen.iter().find(|seen| seen.path == PATH).unwrap();
    assert_eq!(
        (first.method.as_str(), first.header("authorization")),
        ("GET", None)
    );
    let address = well.address().to_string();
    assert_eq!(first.header("host"), Some(address.as_str()));

    let [a, b, _] = three();
    let silent = Stage::set(&[&a, &b], "");
    silent.world.ask_servers();
    tokio::time::sleep(seconds(20)).await;
    assert_eq!(a.requests() + b.requests(), 0);
}
