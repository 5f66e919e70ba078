//! Lines that wait for the thread that writes them, in the order in which they came.

use parking_lot::{Condvar, Mutex};

/// For whom there is room apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Room {
    /// What was decided. A reload that changes every one of ten thousands of keys has to fit.
    Decisions,
    /// What was seen.
    Mentions,
}

impl Room {
    /// How many lines may wait.
    fn most(self) -> usize {
        match self {
            Self::Decisions => 65_536,
            Self::Mentions => 4_096,
        }
    }
}

/// The lines.
#[derive(Debug, Default)]
pub(super) struct Queue {
    waiting: Mutex<Waiting>,
    news: Condvar,
}

#[derive(Debug, Default)]
struct Waiting {
    lines: Vec<String>,
    decisions: usize,
    mentions: usize,
    ended: bool,
}

impl Queue {
    /// Puts a line at the end. Never waits longer than it takes to do so.
    ///
    /// # Errors
    /// There is no room, or nothing is written any more; then the line comes back.
    pub(super) fn put(&self, room: Room, line: String) -> Result<(), String> {
        let mut waiting = self.waiting.lock();
        let Waiting {
            lines,
            decisions,
            mentions,
            ended,
        } = &mut *waiting;
        let count = match room {
            Room::Decisions => decisions,
            Room::Mentions => mentions,
        };
        if *ended || *count >= room.most() {
            return Err(line);
        }
        *count += 1;
        lines.push(line);
        self.news.notify_one();
        Ok(())
    }

    /// All that waits, as soon as there is something; `None`: it has ended.
    pub(super) fn take(&self) -> Option<Vec<String>> {
        let mut waiting = self.waiting.lock();
        while waiting.lines.is_empty() && !waiting.ended {
            self.news.wait(&mut waiting);
        }
        (waiting.decisions, waiting.mentions) = (0, 0);
        let lines = std::mem::take(&mut waiting.lines);
        (!lines.is_empty()).then_some(lines)
    }

    /// Takes no more.
    pub(super) fn end(&self) {
        self.waiting.lock().ended = true;
        self.news.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_keep_their_order_and_each_kind_its_room() {
        let queue = Queue::default();
        let mention = |line: &str| queue.put(Room::Mentions, line.to_owned());
        mention("seen").unwrap();
        queue.put(Room::Decisions, "decided".to_owned()).unwrap();
        while mention("seen").is_ok() {}
        queue.put(Room::Decisions, "last".to_owned()).unwrap();
        let lines = queue.take().unwrap();
        assert_eq!(lines.len(), 4_096 + 2);
        assert_eq!((&*lines[1], &*lines[4_097]), ("decided", "last"));
        mention("again").unwrap();
        queue.end();
        assert_eq!(mention("late"), Err("late".to_owned()));
        assert_eq!(queue.take(), Some(vec!["again".to_owned()]));
        assert_eq!(queue.take(), None);
    }
}
