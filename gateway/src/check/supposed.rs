//! What `explain` supposes of limits and of the request's size: what its request says, else that nothing is used and that it is as long as it is
//! written. What it costs follows from the prices and the guesses that the gateway begins with.

use std::collections::BTreeMap;

use fairlead_admit::estimate::{guessed_cost, guessed_tokens};
use fairlead_condition::{Limit, Meter, Usage};
use fairlead_route::Candidate;
use fairlead_snapshot::Snapshot;
use fairlead_store::Now;
use fairlead_wire::openai::request::Request;
use serde::Deserialize;

use crate::clock;
use crate::facts::Book;
use crate::govern::bound::Bound;
use crate::govern::chain::Chain;
#[cfg(feature = "console")]
use crate::govern::report::Line;
use crate::govern::view::{View, meter};
use crate::request::governed::ceiling;
use crate::request::outlook::Outlook;
use crate::surface::Operation;

/// How many percent are used: by level, and by the name of the limit.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Used {
    budget: BTreeMap<String, BTreeMap<String, u32>>,
    rate: BTreeMap<String, BTreeMap<String, u32>>,
}

/// What is to be expected of the request.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Estimate {
    /// How many tokens its input has. Absent: as many as its body is long.
    input_tokens: Option<u64>,
}

/// What is supposed.
#[derive(Debug)]
pub(super) struct Supposed<'a> {
    view: View<'a>,
    tokens: u64,
    /// The most tokens that each answer may have, and how many there are.
    answers: (Option<u64>, u64),
    /// What the models of the providers cost, in the order of the table.
    books: Vec<Book>,
}

impl<'a> Supposed<'a> {
    /// Of a request for a model that has to keep to a chain of limits.
    ///
    /// # Errors
    /// Something is said to be used that is not limited.
    pub(super) fn new(
        (chain, model): (&'a Chain, &str),
        operation: Operation,
        snapshot: &Snapshot,
        request: &Request<'_>,
        used: Option<&Used>,
        estimate: &Estimate,
    ) -> anyhow::Result<Self> {
        if let Some(used) = used {
            used.are_limits_of(chain)?;
        }
        let amount = |bound: &Bound, limit: i64| {
            let percent = used.and_then(|used| used.of(bound)).unwrap_or(0);
            let amount = i128::from(limit) * i128::from(percent) / 100;
            i64::try_from(amount).unwrap_or(i64::MAX)
        };
        let now = Now {
            mono: std::time::Duration::ZERO,
            unix_ms: clock::unix_millis(),
        };
        let bytes = u64::try_from(request.object.body().len()).unwrap_or(u64::MAX);
        Ok(Self {
            view: View::of(chain, model, amount, now),
            tokens: estimate
                .input_tokens
                .unwrap_or_else(|| guessed_tokens(bytes)),
            answers: (ceiling(operation, request), request.n),
            books: snapshot.providers.values().map(Book::of).collect(),
        })
    }

    /// Whether there is something that could be used.
    pub(super) fn has_limits(&self) -> bool {
        !self.view.is_empty()
    }
}

impl Used {
    /// As the limits of a chain stand.
    #[cfg(feature = "console")]
    #[must_use]
    pub(crate) fn standing(lines: &[Line]) -> Self {
        let mut used = Self::default();
        for line in lines {
            let of_kind = match line.kind {
                "budget" => &mut used.budget,
                "rate_limit" => &mut used.rate,
                _ => continue,
            };
            let [limit, amount] = [&line.limit, &line.used].map(|text| text.get().parse::<f64>());
            let (Ok(limit), Ok(amount)) = (limit, amount) else {
                continue;
            };
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a percentage, held between 0 and 100,000; of a limit of nothing all is used"
            )]
            let percent = (100.0 * amount / limit).clamp(0.0, 100_000.0) as u32;
            let percent = if limit > 0.0 { percent } else { 100 };
            let of_level = of_kind.entry(line.level.to_owned()).or_default();
            of_level.insert(line.name.to_string(), percent);
        }
        used
    }

    fn of(&self, bound: &Bound) -> Option<u32> {
        let levels = match meter(bound)? {
            Meter::Budget => &self.budget,
            Meter::Rate => &self.rate,
        };
        let limits = levels.get(bound.holder.level.as_str())?;
        limits.get(&*bound.name).copied()
    }

    /// Whether each of them is one of the chain.
    fn are_limits_of(&self, chain: &Chain) -> anyhow::Result<()> {
        let kinds = [
            ("budget", Meter::Budget, &self.budget),
            ("rate", Meter::Rate, &self.rate),
        ];
        for (kind, of_kind, levels) in kinds {
            let named = levels
                .iter()
                .flat_map(|(whose, limits)| limits.keys().map(move |name| (whose, name)));
            for (whose, name) in named {
                let mut limits = chain.iter().filter(|bound| meter(bound) == Some(of_kind));
                let is_it =
                    |bound: &Bound| bound.holder.level.as_str() == whose && *bound.name == **name;
                anyhow::ensure!(
                    limits.any(is_it),
                    "usage.{kind}.{whose}.{name}: the {whose} of this key has no {kind} of that name in force"
                );
            }
        }
        Ok(())
    }
}

impl Outlook for Supposed<'_> {
    fn usage(&self, limit: &Limit) -> Option<Usage> {
        self.view.usage(limit)
    }

    fn input_tokens(&self) -> u64 {
        self.tokens
    }

    fn cost(&self, target: Candidate<'_>) -> Option<i64> {
        let book = self.books.get(target.provider.0)?;
        let (ceiling, choices) = self.answers;
        let max_output = book.facts(target.model).max_output().map(u64::from);
        let most = ceiling.into_iter().chain(max_output).min();
        let most = most.map(|most| most.saturating_mul(choices));
        guessed_cost(self.tokens, most, book.tariff(target.model).price())
    }
}
