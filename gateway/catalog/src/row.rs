//! Reads the row of a model: its name, its kind, then after each `@source` what that source says.
//!
//! `$` begins a price (`$cache-read@batch>200000=0.25`: unit, mode, length of prompt, dollars a million tokens), `?` the price that another
//! source has instead, which is for reviewers and only noted here.

use std::num::NonZeroU32;

use crate::read::Fault;
use crate::{Date, Effort, Feature, Kind, Limits, Mode, Model, Price, Quirk, Rate, Source, Unit};

pub(crate) fn read(
    vendor: &'static str,
    line: &'static str,
    sources: &[Source],
) -> Result<Model, Fault> {
    let (id, facts) = line.split_once('\t').ok_or(Fault::Columns)?;
    let (kind, facts) = facts.split_once('\t').ok_or(Fault::Columns)?;
    let kind = kind.strip_prefix("kind=").ok_or(Fault::Columns)?;
    let mut row = Row {
        model: Model {
            vendor,
            id,
            kind: Kind::from_name(kind).ok_or_else(|| Fault::Value(kind.to_owned()))?,
            limits: Limits::default(),
            prices: &[],
            can: 0,
            cannot: 0,
            efforts: 0,
            no_efforts: 0,
            quirks: 0,
            retires: None,
            sources: 0,
            price_source: None,
            disputed: false,
        },
        prices: Vec::new(),
        source: None,
    };
    for fact in facts.split(['\t', ' ']) {
        row.take(fact, sources)?;
    }
    row.model.prices = row.prices.leak();
    Ok(row.model)
}

struct Row {
    model: Model,
    prices: Vec<Price>,
    /// Whose facts are being read.
    source: Option<u8>,
}

impl Row {
    fn take(&mut self, fact: &str, sources: &[Source]) -> Result<(), Fault> {
        if let Some(key) = fact.strip_prefix('@') {
            let place = sources.iter().position(|source| source.key == key);
            let place = place
                .and_then(|place| u8::try_from(place).ok())
                .filter(|place| *place < 32);
            let place = place.ok_or_else(|| Fault::Source(key.to_owned()))?;
            self.source = Some(place);
            self.model.sources |= 1 << place;
            return Ok(());
        }
        if fact.starts_with('?') {
            self.model.disputed = true;
            return Ok(());
        }
        if self.source.is_none() {
            return Err(Fault::Unsourced(fact.to_owned()));
        }
        let (name, value) = fact
            .split_once('=')
            .ok_or_else(|| Fault::Name(fact.to_owned()))?;
        match name.strip_prefix('$') {
            Some(price) => self.price(price, value),
            None => self.fact(name, value),
        }
    }

    fn fact(&mut self, name: &str, value: &str) -> Result<(), Fault> {
        let model = &mut self.model;
        let bad = || Fault::Value(format!("{name}={value}"));
        let features = || bits(value, |name| Some(Feature::from_name(name)? as u8)).ok_or_else(bad);
        let efforts = || bits(value, |name| Some(Effort::from_name(name)? as u8)).ok_or_else(bad);
        let quirks = || bits(value, |name| Some(Quirk::from_name(name)? as u8)).ok_or_else(bad);
        let limit = || tokens(value).ok_or_else(bad).map(Some);
        match name {
            "can" => model.can |= features()?,
            "cannot" => model.cannot |= features()?,
            "efforts" => model.efforts |= efforts()?,
            "no-efforts" => model.no_efforts |= efforts()?,
            "quirks" => model.quirks |= quirks()?,
            "window" => model.limits.window = limit()?,
            "max-input" => model.limits.max_input = limit()?,
            "max-output" => model.limits.max_output = limit()?,
            "min-budget" => model.limits.min_budget = limit()?,
            "retires" => model.retires = Some(Date::parse(value).ok_or_else(bad)?),
            _ => return Err(Fault::Name(name.to_owned())),
        }
        Ok(())
    }

    fn price(&mut self, name: &str, value: &str) -> Result<(), Fault> {
        let unknown = || Fault::Name(name.to_owned());
        let (key, above) = match name.split_once('>') {
            Some((key, above)) => (key, tokens(above).ok_or_else(unknown)?.get()),
            None => (name, 0),
        };
        let (unit, mode) = match key.split_once('@') {
            Some((unit, mode)) => (unit, Mode::from_name(mode).ok_or_else(unknown)?),
            None => (key, Mode::Standard),
        };
        let unit = Unit::from_name(unit).ok_or_else(unknown)?;
        if self
            .prices
            .iter()
            .any(|price| (price.unit, price.mode, price.above) == (unit, mode, above))
        {
            return Err(Fault::Order(name.to_owned()));
        }
        let rate = Rate::parse(value).map_err(|error| Fault::Rate(name.to_owned(), error))?;
        self.prices.push(Price {
            unit,
            mode,
            above,
            rate,
        });
        self.model.price_source = self.model.price_source.or(self.source);
        Ok(())
    }
}

fn bits(list: &str, place: impl Fn(&str) -> Option<u8>) -> Option<u32> {
    list.split(',')
        .try_fold(0, |bits, name| Some(bits | 1 << place(name)?))
}

fn tokens(text: &str) -> Option<NonZeroU32> {
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::read;
    use crate::read::Fault;
    use crate::{Date, RateError, Source};

    fn fault(line: &'static str) -> Option<Fault> {
        let source = Source {
            key: "page",
            date: Date::parse("2026-11-29").expect("a date"),
            what: "a page",
            licence: "facts",
            address: "https://example.com",
        };
        read("vendor", line, &[source]).err()
    }

    #[test]
    fn says_what_is_wrong_with_a_row() {
        let name = |name: &str| Some(Fault::Name(name.to_owned()));
        let value = |fact: &str| Some(Fault::Value(fact.to_owned()));
        assert_eq!(fault("m\tkind=chat\t@page $input=1 window=5"), None);
        assert_eq!(fault("m"), Some(Fault::Columns));
        assert_eq!(fault("m\tkind=chat"), Some(Fault::Columns));
        assert_eq!(fault("m\tkind=oracle\t@page window=5"), value("oracle"));
        assert_eq!(
            fault("m\tkind=chat\twindow=5"),
            Some(Fault::Unsourced("window=5".to_owned()))
        );
        assert_eq!(
            fault("m\tkind=chat\t@hearsay window=5"),
            Some(Fault::Source("hearsay".to_owned()))
        );
        assert_eq!(fault("m\tkind=chat\t@page width=5"), name("width"));
        assert_eq!(fault("m\tkind=chat\t@page window=0"), value("window=0"));
        assert_eq!(fault("m\tkind=chat\t@page can=fly"), value("can=fly"));
        assert_eq!(fault("m\tkind=chat\t@page $thought=1"), name("thought"));
        assert_eq!(
            fault("m\tkind=chat\t@page $input@slow=1"),
            name("input@slow")
        );
        assert_eq!(fault("m\tkind=chat\t@page $input>0=1"), name("input>0"));
        assert_eq!(
            fault("m\tkind=chat\t@page $input=-1"),
            Some(Fault::Rate("input".to_owned(), RateError::NotDecimal))
        );
        assert_eq!(
            fault("m\tkind=chat\t@page $input=1 $input=2"),
            Some(Fault::Order("input".to_owned()))
        );
    }
}
