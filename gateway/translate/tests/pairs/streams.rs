//! Streams of every dialect, for every surface: split anywhere, cut anywhere.

use fairlead_translate::Piece;
use proptest::prelude::*;

use crate::formats::{ALL, Format, Writer};
use crate::heard::{Heard, Listener, listen, stream};
use crate::said::{Bit, Said, said};

/// What a caller has of a provider's stream that comes in these chunks, whether its end was read, and what its caller makes of it.
fn relayed(sent: Format, given: Format, chunks: &[&[u8]], is_whole: bool) -> (bool, Heard) {
    let (mut writer, mut out) = (Writer::of(given), Vec::new());
    let mut finished = false;
    listen(sent, chunks, |piece| {
        finished |= matches!(piece, Piece::Finish { .. });
        writer.write(piece, &mut out);
    });
    if is_whole {
        writer.end(&mut out);
    }
    let mut heard = Heard::default();
    listen(given, &[&out], |piece| heard.hear(piece));
    (finished, heard)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn deltas_add_up_to_the_whole_answer_however_they_are_split(said in said(), at in any::<prop::sample::Index>()) {
        let expected = Heard::of(&said.whole()).meaning();
        let pieces = said.pieces();
        for sent in ALL {
            let stream = stream(sent, &pieces);
            let (one, two) = stream.split_at(at.index(stream.len() + 1));
            for given in ALL {
                let (finished, heard) = relayed(sent, given, &[one, two], true);
                prop_assert!(finished);
                prop_assert_eq!(heard.meaning(), expected.clone(), "{:?} {:?}", sent, given);
            }
        }
    }

    #[test]
    fn a_stream_that_is_cut_at_any_byte_has_no_end_that_was_not_read(said in said(), at in any::<prop::sample::Index>()) {
        let all = Heard::of(&said.whole());
        let pieces = said.pieces();
        for sent in ALL {
            let stream = stream(sent, &pieces);
            let cut = &stream[..at.index(stream.len())];
            for given in ALL {
                let (finished, heard) = relayed(sent, given, &[cut], false);
                prop_assert!(finished || heard.stop.is_none(), "{:?} {:?} {:?}", sent, given, heard);
                // What came is the beginning of what would have come.
                prop_assert!(all.text.starts_with(&heard.text) && all.thought.starts_with(&heard.thought));
                for (number, (name, arguments)) in &heard.calls {
                    let (whole_name, whole) = &all.calls[number];
                    prop_assert_eq!(name, whole_name);
                    let begins = whole.starts_with(arguments.as_str());
                    prop_assert!(begins, "{:?} {:?} {}", sent, given, arguments);
                }
            }
        }
    }
}

/// Every place of one stream of each dialect, not only those that chance chooses: what came byte by byte is what was cut there.
#[test]
fn no_byte_of_a_stream_is_its_end_before_the_finish() {
    let said = Said {
        bits: vec![
            Bit::Text(vec!["H\u{e9}".to_owned(), "llo".to_owned()]),
            Bit::Call(vec!["{\"q\":".to_owned(), "1}".to_owned()]),
        ],
        is_cut: false,
        output: 3,
    };
    for sent in ALL {
        let stream = stream(sent, &said.pieces());
        for given in ALL {
            let (mut provider, mut caller) = (Listener::new(sent), Listener::new(given));
            let mut writer = Writer::of(given);
            let (mut finished, mut heard) = (None, Heard::default());
            for (at, byte) in stream.iter().enumerate() {
                let mut out = Vec::new();
                provider.listen(&[*byte], |piece| {
                    if matches!(piece, Piece::Finish { .. }) {
                        finished = Some(at);
                    }
                    writer.write(piece, &mut out);
                });
                caller.listen(&out, |piece| heard.hear(piece));
                let is_over = heard.stop.is_some();
                assert!(finished.is_some() || !is_over, "{sent:?} {given:?} {at}");
            }
            let finished = finished.expect("a whole stream has an end");
            assert!(finished > stream.len() / 3, "{sent:?}: it ends early");
        }
    }
}
