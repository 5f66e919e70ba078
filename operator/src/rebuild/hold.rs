//! Hold: when nothing may be published, because what the watches show is not what people want.

use super::{Leadership, Rebuild};

/// What is said until there is an object again.
const LOST: &str = "CRDs were deleted and every object of their kinds with them; what is published stays in force until there are objects of these kinds again: apply yours anew, or restart the operator if there are to be none";

impl Rebuild {
    /// Why what was gathered may not be published, if so. Objects vanish when somebody deletes them, which counts at once, and when their CRD is
    /// deleted, which is no revocation: the CRD is marked before the first of them goes, so a look at it after one has vanished tells which it
    /// was.
    pub(super) async fn trouble(&mut self, led: &Leadership) -> Option<String> {
        let vanished = self.watched.vanished();
        let known = self.problem.borrow().clone();
        let problem = if vanished == self.vanished {
            known
        } else {
            self.crds.now().await
        };
        if let Some(problem) = problem {
            self.lost |= problem.gone;
            return Some(problem.text);
        }
        self.vanished = vanished;
        self.lost &= self.misses(led);
        self.lost.then(|| LOST.to_owned())
    }
    /// Whether there is no object of a kind of which something is live.
    fn misses(&self, led: &Leadership) -> bool {
        let Some(live) = led.live.snapshot.as_deref() else {
            return false;
        };
        let teams = live.keys.values().any(|key| key.team.is_some());
        let kinds = [
            ("LLMProvider", !live.providers.is_empty()),
            ("RoutingRule", !live.rules.is_empty()),
            ("VirtualKey", !live.keys.is_empty()),
            ("Team", teams),
        ];
        kinds.iter().any(|(kind, serves)| {
            let shelf = self.watched.resources.get(*kind);
            *serves && shelf.is_some_and(|(_, shelf)| shelf.items().is_empty())
        })
    }
}
