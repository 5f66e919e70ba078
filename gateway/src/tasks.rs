//! The one place where tasks are spawned, so that shutdown can wait for every one of them.

use std::future::Future;

use tokio_util::task::TaskTracker;

/// Spawns onto the current thread's runtime and remembers what runs. Cloning shares the count.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tasks(TaskTracker);

impl Tasks {
    /// Runs `future` on the runtime of the calling thread.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the place that the lint sends everyone to"
    )]
    pub(crate) fn spawn<F>(&self, future: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        tokio::spawn(self.0.track_future(future));
    }

    /// Resolves when nothing that was spawned runs any more.
    pub(crate) async fn finished(&self) {
        self.0.close();
        self.0.wait().await;
    }

    /// How many run now.
    #[must_use]
    pub(crate) fn running(&self) -> usize {
        self.0.len()
    }
}

impl<F> hyper::rt::Executor<F> for Tasks
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, future: F) {
        self.spawn(future);
    }
}
