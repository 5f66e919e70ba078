//! What the API says, as it says it. Money is in nano-USD, times are in the unit that their names end with; amounts of limits are decimal texts,
//! for a budget may have more digits than a browser's numbers.

pub mod apply;
pub mod build;
pub mod catalog;
pub mod configuration;
pub mod entry;
pub mod explain;
pub mod key;
pub mod provider;
pub mod rule;
pub mod standing;
pub mod welcome;
