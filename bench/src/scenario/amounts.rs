//! Whether it matters how much there is, and that it changes.

use anyhow::{Result, ensure};
use tokio::time::sleep;

use crate::answer::Kind;
use crate::ask::Ask;
use crate::book::Book;
use crate::peer::Peer;
use crate::peer::fairlead::{self, Setup};
use crate::turn::{Entry, Load, alternate};
use crate::world::World;

/// Requests a second while the configuration changes.
const RATE: f64 = 2000.0;

/// A request beside many rules that are looked at first; compared with one beside ten.
pub(super) async fn rules(world: &World, book: &mut Book) -> Result<()> {
    let mut peers = Vec::new();
    for rules in [10, 1, 100, 10_000] {
        // Three are used.
        let setup = Setup::usual(world).with(10, rules);
        peers.push(fairlead::start(world, &rules.to_string(), setup).await?);
    }
    same(world, "rules", &peers, book).await
}

/// A request of one key beside many that nobody uses; and then of all of them in turns.
pub(super) async fn keys(world: &World, book: &mut Book) -> Result<()> {
    let mut peers = Vec::new();
    let amounts = [10, 10_000, 50_000];
    for keys in amounts {
        let setup = Setup::usual(world).with(keys, 0);
        peers.push(fairlead::start(world, &keys.to_string(), setup).await?);
    }
    same(world, "keys", &peers, book).await?;
    let in_use = |(peer, keys)| {
        let mut entry = Entry::new(world, peer, Ask::plain(Kind::Whole));
        entry.load = Load::Own { keys };
        entry
    };
    let entries: Vec<_> = peers.iter().zip(amounts).map(in_use).collect();
    alternate(world, "keys-in-use", &entries, book).await
}

async fn same(world: &World, scenario: &str, peers: &[Peer], book: &mut Book) -> Result<()> {
    // A start that has just ended leaves work behind: what was parsed is freed, what was accepted is written.
    sleep(world.plan.rest()).await;
    let ask = Ask::plain(Kind::Whole);
    let entries: Vec<_> = peers
        .iter()
        .map(|peer| Entry::new(world, peer, ask))
        .collect();
    alternate(world, scenario, &entries, book).await
}

/// A gateway with 1,000 keys and 100 rules at a steady rate, in one turn left alone and in the next with weights that change every second.
pub(super) async fn swap(world: &World, book: &mut Book) -> Result<()> {
    let setup = Setup::usual(world).with(1000, 100);
    let gateway = fairlead::start(world, "fairlead", setup).await?;
    let entries = [("still", Load::Oha), ("swapped", Load::OhaWhileSwapping)].map(|(who, load)| {
        let mut entry = Entry::new(world, &gateway, Ask::plain(Kind::Whole));
        who.clone_into(&mut entry.who);
        (entry.load, entry.amount.rate) = (load, Some(RATE));
        entry
    });
    let generation = "fairlead_config_generation";
    let before = gateway.metric(generation, "").await?;
    alternate(world, "swap", &entries, book).await?;
    let swaps = gateway.metric(generation, "").await? - before;
    ensure!(swaps > 0.0, "the configuration never changed");
    book.note("swap", "swapped", "swaps", swaps);
    Ok(())
}
