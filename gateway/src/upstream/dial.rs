//! Opening a TCP connection: to several addresses a moment apart, whichever is there first (RFC 8305, "Happy Eyeballs Version 2"), and which
//! failures of it are this machine's own.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::net::TcpStream;
use tokio::time::Instant;

/// How long an address is tried before the next is tried beside it (RFC 8305, 8: Connection Attempt Delay).
const STAGGER: Duration = Duration::from_millis(250);
/// Of a name with more addresses than this only so many are tried.
const MOST: usize = 8;

/// Connects to the first of the addresses that answers. There is no timeout here: the caller knows how long it may take.
///
/// # Errors
/// Nobody answered at any of them. The failure is one of this machine only if it is so for every address.
pub(super) async fn dial(addresses: Vec<SocketAddr>) -> io::Result<TcpStream> {
    let stream = first_of(addresses, TcpStream::connect).await?;
    // Latency matters more than packet count; a failure to set it costs only that.
    let _ = stream.set_nodelay(true);
    Ok(stream)
}

async fn first_of<T, F: Future<Output = io::Result<T>>>(
    addresses: Vec<SocketAddr>,
    connect: impl Fn(SocketAddr) -> F,
) -> io::Result<T> {
    let mut waiting = by_turns(addresses).into_iter().take(MOST);
    let mut trying = FuturesUnordered::new();
    let mut failure: Option<io::Error> = None;
    let mut next_at = Instant::now();
    loop {
        if trying.is_empty() || Instant::now() >= next_at {
            if let Some(address) = waiting.next() {
                trying.push(connect(address));
                next_at = Instant::now() + STAGGER;
            } else if trying.is_empty() {
                return Err(failure.unwrap_or_else(|| io::ErrorKind::NotFound.into()));
            }
        }
        tokio::select! {
            Some(tried) = trying.next() => match tried {
                Ok(connected) => return Ok(connected),
                Err(error) => {
                    next_at = Instant::now();
                    if failure.as_ref().is_none_or(is_local) {
                        failure = Some(error);
                    }
                }
            },
            () = tokio::time::sleep_until(next_at), if waiting.len() > 0 => {}
        }
    }
}

/// The two families by turns, the resolver's first choice first: where one family does not work at all, only every other address is lost.
fn by_turns(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let first_is_v6 = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (first, second): (Vec<_>, Vec<_>) = addresses
        .into_iter()
        .partition(|address| address.is_ipv6() == first_is_v6);
    let (mut first, mut second) = (first.into_iter(), second.into_iter());
    let mut all = Vec::new();
    loop {
        let (one, two) = (first.next(), second.next());
        if one.is_none() && two.is_none() {
            return all;
        }
        all.extend(one.into_iter().chain(two));
    }
}

/// Whether a connection failed for something that this machine lacks, whoever it was to: descriptors, ports, buffers, memory, a network.
pub(super) fn is_local(error: &io::Error) -> bool {
    // There is no kind for these: ENFILE and EMFILE, ENOBUFS on Linux and on BSDs.
    const NO_KIND: [i32; 4] = [23, 24, 105, 55];
    let kind = matches!(
        error.kind(),
        io::ErrorKind::AddrNotAvailable
            | io::ErrorKind::AddrInUse
            | io::ErrorKind::OutOfMemory
            | io::ErrorKind::StorageFull
            | io::ErrorKind::NetworkDown
            | io::ErrorKind::WouldBlock
    );
    kind || error
        .raw_os_error()
        .is_some_and(|code| NO_KIND.contains(&code))
}

/// Whether a look-up failed because the name has no address, which is the name's fault; any other failure is our resolver's. The standard
/// library tells the two apart only in words, those of `gai_strerror` (glibc, musl, macOS).
pub(super) fn has_no_address(error: &io::Error) -> bool {
    const WORDS: [&str; 6] = [
        "Name or service not known",
        "No address associated with hostname",
        "Name does not resolve",
        "Name has no usable address",
        "nodename nor servname provided",
        "No address associated with nodename",
    ];
    let text = error.to_string();
    WORDS.iter().any(|words| text.contains(words))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    fn refused() -> io::Error {
        io::Error::from_raw_os_error(111)
    }

    fn no_descriptors() -> io::Error {
        io::Error::from_raw_os_error(24)
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_swallows_packets_costs_a_quarter_of_a_second() {
        let began = Instant::now();
        let (dead, well) = (address("10.0.0.1:1"), address("10.0.0.2:1"));
        let connected = first_of(vec![dead, well], |to| async move {
            if to == dead {
                std::future::pending::<()>().await;
            }
            Ok(to)
        });
        assert_eq!(connected.await.unwrap(), well);
        assert_eq!(began.elapsed(), STAGGER);
    }

    #[tokio::test(start_paused = true)]
    async fn after_a_failure_the_next_is_tried_at_once() {
        let began = Instant::now();
        let all: Vec<_> = (1..=4).map(|n| address(&format!("10.0.0.{n}:1"))).collect();
        let last = all[3];
        let connected = first_of(all, |to| async move {
            if to == last { Ok(to) } else { Err(refused()) }
        });
        assert_eq!(connected.await.unwrap(), last);
        assert_eq!(began.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_first_still_wins_where_the_others_fail() {
        let slow = address("10.0.0.1:1");
        let connected = first_of(vec![slow, address("10.0.0.2:1")], |to| async move {
            if to == slow {
                tokio::time::sleep(STAGGER * 3).await;
                return Ok(to);
            }
            Err(refused())
        });
        assert_eq!(connected.await.unwrap(), slow);
    }

    #[test]
    fn the_families_take_turns() {
        let all = [
            "[2001:db8::1]:1",
            "[2001:db8::2]:1",
            "10.0.0.1:1",
            "10.0.0.2:1",
            "10.0.0.3:1",
        ];
        let turns: Vec<String> = by_turns(all.map(address).to_vec())
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(
            turns,
            [
                "[2001:db8::1]:1",
                "10.0.0.1:1",
                "[2001:db8::2]:1",
                "10.0.0.2:1",
                "10.0.0.3:1"
            ]
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_failure_is_this_machines_only_where_it_is_so_for_every_address() {
        let two = || vec![address("[::1]:1"), address("127.0.0.1:1")];
        let ours = first_of::<(), _>(two(), |_| async { Err(no_descriptors()) });
        assert!(is_local(&ours.await.unwrap_err()));
        let theirs = first_of::<(), _>(two(), |to| async move {
            Err(if to.is_ipv6() {
                no_descriptors()
            } else {
                refused()
            })
        });
        assert!(!is_local(&theirs.await.unwrap_err()));
    }

    #[test]
    fn what_this_machine_lacks_is_told_from_what_the_other_side_does() {
        for code in [12, 23, 24, 98, 99, 100, 105] {
            assert!(is_local(&io::Error::from_raw_os_error(code)), "{code}");
        }
        // Refused, reset, timed out, no route to it, not permitted by a firewall.
        for code in [111, 104, 110, 101, 113, 1, 13] {
            assert!(!is_local(&io::Error::from_raw_os_error(code)), "{code}");
        }
    }

    #[test]
    fn a_name_without_an_address_is_told_from_a_resolver_that_does_not_answer() {
        let told = |words: &str| {
            has_no_address(&io::Error::other(format!(
                "failed to lookup address information: {words}"
            )))
        };
        assert!(told("Name or service not known"));
        assert!(!told("Temporary failure in name resolution"));
        assert!(!told("Try again"));
    }
}
