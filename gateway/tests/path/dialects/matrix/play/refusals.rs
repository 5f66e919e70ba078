//! Errors: the provider's, and the gateway's own.

use fairlead_faults::Play;
use serde_json::{Value, json};

use super::super::dialect::{Class, Dialect};
use super::super::feature::Feature;
use super::super::refused;
use super::super::said::{Said, Stop, same, text};
use super::super::stage::{Line, Stage};
use super::super::surface::Surface;
use super::{ask, members};
use crate::harness::Answer;

pub(super) async fn fails(surface: Surface, dialect: Dialect, class: Class) -> Result<(), String> {
    let (status, header, body) = dialect.refusal(class);
    let json = ("content-type", "application/json");
    let headers: Vec<_> = [json].into_iter().chain(header).collect();
    let play = Play::answer(status, &headers, body.to_string());
    for stream in [false, true] {
        let filtered = dialect
            .filtered_stream()
            .filter(|_| status == 200 && stream);
        let play = filtered.unwrap_or_else(|| play.clone());
        let stage = Stage::new(surface, dialect, vec![Line::Does(play)]).await;
        let answer = stage
            .ask(&ask(&[], stream), members(dialect, &[], stream))
            .await?;
        if status == 200 {
            let said = Said::words("").stopped(Stop::Filtered).by(dialect);
            let in_it = |wrong: String| format!("{wrong} in {}", answer.text());
            let told = surface.told(&answer).map_err(in_it)?;
            same("whether it ended", &told.ended, &true).map_err(in_it)?;
            let understood = surface.said(&told.body)?;
            same("what was heard", &understood, &said).map_err(in_it)?;
            continue;
        }
        is_told(&stage, class, &answer)?;
    }
    if class == Class::UnknownModel {
        nobody_knows(surface, dialect).await?;
    }
    Ok(())
}

/// The error is told in the caller's words: what is about its request as the provider says it, and what is not as the gateway does.
fn is_told(stage: &Stage, class: Class, answer: &Answer) -> Result<(), String> {
    let (surface, (status, _, body)) = (stage.surface, stage.dialect.refusal(class));
    let wanted = match class {
        Class::BadRequest | Class::TooLong | Class::Filtered => 400,
        // It is the gateway's own, of which the caller knows nothing.
        Class::Credential => 502,
        Class::Overloaded if !stage.is_same() => surface.overloaded(),
        Class::RateLimited | Class::Overloaded | Class::ServerError | Class::UnknownModel => status,
    };
    let in_it = |wrong: String| format!("{wrong} in {}", answer.text());
    same("status", &answer.status, &wanted).map_err(in_it)?;
    let told = answer.json();
    let fault = surface.fault(&told);
    same("kind", &fault.kind.as_str(), &surface.kind(wanted)).map_err(in_it)?;
    let own = text(stage.dialect.sentence(&body));
    let about_request = wanted == 400;
    same("its own words", &(fault.message == own), &about_request).map_err(in_it)?;
    if class == Class::TooLong && matches!(surface, Surface::Chat | Surface::Responses) {
        // What clients of OpenAI's shorten their conversations by.
        same("code", &code(&told).as_str(), &"context_length_exceeded").map_err(in_it)?;
    }
    let after = match class {
        Class::RateLimited => "17",
        Class::BadRequest
        | Class::TooLong
        | Class::Credential
        | Class::Overloaded
        | Class::ServerError
        | Class::UnknownModel
        | Class::Filtered => "",
    };
    same("retry-after", &answer.header("retry-after"), &after).map_err(in_it)?;
    if stage.is_same() && about_request {
        same("bytes told", &answer.text(), &body.to_string())?;
    }
    Ok(())
}

/// The gateway itself does not know the model.
async fn nobody_knows(surface: Surface, dialect: Dialect) -> Result<(), String> {
    let stage = Stage::new(surface, dialect, vec![Line::Says(Said::words("No."))]).await;
    let mut ask = ask(&[], false);
    ask.model = "nobody-knows";
    let answer = surface.ask(&stage.gateway, &ask).await;
    same("status", &answer.status, &404)?;
    let fault = surface.fault(&answer.json());
    same("kind", &fault.kind.as_str(), &surface.kind(404))?;
    same("requests", &stage.asked(), &(0, 0))
}

pub(super) async fn is_refused(stage: &Stage, feature: &Feature) -> Result<(), String> {
    for stream in [false, true] {
        let answer = stage
            .surface
            .ask(&stage.gateway, &ask(feature.with, stream))
            .await;
        same("status", &answer.status, &400)?;
        let body = answer.json();
        let fault = stage.surface.fault(&body);
        same("kind", &fault.kind.as_str(), &stage.surface.kind(400))?;
        same("code", &code(&body).as_str(), &"unsupported_by_target")?;
    }
    same("requests", &stage.asked(), &(0, 0))?;
    // A rule may want it asked all the same, without what cannot be said.
    for stream in [false, true] {
        let mut ask = ask(feature.with, stream);
        ask.model = "m-dropping";
        let answer = stage.surface.ask(&stage.gateway, &ask).await;
        let in_it = |wrong: String| format!("{wrong}, dropped: {}", answer.text());
        same("status", &answer.status, &200).map_err(in_it)?;
        let warned = answer.header("warning").contains("not asked for: ");
        same("warning", &warned, &true).map_err(in_it)?;
        let told = stage.surface.told(&answer).map_err(in_it)?;
        let understood = stage.surface.said(&told.body)?;
        same(
            "what was heard",
            &understood,
            &Said::words("No.").by(stage.dialect),
        )
        .map_err(in_it)?;
        let sent = stage.provider.seen().pop().unwrap().json();
        for with in feature.with {
            for (at, value) in stage.dialect.asked_with(*with) {
                let left_out = refused::with_reason(stage.surface, stage.dialect, *with).is_some();
                let is_there = sent.pointer(&at) == Some(&value);
                same(&at, &(is_there && left_out), &false)
                    .map_err(|wrong| format!("{wrong} in {sent}"))?;
            }
        }
    }
    Ok(())
}

/// The gateway's own code, wherever the surface has it.
fn code(body: &Value) -> String {
    let error = &body["error"];
    match error["code"].as_str() {
        Some(code) => code.to_owned(),
        None => text(&error["details"][0]["reason"]),
    }
}

pub(super) async fn counts(stage: &Stage) -> Result<(), String> {
    let path = match stage.surface {
        Surface::Chat => "/v1/chat/completions/input_tokens",
        Surface::Responses => "/v1/responses/input_tokens",
        Surface::Messages => "/v1/messages/count_tokens",
        Surface::Gemini => "/v1beta/models/m:countTokens",
    };
    let mut body = stage.surface.body(&ask(&[], false));
    for answer_only in ["max_tokens", "stream"] {
        body.as_object_mut().unwrap().remove(answer_only);
    }
    let answer = stage.surface.post(&stage.gateway, path, &body).await;
    // Of Gemini the path names the model; the provider begins at /v1 here.
    let counted = match (stage.surface, stage.dialect) {
        (Surface::Messages, Dialect::Anthropic) => Some(path),
        (Surface::Gemini, Dialect::Gemini) => Some("/v1/models/m:countTokens"),
        (Surface::Chat | Surface::Responses | Surface::Messages | Surface::Gemini, _) => None,
    };
    if let Some(path) = counted {
        let count = json!({"input_tokens": 42, "totalTokens": 42});
        same("count", &answer.json(), &count)?;
        let sent = stage.provider.seen().pop().unwrap();
        same("path", &sent.path.as_str(), &path)?;
        return same("body", &sent.json(), &body);
    }
    let in_it = |wrong: String| format!("{wrong} in {}", answer.text());
    same("status", &answer.status, &404).map_err(in_it)?;
    let fault = stage.surface.fault(&answer.json());
    same("kind", &fault.kind.as_str(), &stage.surface.kind(404)).map_err(in_it)?;
    same("requests", &stage.asked(), &(0, 0))
}
