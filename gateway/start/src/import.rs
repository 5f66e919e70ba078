//! Another gateway's configuration file -> resources, and a list of what could not be carried over.
//!
//! ```text
//! text --read--> value --litellm / bifrost--> Resources, Notes
//! ```
//!
//! Every field is taken out of its section as it is carried over; what is left in the end is told with its path. So nothing is lost in silence,
//! whatever a newer version of the other gateway may say. Values that look like credentials are in no note.

mod bifrost;
mod cloud;
mod draft;
mod hosts;
mod litellm;
mod section;

use serde_json::Value;

use crate::resources::Resources;
use section::Section;

/// How a variable's value is looked up.
pub(crate) type Get<'g> = &'g dyn Fn(&str) -> Option<String>;

/// A larger file is no configuration.
const MOST_BYTES: usize = 16 * 1024 * 1024;

/// What a file says here.
#[derive(Debug, Clone, Default)]
pub struct Import {
    /// Whose file it is.
    pub from: &'static str,
    /// What it says.
    pub resources: Resources,
    /// What could not be carried over, or not as it was.
    pub notes: Vec<Note>,
}

/// Something that could not be carried over.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Note {
    /// Where it stands in the file: `router_settings.fallbacks[0]`.
    pub path: String,
    /// Why, and what to do instead.
    pub reason: String,
}

impl std::fmt::Display for Note {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.path, self.reason)
    }
}

/// The file is none that can be imported.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImportError {
    /// It cannot be read. The text of the parser may quote the file, so only the place is told.
    #[error("it is neither YAML nor JSON: line {line}, column {column}")]
    Unreadable {
        /// From 1.
        line: u64,
        /// From 1.
        column: u64,
    },
    /// Nobody's.
    #[error(
        "it is no configuration that is known: LiteLLM's has a list 'model_list', Bifrost's an object 'providers'"
    )]
    Unknown,
    /// It is too large.
    #[error("it has more than {} bytes", MOST_BYTES)]
    TooLarge,
}

/// Reads a LiteLLM `config.yaml` or a Bifrost `config.json`. `get` looks up the variables that the file refers to.
///
/// # Errors
/// It is neither.
pub fn import(text: &str, get: Get<'_>) -> Result<Import, ImportError> {
    if text.len() > MOST_BYTES {
        return Err(ImportError::TooLarge);
    }
    let root = Section::root(read(text)?).ok_or(ImportError::Unknown)?;
    let mut import = if root.has_list("model_list") {
        litellm::import(root, get)
    } else if root.has_map("providers") {
        bifrost::import(root, get)
    } else {
        return Err(ImportError::Unknown);
    };
    import.notes.sort();
    import.notes.dedup();
    Ok(import)
}

/// JSON is tried first: it is read exactly, where YAML has opinions of its own.
fn read(text: &str) -> Result<Value, ImportError> {
    if let Ok(value) = serde_json::from_str(text) {
        return Ok(value);
    }
    serde_saphyr::from_str(text).map_err(|error| {
        let place = error.location();
        ImportError::Unreadable {
            line: place.map_or(1, |place| place.line()),
            column: place.map_or(1, |place| place.column()),
        }
    })
}
