//! A thread for whoever looks. What they ask takes time, to search requests, to explain, to write down a large answer; the control thread, which
//! renews what is held of limits, follows the configuration and answers probes, has none to give.

use std::convert::Infallible;
use std::io;

use axum::Router;
use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::{FutureExt as _, stream};
use http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use hyper::service::Service as _;
use hyper_util::service::TowerToHyperService;
use tokio::sync::{mpsc, oneshot};

use crate::tasks::Tasks;

/// So many questions at once, twice the connections of the port: what is over is looked for before it is taken away.
const QUESTIONS: usize = 128;

/// The thread. It ends when nothing can be asked of it any more.
#[derive(Debug, Clone)]
pub(crate) struct Apart(mpsc::Sender<BoxFuture<'static, ()>>);

impl Apart {
    /// Starts it.
    ///
    /// # Errors
    /// The system gives no thread.
    pub(crate) fn start() -> io::Result<Self> {
        let (sender, mut jobs) = mpsc::channel::<BoxFuture<'static, ()>>(QUESTIONS);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let thread = std::thread::Builder::new().name("console".to_owned());
        thread.spawn(move || {
            let tasks = Tasks::default();
            runtime.block_on(async {
                while let Some(job) = jobs.recv().await {
                    tasks.spawn(job);
                }
            });
            // A rule that is being tried may still be compiled; nobody waits for it.
            runtime.shutdown_background();
        })?;
        Ok(Self(sender))
    }

    /// A router that answers as this one does, over there.
    pub(crate) fn of(self, router: Router) -> Router {
        Router::new().fallback(move |request| {
            let (apart, router) = (self.clone(), router.clone());
            async move { apart.answer(router, request).await }
        })
    }

    async fn answer(&self, router: Router, request: Request<Body>) -> Response {
        let (told, answer) = oneshot::channel();
        let sent = self.0.try_send(answered(router, request, told).boxed());
        let answer = match sent {
            Ok(()) => answer.await.ok(),
            Err(_) => None,
        };
        let busy = "too much is asked at once; ask again\n";
        answer.unwrap_or_else(|| (StatusCode::SERVICE_UNAVAILABLE, busy).into_response())
    }
}

/// Answers one question, unless whoever asked is gone.
async fn answered(router: Router, request: Request<Body>, mut told: oneshot::Sender<Response>) {
    let answer = tokio::select! {
        biased;
        () = told.closed() => return,
        Ok(answer) = TowerToHyperService::new(router).call(request) => answer,
        else => return,
    };
    let (head, mut body) = answer.into_parts();
    if http_body::Body::size_hint(&body).exact().is_some() {
        // It is there as a whole.
        let _ = told.send(Response::from_parts(head, body));
        return;
    }
    // A stream is made here too, a piece ahead of whoever reads it.
    let (pieces, read) = mpsc::channel::<Result<Bytes, Infallible>>(1);
    let read = stream::unfold(read, |mut read| async { Some((read.recv().await?, read)) });
    if told
        .send(Response::from_parts(head, Body::from_stream(read)))
        .is_err()
    {
        return;
    }
    loop {
        let frame = tokio::select! {
            biased;
            () = pieces.closed() => return,
            frame = body.frame() => frame,
        };
        let Some(Ok(frame)) = frame else { return };
        let Ok(piece) = frame.into_data() else {
            continue;
        };
        if pieces.send(Ok(piece)).await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
    use std::time::Duration;

    use axum::routing::get;
    use tokio::time::{Instant, timeout};
    use tower::ServiceExt as _;

    use super::*;

    fn ask(path: &str) -> Request<Body> {
        Request::get(path).body(Body::empty()).unwrap()
    }

    #[expect(clippy::disallowed_methods, reason = "it is to be busy")]
    fn busy() -> &'static str {
        std::thread::sleep(Duration::from_millis(400));
        "done"
    }

    #[tokio::test]
    async fn a_question_that_takes_long_holds_up_nothing_here() {
        let slow = Router::new().route("/slow", get(|| async { busy() }));
        let apart = Apart::start().unwrap().of(slow);
        let asking = apart.oneshot(ask("/slow"));
        tokio::pin!(asking);
        let before = Instant::now();
        assert!(
            timeout(Duration::from_millis(50), &mut asking)
                .await
                .is_err()
        );
        assert!(before.elapsed() < Duration::from_millis(300));
        let answer = asking.await.unwrap();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(&*body, b"done");
    }

    /// Says when it is dropped.
    struct Dropped(Arc<AtomicBool>);

    impl Drop for Dropped {
        fn drop(&mut self) {
            self.0.store(true, Relaxed);
        }
    }

    #[tokio::test]
    async fn a_stream_comes_piece_by_piece_and_ends_with_whoever_reads_it() {
        let gone = Arc::new(AtomicBool::default());
        let guard = Arc::clone(&gone);
        let endless = move || async move {
            let body = stream::unfold(Dropped(guard), |guard| async {
                tokio::time::sleep(Duration::from_millis(5)).await;
                Some((Ok::<_, Infallible>(Bytes::from_static(b"piece")), guard))
            });
            Body::from_stream(body)
        };
        let router = Router::new().route("/live", get(endless));
        let apart = Apart::start().unwrap();
        let answer = apart.clone().of(router).oneshot(ask("/live")).await;
        let answer = answer.unwrap();
        let mut body = answer.into_body();
        for _ in 0..3 {
            let piece = body.frame().await.unwrap().unwrap().into_data().unwrap();
            assert_eq!(&*piece, b"piece");
        }
        drop(body);
        let end = Instant::now() + Duration::from_secs(5);
        while !gone.load(Relaxed) {
            assert!(Instant::now() < end, "it goes on for nobody");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        drop(apart);
    }
}
