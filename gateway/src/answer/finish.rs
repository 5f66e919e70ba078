//! `onClientGone: Finish`: what was begun for a caller who has hung up is read to its end, to learn what was used.
//!
//! Nobody tells a handler that its caller has gone: what it was doing is dropped. So both things that it may be doing - waiting for the
//! first content, and passing on what follows - are wrapped here, and go on as a task of their own when they are dropped too early. That
//! lasts a minute at most; the record then says `client_gone`, as it does without.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use fairlead_snapshot::FailureClass;
use tokio::runtime::Handle;

use super::recovery::Recoverable;
use super::{Committed, Outcome};
use crate::observe::record::Record;
use crate::tasks::Tasks;

/// The longest that anything goes on without its caller.
const LONGEST: Duration = Duration::from_secs(60);

/// The work on a request.
pub(crate) type Pending = Pin<Box<dyn Future<Output = Outcome> + Send>>;

/// The work on a request whose answer is streamed, up to its first content.
pub(crate) struct Beginning {
    pending: Option<Pending>,
    /// Where it goes on without its caller; `None`: it does not.
    tasks: Option<Tasks>,
}

impl Beginning {
    /// Of work that goes on in `tasks`.
    #[must_use]
    pub(crate) fn new(pending: Pending, tasks: Option<Tasks>) -> Self {
        Self {
            pending: Some(pending),
            tasks,
        }
    }
}

impl Future for Beginning {
    type Output = Outcome;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Outcome> {
        let Some(pending) = self.pending.as_mut() else {
            // Nobody asks again after the answer.
            return Poll::Pending;
        };
        let outcome = ready!(pending.as_mut().poll(cx));
        self.pending = None;
        Poll::Ready(outcome)
    }
}

impl Drop for Beginning {
    fn drop(&mut self) {
        let Some(pending) = self.pending.take() else {
            return;
        };
        go_on(self.tasks.take(), async move {
            let (record, outcome) = pending.await;
            if let Ok(Committed::Stream(answer)) = outcome {
                read_on(answer, record).await;
            }
        });
    }
}

/// A stream on its way to its caller.
pub(crate) struct Relaying {
    stream: Option<(Box<Recoverable>, Record)>,
    /// Where it goes on without its caller; `None`: it does not.
    tasks: Option<Tasks>,
}

impl Relaying {
    /// Of a stream that goes on in `tasks`.
    #[must_use]
    pub(crate) fn new(answer: Box<Recoverable>, record: Record, tasks: Option<Tasks>) -> Self {
        Self {
            stream: Some((answer, record)),
            tasks,
        }
    }

    /// The next piece; `None` when the stream is over.
    pub(crate) async fn next(&mut self) -> Option<Bytes> {
        let (answer, record) = self.stream.as_mut()?;
        let piece = answer.next(record).await;
        if piece.is_none() {
            self.stream = None;
        }
        piece
    }
}

impl Drop for Relaying {
    fn drop(&mut self) {
        let Some((answer, record)) = self.stream.take() else {
            return;
        };
        if !record.complete && record.error.is_none() {
            go_on(self.tasks.take(), read_on(answer, record));
        }
    }
}

/// Runs what its caller has left, unless the process is ending too.
fn go_on(tasks: Option<Tasks>, work: impl Future<Output = ()> + Send + 'static) {
    if let Some(tasks) = tasks
        && Handle::try_current().is_ok()
    {
        tasks.spawn(async move {
            // What is dropped at the end of the time notes it by itself.
            let _ = tokio::time::timeout(LONGEST, work).await;
        });
    }
}

/// Reads a stream to its end, for its usage.
async fn read_on(mut answer: Box<Recoverable>, mut record: Record) {
    // Nobody is left for whom another target should go on.
    answer.recover_by(None);
    while answer.next(&mut record).await.is_some() {}
    record.complete = false;
    record.error = Some(FailureClass::ClientGone.as_str());
}
