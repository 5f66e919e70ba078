//! The bytes that need attention inside a string: quotes, backslashes and control characters.
//!
//! Most of a prompt is other text, and where it is not, it has an escape in every line. So a block is looked through once, in a form
//! that compilers turn into vector instructions, and what was found in it answers for all strings that lie there.

/// How much is looked through at once: as many bytes as a word has bits.
const BLOCK: usize = 64;

/// What is known of a text's special bytes: those of one block.
#[derive(Debug)]
pub(super) struct Special {
    /// Where the block begins.
    start: usize,
    /// A bit for each special byte of it, the lowest for the first. Beyond the end of the text all is special.
    marks: u64,
}

impl Default for Special {
    /// Nothing is known: no place is within a block of this one's beginning.
    fn default() -> Self {
        Self {
            start: usize::MAX - BLOCK,
            marks: 0,
        }
    }
}

impl Special {
    /// The place of the first special byte at `at` or behind it; the end of `bytes`, which must be the same each time, if there is none.
    #[inline]
    pub(super) fn next(&mut self, bytes: &[u8], at: usize) -> usize {
        let offset = at.wrapping_sub(self.start);
        if offset >= BLOCK {
            return self.search(bytes, at);
        }
        match self.marks >> offset {
            0 => self.search(bytes, self.start + BLOCK),
            marks => at + marks.trailing_zeros() as usize,
        }
    }

    fn search(&mut self, bytes: &[u8], from: usize) -> usize {
        let (blocks, tail) = bytes.get(from..).unwrap_or_default().as_chunks::<BLOCK>();
        let plain = blocks.iter().take_while(|block| is_plain(block)).count();
        self.start = (from + BLOCK * plain).min(bytes.len());
        self.marks = blocks
            .get(plain)
            .map_or_else(|| marks(&padded(tail)), marks);
        self.start + self.marks.trailing_zeros() as usize
    }
}

fn is_plain(block: &[u8; BLOCK]) -> bool {
    !block
        .iter()
        .fold(false, |any, byte| any | is_special(*byte))
}

fn is_special(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

/// A block of what is left, and of zeros, which are special.
fn padded(tail: &[u8]) -> [u8; BLOCK] {
    let mut block = [0; BLOCK];
    if let Some(filled) = block.get_mut(..tail.len()) {
        filled.copy_from_slice(tail);
    }
    block
}

fn marks(block: &[u8; BLOCK]) -> u64 {
    /// Brings the lowest bits of eight bytes together in the highest byte: that of byte `i`, at bit `8 * i`, goes to bit `56 + i`.
    const GATHER: u64 = 0x0102_0408_1020_4080;
    let flags = block.map(|byte| u8::from(is_special(byte)));
    let (words, _) = flags.as_chunks::<8>();
    words
        .iter()
        .zip((0..).step_by(8))
        .fold(0, |marks, (word, at)| {
            marks | (u64::from_le_bytes(*word).wrapping_mul(GATHER) >> 56) << at
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_special_byte_is_found_wherever_it_stands() {
        for length in 0..200 {
            let plain = vec![b'a'; length];
            assert_eq!(Special::default().next(&plain, 0), length);
            for at in 0..length {
                for byte in [0, 0x1f, b'"', b'\\'] {
                    let mut bytes = plain.clone();
                    bytes[at] = byte;
                    let mut special = Special::default();
                    assert_eq!(special.next(&bytes, 0), at);
                    assert_eq!(special.next(&bytes, at), at);
                    assert_eq!(special.next(&bytes, at + 1), length);
                }
            }
        }
    }

    #[test]
    fn nothing_else_is_special() {
        for byte in 0..=u8::MAX {
            let found = Special::default().next(&[byte; 70], 0) == 0;
            assert_eq!(found, byte < 0x20 || matches!(byte, b'"' | b'\\'), "{byte}");
        }
    }

    #[test]
    fn several_are_found_in_their_order() {
        let bytes: Vec<u8> = (0..1000_u32)
            .map(|at| {
                if at % 7 == 3 || at % 31 == 0 {
                    b'"'
                } else {
                    b'x'
                }
            })
            .collect();
        let mut special = Special::default();
        let (mut at, mut found) = (0, Vec::new());
        loop {
            at = special.next(&bytes, at);
            if at == bytes.len() {
                break;
            }
            found.push(at);
            at += 1;
        }
        let expected: Vec<usize> = (0..bytes.len()).filter(|at| bytes[*at] == b'"').collect();
        assert_eq!(found, expected);
    }
}
