//! The catalog: every vendor, every model, and how they are found.

use crate::builtin::BUILTIN;
use crate::order::compare_loosely;
use crate::read::{self, DataError};
use crate::vendor::{Word, place, twice};
use crate::{Model, Source, Vendor, habit};

/// What is known of models: tables in order. Look-ups are binary searches and allocate nothing.
#[derive(Debug, Clone, Copy)]
pub struct Catalog {
    pub(crate) sources: &'static [Source],
    pub(crate) vendors: &'static [Vendor],
    pub(crate) models: &'static [Model],
    pub(crate) names: &'static [Word],
    pub(crate) hosts: &'static [Word],
    pub(crate) bare: &'static [u32],
}

impl Catalog {
    /// The facts that are compiled in. They are tables of the binary: nothing is read or built at start.
    #[must_use]
    pub const fn builtin() -> &'static Self {
        &BUILTIN
    }

    /// Reads a text of the form that the build puts together from the folder of data. For tools and tests: what is read stays in memory until
    /// the process ends.
    ///
    /// # Errors
    /// The first line that cannot be read.
    pub fn parse(text: &'static str) -> Result<Self, DataError> {
        let tables = read::tables(text)?;
        Ok(Self {
            sources: tables.sources.leak(),
            vendors: tables.vendors.leak(),
            models: tables.models.leak(),
            names: tables.names.leak(),
            hosts: tables.hosts.leak(),
            bare: tables.bare.leak(),
        })
    }

    /// What a vendor's model is known for.
    ///
    /// The vendor goes by its id, another of its names, or the `type` of an LLMProvider; case does not matter. The model is looked up as it
    /// stands, then by the habits of vendors: without the path in front of it, without region, version, date or `-latest`, and at last as
    /// the newest dated form of itself. A name at Azure is only taken as it stands: a deployment may be called anything, so ask with the name of
    /// the model that it serves.
    #[must_use]
    pub fn find(&self, vendor: &str, model: &str) -> Option<&'static Model> {
        let vendor = self.vendor(vendor)?;
        habit::find(vendor, self.of(vendor), model)
    }

    /// What a model is known for, whoever offers it: for compatible servers, which serve the models of others under names like theirs.
    ///
    /// The maker's row comes before those of hosts. Its abilities are the model's; its prices and limits are that vendor's and not
    /// necessarily those of whom is asked.
    #[must_use]
    pub fn find_any(&self, model: &str) -> Option<&'static Model> {
        habit::peeled(habit::bare(model)).find_map(|name| {
            let start = self
                .bare
                .partition_point(|place| compare_loosely(self.bare_name(*place), name).is_lt());
            let same = self.bare.get(start..)?;
            let mut same = same
                .iter()
                .filter_map(|place| self.at(*place))
                .take_while(|model| compare_loosely(habit::bare(model.id), name).is_eq());
            let first = same.next()?;
            // A row that tells only a price does not answer what a model can do.
            let tells = |model: &&Model| model.can | model.cannot != 0;
            Some(if tells(&first) {
                first
            } else {
                same.find(tells).unwrap_or(first)
            })
        })
    }

    /// The vendor of this name, in any case.
    #[must_use]
    pub fn vendor(&self, name: &str) -> Option<&'static Vendor> {
        self.vendors.get(place(self.names, name)?)
    }

    /// The vendor whose API has this host: what a provider that speaks OpenAI's API is, by its `baseURL`.
    #[must_use]
    pub fn vendor_at(&self, host: &str) -> Option<&'static Vendor> {
        self.vendors.get(place(self.hosts, host)?)
    }

    /// The vendors, makers before hosts.
    #[must_use]
    pub fn vendors(&self) -> &'static [Vendor] {
        self.vendors
    }

    /// The models of a vendor, by id.
    #[must_use]
    pub fn of(&self, vendor: &Vendor) -> &'static [Model] {
        self.models.get(vendor.models.clone()).unwrap_or_default()
    }

    /// Every model of every vendor.
    #[must_use]
    pub fn models(&self) -> &'static [Model] {
        self.models
    }

    /// What facts come from.
    #[must_use]
    pub fn sources(&self) -> &'static [Source] {
        self.sources
    }

    /// What the facts of a model come from.
    pub fn sources_of(&self, model: &Model) -> impl Iterator<Item = &'static Source> + use<> {
        let bits = model.sources;
        self.sources
            .iter()
            .zip(0_u32..)
            .filter(move |(_, place)| bits.checked_shr(*place).is_some_and(|bits| bits & 1 == 1))
            .map(|(source, _)| source)
    }

    /// What the prices of a model come from.
    #[must_use]
    pub fn price_source(&self, model: &Model) -> Option<&'static Source> {
        self.sources.get(usize::from(model.price_source?))
    }

    /// Words in the list of vendors that mean two of them: a mistake in the data.
    pub fn ambiguous(&self) -> impl Iterator<Item = &'static str> {
        twice(self.names).chain(twice(self.hosts))
    }

    fn at(&self, place: u32) -> Option<&'static Model> {
        self.models.get(usize::try_from(place).ok()?)
    }

    fn bare_name(&self, place: u32) -> &'static str {
        self.at(place).map_or("", |model| habit::bare(model.id))
    }
}
