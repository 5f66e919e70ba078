//! Which rule and which targets a request gets. Pure.
