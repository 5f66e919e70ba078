//! Strategies of routing against each other and against an oracle.
//!
//! A simulation of discrete events: requests arrive, are sent to targets whose speed, faults, capacity and accounts change with time, are sent
//! elsewhere when they fail, and end. The strategies of the gateway are the real ones, with the real breakers and rests (`fairlead`); those of
//! others are made from their public descriptions, each named (`rivals`); the oracle sees what is true at present. Everybody meets the same
//! requests with the same luck: chance belongs to a request and not to whoever routes it.

pub mod fairlead;
pub mod oracle;
pub mod rivals;
pub mod run;
pub mod scenario;
pub mod scenarios;
pub mod strategy;
pub mod world;
