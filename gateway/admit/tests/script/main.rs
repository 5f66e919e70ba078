//! The store's script does what the book does: the same asks, in random order and number, get the same replies from both.

#[cfg(test)]
mod agree;
#[cfg(test)]
mod fake;
#[cfg(test)]
mod server;
