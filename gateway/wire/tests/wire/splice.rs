//! Edits over a body.

use bytes::Bytes;
use fairlead_wire::splice::{Pieces, Splice};

const BODY: &str = "0123456789";

fn spliced(edits: &[(usize, usize, &'static str)]) -> Pieces {
    let mut splice = Splice::new(Bytes::from_static(BODY.as_bytes()));
    for (start, end, with) in edits {
        splice.replace(*start..*end, Bytes::from_static(with.as_bytes()));
    }
    splice.finish()
}

#[test]
fn a_body_without_edits_is_one_piece_and_the_same_bytes() {
    let body = Bytes::from_static(BODY.as_bytes());
    let pieces = Splice::new(body.clone()).finish();
    assert_eq!(pieces.as_slice().len(), 1);
    assert_eq!(pieces.to_bytes().as_ptr(), body.as_ptr());
    assert_eq!(Pieces::from(Bytes::new()).into_iter().count(), 1);
}

#[test]
fn edits_are_made_by_offset_whatever_the_order_of_the_calls() {
    let pieces = spliced(&[(8, 9, "B"), (2, 4, "aaa")]);
    assert_eq!(pieces.to_bytes(), "01aaa4567B9");
    assert_eq!(pieces.len_bytes(), 11);
}

#[test]
fn what_stays_is_shared_with_the_body() {
    let kept = spliced(&[(2, 4, "x")]).into_iter().next_back().unwrap();
    assert_eq!(kept.as_ptr(), BODY[4..].as_ptr());
}

#[test]
fn insertions_at_one_place_keep_their_order_and_go_before_a_replacement_made_later() {
    let mut splice = Splice::new(Bytes::from_static(BODY.as_bytes()));
    splice.insert(5, Bytes::from_static(b"a"));
    splice.insert(5, Bytes::from_static(b"b"));
    splice.replace(5..6, Bytes::from_static(b"C"));
    assert_eq!(splice.finish().to_bytes(), "01234abC6789");
}

#[test]
fn no_piece_is_empty() {
    let pieces = spliced(&[(0, 2, "a"), (2, 4, ""), (10, 10, "z")]);
    assert!(pieces.as_slice().iter().all(|piece| !piece.is_empty()));
    assert_eq!(pieces.to_bytes(), "a456789z");
    assert_eq!(spliced(&[(0, 10, "")]).len_bytes(), 0);
}

#[test]
fn what_overlaps_is_removed_once_and_the_end_is_the_end() {
    assert_eq!(spliced(&[(2, 6, "a"), (4, 8, "b")]).to_bytes(), "01ab89");
    assert_eq!(spliced(&[(2, 8, "a"), (4, 5, "b")]).to_bytes(), "01ab89");
    assert_eq!(
        spliced(&[(9, 99, "a"), (50, 60, "b")]).to_bytes(),
        "012345678ab"
    );
}
