//! What a refresh changes, and what of it nobody has looked at.
//!
//! Price lists that are scraped or typed are wrong by whole digits now and then, and a budget that is charged by such a price is worth nothing. So
//! a price that moves more than tenfold is refused unless somebody has named it in `reviewed.tsv`, together with the value it moves to.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::{Catalog, Mode, Model, Price, Rate};

/// How far a price may move unseen.
const FACTOR: u64 = 10;

/// A price that moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Move {
    /// The vendor.
    pub vendor: &'static str,
    /// The model.
    pub model: &'static str,
    /// What is priced, as the data writes it: `input@batch>200000`.
    pub price: String,
    /// The rate before.
    pub from: Rate,
    /// The rate now.
    pub to: Rate,
}

impl Move {
    /// Whether it is more than tenfold, up or down; from or to nothing is always more.
    #[must_use]
    pub const fn is_tenfold(&self) -> bool {
        let (from, to) = (self.from.picos(), self.to.picos());
        to > from.saturating_mul(FACTOR) || from > to.saturating_mul(FACTOR)
    }
}

impl fmt::Display for Move {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            vendor,
            model,
            price,
            from,
            to,
        } = self;
        write!(out, "{vendor} {model} {price}: {from} -> {to}")
    }
}

/// The moves that somebody has looked at and found right: lines of vendor, model, price and the new value, then why.
#[derive(Debug, Clone, Default)]
pub struct Reviewed(BTreeSet<[String; 4]>);

impl Reviewed {
    /// Reads the list. What is no line of it names nothing, so a mistake in it refuses and never lets pass.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        Self(
            lines
                .filter_map(|line| match *line.split('\t').collect::<Vec<_>>() {
                    [vendor, model, price, to, why] if !why.is_empty() => {
                        Some([vendor, model, price, to].map(str::to_owned))
                    }
                    _ => None,
                })
                .collect(),
        )
    }

    /// Whether the move is named, with the value that it goes to.
    #[must_use]
    pub fn names(&self, change: &Move) -> bool {
        let key = [
            change.vendor,
            change.model,
            &change.price,
            &change.to.to_string(),
        ]
        .map(str::to_owned);
        self.0.contains(&key)
    }
}

/// Vendor and model.
type Name = (&'static str, &'static str);

/// What differs between two catalogs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Review {
    /// Models that are new.
    pub added: Vec<Name>,
    /// Models that are gone.
    pub removed: Vec<Name>,
    /// Models of which another fact than a price changed.
    pub changed: Vec<Name>,
    /// Prices that moved.
    pub moved: Vec<Move>,
    /// Prices that are new, of models that are not, and what they are.
    pub priced: Vec<(&'static str, &'static str, String)>,
    /// Prices that are gone, of models that are not.
    pub unpriced: Vec<(&'static str, &'static str, String)>,
}

impl Review {
    /// Compares the data as it was with the data as it would be.
    #[must_use]
    pub fn of(old: &Catalog, new: &Catalog) -> Self {
        let (old, new) = (by_name(old), by_name(new));
        let mut review = Self::default();
        for (name, before) in &old {
            match new.get(name) {
                None => review.removed.push(*name),
                Some(after) => review.compare(*name, before, after),
            }
        }
        review.added = new
            .into_keys()
            .filter(|name| !old.contains_key(name))
            .collect();
        review
    }

    /// The moves that must not be taken: tenfold, and not named.
    pub fn refused<'a>(&'a self, reviewed: &'a Reviewed) -> impl Iterator<Item = &'a Move> {
        self.moved
            .iter()
            .filter(|change| change.is_tenfold() && !reviewed.names(change))
    }

    fn compare(&mut self, name: Name, before: &Model, after: &Model) {
        let (vendor, model) = name;
        for price in before.prices().iter() {
            match same(after, price) {
                None => self.unpriced.push((vendor, model, key(price))),
                Some(now) if now.rate == price.rate => {}
                Some(now) => self.moved.push(Move {
                    vendor,
                    model,
                    price: key(price),
                    from: price.rate,
                    to: now.rate,
                }),
            }
        }
        let new = after
            .prices()
            .iter()
            .filter(|price| same(before, *price).is_none());
        self.priced
            .extend(new.map(|price| (vendor, model, format!("{}={}", key(price), price.rate))));
        if facts(before) != facts(after) {
            self.changed.push(name);
        }
    }
}

/// The price of another state of the model for the same.
fn same(model: &Model, price: Price) -> Option<Price> {
    let of = |price: &Price| (price.unit, price.mode, price.above);
    model.prices().iter().find(|other| of(other) == of(&price))
}

/// All but its prices.
fn facts(model: &Model) -> impl PartialEq + use<> {
    let abilities = [
        model.can,
        model.cannot,
        model.efforts,
        model.no_efforts,
        model.quirks,
    ];
    (model.kind, model.limits, abilities, model.retires)
}

fn by_name(catalog: &Catalog) -> BTreeMap<Name, &Model> {
    catalog
        .models()
        .iter()
        .map(|model| ((model.vendor(), model.id()), model))
        .collect()
}

/// A price as the data writes it.
fn key(price: Price) -> String {
    let mut key = price.unit.name().to_owned();
    if price.mode != Mode::Standard {
        key = format!("{key}@{}", price.mode.name());
    }
    if price.above > 0 {
        key = format!("{key}>{}", price.above);
    }
    key
}

#[cfg(test)]
mod tests {
    use super::{Review, Reviewed};
    use crate::Catalog;

    fn catalog(rows: &str) -> Catalog {
        let text = format!(
            "= sources\npage\t2026-11-29\ta page\tfacts\thttps://example.com\n= vendors\nacme\t-\t-\t-\t-\t-\n= acme\n{rows}"
        );
        Catalog::parse(text.leak()).expect("rows that can be read")
    }

    fn refused(old: &str, new: &str, reviewed: &str) -> Vec<String> {
        let review = Review::of(&catalog(old), &catalog(new));
        review
            .refused(&Reviewed::parse(reviewed))
            .map(ToString::to_string)
            .collect()
    }

    const CHEAP: &str = "m\tkind=chat\t@page $input=0.5 $output@batch>1000=2\n";
    const DEAR: &str = "m\tkind=chat\t@page $input=5.000001 $output@batch>1000=20\n";

    #[test]
    fn refuses_a_price_that_moves_more_than_tenfold_either_way() {
        assert_eq!(refused(CHEAP, DEAR, ""), ["acme m input: 0.5 -> 5.000001"]);
        assert_eq!(refused(DEAR, CHEAP, ""), ["acme m input: 5.000001 -> 0.5"]);
    }

    #[test]
    fn refuses_a_price_that_becomes_nothing() {
        let free = "m\tkind=chat\t@page $input=0 $output@batch>1000=2\n";
        assert_eq!(refused(CHEAP, free, ""), ["acme m input: 0.5 -> 0"]);
        assert_eq!(refused(free, CHEAP, ""), ["acme m input: 0 -> 0.5"]);
    }

    #[test]
    fn a_move_that_was_reviewed_passes_with_the_value_that_was_reviewed() {
        assert!(refused(CHEAP, DEAR, "acme\tm\tinput\t5.000001\tannounced\n").is_empty());
        assert_eq!(
            refused(CHEAP, DEAR, "acme\tm\tinput\t5\tannounced\n").len(),
            1,
            "another value"
        );
        assert_eq!(
            refused(CHEAP, DEAR, "acme\tm\tinput\t5.000001\t\n").len(),
            1,
            "without a reason"
        );
        assert_eq!(
            refused(CHEAP, DEAR, "# acme\tm\tinput\t5.000001\tannounced\n").len(),
            1
        );
    }

    #[test]
    fn lists_what_came_what_went_and_what_changed() {
        let old = catalog("a\tkind=chat\t@page $input=1\nb\tkind=chat\t@page $input=1 window=10\n");
        let new =
            catalog("b\tkind=chat\t@page $output=2 window=20\nc\tkind=chat\t@page $input=1\n");
        let review = Review::of(&old, &new);
        assert_eq!(review.added, [("acme", "c")]);
        assert_eq!(review.removed, [("acme", "a")]);
        assert_eq!(review.changed, [("acme", "b")]);
        assert_eq!(review.unpriced, [("acme", "b", "input".to_owned())]);
        assert_eq!(review.priced, [("acme", "b", "output=2".to_owned())]);
        assert!(review.moved.is_empty());
    }
}
