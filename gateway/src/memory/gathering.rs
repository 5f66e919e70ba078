//! Bodies and answers as they come.

use bytes::Bytes;

use super::{Exhausted, Permit, STEP, Share};

/// Once so much has come, the rest of what is announced is believed to come.
const EARNEST: usize = 8 * 1024 * 1024;

/// Bytes that come piece by piece. What is announced reserves nothing: a permit is taken before each piece, and room is made for no more than
/// is permitted.
#[derive(Debug)]
pub(crate) struct Gathering {
    /// The usual bytes come in one piece, which then need not be copied.
    only: Bytes,
    all: Vec<u8>,
    most: usize,
    permit: Permit,
}

impl Gathering {
    /// Of which nothing has come; `announced` says how much may.
    #[must_use]
    pub(crate) fn new(share: &Share, announced: Option<usize>) -> Self {
        Self {
            only: Bytes::new(),
            all: Vec::new(),
            most: announced.unwrap_or(usize::MAX),
            permit: share.nothing(),
        }
    }

    /// How many bytes have come.
    #[must_use]
    pub(crate) fn len(&self) -> usize {
        self.only.len().max(self.all.len())
    }

    /// What has come so far.
    #[must_use]
    pub(crate) fn begun(&self) -> &[u8] {
        if self.all.is_empty() {
            &self.only
        } else {
            &self.all
        }
    }

    /// Takes the permit for the next piece, which is read only then.
    ///
    /// # Errors
    /// [`Exhausted`] when the cap leaves no room.
    pub(crate) fn expect(&mut self) -> Result<(), Exhausted> {
        self.permit
            .grow_to(self.len().saturating_add(STEP).min(self.most))
    }

    /// Adds a piece.
    ///
    /// # Errors
    /// [`Exhausted`] when the cap leaves no room.
    pub(crate) fn push(&mut self, piece: Bytes) -> Result<(), Exhausted> {
        if self.len() == 0 {
            self.permit.grow_to(piece.len())?;
            self.only = piece;
            return Ok(());
        }
        let needed = self.len() + piece.len();
        if needed > self.all.capacity() {
            self.make_room(needed)?;
        }
        self.permit.grow_to(needed)?;
        self.all.extend_from_slice(&piece);
        Ok(())
    }

    fn make_room(&mut self, needed: usize) -> Result<(), Exhausted> {
        let is_announced = self.most != usize::MAX && needed <= self.most;
        // Room into which nothing has come yet occupies nothing, but for the rest of a page, which may have 2 MiB.
        let (room, occupied) = if is_announced && self.len() >= EARNEST {
            (self.most, needed)
        } else {
            // Twice as much each time, so that bytes are not copied again and again.
            let room = needed.max((2 * self.len()).min(self.most));
            (room, room)
        };
        // The room they had before is free only when the allocator says so.
        self.permit.grow_to(occupied.saturating_add(self.len()))?;
        self.all.reserve_exact(room - self.all.len());
        self.all.extend_from_slice(&std::mem::take(&mut self.only));
        Ok(())
    }

    /// What has come, and its permit.
    #[must_use]
    pub(crate) fn finish(mut self) -> (Bytes, Permit) {
        self.permit.shrink_to(self.len());
        let bytes = if self.all.is_empty() {
            self.only
        } else {
            self.all.into()
        };
        (bytes, self.permit)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Memory;
    use super::*;
    use fairlead_health::Asker;

    #[test]
    fn announcing_much_reserves_little() {
        let memory = Memory::new(100 * STEP);
        let mut gathering = Gathering::new(&memory.of(Asker::new(2)), Some(50 * STEP));
        gathering.expect().unwrap();
        gathering.push(Bytes::from_static(b"a")).unwrap();
        gathering.expect().unwrap();
        gathering.push(Bytes::from_static(b"b")).unwrap();
        assert!(gathering.all.capacity() < STEP, "no room for what may come");
        assert_eq!(memory.taken(), 2 * STEP);
        assert_eq!(gathering.finish().0, "ab");
    }

    #[test]
    fn once_much_has_come_the_rest_has_its_room_and_is_permitted_as_it_comes() {
        let memory = Memory::new(800 * STEP);
        let mut gathering = Gathering::new(&memory.of(Asker::new(2)), Some(500 * STEP));
        let piece = Bytes::from(vec![1; STEP]);
        let mut buffers = std::collections::BTreeSet::new();
        for count in 1..=500 {
            gathering.expect().unwrap();
            gathering.push(piece.clone()).unwrap();
            buffers.insert(gathering.all.capacity());
            assert!((count..=3 * count).contains(&(memory.taken() / STEP)));
        }
        assert!(buffers.len() <= 9, "{buffers:?}");
        let (bytes, permit) = gathering.finish();
        assert_eq!((bytes.len(), memory.taken()), (500 * STEP, 500 * STEP));
        drop(permit);
    }

    #[test]
    fn what_is_gathered_is_never_more_than_what_is_permitted() {
        let memory = Memory::new(80 * STEP);
        let mut gathering = Gathering::new(&memory.of(Asker::new(2)), None);
        let piece = Bytes::from(vec![1; STEP / 2]);
        let mut count = 0;
        while gathering.expect().is_ok() && gathering.push(piece.clone()).is_ok() {
            count += 1;
            assert!(gathering.all.capacity() <= memory.taken(), "piece {count}");
        }
        assert!(count > 60, "most of the cap can be used: {count}");
        let (bytes, permit) = gathering.finish();
        assert_eq!(bytes.len(), count * STEP / 2);
        drop(permit);
        assert_eq!(memory.taken(), 0);
    }

    #[test]
    fn a_piece_that_comes_alone_is_not_copied() {
        let memory = Memory::new(2 * STEP);
        let mut gathering = Gathering::new(&memory.of(Asker::new(2)), None);
        let piece = Bytes::from(vec![1; 800]);
        gathering.push(piece.clone()).unwrap();
        assert_eq!(gathering.finish().0.as_ptr(), piece.as_ptr());
    }
}
