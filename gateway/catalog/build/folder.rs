//! The folder of data as one text, for the build and for the refresh: sections headed by `= NAME`, without comments.

use std::fmt::Write;
use std::fs;
use std::io;
use std::path::Path;

/// Reads the folder: its sources, its vendors, then each vendor's models, in the order of vendors.
///
/// # Errors
/// A file that cannot be read; there need not be one for every vendor.
pub(crate) fn read(folder: &Path) -> io::Result<String> {
    let vendors = fs::read_to_string(folder.join("vendors.tsv"))?;
    let mut text = String::new();
    append(
        &mut text,
        "sources",
        &fs::read_to_string(folder.join("sources.tsv"))?,
    );
    append(&mut text, "vendors", &vendors);
    for vendor in facts(&vendors).filter_map(|line| line.split('\t').next()) {
        match fs::read_to_string(folder.join(format!("{vendor}.models.tsv"))) {
            Ok(models) => append(&mut text, vendor, &models),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(text)
}

fn append(text: &mut String, section: &str, lines: &str) {
    // Writing to a string does not fail.
    let _ = writeln!(text, "= {section}");
    for line in facts(lines) {
        let _ = writeln!(text, "{line}");
    }
}

fn facts(lines: &str) -> impl Iterator<Item = &str> {
    lines
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
}
