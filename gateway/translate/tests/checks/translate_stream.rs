//! Whatever bytes a provider streams: no reader and no writer panics, what is written is a stream, and it has no end that was not read.

#[path = "formats.rs"]
mod formats;

use fairlead_json::{Limits, well_formed};
use fairlead_translate::Piece;
use fairlead_wire::sse::Decoder;
use formats::{ALL, Format, Reader, Writer};

const DEEP: Limits = Limits {
    depth: 512,
    members: usize::MAX,
};

/// Panics if it does not hold of these bytes.
pub(crate) fn check(data: &[u8]) {
    for sent in ALL {
        for given in ALL {
            relay(sent, given, data);
        }
    }
}

fn relay(sent: Format, given: Format, data: &[u8]) {
    let (mut reader, mut writer, mut out) = (Reader::of(sent), Writer::of(given), Vec::new());
    let (mut finished, mut failed) = (false, false);
    each_event(data, |name, data| {
        let read = reader.read(name, data, &mut |piece| {
            finished |= matches!(piece, Piece::Finish { .. });
            failed |= matches!(piece, Piece::Error(_));
            writer.write(&piece, &mut out);
        });
        read.is_ok()
    });
    let mut ends = false;
    let mut again = Reader::of(given);
    each_event(&out, |name, data| {
        assert!(
            data == b"[DONE]" || well_formed(data, &DEEP).is_ok(),
            "{sent:?} {given:?}"
        );
        let _ = again.read(name, data, &mut |piece| {
            ends |= matches!(piece, Piece::Finish { .. });
        });
        true
    });
    // What a provider has said of its end is all that a caller is told of it.
    assert!(!ends || finished || failed, "{sent:?} {given:?}");
    writer.end(&mut out);
}

/// Calls for each event with data, until it says no.
fn each_event(stream: &[u8], mut call: impl FnMut(Option<&[u8]>, &[u8]) -> bool) {
    let mut decoder = Decoder::new(usize::MAX);
    decoder.push(stream.to_vec().into());
    while let Ok(Some(event)) = decoder.next() {
        if let Some(data) = &event.data
            && !call(event.name.as_deref(), data)
        {
            return;
        }
    }
}
