//! Streams that break: before the first content another target answers, after it the caller is told in its surface's way.

use super::super::ask::HELLO;
use super::super::dialect::{Dialect, Words};
use super::super::feature::Feature;
use super::super::said::{Said, same};
use super::super::stage::{Line, OTHER, Stage};
use super::super::surface::Surface;
use super::ask;

pub(super) async fn cut_before(surface: Surface, dialect: Dialect) -> Result<(), String> {
    let cut = dialect.breaks_off(&Said::words(HELLO), dialect.before_content(), None);
    let stage = Stage::new(surface, dialect, vec![Line::Does(cut)]).await;
    let mut ask = ask(&[], true);
    ask.model = "m-or-other";
    let answer = surface.ask(&stage.gateway, &ask).await;
    same("attempts", &answer.attempts(), &"a=reset, b=ok")?;
    let told = surface.told(&answer)?;
    same("whether it ended", &told.ended, &true)?;
    let understood = surface.said(&told.body)?;
    same(
        "what was heard",
        &understood,
        &Said::words(OTHER).by(dialect.next()),
    )?;
    same("requests", &stage.asked(), &(1, 1))
}

/// The caller has seen some of it: nobody else is asked, and the surface says that it failed. `words`: the provider says so; else it is gone.
pub(super) async fn broken(
    surface: Surface,
    dialect: Dialect,
    feature: &Feature,
    words: Option<Words>,
) -> Result<(), String> {
    let calls = !feature.with.is_empty();
    let (said, begun) = if calls {
        // Gemini's calls come whole.
        let more = if dialect == Dialect::Gemini { 1 } else { 2 };
        (Said::calls(&["call_1"]), more)
    } else {
        (Said::words("Hello, world."), 1)
    };
    let play = dialect.breaks_off(&said, dialect.before_content() + begun, words);
    let stage = Stage::new(surface, dialect, vec![Line::Does(play)]).await;
    let mut ask = ask(feature.with, true);
    ask.model = "m-or-other";
    let answer = surface.ask(&stage.gateway, &ask).await;
    let whole = answer.text();
    let in_it = |wrong: String| format!("{wrong} in {whole}");
    same("status", &answer.status, &200).map_err(in_it)?;
    let told = surface.told(&answer).map_err(in_it)?;
    same("whether it ended", &told.ended, &false).map_err(in_it)?;
    let error = told.error.ok_or(format!("there is no error in {whole}"))?;
    let fault = surface.fault(&error);
    if words != Some(Words::ForTheCaller) {
        let kind = if surface == Surface::Responses {
            "failed"
        } else {
            surface.kind(502)
        };
        same("kind", &fault.kind.as_str(), &kind).map_err(in_it)?;
    }
    for (of, word) in [
        (Words::ForTheCaller, Words::ForTheCaller.text()),
        (Words::OfOurAccount, Words::OfOurAccount.text()),
    ] {
        let wanted = words == Some(of) && of == Words::ForTheCaller;
        same(word, &whole.contains(word), &wanted).map_err(in_it)?;
    }
    if !calls {
        let begun = surface.said(&told.body)?.text;
        same("what was heard", &begun.as_str(), &"Hello,").map_err(in_it)?;
    }
    same("requests", &stage.asked(), &(1, 0))
}
