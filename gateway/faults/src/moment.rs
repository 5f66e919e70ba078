//! A moment within an answer, found by meaning and not by counting: the same fault fits whole and streamed answers of any server.

use bytes::Bytes;

use crate::dialect::Part;
use crate::{Dialect, Framing, Step};

/// A moment within an answer.
///
/// A whole answer has no parts that mean something by themselves; its body is divided by bytes, as each variant says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Moment {
    /// Nothing has been written.
    Start,
    /// Half of the status line has.
    WithinHead,
    /// The head has, and nothing of the body.
    Head,
    /// The role, or what else precedes the first word. Whole: the first byte.
    Opening,
    /// The first word. Whole: half of the body.
    Content,
    /// So many per cent of the words. Whole: of the bytes.
    Percent(u8),
    /// Everything but the terminator. Whole: everything but the last byte.
    Finish,
}

impl Moment {
    /// The steps up to this moment.
    pub(crate) fn before(self, steps: &[Step], dialect: Dialect) -> Vec<Step> {
        let head = steps
            .iter()
            .position(|step| matches!(step, Step::Head { .. }))
            .map_or(0, |at| at + 1);
        match self {
            Self::Start => Vec::new(),
            Self::WithinHead => vec![Step::Raw(Bytes::from_static(b"HTTP/1.1 200 O"))],
            Self::Head => steps[..head].to_vec(),
            Self::Opening | Self::Content | Self::Percent(_) | Self::Finish => {
                if is_stream(steps, dialect) {
                    self.of_stream(steps, dialect)
                } else {
                    self.of_whole(steps, head)
                }
            }
        }
    }

    fn of_stream(self, steps: &[Step], dialect: Dialect) -> Vec<Step> {
        let part = |step: &Step| dialect.speech().part(step);
        let words = || {
            steps
                .iter()
                .filter(|step| part(step) == Some(Part::Content))
        };
        let wanted = match self {
            Self::Start | Self::WithinHead | Self::Head | Self::Opening => 0,
            Self::Content => 1,
            Self::Percent(share) => (words().count() * usize::from(share)).div_ceil(100),
            Self::Finish => usize::MAX,
        };
        let mut said = 0;
        let kept = steps.iter().take_while(|step| {
            if self == Self::Finish {
                return part(step) != Some(Part::Closing) && **step != Step::End;
            }
            said += usize::from(part(step) == Some(Part::Content));
            said <= wanted && part(step) < Some(Part::Finish)
        });
        kept.cloned().collect()
    }

    fn of_whole(self, steps: &[Step], head: usize) -> Vec<Step> {
        let mut kept = steps[..head].to_vec();
        let body: Vec<u8> = steps[head..]
            .iter()
            .filter_map(Step::payload)
            .flatten()
            .collect();
        let length = match self {
            Self::Start | Self::WithinHead | Self::Head => 0,
            Self::Opening => 1.min(body.len()),
            Self::Content => body.len() / 2,
            Self::Percent(share) => body.len() * usize::from(share) / 100,
            Self::Finish => body.len().saturating_sub(1),
        };
        kept.push(Step::Body(Bytes::copy_from_slice(&body[..length])));
        kept
    }
}

/// Whether these steps are a stream of an API.
pub(crate) fn is_stream(steps: &[Step], dialect: Dialect) -> bool {
    let kind = dialect.speech().stream_type();
    steps.iter().any(|step| {
        matches!(step, Step::Head { headers, framing: Framing::Chunked | Framing::Close, .. }
            if headers.iter().any(|(name, value)| name == "content-type" && value.starts_with(kind)))
    })
}
