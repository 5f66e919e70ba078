//! Several gateways on one Redis: exact through whatever happens to it.

mod proxy;
pub(crate) mod server;

use std::sync::atomic::Ordering;
use std::time::Duration;

use fairlead_store::{
    Address, Now, Password, Refused, Servers, Shape, Terms, Tls, ValkeyOptions, Where,
};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::support::{Replica, call, crowd, folder, is_exhausted, terms};
use proxy::proxy;
use server::{Sentinel, Server, say};

const ID: &str = "budget/team/search/research/month";

async fn replica(options: ValkeyOptions) -> Replica {
    Replica::start(Where::Valkey(Box::new(options)), None).await
}

async fn replicas(options: &ValkeyOptions, count: usize) -> Vec<Replica> {
    let mut replicas = Vec::new();
    for _ in 0..count {
        replicas.push(replica(options.clone()).await);
    }
    for replica in &replicas {
        replica.ready().await;
    }
    replicas
}

fn strict(limit: i64) -> Terms {
    Terms {
        strict: true,
        ..terms(limit)
    }
}

async fn drained(replicas: &[Replica]) {
    for replica in replicas {
        replica.counters.drain().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn four_gateways_share_a_budget_to_the_last_unit() {
    let server = Server::start(&[]);
    let replicas = replicas(&server.options(), 4).await;
    let terms = strict(20_000);
    let tally = crowd(&replicas, 16, ID, terms, Duration::from_secs(30)).await;
    assert!((19_990..=20_000).contains(&tally.settled), "{tally:?}");
    drained(&replicas).await;
    replicas[0].comes_to(ID, &terms, tally.settled).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_store_is_killed_and_comes_back_and_all_still_adds_up() {
    let mut server = Server::start(&["--appendfsync", "everysec"]);
    let replicas = replicas(&server.options(), 3).await;
    let terms = strict(1_000_000);
    let crowd = crowd(&replicas, 8, ID, terms, Duration::from_secs(6));
    let trouble = async {
        for _ in 0..2 {
            tokio::time::sleep(Duration::from_millis(800)).await;
            server.kill();
            tokio::time::sleep(Duration::from_millis(300)).await;
            server.resume_process();
        }
    };
    let (tally, ()) = tokio::join!(crowd, trouble);
    assert!(tally.admitted > 100, "{tally:?}");
    assert!(tally.unavailable > 0, "it was away: {tally:?}");
    assert_eq!(tally.exhausted, 0, "away is not exhausted: {tally:?}");
    replicas[0].reaches().await;
    drained(&replicas).await;
    replicas[0].comes_to(ID, &terms, tally.settled).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_forgot_everything_is_told_again() {
    let mut server = Server::idle(&[]);
    server.forgets();
    server.resume_process();
    let replicas = replicas(&server.options(), 2).await;
    let terms = strict(1_000);
    let before = crowd(&replicas, 4, ID, terms, Duration::from_millis(500)).await;
    replicas[0].comes_to(ID, &terms, before.settled).await;
    server.kill();
    server.resume_process();
    replicas[0].comes_to(ID, &terms, before.settled).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn paused_for_ten_seconds_it_refuses_as_declared_and_goes_on_by_itself() {
    let server = Server::start(&[]);
    let replicas = replicas(&server.options(), 2).await;
    let deny = terms(1_000_000);
    let allow = Terms {
        allow_on_failure: true,
        ..deny
    };
    let denied = replicas[0].budget("budget/key/a/denied/day");
    let allowed = replicas[1].budget("budget/key/a/allowed/day");
    let first = replicas[0].take_soon(&denied, &deny, 1).await;
    first.settle(1);
    server.pause();
    let paused = Instant::now();
    let (mut refused, mut slowest, mut counted) = (0, Duration::ZERO, 0);
    while paused.elapsed() < Duration::from_secs(10) {
        let asked = Instant::now();
        // More than the lease can have left.
        match replicas[0].take(&denied, &deny, 500_000).await {
            Err(Refused::Unavailable) => refused += 1,
            other => panic!("nobody can say: {other:?}"),
        }
        let hold = replicas[1].take(&allowed, &allow, 10).await.unwrap();
        hold.settle(9);
        counted += 9;
        slowest = slowest.max(asked.elapsed());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(!replicas[0].counters.state().reachable);
    assert!(replicas[0].counters.state().ready, "it cannot reach it");
    assert!(refused > 300, "refused {refused} times, not slowly");
    assert!(slowest < Duration::from_millis(600), "{slowest:?}");
    server.resume();
    replicas[0].reaches().await;
    replicas[1].reaches().await;
    let hold = replicas[0].take_soon(&denied, &deny, 500_000).await;
    hold.settle(500_000);
    drained(&replicas).await;
    let used = async |id| replicas[0].used(id, &deny).await;
    assert_eq!(used("budget/key/a/denied/day").await, 500_001);
    assert_eq!(used("budget/key/a/allowed/day").await, counted);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_takes_over_and_all_adds_up() {
    let master = Server::start(&[]);
    let replica_of = format!("127.0.0.1 {}", master.port);
    let follower = Server::start(&["--replicaof", &replica_of]);
    follower.until(&["INFO", "replication"], "master_link_status:up");
    let sentinel = Sentinel::watch(master.port);
    say_until(
        sentinel.port,
        &["SENTINEL", "MASTERS"],
        "num-slaves\r\n$1\r\n1",
    );
    let options = ValkeyOptions {
        servers: Servers::Sentinel {
            sentinels: vec![address(1), address(sentinel.port)],
            group: "counters".to_owned(),
            username: None,
            password: None,
        },
        ..master.options()
    };
    let replicas = replicas(&options, 2).await;
    let terms = strict(1_000_000);
    let crowd = crowd(&replicas, 8, ID, terms, Duration::from_secs(9));
    let trouble = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let mut master = master;
        master.kill();
        master
    };
    let (tally, _master) = tokio::join!(crowd, trouble);
    assert_eq!(tally.exhausted, 0, "{tally:?}");
    for replica in &replicas {
        replica.ready().await;
    }
    let counter = replicas[0].budget(ID);
    let hold = replicas[0].take_soon(&counter, &terms, 100).await;
    hold.settle(100);
    drained(&replicas).await;
    replicas[0].comes_to(ID, &terms, tally.settled + 100).await;
    assert!(follower.say(&["ROLE"]).contains("master"));
}

fn address(port: u16) -> Address {
    Address {
        host: "127.0.0.1".to_owned(),
        port,
    }
}

fn say_until(port: u16, words: &[&str], expected: &str) {
    server::until(|| say(port, words).contains(expected));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_password_is_named_and_a_right_one_is_taken_up() {
    let server = Server::start(&["--requirepass", "right"]);
    let folder = folder();
    let file = folder.path().join("password");
    std::fs::write(&file, "wrong\n").unwrap();
    let options = ValkeyOptions {
        password: Some(Password::File(file.clone())),
        ..server.options()
    };
    let replica = replica(options).await;
    replica
        .until("away", async |replica| {
            replica.counters.state().problem.is_some()
        })
        .await;
    let problem = replica.counters.state().problem.unwrap();
    assert!(problem.to_lowercase().contains("password"), "{problem}");
    assert!(!problem.contains("wrong\n") && !problem.contains("right"));
    let counter = replica.budget(ID);
    let refused = replica.take(&counter, &terms(10), 1).await.unwrap_err();
    assert_eq!(refused, Refused::Unavailable);
    std::fs::write(&file, "right\n").unwrap();
    replica.reaches().await;
    let hold = replica.take_soon(&counter, &terms(10), 1).await;
    hold.settle(1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_who_may_do_only_what_is_needed_is_enough() {
    let server = Server::start(&[]);
    let rules = "on >secret ~fairlead* resetchannels -@all +eval +evalsha +info +hget +hset +hmget +hmset +hdel +hgetall +hincrby +pexpire +pexpireat +time +exists +hexists +hlen +hscan +get +set";
    let mut words = vec!["ACL", "SETUSER", "gateway"];
    words.extend(rules.split(' '));
    assert!(server.say(&words).contains("OK"));
    let options = ValkeyOptions {
        username: Some("gateway".to_owned()),
        password: Some(Password::Value("secret".to_owned())),
        ..server.options()
    };
    let replica = replica(options).await;
    replica.reaches().await;
    let counter = replica.budget(ID);
    replica.take_soon(&counter, &terms(10), 10).await.settle(10);
    replica.counters.drain().await;
    assert_eq!(replica.used(ID, &terms(10)).await, 10);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_may_forget_is_not_counted_on() {
    let server = Server::start(&["--maxmemory-policy", "allkeys-lru"]);
    let replica = replica(server.options()).await;
    replica
        .until("away", async |replica| {
            replica.counters.state().problem.is_some()
        })
        .await;
    let problem = replica.counters.state().problem.unwrap();
    assert!(problem.contains("allkeys-lru"), "{problem}");
    server.say(&["CONFIG", "SET", "maxmemory-policy", "noeviction"]);
    replica.reaches().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_takes_no_writes_is_not_exhausted() {
    let server = Server::start(&[]);
    let replica = replica(server.options()).await;
    replica.reaches().await;
    let counter = replica.budget(ID);
    server.say(&["CONFIG", "SET", "min-replicas-to-write", "1"]);
    let refused = replica.take(&counter, &terms(10), 1).await.unwrap_err();
    assert_eq!(refused, Refused::Unavailable);
    server.say(&["CONFIG", "SET", "min-replicas-to-write", "0"]);
    server.say(&["SCRIPT", "FLUSH"]);
    replica
        .until("granted", async |replica| {
            replica.take(&counter, &terms(10), 1).await.is_ok()
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_sides_show_certificates() {
    let folder = folder();
    let files = server::certificates(folder.path());
    let server = Server::encrypted(&files);
    let tls = Tls {
        authority: Some(files.authority.clone()),
        identity: Some((files.certificate.clone(), files.key.clone())),
    };
    let with = |tls: Tls| ValkeyOptions {
        tls: Some(tls),
        ..server.options()
    };
    let known = replica(with(tls.clone())).await;
    known.reaches().await;
    let counter = known.budget(ID);
    known.take_soon(&counter, &terms(10), 1).await.settle(1);
    let unknown = Tls {
        identity: None,
        ..tls
    };
    let stranger = replica(with(unknown)).await;
    stranger
        .until("away", async |replica| {
            replica.counters.state().problem.is_some()
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_way_that_breaks_now_and_then_counts_nothing_twice() {
    let server = Server::start(&[]);
    let mut replicas = Vec::new();
    let mut ways = Vec::new();
    let mut proxies = JoinSet::new();
    for _ in 0..3 {
        let (port, weather) = proxy(server.port, &mut proxies).await;
        ways.push(weather);
        let replica = replica(ValkeyOptions::at("127.0.0.1", port)).await;
        replicas.push(replica);
    }
    for replica in &replicas {
        replica.ready().await;
    }
    // A round trip takes up to 120 ms, twice as long as a reply is waited for.
    for weather in &ways {
        weather.delay.store(60, Ordering::Relaxed);
    }
    let terms = strict(3_000);
    let crowd = crowd(&replicas, 6, ID, terms, Duration::from_secs(10));
    let trouble = async {
        for round in 0..16 {
            tokio::time::sleep(Duration::from_millis(400)).await;
            let weather = &ways[round % ways.len()];
            match round % 3 {
                0 => weather.cut.notify_waiters(),
                1 => {
                    weather.mute.store(true, Ordering::Relaxed);
                    tokio::time::sleep(Duration::from_millis(150)).await;
                    weather.mute.store(false, Ordering::Relaxed);
                }
                _ => weather.delay.store(fastrand::u64(0..60), Ordering::Relaxed),
            }
        }
    };
    let (tally, ()) = tokio::join!(crowd, trouble);
    assert!(tally.settled <= 3_000, "{tally:?}");
    assert!(tally.settled >= 2_000, "it makes headway: {tally:?}");
    for weather in &ways {
        weather.delay.store(0, Ordering::Relaxed);
    }
    for replica in &replicas {
        replica.reaches().await;
    }
    drained(&replicas).await;
    replicas[0].comes_to(ID, &terms, tally.settled).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_that_takes_too_long_is_given_up_and_harms_nobody() {
    let server = Server::start(&[]);
    let mut proxies = JoinSet::new();
    let (port, weather) = proxy(server.port, &mut proxies).await;
    let replica = replica(ValkeyOptions::at("127.0.0.1", port)).await;
    replica.ready().await;
    let since = replica.counters.state().since;
    let ids: Vec<_> = (0..512)
        .map(|at| (format!("budget/key/a/k{at}/day"), Shape::Slots, None, 1))
        .collect();
    weather.mute.store(true, Ordering::Relaxed);
    let asked = Instant::now();
    let read = replica.counters.read(&ids).await;
    assert!(read.map_or(true, |read| read.iter().all(Result::is_err)));
    assert!(asked.elapsed() < Duration::from_millis(1_500));
    weather.mute.store(false, Ordering::Relaxed);
    tokio::time::sleep(Duration::from_millis(200)).await;
    let state = replica.counters.state();
    assert!(state.reachable && state.since == since, "{state:?}");
    assert_eq!(state.problem, None);
    let budget = replica.budget(ID);
    let hold = replica.take_soon(&budget, &strict(10), 1).await;
    hold.settle(1);
    let read = replica.counters.read(&ids).await.unwrap();
    assert!(read.iter().all(Result::is_ok));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_account_that_cannot_be_read_keeps_nobody_from_the_others() {
    let server = Server::start(&[]);
    let replica = replica(server.options()).await;
    replica.ready().await;
    let terms = terms(100);
    let budget = replica.budget(ID);
    replica.take_soon(&budget, &terms, 5).await.settle(5);
    replica.comes_to(ID, &terms, 5).await;
    let keys = server.say(&["KEYS", "*"]);
    let is_account = |key: &&str| key.contains(ID) && !key.ends_with(":sums");
    let account = keys.lines().find(is_account).unwrap();
    let broken = account.replace("month", "broken");
    server.say(&["SET", &broken, "not a hash"]);
    let ask = |id: String| (id, Shape::Budget, terms.window, 100);
    let ids = [ask(ID.replace("month", "broken")), ask(ID.to_owned())];
    let read = replica.counters.read(&ids).await.unwrap();
    assert!(read[0].is_err(), "{read:?}");
    assert_eq!(read[1].unwrap().unwrap().used, 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_spreads_the_counters() {
    let nodes: Vec<_> = (0..3)
        .map(|_| {
            Server::start(&[
                "--cluster-enabled",
                "yes",
                "--cluster-require-full-coverage",
                "no",
            ])
        })
        .collect();
    server::join(&nodes);
    let options = ValkeyOptions {
        servers: Servers::Cluster(vec![address(nodes[0].port)]),
        ..nodes[0].options()
    };
    let replicas = replicas(&options, 2).await;
    let terms = strict(100);
    for budget in 0..30 {
        let id = format!("budget/key/a/{budget}/day");
        for replica in &replicas {
            let counter = replica.budget(&id);
            let hold = replica.take_soon(&counter, &terms, 50).await;
            hold.settle(49);
        }
    }
    drained(&replicas).await;
    for budget in 0..30 {
        let id = format!("budget/key/a/{budget}/day");
        assert_eq!(replicas[0].used(&id, &terms).await, 98);
    }
    for node in &nodes {
        assert!(!node.say(&["DBSIZE"]).contains(":0"), "each has some");
    }
    let mut nodes = nodes;
    nodes[2].kill();
    let tried = Instant::now();
    let mut granted = Vec::new();
    while granted.len() < 5 && tried.elapsed() < Duration::from_secs(20) {
        for budget in 0..30 {
            let counter = replicas[0].budget(&format!("budget/key/b/{budget}/day"));
            if let Ok(hold) = replicas[0].take(&counter, &terms, 1).await {
                hold.settle(1);
                granted.push(budget);
            }
        }
    }
    assert!(granted.len() >= 5, "the others go on: {granted:?}");
    nodes[2].resume_process();
    for budget in 0..30 {
        let counter = replicas[0].budget(&format!("budget/key/c/{budget}/day"));
        replicas[0].take_soon(&counter, &terms, 1).await.settle(1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_counter_in_use_costs_a_call_a_second_and_an_idle_one_none() {
    let server = Server::start(&[]);
    let replica = replica(server.options()).await;
    replica.reaches().await;
    const COUNTERS: usize = 40;
    let shape = Shape::Budget;
    let terms = terms(1 << 40);
    let mut tasks = JoinSet::new();
    let until = Instant::now() + Duration::from_secs(4);
    let calls = || -> usize {
        let stats = server.say(&["INFO", "commandstats"]);
        let of = |name: &str| {
            let line = stats.lines().find_map(|line| line.strip_prefix(name))?;
            line.split_once(',')?.0.parse::<usize>().ok()
        };
        of("cmdstat_evalsha:calls=").unwrap_or(0) + of("cmdstat_eval:calls=").unwrap_or(0)
    };
    for at in 0..COUNTERS {
        let counter = replica.counters.counter(&format!("budget/{at}"), shape);
        let started = Instant::now() - replica.now().mono;
        tasks.spawn(async move {
            let mut taken = 0;
            while Instant::now() < until {
                let mono = started.elapsed();
                let now = Now { mono, unix_ms: 0 };
                // On a busy machine the store may take its time at first.
                let Ok(hold) = counter.take(&terms, 3, now).await else {
                    continue;
                };
                hold.settle(2);
                taken += 1;
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            taken
        });
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    let at_first = calls();
    tokio::time::sleep(Duration::from_secs(2)).await;
    let in_two_seconds = calls() - at_first;
    let taken: u32 = tasks.join_all().await.into_iter().sum();
    assert!(taken > 10_000, "{taken} requests");
    assert!(
        (COUNTERS..=COUNTERS * 3).contains(&in_two_seconds),
        "{in_two_seconds} calls for {COUNTERS} counters in two seconds"
    );
    tokio::time::sleep(Duration::from_secs(3)).await;
    let rested = calls();
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(calls(), rested, "nobody uses them");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_moves_to_another_gateway_finds_nearly_all_of_it() {
    let server = Server::start(&[]);
    let replicas = replicas(&server.options(), 8).await;
    let terms = strict(10_000);
    let mut settled = 0;
    for replica in &replicas {
        let until = Instant::now() + Duration::from_millis(300);
        let started = Instant::now();
        let tally = call(replica.counters.clone(), started, ID, terms, until).await;
        settled += tally.settled;
    }
    let last = &replicas[0];
    let counter = last.budget(ID);
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    let left = 10_000 - settled;
    let refused = last.take(&counter, &terms, left + 1).await.unwrap_err();
    assert!(is_exhausted(&refused), "{refused:?}");
    let hold = last.take_soon(&counter, &terms, left).await;
    hold.settle(left);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_interval_of_a_rate_sees_more_than_its_limit() {
    const LIMIT: usize = 600;
    const PER: Duration = Duration::from_secs(2);
    let server = Server::start(&[]);
    let replicas = replicas(&server.options(), 3).await;
    let terms = Terms {
        window: None,
        ..terms(i64::try_from(LIMIT).unwrap())
    };
    let shape = Shape::Rate { per_ms: 2_000 };
    let began = Instant::now();
    let mut tasks = JoinSet::new();
    for replica in &replicas {
        let counter = replica.counters.counter("rate/key/a/b/requests", shape);
        let started = began - replica.now().mono;
        for _ in 0..6 {
            let counter = counter.clone();
            tasks.spawn(async move {
                let mut admitted = Vec::new();
                while began.elapsed() < PER * 4 {
                    let mono = started.elapsed();
                    let now = Now { mono, unix_ms: 0 };
                    if let Ok(hold) = counter.take(&terms, 1, now).await {
                        hold.settle(1);
                        admitted.push(began.elapsed());
                    }
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                admitted
            });
        }
    }
    let mut admitted: Vec<_> = tasks.join_all().await.into_iter().flatten().collect();
    admitted.sort_unstable();
    for (first, last) in admitted.iter().zip(admitted.iter().skip(LIMIT)) {
        assert!(
            *last - *first > PER - Duration::from_millis(40),
            "{first:?} to {last:?}"
        );
    }
    assert!(
        admitted.len() >= LIMIT * 3,
        "{} of {}",
        admitted.len(),
        LIMIT * 4
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_more_hold_a_place_at_a_time_than_there_are() {
    use std::sync::Arc;
    use std::sync::atomic::AtomicI64;
    let server = Server::start(&[]);
    let replicas = replicas(&server.options(), 3).await;
    let terms = Terms {
        window: None,
        ..terms(5)
    };
    let (inside, most) = (Arc::new(AtomicI64::new(0)), Arc::new(AtomicI64::new(0)));
    let until = Instant::now() + Duration::from_secs(3);
    let mut tasks = JoinSet::new();
    for replica in &replicas {
        let counter = replica.counters.counter("slots/key/a/b", Shape::Slots);
        let started = Instant::now() - replica.now().mono;
        for _ in 0..5 {
            let (counter, inside, most) = (counter.clone(), inside.clone(), most.clone());
            tasks.spawn(async move {
                let mut admitted = 0;
                while Instant::now() < until {
                    let mono = started.elapsed();
                    let now = Now { mono, unix_ms: 0 };
                    if let Ok(hold) = counter.take(&terms, 1, now).await {
                        most.fetch_max(inside.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                        tokio::time::sleep(Duration::from_millis(fastrand::u64(1..8))).await;
                        inside.fetch_sub(1, Ordering::SeqCst);
                        hold.settle(1);
                        admitted += 1;
                    }
                    tokio::time::sleep(Duration::from_millis(2)).await;
                }
                admitted
            });
        }
    }
    let admitted: u32 = tasks.join_all().await.into_iter().sum();
    let most = most.load(Ordering::SeqCst);
    assert!((1..=5).contains(&most), "{most} at a time");
    assert!(admitted > 200, "{admitted}");
}
