//! The grammar, tried from outside: against serde_json, by hard cases and at random.

// `cfg(test)` tells clippy that helpers, too, may unwrap.
#[cfg(test)]
mod names;
#[cfg(test)]
mod raw;
#[cfg(test)]
mod scan;

#[cfg(test)]
#[path = "../checks/json_object.rs"]
mod check_json_object;
