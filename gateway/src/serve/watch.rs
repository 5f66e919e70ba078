//! The clock of a connection: one timer, moved only when it must be, so that a request costs none.

use std::future::{Future as _, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep};

use crate::serve::link::{Link, State, Times};

/// Watches one connection.
#[derive(Debug)]
pub(crate) struct Watch {
    link: Arc<Link>,
    times: Times,
    timer: Option<Pin<Box<Sleep>>>,
    /// Whether what lay in the socket was seen since it was asked to end.
    looked: bool,
}

impl Watch {
    /// Of a connection with these times.
    #[must_use]
    pub(crate) fn new(link: &Arc<Link>, times: Times) -> Self {
        Self {
            link: Arc::clone(link),
            times,
            timer: None,
            looked: false,
        }
    }

    /// The calling task serves the connection from now on.
    pub(crate) async fn begin(&mut self) {
        poll_fn(|cx| {
            self.link.served_by(cx.waker().clone());
            Poll::Ready(())
        })
        .await;
    }

    /// From now on it ends as soon as it has been idle for so long.
    pub(crate) fn idle_for(&mut self, idle: Duration) {
        self.times.idle = idle;
    }

    /// Resolves when the connection has to end. To be polled after the connection, whenever that is.
    pub(crate) async fn over(&mut self) {
        loop {
            poll_fn(|cx| self.poll(cx)).await;
            if !self.link.is_spared() || self.looked {
                return;
            }
            // A request may lie in the socket already, and the runtime learns of it only when it looks: it does before this goes on.
            self.looked = true;
            tokio::task::yield_now().await;
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        // A request that has come meanwhile is answered first.
        if self.link.is_spared() && self.link.state().0 != State::Busy {
            return Poll::Ready(());
        }
        if self.link.state().0 == State::Head {
            self.link.is_strange();
        }
        let Some(deadline) = self.link.deadline(&self.times) else {
            return Poll::Pending;
        };
        poll_timer(&mut self.timer, deadline, cx)
    }
}

/// Ready once `deadline` has passed. The timer may be set to an earlier time: whoever is woken by it asks again.
pub(crate) fn poll_timer(
    timer: &mut Option<Pin<Box<Sleep>>>,
    deadline: Instant,
    cx: &mut Context<'_>,
) -> Poll<()> {
    let timer = timer.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline)));
    if timer.is_elapsed() {
        if Instant::now() >= deadline {
            return Poll::Ready(());
        }
        timer.as_mut().reset(deadline);
    } else if timer.deadline() > deadline {
        timer.as_mut().reset(deadline);
    }
    timer.as_mut().poll(cx).map(|()| {
        // It was set to just this time, or has fired on its way here: then it is woken once more.
        cx.waker().wake_by_ref();
    })
}
