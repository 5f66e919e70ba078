//! What is answered to each question. Who asks has been looked at before: see [`crate::route`].

use std::time::{SystemTime, UNIX_EPOCH};

use axum::response::{IntoResponse as _, Response};
use fairlead_record::{Ask, Filter, Outcome, ReadError, UsageAsk};
use http::{StatusCode, header};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::guard::{Entrant, set_cookie};
use crate::pulse::Series;
use crate::reply::{failed, told};
use crate::route::Call;
use crate::source::{Holder, Trouble};
use crate::view::standing::Standing;
use crate::viewer::{Sees, Viewer};

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
        Ok(&self.entrant()?.viewer)
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
    if let Some(wait) = call.console.tries.wait(call.from) {
        let seconds = wait.as_secs().max(1);
        let words = format!("too many sign-ins have failed from here; try again in {seconds} s");
        let mut answer = failed(StatusCode::TOO_MANY_REQUESTS, "too_many_tries", &words);
        answer
            .headers_mut()
            .insert(header::RETRY_AFTER, seconds.into());
        return Ok(answer);
    }
    let source = &call.console.source;
    let viewer = match (&asked.token, &asked.key) {
        (Some(token), None) => source.admit(token.trim()).await?,
        (None, Some(key)) => {
            let holder = source.holder(key.trim()).await?;
            holder.map(|holder| Viewer {
                name: holder.key.clone(),
                sees: Sees::Key(holder.key),
            })
        }
        _ => {
            return Err(Trouble::Bad(
                "say either token or key, and not both".to_owned(),
            ));
        }
    };
    let Some(viewer) = viewer else {
        call.console.tries.failed(call.from);
        let words = if asked.key.is_some() {
            "this is no key that is good: it may be unknown, expired, suspended or replaced"
        } else {
            "this is not the token"
        };
        return Ok(failed(StatusCode::UNAUTHORIZED, "refused", words));
    };
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
        }
    }
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
    failures: Vec<std::sync::Arc<fairlead_record::Entry>>,
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
        failures: failures.map(|page| page.entries).unwrap_or_default(),
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
    ask.scope = call.viewer()?.scope();
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
    filter.scope = call.viewer()?.scope();
    Ok(told(&call.console.source.log().search(&filter, ask).await?))
}

pub(crate) async fn request(call: Call) -> Answer {
    let scope = call.viewer()?.scope();
    let bad = || Trouble::Bad("an id has 16 hexadecimal digits".to_owned());
    let id = fairlead_record::hex::id(&call.last).ok_or_else(bad)?;
    let gone = || {
        Trouble::NotFound(
            "no request of this id is kept any more, or it is not for your eyes".to_owned(),
        )
    };
    let entry = call.console.source.log().get(id, &scope).await?;
    Ok(told(&entry.ok_or_else(gone)?))
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
    Ok(told(&call.console.source.build(viewer, form).await?))
}

pub(crate) async fn mine(call: Call) -> Answer {
    let Sees::Key(key) = &call.viewer()?.sees else {
        return Err(Trouble::NotFound(
            "this page is of the key that one has signed in with; you have signed in with a token"
                .to_owned(),
        ));
    };
    let holder = Holder { key: key.clone() };
    Ok(told(&call.console.source.mine(&holder).await?))
}

/// Seconds since 1970.
pub(crate) fn now() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, |now| i64::try_from(now.as_secs()).unwrap_or(0))
}
