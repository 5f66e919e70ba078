//! Facts about models: prices, windows, abilities and quirks, each with its source and its day. Pure.
//!
//! The facts are data ([`docs/catalog.md`] says how they are kept and refreshed), made into tables of the binary by the build: nothing is
//! read at start, a mistake in the data does not build, and a look-up is a binary search that allocates nothing.
//!
//! **Unknown is unknown.** Every fact is optional, every ability is yes, no or unknown, and nothing here fills in a default: a model that is
//! not found, a price that nobody has told and a limit that no source gives are `None`, for the caller to decide about. In particular nothing
//! is free because its price is missing.
//!
//! ```
//! use fairlead_catalog::{Catalog, Feature, Mode, Support, Unit};
//!
//! let catalog = Catalog::builtin();
//! let model = catalog.find("Anthropic", "claude-sonnet-4-5-20250929").expect("a well-known model");
//! assert_eq!(model.default_max_output(), Some(64_000));
//! assert_eq!(model.supports(Feature::Images), Support::Yes);
//! let rate = model.prices().rate(Mode::Standard, Unit::Input, 1_000).expect("a price");
//! assert_eq!(rate.to_string(), "3");
//! ```
//!
//! [`docs/catalog.md`]: https://github.com/fairlead/fairlead/blob/main/docs/catalog.md

mod builtin;
mod catalog;
mod date;
mod habit;
mod limits;
mod model;
mod names;
mod order;
mod price;
mod rate;
mod read;
mod review;
mod row;
mod source;
mod vendor;

pub use catalog::Catalog;
pub use date::Date;
pub use limits::Limits;
pub use model::Model;
pub use names::{Effort, Feature, Kind, Mode, Quirk, Support, Unit};
pub use price::{Price, Prices};
pub use rate::{Rate, RateError};
pub use read::{DataError, Fault};
pub use review::{Move, Review, Reviewed};
pub use source::Source;
pub use vendor::Vendor;
