//! What holds of any bytes, from a caller or from a provider: no reader and no writer panics, what is written is well-formed, and a stream has no end
//! that was not read.

#[path = "formats.rs"]
pub(crate) mod formats;

use fairlead_json::{Limits, well_formed};
use fairlead_translate::chat::request::{CallIds, Host};
use fairlead_translate::{Answered, Grammar, Names, Piece, chat, gemini, messages, responses};
use fairlead_wire::sse::Decoder;
use formats::{ALL, Format, Reader, Writer};

/// Deeper than what is read, for what is written stands in more around it.
const DEEP: Limits = Limits {
    depth: 512,
    members: usize::MAX,
};

/// Mistral and DeepSeek in one: all that is done to a history on its way.
const HOST: Host = Host {
    reasoning: Some("reasoning_content"),
    reasoning_always: true,
    refuses_thoughts: true,
    call_ids: CallIds::NineCharacters,
    ..Host::STRICT
};

/// Panics if it does not hold of the body of a request or of an answer.
pub(crate) fn bodies(data: &[u8]) {
    for asked in ALL {
        if let Ok(conversation) = asked.read(data) {
            for sent in ALL {
                let (body, _) = sent.write(&conversation);
                assert!(is_json(&body), "{asked:?} {sent:?}");
            }
            for grammar in [Grammar::OPENAI, Grammar::ANTHROPIC, Grammar::GEMINI] {
                let _ = Names::of(&conversation, &grammar).is_empty();
            }
        }
        if let Ok(Answered::Answer(answer)) = asked.answered(data) {
            for given in ALL {
                let body = given.answer(&answer);
                assert!(is_json(&body), "{asked:?} {given:?}");
            }
        }
    }
    let _ = responses::request::echo(data);
    let own = [
        chat::request::own(data, &HOST),
        messages::request::own(data),
        gemini::request::own(data, "gemini-3-pro"),
    ];
    if is_json(data) {
        for own in own.into_iter().flatten() {
            assert!(is_json(&own), "{}", String::from_utf8_lossy(&own));
        }
    }
}

fn is_json(text: &[u8]) -> bool {
    well_formed(text, &DEEP).is_ok()
}

/// Panics if it does not hold of a stream.
pub(crate) fn stream(data: &[u8]) {
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
pub(crate) fn each_event(stream: &[u8], mut call: impl FnMut(Option<&[u8]>, &[u8]) -> bool) {
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
