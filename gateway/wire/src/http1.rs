//! Where the body of an answer of HTTP/1.1 ends, and what of the bytes that come is content (RFC 9112, 6 and 7).
//!
//! What frames the pieces of a chunked body is read strictly: a server that writes a line otherwise than the standard says may mean another length
//! than what is read here.

use bytes::{Buf as _, Bytes};

/// So many bytes may what follows the sizes of chunks have in one body, its trailers among them: it says nothing here.
const MOST_ASIDE: usize = 16 * 1024;
/// So many bytes may the line of a size be filled up with, by zeros before it or by white space behind.
const MOST_FILLING: usize = 64;

/// The rest of a body, by what its head announced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// So many bytes.
    Length(u64),
    /// Pieces, each after its length.
    Chunked(Chunked),
    /// All that comes until the connection is closed.
    UntilClose,
}

/// A body in pieces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunked {
    at: At,
    /// Bytes of the piece that are still to come, or of its size those that were read.
    left: u64,
    /// Bytes that came beside content, sizes and what fills them up.
    aside: usize,
    /// With how many bytes the line of this size is filled up.
    filling: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    /// Before the first digit of a size.
    Size,
    /// After one.
    Digits,
    /// After white space behind a size.
    Space,
    /// In what may follow a size.
    Extension,
    /// After the CR that ends a size.
    SizeEnd,
    /// Within a piece.
    Data,
    /// After a piece.
    DataEnd,
    /// After the CR behind it.
    DataLineEnd,
    /// Where a trailer begins, or the end.
    Trailers,
    /// Within the name of a trailer.
    Name,
    /// Behind it.
    Trailer,
    /// After its CR.
    TrailerEnd,
    /// After the CR of the last line.
    LastEnd,
    Done,
    Broken,
}

/// What comes is no chunked body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the body is not framed as HTTP says")]
pub struct Unframed;

impl Body {
    /// A body in pieces of which nothing has come.
    #[must_use]
    pub fn chunked() -> Self {
        Self::Chunked(Chunked {
            at: At::Size,
            left: 0,
            aside: 0,
            filling: 0,
        })
    }

    /// Whether nothing more belongs to it.
    #[must_use]
    pub fn is_done(&self) -> bool {
        match self {
            Self::Length(left) => *left == 0,
            Self::Chunked(chunked) => chunked.at == At::Done,
            Self::UntilClose => false,
        }
    }

    /// How many bytes are still to come, if that is known.
    #[must_use]
    pub fn left(&self) -> Option<u64> {
        match self {
            Self::Length(left) => Some(*left),
            Self::Chunked(_) | Self::UntilClose => None,
        }
    }

    /// Takes the next content out of what has come; `None`: there is no more in it. What follows the end of the body stays.
    ///
    /// # Errors
    /// It is not framed as it has to be. Nothing more can be read of the body then.
    pub fn next(&mut self, came: &mut Bytes) -> Result<Option<Bytes>, Unframed> {
        let content = match self {
            Self::Length(left) => take(left, came),
            Self::Chunked(chunked) => return chunked.next(came),
            Self::UntilClose => std::mem::take(came),
        };
        Ok(Some(content).filter(|content| !content.is_empty()))
    }
}

/// As much as has come of what is left.
fn take(left: &mut u64, came: &mut Bytes) -> Bytes {
    let most = usize::try_from(*left).unwrap_or(usize::MAX);
    let taken = came.split_to(most.min(came.len()));
    *left -= taken.len() as u64;
    taken
}

impl Chunked {
    fn next(&mut self, came: &mut Bytes) -> Result<Option<Bytes>, Unframed> {
        self.pass_frame(came)?;
        if self.at != At::Data || came.is_empty() {
            return Ok(None);
        }
        let content = take(&mut self.left, came);
        if self.left == 0 {
            self.at = At::DataEnd;
            // The end has usually come with the last piece, and is known with it. What is wrong there is told after it.
            if self.pass_frame(came).is_err() {
                self.at = At::Broken;
            }
        }
        Ok(Some(content))
    }

    /// Passes by what stands between pieces.
    fn pass_frame(&mut self, came: &mut Bytes) -> Result<(), Unframed> {
        let mut read = 0;
        for byte in came.iter() {
            if matches!(self.at, At::Data | At::Done) {
                break;
            }
            self.step(*byte)?;
            read += 1;
        }
        came.advance(read);
        if self.at == At::Broken {
            return Err(Unframed);
        }
        Ok(())
    }

    fn step(&mut self, byte: u8) -> Result<(), Unframed> {
        self.at = match (self.at, byte) {
            (At::Size | At::Digits, b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F') => {
                let digit = char::from(byte).to_digit(16).ok_or(Unframed)?;
                let shifted = self.left.checked_mul(16).ok_or(Unframed)?;
                if self.at == At::Digits && self.left == 0 {
                    // Zeros before it have no end of their own.
                    self.fill()?;
                }
                self.left = shifted + u64::from(digit);
                At::Digits
            }
            (At::Digits | At::Space, b' ' | b'\t') => {
                self.fill()?;
                At::Space
            }
            (At::Digits | At::Space, b';') => self.aside(At::Extension)?,
            (At::Digits | At::Space | At::Extension, b'\r') => At::SizeEnd,
            (At::Extension, b'\n') => return Err(Unframed),
            (At::Extension, _) => self.aside(At::Extension)?,
            (At::SizeEnd, b'\n') if self.left == 0 => At::Trailers,
            (At::SizeEnd, b'\n') => {
                self.filling = 0;
                At::Data
            }
            (At::DataEnd, b'\r') => At::DataLineEnd,
            (At::DataLineEnd, b'\n') => At::Size,
            (At::Trailers, b'\r') => At::LastEnd,
            (At::Trailers | At::Name, byte) if is_of_a_name(byte) => self.aside(At::Name)?,
            (At::Name, b':') => self.aside(At::Trailer)?,
            (At::Trailer, b'\r') => At::TrailerEnd,
            (At::Trailer, b'\t' | b' '..=b'~' | 0x80..) => self.aside(At::Trailer)?,
            (At::TrailerEnd, b'\n') => At::Trailers,
            (At::LastEnd, b'\n') => At::Done,
            _ => return Err(Unframed),
        };
        Ok(())
    }

    /// Some servers write sizes of one length: each may be filled up, for each brings content.
    fn fill(&mut self) -> Result<(), Unframed> {
        self.filling += 1;
        if self.filling > MOST_FILLING {
            return Err(Unframed);
        }
        Ok(())
    }

    /// Something that is no content, and of which there may not be much.
    fn aside(&mut self, at: At) -> Result<At, Unframed> {
        self.aside += 1;
        if self.aside > MOST_ASIDE {
            return Err(Unframed);
        }
        Ok(at)
    }
}

/// Whether a byte may be one of a name (RFC 9110, 5.6.2: `tchar`).
fn is_of_a_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The content of a body that comes at once, and what is left behind it; `None`: it cannot be read. Whether it is whole.
    fn read(mut body: Body, text: &str) -> (Option<String>, bool, String) {
        let mut came = Bytes::copy_from_slice(text.as_bytes());
        let mut content = Vec::new();
        loop {
            match body.next(&mut came) {
                Ok(Some(piece)) => content.extend_from_slice(&piece),
                Ok(None) => break,
                Err(Unframed) => return (None, false, String::new()),
            }
        }
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (Some(text(&content)), body.is_done(), text(&came))
    }

    fn chunked(text: &str) -> (Option<String>, bool, String) {
        read(Body::chunked(), text)
    }

    fn said(content: &str, done: bool, behind: &str) -> (Option<String>, bool, String) {
        (Some(content.to_owned()), done, behind.to_owned())
    }

    #[test]
    fn a_length_ends_where_it_says() {
        assert_eq!(read(Body::Length(3), "abcd"), said("abc", true, "d"));
        assert_eq!(read(Body::Length(3), "ab"), said("ab", false, ""));
        assert_eq!(read(Body::Length(0), "x"), said("", true, "x"));
        assert_eq!(read(Body::UntilClose, "ab"), said("ab", false, ""));
    }

    #[test]
    fn pieces_are_put_together_and_what_frames_them_is_left_out() {
        let whole =
            "3\r\nabc\r\n1A ;a=b\r\nabcdefghijklmnopqrstuvwxyz\r\n0\r\nt: 1\r\nu: 2\r\n\r\n";
        let content = "abcabcdefghijklmnopqrstuvwxyz";
        assert_eq!(chunked(whole), said(content, true, ""));
        assert_eq!(
            chunked(&[whole, "HTTP"].concat()),
            said(content, true, "HTTP")
        );
        for cut in 0..whole.len() {
            let (read, done, behind) = chunked(&whole[..cut]);
            assert!(content.starts_with(&read.unwrap()), "{cut}");
            assert_eq!((done, behind.as_str()), (false, ""), "{cut}");
        }
    }

    #[test]
    fn a_size_that_is_none_is_refused() {
        for bad in [
            "g\r\n",
            "\r\n",
            " 3\r\nabc\r\n",
            "-1\r\n",
            "+3\r\nabc\r\n",
            "0x3\r\nabc\r\n",
            "3\nabc\n",
            "3 4\r\nabc\r\n",
            "3;a\nb\r\nabc\r\n",
            "10000000000000000\r\n",
            "3\r\nabcd\r\n",
            "3\r\nabc\n0\r\n\r\n",
            "0\r\n\n",
            "0\r\nt: 1\n\r\n",
            "0\r\nt 1\r\n\r\n",
            "0\r\n: 1\r\n\r\n",
            "0\r\nt: \0\r\n\r\n",
        ] {
            assert_eq!(chunked(bad).0, None, "{bad:?}");
        }
        assert_eq!(chunked("ffffffffffffffff\r\na"), said("a", false, ""));
    }

    #[test]
    fn sizes_of_one_length_are_no_matter_however_many_there_are() {
        let many = 10_000;
        let body = format!("{}0\r\n\r\n", "00000001   \r\na\r\n".repeat(many));
        assert_eq!(chunked(&body), said(&"a".repeat(many), true, ""));
    }

    #[test]
    fn what_is_wrong_behind_a_piece_is_told_after_it() {
        let mut body = Body::chunked();
        let mut came = Bytes::from_static(b"3\r\nabc\r\nx");
        assert_eq!(body.next(&mut came), Ok(Some(Bytes::from_static(b"abc"))));
        assert_eq!(body.next(&mut came), Err(Unframed));
        assert_eq!(body.next(&mut Bytes::new()), Err(Unframed));
    }

    #[test]
    fn nobody_sends_extensions_or_trailers_without_end() {
        let mut long = format!("1;{}\r\na\r\n", "x".repeat(MOST_ASIDE - 1));
        assert_eq!(chunked(&long), said("a", false, ""));
        long.push_str("1;\r\na");
        assert_eq!(chunked(&long).0, None);
        assert_eq!(chunked(&"0".repeat(MOST_FILLING + 2)).0, None);
        let spaces = " ".repeat(MOST_FILLING + 1);
        assert_eq!(chunked(&format!("1{spaces}\r\na\r\n")).0, None);
        let trailers = format!("0\r\n{}", "a: b\r\n".repeat(MOST_ASIDE / 4 + 1));
        assert_eq!(chunked(&trailers).0, None);
    }
}
