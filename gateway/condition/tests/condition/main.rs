//! What is a condition, what it means, what it reads, and what it must not cost.

// `cfg(test)` tells clippy that helpers, too, may unwrap.
#[cfg(test)]
mod asked;
#[cfg(test)]
mod evaluate;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod needs;
#[cfg(test)]
mod parse;
#[cfg(test)]
mod read;
