//! What a condition sees of a request and of who sends it.
//!
//! Nothing is made before a condition asks for it, and no condition asks for what it does not name: parameters are read in the body, where
//! they lie, and headers in the request's head.

use std::borrow::Cow;
use std::cell::Cell;

use fairlead_json::{Raw, Unreadable};

use crate::EvaluationError;
use crate::limit::{Limit, Usage};
use crate::need::Need;

/// How much text of parameters the conditions of one request look through, in bytes: to find a member, its object is scanned.
const MOST_READ: usize = 4 * 1024 * 1024;

/// A request, as far as a condition may ask.
pub trait Request {
    /// A header by its name in any case; one that was repeated has its values joined by `", "`.
    ///
    /// # Errors
    /// It is there and is no text.
    fn header(&self, name: &str) -> Result<Option<Cow<'_, str>>, Unreadable>;

    /// How many headers there are, by name.
    fn headers(&self) -> usize;

    /// The model name as sent.
    fn model(&self) -> &str;

    /// Whether the answer is to be streamed.
    fn stream(&self) -> bool;

    /// A top-level member of the body other than the messages.
    ///
    /// # Errors
    /// Readers may disagree on which member it is.
    fn param(&self, name: &str) -> Result<Option<Raw<'_>>, Unreadable>;

    /// How many of them there are.
    fn params(&self) -> usize;

    /// How a limit of the caller's stands; `None`: there is none.
    fn usage(&self, limit: &Limit) -> Option<Usage>;

    /// How many tokens the input will probably have.
    fn input_tokens(&self) -> u64;

    /// What is asked for, in the words of `gen_ai.operation.name`.
    fn operation(&self) -> &str {
        ""
    }

    /// Whether it needs something of a model; `None`: it cannot be told.
    fn needs(&self, _: Need) -> Option<bool> {
        None
    }

    /// Whether the body is known. Where it is not - nobody reads what is passed through -, whatever follows from it cannot be told, and to ask for it is
    /// an error.
    fn is_read(&self) -> bool {
        true
    }
}

/// What the request will probably cost if the rule takes it, in nano-USD; `None`: nobody can tell.
pub type Cost<'a> = dyn Fn() -> Option<i64> + 'a;

/// Who sends it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CallerFacts<'a> {
    /// The key's name.
    pub key_name: &'a str,
    /// The key's namespace.
    pub key_namespace: &'a str,
    /// The key's team, if it has one.
    pub team: Option<&'a str>,
    /// The team's organization, if it has one.
    pub organization: Option<&'a str>,
}

/// Everything the conditions of one request see.
pub struct Facts<'a> {
    pub(crate) request: &'a dyn Request,
    pub(crate) caller: CallerFacts<'a>,
    /// The name that a rule has given the request; `None`: as sent.
    model: Option<&'a str>,
    cost: Option<&'a Cost<'a>>,
    left: Left<'a>,
}

/// How much of [`MOST_READ`] is left.
enum Left<'a> {
    Own(Cell<usize>),
    /// Of the request that these facts are of, too.
    Shared(&'a Cell<usize>),
}

impl<'a> Facts<'a> {
    /// The facts of one request.
    #[must_use]
    pub fn new(request: &'a dyn Request, caller: CallerFacts<'a>) -> Self {
        Self {
            request,
            caller,
            model: None,
            cost: None,
            left: Left::Own(Cell::new(MOST_READ)),
        }
    }

    /// The same for a rule at whose targets the request would cost so much.
    #[must_use]
    pub fn costing<'b>(&'b self, cost: &'b Cost<'b>) -> Facts<'b> {
        Facts {
            request: self.request,
            caller: self.caller,
            model: self.model,
            cost: Some(cost),
            left: Left::Shared(self.left()),
        }
    }

    /// The same once a rule has given the request another name.
    #[must_use]
    pub fn renamed<'b>(&'b self, model: &'b str) -> Facts<'b> {
        Facts {
            request: self.request,
            caller: self.caller,
            model: Some(model),
            cost: self.cost,
            left: Left::Shared(self.left()),
        }
    }

    /// The model's name: as sent, or as the last rule that renamed it says.
    pub(crate) fn model(&self) -> &str {
        self.model.unwrap_or_else(|| self.request.model())
    }

    /// What the request will probably cost, in nano-USD.
    pub(crate) fn cost(&self) -> Option<i64> {
        self.cost.and_then(|cost| cost())
    }

    fn left(&self) -> &Cell<usize> {
        match &self.left {
            Left::Own(left) => left,
            Left::Shared(left) => left,
        }
    }

    /// Before `text` is looked through.
    pub(crate) fn reads(&self, text: &str) -> Result<(), EvaluationError> {
        let left = self.left().get().checked_sub(text.len());
        self.left().set(left.unwrap_or(0));
        left.map(drop).ok_or(EvaluationError::TooMuch)
    }
}

impl std::fmt::Debug for Facts<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The request may hold secrets.
        f.debug_struct("Facts")
            .field("caller", &self.caller)
            .finish_non_exhaustive()
    }
}
