//! The protocol of leases as a model: real leases and books, a network, processes and clocks that fail, time that is a number. Random
//! interleavings by seed; `FAIRLEAD_SEEDS=20` runs twenty times as many.
//!
//! What it catches, tried by hand one at a time. Counted twice: rises that are not differences to what was said before, an entry that is deleted
//! as soon as it expires, a life that is opened anew with all its totals. Over the limit: a lower number that is applied, a late reply that is
//! believed, held that is idle only, buckets of a rate that are said to be older than they are, a strict account that grants at once after a
//! restart that lost writes. Forgotten: what the silent held, an ask that names another process of the store, a process of the store that is
//! not told again, what was in flight at a process that died. Too little usable: idle that is never given back. It does not catch a number that
//! comes again and is granted anew, nor a lease of a rate that is used for ever: tests of the book and of the lease do.

#[cfg(test)]
mod client;
#[cfg(test)]
mod promises;
#[cfg(test)]
mod store;
#[cfg(test)]
mod world;
