//! What a command has found: for people, and as data.

use std::io::Write;

use serde_json::Value;

use crate::args::Format;
use crate::error::Error;
use crate::table::{plain_lines, steers};

/// What a command has found.
#[derive(Debug)]
pub(crate) struct Report {
    /// For people.
    pub(crate) text: String,
    /// The same, for programs.
    pub(crate) data: Value,
    /// Whether the exit code is 0.
    pub(crate) good: bool,
}

impl Report {
    /// Prints it.
    ///
    /// # Errors
    /// Nobody reads it.
    pub(crate) fn write(&self, format: Format, out: &mut (dyn Write + Send)) -> Result<(), Error> {
        let text = match format {
            // What gateways, objects and callers say stands in it, and none of it may steer the terminal.
            Format::Table => plain_lines(&self.text),
            Format::Json => json(&format!("{:#}\n", self.data)),
            Format::Yaml => yaml(&self.data)?,
        };
        out.write_all(text.as_bytes()).map_err(Error::Output)
    }
}

/// JSON whose texts hold no character that a terminal would obey: they stand there as JSON may write them. Line feeds and spaces are its own.
pub(crate) fn json(text: &str) -> String {
    let mut told = String::with_capacity(text.len());
    for char in text.chars() {
        if steers(char) && char != '\n' {
            // All of them are in the first plane, and within texts.
            told.push_str(&format!("\\u{:04x}", u32::from(char)));
        } else {
            told.push(char);
        }
    }
    told
}

/// As YAML. Where a text would steer the terminal it is JSON, which YAML reads too.
///
/// # Errors
/// None in practice.
pub(crate) fn yaml(data: &Value) -> Result<String, Error> {
    let text = serde_saphyr::to_string(data).map_err(|error| Error::Other(error.to_string()))?;
    if text.chars().any(|char| steers(char) && char != '\n') {
        return Ok(json(&format!("{data:#}\n")));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn whatever_is_printed_steers_no_terminal_and_is_the_same_data() {
        let hostile = "\u{1b}]0;title\u{7}\u{9b}2J\u{202e}evil\r";
        let report = Report {
            text: format!("first\nmodel {hostile}\n"),
            data: json!({"model": hostile, hostile: [1]}),
            good: true,
        };
        for format in [Format::Table, Format::Json, Format::Yaml] {
            let mut out = Vec::new();
            report.write(format, &mut out).unwrap();
            let text = String::from_utf8(out).unwrap();
            let bad = text.chars().find(|char| steers(*char) && *char != '\n');
            assert_eq!(bad, None, "{format:?}: {text:?}");
            match format {
                Format::Table => assert!(text.starts_with("first\nmodel \\u{1b}"), "{text}"),
                Format::Json | Format::Yaml => {
                    let read: Value = serde_saphyr::from_str(&text).unwrap();
                    assert_eq!(read, report.data, "{text}");
                }
            }
        }
    }
}
