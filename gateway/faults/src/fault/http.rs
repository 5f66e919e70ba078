//! HTTP that is wrong, or right in ways that are seldom met.

use serde_json::json;

use super::{Fault, healthy, whole};
use crate::{Framing, Moment, Play, Step};

const JSON: (&str, &str) = ("content-type", "application/json");

pub(super) const FAULTS: &[Fault] = &[
    Fault::new("not-http", "bytes that are not HTTP", |_| Play::garbage()),
    Fault::new("redirect-301", "301 to somewhere else", |_| redirect(301)),
    Fault::new("redirect-302", "302 to somewhere else", |_| redirect(302)),
    Fault::new("redirect-307", "307 to somewhere else", |_| redirect(307)),
    Fault::new("redirect-308", "308 to somewhere else", |_| redirect(308)),
    Fault::new("no-content", "204, a success without an answer", |_| {
        Play::steps([
            Step::Raw("HTTP/1.1 204 No Content\r\n\r\n".into()),
            Step::Close,
        ])
    }),
    Fault::new("switching-protocols", "101, though nobody asked", |_| {
        Play::steps([
            Step::Raw(
                "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n"
                    .into(),
            ),
            Step::Close,
        ])
    }),
    Fault::new("early-hints", "103 before the answer", |_| {
        preceded_by("HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n")
    }),
    Fault::new("continue-unasked", "100 before the answer", |_| {
        preceded_by("HTTP/1.1 100 Continue\r\n\r\n")
    }),
    Fault::new(
        "http-1-0",
        "an answer in HTTP/1.0 that ends with its connection",
        |seen| {
            Play::steps([
                Step::Raw(
                    format!(
                        "HTTP/1.0 200 OK\r\ncontent-type: application/json\r\n\r\n{}",
                        whole(seen)
                    )
                    .into(),
                ),
                Step::Close,
            ])
        },
    )
    .whole(),
    Fault::new(
        "ends-with-connection",
        "a body without length that ends with its connection",
        |seen| {
            Play::steps([
                Step::head(200, &[JSON], Framing::Close),
                Step::Body(whole(seen).into()),
            ])
        },
    )
    .whole(),
    Fault::new(
        "length-too-long",
        "a content-length beyond the end of the body",
        |seen| {
            let body = whole(seen);
            Play::steps([
                Step::head(200, &[JSON], Framing::Length(body.len() + 100)),
                Step::Body(body.into()),
            ])
        },
    )
    .whole(),
    Fault::new(
        "length-too-short",
        "a content-length before the end of the body",
        |seen| {
            let body = whole(seen);
            Play::steps([
                Step::head(200, &[JSON], Framing::Length(body.len() - 20)),
                Step::Body(body.into()),
            ])
        },
    )
    .whole(),
    Fault::new(
        "length-garbage",
        "a content-length that is no number",
        |seen| {
            Play::steps([
                Step::head(200, &[JSON, ("content-length", "many")], Framing::Close),
                Step::Body(whole(seen).into()),
            ])
        },
    )
    .whole(),
    Fault::new(
        "lengths-that-differ",
        "two content-lengths that differ",
        |seen| {
            let body = whole(seen);
            Play::steps([
                Step::head(
                    200,
                    &[JSON, ("content-length", "7")],
                    Framing::Length(body.len()),
                ),
                Step::Body(body.into()),
            ])
        },
    )
    .whole(),
    Fault::new(
        "chunk-size-garbage",
        "a chunk whose size is no number",
        |_| healthy().instead(Moment::Head, [Step::Raw("zz\r\n".into()), Step::Close]),
    )
    .streams(),
    Fault::new(
        "chunk-size-garbage-after-content",
        "a word, then a chunk whose size is no number",
        |_| healthy().instead(Moment::Content, [Step::Raw("zz\r\n".into()), Step::Close]),
    )
    .streams(),
    Fault::new(
        "chunk-size-absurd",
        "a chunk that announces 2^68 bytes",
        |_| {
            healthy().instead(
                Moment::Head,
                [Step::Raw("fffffffffffffffff\r\n".into()), Step::Close],
            )
        },
    )
    .streams(),
    Fault::new(
        "chunk-longer-than-said",
        "a chunk with more bytes than its size says",
        |_| {
            healthy().instead(
                Moment::Content,
                [Step::Raw("4\r\ndata: {}\n\n\r\n".into()), Step::Close],
            )
        },
    )
    .streams(),
    Fault::new("trailers", "a chunked body with trailers", |seen| {
        let mut steps = Vec::from_iter(seen.dialect().speech().terminator());
        let trailers = "0\r\nx-checksum: 7\r\n\r\n".into();
        steps.extend([Step::Raw(trailers), Step::Close]);
        healthy().instead(Moment::Finish, steps)
    })
    .streams(),
    Fault::new("header-100k", "a header field of 100 KB", |_| {
        healthy().header("x-large", &"x".repeat(100 * 1024))
    }),
    Fault::new("header-1m", "a header field of 1 MiB", |_| {
        healthy().header("x-huge", &"x".repeat(1024 * 1024))
    }),
    Fault::new("headers-1000", "a thousand header fields", |_| {
        (0..1000).fold(healthy(), |play, at| play.header(&format!("x-{at}"), "y"))
    }),
    Fault::new("header-with-nul", "a header field with a NUL byte", |_| {
        healthy().header("x-bad", "a\0b")
    }),
    Fault::new(
        "header-without-colon",
        "a header line without a colon",
        |_| {
            Play::steps([
                Step::Raw("HTTP/1.1 200 OK\r\nno colon here\r\n\r\n{}".into()),
                Step::Close,
            ])
        },
    ),
    Fault::new(
        "gzip-unasked",
        "a compressed answer, though nobody asked",
        |seen| {
            Play::answer(
                200,
                &[JSON, ("content-encoding", "gzip")],
                gzip(whole(seen).as_bytes()),
            )
        },
    )
    .whole(),
    Fault::new(
        "gzip-undeclared",
        "a compressed answer that does not say so",
        |seen| Play::answer(200, &[JSON], gzip(whole(seen).as_bytes())),
    )
    .whole(),
    Fault::new(
        "gzip-stream",
        "a compressed stream, though nobody asked",
        |_| healthy().header("content-encoding", "gzip"),
    )
    .streams(),
    Fault::new(
        "coding-none",
        "an answer whose coding is called none",
        |_| healthy().header("content-encoding", "none"),
    ),
    Fault::new("coding-empty", "an answer whose coding has no name", |_| {
        healthy().header("content-encoding", "")
    }),
    Fault::new("redirect-with-error", "307 with an error object", |_| {
        Play::json(
            307,
            &json!({"error": {"message": "Moved to proxy-7.internal.", "code": "moved"}}),
        )
        .header("location", "http://127.0.0.1:1/elsewhere")
    }),
    Fault::new("gzip-error", "a 503 that is compressed", |seen| {
        let error = seen.dialect().speech().error(503, None).to_string();
        Play::answer(
            503,
            &[JSON, ("content-encoding", "gzip")],
            gzip(error.as_bytes()),
        )
    }),
    Fault::new(
        "early-answer",
        "the whole answer before the body of the request was read",
        |_| healthy(),
    )
    .whole()
    .early(),
    Fault::new(
        "early-refusal",
        "413 before the body of the request was read",
        |_| Play::status(413),
    )
    .early(),
    Fault::new(
        "early-reset",
        "RST before the body of the request was read",
        |_| Play::reset(),
    )
    .early(),
];

fn redirect(status: u16) -> Play {
    Play::answer(status, &[("location", "http://127.0.0.1:1/elsewhere")], "")
}

fn preceded_by(head: &'static str) -> Play {
    healthy().insert(Moment::Start, [Step::Raw(head.into())])
}

/// The gzip format (RFC 1952) around one stored block of deflate (RFC 1951): compressed in name only, but any client can read it.
fn gzip(bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
    let mut out = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff, 1];
    out.extend(length.to_le_bytes());
    out.extend((!length).to_le_bytes());
    out.extend_from_slice(&bytes[..usize::from(length)]);
    out.extend(crc32(bytes).to_le_bytes());
    out.extend(u32::from(length).to_le_bytes());
    out
}

/// The checksum of gzip: the reversed polynomial of IEEE 802.3, bit by bit.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| {
            if sum & 1 == 1 {
                (sum >> 1) ^ 0xedb8_8320
            } else {
                sum >> 1
            }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_that_of_gzip() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }
}
