//! Files that hold a secret: read each time anew, because whoever wrote them replaces them before they expire.

use std::io::ErrorKind;
use std::path::Path;

use crate::{Problem, Secret};

/// The text of a file, without the white space around it.
///
/// # Errors
/// It cannot be read, or is empty; the problem names what names the file.
pub(crate) async fn read(path: &Path, named_by: &'static str) -> Result<Secret, Problem> {
    let problem = |reason: String| Problem::File {
        path: path.display().to_string(),
        reason,
        named_by,
    };
    let text = tokio::fs::read_to_string(path).await;
    let text = text.map_err(|error| {
        let kind = error.kind();
        problem(if kind == ErrorKind::NotFound {
            "does not exist".to_owned()
        } else if kind == ErrorKind::PermissionDenied {
            "may not be read by this process".to_owned()
        } else {
            format!("cannot be read ({kind})")
        })
    })?;
    let text = Secret::new(text).trimmed();
    if text.is_empty() {
        return Err(problem("is empty".to_owned()));
    }
    Ok(text)
}
