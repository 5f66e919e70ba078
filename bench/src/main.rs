//! Placeholder until the harness arrives.
fn main() {}
