//! Time, the network between replicas and the store, what fails, and what must hold at every moment.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap};
use std::time::Duration;

use fairlead_admit::exchange::{Ask, Reply, Shape, Totals};
use fairlead_admit::lease::{Bound, Taken};
use fairlead_admit::window::Window;
use fastrand::Rng;

use crate::client::{Arrived, Client, Request};
use crate::store::Store;

/// What the model's time begins at, unix milliseconds: a midnight.
pub(crate) const EPOCH: i64 = 1_790_812_800_000;

/// What happens in one run.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) shape: Shape,
    pub(crate) clients: usize,
    pub(crate) bound: Bound,
    /// Of a budget, how long its windows are.
    pub(crate) window_ms: Option<i64>,
    pub(crate) lasts_ms: i64,
    /// Requests a second and client, and the most that one needs.
    pub(crate) requests: f64,
    pub(crate) need: i64,
    /// How long requests take at most.
    pub(crate) takes_ms: i64,
    /// Whether requests come to what was reserved.
    pub(crate) exact: bool,
    /// The share of requests that come to more than was reserved, in percent.
    pub(crate) beyond: u8,
    /// The most a message takes; one in a hundred takes up to thirty times that.
    pub(crate) delay_ms: i64,
    /// Messages that are lost, and that come twice, in percent.
    pub(crate) drops: u8,
    pub(crate) doubles: u8,
    /// How often each happens in a run, on average.
    pub(crate) kills: f64,
    pub(crate) journal: bool,
    pub(crate) cuts: f64,
    pub(crate) cut_ms: i64,
    pub(crate) restarts: f64,
    pub(crate) lost_ms: i64,
    pub(crate) steps: f64,
    pub(crate) skew_ms: i64,
}

enum Event {
    Arrive(usize),
    Drive(usize),
    Ping(usize),
    Finish(u64),
    Ask(usize, u32, Option<Window>, Ask),
    Reply(usize, u32, Option<Window>, u64, Reply),
    Fault,
}

struct Flying {
    client: usize,
    process: u32,
    window: Option<Window>,
    admitted: i64,
    taken: Taken,
    request: Request,
}

/// What is known of one window from without.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Truth {
    /// What access lines say.
    pub(crate) lines: i64,
    /// What died in flight and was reported by the next process, at what was reserved.
    pub(crate) buried: i64,
    /// In flight, at what is reserved.
    pub(crate) flying: i64,
    /// The most by which lines and flights together were over the limit.
    pub(crate) over: i64,
}

pub(crate) struct World {
    pub(crate) plan: Plan,
    rng: Rng,
    at: i64,
    order: u64,
    queue: BinaryHeap<Reverse<(i64, u64)>>,
    events: HashMap<u64, Event>,
    flying: HashMap<u64, Flying>,
    clients: Vec<Client>,
    pub(crate) store: Store,
    pub(crate) truth: BTreeMap<Option<Window>, Truth>,
    /// What was admitted when, at what it came to.
    pub(crate) admitted: Vec<(i64, i64)>,
    quiet: bool,
}

impl World {
    pub(crate) fn new(plan: Plan, seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed);
        let skew = |rng: &mut Rng| rng.i64(-plan.skew_ms..=plan.skew_ms);
        let client = |number| Client::new(number, plan.shape, skew(&mut rng), plan.bound);
        let clients = (0..plan.clients).map(client).collect();
        let mut store = Store::new(plan.shape, plan.lost_ms > 0);
        store.skew_ms = skew(&mut rng);
        Self {
            store,
            rng,
            at: 0,
            order: 0,
            queue: BinaryHeap::new(),
            events: HashMap::new(),
            flying: HashMap::new(),
            clients,
            truth: BTreeMap::new(),
            admitted: Vec::new(),
            quiet: false,
            plan,
        }
    }

    fn later(&mut self, after: i64, event: Event) {
        self.order += 1;
        self.queue.push(Reverse((self.at + after, self.order)));
        self.events.insert(self.order, event);
    }

    /// Everything until the end, then peace until all is reported.
    pub(crate) fn run(&mut self) {
        for client in 0..self.clients.len() {
            self.later(1, Event::Arrive(client));
            let first = self.rng.i64(0..10);
            self.later(first, Event::Drive(client));
            self.later(first, Event::Ping(client));
        }
        self.later(0, Event::Fault);
        self.until(self.plan.lasts_ms);
        self.quiet = true;
        self.clients.iter_mut().for_each(|one| one.cut_until = 0);
        self.until(self.at + self.plan.takes_ms + 8_000);
        self.clients.iter().for_each(Client::drain);
        self.until(self.at + 8_000);
        let empty = self.clients.iter().all(Client::is_empty);
        assert!(empty, "something is never reported");
    }

    fn until(&mut self, end: i64) {
        while let Some(Reverse((at, order))) = self.queue.peek().copied() {
            if at > end {
                break;
            }
            self.queue.pop();
            self.at = at;
            if let Some(event) = self.events.remove(&order) {
                self.happen(order, event);
            }
        }
        self.at = end;
    }

    fn happen(&mut self, order: u64, event: Event) {
        match event {
            Event::Arrive(client) => self.arrive(client),
            Event::Drive(client) => {
                self.drive(client);
                self.later(15, Event::Drive(client));
            }
            Event::Ping(client) => {
                let cut = self.clients[client].cut_until > self.at;
                if self.alive(client) && !cut && self.store.down_until <= self.at {
                    self.clients[client].hear(self.at, &self.store.run_id());
                }
                self.later(1_000, Event::Ping(client));
            }
            Event::Finish(started) => self.finish(started),
            Event::Ask(client, process, window, ask) => {
                let Some(reply) = self.store.exchange(self.at, window, &ask) else {
                    return;
                };
                let Totals { used, .. } = self.store.totals(self.at, window);
                let truth = self.truth.get(&window).copied().unwrap_or_default();
                let most = truth.lines + truth.buried;
                let counted_once = matches!(self.plan.shape, Shape::Rate { .. }) || used <= most;
                assert!(counted_once, "{used} of {most} are used, event {order}");
                let event = |reply| Event::Reply(client, process, window, ask.seq, reply);
                self.send(client, reply, event);
            }
            Event::Reply(client, process, window, seq, reply) => {
                if self.alive(client) && self.clients[client].process == process {
                    let started = self.clients[client].answered(self.at, window, seq, &reply);
                    for (request, taken) in started {
                        self.start(client, window, request, taken);
                    }
                    self.drive(client);
                }
            }
            Event::Fault => self.fault(),
        }
    }

    fn alive(&self, client: usize) -> bool {
        self.clients[client].dead_until <= self.at
    }

    fn percent(&mut self, percent: u8) -> bool {
        !self.quiet && self.rng.u8(0..100) < percent
    }

    /// Sends to or from a client, which may come late, twice or never.
    fn send<T: Clone>(&mut self, client: usize, what: T, event: impl Fn(T) -> Event) {
        let copies = 1 + u8::from(self.percent(self.plan.doubles));
        for _ in 0..copies {
            if self.clients[client].cut_until > self.at || self.percent(self.plan.drops) {
                continue;
            }
            let slow = if self.percent(1) { 30 } else { 1 };
            let delay = self.rng.i64(0..=self.plan.delay_ms * slow);
            self.later(delay, event(what.clone()));
        }
    }

    fn drive(&mut self, client: usize) {
        if !self.alive(client) {
            return;
        }
        let process = self.clients[client].process;
        for (window, ask) in self.clients[client].drive(self.at) {
            self.send(client, ask, |ask| Event::Ask(client, process, window, ask));
        }
    }

    fn arrive(&mut self, client: usize) {
        if self.quiet {
            return;
        }
        let pause = Duration::from_secs_f64(-self.rng.f64().max(1e-9).ln() / self.plan.requests);
        let pause = i64::try_from(pause.as_millis()).unwrap();
        self.later(1 + pause, Event::Arrive(client));
        if !self.alive(client) {
            return;
        }
        let need = self.rng.i64(1..=self.plan.need);
        let actual = if self.plan.exact {
            need
        } else if self.percent(self.plan.beyond) {
            need + self.rng.i64(0..=need)
        } else {
            self.rng.i64(0..=need)
        };
        let request = Request {
            need,
            actual: if matches!(self.plan.shape, Shape::Slots) {
                0
            } else {
                actual
            },
            lasts_ms: self.rng.i64(0..=self.plan.takes_ms),
            until: self.at + 250,
        };
        let window = self.clients[client].window(self.at, self.plan.window_ms);
        match self.clients[client].arrive(self.at, window, request) {
            Arrived::Started(taken) => self.start(client, window, request, taken),
            Arrived::Waits => self.drive(client),
            Arrived::Refused => {}
        }
    }

    fn start(&mut self, client: usize, window: Option<Window>, request: Request, taken: Taken) {
        assert!(taken.amount() == request.need);
        let truth = self.truth.entry(window).or_default();
        truth.flying += request.need;
        let over = truth.lines + truth.flying + truth.buried - self.plan.bound.limit;
        truth.over = truth.over.max(over);
        self.later(request.lasts_ms, Event::Finish(0));
        let started = self.order;
        self.events.insert(started, Event::Finish(started));
        let flying = Flying {
            client,
            process: self.clients[client].process,
            window,
            admitted: self.at,
            taken,
            request,
        };
        self.flying.insert(started, flying);
    }

    fn finish(&mut self, started: u64) {
        let Some(flying) = self.flying.remove(&started) else {
            return;
        };
        let truth = self.truth.entry(flying.window).or_default();
        truth.flying -= flying.request.need;
        truth.lines += flying.request.actual;
        self.admitted.push((flying.admitted, flying.request.actual));
        let client = &self.clients[flying.client];
        assert_eq!(client.process, flying.process);
        client.settle(flying.window, flying.taken, flying.request.actual);
    }

    /// Every hundredth of the run something may fail.
    fn fault(&mut self) {
        if self.quiet {
            return;
        }
        self.later((self.plan.lasts_ms / 100).max(1), Event::Fault);
        let happens = |rng: &mut Rng, often: f64| rng.f64() < often / 100.0;
        let one = self.rng.usize(..self.clients.len());
        if happens(&mut self.rng, self.plan.kills) && self.alive(one) {
            self.kill(one);
        }
        if happens(&mut self.rng, self.plan.cuts) {
            let cut = self.rng.i64(0..=self.plan.cut_ms);
            self.clients[one].cut_until = self.at + cut;
        }
        if happens(&mut self.rng, self.plan.restarts) {
            let (down, lost) = (self.rng.i64(0..600), self.rng.i64(0..=self.plan.lost_ms));
            self.store.restart(self.at, down, lost);
        }
        if happens(&mut self.rng, self.plan.steps) {
            self.store.skew_ms = self.rng.i64(-400_000..400_000);
        }
    }

    fn kill(&mut self, number: usize) {
        let down = self.rng.i64(0..3_000);
        let journal = self.plan.journal;
        self.clients[number].restart(self.at, down, journal);
        let at = self.at;
        let (dead, rest) = self
            .flying
            .drain()
            .partition(|(_, flying)| flying.client == number);
        self.flying = rest;
        let dead: HashMap<u64, Flying> = dead;
        for flying in dead.into_values() {
            let truth = self.truth.entry(flying.window).or_default();
            truth.flying -= flying.request.need;
            if journal {
                truth.buried += flying.request.need;
                self.admitted.push((at, flying.request.need));
            }
        }
    }
}
