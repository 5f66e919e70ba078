//! Ids for calls that have none: a neutral call and its result find each other by id.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::Text;

/// The ids of a conversation, up to where it was read.
#[derive(Debug, Default)]
pub(super) struct Ids<'a> {
    /// Those that the caller gave.
    given: BTreeSet<String>,
    /// By the name of the tool: calls in order, answered ones included until they are met.
    open: BTreeMap<String, VecDeque<Text<'a>>>,
    answered: BTreeSet<String>,
}

impl<'a> Ids<'a> {
    /// The id of a call: its own, or one made of where it stands.
    pub(super) fn call(
        &mut self,
        name: &Text<'a>,
        id: Option<Text<'a>>,
        turn: usize,
        at: usize,
    ) -> Text<'a> {
        let id = self.given_or(id, || format!("call_{turn}_{at}"));
        let name = name.unescaped().into_owned();
        self.open.entry(name).or_default().push_back(id.clone());
        id
    }

    /// The id of a result: its own, or that of the first call of the name that has no result yet. One that answers nothing
    /// gets an id of its own.
    pub(super) fn result(
        &mut self,
        name: &Text<'a>,
        id: Option<Text<'a>>,
        turn: usize,
        at: usize,
    ) -> Text<'a> {
        if let Some(id) = id {
            self.answered.insert(id.unescaped().into_owned());
            return id;
        }
        let open = self.open.get_mut(&*name.unescaped());
        if let Some(open) = open {
            while let Some(id) = open.pop_front() {
                if self.answered.insert(id.unescaped().into_owned()) {
                    return id;
                }
            }
        }
        self.given_or(None, || format!("result_{turn}_{at}"))
    }

    fn given_or(&mut self, id: Option<Text<'a>>, made: impl Fn() -> String) -> Text<'a> {
        if let Some(id) = id {
            self.given.insert(id.unescaped().into_owned());
            return id;
        }
        let mut id = made();
        while self.given.contains(&id) {
            id.push('_');
        }
        Text::escaped(id)
    }
}

/// The id of a call in an answer that gives none: by the answer's own, so that no two in a conversation are alike.
pub(super) fn in_answer(answer: &str, choice: u64, call: u64) -> Text<'static> {
    let is_short = !answer.is_empty() && answer.len() <= 40;
    let is_plain = answer
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    let answer = if is_short && is_plain {
        answer.to_owned()
    } else {
        format!("{:016x}", hash(answer.as_bytes()))
    };
    Text::escaped(match choice {
        0 => format!("call_{answer}_{call}"),
        _ => format!("call_{answer}_{choice}_{call}"),
    })
}

/// FNV-1a of 64 bits.
pub(super) fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Text<'_> {
        Text::plain(text)
    }

    #[test]
    fn results_without_ids_go_to_calls_by_name_and_order() {
        let mut ids = Ids::default();
        assert_eq!(ids.call(&text("find"), None, 1, 0), "call_1_0");
        assert_eq!(ids.call(&text("look"), None, 1, 1), "call_1_1");
        assert_eq!(ids.call(&text("find"), Some(text("own")), 1, 2), "own");
        assert_eq!(ids.call(&text("find"), None, 1, 3), "call_1_3");
        assert_eq!(ids.result(&text("find"), Some(text("own")), 2, 0), "own");
        assert_eq!(ids.result(&text("find"), None, 2, 1), "call_1_0");
        assert_eq!(ids.result(&text("find"), None, 2, 2), "call_1_3");
        assert_eq!(ids.result(&text("look"), None, 2, 3), "call_1_1");
        assert_eq!(ids.result(&text("look"), None, 2, 4), "result_2_4");
    }

    #[test]
    fn a_made_id_is_none_that_was_given() {
        let mut ids = Ids::default();
        ids.call(&text("find"), Some(text("call_3_0")), 1, 0);
        assert_eq!(ids.call(&text("find"), None, 3, 0), "call_3_0_");
    }

    #[test]
    fn ids_in_answers_fit_every_grammar() {
        assert_eq!(in_answer("mAk-9_x", 0, 1), "call_mAk-9_x_1");
        assert_eq!(in_answer("a", 2, 1), "call_a_2_1");
        for odd in ["", "with space", &"x".repeat(200)] {
            let id = in_answer(odd, 0, 0);
            assert_eq!(id.as_written().len(), "call_".len() + 16 + "_0".len());
        }
    }
}
