//! How a cell is played, and what has to come of it.

mod broken;
mod refusals;

use fairlead_faults::Play;
use serde_json::json;

use super::ask::{Ask, Turn, With};
use super::dialect::{Dialect, Members};
use super::feature::{Feature, Way};
use super::refused;
use super::said::{SIGNATURE, Said, USED, same};
use super::stage::{Line, Stage};
use super::surface::Surface;

/// What became of a cell.
#[derive(Debug)]
pub(crate) enum Outcome {
    Passes,
    /// It cannot be, for this reason, and the caller was told.
    Refused(&'static str),
    /// It is answered without what is advice, for this reason or of this name, and the caller was told.
    LeftOut(&'static str),
}

/// Plays a cell.
///
/// # Errors
/// What is not as it has to be.
pub(crate) async fn play(
    surface: Surface,
    dialect: Dialect,
    feature: &Feature,
) -> Result<Outcome, String> {
    let reason = refused::reason(surface, dialect, feature);
    let stage = async |lines| Stage::new(surface, dialect, lines).await;
    if matches!(feature.way, Way::Counts) {
        refusals::counts(
            &stage(vec![Line::Does(Play::json(
                200,
                &json!({"input_tokens": 42, "totalTokens": 42}),
            ))])
            .await,
        )
        .await?;
    } else if reason.is_some() {
        refusals::is_refused(&stage(vec![Line::Says(Said::words("No."))]).await, feature).await?;
    } else {
        match feature.way {
            Way::Whole(said) => once(surface, dialect, feature, said(), false).await?,
            Way::Streamed(said) => once(surface, dialect, feature, said(), true).await?,
            Way::Either(said) | Way::Counted(said) => {
                once(surface, dialect, feature, said(), false).await?;
                once(surface, dialect, feature, said(), true).await?;
            }
            Way::Turns(ids) => {
                turns(surface, dialect, ids, false).await?;
                turns(surface, dialect, ids, true).await?;
            }
            Way::GivenBack(said) => return given_back(surface, dialect, feature, &said()).await,
            Way::Fails(class) => refusals::fails(surface, dialect, class).await?,
            Way::CutBefore => broken::cut_before(surface, dialect).await?,
            Way::CutAfter => broken::broken(surface, dialect, feature, None).await?,
            Way::FailsWithin(words) => {
                broken::broken(surface, dialect, feature, Some(words)).await?;
            }
            Way::Counts => {}
        }
    }
    Ok(
        match (reason, left_out(surface, dialect, feature).first().copied()) {
            (Some(reason), _) => Outcome::Refused(reason),
            (None, Some(name)) => Outcome::LeftOut(name),
            (None, None) => Outcome::Passes,
        },
    )
}

/// What of it is advice for which the dialect has no words.
fn left_out(surface: Surface, dialect: Dialect, feature: &Feature) -> Vec<&'static str> {
    let with = feature.with.iter();
    with.filter_map(|with| refused::left_out(surface, dialect, *with))
        .collect()
}

fn ask(with: &'static [With], stream: bool) -> Ask {
    Ask {
        model: "m",
        stream,
        with,
        turns: Vec::new(),
    }
}

/// What a request in a dialect's words holds: what is particular goes before what is usual.
fn members(dialect: Dialect, with: &[With], stream: bool) -> Members {
    // Where tools cannot be offered and not be called, they are left out.
    let left_out = |one: &&With| {
        let none = dialect == Dialect::Bedrock && with.contains(&With::NoTool);
        none && **one == With::Tools
    };
    let particular: Members = with
        .iter()
        .filter(|one| !left_out(one))
        .flat_map(|with| dialect.asked_with(*with))
        .collect();
    let usual = dialect.asked(stream).into_iter();
    let apart = usual.filter(|(at, _)| {
        let within = |other: &str| other == at || other.starts_with(&format!("{at}/"));
        !particular.iter().any(|(other, _)| within(other))
    });
    apart.chain(particular.clone()).collect()
}

async fn once(
    surface: Surface,
    dialect: Dialect,
    feature: &Feature,
    said: Said,
    stream: bool,
) -> Result<(), String> {
    let stage = Stage::new(surface, dialect, vec![Line::Says(said.clone())]).await;
    let members = members(dialect, feature.with, stream);
    let answer = stage.ask(&ask(feature.with, stream), members).await?;
    stage.heard(&answer, &said, stream)?;
    let left_out = left_out(surface, dialect, feature).join(", ");
    let warning = match left_out.as_str() {
        "" => String::new(),
        names => format!("299 fairlead \"not asked for: {names}\""),
    };
    same("warning", &answer.header("warning"), &warning.as_str())?;
    if matches!(feature.way, Way::Counted(_)) {
        let line = stage.gateway.access(|line| line["stream"] == stream).await;
        let counts = ["input_tokens", "cache_read.input_tokens", "output_tokens"];
        let logged = counts.map(|name| line[format!("gen_ai.usage.{name}")].as_u64());
        let used = [USED.input, USED.cached, USED.output].map(Some);
        same("access log", &logged, &used)?;
    }
    Ok(())
}

/// The tool is called turn after turn; each time the whole conversation comes back.
async fn turns(
    surface: Surface,
    dialect: Dialect,
    turns: &[&[&str]],
    stream: bool,
) -> Result<(), String> {
    let mut lines: Vec<Said> = turns.iter().map(|ids| Said::calls(ids)).collect();
    lines.push(Said::words("Red."));
    let script = lines.iter().cloned().map(Line::Says).collect();
    let stage = Stage::new(surface, dialect, script).await;
    let mut ask = ask(&[With::Tools], stream);
    for (turn, said) in lines.iter().enumerate() {
        let mut members = members(dialect, ask.with, stream);
        members.extend(dialect.called(&turns[..turn]));
        let answer = stage.ask(&ask, members).await?;
        let body = stage.heard(&answer, said, stream)?;
        ask.turns.push(Turn::Answered(surface.given_back(&body)));
        ask.turns.push(next(said));
    }
    same("requests", &stage.asked(), &(lines.len(), 0))
}

/// What the caller says after that.
fn next(said: &Said) -> Turn {
    if said.calls.is_empty() {
        return Turn::More;
    }
    Turn::Results(said.calls.iter().map(|call| call.id.clone()).collect())
}

/// Signed thoughts go back to whom they came from, whole and streamed.
async fn given_back(
    surface: Surface,
    dialect: Dialect,
    feature: &Feature,
    said: &Said,
) -> Result<Outcome, String> {
    let (held, goes_back) = dialect.thought(said);
    let goes_back = goes_back || refused::passes_bytes(surface, dialect);
    for stream in [false, true] {
        let lines = vec![Line::Says(said.clone()), Line::Says(Said::words("Red."))];
        let stage = Stage::new(surface, dialect, lines).await;
        let mut ask = ask(feature.with, stream);
        let first = members(dialect, feature.with, stream);
        let answer = stage.ask(&ask, first).await?;
        let body = stage.heard(&answer, said, stream)?;
        ask.turns = vec![Turn::Answered(surface.given_back(&body)), next(said)];
        let answer = stage.ask(&ask, held.clone()).await?;
        stage.heard(&answer, &Said::words("Red."), stream)?;
        let sent = stage.provider.seen().pop().unwrap();
        let holds = String::from_utf8_lossy(&sent.body).contains(SIGNATURE);
        same("the signature goes back", &holds, &goes_back)?;
    }
    if goes_back {
        return Ok(Outcome::Passes);
    }
    Ok(Outcome::LeftOut(
        "Chat Completions has no member for it, and a provider of whom nothing is known may refuse one",
    ))
}
