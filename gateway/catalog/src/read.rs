//! Reads the text of the data into tables. All of it or nothing: a line that cannot be read is an error with its place.

use thiserror::Error;

use crate::habit::bare;
use crate::order::{compare, compare_loosely};
use crate::row;
use crate::vendor::{Word, words};
use crate::{Date, Model, RateError, Source, Vendor};

/// A line of the data that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{section}, line {line}: {fault}")]
pub struct DataError {
    /// The file: `sources`, `vendors`, or the vendor whose models they are.
    pub section: String,
    /// The line, counted from 1 and without comments.
    pub line: usize,
    /// What is wrong with it.
    pub fault: Fault,
}

/// What is wrong with a line.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Fault {
    /// Too few or too many columns.
    #[error("it has not the columns that it should have")]
    Columns,
    /// A fact of a name that is not known.
    #[error("there is no fact called {0:?}")]
    Name(String),
    /// A fact whose value is none.
    #[error("{0:?} has no value that can be read")]
    Value(String),
    /// A price that is none.
    #[error("{0:?}: {1}")]
    Rate(String, RateError),
    /// A source that is not listed.
    #[error("no source is called {0:?}: add it to sources.tsv")]
    Source(String),
    /// A fact before any source.
    #[error("{0:?} stands before any source")]
    Unsourced(String),
    /// Not behind the name before it.
    #[error("{0:?} is not in order, or is there twice")]
    Order(String),
    /// A section of a vendor that is not listed.
    #[error("no vendor is called so: add it to vendors.tsv")]
    Vendor,
}

/// What the text holds.
#[derive(Debug, Default)]
pub(crate) struct Tables {
    pub(crate) sources: Vec<Source>,
    pub(crate) vendors: Vec<Vendor>,
    /// By vendor, then by id without regard to case.
    pub(crate) models: Vec<Model>,
    /// The names of vendors, and their hosts.
    pub(crate) names: Vec<Word>,
    pub(crate) hosts: Vec<Word>,
    /// Places of `models`, by [`bare`] id, then in their own order.
    pub(crate) bare: Vec<u32>,
}

/// Reads sections in this order: sources, vendors, then the models of each vendor.
pub(crate) fn tables(text: &'static str) -> Result<Tables, DataError> {
    let mut tables = Tables::default();
    let (mut section, mut name, mut start) = (Section::Sources, "sources", 0);
    for (number, line) in text.lines().enumerate() {
        let read = match line.strip_prefix("= ") {
            Some(heading) => {
                (name, start) = (heading, number);
                tables.section(heading).map(|found| section = found)
            }
            None => tables.add(section, line),
        };
        read.map_err(|fault| DataError {
            section: name.to_owned(),
            line: number - start,
            fault,
        })?;
    }
    tables.index();
    Ok(tables)
}

#[derive(Clone, Copy)]
enum Section {
    Sources,
    Vendors,
    /// The models of the vendor at this place.
    Models(usize),
}

impl Tables {
    fn section(&self, heading: &str) -> Result<Section, Fault> {
        match heading {
            "sources" => Ok(Section::Sources),
            "vendors" => Ok(Section::Vendors),
            vendor => {
                let place = self.vendors.iter().position(|known| known.id == vendor);
                place.map(Section::Models).ok_or(Fault::Vendor)
            }
        }
    }

    fn add(&mut self, section: Section, line: &'static str) -> Result<(), Fault> {
        match section {
            Section::Sources => self.sources.push(source(line)?),
            Section::Vendors => self.vendors.push(vendor(line)?),
            Section::Models(place) => self.model(place, line)?,
        }
        Ok(())
    }

    fn model(&mut self, place: usize, line: &'static str) -> Result<(), Fault> {
        let vendor = self.vendors.get_mut(place).ok_or(Fault::Vendor)?;
        let model = row::read(vendor.id, line, &self.sources)?;
        let end = self.models.len();
        if vendor.models.is_empty() {
            vendor.models = end..end;
        }
        // A section that is there twice, too, has an end that is not the end of all.
        let last = self.models.last().filter(|_| !vendor.models.is_empty());
        if vendor.models.end != end || last.is_some_and(|last| compare(last.id, model.id).is_ge()) {
            return Err(Fault::Order(model.id.to_owned()));
        }
        vendor.models.end = end + 1;
        self.models.push(model);
        Ok(())
    }

    fn index(&mut self) {
        let id = |vendor: &Vendor| std::iter::once(vendor.id).chain(vendor.others());
        self.names = words(&self.vendors, id);
        self.hosts = words(&self.vendors, Vendor::hosts);
        let mut all: Vec<(&str, u32)> = self
            .models
            .iter()
            .map(|model| bare(model.id))
            .zip(0..)
            .collect();
        all.sort_by(|left, right| compare_loosely(left.0, right.0).then(left.1.cmp(&right.1)));
        self.bare = all.into_iter().map(|(_, place)| place).collect();
    }
}

fn source(line: &'static str) -> Result<Source, Fault> {
    let [key, date, what, licence, address] = columns(line)?;
    let date = Date::parse(date).ok_or_else(|| Fault::Value(date.to_owned()))?;
    Ok(Source {
        key,
        date,
        what,
        licence,
        address,
    })
}

fn vendor(line: &'static str) -> Result<Vendor, Fault> {
    let [id, others, hosts, _, _, _] = columns(line)?;
    Ok(Vendor {
        id,
        others,
        hosts,
        models: 0..0,
    })
}

fn columns<const N: usize>(line: &'static str) -> Result<[&'static str; N], Fault> {
    let mut columns = line.split('\t');
    let mut taken = [""; N];
    for column in &mut taken {
        *column = columns
            .next()
            .filter(|column| !column.is_empty())
            .ok_or(Fault::Columns)?;
    }
    if columns.next().is_some() {
        Err(Fault::Columns)
    } else {
        Ok(taken)
    }
}
