//! Who is signed in. The cookie holds 128 random bits and nothing else; what they stand for stays here, in memory.

use std::collections::HashMap;
use std::time::Duration;

use parking_lot::Mutex;
use sha2::{Digest as _, Sha256};
use tokio::time::Instant;

use crate::viewer::Viewer;

/// A session ends after this long, whatever is done with it.
const LIFE: Duration = Duration::from_secs(8 * 3_600);
/// And after this long without a request.
const IDLE: Duration = Duration::from_secs(30 * 60);
/// So many at once; the one that has rested longest goes for the next.
const MOST: usize = 1_000;

/// Everybody who is signed in, by the digest of what their cookie holds.
#[derive(Debug, Default)]
pub(crate) struct Sessions(Mutex<HashMap<Id, Session>>);

/// What a session is found by: it says nothing of the cookie.
pub(crate) type Id = [u8; 32];

#[derive(Debug)]
struct Session {
    viewer: Viewer,
    began: Instant,
    used: Instant,
}

impl Session {
    fn is_over(&self) -> bool {
        self.began.elapsed() >= LIFE || self.used.elapsed() >= IDLE
    }
}

impl Sessions {
    /// Begins a session, and says what its cookie holds; `None`: the system gives no random numbers.
    pub(crate) fn begin(&self, viewer: Viewer) -> Option<String> {
        let mut random = [0; 16];
        getrandom::fill(&mut random).ok()?;
        let value = format!("{:032x}", u128::from_be_bytes(random));
        let now = Instant::now();
        let mut all = self.0.lock();
        all.retain(|_, session| !session.is_over());
        while all.len() >= MOST {
            let oldest = all.iter().min_by_key(|(_, session)| session.used);
            let Some(oldest) = oldest.map(|(id, _)| *id) else {
                break;
            };
            all.remove(&oldest);
        }
        let session = Session {
            viewer,
            began: now,
            used: now,
        };
        all.insert(id(&value), session);
        Some(value)
    }

    /// Whose session this is, which has now been used.
    pub(crate) fn find(&self, value: &str) -> Option<(Id, Viewer)> {
        let id = id(value);
        let mut all = self.0.lock();
        let session = all.get_mut(&id)?;
        if session.is_over() {
            all.remove(&id);
            return None;
        }
        session.used = Instant::now();
        Some((id, session.viewer.clone()))
    }

    /// Whether it has not ended; to ask is not to use it.
    pub(crate) fn lives(&self, id: &Id) -> bool {
        let all = self.0.lock();
        all.get(id).is_some_and(|session| !session.is_over())
    }

    /// Ends a session.
    pub(crate) fn end(&self, id: &Id) {
        self.0.lock().remove(id);
    }
}

fn id(value: &str) -> Id {
    Sha256::digest(value).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::viewer::Sees;

    fn viewer() -> Viewer {
        Viewer {
            name: "operator".to_owned(),
            sees: Sees::Everything,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_session_ends_by_rest_by_age_and_by_itself() {
        let sessions = Sessions::default();
        let value = sessions.begin(viewer()).unwrap();
        assert_eq!(value.len(), 32);
        let (id, found) = sessions.find(&value).unwrap();
        assert_eq!(found, viewer());
        sessions.end(&id);
        assert!(sessions.find(&value).is_none() && !sessions.lives(&id));

        let rests = sessions.begin(viewer()).unwrap();
        tokio::time::advance(IDLE).await;
        assert!(sessions.find(&rests).is_none());

        let ages = sessions.begin(viewer()).unwrap();
        let mut held = Duration::ZERO;
        while sessions.find(&ages).is_some() {
            tokio::time::advance(IDLE / 2).await;
            held += IDLE / 2;
        }
        assert_eq!(held, LIFE);
    }

    #[tokio::test(start_paused = true)]
    async fn sign_ins_without_end_push_out_who_has_rested_longest() {
        let sessions = Sessions::default();
        let first = sessions.begin(viewer()).unwrap();
        let second = sessions.begin(viewer()).unwrap();
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(sessions.find(&first).is_some());
        for _ in 0..MOST - 1 {
            sessions.begin(viewer()).unwrap();
        }
        assert!(sessions.find(&first).is_some() && sessions.find(&second).is_none());
    }
}
