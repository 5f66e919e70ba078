//! `GET /requests/live`: every request as it ends, a line of JSON each, for a console that puts several gateways together.
//!
//! Nobody waits for whoever reads: one that is slow, and a gateway that ends more requests than are told in a second, say how many were left out. An
//! empty line says now and then that one is still there.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use fairlead_record::Entry;
use futures_util::stream;
use http::{HeaderMap, StatusCode, header};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval};

use super::{admitted, stranger};
use crate::worker::Shared;

/// So many may read at a time: a console, the one that takes its place, and two people at terminals.
const READERS: usize = 4;
/// In so long at most so many entries are told, and so many bytes.
const EVERY: Duration = Duration::from_secs(1);
const ENTRIES: usize = 200;
const BYTES: usize = 256 * 1024;
/// After so long without a word an empty line is said.
const STILL_THERE: Duration = Duration::from_secs(15);

/// How many read.
#[derive(Debug, Clone, Default)]
pub(super) struct Readers(Arc<AtomicUsize>);

/// One of the places of readers.
struct Seat(Arc<AtomicUsize>);

impl Readers {
    fn take(&self) -> Option<Seat> {
        let one_more = |count| (count < READERS).then_some(count + 1);
        let got = self.0.fetch_update(Relaxed, Relaxed, one_more);
        got.is_ok().then(|| Seat(Arc::clone(&self.0)))
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

#[expect(clippy::unused_async, reason = "what a route calls")]
pub(super) async fn live(
    readers: Readers,
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
) -> Response {
    if !admitted(&shared, &headers) {
        return stranger();
    }
    let Some(seat) = readers.take() else {
        let words = "as many read this already as may\n";
        return (StatusCode::SERVICE_UNAVAILABLE, words).into_response();
    };
    let entries = shared.requests.subscribe();
    // A token that is exchanged ends what was begun with the old one.
    let is_admitted = move || admitted(&shared, &headers);
    let reader = Reader::new(entries, is_admitted, seat);
    let lines = stream::unfold(reader, |mut reader| async move {
        let line = reader.next().await?;
        Some((Ok::<_, Infallible>(line), reader))
    });
    let kind = [(header::CONTENT_TYPE, "application/x-ndjson")];
    (kind, Body::from_stream(lines)).into_response()
}

/// One that reads.
struct Reader<F> {
    entries: Receiver<Arc<Entry>>,
    is_admitted: F,
    ticks: Interval,
    /// What was told since the last tick, in entries and in bytes.
    told: (usize, usize),
    /// What was left out, and is still to be said.
    skipped: u64,
    said: Instant,
    _seat: Option<Seat>,
}

impl<F: Fn() -> bool> Reader<F> {
    fn new(entries: Receiver<Arc<Entry>>, is_admitted: F, seat: impl Into<Option<Seat>>) -> Self {
        let mut ticks = interval(EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            entries,
            is_admitted,
            ticks,
            told: (0, 0),
            skipped: 0,
            said: Instant::now(),
            _seat: seat.into(),
        }
    }

    /// The next line; `None`: there are no more for whoever reads.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            let line = tokio::select! {
                biased;
                _ = self.ticks.tick() => {
                    if !(self.is_admitted)() {
                        return None;
                    }
                    self.tick()
                }
                entry = self.entries.recv() => match entry {
                    Ok(entry) => self.line(&entry),
                    Err(RecvError::Lagged(missed)) => {
                        self.skipped += missed;
                        None
                    }
                    Err(RecvError::Closed) => return None,
                },
            };
            if let Some(line) = line {
                self.said = Instant::now();
                return Some(line.into());
            }
        }
    }

    /// A new second has begun.
    fn tick(&mut self) -> Option<String> {
        self.told = (0, 0);
        match std::mem::take(&mut self.skipped) {
            0 => (self.said.elapsed() >= STILL_THERE).then(|| "\n".to_owned()),
            skipped => Some(format!("{{\"skipped\":{skipped}}}\n")),
        }
    }

    /// An entry, if there is room for it in this second.
    fn line(&mut self, entry: &Entry) -> Option<String> {
        let (entries, bytes) = &mut self.told;
        let text = (*entries < ENTRIES && *bytes < BYTES).then(|| serde_json::to_string(entry));
        match text {
            Some(Ok(mut text)) if *bytes + text.len() <= BYTES => {
                text.push('\n');
                *entries += 1;
                *bytes += text.len();
                Some(text)
            }
            Some(_) | None => {
                self.skipped += 1;
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use fairlead_record::Ring;

    use super::*;

    fn entry(id: u64, model: &str) -> Arc<Entry> {
        Arc::new(Entry {
            id,
            model: Some(model.into()),
            ..Entry::default()
        })
    }

    fn text(line: Option<Bytes>) -> String {
        String::from_utf8(line.unwrap().to_vec()).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn what_has_no_room_in_a_second_is_counted_and_the_next_second_goes_on() {
        let ring = Ring::default();
        let mut reader = Reader::new(ring.subscribe(), || true, None);
        for id in 0..ENTRIES as u64 + 7 {
            ring.push(entry(id, "m"));
        }
        for id in 0..ENTRIES as u64 {
            let told: Entry = serde_json::from_str(&text(reader.next().await)).unwrap();
            assert_eq!(told.id, id);
        }
        assert_eq!(text(reader.next().await), "{\"skipped\":7}\n");
        ring.push(entry(1_000, "m"));
        let told: Entry = serde_json::from_str(&text(reader.next().await)).unwrap();
        assert_eq!(told.id, 1_000);
    }

    #[tokio::test(start_paused = true)]
    async fn bytes_are_bounded_too() {
        let ring = Ring::default();
        let mut reader = Reader::new(ring.subscribe(), || true, None);
        let long = "x".repeat(BYTES / 3);
        for id in 0..4 {
            ring.push(entry(id, &long));
        }
        for _ in 0..2 {
            assert!(text(reader.next().await).len() > BYTES / 3);
        }
        assert_eq!(text(reader.next().await), "{\"skipped\":2}\n");
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_reader_misses_some_and_is_told_how_many() {
        let ring = Ring::default();
        let mut reader = Reader::new(ring.subscribe(), || true, None);
        for id in 0..3_000 {
            ring.push(entry(id, "m"));
        }
        let mut lines = Vec::new();
        loop {
            let line = text(reader.next().await);
            let last = line.starts_with("{\"skipped\"");
            lines.push(line);
            if last {
                break;
            }
        }
        assert_eq!(lines.len(), ENTRIES + 1);
        assert_eq!(lines[ENTRIES], "{\"skipped\":2800}\n");
    }

    #[tokio::test(start_paused = true)]
    async fn it_says_that_it_is_there_and_ends_when_the_token_is_exchanged() {
        let ring = Ring::default();
        let admitted = std::cell::Cell::new(true);
        let mut reader = Reader::new(ring.subscribe(), || admitted.get(), None);
        let began = Instant::now();
        assert_eq!(text(reader.next().await), "\n");
        assert_eq!(began.elapsed(), STILL_THERE);
        admitted.set(false);
        assert_eq!(reader.next().await, None);
    }

    #[test]
    fn no_more_than_four_read() {
        let readers = Readers::default();
        let seats: Vec<_> = (0..READERS).map(|_| readers.take().unwrap()).collect();
        assert!(readers.take().is_none());
        drop(seats);
        assert!(readers.take().is_some());
    }
}
