//! What requests cost, and what that decides: the cheapest target, and the most that a request may cost.

use fairlead_faults::{Moment, Play, Provider, Reply};
use fairlead_route::ChosenBy;
use http::Request;
use http_body_util::Full;
use serde_json::{Value, json};

use crate::harness::yaml::{KEY, caller, chain, key, object, provider, rule};
use crate::harness::{OTHER, PRICE, World, always, seconds, streamed, two_cents, whole};

const FREE: &str = "price: {free: true}";

fn priced(input: &str, output: &str) -> String {
    format!("price: {{inputPerMillion: \"{input}\", outputPerMillion: \"{output}\"}}")
}

/// A rule for `chat` over the targets of these names, the cheapest first.
fn cheapest(names: &[&str], more: &str) -> String {
    let target = |name: &&str| format!("{{name: {name}, providerRef: {{name: {name}}}}}");
    let targets: Vec<String> = names.iter().map(target).collect();
    let targets = targets.join(", ");
    rule(
        "chat",
        &format!(
            "match: {{models: [chat]}}, strategy: {{type: LowestCost}}, targets: [{targets}]{more}"
        ),
    )
}

/// A prompt of about so many tokens, for an answer of so many at most.
fn asking(tokens: usize, most: u64) -> Value {
    let text = "word".repeat(tokens);
    json!({"model": "chat", "max_tokens": most, "messages": [{"role": "user", "content": text}]})
}

/// Answers that use what was expected.
fn as_expected() -> Provider {
    Provider::in_process(|seen| {
        let body = seen.json();
        let output = body["max_tokens"].as_u64().unwrap_or(1);
        let input = u64::try_from(seen.body.len() / 4).unwrap();
        Play::from(Reply::words(["A."]).usage(input, 0, output))
    })
}

#[tokio::test(start_paused = true)]
async fn long_prompts_go_where_prompts_are_cheap_and_short_ones_where_answers_are() {
    let (a, b, c) = (as_expected(), as_expected(), as_expected());
    let world = World::serve(&[
        provider("a", &a.base_url(), &priced("1", "10")),
        provider("b", &b.base_url(), &priced("5", "1")),
        // Nobody has said what it costs.
        provider("c", &c.base_url(), ""),
        caller(),
        cheapest(&["c", "a", "b"], ""),
    ]);
    for _ in 0..20 {
        for (tokens, most, expected) in [(10, 100, "b=ok"), (2_000, 100, "a=ok")] {
            let answer = world.ask(&asking(tokens, most)).await;
            assert_eq!(answer.attempts(), expected, "{tokens} {most}");
            let chosen_by = world.ended().unwrap().chosen_by;
            assert_eq!(chosen_by, Some(ChosenBy::LowestCost));
        }
    }
    assert_eq!(c.requests(), 0);
}

/// A price in a test: micro-USD for a token of input and of output, which is USD for a million; `None`: nobody has said.
type Tariff = Option<(u64, u64)>;

fn drawn(random: &mut fastrand::Rng) -> Tariff {
    match random.u8(..10) {
        0 => None,
        1 => Some((0, 0)),
        _ => Some((random.u64(1..20), random.u64(1..100))),
    }
}

#[tokio::test(start_paused = true)]
async fn a_thousand_requests_at_random_prices_go_where_brute_force_says() {
    let mut random = fastrand::Rng::with_seed(12);
    // What it does not say of usage nobody learns: each request is judged by its length and by what it asks for.
    let text = r#"{"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"A."},"finish_reason":"stop"}]}"#;
    let answering = always(Play::answer(
        200,
        &[("content-type", "application/json")],
        text,
    ));
    for _ in 0..50 {
        let tariffs: Vec<Tariff> = (0..random.usize(2..=8))
            .map(|_| drawn(&mut random))
            .collect();
        let names: Vec<String> = (0..tariffs.len()).map(|at| format!("p{at}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let priced = |tariff: &Tariff| match tariff {
            None => String::new(),
            Some((0, 0)) => FREE.to_owned(),
            Some((input, output)) => priced(&input.to_string(), &output.to_string()),
        };
        let providers = names.iter().zip(&tariffs);
        let mut documents: Vec<String> = providers
            .map(|(name, tariff)| provider(name, &answering.base_url(), &priced(tariff)))
            .collect();
        documents.extend([caller(), cheapest(&names, "")]);
        let world = World::serve(&documents);
        for _ in 0..20 {
            let body = asking(random.usize(1..3_000), random.u64(1..6_000));
            let input = u64::try_from(body.to_string().len() / 4).unwrap();
            let output = body["max_tokens"].as_u64().unwrap().min(4_096);
            let cost = |tariff: &Tariff| tariff.map_or(u64::MAX, |(i, o)| i * input + o * output);
            let least = tariffs.iter().map(cost).min();
            let answer = world.ask(&body).await;
            let chosen = answer.attempts();
            let at: usize = chosen
                .strip_prefix('p')
                .unwrap()
                .strip_suffix("=ok")
                .unwrap()
                .parse()
                .unwrap();
            assert_eq!(
                Some(cost(&tariffs[at])),
                least,
                "{tariffs:?} {input} {output}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_conversation_stays_where_most_of_it_is_cached_as_long_as_that_costs_less() {
    let (a, b) = (as_expected(), as_expected());
    let dear =
        r#"price: {inputPerMillion: "20", outputPerMillion: "10", cachedInputPerMillion: "1"}"#;
    let only = "match: {models: [only]}, strategy: {type: LowestCost}, affinity: {type: Prefix}, \
        targets: [{name: b, providerRef: {name: b}, model: chat}]";
    let world = World::serve(&[
        provider("a", &a.base_url(), &priced("10", "10")),
        provider("b", &b.base_url(), dear),
        caller(),
        cheapest(&["a", "b"], ", affinity: {type: Prefix}"),
        rule("only", only),
    ]);
    let turn = |model: &str, opening: &str| {
        let text = "word".repeat(4_000);
        let messages = [json!({"role": "user", "content": format!("{opening} {text}")})];
        json!({"model": model, "max_tokens": 10, "messages": messages})
    };
    assert_eq!(world.ask(&turn("chat", "One")).await.attempts(), "a=ok");
    // Whatever has brought it there.
    world.ask(&turn("only", "One")).await;
    for _ in 0..20 {
        assert_eq!(world.ask(&turn("chat", "One")).await.attempts(), "b=ok");
    }
    assert_eq!(world.ask(&turn("chat", "Two")).await.attempts(), "a=ok");
    // Five minutes later nothing of it is left there.
    tokio::time::sleep(seconds(301)).await;
    assert_eq!(world.ask(&turn("chat", "One")).await.attempts(), "a=ok");
}

#[tokio::test(start_paused = true)]
async fn what_costs_nothing_goes_first_and_of_those_the_quickest() {
    let (a, b) = (
        always(two_cents()),
        always(Play::chat("B.").after(seconds(2))),
    );
    let c = always(Play::chat("C.").after(seconds(1)));
    let world = World::serve(&[
        provider("a", &a.base_url(), PRICE),
        provider("b", &b.base_url(), FREE),
        provider("c", &c.base_url(), FREE),
        caller(),
        cheapest(&["a", "b", "c"], ""),
    ]);
    for _ in 0..2 {
        world.ask(&streamed("chat")).await;
    }
    assert_eq!((b.requests(), c.requests()), (1, 1), "each is tried once");
    for _ in 0..5 {
        assert_eq!(world.ask(&streamed("chat")).await.attempts(), "c=ok");
    }
    assert_eq!(a.requests(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_model_that_answers_at_length_is_found_to_be_dear_though_nothing_is_limited() {
    let of = |tokens| always(Play::from(Reply::words(["A."]).usage(10, 0, tokens)));
    let (a, b) = (of(10), of(5_000));
    let world = World::serve(&[
        provider("a", &a.base_url(), &priced("1", "10")),
        provider("b", &b.base_url(), &priced("1", "9")),
        caller(),
        cheapest(&["a", "b"], ""),
    ]);
    // By its price alone it is the cheaper one.
    assert_eq!(world.ask(&whole("chat")).await.attempts(), "b=ok");
    for _ in 0..20 {
        world.ask(&whole("chat")).await;
    }
    assert_eq!(world.ask(&whole("chat")).await.attempts(), "a=ok");
}

#[tokio::test(start_paused = true)]
async fn the_next_cheapest_is_the_one_to_fall_back_to() {
    let (a, b, c) = (
        always(two_cents()),
        always(Play::status(500)),
        always(two_cents()),
    );
    let world = World::serve(&[
        provider("a", &a.base_url(), &priced("9", "9")),
        provider(
            "b",
            &b.base_url(),
            &format!("{}, retries: {{maxRetries: 0}}", priced("1", "1")),
        ),
        provider("c", &c.base_url(), &priced("5", "5")),
        caller(),
        cheapest(&["a", "b", "c"], ""),
    ]);
    let answer = world.ask(&whole("chat")).await;
    assert_eq!(answer.attempts(), "b=server_error, c=ok");
}

/// Two cents for a prompt of this, a cent for each token of the answer.
fn short(model: &str, most: u64) -> Value {
    json!({"model": model, "max_tokens": most, "messages": [{"role": "user", "content": "Hi."}]})
}

const FIVE_CENTS: &str = "maxCostPerRequest: \"0.05\"";

#[tokio::test(start_paused = true)]
async fn a_key_whose_requests_may_cost_little_is_refused_what_another_gets() {
    let a = always(two_cents());
    let world = World::serve(&[
        provider("a", &a.base_url(), PRICE),
        key("caller", KEY, FIVE_CENTS),
        key("other", OTHER, ""),
        chain("chat", &["a"], ""),
    ]);
    for (sent, model) in ["chat", "a/chat"].into_iter().enumerate() {
        let refused = world.ask(&short(model, 100)).await;
        assert_eq!(
            (refused.status, refused.code().as_str()),
            (403, "max_cost_exceeded")
        );
        let text = refused.text();
        assert!(
            text.contains("spec.maxCostPerRequest of the VirtualKey default/caller is 0.05"),
            "{text}"
        );
        assert_eq!(a.requests(), 2 * sent, "nothing was sent");
        assert_eq!(world.ask_as(OTHER, &short(model, 100)).await.status, 200);
        assert_eq!(world.ask(&short(model, 1)).await.status, 200);
    }
    // It says nothing of the target.
    assert_eq!(world.breaker("a", "chat"), "closed");
}

#[tokio::test(start_paused = true)]
async fn the_least_of_what_the_owners_and_the_rule_say_counts() {
    let a = always(two_cents());
    for (organization, team, own, of_rule, named) in [
        ("0.05", "9", "9", "9", "Organization default/company"),
        ("9", "0.05", "9", "9", "Team default/research"),
        ("9", "9", "0.05", "9", "VirtualKey default/caller"),
        ("9", "9", "9", "0.05", "RoutingRule default/chat"),
    ] {
        let most = |amount| format!("maxCostPerRequest: \"{amount}\"");
        let world = World::serve(&[
            provider("a", &a.base_url(), PRICE),
            object(
                "Organization",
                "company",
                &format!("namespaceSelector: {{}}, {}", most(organization)),
            ),
            object(
                "Team",
                "research",
                &format!("organizationRef: {{name: company}}, {}", most(team)),
            ),
            key(
                "caller",
                KEY,
                &format!("teamRef: {{name: research}}, {}", most(own)),
            ),
            key("other", OTHER, ""),
            chain("chat", &["a"], &most(of_rule)),
        ]);
        let refused = world.ask(&short("chat", 10)).await;
        assert!(refused.text().contains(named), "{}", refused.text());
        assert_eq!(refused.code(), "max_cost_exceeded");
        let by_another_name = world.ask_as(OTHER, &short("a/chat", 10)).await;
        assert_eq!(by_another_name.status, 200);
    }
}

#[tokio::test(start_paused = true)]
async fn a_target_that_is_too_dear_is_passed_over_whatever_brings_the_attempt_about() {
    let failing = || always(Play::status(500));
    let silent = || always(Play::silent());
    let breaking = || always(Play::words(["A", "B"]).cut_at(Moment::Content));
    let (once, goes_on) = ("retries: {maxRetries: 0}", "continuation: AssistantPrefix");
    for (cheap, more, body) in [
        (failing(), "", whole("chat")),
        (
            silent(),
            "hedge: {delay: 2s, maxPercent: 100}, timeouts: {total: 9s}",
            whole("chat"),
        ),
        (breaking(), "stream: {recovery: Continue}", streamed("chat")),
    ] {
        let dear = always(two_cents());
        let world = World::serve(&[
            provider(
                "cheap",
                &cheap.base_url(),
                &format!("{FREE}, {once}, {goes_on}"),
            ),
            provider(
                "dear",
                &dear.base_url(),
                &format!("{PRICE}, {once}, {goes_on}"),
            ),
            key("caller", KEY, FIVE_CENTS),
            chain("chat", &["cheap", "dear"], more),
            chain("turned", &["dear", "cheap"], ""),
        ]);
        world.ask(&body).await;
        let turned = world.ask(&whole("turned")).await.attempts();
        assert!(turned.starts_with("dear=too_expensive, cheap="), "{turned}");
        assert_eq!(dear.requests(), 0, "{more}");
        assert!(cheap.requests() > 0);
    }
}

#[tokio::test(start_paused = true)]
async fn what_nobody_can_price_is_refused_where_there_is_a_most() {
    let a = always(two_cents());
    let world = World::serve(&[
        provider("a", &a.base_url(), "passthrough: {paths: [/files]}"),
        key("caller", KEY, FIVE_CENTS),
        key("other", OTHER, ""),
        chain("chat", &["a"], ""),
    ]);
    let refused = world.ask(&short("chat", 1)).await;
    assert_eq!(
        (refused.status, refused.code().as_str()),
        (403, "price_unknown")
    );
    let through = |key| {
        let request = Request::get("/passthrough/default/a/files/f")
            .header("authorization", format!("Bearer {key}"))
            .header("host", "gateway");
        request.body(Full::default()).unwrap()
    };
    let refused = world.ask_request(through(KEY)).await;
    assert_eq!(
        (refused.status, refused.code().as_str()),
        (403, "cost_unbounded")
    );
    assert_eq!(a.requests(), 0);
    assert_eq!(world.ask_as(OTHER, &whole("chat")).await.status, 200);
    world.ask_request(through(OTHER)).await;
    assert_eq!(a.requests(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_budget_that_is_nearly_used_up_moves_to_what_this_request_costs_least_at_until_the_window_ends()
 {
    let (a, b) = (as_expected(), as_expected());
    let budget = "budgets: [{name: hour, amount: \"0.10\", period: Duration, every: 1h, onExceeded: Fallback, softAtPercent: 40}]";
    let world = World::serve(&[
        provider("a", &a.base_url(), &priced("20", "1000")),
        provider("b", &b.base_url(), &priced("100", "50")),
        key("caller", KEY, budget),
        key("other", OTHER, ""),
        chain("chat", &["a", "b"], ""),
    ]);
    // Four cents for a start.
    assert_eq!(world.ask(&asking(20, 41)).await.attempts(), "a=ok");
    for (tokens, most, expected) in [(20, 10, "b=ok"), (300, 1, "a=ok"), (20, 10, "b=ok")] {
        let answer = world.ask(&asking(tokens, most)).await;
        assert_eq!(answer.attempts(), expected, "{tokens} {most}");
        assert_eq!(
            answer.header("x-fairlead-budget"),
            "key/default/caller/hour"
        );
    }
    let other = world.ask_as(OTHER, &asking(20, 10)).await;
    assert_eq!(
        other.attempts(),
        "a=ok",
        "the bystander's budget is its own"
    );
    tokio::time::sleep(seconds(3600)).await;
    assert_eq!(world.ask(&asking(20, 10)).await.attempts(), "a=ok");
}
