//! The protocol of leases as a model: real leases and books, a network, processes and clocks that fail, time that is a number. Random
//! interleavings by seed; `FAIRLEAD_SEEDS=20` runs twenty times as many.
//!
//! What it catches, tried by hand one at a time: a lower number is applied (counted twice); rises are added without regard to what was said
//! before (counted twice); the reply to a number that comes again grants once more (over the limit); an entry that expired is deleted at once
//! (over the limit); what it held is not lost (over the limit); a strict account grants at once after a restart that lost writes (over the
//! limit); the run id is not looked at (over the limit); held is not reported until it is settled (over the limit); a late reply is believed
//! (over the limit); a rate counts from when it was reported, or idle of a rate is used for ever (over the limit); idle is never given back
//! (too little usable).

#[cfg(test)]
mod client;
#[cfg(test)]
mod promises;
#[cfg(test)]
mod store;
#[cfg(test)]
mod world;
