//! The tables that the build wrote from the folder `data`.

use std::num::NonZeroU32;

use crate::{Catalog, Date, Kind, Limits, Mode, Model, Price, Rate, Source, Unit, Vendor};

include!(concat!(env!("OUT_DIR"), "/builtin.rs"));

/// 0 is how the build writes that there is no limit.
const fn limits([window, max_input, max_output, min_budget]: [u32; 4]) -> Limits {
    Limits {
        window: NonZeroU32::new(window),
        max_input: NonZeroU32::new(max_input),
        max_output: NonZeroU32::new(max_output),
        min_budget: NonZeroU32::new(min_budget),
    }
}

const fn price(unit: Unit, mode: Mode, above: u32, picos: u64) -> Price {
    Price {
        unit,
        mode,
        above,
        rate: Rate::from_picos(picos),
    }
}
