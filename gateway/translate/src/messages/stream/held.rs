//! What must wait because another call is not over: callers of this format know one open block at a time.

use std::collections::{BTreeMap, VecDeque};

use crate::{Signature, Text};

/// How far the JSON text of a call's arguments has come.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Progress {
    begun: bool,
    depth: u64,
    in_string: bool,
    escaped: bool,
    done: bool,
}

impl Progress {
    /// Reads on.
    pub(super) fn feed(&mut self, fragment: &Text<'_>) {
        for byte in fragment.unescaped().bytes() {
            if self.in_string {
                match byte {
                    _ if self.escaped => self.escaped = false,
                    b'\\' => self.escaped = true,
                    b'"' => self.in_string = false,
                    _ => {}
                }
                continue;
            }
            match byte {
                b' ' | b'\n' | b'\r' | b'\t' => continue,
                b'"' => self.in_string = true,
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' => {
                    self.depth = self.depth.saturating_sub(1);
                    self.done = self.depth == 0;
                }
                _ => {}
            }
            self.begun = true;
        }
    }

    /// Whether there was anything but white space.
    pub(super) fn has_begun(self) -> bool {
        self.begun
    }

    /// Whether the object is closed.
    pub(super) fn is_done(self) -> bool {
        self.done
    }
}

/// Something that waits.
#[derive(Debug)]
pub(super) enum Held {
    Text(String),
    Thinking(String),
    Signed(Signature<'static>),
    Redacted(Text<'static>),
    Call {
        call: u64,
        id: Option<Text<'static>>,
        name: Text<'static>,
        arguments: String,
    },
}

/// All that waits, in order.
#[derive(Debug, Default)]
pub(super) struct Queue {
    waiting: VecDeque<Held>,
    /// How many have left.
    left: usize,
    /// The place of each call, those that have left counted.
    calls: BTreeMap<u64, usize>,
}

impl Queue {
    pub(super) fn push(&mut self, held: Held) {
        match (self.waiting.back_mut(), held) {
            (Some(Held::Text(text)), Held::Text(more))
            | (Some(Held::Thinking(text)), Held::Thinking(more)) => text.push_str(&more),
            (_, held) => {
                if let Held::Call { call, .. } = held {
                    self.calls.insert(call, self.left + self.waiting.len());
                }
                self.waiting.push_back(held);
            }
        }
    }

    /// More of the arguments of a call that waits; of one that does not, nothing.
    pub(super) fn argue(&mut self, call: u64, fragment: &Text<'_>) {
        let place = self.calls.get(&call).copied();
        let held = place
            .and_then(|place| place.checked_sub(self.left))
            .and_then(|at| self.waiting.get_mut(at));
        if let Some(Held::Call { arguments, .. }) = held {
            arguments.push_str(fragment.as_written());
        }
    }

    pub(super) fn pop(&mut self) -> Option<Held> {
        let next = self.waiting.pop_front()?;
        self.left += 1;
        if let Held::Call { call, .. } = next {
            self.calls.remove(&call);
        }
        Some(next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_when_an_object_is_closed() {
        for (fragments, done) in [
            (&["", " "][..], false),
            (&["{}"], true),
            (&["{\"a\":", "\"}\"", "}"], true),
            (&["{\"a\":\"\\", "\"}"], false),
            (&["{\"a\":\"\\", "\"\"}"], true),
            (&["{\"a\":[{}]"], false),
        ] {
            let mut progress = Progress::default();
            for fragment in fragments {
                progress.feed(&Text::plain(fragment));
            }
            assert_eq!(progress.is_done(), done, "{fragments:?}");
        }
    }
}
