//! Writes the tables as the source that `src/builtin.rs` includes.

use std::fmt::{self, Write};

use crate::read::Tables;
use crate::{Date, Model, Source, Vendor};

/// The source of one catalog.
pub(crate) fn source(tables: &Tables) -> Result<String, fmt::Error> {
    let mut out = String::with_capacity(4 << 20);
    writeln!(out, "pub(crate) static BUILTIN: Catalog = Catalog {{")?;
    list(&mut out, "sources", &tables.sources, page)?;
    list(&mut out, "vendors", &tables.vendors, vendor)?;
    list(&mut out, "models", &tables.models, model)?;
    list(&mut out, "names", &tables.names, |out, word| {
        write!(out, "{word:?}")
    })?;
    list(&mut out, "hosts", &tables.hosts, |out, word| {
        write!(out, "{word:?}")
    })?;
    list(&mut out, "bare", &tables.bare, |out, place| {
        write!(out, "{place}")
    })?;
    writeln!(out, "}};")?;
    Ok(out)
}

fn list<T>(
    out: &mut String,
    name: &str,
    rows: &[T],
    row: impl Fn(&mut String, &T) -> fmt::Result,
) -> fmt::Result {
    writeln!(out, "{name}: &[")?;
    for each in rows {
        row(out, each)?;
        writeln!(out, ",")?;
    }
    writeln!(out, "],")
}

fn page(out: &mut String, source: &Source) -> fmt::Result {
    let Source {
        key,
        date,
        what,
        licence,
        address,
    } = source;
    let date = day(*date);
    write!(
        out,
        "Source {{ key: {key:?}, date: {date}, what: {what:?}, licence: {licence:?}, address: {address:?} }}"
    )
}

fn vendor(out: &mut String, vendor: &Vendor) -> fmt::Result {
    let Vendor {
        id,
        others,
        hosts,
        models,
    } = vendor;
    write!(
        out,
        "Vendor {{ id: {id:?}, others: {others:?}, hosts: {hosts:?}, models: {models:?} }}"
    )
}

fn model(out: &mut String, model: &Model) -> fmt::Result {
    let Model {
        vendor,
        id,
        kind,
        can,
        cannot,
        efforts,
        no_efforts,
        quirks,
        sources,
        price_source,
        disputed,
        ..
    } = model;
    let limits = model.limits;
    let limits = [
        limits.window,
        limits.max_input,
        limits.max_output,
        limits.min_budget,
    ];
    let limits = limits.map(|limit| limit.map_or(0, std::num::NonZeroU32::get));
    write!(
        out,
        "Model {{ vendor: {vendor:?}, id: {id:?}, kind: Kind::{kind:?}, limits: limits({limits:?}), prices: &["
    )?;
    for price in model.prices {
        let (unit, mode, above, picos) = (price.unit, price.mode, price.above, price.rate.picos());
        write!(
            out,
            "price(Unit::{unit:?}, Mode::{mode:?}, {above}, {picos}),"
        )?;
    }
    write!(
        out,
        "], can: {can}, cannot: {cannot}, efforts: {efforts}, no_efforts: {no_efforts}, quirks: {quirks}, "
    )?;
    let retires = model
        .retires
        .map_or("None".to_owned(), |date| format!("Some({})", day(date)));
    write!(
        out,
        "retires: {retires}, sources: {sources}, price_source: {price_source:?}, disputed: {disputed} }}"
    )
}

fn day(date: Date) -> String {
    format!("Date::new({:?})", date.parts())
}
