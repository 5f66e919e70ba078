use std::path::PathBuf;

use fairlead_admit::exchange::{Account, Shape};
use fairlead_admit::window::Window;

use super::*;

fn account(counter: &str) -> Account {
    Account {
        counter: counter.into(),
        shape: Shape::Rate { per_ms: 60_000 },
        window: Some(Window {
            start: -5,
            end: 1_000,
        }),
    }
}

fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state/leases.journal");
    (folder, path)
}

#[test]
fn the_next_process_finds_what_was_not_given_back() {
    let (_folder, path) = folder();
    let (journal, remains) = Journal::open(&path).unwrap();
    assert!(remains.is_empty());
    let kept = journal.slot(&account("budget/team/search/research/month"), 5);
    let given_back = journal.slot(&account("budget/team/search/research/day"), 5);
    for (at, cell) in kept.cells().iter().enumerate() {
        cell.store(-7 + i64::try_from(at).unwrap(), Ordering::Relaxed);
    }
    given_back.give_back();
    // The lock goes with its file.
    drop((kept, journal));
    let (_journal, remains) = Journal::open(&path).unwrap();
    let [found] = &remains[..] else {
        panic!("{remains:?}")
    };
    assert_eq!(found.account, account("budget/team/search/research/month"));
    let cells: Vec<_> = found.slot.cells().iter().map(read_cell).collect();
    assert_eq!(cells, [-7, -6, -5, -4, -3]);
}

fn read_cell(cell: &AtomicI64) -> i64 {
    cell.load(Ordering::Relaxed)
}

#[test]
fn a_second_process_is_turned_away() {
    let (_folder, path) = folder();
    let (_journal, _) = Journal::open(&path).unwrap();
    let refused = Journal::open(&path).unwrap_err();
    assert!(matches!(refused, JournalError::InUse(_)), "{refused}");
}

#[test]
fn it_grows_and_uses_records_again() {
    let (_folder, path) = folder();
    let (journal, _) = Journal::open(&path).unwrap();
    let long = "x".repeat(700);
    let names = (0..3_000).map(|n| format!("rate/key/{n}/{}", &long[..n % 700]));
    let names: Vec<_> = names.collect();
    let length = || std::fs::metadata(&path).unwrap().len();
    let take = || -> Vec<_> {
        let slots = names.iter().map(|name| journal.slot(&account(name), 9));
        slots.collect()
    };
    take().into_iter().for_each(Slot::give_back);
    let grown = length();
    assert!(grown > HEAD_BYTES + 2 * CHUNK_BYTES);
    let slots = take();
    assert_eq!(length(), grown, "records are used again");
    slots.iter().for_each(|slot| {
        assert!(slot.cells().iter().all(|cell| read_cell(cell) == 0));
        slot.cells()[8].store(8, Ordering::Relaxed);
    });
    drop((slots, journal));
    let (_journal, remains) = Journal::open(&path).unwrap();
    let mut found: Vec<_> = remains
        .iter()
        .map(|left| left.account.counter.to_string())
        .collect();
    found.sort();
    let mut names = names;
    names.sort();
    assert_eq!(found, names);
    assert!(
        remains
            .iter()
            .all(|left| read_cell(&left.slot.cells()[8]) == 8)
    );
}

#[test]
fn a_foreign_file_is_put_aside() {
    let (_folder, path) = folder();
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, "somebody's notes").unwrap();
    let (journal, remains) = Journal::open(&path).unwrap();
    assert!(remains.is_empty());
    let aside = path.with_extension("journal.unreadable");
    assert_eq!(std::fs::read_to_string(aside).unwrap(), "somebody's notes");
    drop((journal.slot(&account("a"), 3), journal));
    assert_eq!(Journal::open(&path).unwrap().1.len(), 1);
}

#[test]
fn a_torn_file_gives_what_is_whole_in_it() {
    let (_folder, path) = folder();
    let (journal, _) = Journal::open(&path).unwrap();
    let slots: Vec<_> = (0..4)
        .map(|n| journal.slot(&account(&format!("counter-{n}")), 3))
        .collect();
    let name = &slots[1].words[ID_OF_RECORD];
    name.store(name.load(Ordering::Relaxed) ^ 1, Ordering::Relaxed);
    slots[2].words[0].store(77, Ordering::Relaxed);
    drop((slots, journal));
    // The machine died while the file grew.
    let mut file = OpenOptions::new().append(true).open(&path).unwrap();
    file.write_all(&[9; 1000]).unwrap();
    let (journal, remains) = Journal::open(&path).unwrap();
    let found: Vec<_> = remains.iter().map(|left| &*left.account.counter).collect();
    assert_eq!(found, ["counter-0", "counter-3"]);
    // What it grows by next begins where the last whole chunk ends.
    let more: Vec<_> = (0..CHUNK_WORDS / 32)
        .map(|n| journal.slot(&account(&format!("more-{n}")), 3))
        .collect();
    assert_eq!(
        std::fs::metadata(&path).unwrap().len(),
        HEAD_BYTES + 2 * CHUNK_BYTES
    );
    drop(more);
}

const ID_OF_RECORD: usize = 7;
