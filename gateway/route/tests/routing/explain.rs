//! What `explain` says.

use fairlead_route::all_well;
use fairlead_snapshot::{FailureClass, Scope};

use crate::world::{World, asked, name, nothing, provider, rule};

fn world() -> World {
    let to_openai = |text| rule(text).target("main", "gateway/openai", "gpt-4o", 1);
    World::new()
        .provider("gateway/openai", provider(&["gpt-4o"]))
        .rule(
            to_openai("gateway/compliance")
                .overriding()
                .models(&["secret-*"]),
        )
        .rule(
            to_openai("search/mine")
                .scope(Scope::VirtualKey(name("search/k")))
                .when("request.stream"),
        )
        .rule(
            to_openai("search/broken")
                .scope(Scope::VirtualKey(name("search/k")))
                .when("request.params.n > 1")
                .priority(1),
        )
        .rule(
            to_openai("search/chat")
                .models(&["chat"])
                .target("second", "gateway/gone", "", 1)
                .fallback(
                    "spare",
                    "gateway/openai",
                    "gpt-9",
                    &[FailureClass::RateLimited],
                ),
        )
        .rule(to_openai("gateway/everyone"))
        .rule(to_openai("other/theirs"))
}

#[test]
fn every_rule_says_why_and_the_plan_follows() {
    let world = world();
    let table = world.table();
    let caller = world.caller(&table, "search/k");
    let explanation = table.explain(&caller, "chat", &asked("chat", &[]));
    insta::assert_snapshot!(explanation, @r"
    rule gateway/compliance: no: match.models does not include the model
    rule search/mine: no: match.when is not true
    rule search/broken: no: match.when cannot be evaluated: a null and a number have no order; ask with has() first
    rule search/chat: matched
    rule gateway/everyone: would match, but an earlier rule has taken the request
    rule other/theirs: no: its scope does not include the key
    taken by rule search/chat
    1. main asks for gpt-4o-upstream
    2. second asks for chat: cannot be tried, its provider does not exist
    3. spare asks for gpt-9, as a fallback on rate_limited, 529: cannot be tried, its provider does not offer the model
    ");
}

#[test]
fn a_request_with_nowhere_to_go_is_told_so() {
    let world = World::new().rule(rule("other/theirs").models(&["chat"]));
    let table = world.table();
    let caller = world.caller(&table, "search/k");
    let explanation = table.explain(&caller, "chat", &asked("chat", &[]));
    insta::assert_snapshot!(explanation, @r"
    rule other/theirs: no: its scope does not include the key
    refused: this model is not known here; ask for one that /v1/models lists
    ");
}

#[test]
fn explaining_takes_no_turn() {
    let world = world();
    let table = world.table();
    let caller = world.caller(&table, "search/k");
    let explain = || table.explain(&caller, "chat", &nothing()).outcome;
    assert_eq!(explain(), explain());
    assert_eq!(
        explain().map(|plan| plan.steps),
        table
            .plan(&caller, "chat", &nothing(), &all_well)
            .map(|plan| plan.steps)
    );
}
