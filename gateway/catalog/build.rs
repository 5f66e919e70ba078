//! Makes the files of `data` into tables of the binary. They are read by the modules of the crate itself, so what cannot be read does not build.

#![expect(
    dead_code,
    unreachable_pub,
    reason = "the modules are the crate's; the build uses only what reads"
)]

#[path = "src/date.rs"]
mod date;
#[path = "build/folder.rs"]
mod folder;
#[path = "src/habit.rs"]
mod habit;
#[path = "src/limits.rs"]
mod limits;
#[path = "src/model.rs"]
mod model;
#[path = "src/names.rs"]
mod names;
#[path = "src/order.rs"]
mod order;
#[path = "src/price.rs"]
mod price;
#[path = "build/print.rs"]
mod print;
#[path = "src/rate.rs"]
mod rate;
#[path = "src/read.rs"]
mod read;
#[path = "src/row.rs"]
mod row;
#[path = "src/source.rs"]
mod source;
#[path = "src/vendor.rs"]
mod vendor;

use std::env;
use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;

use date::Date;
use limits::Limits;
use model::Model;
use names::{Effort, Feature, Kind, Mode, Quirk, Support, Unit};
use price::{Price, Prices};
use rate::{Rate, RateError};
use source::Source;
use vendor::Vendor;

fn main() -> io::Result<()> {
    let mut out = io::stdout().lock();
    for folder in ["build", "data", "src"] {
        writeln!(out, "cargo::rerun-if-changed={folder}")?;
    }
    let variable = |name| {
        env::var_os(name)
            .map(PathBuf::from)
            .ok_or_else(|| io::Error::other(name))
    };
    let text = folder::read(&variable("CARGO_MANIFEST_DIR")?.join("data"))?;
    let tables = read::tables(text.leak()).map_err(io::Error::other)?;
    let source = print::source(&tables).map_err(io::Error::other)?;
    fs::write(variable("OUT_DIR")?.join("builtin.rs"), source)
}
