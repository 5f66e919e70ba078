//! How long requests take at a rate, how many there can be, and how long chunks are on their way.

use anyhow::Result;

use super::paired::pair;
use crate::answer::Kind;
use crate::ask::{Ask, Pace};
use crate::book::Book;
use crate::statistics::precise;
use crate::turn::{Entry, Load, alternate, drive};
use crate::world::World;

/// Connections with which as much is answered as can be.
const MANY: usize = 64;

/// Connections at a low rate: a request that has to open one is not what is asked about.
const FEW: usize = 4;

/// Requests a second that are few, and that are many.
const RATES: [(f64, &str, usize); 2] = [(200.0, "latency-200", FEW), (5000.0, "latency-5000", 32)];

/// The share of what the gateway can that is the third rate.
const SHARE: f64 = 0.6;

/// Latencies at rates that do not wait for answers, so that a pause is felt by all the requests that fell into it.
pub(super) async fn latency(world: &World, book: &mut Book) -> Result<()> {
    let (floor, gateway) = pair(world).await?;
    let mut most = Entry::new(world, &gateway, Ask::plain(Kind::Whole));
    most.amount.connections = MANY;
    let outcome = drive(world, &most, most.amount).await?;
    let saturation = precise(outcome.requests) / outcome.seconds;
    let share = (saturation * SHARE).round();
    for (rate, scenario, connections) in RATES.into_iter().chain([(share, "latency-60", MANY)]) {
        let entries = [&floor, &gateway].map(|peer| {
            let mut entry = Entry::new(world, peer, Ask::plain(Kind::Whole));
            (entry.amount.connections, entry.amount.rate) = (connections, Some(rate));
            entry
        });
        alternate(world, scenario, &entries, book).await?;
    }
    Ok(())
}

/// Requests a second over so many connections; each beside the same process over the most.
pub(super) async fn throughput(world: &World, book: &mut Book) -> Result<()> {
    let (floor, gateway) = pair(world).await?;
    let peers = [&floor, &gateway];
    let mut entries = Vec::new();
    for connections in [1, 4, 16, 256] {
        for (place, peer) in peers.into_iter().enumerate() {
            let mut entry = Entry::new(world, peer, Ask::plain(Kind::Whole));
            entry.who = format!("{}-{connections}", peer.name);
            entry.amount.connections = connections;
            // The last two of the list.
            entry.beside = 3 * peers.len() + place;
            entries.push(entry);
        }
    }
    alternate(world, "throughput", &entries, book).await
}

/// How long the first chunk of a stream is on its way, and each of the others.
pub(super) async fn delays(world: &World, book: &mut Book) -> Result<()> {
    let (floor, gateway) = pair(world).await?;
    let entries = [&floor, &gateway].map(|peer| {
        let mut entry = Entry::new(world, peer, Ask::stream(Pace::Paced));
        entry.load = Load::Own { keys: 1 };
        entry
    });
    alternate(world, "delays", &entries, book).await
}
