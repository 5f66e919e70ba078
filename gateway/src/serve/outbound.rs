//! Answers on their way: what hyper is given as their body, and over HTTP/2 a watch on each stream.
//!
//! Over HTTP/1.1 a caller that takes nothing is noticed at its socket ([`stall`](super::stall)). Over HTTP/2 the socket may be fine while the
//! window of a stream is shut, and hyper polls a body only when its last piece has a place to go. So a body gives few bytes at a time and
//! counts which of them have not left; the task of its stream looks at that count, and is dropped when nothing has moved for too long or the
//! request's time is over. Dropping it resets the stream (RST_STREAM) and frees all that was held for it, hyper's part as well.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use futures_util::task::AtomicWaker;
use http_body::{Body as _, Frame, SizeHint};
use parking_lot::Mutex;
use tokio::time::{Instant, Sleep};

use crate::answer::body::{Body, Response};
use crate::serve::link::InFlight;
use crate::serve::watch::poll_timer;
use crate::tasks::Tasks;

/// What is given at once: the usual largest frame.
const PIECE: usize = 16 * 1024;
/// How many pieces may be on their way.
const PIECES: usize = 4;

/// The body of an answer, as hyper is given it.
#[derive(Debug)]
pub(super) struct Outbound {
    body: Body,
    /// What has come and not been given.
    rest: Bytes,
    /// Whether nothing more comes.
    over: bool,
    /// Whether it is one piece; then its end may go with it.
    short: bool,
    stream: Option<Arc<Stream>>,
    _request: InFlight,
}

impl Outbound {
    /// The answer to a request; over HTTP/2 with its stream.
    pub(super) fn of(
        response: Response,
        request: InFlight,
        stream: Option<Arc<Stream>>,
    ) -> http::Response<Self> {
        response.map(|body| {
            if let Some(stream) = &stream {
                stream.ends_by(body.end());
            }
            Self {
                rest: Bytes::new(),
                over: false,
                short: body
                    .size_hint()
                    .upper()
                    .is_some_and(|length| length <= PIECE as u64),
                body,
                stream,
                _request: request,
            }
        })
    }

    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        while self.rest.is_empty() {
            if self.over {
                return Poll::Ready(None);
            }
            let Some(frame) = ready!(Pin::new(&mut self.body).poll_frame(cx)) else {
                self.over = true;
                continue;
            };
            match frame.map(Frame::into_data) {
                Ok(Ok(data)) => self.rest = data,
                Ok(Err(_)) => {}
                Err(error) => return Poll::Ready(Some(Err(error))),
            }
        }
        let most = self.rest.len().min(PIECE);
        Poll::Ready(Some(Ok(self.rest.split_to(most))))
    }
}

impl http_body::Body for Outbound {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let Some(stream) = self.stream.clone() else {
            return Pin::new(&mut self.body).poll_frame(cx);
        };
        ready!(stream.poll_owed(PIECES, cx));
        let piece = ready!(self.poll_piece(cx));
        if piece.is_none() {
            // The end goes last: with it hyper lets go of the stream, and nobody could reset it any more.
            ready!(stream.poll_owed(1, cx));
        }
        Poll::Ready(piece.map(|piece| piece.map(|piece| Frame::data(stream.send(piece)))))
    }

    fn is_end_stream(&self) -> bool {
        let given = self.rest.is_empty() && self.body.is_end_stream();
        match &self.stream {
            Some(stream) => given && (self.short || stream.owed.load(Relaxed) == 0),
            None => given,
        }
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// One stream of HTTP/2: how many pieces of its answer have not left, and when one last did.
#[derive(Debug)]
pub(super) struct Stream {
    begun: Instant,
    owed: AtomicUsize,
    /// In microseconds from its beginning.
    moved: AtomicU64,
    /// When all of it must have been taken, in microseconds from its beginning; 0: whenever.
    end: AtomicU64,
    body: AtomicWaker,
}

impl Stream {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            begun: Instant::now(),
            owed: AtomicUsize::new(0),
            moved: AtomicU64::new(0),
            end: AtomicU64::new(0),
            body: AtomicWaker::new(),
        })
    }

    fn ends_by(&self, end: Option<Instant>) {
        let micros = |end: Instant| end.saturating_duration_since(self.begun).as_micros();
        let end = end.map_or(0, |end| u64::try_from(micros(end)).unwrap_or(0).max(1));
        self.end.store(end, Relaxed);
    }

    /// Ready while fewer than `most` pieces are on their way.
    fn poll_owed(&self, most: usize, cx: &Context<'_>) -> Poll<()> {
        if self.owed.load(Relaxed) < most {
            return Poll::Ready(());
        }
        self.body.register(cx.waker());
        if self.owed.load(Relaxed) < most {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }

    fn send(self: &Arc<Self>, bytes: Bytes) -> Bytes {
        if self.owed.fetch_add(1, Relaxed) == 0 {
            self.moved();
        }
        Bytes::from_owner(Piece {
            bytes,
            stream: Arc::clone(self),
        })
    }

    fn moved(&self) {
        let now = u64::try_from(self.begun.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.moved.store(now, Relaxed);
    }

    /// When it is reset unless something moves; `None` while its caller owes nothing.
    fn deadline(&self, stall: Duration) -> Option<Instant> {
        if self.owed.load(Relaxed) == 0 {
            return None;
        }
        let stalled = self.begun + Duration::from_micros(self.moved.load(Relaxed)) + stall;
        match self.end.load(Relaxed) {
            0 => Some(stalled),
            end => Some(stalled.min(self.begun + Duration::from_micros(end))),
        }
    }
}

/// A piece that has not left.
struct Piece {
    bytes: Bytes,
    stream: Arc<Stream>,
}

impl AsRef<[u8]> for Piece {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Piece {
    fn drop(&mut self) {
        self.stream.owed.fetch_sub(1, Relaxed);
        self.stream.moved();
        self.stream.body.wake();
    }
}

/// The streams of one HTTP/2 connection. hyper asks for the answer of a request and, before anything else, hands over the task that gives it:
/// that is how the two are brought together.
#[derive(Debug, Clone)]
pub(super) struct Streams {
    tasks: Tasks,
    stall: Duration,
    asked: Arc<Mutex<Option<Arc<Stream>>>>,
}

impl Streams {
    /// Those of one connection, which run in `tasks` and may be stalled for so long.
    #[must_use]
    pub(super) fn new(tasks: &Tasks, stall: Duration) -> Self {
        Self {
            tasks: tasks.clone(),
            stall,
            asked: Arc::default(),
        }
    }

    /// The stream of a request that hyper asks about now.
    #[must_use]
    pub(super) fn begin(&self) -> Arc<Stream> {
        let stream = Stream::new();
        *self.asked.lock() = Some(Arc::clone(&stream));
        stream
    }
}

impl<F> hyper::rt::Executor<F> for Streams
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, future: F) {
        let Some(stream) = self.asked.lock().take() else {
            return self.tasks.spawn(future);
        };
        self.tasks.spawn(unless_stalled(future, stream, self.stall));
    }
}

/// Drops what gives an answer when its caller has taken nothing for too long.
async fn unless_stalled(giving: impl Future<Output = ()>, stream: Arc<Stream>, stall: Duration) {
    let mut giving = pin!(giving);
    let mut timer: Option<Pin<Box<Sleep>>> = None;
    poll_fn(|cx| {
        if giving.as_mut().poll(cx).is_ready() {
            return Poll::Ready(());
        }
        match stream.deadline(stall) {
            Some(deadline) => poll_timer(&mut timer, deadline, cx),
            None => Poll::Pending,
        }
    })
    .await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serve::link::Link;

    fn outbound(body: Body, stream: &Arc<Stream>) -> Outbound {
        let link = Link::new(&Arc::default());
        let response = Outbound::of(
            http::Response::new(body),
            link.begin(),
            Some(Arc::clone(stream)),
        );
        response.into_body()
    }

    async fn next(body: &mut Outbound) -> Option<Bytes> {
        let frame = poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx)).await?;
        frame.unwrap().into_data().ok()
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_gives_no_more_than_may_be_on_its_way_and_ends_when_all_has_left() {
        let stream = Stream::new();
        let mut body = outbound(Body::whole(vec![7; 5 * PIECE]), &stream);
        let mut pieces = Vec::new();
        for _ in 0..PIECES {
            pieces.push(next(&mut body).await.unwrap());
        }
        assert!(
            tokio::time::timeout(Duration::from_secs(1), next(&mut body))
                .await
                .is_err()
        );
        pieces.pop();
        pieces.push(next(&mut body).await.unwrap());
        assert!(!http_body::Body::is_end_stream(&body));
        assert!(
            tokio::time::timeout(Duration::from_secs(1), next(&mut body))
                .await
                .is_err()
        );
        pieces.clear();
        assert_eq!(next(&mut body).await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_is_not_taken_is_dropped_after_the_stall_or_at_its_end() {
        for (end, expected) in [(None, 60), (Some(20), 20), (Some(600), 60)] {
            let stream = Stream::new();
            let mut body = Body::whole(vec![7; 800]);
            if let Some(seconds) = end {
                body.ends_by(Instant::now() + Duration::from_secs(seconds));
            }
            let mut body = outbound(body, &stream);
            let began = Instant::now();
            let giving = async move {
                // As hyper does that has no window for the piece: it holds it and asks for nothing more.
                let _piece = next(&mut body).await;
                std::future::pending::<()>().await;
            };
            unless_stalled(giving, Arc::clone(&stream), Duration::from_secs(60)).await;
            assert_eq!(began.elapsed().as_secs(), expected, "{end:?}");
            assert_eq!(stream.owed.load(Relaxed), 0);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_has_ended_is_asked_for_nothing_more() {
        let stream = Stream::new();
        let pieces = futures_util::stream::unfold(0, |count| async move {
            (count < 1).then(|| (Ok(Bytes::from_static(b"one")), count + 1))
        });
        let mut body = outbound(Body::pieces(pieces), &stream);
        let piece = next(&mut body).await;
        // Its end waits for the piece; when that has left, hyper asks again.
        assert!(
            tokio::time::timeout(Duration::from_secs(1), next(&mut body))
                .await
                .is_err()
        );
        drop(piece);
        assert_eq!(next(&mut body).await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_whose_provider_is_silent_is_not_its_callers_fault() {
        let stream = Stream::new();
        let body = Body::pieces(futures_util::stream::once(async {
            tokio::time::sleep(Duration::from_secs(300)).await;
            Ok(Bytes::from_static(b"late"))
        }));
        let mut body = outbound(body, &stream);
        let (sender, receiver) = tokio::sync::oneshot::channel();
        let giving = async move {
            let _ = sender.send(next(&mut body).await);
        };
        unless_stalled(giving, stream, Duration::from_secs(60)).await;
        assert_eq!(receiver.await.unwrap().unwrap(), "late");
    }
}
