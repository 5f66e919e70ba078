//! A caller that is refused while it still sends must see the answer: closing a connection under it resets it, and most clients then report a
//! broken pipe and no status (RFC 9112, 9.6). So what still comes is read and thrown away, for a while.

use std::time::Duration;

use bytes::Bytes;

use crate::request::inbound::Inbound;
use crate::worker::Worker;

/// A body up to this size is read to its end, and the connection is kept.
pub(super) const SMALL: u64 = 64 * 1024;
/// The longest that a refused body is read on.
const LONGEST: Duration = Duration::from_secs(10);
/// The longest that its caller may send nothing of it.
const SILENCE: Duration = Duration::from_secs(2);

/// Reads the rest of a body whose request has its answer.
pub(super) fn read_on<B>(worker: &Worker, body: Inbound<B>)
where
    B: http_body::Body<Data = Bytes> + Unpin + Send + 'static,
    B::Error: Send,
{
    // A body that is refused for its size is more than the largest one.
    let most = worker.shared.limits.body_bytes.saturating_mul(2);
    worker.tasks.spawn(async move {
        // Whether it ends or not, dropping the body does what is right.
        let _ = tokio::time::timeout(LONGEST, throw_away(body, most)).await;
    });
}

async fn throw_away<B>(mut body: Inbound<B>, most: usize)
where
    B: http_body::Body<Data = Bytes> + Unpin,
{
    let mut length = 0_usize;
    while length <= most {
        match tokio::time::timeout(SILENCE, body.next()).await {
            Ok(Some(Ok(piece))) => length = length.saturating_add(piece.len()),
            Ok(Some(Err(_)) | None) | Err(_) => break,
        }
    }
}
