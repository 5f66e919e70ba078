//! Estimates: what is learned and for whom, and what comes of it where many callers share a budget.

// `cfg(test)` tells clippy that helpers, too, may unwrap.
#[cfg(test)]
mod learn;
#[cfg(test)]
mod simulate;
#[cfg(test)]
mod world;
