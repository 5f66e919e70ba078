//! One frame: what it is, and what it holds.

use bytes::Bytes;

use super::Broken;
use crate::json::write_string;
use crate::sse;

/// The bytes that tell how long a frame is: its length, that of its headers, and the checksum of the two.
pub(super) const PRELUDE: usize = 12;
/// A checksum.
const CHECKSUM: usize = 4;

/// A message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The exact bytes of its frame.
    pub raw: Bytes,
    /// What it is.
    pub kind: Kind,
    /// The name of the event or of the exception, or the code of the error.
    pub name: Bytes,
    /// What the payload is.
    pub content_type: Option<Bytes>,
    /// What an error says: it has no payload.
    pub error_message: Option<Bytes>,
    /// What it holds. A slice of `raw`.
    pub payload: Bytes,
}

/// What a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An event of the API.
    Event,
    /// A failure that the API has a name for; it ends the stream.
    Exception,
    /// A failure of the stream itself; it ends it.
    Error,
}

/// How long the frame is that begins so.
pub(super) fn length(prelude: &[u8; PRELUDE], limit: usize) -> Result<usize, Broken> {
    let [a, b, c, d, e, f, g, h, crc @ ..] = *prelude;
    if crc32fast::hash(&[a, b, c, d, e, f, g, h]) != u32::from_be_bytes(crc) {
        return Err(Broken::Checksum);
    }
    let total = size(u32::from_be_bytes([a, b, c, d]));
    let headers = size(u32::from_be_bytes([e, f, g, h]));
    if total > limit {
        return Err(Broken::TooLarge { limit });
    }
    if total.checked_sub(PRELUDE + CHECKSUM) < Some(headers) {
        return Err(Broken::Length);
    }
    Ok(total)
}

impl Message {
    /// Reads a whole frame, whose beginning was checked.
    pub(super) fn parse(raw: Bytes) -> Result<Self, Broken> {
        let mut rest = Rest(raw.clone());
        let prelude = rest.take(PRELUDE)?;
        let headers = prelude
            .get(4..8)
            .and_then(|length| length.try_into().ok())
            .map(|length| size(u32::from_be_bytes(length)));
        let headers = rest.take(headers.ok_or(Broken::Length)?)?;
        let payload = rest.0.len().checked_sub(CHECKSUM).ok_or(Broken::Length)?;
        let payload = rest.take(payload)?;
        let checked = raw.get(..raw.len() - CHECKSUM).unwrap_or_default();
        if rest.0 != crc32fast::hash(checked).to_be_bytes()[..] {
            return Err(Broken::Checksum);
        }
        let headers = Headers::read(Rest(headers))?;
        let (kind, name) = match headers.message_type.as_deref() {
            Some(b"event") => (Kind::Event, headers.event_type),
            Some(b"exception") => (Kind::Exception, headers.exception_type),
            Some(b"error") => (Kind::Error, headers.error_code),
            Some(_) | None => return Err(Broken::Headers),
        };
        Ok(Self {
            raw,
            kind,
            name: name.ok_or(Broken::Headers)?,
            content_type: headers.content_type,
            error_message: headers.error_message,
            payload,
        })
    }
}

/// The same as an event with a name, as readers of other streams have it. The name of an exception is its own; what has none that ends in
/// `Exception` is called `error`. The data is never empty, for empty data says nothing.
impl From<Message> for sse::Event {
    fn from(message: Message) -> Self {
        let data = if message.kind == Kind::Error {
            error(&message)
        } else if message.payload.trim_ascii().is_empty() {
            Bytes::from_static(b"{}")
        } else {
            message.payload
        };
        let is_named = match message.kind {
            Kind::Event => true,
            Kind::Exception => message.name.ends_with(b"Exception"),
            Kind::Error => false,
        };
        Self {
            raw: message.raw,
            data: Some(data),
            name: Some(if is_named {
                message.name
            } else {
                Bytes::from_static(b"error")
            }),
        }
    }
}

fn error(message: &Message) -> Bytes {
    let mut json = b"{\"code\":".to_vec();
    write_string(&mut json, &String::from_utf8_lossy(&message.name));
    json.extend_from_slice(b",\"message\":");
    let told = message.error_message.as_deref().unwrap_or_default();
    write_string(&mut json, &String::from_utf8_lossy(told));
    json.push(b'}');
    json.into()
}

/// The headers that are read, all of them strings.
#[derive(Default)]
struct Headers {
    message_type: Option<Bytes>,
    event_type: Option<Bytes>,
    exception_type: Option<Bytes>,
    error_code: Option<Bytes>,
    error_message: Option<Bytes>,
    content_type: Option<Bytes>,
}

impl Headers {
    fn read(mut rest: Rest) -> Result<Self, Broken> {
        let mut headers = Self::default();
        while !rest.0.is_empty() {
            let length = usize::from(rest.byte()?);
            let name = rest.take(length)?;
            // The types of values by number: two of one bit, four of whole numbers, bytes, a string, a time, a UUID.
            let (is_text, length) = match rest.byte()? {
                0 | 1 => (false, 0),
                2 => (false, 1),
                3 => (false, 2),
                4 => (false, 4),
                5 | 8 => (false, 8),
                6 => (false, rest.short()?),
                7 => (true, rest.short()?),
                9 => (false, 16),
                _ => return Err(Broken::Headers),
            };
            let value = rest.take(length)?;
            let place = match &*name {
                b":message-type" => &mut headers.message_type,
                b":event-type" => &mut headers.event_type,
                b":exception-type" => &mut headers.exception_type,
                b":error-code" => &mut headers.error_code,
                b":error-message" => &mut headers.error_message,
                b":content-type" => &mut headers.content_type,
                _ => continue,
            };
            if is_text {
                *place = Some(value);
            }
        }
        Ok(headers)
    }
}

/// What is left to be read.
struct Rest(Bytes);

impl Rest {
    fn take(&mut self, length: usize) -> Result<Bytes, Broken> {
        if length > self.0.len() {
            return Err(Broken::Headers);
        }
        Ok(self.0.split_to(length))
    }

    fn byte(&mut self) -> Result<u8, Broken> {
        self.take(1)?.first().copied().ok_or(Broken::Headers)
    }

    fn short(&mut self) -> Result<usize, Broken> {
        let (high, low) = (self.byte()?, self.byte()?);
        Ok(usize::from(u16::from_be_bytes([high, low])))
    }
}

fn size(length: u32) -> usize {
    usize::try_from(length).unwrap_or(usize::MAX)
}
