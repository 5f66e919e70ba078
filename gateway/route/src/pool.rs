//! Which server of a pool a request goes to.
//!
//! With a key - what its prompt begins with - the servers are ranked by rendezvous hashing, as targets are for conversations ([`super::Plan::keep`]),
//! and the first one is taken that is not overloaded: one has at most a quarter more than the mean, and a few requests, in flight (Mirrokni,
//! Thorup and Zadimoghaddam, "Consistent Hashing with Bounded Loads", 2018). So every replica sends a conversation to the server whose cache knows
//! it, without telling the others, and what everybody asks at once spreads. Without a key it is the less busy one of two drawn at random
//! (Mitzenmacher, "The Power of Two Choices in Randomized Load Balancing", 2001): several replicas that took the least busy one would all take
//! the same.
//!
//! Where servers tell how much they have to do, what others have them do counts as what they have from here.

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
    /// How many requests it has in flight from here.
    pub load: u32,
    /// How much others have it do, as it tells itself: 0 where it does not.
    pub others: u32,
    /// Whether it tells that it has no room for another request.
    pub full: bool,
}

impl Server {
    fn busy(&self) -> u64 {
        u64::from(self.load) + u64::from(self.others)
    }
}

/// The place of the server to ask, of those that may be asked; `None`: there is none. `die` is random. One that is full is passed over while others
/// are not.
#[must_use]
pub fn choose(
    servers: impl Iterator<Item = Server> + Clone,
    key: Option<u64>,
    die: u64,
) -> Option<usize> {
    let has_room = servers.clone().any(|server| !server.full);
    let servers = servers.filter(move |server| !(has_room && server.full));
    match key {
        Some(key) => by_rank(servers, key),
        None => less_busy(&servers, die),
    }
}

fn by_rank(servers: impl Iterator<Item = Server> + Clone, key: u64) -> Option<usize> {
    // This request is among them.
    let (mut count, mut busy) = (0_u64, 1_u64);
    let (mut largest, mut second) = (0, 0);
    for server in servers.clone() {
        count += 1;
        busy += server.busy();
        let others = u64::from(server.others);
        second = second.max(others.min(largest));
        largest = largest.max(others);
    }
    // What one tells alone says little of the mean: by a number out of the air the others would never have too much.
    busy -= largest - second;
    let most = (busy * 5).div_ceil((count * 4).max(1)) + SLACK;
    let found = servers.clone().filter(|server| server.busy() < most);
    let found = found.max_by_key(|server| mixed(key ^ server.name));
    let found = found.or_else(|| servers.min_by_key(Server::busy));
    found.map(|server| server.at)
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
    Some(if second.busy() < first.busy() {
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
            others: 0,
            full: false,
        })
        .collect()
    }

    /// The same servers, which tell how much others have them do.
    fn telling(loads: &[u32], others: &[u32]) -> Vec<Server> {
        let mut servers = servers(loads);
        for (server, others) in servers.iter_mut().zip(others) {
            server.others = *others;
        }
        servers
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
    fn what_others_have_a_server_do_counts_as_what_it_has_from_here() {
        let busy = telling(&[0; 3], &[40, 0, 0]);
        for number in 0..1_000 {
            assert_ne!(chosen(&busy, Some(key(number)), 0), Some(0));
        }
        for die in 0..1_000_u64 {
            let two = telling(&[3, 2], &[0, 5]);
            assert_eq!(chosen(&two, None, mixed(die)), Some(0));
        }
    }

    #[test]
    fn a_number_out_of_the_air_keeps_requests_from_who_tells_it_and_from_nobody_else() {
        let mut loads = [0_u32; 3];
        for _ in 0..300 {
            let lies = telling(&loads, &[16_000_000, 0, 0]);
            // All have one opening: without the lie the other two would share it.
            loads[chosen(&lies, Some(key(1)), 0).unwrap()] += 1;
        }
        assert_eq!(loads[0], 0, "{loads:?}");
        assert!(loads.iter().all(|load| *load <= 200), "{loads:?}");
    }

    #[test]
    fn one_that_is_full_is_passed_over_until_all_are() {
        let mut pool = servers(&[0, 9, 9]);
        pool[0].full = true;
        for number in 0..500 {
            assert_ne!(chosen(&pool, Some(key(number)), 0), Some(0));
            assert_ne!(chosen(&pool, None, mixed(number)), Some(0));
        }
        for server in &mut pool {
            server.full = true;
        }
        assert!((0..500).any(|number| chosen(&pool, Some(key(number)), 0) == Some(0)));
    }

    #[test]
    fn where_there_is_nobody_nobody_is_asked() {
        assert_eq!(chosen(&[], None, 7), None);
        assert_eq!(chosen(&[], Some(7), 7), None);
        assert_eq!(chosen(&servers(&[1_000_000]), Some(7), 7), Some(0));
        assert_eq!(chosen(&servers(&[1_000_000]), None, u64::MAX), Some(0));
        assert_eq!(chosen(&telling(&[0], &[9_999]), Some(7), 7), Some(0));
    }
}
