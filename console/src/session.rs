//! Who is signed in. The cookie holds 128 random bits and nothing else; what they stand for stays here, in memory.

use std::collections::HashMap;
use std::time::Duration;

use parking_lot::Mutex;
use sha2::{Digest as _, Sha256};
use tokio::time::Instant;

use crate::renewal::Known;
use crate::viewer::{Sees, Viewer};

/// A session ends after this long, whatever is done with it.
const LIFE: Duration = Duration::from_secs(8 * 3_600);
/// And after this long without a request.
const IDLE: Duration = Duration::from_secs(30 * 60);
/// So many at once; the one that has rested longest goes for the next.
const MOST: usize = 1_000;
/// So many of one viewer; of their own the one that has rested longest goes for the next.
const MOST_OF_ONE: usize = 16;

/// Everybody who is signed in, by the digest of what their cookie holds.
#[derive(Debug, Default)]
pub(crate) struct Sessions(Mutex<HashMap<Id, Session>>);

/// What a session is found by: it says nothing of the cookie.
pub(crate) type Id = [u8; 32];

#[derive(Debug)]
struct Session {
    known: Known,
    began: Instant,
    used: Instant,
}

impl Session {
    fn is_over(&self) -> bool {
        self.began.elapsed() >= LIFE || self.used.elapsed() >= IDLE
    }

    /// Whether it is this one's: what they may see may have changed since.
    fn is_of(&self, viewer: &Viewer) -> bool {
        let own = &self.known.viewer;
        match (&own.sees, &viewer.sees) {
            (Sees::Key(one), Sees::Key(other)) => one.key == other.key,
            (Sees::Key(_), _) | (_, Sees::Key(_)) => false,
            _ => own.name == viewer.name,
        }
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
        make_room(&mut all, MOST_OF_ONE, |session| session.is_of(&viewer));
        make_room(&mut all, MOST, |_| true);
        let session = Session {
            known: Known::now(viewer),
            began: now,
            used: now,
        };
        all.insert(id(&value), session);
        Some(value)
    }

    /// Whose session this is, which has now been used.
    pub(crate) fn find(&self, value: &str) -> Option<(Id, Known)> {
        let id = id(value);
        let mut all = self.0.lock();
        let session = all.get_mut(&id)?;
        if session.is_over() {
            all.remove(&id);
            return None;
        }
        session.used = Instant::now();
        Some((id, session.known.clone()))
    }

    /// Whose it is, if it has not ended; to ask is not to use it.
    pub(crate) fn known(&self, id: &Id) -> Option<Known> {
        let all = self.0.lock();
        let session = all.get(id).filter(|session| !session.is_over())?;
        Some(session.known.clone())
    }

    /// What its viewer may see now.
    pub(crate) fn renew(&self, id: &Id, known: &Known) {
        if let Some(session) = self.0.lock().get_mut(id) {
            session.known = known.clone();
        }
    }

    /// Ends a session.
    pub(crate) fn end(&self, id: &Id) {
        self.0.lock().remove(id);
    }
}

/// Ends those of some that have rested longest, until there is room for one more.
fn make_room(all: &mut HashMap<Id, Session>, most: usize, is_one: impl Fn(&Session) -> bool) {
    while all.values().filter(|session| is_one(session)).count() >= most {
        let some = all.iter().filter(|(_, session)| is_one(session));
        let oldest = some.min_by_key(|(_, session)| session.used);
        let Some(oldest) = oldest.map(|(id, _)| *id) else {
            return;
        };
        all.remove(&oldest);
    }
}

fn id(value: &str) -> Id {
    Sha256::digest(value).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Holder;

    fn viewer() -> Viewer {
        Viewer::of_everything("operator")
    }

    #[tokio::test(start_paused = true)]
    async fn a_session_ends_by_rest_by_age_and_by_itself() {
        let sessions = Sessions::default();
        let value = sessions.begin(viewer()).unwrap();
        assert_eq!(value.len(), 32);
        let (id, found) = sessions.find(&value).unwrap();
        assert_eq!(found.viewer, viewer());
        sessions.end(&id);
        assert!(sessions.find(&value).is_none() && sessions.known(&id).is_none());

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
        let another = |at: usize| Viewer::of_everything(&at.to_string());
        let first = sessions.begin(another(0)).unwrap();
        let second = sessions.begin(another(1)).unwrap();
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(sessions.find(&first).is_some());
        for at in 2..=MOST {
            sessions.begin(another(at)).unwrap();
        }
        assert!(sessions.find(&first).is_some() && sessions.find(&second).is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn one_who_signs_in_without_end_pushes_out_nobody_else() {
        let sessions = Sessions::default();
        let other = sessions.begin(viewer()).unwrap();
        let holder = || Viewer::holding(Holder::of("a/k", b"value"));
        let first = sessions.begin(holder()).unwrap();
        for _ in 0..2 * MOST {
            tokio::time::advance(Duration::from_millis(1)).await;
            sessions.begin(holder()).unwrap();
        }
        assert!(sessions.find(&other).is_some() && sessions.find(&first).is_none());
        assert_eq!(sessions.0.lock().len(), 1 + MOST_OF_ONE);
    }
}
