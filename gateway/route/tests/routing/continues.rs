//! Rules that choose nothing and after which matching goes on.

use std::time::Duration;

use fairlead_route::{NoRoute, Plan, all_well};
use fairlead_snapshot::{
    Commit, OnClientGone, OnUnsupported, Recovery, SaidDefault, Scope, Streams,
};

use crate::world::{RuleBuilder, World, asked, labelled, name, nothing, provider, rule};

fn world() -> World {
    World::new()
        .provider("gateway/openai", provider(&["gpt-4o", "gpt-5"]))
        .provider("gateway/other", provider(&["gpt-4o"]))
}

fn plan(world: &World, model: &str) -> Plan {
    let table = world.table();
    let caller = world.caller(&table, "search/k");
    table.plan(&caller, model, &nothing(), &all_well).unwrap()
}

fn through(plan: &Plan) -> Vec<&str> {
    plan.through.iter().map(|label| &**label).collect()
}

/// What is set in what a step is sent: `member=value`.
fn set(step: &fairlead_route::Step) -> Vec<String> {
    let amendments = step.amendments.iter();
    let set = amendments.flat_map(|amendments| &amendments.parameters.overrides);
    set.map(|(name, value)| format!("{name}={value}")).collect()
}

#[test]
fn a_name_that_a_rule_gives_is_matched_and_asked_for() {
    let world = world()
        .rule(rule("search/alias").models(&["chat"]).continuing("gpt-4o"))
        .rule(
            rule("search/r")
                .models(&["gpt-4o"])
                .target("main", "gateway/other", "", 1),
        );
    assert_eq!(
        world.ask("search/k", "chat").unwrap(),
        ["search/r: main -> gateway/other gpt-4o-upstream"]
    );
    let plan = plan(&world, "chat");
    assert_eq!(through(&plan), ["search/alias"]);
    assert!(plan.configured);
}

#[test]
fn names_are_given_one_after_the_other_and_a_bare_one_goes_to_who_offers_it() {
    let alias = |own: &str, from: &str, to: &str| rule(own).models(&[from]).continuing(to);
    let world = world()
        .rule(alias("search/a", "chat", "best"))
        .rule(alias("search/b", "best", "newest"))
        .rule(alias("gateway/c", "newest", "gpt-5"));
    // Whoever named it last is told as the rule.
    assert_eq!(
        world.ask("search/k", "chat").unwrap(),
        ["gateway/c: gateway/openai -> gateway/openai gpt-5-upstream"]
    );
    assert_eq!(plan(&world, "chat").through.len(), 3);
    assert_eq!(
        world.ask("search/k", "newest").unwrap(),
        ["gateway/c: gateway/openai -> gateway/openai gpt-5-upstream"]
    );
}

#[test]
fn with_another_name_matching_begins_anew_so_that_no_order_gets_round_a_rule() {
    let imposed = rule("gateway/imposed")
        .overriding()
        .models(&["gpt-4o"])
        .target("imposed", "gateway/other", "", 1);
    let own = rule("search/own")
        .scope(Scope::VirtualKey(name("search/k")))
        .models(&["gpt-5"])
        .target("own", "gateway/openai", "", 1);
    let alias = |own: &str, from: &str, to: &str| rule(own).models(&[from]).continuing(to);
    let world = world()
        .rule(imposed)
        .rule(own)
        .rule(alias("search/a", "chat", "gpt-4o"))
        .rule(alias("search/b", "best", "gpt-5"));
    // The Override rule and the one of the narrower scope stand before the aliases.
    assert_eq!(
        world.ask("search/k", "chat").unwrap(),
        ["gateway/imposed: imposed -> gateway/other gpt-4o-upstream"]
    );
    assert_eq!(
        world.ask("search/k", "best").unwrap(),
        ["search/own: own -> gateway/openai gpt-5-upstream"]
    );
}

#[test]
fn conditions_of_later_rules_see_the_new_name() {
    let world = world()
        .rule(rule("search/alias").models(&["chat"]).continuing("gpt-4o"))
        .rule(rule("search/r").when("request.model == \"gpt-4o\"").target(
            "main",
            "gateway/other",
            "",
            1,
        ));
    assert_eq!(
        world.ask("search/k", "chat").unwrap(),
        ["search/r: main -> gateway/other gpt-4o-upstream"]
    );
}

#[test]
fn what_is_said_first_holds_over_later_rules_and_targets() {
    let world = world()
        .rule(
            rule("gateway/platform")
                .overriding()
                .continuing("")
                .setting("max_tokens", 10),
        )
        .rule(
            rule("search/early")
                .models(&["chat"])
                .continuing("")
                .setting("max_tokens", 99)
                .setting("n", 1),
        )
        .rule(
            rule("search/r")
                .models(&["chat"])
                .target("main", "gateway/openai", "gpt-5", 1)
                .setting("n", 3)
                .setting("seed", 7)
                .fallback("spare", "gateway/other", "gpt-4o", &[]),
        );
    let plan = plan(&world, "chat");
    assert_eq!(set(&plan.steps[0]), ["max_tokens=10", "n=1", "seed=7"]);
    assert_eq!(set(&plan.steps[1]), ["max_tokens=10", "n=1"]);
    assert_eq!(through(&plan), ["gateway/platform", "search/early"]);
}

/// A tenant's alias, which is passed before any rule for the new name, and says things of its own.
fn alias() -> RuleBuilder {
    let mut alias = rule("search/alias")
        .models(&["chat"])
        .continuing("gpt-4o")
        .setting("max_tokens", 99)
        .setting("n", 1);
    alias.0.timeouts.total = Some(Duration::from_secs(100));
    alias.0.timeouts.idle = Some(Duration::from_secs(9));
    alias.0.on_unsupported = OnUnsupported::Drop;
    alias
}

#[test]
fn no_alias_takes_the_last_word_from_an_override_that_continues() {
    let mut platform = rule("gateway/platform")
        .overriding()
        .models(&["gpt-4o"])
        .continuing("")
        .setting("max_tokens", 10)
        .mirror("next", "gateway/openai", "gpt-5", 100);
    platform.0.timeouts.total = Some(Duration::from_secs(5));
    let own = rule("search/r")
        .models(&["gpt-4o"])
        .target("main", "gateway/other", "", 1)
        .setting("max_tokens", 98)
        .setting("seed", 7);
    let plan = plan(&world().rule(alias()).rule(platform).rule(own), "chat");
    assert_eq!(through(&plan), ["search/alias", "gateway/platform"]);
    assert_eq!(set(&plan.steps[0]), ["max_tokens=10", "n=1", "seed=7"]);
    assert_eq!(set(&plan.copies[0].step), ["max_tokens=10", "n=1"]);
    let timeouts = plan.rule.unwrap().timeouts;
    let seconds = |count| Some(Duration::from_secs(count));
    assert_eq!((timeouts.total, timeouts.idle), (seconds(5), seconds(9)));
}

#[test]
fn no_alias_takes_the_last_word_from_an_override_that_chooses() {
    let mut imposed = rule("gateway/imposed")
        .overriding()
        .models(&["gpt-4o"])
        .target("imposed", "gateway/other", "", 1)
        .setting("max_tokens", 10)
        .fallback("spare", "gateway/openai", "gpt-5", &[])
        .mirror("next", "gateway/openai", "gpt-5", 100);
    imposed.0.mirrors[0].target.parameters = imposed.0.targets[0].parameters.clone();
    imposed.0.timeouts.total = Some(Duration::from_secs(5));
    imposed.0.said_defaults = vec![SaidDefault::OnUnsupported];
    let first = rule("gateway/first")
        .overriding()
        .continuing("")
        .setting("n", 4);
    let world = world().rule(alias()).rule(imposed).rule(first);
    let plan = plan(&world, "chat");
    assert_eq!(set(&plan.steps[0]), ["max_tokens=10", "n=4"]);
    assert_eq!(set(&plan.steps[1]), ["max_tokens=99", "n=4"]);
    assert_eq!(set(&plan.copies[0].step), ["max_tokens=10", "n=4"]);
    let head = plan.rule.unwrap();
    let seconds = |count| Some(Duration::from_secs(count));
    assert_eq!(head.name, name("gateway/imposed"));
    assert_eq!(
        (head.timeouts.total, head.timeouts.idle),
        (seconds(5), seconds(9))
    );
    assert_eq!(head.on_unsupported, OnUnsupported::Refuse);
}

#[test]
fn a_default_that_is_said_holds_over_what_is_said_later() {
    let mut platform = rule("gateway/platform").overriding().continuing("");
    platform.0.said_defaults = vec![SaidDefault::OnUnsupported, SaidDefault::Recovery];
    let mut own = rule("search/r")
        .models(&["chat"])
        .target("main", "gateway/openai", "gpt-5", 1);
    own.0.on_unsupported = OnUnsupported::Drop;
    own.0.stream = Streams {
        recovery: Recovery::Continue,
        commit: Commit::Complete,
        on_client_gone: OnClientGone::Finish,
    };
    let head = |world: World| plan(&world, "chat").rule.unwrap();
    let tuned = head(world().rule(platform).rule(own.clone()));
    assert_eq!(tuned.on_unsupported, OnUnsupported::Refuse);
    // Each member goes by itself.
    assert_eq!(
        tuned.stream,
        Streams {
            recovery: Recovery::Fail,
            ..own.0.stream
        }
    );
    // What is not said holds nothing.
    let mut silent = rule("gateway/silent").overriding().continuing("");
    silent.0.stream.on_client_gone = OnClientGone::Finish;
    own.0.stream.on_client_gone = OnClientGone::Cancel;
    let tuned = head(world().rule(silent).rule(own.clone()));
    assert_eq!(tuned.on_unsupported, OnUnsupported::Drop);
    assert_eq!(
        tuned.stream,
        Streams {
            on_client_gone: OnClientGone::Finish,
            ..own.0.stream
        }
    );
}

#[test]
fn times_that_are_said_first_hold_and_of_costs_the_least() {
    let seconds = |count| Some(Duration::from_secs(count));
    let mut patient = rule("search/patient").continuing("");
    patient.0.timeouts.total = seconds(100);
    patient.0.max_cost = Some(7);
    let mut last =
        rule("search/r")
            .models(&["chat"])
            .priority(1)
            .target("main", "gateway/openai", "gpt-5", 1);
    last.0.timeouts.total = seconds(5);
    last.0.timeouts.idle = seconds(3);
    last.0.max_cost = Some(9);
    let head = plan(&world().rule(patient).rule(last), "chat")
        .rule
        .unwrap();
    assert_eq!(
        (head.timeouts.total, head.timeouts.idle),
        (seconds(100), seconds(3))
    );
    assert_eq!(head.name, name("search/r"));
    assert_eq!(
        (head.max_cost, head.max_cost_by.clone()),
        (Some(7), Some(name("search/patient")))
    );
}

#[test]
fn names_that_go_round_come_to_an_end() {
    let alias = |own: &str, from: &str, to: &str| rule(own).models(&[from]).continuing(to);
    let world = world()
        .rule(alias("search/a", "chat", "gpt-4o"))
        .rule(alias("search/b", "gpt-4o", "chat"));
    // The compiler refuses these. Each holds once, and then none is left for the name.
    assert_eq!(world.ask("search/k", "chat"), Err(NoRoute::NoRule));
    let astray = self::world().rule(alias("search/a", "chat", "unheard-of"));
    assert_eq!(
        astray.ask("search/k", "chat"),
        Err(NoRoute::UnknownAlias {
            rule: name("search/a"),
            model: "unheard-of".to_owned()
        })
    );
    // A rule that gives every name the same one gives it once.
    let all = self::world().rule(rule("search/all").continuing("gpt-5"));
    assert_eq!(
        all.ask("search/k", "anything").unwrap(),
        ["search/all: gateway/openai -> gateway/openai gpt-5-upstream"]
    );
}

#[test]
fn no_more_than_ten_rules_continue() {
    let with = |count: usize| {
        let rules = (0..count).map(|at| rule(&format!("search/c{at:02}")).continuing(""));
        let world = rules.fold(world(), World::rule);
        world.ask("search/k", "gpt-5")
    };
    assert!(with(10).is_ok());
    let rule = name("search/c10");
    assert_eq!(with(11), Err(NoRoute::TooManyRules { rule }));
}

#[test]
fn no_name_gets_round_a_constraint() {
    let world = World::new()
        .provider(
            "gateway/eu",
            labelled("region=eu", provider(&["m", "secret"])),
        )
        .provider(
            "gateway/us",
            labelled("region=us", provider(&["m", "secret"])),
        )
        .rule(
            rule("gateway/c")
                .models(&["secret"])
                .constraining("region=eu"),
        )
        .rule(rule("search/alias").models(&["chat"]).continuing("secret"))
        .rule(rule("search/back").models(&["secret"]).continuing("m"))
        .rule(
            rule("search/r")
                .models(&["m"])
                .target("us", "gateway/us", "", 9)
                .target("eu", "gateway/eu", "", 1),
        );
    // By whatever name it was held once, it is held: as sent, and as a rule named it in between.
    for model in ["chat", "secret"] {
        assert_eq!(
            world.ask("search/k", model).unwrap(),
            ["search/r: eu -> gateway/eu m-upstream"],
            "{model}"
        );
    }
    assert_eq!(world.ask("search/k", "m").unwrap().len(), 2);
}

/// A name that is held between the one that is sent and the one that a rule chooses for.
fn held_in_between() -> World {
    World::new()
        .provider("gateway/eu", labelled("region=eu", provider(&["m"])))
        .provider("gateway/us", labelled("region=us", provider(&["m"])))
        .rule(
            rule("gateway/c")
                .models(&["secret"])
                .constraining("region=eu"),
        )
        .rule(rule("search/alias").models(&["chat"]).continuing("secret"))
}

#[test]
fn explain_says_what_holds_by_a_name_in_between() {
    let world = held_in_between()
        .rule(rule("search/back").models(&["secret"]).continuing("m"))
        .rule(
            rule("search/r")
                .models(&["m"])
                .target("eu", "gateway/eu", "", 1),
        );
    let table = world.table();
    let caller = world.caller(&table, "search/k");
    let explanation = table.explain(&caller, "chat", &asked("chat", &[]));
    insta::assert_snapshot!(explanation, @r"
    rule gateway/c: constrains it to gateway/eu
    rule search/alias: matched, and matching goes on with the name secret
    rule search/back: matched, and matching goes on with the name m
    rule search/r: matched
    taken by rule search/r
    1. eu asks for m-upstream
    ");
}

#[test]
fn a_request_that_is_refused_says_what_it_was_held_to_by_every_name() {
    let astray = rule("search/astray")
        .models(&["secret"])
        .continuing("unheard-of");
    let world = held_in_between().rule(astray);
    let table = world.table();
    let caller = world.caller(&table, "search/k");
    let refused = table.planned(&caller, "chat", &asked("chat", &[]), &all_well);
    let refused = refused.unwrap_err();
    assert!(matches!(refused.reason, NoRoute::UnknownAlias { .. }));
    let held: Vec<&str> = refused.constraints.iter().map(|name| &**name).collect();
    assert_eq!(held, ["gateway/c"]);
}

#[test]
fn explain_says_where_matching_goes_on() {
    let world = world()
        .rule(rule("search/alias").models(&["chat"]).continuing("gpt-4o"))
        .rule(rule("search/tuned").continuing("").setting("n", 1))
        .rule(
            rule("search/r")
                .models(&["gpt-4o"])
                .target("main", "gateway/other", "", 1)
                .mirror("next", "gateway/openai", "gpt-5", 5),
        )
        .rule(
            rule("search/chat")
                .models(&["chat"])
                .target("never", "gateway/other", "", 1),
        );
    let table = world.table();
    let caller = world.caller(&table, "search/k");
    let explanation = table.explain(&caller, "chat", &asked("chat", &[]));
    insta::assert_snapshot!(explanation, @r"
    rule search/alias: matched, and matching goes on with the name gpt-4o
    rule search/chat: no: match.models does not include the model
    rule search/r: matched
    rule search/tuned: would match, but an earlier rule has taken the request
    taken by rule search/r
    1. main asks for gpt-4o-upstream
    5 % are copied to next of rule search/r
    ");
}
