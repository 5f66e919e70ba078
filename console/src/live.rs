//! The live view: one stream of events a tab, at most one message a second, for so many viewers and no more.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream;
use http::{HeaderMap, StatusCode};
use serde::Serialize;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval};

use crate::console::Console;
use crate::guard::Entrant;
use crate::renewal::{Known, Renewed};
use crate::reply::{failed, wait};
use crate::route::Call;
use crate::seats;
use crate::source::Trouble;
use crate::view::entry::EntryView;

/// So many tabs may follow.
pub(crate) const VIEWERS: usize = 100;
/// And so many of one session.
const OF_A_SESSION: usize = 4;
/// A stream ends after so long; a browser goes on with another, and has to be let in for it.
const LIFE: Duration = Duration::from_secs(3_600);
/// So often something is said.
const EVERY: Duration = Duration::from_secs(1);
/// And if there is nothing to say, so often that one is still there.
const STILL_THERE: Duration = Duration::from_secs(15);
/// So many requests are in one message; of more the last are.
const MESSAGE: usize = 100;

/// One tab that follows.
struct Follower {
    console: Arc<Console>,
    entrant: Entrant,
    /// Where it has read to.
    next: u64,
    ticks: Interval,
    began: Instant,
    _seats: (Seat, seats::Seat),
}

/// What has happened since the last message.
#[derive(Serialize)]
struct Message<'a> {
    requests: &'a [EntryView],
    /// How many others have ended, which are not in the message.
    skipped: u64,
}

/// One of the places of viewers.
struct Seat(Arc<AtomicUsize>);

impl Seat {
    fn take(taken: &Arc<AtomicUsize>, most: usize) -> Option<Self> {
        let one_more = |count| (count < most).then_some(count + 1);
        let got = taken.fetch_update(Relaxed, Relaxed, one_more);
        got.is_ok().then(|| Self(Arc::clone(taken)))
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

#[expect(clippy::unused_async, reason = "the other handlers wait")]
pub(crate) async fn answer(call: Call) -> Result<Response, Trouble> {
    let nobody = || Trouble::Unavailable("nobody is signed in".to_owned());
    let entrant = call.entrant.ok_or_else(nobody)?;
    let most = match call.console.settings.viewers {
        0 => VIEWERS,
        most => most,
    };
    let Some(seat) = Seat::take(&call.console.viewers, most) else {
        return Ok(failed(
            StatusCode::SERVICE_UNAVAILABLE,
            "too_many_viewers",
            "as many tabs follow already as may; close one, or load the page again to see what is new",
        ));
    };
    let of_a_session = match call.console.settings.most_streams_a_session {
        0 => OF_A_SESSION,
        most => most,
    };
    let Some(own) = call.console.streams.take(&entrant, of_a_session) else {
        let words = "as many tabs of yours follow already as may; close one";
        return Ok(wait("too_many_streams", words, 15));
    };
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let next = place(&call.console, &call.headers).unwrap_or_else(|| call.console.feed.end());
    let follower = Follower {
        console: call.console,
        entrant,
        next,
        ticks,
        began: Instant::now(),
        _seats: (seat, own),
    };
    let keep_alive = KeepAlive::new().interval(STILL_THERE);
    Ok(Sse::new(stream::unfold(follower, tell))
        .keep_alive(keep_alive)
        .into_response())
}

/// Where a tab has read to that was cut off.
fn place(console: &Console, headers: &HeaderMap) -> Option<u64> {
    let (boot, next) = headers
        .get("last-event-id")?
        .to_str()
        .ok()?
        .split_once('-')?;
    let boot = u64::from_str_radix(boot, 16).ok()?;
    (boot == console.boot).then(|| next.parse().ok()).flatten()
}

/// The next message; `None`: the session is over, or the stream's own time.
async fn tell(mut follower: Follower) -> Option<(Result<Event, Infallible>, Follower)> {
    loop {
        follower.ticks.tick().await;
        if follower.began.elapsed() >= LIFE {
            return None;
        }
        let viewer = look(&mut follower).await?.viewer;
        let news = follower.console.feed.since(follower.next, &viewer);
        follower.next = news.next;
        if news.entries.is_empty() && news.missed == 0 {
            continue;
        }
        let left_out = news.entries.len().saturating_sub(MESSAGE);
        let last = news.entries.iter().skip(left_out);
        let requests: Vec<_> = last.map(|entry| EntryView::of(entry, &viewer)).collect();
        let message = Message {
            requests: &requests,
            skipped: news.missed + u64::try_from(left_out).unwrap_or(0),
        };
        let text = serde_json::to_string(&message).unwrap_or_default();
        let id = format!("{:016x}-{}", follower.console.boot, follower.next);
        let event = Event::default().event("requests").id(id).data(text);
        return Some((Ok(event), follower));
    }
}

/// What the follower may see now; `None`: nothing any more.
async fn look(follower: &mut Follower) -> Option<Known> {
    let (sessions, source) = (&follower.console.sessions, &follower.console.source);
    let session = follower.entrant.session;
    let known = match &session {
        Some(id) => sessions.known(id)?,
        None => follower.entrant.known.clone(),
    };
    let renewed = known.renewed(&**source).await;
    let Renewed::Holds(known) = renewed else {
        if let (Some(id), Renewed::Over) = (&session, renewed) {
            sessions.end(id);
        }
        return None;
    };
    if let Some(id) = &session {
        sessions.renew(id, &known);
    }
    follower.entrant.known = Known::clone(&known);
    Some(*known)
}
