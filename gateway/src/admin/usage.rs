//! `GET /usage`: how the limits stand of everybody who has some, over all replicas. A page at a time, for there may be tens of thousands, each of
//! which the store has to be asked about; the next page is asked for with `?after=` what the last one gives as `next`. Or of a few, who are named:
//! `?only=key/search/cart&only=team/search/web`.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, StatusCode, Uri, header};
use serde::Serialize;

use super::{admitted, stranger};
use crate::govern::bound::{Bound, Level};
use crate::govern::report::Line;
use crate::judges::Judges;
use crate::worker::Shared;

/// The most limits of a page: some milliseconds of the store's time, and less than 200 KiB of text. No holder has more.
const PAGE: usize = 512;

/// So many may be named.
const NAMED: usize = 16;

/// One who has limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place<'a> {
    level: Level,
    /// `namespace/name`.
    name: &'a str,
}

#[derive(Debug, Serialize)]
struct Body {
    /// Of the configuration in force.
    generation: u64,
    /// How providers stand, as far as rules judge them; on the first page.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    judged: Vec<Judged>,
    limits: Vec<Line>,
    /// Whose limits could not all be read just now, `LEVEL/NAMESPACE/NAME`: nothing is said of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unread: Vec<String>,
    /// Behind whom the next page begins; absent: this was the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// How a provider stands, as this replica has seen it, under the rule where it does worst.
#[derive(Debug, Serialize)]
struct Judged {
    /// `namespace/name`.
    provider: Arc<str>,
    state: &'static str,
    /// In thousandths of the best one's.
    score: u32,
    reason: String,
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}", self.level.as_str(), self.name)
    }
}

impl<'a> Place<'a> {
    fn read(text: &'a str) -> Option<Self> {
        let (level, name) = text.split_once('/')?;
        let level = Level::named(level)?;
        name.contains('/').then_some(Self { level, name })
    }
}

/// Of whom it is asked.
#[derive(Debug, PartialEq, Eq)]
enum Asked<'a> {
    /// Of all, a page from behind this one.
    After(Option<Place<'a>>),
    /// Of these, as far as they have limits.
    Only(Vec<Place<'a>>),
}

impl<'a> Asked<'a> {
    fn read(query: Option<&'a str>) -> Option<Self> {
        let Some(query) = query else {
            return Some(Self::After(None));
        };
        if let Some(after) = query.strip_prefix("after=") {
            return Some(Self::After(Some(Place::read(after)?)));
        }
        let named = query
            .split('&')
            .map(|one| one.strip_prefix("only=").and_then(Place::read));
        let named: Vec<_> = named.collect::<Option<_>>()?;
        (named.len() <= NAMED).then_some(Self::Only(named))
    }
}

/// A page. Whoever is made or deleted meanwhile moves nobody else to another page than the one that is to come.
pub(super) async fn usage(
    State(shared): State<Arc<Shared>>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    if !admitted(&shared, &headers) {
        return stranger();
    }
    let Some(asked) = Asked::read(uri.query()) else {
        return misunderstood();
    };
    let runtime = shared.live.load_full();
    let (holders, next) = match &asked {
        Asked::After(after) => {
            let (page, next) = page(&runtime.holders, *after);
            (page.iter().collect(), next)
        }
        Asked::Only(named) => (only(&runtime.holders, named), None),
    };
    let bounds = holders.iter().flat_map(|limits| limits.iter());
    match runtime.governor().report_each(bounds).await {
        Ok(lines) => {
            let (limits, unread) = readable(lines);
            told(&Body {
                generation: runtime.generation,
                judged: if asked == Asked::After(None) {
                    judged(&runtime.judges)
                } else {
                    Vec::new()
                },
                limits,
                unread,
                next: next.map(|next| next.to_string()),
            })
        }
        Err(error) => (StatusCode::SERVICE_UNAVAILABLE, format!("{error}\n")).into_response(),
    }
}

fn judged(judges: &Judges) -> Vec<Judged> {
    let all = judges.by_provider().into_iter();
    let judged = all.map(|(provider, standing)| Judged {
        provider,
        state: standing.state.as_str(),
        score: standing.score,
        reason: standing.reason.to_string(),
    });
    judged.collect()
}

/// The lines of those of whom all is known, and who the others are: half of what somebody has would look like all of it.
fn readable(lines: Vec<(&Bound, Option<Line>)>) -> (Vec<Line>, Vec<String>) {
    let place = |bound: &Bound| {
        let (level, name) = (bound.holder.level, &*bound.holder.name);
        Place { level, name }.to_string()
    };
    let unread = lines.iter().filter(|(_, line)| line.is_none());
    let unread: BTreeSet<String> = unread.map(|(bound, _)| place(bound)).collect();
    let known = lines.into_iter();
    let known = known.filter(|(bound, _)| !unread.contains(&place(bound)));
    let limits = known.filter_map(|(_, line)| line).collect();
    (limits, unread.into_iter().collect())
}

/// As text at once: amounts of money must not become floats on the way.
fn told(body: &Body) -> Response {
    let kind = [(header::CONTENT_TYPE, "application/json")];
    match serde_json::to_string(body) {
        Ok(text) => (kind, text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
    }
}

fn misunderstood() -> Response {
    (
        StatusCode::BAD_REQUEST,
        "ask for /usage, for /usage?after=LEVEL/NAMESPACE/NAME with what the page before gives as next, or for at most 16 by /usage?only=LEVEL/NAMESPACE/NAME&only=..\n",
    )
        .into_response()
}

/// Those who are named, each once, as far as they have limits.
fn only<'h>(holders: &'h [Arc<[Bound]>], named: &[Place<'_>]) -> Vec<&'h Arc<[Bound]>> {
    let mut places: Vec<_> = named.iter().map(|one| (one.level, one.name)).collect();
    places.sort_unstable();
    places.dedup();
    let found = places.into_iter().filter_map(|place| {
        let at = holders.binary_search_by(|limits| Bound::place(limits).cmp(&Some(place)));
        holders.get(at.ok()?)
    });
    found.collect()
}

/// The holders of a page, and behind whom the next one begins.
fn page<'h>(
    holders: &'h [Arc<[Bound]>],
    after: Option<Place<'_>>,
) -> (&'h [Arc<[Bound]>], Option<Place<'h>>) {
    let after = after.map(|after| (after.level, after.name));
    let begin = holders.partition_point(|limits| Bound::place(limits) <= after);
    let rest = holders.get(begin..).unwrap_or_default();
    let mut limits = 0;
    let fits = |holder: &&Arc<[Bound]>| {
        limits += holder.len();
        limits <= PAGE
    };
    // One that had more than a page would be a page.
    let count = rest.iter().take_while(fits).count().max(1).min(rest.len());
    let (page, rest) = rest.split_at(count);
    let last = page.last().and_then(|last| Bound::place(last));
    let last = last.filter(|_| !rest.is_empty());
    (page, last.map(|(level, name)| Place { level, name }))
}

#[cfg(test)]
mod tests {
    use fairlead_snapshot::{ConcurrentLimit, Limits, ObjectName, OnStoreFailure};

    use super::*;
    use crate::govern::chain::holder;

    fn limits(level: Level, namespace: &str, name: &str) -> Arc<[Bound]> {
        let concurrent = ConcurrentLimit {
            limit: 1,
            on_store_failure: OnStoreFailure::Allow,
        };
        let limits = Limits {
            concurrent: Some(concurrent),
            ..Limits::default()
        };
        Bound::all(
            &holder(level, &ObjectName::new(namespace, name)),
            &limits,
            1,
        )
    }

    fn sorted(mut all: Vec<Arc<[Bound]>>) -> Vec<Arc<[Bound]>> {
        all.sort_by(|one, other| Bound::place(one).cmp(&Bound::place(other)));
        all
    }

    #[test]
    fn pages_show_everybody_once() {
        let mut all = vec![
            limits(Level::Provider, "a", "p"),
            limits(Level::Team, "a", "t"),
            limits(Level::Organization, "own", "o"),
        ];
        all.extend((0..3 * PAGE).map(|at| limits(Level::Key, "a-b", &format!("k{at}"))));
        let all = sorted(all);
        let (mut seen, mut after, mut pages) = (Vec::new(), None::<String>, 0);
        loop {
            let place = after.as_deref().map(|text| Place::read(text).unwrap());
            let (holders, next) = page(&all, place);
            assert!(holders.len() <= PAGE && !holders.is_empty());
            seen.extend(holders.iter().map(|limits| Bound::place(limits).unwrap()));
            pages += 1;
            after = next.map(|next| next.to_string());
            if after.is_none() {
                break;
            }
        }
        let expected: Vec<_> = all
            .iter()
            .map(|limits| Bound::place(limits).unwrap())
            .collect();
        assert_eq!(seen, expected);
        assert_eq!(pages, 4);
    }

    fn line() -> Line {
        let amount =
            |text: &str| serde_json::value::RawValue::from_string(text.to_owned()).unwrap();
        Line {
            level: "team",
            holder: "a/t".into(),
            name: "month".into(),
            kind: "budget",
            unit: "usd",
            limit: amount("3999999.999999999"),
            used: amount("0.000000001"),
            remaining: amount("1.00"),
            window: None,
            per_seconds: None,
        }
    }

    #[test]
    fn one_limit_that_cannot_be_read_hides_nobody_elses() {
        let (broken, whole) = (limits(Level::Key, "a", "k"), limits(Level::Team, "a", "t"));
        let lines = vec![
            (&broken[0], Some(line())),
            (&broken[0], None),
            (&whole[0], Some(line())),
        ];
        let (limits, unread) = readable(lines);
        assert_eq!(limits.len(), 1);
        assert_eq!(unread, ["key/a/k"]);
    }

    #[test]
    fn money_stays_as_it_is_written() {
        let line = line();
        let body = Body {
            generation: 1,
            limits: vec![line],
            unread: Vec::new(),
            next: None,
            judged: Default::default(),
        };
        let text = serde_json::to_string(&body).unwrap();
        assert!(
            text.contains(r#""limit":3999999.999999999,"used":0.000000001,"remaining":1.00"#),
            "{text}"
        );
    }

    #[test]
    fn one_who_is_gone_still_says_where_the_next_page_begins() {
        let all = sorted(vec![
            limits(Level::Key, "a", "k1"),
            limits(Level::Key, "a", "k3"),
            limits(Level::Provider, "a", "p"),
        ]);
        let names = |after: &str| -> Vec<&str> {
            let (page, _) = page(&all, Place::read(after));
            page.iter()
                .map(|limits| Bound::place(limits).unwrap().1)
                .collect()
        };
        assert_eq!(names("key/a/k2"), ["a/k3", "a/p"]);
        assert_eq!(names("provider/a/p"), [""; 0]);
        assert_eq!(page(&[], None).0.len(), 0);
    }

    #[test]
    fn those_who_are_named_are_found_once_and_others_are_not() {
        let all = sorted(vec![
            limits(Level::Key, "a", "k1"),
            limits(Level::Key, "a", "k2"),
            limits(Level::Team, "a", "t"),
        ]);
        let query = "only=team/a/t&only=key/a/k2&only=key/a/none&only=team/a/t";
        let Some(Asked::Only(named)) = Asked::read(Some(query)) else {
            panic!("{query} is understood")
        };
        let found: Vec<_> = only(&all, &named)
            .iter()
            .map(|limits| Bound::place(limits).unwrap().1)
            .collect();
        assert_eq!(found, ["a/t", "a/k2"]);
    }

    #[test]
    fn no_more_than_sixteen_are_asked_for_at_a_time() {
        let query = |count: usize| vec!["only=key/a/k"; count].join("&");
        assert!(Asked::read(Some(&query(NAMED))).is_some());
        for bad in [
            &query(NAMED + 1),
            "",
            "only=",
            "only=key/a/k&after=key/a/k",
            "x=y",
        ] {
            assert_eq!(Asked::read(Some(bad)), None, "{bad}");
        }
    }

    #[test]
    fn a_place_names_a_level_a_namespace_and_a_name() {
        let place = Place::read("team/search/research").unwrap();
        assert_eq!(place.to_string(), "team/search/research");
        for bad in ["", "team", "team/search", "user/search/a", "/a/b"] {
            assert_eq!(Place::read(bad), None, "{bad}");
        }
    }
}
