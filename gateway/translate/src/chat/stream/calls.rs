//! Calls of a choice, put together from fragments.
//!
//! By the book an index tells the calls apart, and the first fragment of each has id and name. Some servers number all calls 0 and tell
//! them apart by their ids, some leave out indexes, or ids, or both. So: an id that is known is its call; a new id is a new call, whatever
//! its index; without an id the index decides; without both, a name begins a call and anything else belongs to the last one.

use std::collections::BTreeMap;

use fairlead_json::{Kind, Raw};

use crate::chat::lenient::{count, filled};
use crate::chat::thought::call_signature;
use crate::{Malformed, Piece, Signature, Text};

/// The calls of one choice.
#[derive(Debug, Clone, Default)]
pub(super) struct Calls {
    open: Vec<Call>,
    by_id: BTreeMap<String, usize>,
    by_index: BTreeMap<u64, usize>,
    named: u64,
}

#[derive(Debug, Clone, Default)]
struct Call {
    /// Which of the calls it is, once its name is known.
    number: Option<u64>,
    name: String,
    id: Option<String>,
    /// What came before the name.
    held: String,
    signature: Option<Signature<'static>>,
}

/// What one entry of `tool_calls` adds.
#[derive(Default)]
struct Fragment<'a> {
    index: Option<u64>,
    id: Option<Text<'a>>,
    name: Option<Text<'a>>,
    arguments: Option<Text<'a>>,
    signature: Option<Signature<'a>>,
}

impl<'a> Fragment<'a> {
    fn read(entry: Raw<'a>) -> Self {
        let mut fragment = Self::default();
        entry.each_member(|name, value| match &*name {
            "index" => fragment.index = count(value),
            "id" => fragment.id = filled(value),
            "extra_content" => fragment.signature = call_signature(value),
            "function" => value.each_member(|name, value| match (&*name, value.kind()) {
                ("name", _) => fragment.name = filled(value),
                ("arguments", Kind::Object) => {
                    fragment.arguments = Some(Text::plain(value.text()));
                }
                ("arguments", _) => fragment.arguments = filled(value),
                _ => {}
            }),
            _ => {}
        });
        fragment
    }
}

impl Calls {
    /// Whether any call has begun.
    pub(super) fn any(&self) -> bool {
        self.named > 0
    }

    /// Takes one entry of the `tool_calls` of a choice.
    pub(super) fn take(
        &mut self,
        entry: Raw<'_>,
        choice: u64,
        piece: &mut dyn FnMut(Piece<'_>),
    ) -> Result<(), Malformed> {
        let fragment = Fragment::read(entry);
        let says_nothing = fragment.id.is_none() && fragment.name.is_none();
        let at = match self.find(&fragment) {
            Some(at) => at,
            None if says_nothing && fragment.arguments.is_none() => return Ok(()),
            None => {
                self.open.push(Call::default());
                self.open.len() - 1
            }
        };
        self.register(at, &fragment);
        let Some(call) = self.open.get_mut(at) else {
            return Ok(());
        };
        let Some(number) = call.number else {
            return self.begin(at, fragment, choice, piece);
        };
        if let Some(fragment) = fragment.arguments {
            piece(Piece::Arguments {
                choice,
                call: number,
                fragment,
            });
        }
        Ok(())
    }

    /// The choice has ended: no call may be half of one.
    pub(super) fn end(&self) -> Result<(), Malformed> {
        if self.open.iter().all(|call| call.number.is_some()) {
            Ok(())
        } else {
            Err(Malformed::Shape("a call does not say which tool is called"))
        }
    }

    fn find(&self, fragment: &Fragment<'_>) -> Option<usize> {
        let by_index = fragment.index.and_then(|index| self.by_index.get(&index));
        let at_index = || by_index.and_then(|at| Some((*at, self.open.get(*at)?)));
        if let Some(id) = &fragment.id {
            if let Some(at) = self.by_id.get(id.as_written()) {
                return Some(*at);
            }
            // An id may come later than the name, and the name later than the id.
            return at_index()
                .filter(|(_, call)| {
                    call.id.is_none() && (fragment.name.is_none() || call.name.is_empty())
                })
                .map(|(at, _)| at);
        }
        if fragment.index.is_some() {
            let other = |call: &Call| match &fragment.name {
                Some(name) => !call.name.is_empty() && call.name != name.as_written(),
                None => false,
            };
            return at_index()
                .filter(|(_, call)| !other(call))
                .map(|(at, _)| at);
        }
        let last = self.open.len().checked_sub(1)?;
        let unnamed = self.open.last().is_some_and(|call| call.name.is_empty());
        (fragment.name.is_none() || unnamed).then_some(last)
    }

    fn register(&mut self, at: usize, fragment: &Fragment<'_>) {
        if let Some(index) = fragment.index {
            self.by_index.insert(index, at);
        }
        if let (Some(id), Some(call)) = (&fragment.id, self.open.get_mut(at))
            && call.id.is_none()
        {
            let id = id.as_written().to_owned();
            self.by_id.insert(id.clone(), at);
            call.id = Some(id);
        }
    }

    /// Takes a fragment of a call that is not announced yet, and announces it if there is a name.
    fn begin(
        &mut self,
        at: usize,
        fragment: Fragment<'_>,
        choice: u64,
        piece: &mut dyn FnMut(Piece<'_>),
    ) -> Result<(), Malformed> {
        let Some(call) = self.open.get_mut(at) else {
            return Ok(());
        };
        let Some(name) = fragment.name else {
            if let Some(arguments) = fragment.arguments {
                call.held.push_str(arguments.as_written());
            }
            call.signature = fragment.signature.map(owned).or(call.signature.take());
            return Ok(());
        };
        let number = self.named;
        self.named += 1;
        call.number = Some(number);
        name.as_written().clone_into(&mut call.name);
        piece(Piece::Call {
            choice,
            call: number,
            id: call.id.as_deref().map(Text::escaped),
            name,
            signature: fragment.signature.or(call.signature.take()),
        });
        let held = std::mem::take(&mut call.held);
        let before = (!held.is_empty()).then(|| Text::escaped(held));
        for fragment in before.into_iter().chain(fragment.arguments) {
            piece(Piece::Arguments {
                choice,
                call: number,
                fragment,
            });
        }
        Ok(())
    }
}

fn owned(signature: Signature<'_>) -> Signature<'static> {
    Signature {
        origin: signature.origin,
        value: signature.value.into_owned(),
    }
}
