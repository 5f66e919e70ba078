//! What a command has found: for people, and as data.

use std::io::Write;

use serde_json::Value;

use crate::args::Format;
use crate::error::Error;

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
            Format::Table => self.text.clone(),
            Format::Json => format!("{:#}\n", self.data),
            Format::Yaml => yaml(&self.data)?,
        };
        out.write_all(text.as_bytes()).map_err(Error::Output)
    }
}

/// As YAML.
///
/// # Errors
/// None in practice.
pub(crate) fn yaml(data: &Value) -> Result<String, Error> {
    serde_saphyr::to_string(data).map_err(|error| Error::Other(error.to_string()))
}
