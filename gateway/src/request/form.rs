//! A body that is a form: what it says, as if it were JSON, so that rules and conditions read it by the same names.

use bytes::Bytes;
use fairlead_wire::form::{Form, boundary, parse};
use fairlead_wire::openai::request::{Request, parse_form};
use http::{HeaderMap, header};

use crate::answer::reject::Rejection;
use crate::surface::Operation;

/// A form and its parameters.
#[derive(Debug)]
pub(crate) struct Filled<'a> {
    form: Form<'a>,
    /// Each a string: a form has no other kind.
    parameters: String,
}

/// The form that a body is; `None`: it is none, or the operation takes none.
///
/// # Errors
/// It says that it is one, and cannot be read in one way only.
pub(crate) fn read<'a>(
    operation: Operation,
    headers: &HeaderMap,
    body: &'a Bytes,
) -> Result<Option<Filled<'a>>, Rejection> {
    if !operation.takes_forms() {
        return Ok(None);
    }
    let Some(kind) = headers.get(header::CONTENT_TYPE) else {
        return Ok(None);
    };
    let refused =
        |error: fairlead_wire::form::FormError| Rejection::InvalidRequest(error.to_string());
    let Some(boundary) = boundary(kind.as_bytes()).map_err(refused)? else {
        return Ok(None);
    };
    let form = parse(body, boundary).map_err(refused)?;
    let parameters = form.parameters();
    Ok(Some(Filled { form, parameters }))
}

impl Filled<'_> {
    /// What it asks for.
    ///
    /// # Errors
    /// It names no model, or not in a way that everybody reads alike.
    pub(crate) fn request(&self) -> Result<Request<'_>, Rejection> {
        Ok(parse_form(&self.form, &self.parameters)?)
    }
}
