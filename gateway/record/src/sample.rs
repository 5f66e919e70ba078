//! Entries that look like those of a day, for tests: every seed makes the same one each time.

use crate::{Attempt, Cost, Entry, Name, Tag, Tokens, Trace, Word};

/// 2026-11-30T00:00:00Z, in microseconds since 1970.
pub const BEGIN_US: i64 = 1_795_996_800_000_000;

/// A generator of numbers (source: Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    fn one_in(&mut self, count: u64) -> bool {
        self.below(count) == 0
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        let length = u64::try_from(all.len()).unwrap_or(1);
        all[usize::try_from(self.below(length)).unwrap_or_default()]
    }
}

/// An entry; those of following seeds begin about a second apart.
#[must_use]
pub fn entry(seed: u64) -> Entry {
    at(
        seed,
        BEGIN_US.saturating_add_unsigned(seed.saturating_mul(997_003)),
    )
}

/// An entry that began at a moment, in microseconds since 1970.
#[must_use]
pub fn at(seed: u64, started_unix_us: i64) -> Entry {
    let mut dice = Dice(seed);
    let namespace = dice.of(&["search", "shop", "ads"]);
    let known = !dice.one_in(10);
    let duration_us = 1_000 + dice.below(4_000_000);
    let mut entry = Entry {
        id: dice.next(),
        started_unix_us,
        duration_us,
        method: Some("POST".into()),
        route: Some("/v1/chat/completions".into()),
        operation: Some("chat".into()),
        surface: Word::Borrowed("openai"),
        stream: dice.one_in(2),
        key: known.then(|| format!("{namespace}/key{}", dice.below(40)).into()),
        team: known.then(|| format!("{namespace}/research").into()),
        model: Some(dice.of(&["chat", "fast", "GPT-4o", "größe"]).into()),
        configured: true,
        rule: known.then(|| format!("{namespace}/chat").into()),
        status: 200,
        complete: true,
        user_agent: dice.one_in(2).then(|| "OpenAI/Python 2.1.0".into()),
        request_bytes: dice.below(4_000),
        response_bytes: dice.below(9_000),
        generation: 412,
        ..Entry::default()
    };
    if !known {
        entry.status = 401;
        entry.error = Some("invalid_api_key".into());
        return entry;
    }
    if dice.one_in(3) {
        entry.trace = Some(Trace {
            id: u128::from(dice.next()).to_be_bytes(),
            span: dice.next().to_be_bytes(),
            parent: dice.one_in(2).then(|| dice.next().to_be_bytes()),
            sampled: true,
            sampled_by: Some("always".into()),
        });
    }
    if dice.one_in(5) {
        entry.tags = vec![Tag {
            name: "x-tenant".into(),
            value: format!("t{}", dice.below(9)).into(),
        }];
    }
    attempts(&mut entry, &mut dice);
    entry
}

fn attempts(entry: &mut Entry, dice: &mut Dice) {
    if dice.one_in(4) {
        let class = dice.of(&["rate_limited", "timeout", "overloaded"]);
        let mut failed = attempt(dice, Word::Borrowed(class), entry.duration_us / 2);
        failed.status = (class == "rate_limited").then_some(429);
        entry.attempts.push(failed);
    }
    if dice.one_in(8) {
        entry.status = 503;
        entry.error = Some(dice.of(&["overloaded", "budget_exceeded"]).into());
        entry.complete = dice.one_in(2);
        return;
    }
    let mut answered = attempt(dice, "ok".into(), entry.duration_us);
    answered.status = Some(200);
    answered.response_id = Some(format!("chatcmpl-{:x}", dice.next()).into());
    entry.finish_reason = Some("stop".into());
    entry.first_content_us = Some(entry.duration_us / 3);
    entry.complete = !dice.one_in(20);
    let tokens = Tokens {
        input: Some(dice.below(2_000)),
        output: Some(dice.below(900)),
        cache_read: dice.one_in(3).then(|| dice.below(500)),
        ..Tokens::default()
    };
    let cost = Cost {
        nanos: dice.below(90_000_000).cast_signed(),
        estimated: dice.one_in(9),
    };
    answered.tokens = Some(tokens);
    answered.cost = Some(cost);
    entry.tokens = Some(tokens);
    entry.cost = Some(cost);
    if dice.one_in(6) {
        let mut loser = attempt(dice, "hedged".into(), entry.duration_us);
        let lost = i64::try_from(dice.below(900_000)).unwrap_or_default();
        loser.hedge = true;
        loser.tokens = Some(Tokens {
            input: tokens.input,
            estimated: true,
            ..Tokens::default()
        });
        loser.cost = Some(Cost {
            nanos: lost,
            estimated: true,
        });
        entry.cost = Some(Cost {
            nanos: cost.nanos + lost,
            estimated: true,
        });
        entry.attempts.push(loser);
    }
    entry.attempts.push(answered);
}

fn attempt(dice: &mut Dice, outcome: Word, ended_us: u64) -> Attempt {
    let (provider, system, model) = dice.of(&[
        ("default/openai", "openai", "gpt-4o-2024-08-06"),
        ("default/claude", "anthropic", "claude-sonnet-4"),
        ("shop/sim", "openai", "sim"),
    ]);
    Attempt {
        target: Name::from(provider.trim_start_matches("default/")),
        provider: Some(provider.into()),
        system: Some(system.into()),
        model: model.into(),
        credential: Some("primary".into()),
        address: Some("api.example.com:443".into()),
        outcome,
        sent: true,
        queued_us: dice.below(2) * 40_000,
        started_us: dice.below(900),
        ended_us,
        ..Attempt::default()
    }
}

/// One of which everything is known and nothing is odd.
#[must_use]
pub fn usual() -> Entry {
    let usual = |entry: &Entry| {
        entry.namespace() == Some("search") && entry.attempts.len() == 1 && entry.status == 200
    };
    (0..).map(entry).find(usual).unwrap_or_default()
}
