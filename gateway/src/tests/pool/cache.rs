//! How much of prompts servers find in their caches: at one server, at three that are asked in turn, and at three of a pool.
//!
//! A server keeps the beginnings of the prompts that it has read, as vLLM and SGLang do: in blocks of a few tokens each of which is known by all
//! that goes before it, the block that was not asked for the longest going first.

use std::collections::{HashMap, hash_map::DefaultHasher};
use std::hash::{Hash as _, Hasher as _};
use std::sync::Arc;

use fairlead_faults::{Play, Provider, Reply};
use parking_lot::Mutex;
use serde_json::{Value, json};

use super::pool;
use crate::harness::World;
use crate::harness::yaml::{caller, chain};

/// Bytes to a block: 16 tokens of about four.
const BLOCK: usize = 64;

/// Blocks to a cache.
const ROOM: usize = 6_000;

/// What a server remembers, and how many tokens it was asked for and found.
#[derive(Default)]
struct Cache {
    blocks: HashMap<u64, u64>,
    clock: u64,
    asked: u64,
    found: u64,
}

impl Cache {
    fn read(&mut self, prompt: &str) -> (u64, u64) {
        let mut hash = DefaultHasher::new();
        let (mut found, mut all, mut known) = (0, 0, true);
        for block in prompt.as_bytes().chunks(BLOCK) {
            block.hash(&mut hash);
            let name = hash.finish();
            self.clock += 1;
            known &= self.blocks.insert(name, self.clock).is_some();
            let tokens = u64::try_from(block.len() / 4).unwrap();
            all += tokens;
            found += if known { tokens } else { 0 };
        }
        while self.blocks.len() > ROOM {
            let oldest = self.blocks.iter().min_by_key(|(_, used)| **used);
            let oldest = *oldest.unwrap().0;
            self.blocks.remove(&oldest);
        }
        self.asked += all;
        self.found += found;
        (all, found)
    }
}

/// A server with a cache.
fn server() -> (Provider, Arc<Mutex<Cache>>) {
    let cache = Arc::new(Mutex::new(Cache::default()));
    let own = Arc::clone(&cache);
    let server = Provider::in_process(move |seen| {
        let prompt = seen.json()["messages"].to_string();
        let (asked, found) = own.lock().read(&prompt);
        Play::from(Reply::words(["A."]).usage(asked, found, 1))
    });
    (server, cache)
}

/// The requests of a day: tenants whose system prompts are long, each with conversations of several turns that take turns with those of others.
fn requests() -> Vec<Value> {
    let mut random = fastrand::Rng::with_seed(7);
    let mut text = |words: usize| {
        let word = |random: &mut fastrand::Rng| format!("{:06x} ", random.u32(0..0xFF_FFFF));
        (0..words).map(|_| word(&mut random)).collect::<String>()
    };
    let systems: Vec<String> = (0..6).map(|_| text(200)).collect();
    let mut talks: Vec<Vec<Value>> = (0..120)
        .map(|number| vec![json!({"role": "system", "content": systems[number % systems.len()]})])
        .collect();
    let mut order: Vec<usize> = (0..120).flat_map(|number| [number; 8]).collect();
    // As they come: begun one after the other, and each gone on with while others are.
    let mut random = fastrand::Rng::with_seed(11);
    let mut keyed: Vec<(u32, usize)> = order
        .drain(..)
        .map(|number| {
            (
                u32::try_from(number).unwrap() * 10 + random.u32(0..300),
                number,
            )
        })
        .collect();
    keyed.sort_by_key(|(at, _)| *at);
    let mut requests = Vec::new();
    for (_, number) in keyed {
        let talk = &mut talks[number];
        if talk.len() > 1 {
            talk.push(json!({"role": "assistant", "content": text(30)}));
        }
        talk.push(json!({"role": "user", "content": text(20)}));
        requests.push(json!({"model": "chat", "messages": talk.clone()}));
    }
    requests
}

/// The share of prompt tokens that so many servers find in their caches.
async fn share(count: usize, affinity: &str) -> f64 {
    let (servers, caches): (Vec<Provider>, Vec<_>) = (0..count).map(|_| server()).unzip();
    let all: Vec<&Provider> = servers.iter().collect();
    let documents = pool(&all, "").replace(
        "endpoints: {",
        &format!("endpoints: {{affinity: {affinity}, "),
    );
    let world = World::serve(&[documents, caller(), chain("chat", &["pool"], "")]);
    for request in requests() {
        assert_eq!(world.ask(&request).await.status, 200);
    }
    let (mut asked, mut found) = (0, 0);
    for cache in &caches {
        let cache = cache.lock();
        (asked, found) = (asked + cache.asked, found + cache.found);
    }
    f64::from(u32::try_from(found).unwrap()) / f64::from(u32::try_from(asked).unwrap())
}

#[tokio::test(start_paused = true)]
async fn a_pool_finds_nine_tenths_of_what_one_server_finds_in_its_cache() {
    let one = share(1, "Prefix").await;
    let (prefix, without) = (share(3, "Prefix").await, share(3, "None").await);
    println!(
        "found in caches: one server {one:.3}, three {prefix:.3}, without affinity {without:.3}"
    );
    assert!(prefix >= 0.9 * one, "{prefix} of {one}");
    assert!(prefix > without + 0.1, "{prefix} {without}");
}
