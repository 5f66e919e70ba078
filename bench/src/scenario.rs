//! What can be measured, one by one.

mod amounts;
mod memory;
mod paired;
mod rates;

use anyhow::Result;
use clap::ValueEnum;

use crate::book::Book;
use crate::world::World;

/// Something to measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Scenario {
    /// Whole answers to a prompt of 0.3 KB.
    Whole,
    /// Whole answers to a prompt of 100 KB.
    Prompt,
    /// Streams of 64 chunks in a burst.
    Burst,
    /// Streams of 64 chunks, one each 10 ms.
    Paced,
    /// Chat Completions answered by other dialects, beside the gateway's own pass-through.
    Translated,
    /// TLS on both sides.
    Tls,
    /// Latency at 200 and 5,000 requests a second, and at 60 % of what the gateway can.
    Latency,
    /// Requests a second over 1, 4, 16 and 256 connections.
    Throughput,
    /// How long chunks are on their way.
    Delays,
    /// 1,000 and 10,000 streams in which nothing happens.
    Idle,
    /// 1 to 10,000 rules.
    Rules,
    /// 10 to 50,000 keys.
    Keys,
    /// The configuration changes every second.
    Swap,
    /// One of two providers fails half the time.
    Failing,
    /// The request log on disk, beside the one in memory alone.
    RequestLog,
    /// From the start until ready, and what is occupied then.
    Start,
    /// The size of the program.
    Binary,
    /// Other gateways, as far as they are installed.
    Others,
}

impl Scenario {
    /// Measures it.
    pub(crate) async fn run(self, world: &World, book: &mut Book) -> Result<()> {
        match self {
            Self::Whole => paired::whole(world, book).await,
            Self::Prompt => paired::prompt(world, book).await,
            Self::Burst => paired::burst(world, book).await,
            Self::Paced => paired::paced(world, book).await,
            Self::Translated => paired::translated(world, book).await,
            Self::Tls => paired::tls(world, book).await,
            Self::Latency => rates::latency(world, book).await,
            Self::Throughput => rates::throughput(world, book).await,
            Self::Delays => rates::delays(world, book).await,
            Self::Idle => memory::idle(world, book).await,
            Self::Rules => amounts::rules(world, book).await,
            Self::Keys => amounts::keys(world, book).await,
            Self::Swap => amounts::swap(world, book).await,
            Self::Failing => paired::failing(world, book).await,
            Self::RequestLog => paired::request_log(world, book).await,
            Self::Start => memory::start(world, book).await,
            Self::Binary => memory::binary(world, book),
            Self::Others => paired::others(world, book).await,
        }
    }
}
