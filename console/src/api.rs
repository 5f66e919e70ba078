//! What is answered to each question. Who asks has been looked at before: see [`crate::route`].

use std::time::{SystemTime, UNIX_EPOCH};

use axum::response::{IntoResponse as _, Response};
use fairlead_record::{Ask, Filter, Outcome, ReadError, UsageAsk};
use http::{StatusCode, header};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::guard::{Entrant, set_cookie, too_many_tries};
use crate::pulse::Series;
use crate::reply::{failed, told};
use crate::route::Call;
use crate::source::Trouble;
use crate::view::entry::{EntryPage, EntryView};
use crate::view::standing::Standing;
use crate::viewer::{Reach, Sees, Viewer};

type Answer = Result<Response, Trouble>;

/// So many of the last failures stand on the first page.
const FAILURES: usize = 8;

impl Call {
    /// Who asks.
    fn entrant(&self) -> Result<&Entrant, Trouble> {
        let nobody = || Trouble::Unavailable("nobody is signed in".to_owned());
        self.entrant.as_ref().ok_or_else(nobody)
    }

    pub(crate) fn viewer(&self) -> Result<&Viewer, Trouble> {
        Ok(&self.entrant()?.known.viewer)
    }

    /// What the body says.
    fn question<T: DeserializeOwned>(&self) -> Result<T, Trouble> {
        serde_json::from_slice(&self.body)
            .map_err(|error| Trouble::Bad(format!("this is not what is asked with: {error}")))
    }
}

impl From<ReadError> for Trouble {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Unavailable(_) => Self::Unavailable(error.to_string()),
            ReadError::TooLong => Self::Bad(error.to_string()),
        }
    }
}

/// Who signs in: with a token, or as the holder of a virtual key.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SignIn {
    token: Option<String>,
    key: Option<String>,
}

pub(crate) async fn sign_in(call: Call) -> Answer {
    let asked: SignIn = call.question()?;
    if asked.key.is_some() && !call.console.settings.holders {
        let words = "keys do not open this console; sign in with a token";
        return Err(Trouble::Forbidden(words.to_owned()));
    }
    let begun = match call.console.tries.begin(call.from) {
        Ok(begun) => begun,
        Err(left) => return Ok(too_many_tries(left.as_secs())),
    };
    let source = &call.console.source;
    let viewer = match (&asked.token, &asked.key) {
        (Some(token), None) => source.admit(token.trim()).await,
        (None, Some(key)) => {
            let holder = source.holder(key.trim()).await;
            holder.map(|holder| holder.map(Viewer::holding))
        }
        _ => Err(Trouble::Bad(
            "say either token or key, and not both".to_owned(),
        )),
    };
    let viewer = match viewer {
        Ok(viewer) => viewer,
        Err(trouble) => {
            // Who could not be asked about has not guessed wrong.
            begun.forgive();
            return Err(trouble);
        }
    };
    let Some(viewer) = viewer else {
        let words = if asked.key.is_some() {
            "this is no key that is good: it may be unknown, expired, suspended or replaced"
        } else {
            "this is not the token"
        };
        return Ok(failed(StatusCode::UNAUTHORIZED, "refused", words));
    };
    begun.forgive();
    let who = Who::of(&viewer);
    let Some(value) = call.console.sessions.begin(viewer) else {
        return Err(Trouble::Unavailable(
            "the system gives no random numbers".to_owned(),
        ));
    };
    let cookie = [(header::SET_COOKIE, set_cookie(&call.headers, &value))];
    Ok((cookie, told(&who)).into_response())
}

/// Who is signed in.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Who {
    name: String,
    /// Whether they see what is of their key, and nothing else.
    holder: bool,
    /// The namespaces that they see; absent: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    namespaces: Option<Vec<String>>,
    /// The pages on which there is something for them.
    pages: Vec<&'static str>,
}

impl Who {
    fn of(viewer: &Viewer) -> Self {
        Self {
            name: viewer.name.clone(),
            holder: viewer.is_holder(),
            namespaces: match &viewer.sees {
                Sees::Everything | Sees::Key(_) => None,
                Sees::Namespaces(names) => Some(names.iter().cloned().collect()),
            },
            pages: pages(viewer),
        }
    }
}

/// The pages on which there is something for a viewer.
fn pages(viewer: &Viewer) -> Vec<&'static str> {
    if viewer.is_holder() {
        return vec!["mine", "requests", "setup"];
    }
    let rights = &viewer.rights;
    let by_right: [(&Reach, &[&str]); 4] = [
        (&rights.requests, &["requests"]),
        (&rights.health, &["providers"]),
        (&rights.usage, &["keys"]),
        (
            &rights.rules,
            &["rules", "explain", "builder", "configuration"],
        ),
    ];
    let seen = by_right.iter().filter(|(reach, _)| !reach.is_empty());
    let mut pages = vec!["overview", "setup", "catalog"];
    pages.extend(seen.flat_map(|(_, pages)| pages.iter().copied()));
    pages
}

#[expect(clippy::unused_async, reason = "the other handlers wait")]
pub(crate) async fn whoami(call: Call) -> Answer {
    Ok(told(&Who::of(call.viewer()?)))
}

#[expect(clippy::unused_async, reason = "the other handlers wait")]
pub(crate) async fn sign_out(call: Call) -> Answer {
    if let Some(session) = &call.entrant()?.session {
        call.console.sessions.end(session);
    }
    let cookie = [(header::SET_COOKIE, set_cookie(&call.headers, ""))];
    Ok((cookie, StatusCode::NO_CONTENT).into_response())
}

/// The first page.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Overview {
    standing: Standing,
    pulse: Series,
    /// The last requests that were not answered.
    failures: Vec<EntryView>,
    /// Why these are not known.
    log_problem: Option<String>,
}

pub(crate) async fn overview(call: Call) -> Answer {
    let viewer = call.viewer()?;
    let standing = call.console.source.standing(viewer).await?;
    let filter = Filter {
        scope: viewer.scope(),
        outcome: Some(Outcome::Failed),
        ..Filter::default()
    };
    let ask = Ask {
        after: None,
        limit: FAILURES,
    };
    let failures = call.console.source.log().search(&filter, ask).await;
    let log_problem = failures.as_ref().err().map(ToString::to_string);
    Ok(told(&Overview {
        standing,
        pulse: call.console.feed.pulse(viewer, now()),
        failures: failures
            .map(|page| EntryPage::of(&page, viewer).entries)
            .unwrap_or_default(),
        log_problem,
    }))
}

pub(crate) async fn providers(call: Call) -> Answer {
    Ok(told(&call.console.source.providers(call.viewer()?).await?))
}

pub(crate) async fn rules(call: Call) -> Answer {
    Ok(told(&call.console.source.rules(call.viewer()?).await?))
}

pub(crate) async fn explain(call: Call) -> Answer {
    let (viewer, question) = (call.viewer()?, call.question()?);
    Ok(told(&call.console.source.explain(viewer, question).await?))
}

pub(crate) async fn keys(call: Call) -> Answer {
    Ok(told(&call.console.source.keys(call.viewer()?).await?))
}

pub(crate) async fn usage(call: Call) -> Answer {
    let mut ask: UsageAsk = call.question()?;
    ask.scope = call.viewer()?.spend();
    Ok(told(&call.console.source.log().usage(&ask).await?))
}

/// Which requests, and which page of them.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Search {
    filter: Filter,
    ask: Ask,
}

pub(crate) async fn requests(call: Call) -> Answer {
    let Search { mut filter, ask } = call.question()?;
    let viewer = call.viewer()?;
    filter.scope = viewer.scope();
    let page = call.console.source.log().search(&filter, ask).await?;
    Ok(told(&EntryPage::of(&page, viewer)))
}

pub(crate) async fn request(call: Call) -> Answer {
    let viewer = call.viewer()?;
    let id = id(&call.last)?;
    let entry = call.console.source.log().get(id, &viewer.scope()).await?;
    Ok(told(&EntryView::of(&entry.ok_or_else(gone)?, viewer)))
}

/// What was written in a request; of one whose key this viewer may not look into there is nothing, not even whether it is there.
pub(crate) async fn content(call: Call) -> Answer {
    let viewer = call.viewer()?;
    if viewer.rights.content.is_empty() {
        return Err(Trouble::Forbidden(
            "to read what was written in requests takes the right to get virtualkeys/content"
                .to_owned(),
        ));
    }
    let id = id(&call.last)?;
    let scope = viewer.rights.content.scope();
    let entry = call.console.source.log().get(id, &scope).await?;
    if entry.is_none() {
        return Err(gone());
    }
    Ok(told(&call.console.source.content(viewer, id).await?))
}

fn id(text: &str) -> Result<u64, Trouble> {
    let bad = || Trouble::Bad("an id has 16 hexadecimal digits".to_owned());
    fairlead_record::hex::id(text).ok_or_else(bad)
}

fn gone() -> Trouble {
    let words = "no request of this id is kept any more, or it is not for your eyes";
    Trouble::NotFound(words.to_owned())
}

pub(crate) async fn configuration(call: Call) -> Answer {
    let viewer = call.viewer()?;
    Ok(told(&call.console.source.configuration(viewer).await?))
}

pub(crate) async fn catalog(call: Call) -> Answer {
    Ok(told(&call.console.source.catalog(call.question()?).await?))
}

pub(crate) async fn build(call: Call) -> Answer {
    let (viewer, form) = (call.viewer()?, call.question()?);
    // Whoever types asks again before there is an answer, and wants that to the last question.
    let mut turn = call.console.builds.take(call.entrant()?);
    tokio::select! {
        biased;
        () = turn.is_over() => Err(Trouble::Superseded),
        built = call.console.source.build(viewer, form) => Ok(told(&built?)),
    }
}

pub(crate) async fn apply(call: Call) -> Answer {
    let (viewer, apply) = (call.viewer()?, call.question()?);
    Ok(told(&call.console.source.apply(viewer, apply).await?))
}

pub(crate) async fn awaited(call: Call) -> Answer {
    let (viewer, awaited) = (call.viewer()?, call.question()?);
    Ok(told(&call.console.source.awaited(viewer, awaited).await?))
}

pub(crate) async fn mine(call: Call) -> Answer {
    let Sees::Key(holder) = &call.viewer()?.sees else {
        return Err(Trouble::NotFound(
            "this page is of the key that one has signed in with; you have signed in with a token"
                .to_owned(),
        ));
    };
    Ok(told(&call.console.source.mine(holder).await?))
}

/// Seconds since 1970.
pub(crate) fn now() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, |now| i64::try_from(now.as_secs()).unwrap_or(0))
}
