//! Takes a folder of new rows into the catalog: reads them as the gateway would, prints what changes, and refuses what nobody has looked at.
//!
//! `catalog-refresh NEW DATA`: NEW holds `sources.tsv` and the `*.models.tsv` that the readers of packages wrote; DATA is the folder of the
//! crate. Nothing is written unless all of it passes.

#[path = "../../build/folder.rs"]
mod folder;

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use fairlead_catalog::{Catalog, Review, Reviewed};

/// What the catalog promises to hold; less is a source that was read wrongly.
const FEWEST_MODELS: usize = 2_000;
const FEWEST_VENDORS: usize = 40;

fn main() -> io::Result<ExitCode> {
    let mut arguments = env::args_os().skip(1).map(PathBuf::from);
    let outcome = match (arguments.next(), arguments.next(), arguments.next()) {
        (Some(new), Some(data), None) => run(&new, &data, &mut io::stdout().lock()),
        _ => Err(io::Error::other("usage: catalog-refresh NEW DATA")),
    };
    outcome.or_else(|error| {
        writeln!(io::stderr(), "catalog-refresh: {error}")?;
        Ok(ExitCode::FAILURE)
    })
}

fn run(new: &Path, data: &Path, out: &mut impl Write) -> io::Result<ExitCode> {
    // What is written by hand is taken from where it is kept.
    fs::copy(data.join("vendors.tsv"), new.join("vendors.tsv"))?;
    let (before, after) = (catalog(data)?, catalog(new)?);
    let reviewed = Reviewed::parse(&fs::read_to_string(data.join("reviewed.tsv"))?);
    let review = Review::of(&before, &after);
    print(&review, out)?;
    let vendors = after
        .vendors()
        .iter()
        .filter(|vendor| !after.of(vendor).is_empty())
        .count();
    writeln!(out, "{} models of {vendors} vendors", after.models().len())?;
    if after.models().len() < FEWEST_MODELS || vendors < FEWEST_VENDORS {
        writeln!(
            out,
            "refused: fewer than {FEWEST_MODELS} models or {FEWEST_VENDORS} vendors; nothing was written"
        )?;
        return Ok(ExitCode::FAILURE);
    }
    let refused: Vec<_> = review.refused(&reviewed).collect();
    if refused.is_empty() {
        replace(new, data)?;
        return Ok(ExitCode::SUCCESS);
    }
    for change in &refused {
        writeln!(out, "refused: {change}")?;
    }
    writeln!(
        out,
        "{} prices moved more than tenfold; nothing was written. Look each up at its vendor. What is right goes into reviewed.tsv (vendor, model, \
         price, new value, why), what is wrong into rules.tsv with the page that says so.",
        refused.len()
    )?;
    Ok(ExitCode::FAILURE)
}

fn catalog(folder: &Path) -> io::Result<Catalog> {
    // The catalog refers to its text, and this process ends with it.
    Catalog::parse(folder::read(folder)?.leak()).map_err(io::Error::other)
}

fn print(review: &Review, out: &mut impl Write) -> io::Result<()> {
    for change in &review.moved {
        writeln!(out, "price: {change}")?;
    }
    for (vendor, model, price) in &review.priced {
        writeln!(out, "has a price now: {vendor} {model} {price}")?;
    }
    for (vendor, model, price) in &review.unpriced {
        writeln!(out, "no price any more: {vendor} {model} {price}")?;
    }
    for (what, models) in [
        ("added", &review.added),
        ("removed", &review.removed),
        ("changed", &review.changed),
    ] {
        let mut by_vendor = BTreeMap::<_, Vec<_>>::new();
        for (vendor, model) in models {
            by_vendor.entry(vendor).or_default().push(*model);
        }
        for (vendor, models) in by_vendor {
            writeln!(out, "{what}: {vendor} {}", models.join(" "))?;
        }
    }
    Ok(())
}

/// Puts the new rows in the place of the old ones.
fn replace(new: &Path, data: &Path) -> io::Result<()> {
    for file in rows(data)? {
        fs::remove_file(file)?;
    }
    fs::copy(new.join("sources.tsv"), data.join("sources.tsv"))?;
    for file in rows(new)? {
        if let Some(name) = file.file_name() {
            fs::copy(&file, data.join(name))?;
        }
    }
    Ok(())
}

fn rows(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let files = fs::read_dir(folder)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<io::Result<Vec<_>>>()?;
    Ok(files
        .into_iter()
        .filter(|file| file.to_string_lossy().ends_with(".models.tsv"))
        .collect())
}
