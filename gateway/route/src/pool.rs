//! Which server of a pool a request goes to.
//!
//! With a key - what its prompt begins with - the servers are ranked by rendezvous hashing, as targets are for conversations ([`super::Plan::keep`]),
//! and the first one is taken that is not overloaded: one has at most a quarter more than the mean, and a few requests, in flight (Mirrokni,
//! Thorup and Zadimoghaddam, "Consistent Hashing with Bounded Loads", 2018). So every replica sends a conversation to the server whose cache knows
//! it, without telling the others, and what everybody asks at once spreads. Without a key it is the less busy one of two drawn at random
//! (Mitzenmacher, "The Power of Two Choices in Randomized Load Balancing", 2001): several replicas that took the least busy one would all take
//! the same.

use crate::affinity::mixed;

/// So many more than its share a server may have in flight: servers batch, and a cache that is warm is worth a short line.
const SLACK: u64 = 4;

/// A server, when one is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Server {
    /// Its place among all.
    pub at: usize,
    /// The hash of its address.
    pub name: u64,
    /// How many requests it has in flight.
    pub load: u32,
}

/// The place of the server to ask, of those that may be asked; `None`: there is none. `die` is random.
#[must_use]
pub fn choose(
    servers: impl Iterator<Item = Server> + Clone,
    key: Option<u64>,
    die: u64,
) -> Option<usize> {
    match key {
        Some(key) => by_rank(servers, key),
        None => less_busy(&servers, die),
    }
}

fn by_rank(servers: impl Iterator<Item = Server> + Clone, key: u64) -> Option<usize> {
    let (mut count, mut load) = (0_u64, 1_u64);
    for server in servers.clone() {
        count += 1;
        load += u64::from(server.load);
    }
    // 1.25 of the mean with this request in it.
    let most = (load * 5).div_ceil((count * 4).max(1)) + SLACK;
    servers
        .filter(|server| u64::from(server.load) < most)
        .max_by_key(|server| mixed(key ^ server.name))
        .map(|server| server.at)
}

fn less_busy(servers: &(impl Iterator<Item = Server> + Clone), die: u64) -> Option<usize> {
    let count = u64::try_from(servers.clone().count()).ok()?;
    let first = (die >> 32) % count.max(1);
    // Another one than the first, where there is another.
    let second = (first + 1 + (die & 0xFFFF_FFFF) % count.saturating_sub(1).max(1)) % count.max(1);
    let nth = |rank: u64| {
        servers
            .clone()
            .nth(usize::try_from(rank).unwrap_or(usize::MAX))
    };
    let (first, second) = (nth(first)?, nth(second)?);
    Some(if second.load < first.load {
        second.at
    } else {
        first.at
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::affinity::hash;

    fn servers(loads: &[u32]) -> Vec<Server> {
        let all = loads.iter().enumerate();
        all.map(|(at, load)| Server {
            at,
            name: hash(&format!("10.0.0.{at}:8000")),
            load: *load,
        })
        .collect()
    }

    fn key(number: u64) -> u64 {
        mixed(number)
    }

    fn chosen(servers: &[Server], key: Option<u64>, die: u64) -> Option<usize> {
        choose(servers.iter().copied(), key, die)
    }

    #[test]
    fn what_begins_alike_goes_to_one_server_and_openings_spread_evenly() {
        let pool = servers(&[0; 8]);
        let mut had = [0_u32; 8];
        for number in 0..8_000 {
            let at = chosen(&pool, Some(key(number)), number).unwrap();
            assert_eq!(chosen(&pool, Some(key(number)), number + 1), Some(at));
            had[at] += 1;
        }
        for count in had {
            assert!(count.abs_diff(1_000) < 120, "{had:?}");
        }
    }

    #[test]
    fn a_server_that_goes_moves_only_its_own_openings() {
        let pool = servers(&[0; 5]);
        let rest: Vec<Server> = pool.iter().copied().filter(|one| one.at != 2).collect();
        for number in 0..2_000 {
            let before = chosen(&pool, Some(key(number)), 0).unwrap();
            let after = chosen(&rest, Some(key(number)), 0).unwrap();
            assert!(before == after || before == 2, "{before} {after}");
        }
    }

    #[test]
    fn an_opening_that_everybody_has_spreads_before_its_server_has_too_much() {
        let mut loads = [0_u32; 4];
        for _ in 0..400 {
            let at = chosen(&servers(&loads), Some(key(1)), 0).unwrap();
            loads[at] += 1;
        }
        let most = loads.iter().max().unwrap();
        assert!(*most <= 130, "{loads:?}");
        assert!(*most >= 110, "the first has more than its share: {loads:?}");
    }

    #[test]
    fn a_few_requests_at_once_stay_with_their_server() {
        let mut loads = [0_u32; 3];
        for _ in 0..5 {
            let at = chosen(&servers(&loads), Some(key(9)), 0).unwrap();
            loads[at] += 1;
        }
        assert_eq!(loads.iter().max(), Some(&5), "{loads:?}");
    }

    #[test]
    fn of_two_servers_the_less_busy_one_is_asked() {
        for die in 0..1_000_u64 {
            let die = mixed(die);
            assert_eq!(chosen(&servers(&[3, 2]), None, die), Some(1));
        }
    }

    #[test]
    fn without_a_key_nobody_is_left_out_and_nobody_has_much_more_than_others() {
        let mut loads = [0_u32; 10];
        for die in 0..1_000_u64 {
            let at = chosen(&servers(&loads), None, mixed(die)).unwrap();
            loads[at] += 1;
        }
        assert!(
            loads.iter().all(|load| load.abs_diff(100) < 10),
            "{loads:?}"
        );
    }

    #[test]
    fn where_there_is_nobody_nobody_is_asked() {
        assert_eq!(chosen(&[], None, 7), None);
        assert_eq!(chosen(&[], Some(7), 7), None);
        assert_eq!(chosen(&servers(&[1_000_000]), Some(7), 7), Some(0));
        assert_eq!(chosen(&servers(&[1_000_000]), None, u64::MAX), Some(0));
    }
}
