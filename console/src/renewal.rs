//! What somebody may see is asked again while they look: a right that is taken away is gone within seconds, and so is a key.

use std::time::Duration;

use tokio::time::Instant;

use crate::source::{Source, Trouble};
use crate::viewer::Viewer;

/// So long nobody asks again.
pub(crate) const HOLDS: Duration = Duration::from_secs(10);
/// And so long what was known holds if it is not known any more.
const AT_MOST: Duration = Duration::from_secs(60);
/// So long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// What somebody may see, and since when that is known.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    pub viewer: Viewer,
    looked: Instant,
}

/// What has become of it.
#[derive(Debug)]
pub(crate) enum Renewed {
    /// They may see this.
    Holds(Box<Known>),
    /// Nothing any more.
    Over,
    /// For too long nobody has been able to say.
    Unknown(Trouble),
}

impl Known {
    /// Known just now.
    pub(crate) fn now(viewer: Viewer) -> Self {
        Self {
            viewer,
            looked: Instant::now(),
        }
    }

    /// Asks again, if it is time.
    pub(crate) async fn renewed(self, source: &dyn Source) -> Renewed {
        if self.looked.elapsed() < HOLDS {
            return Renewed::Holds(Box::new(self));
        }
        let asked = Instant::now();
        let answer = tokio::time::timeout(PATIENCE, source.renew(&self.viewer)).await;
        let late = || {
            Err(Trouble::Unavailable(
                "who you are is not known just now".to_owned(),
            ))
        };
        match answer.unwrap_or_else(|_| late()) {
            Ok(Some(viewer)) => Renewed::Holds(Box::new(Self {
                viewer,
                looked: asked,
            })),
            Ok(None) => Renewed::Over,
            Err(_) if self.looked.elapsed() < AT_MOST => Renewed::Holds(Box::new(self)),
            Err(trouble) => Renewed::Unknown(trouble),
        }
    }
}
