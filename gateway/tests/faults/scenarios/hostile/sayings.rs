//! Requests that a provider refuses for what they ask, and answers that are too much: they speak against nobody but who asked.

use serde_json::json;

use super::stage::Stage;
use crate::harness::{streamed, whole};

async fn refused(stage: &Stage, agent: &str, status: u16) {
    stage
        .again(async || {
            for body in [whole("chat"), streamed("chat")] {
                let answer = stage.ask(agent, &body).await;
                assert_eq!(answer.status, status, "{agent}: {}", answer.text());
            }
        })
        .await;
}

pub(super) async fn prompts_that_are_flagged(stage: &Stage) {
    refused(stage, "flagged", 403).await;
}

pub(super) async fn prompts_that_a_firewall_blocks(stage: &Stage) {
    refused(stage, "firewall", 403).await;
}

pub(super) async fn more_tokens_than_there_is_credit_for(stage: &Stage) {
    refused(stage, "credit", 402).await;
}

pub(super) async fn contexts_that_are_too_long(stage: &Stage) {
    refused(stage, "too-long", 400).await;
}

pub(super) async fn parameters_that_are_refused(stage: &Stage) {
    refused(stage, "bad", 400).await;
    refused(stage, "too-large", 413).await;
}

pub(super) async fn refusals_within_a_200(stage: &Stage) {
    stage
        .again(async || {
            let answer = stage.ask("refused-in-200", &streamed("chat")).await;
            assert_eq!(answer.status, 400, "{}", answer.text());
        })
        .await;
}

pub(super) async fn models_that_are_not_there(stage: &Stage) {
    stage
        .again(async || {
            let answer = stage.ask("unknown", &whole("a/nothing")).await;
            assert_eq!(answer.status, 404, "{}", answer.text());
            let answer = stage.ask("", &whole("nothing")).await;
            assert_eq!(answer.status, 404, "{}", answer.text());
        })
        .await;
}

pub(super) async fn invented_names_and_then_a_403(stage: &Stage) {
    for number in 0..stage.sizes.many.max(560) {
        let name = format!("a/invented-{number}");
        assert_eq!(stage.ask("unknown", &whole(&name)).await.status, 404);
    }
    for number in 0..20 {
        let name = format!("a/forbidden-{number}");
        assert_eq!(stage.ask("flagged", &whole(&name)).await.status, 403);
    }
}

pub(super) async fn more_choices_than_are_taken(stage: &Stage) {
    stage
        .again(async || {
            let answer = stage.ask("many-choices", &streamed("chat")).await;
            assert!(!answer.done(), "{}", answer.text());
        })
        .await;
}

pub(super) async fn as_many_choices_as_there_may_be_and_more(stage: &Stage) {
    stage
        .again(async || {
            for (n, status) in [(128, 200), (129, 400), (u64::MAX, 400)] {
                let mut body = whole("chat");
                body["n"] = json!(n);
                let answer = stage.ask("", &body).await;
                assert_eq!(answer.status, status, "{n}: {}", answer.text());
            }
        })
        .await;
}

/// Many servers have never heard of `n`.
pub(super) async fn choices_that_never_come(stage: &Stage) {
    stage
        .again(async || {
            let mut body = streamed("chat");
            body["n"] = json!(4);
            stage.ask("one-choice", &body).await;
        })
        .await;
}

pub(super) async fn an_event_that_is_larger_than_any(stage: &Stage) {
    for _ in 0..2 {
        let answer = stage.ask("image", &streamed("chat")).await;
        assert!(!answer.done(), "{}", answer.status);
    }
}

pub(super) async fn an_answer_that_is_larger_than_is_held(stage: &Stage) {
    for _ in 0..2 {
        let answer = stage.ask("huge", &whole("chat")).await;
        assert_eq!((answer.status, answer.whole), (200, true));
    }
}
