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
use super::stream::StreamAnswer;
use crate::dispatch::Job;
use crate::record::Record;
use crate::tasks::Tasks;

/// What is sent while there is nothing to send.
pub const WAITING: Bytes = Bytes::from_static(b": waiting\n\n");

/// How a stream reaches its caller. The default is what holds without a rule.
#[derive(Debug, Clone, Default)]
pub struct Manner {
    /// Where it goes on without its caller; `None`: it does not.
    pub tasks: Option<Tasks>,
    /// After how long in silence there is a comment; `None`: never.
    every: Option<Duration>,
}

impl Manner {
    /// What the rule of a job wants.
    #[must_use]
    pub fn of(job: &Job) -> Self {
        let heartbeat = job.worker.shared.limits.heartbeat;
        Self {
            tasks: job.terms.finish.then(|| job.worker.tasks.clone()),
            every: job.terms.continuation.is_some().then_some(heartbeat),
        }
    }
}

/// A stream on its way to its caller, in company.
pub struct Accompanied {
    stream: Option<Relaying>,
    /// The next piece, if it has been waited for already.
    next: Option<Next>,
    every: Option<Duration>,
}

/// A piece, and the stream that it comes from.
type Next = Pin<Box<dyn Future<Output = (Option<Bytes>, Relaying)> + Send>>;

impl Accompanied {
    /// Of a stream that has brought its first content.
    #[must_use]
    pub fn new(answer: Box<StreamAnswer>, record: Record, manner: Manner) -> Self {
        Self {
            stream: Some(Relaying::new(answer, record, manner.tasks)),
            next: None,
            every: manner.every,
        }
    }

    /// The next piece, or a comment; `None` when the stream is over.
    pub async fn next(&mut self) -> Option<Bytes> {
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
            Some(WAITING)
        }
    }
}

fn piece_of(mut stream: Relaying) -> Next {
    Box::pin(async move {
        let piece = stream.next().await;
        (piece, stream)
    })
}
