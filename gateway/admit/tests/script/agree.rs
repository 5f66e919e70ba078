//! Random asks, to the book and to the script.

use std::collections::HashMap;

use fairlead_admit::book::{Book, Sums};
use fairlead_admit::exchange::{Account, Aged, Ask, Incarnation, Reply, RunId, Shape, Totals};
use fairlead_admit::window::Window;
use fastrand::Rng;

use crate::fake::Fake;

/// Whatever runs the script.
pub(crate) trait Engine {
    fn call(&mut self, keys: &[String], args: &[String], now_ms: i64, run: &str) -> Vec<String>;
}

const HOUR: i64 = 3_600_000;
/// Midnight of a day in 2026.
const BEGIN: i64 = 1_790_812_800_000;

/// Windows of one counter: days, one after the other; a week over them; a day that begins at another hour; one off the quarter-hours.
fn windows() -> Vec<Option<Window>> {
    let window = |from: i64, hours: i64| Window {
        start: BEGIN + from * HOUR,
        end: BEGIN + (from + hours) * HOUR,
    };
    let odd = Window {
        start: BEGIN + 7 * 60_000,
        end: BEGIN + 40 * HOUR,
    };
    let all = [window(0, 24), window(24, 24), window(0, 168), window(2, 24)];
    all.into_iter().chain([odd]).map(Some).collect()
}

/// What one incarnation has said so far.
#[derive(Default)]
struct Said {
    seq: u64,
    spent: i64,
    aged: Vec<Aged>,
}

struct Run {
    rng: Rng,
    shape: Shape,
    now_ms: i64,
    run: u32,
    said: HashMap<(usize, u128), Said>,
    large: bool,
}

impl Run {
    fn amount(&mut self) -> i64 {
        // So large that a sum of all has 16 digits, or so small that every comparison is tried.
        let most = if self.large { 30_000_000_000_000 } else { 40 };
        if self.rng.u8(..8) == 0 {
            0
        } else {
            self.rng.i64(0..most)
        }
    }

    fn step(&mut self) {
        let by = match self.rng.u8(..60) {
            0 => self.rng.i64(0..40) * 86_400_000,
            1 => -self.rng.i64(0..40) * 86_400_000,
            2 => self.rng.i64(0..3) * HOUR,
            3 => -self.rng.i64(0..5_000),
            4..8 => self.rng.i64(0..1_200_000),
            _ => self.rng.i64(0..900),
        };
        self.now_ms = (self.now_ms + by).max(BEGIN - 40 * 86_400_000);
        self.run += u32::from(self.rng.u8(..40) == 0);
    }

    fn ask(&mut self, account: usize) -> Ask {
        let name = u128::from(self.rng.u8(1..6)) << 96;
        let more = self.amount();
        let (bucket, age_ms) = (self.rng.u64(..5), self.rng.u64(..90_000));
        let next = match self.rng.u8(..10) {
            0 => 0,
            1 => -1,
            2 => 5,
            _ => 1,
        };
        let said = self.said.entry((account, name)).or_default();
        said.seq = said.seq.saturating_add_signed(next).max(1);
        if next > 0 {
            said.spent += more;
            match said.aged.iter_mut().find(|one| one.bucket == bucket) {
                Some(one) => one.spent += more,
                None if matches!(self.shape, Shape::Rate { .. }) => said.aged.push(Aged {
                    bucket,
                    age_ms,
                    spent: more,
                }),
                None => {}
            }
        }
        let (seq, spent, aged) = (said.seq, said.spent, said.aged.clone());
        let run = match self.rng.u8(..20) {
            0 => None,
            1 => Some(RunId::from("other")),
            _ => Some(RunId::from(self.run_id().as_str())),
        };
        Ask {
            incarnation: Incarnation(name),
            run,
            seq,
            known: self.rng.u8(..3) == 0,
            spent,
            aged,
            held: self.amount(),
            need: self.amount(),
            want: self.amount(),
            pace: self.amount(),
            generation: self.rng.u64(..4),
            limit: self.amount() * 8,
            strict: self.rng.u8(..4) == 0,
            met_ms: self.rng.u64(..3_010),
        }
    }

    fn run_id(&self) -> String {
        format!("run{}", self.run)
    }
}

/// One sequence. Panics where the two differ.
pub(crate) fn agree(engine: &mut dyn Engine, seed: u64) {
    let mut rng = Rng::with_seed(seed);
    let shape = match rng.u8(..4) {
        0 => Shape::Rate { per_ms: 1_000 },
        1 => Shape::Rate { per_ms: 60_000 },
        2 => Shape::Slots,
        _ => Shape::Budget,
    };
    let windows = match shape {
        Shape::Budget => windows(),
        Shape::Rate { .. } | Shape::Slots => vec![None],
    };
    let mut run = Run {
        large: rng.bool(),
        rng,
        shape,
        now_ms: BEGIN,
        run: 0,
        said: HashMap::new(),
    };
    let (mut books, mut sums) = (HashMap::<usize, Book>::new(), Sums::default());
    for round in 0..150 {
        run.step();
        let at = run.rng.usize(..windows.len());
        let account = Account {
            counter: "budget/team/search/research/month".into(),
            shape,
            window: windows[at],
        };
        let keys = account.keys("");
        let id = run.run_id();
        // A look opens an account whose counter was used before.
        if run.rng.u8(..3) == 0 && !books.contains_key(&at) && !sums.is_empty() {
            let looked = engine.call(&keys, &account.look(), run.now_ms, &id);
            let book = Book::open(shape, windows[at], &mut sums, run.now_ms);
            let totals = Totals::read(&looked).unwrap_or_else(|| panic!("{looked:?}"));
            assert_eq!(totals, book.totals(&sums, run.now_ms), "seed {seed}");
            books.insert(at, book);
            run.step();
        }
        let id = run.run_id();
        let ask = run.ask(at);
        let book = books
            .entry(at)
            .or_insert_with(|| Book::open(shape, windows[at], &mut sums, run.now_ms));
        let by_book = book.exchange(&mut sums, run.now_ms, &RunId::from(id.as_str()), &ask);
        let answer = engine.call(&keys, &ask.arguments(&account), run.now_ms, &id);
        let by_script = Reply::read(&answer).unwrap_or_else(|| panic!("{answer:?}"));
        assert_eq!(by_script, by_book, "seed {seed}, round {round}: {ask:?}");
        let looked = engine.call(&keys, &account.look(), run.now_ms + 50, &id);
        let totals = Totals::read(&looked).unwrap_or_else(|| panic!("{looked:?}"));
        assert_eq!(
            totals,
            book.totals(&sums, run.now_ms + 50),
            "seed {seed}, {round}"
        );
    }
}

#[test]
fn the_script_says_what_the_book_says() {
    for seed in 0..40 {
        agree(&mut Fake::new(), seed);
    }
}

/// A day in which 7 were spent, and the account of the week around it, which nobody has asked for yet.
fn a_week_around_a_day() -> (Fake, Account) {
    let account = |window| Account {
        counter: "budget/team/search/research/month".into(),
        shape: Shape::Budget,
        window,
    };
    let mut run = Run {
        rng: Rng::with_seed(1),
        shape: Shape::Budget,
        now_ms: BEGIN,
        run: 0,
        said: HashMap::new(),
        large: false,
    };
    let ask = Ask {
        run: None,
        known: false,
        spent: 7,
        ..run.ask(0)
    };
    let day = account(windows()[0]);
    let mut fake = Fake::new();
    fake.call(&day.keys(""), &ask.arguments(&day), BEGIN, "run0");
    fake.read_whole();
    (fake, account(windows()[2]))
}

fn used(fake: &mut Fake, account: &Account) -> i64 {
    let looked = fake.call(&account.keys(""), &account.look(), BEGIN + 1, "run0");
    Totals::read(&looked).unwrap().used
}

#[test]
fn only_the_first_look_at_a_window_goes_through_the_sums() {
    let (mut fake, week) = a_week_around_a_day();
    let [book, sums] = week.keys("");
    assert_eq!(used(&mut fake, &week), 7);
    assert_eq!(fake.read_whole(), [book.clone(), sums]);
    assert_eq!(used(&mut fake, &week), 7);
    assert_eq!(fake.read_whole(), [book]);
}

#[test]
fn a_store_that_takes_no_writes_is_read_nevertheless() {
    let (mut fake, week) = a_week_around_a_day();
    fake.takes_no_writes();
    assert_eq!(used(&mut fake, &week), 7);
    assert_eq!(used(&mut fake, &week), 7);
}
