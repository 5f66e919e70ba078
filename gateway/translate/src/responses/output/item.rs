//! The items of an output.

use fairlead_json::{Kind, Limits, Raw};

use crate::Text;

/// An item. Texts in it are kept as they are written.
#[derive(Debug)]
pub(in super::super) enum Item {
    Message(Vec<Part>),
    Reasoning {
        text: String,
        encrypted: Option<String>,
    },
    Call(Call),
}

/// A part of a message.
#[derive(Debug)]
pub(in super::super) struct Part {
    pub(in super::super) refusal: bool,
    pub(in super::super) text: String,
    /// Log probabilities of it, the inside of a list.
    pub(in super::super) logprobs: String,
}

/// A call of a tool.
#[derive(Debug)]
pub(in super::super) struct Call {
    /// Empty: none was given.
    pub(in super::super) id: String,
    pub(in super::super) name: String,
    pub(in super::super) arguments: String,
}

impl Item {
    /// It is over: a call with no arguments has none, which is an object too.
    pub(in super::super) fn complete(&mut self) {
        if let Self::Call(call) = self
            && Text::escaped(&*call.arguments).is_blank()
        {
            call.arguments.push_str("{}");
        }
    }
}

impl Call {
    /// Whether nothing can be missing: it is one whole object.
    pub(in super::super) fn is_complete(&self) -> bool {
        let written = Text::escaped(&*self.arguments);
        Raw::parse(written.unescaped().trim(), &Limits::default())
            .is_ok_and(|raw| raw.kind() == Kind::Object)
    }
}
