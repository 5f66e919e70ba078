//! What is to be expected of a request before it is decided where it goes, as far as a rule's condition asks: how limits stand, and what it
//! will probably use. Nothing is looked at before a condition names it, and then once.

use std::cell::{OnceCell, RefCell};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use fairlead_admit::estimate::guessed_tokens;
use fairlead_condition::{Limit, Usage};
use fairlead_route::Candidate;
use smallvec::SmallVec;

use crate::govern::Governed;
use crate::govern::view::View;
use crate::runtime::Runtime;
use crate::surface::Operation;

/// What is to be expected of a request.
pub(crate) trait Outlook: std::fmt::Debug {
    /// How a limit of the caller's stands; `None`: there is none.
    fn usage(&self, limit: &Limit) -> Option<Usage>;

    /// How many tokens the input will probably have.
    fn input_tokens(&self) -> u64;

    /// What it will probably cost at a target, in nano-USD; `None`: nobody can tell.
    fn cost(&self, target: Candidate<'_>) -> Option<i64>;

    /// The same as a turn of the conversation of this number.
    fn cost_of_turn(&self, target: Candidate<'_>, _: u64) -> Option<i64> {
        self.cost(target)
    }
}

/// What a target will probably cost, by the position of its provider and what tells the upstream's names of models apart.
type Known = (usize, u64, Option<i64>);

/// What is to be expected of a request now.
#[derive(Debug)]
pub(crate) struct Now<'a> {
    runtime: &'a Runtime,
    governed: &'a Governed,
    operation: Operation,
    view: OnceCell<View<'a>>,
    costs: RefCell<SmallVec<[Known; 4]>>,
}

impl<'a> Now<'a> {
    /// Of a request of this kind.
    #[must_use]
    pub(crate) fn of(runtime: &'a Runtime, governed: &'a Governed, operation: Operation) -> Self {
        Self {
            runtime,
            governed,
            operation,
            view: OnceCell::new(),
            costs: RefCell::default(),
        }
    }

    fn cost_now(&self, target: Candidate<'_>) -> Option<i64> {
        let upstream = self.runtime.upstreams.get(target.provider.0)?;
        let target = upstream.target(target.model, self.operation);
        self.runtime
            .governor()
            .expected_cost(self.governed, &target)
    }
}

impl Outlook for Now<'_> {
    fn usage(&self, limit: &Limit) -> Option<Usage> {
        let look = || self.runtime.governor().view(self.governed);
        self.view.get_or_init(look).usage(limit)
    }

    /// By its length alone, so that it is the same for all rules, keys and replicas, and grows with a conversation.
    fn input_tokens(&self) -> u64 {
        guessed_tokens(self.governed.bytes)
    }

    fn cost(&self, target: Candidate<'_>) -> Option<i64> {
        let name = hash(target.model);
        let is_it =
            |(provider, model, _): &&Known| *provider == target.provider.0 && *model == name;
        if let Some((.., known)) = self.costs.borrow().iter().find(is_it) {
            return *known;
        }
        let cost = self.cost_now(target);
        self.costs
            .borrow_mut()
            .push((target.provider.0, name, cost));
        cost
    }

    /// Asked once a target: it is not kept.
    fn cost_of_turn(&self, target: Candidate<'_>, conversation: u64) -> Option<i64> {
        let upstream = self.runtime.upstreams.get(target.provider.0)?;
        let cached = upstream.health.known(target.model).map_or(0, |model| {
            model.conversations.cached(conversation, upstream.now())
        });
        let target = upstream.target(target.model, self.operation);
        let governor = self.runtime.governor();
        governor.expected_cost_of_turn(self.governed, &target, cached)
    }
}

fn hash(name: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    hasher.finish()
}
