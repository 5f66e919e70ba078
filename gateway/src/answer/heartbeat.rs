//! Comments for a caller whose stream is silent for long: while another target is asked for the rest of an answer, nothing on the way to the
//! caller may take its connection for dead.
//!
//! Only streams that may be gone on with need it: any other is over when it has been idle for too long, and the wait for the first content
//! has comments of its own.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;

use super::finish::Relaying;
use super::policy::StreamPolicy;
use super::recovery::Recoverable;
use crate::observe::record::Record;
use crate::surface::Surface;
use crate::tasks::Tasks;

/// How a stream reaches its caller. The default is what holds without a rule.
#[derive(Debug, Clone, Default)]
pub(crate) struct Delivery {
    /// Where it goes on without its caller; `None`: it does not.
    pub tasks: Option<Tasks>,
    /// After how long in silence there is a comment; `None`: never.
    every: Option<Duration>,
    /// What the caller speaks.
    pub surface: Surface,
}

impl Delivery {
    /// As a rule wants it, on a core with these tasks, with a comment after each such silence.
    #[must_use]
    pub(crate) fn of(
        policy: &StreamPolicy,
        tasks: &Tasks,
        heartbeat: Duration,
        surface: Surface,
    ) -> Self {
        Self {
            tasks: policy.finish.then(|| tasks.clone()),
            every: policy.continuation.is_some().then_some(heartbeat),
            surface,
        }
    }
}

/// A stream on its way to its caller, with comments where it is silent.
pub(crate) struct WithHeartbeat {
    stream: Option<Relaying>,
    /// The next piece, if it has been waited for already.
    next: Option<Next>,
    every: Option<Duration>,
    surface: Surface,
}

/// A piece, and the stream that it comes from.
type Next = Pin<Box<dyn Future<Output = (Option<Bytes>, Relaying)> + Send>>;

impl WithHeartbeat {
    /// Of a stream that has brought its first content.
    #[must_use]
    pub(crate) fn new(answer: Box<Recoverable>, record: Record, delivery: Delivery) -> Self {
        Self {
            stream: Some(Relaying::new(answer, record, delivery.tasks)),
            next: None,
            every: delivery.every,
            surface: delivery.surface,
        }
    }

    /// The next piece, or a comment; `None` when the stream is over.
    pub(crate) async fn next(&mut self) -> Option<Bytes> {
        let Some(every) = self.every else {
            return self.stream.as_mut()?.next().await;
        };
        let mut next = match self.next.take() {
            Some(next) => next,
            None => piece_of(self.stream.take()?),
        };
        if let Ok((piece, stream)) = tokio::time::timeout(every, &mut next).await {
            self.stream = Some(stream);
            piece
        } else {
            self.next = Some(next);
            Some(self.surface.waiting())
        }
    }
}

fn piece_of(mut stream: Relaying) -> Next {
    Box::pin(async move {
        let piece = stream.next().await;
        (piece, stream)
    })
}
