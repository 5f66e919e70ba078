//! What media may be, by their types, their first bytes and their names.

/// What a medium is called here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Format {
    pub(super) kind: Kind,
    pub(super) name: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Image,
    Document,
    Video,
    Audio,
}

impl Kind {
    /// The name of its block.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Document => "document",
            Self::Video => "video",
            Self::Audio => "audio",
        }
    }
}

const fn format(kind: Kind, name: &'static str) -> Format {
    Format { kind, name }
}

pub(super) const PLAIN: Format = format(Kind::Document, "txt");

/// Media types, and the format of each (`ImageFormat`, `DocumentFormat`, `VideoFormat`, `AudioFormat` in the API's model).
const TYPES: [(&str, Format); 46] = [
    ("image/png", format(Kind::Image, "png")),
    ("image/jpeg", format(Kind::Image, "jpeg")),
    ("image/jpg", format(Kind::Image, "jpeg")),
    ("image/gif", format(Kind::Image, "gif")),
    ("image/webp", format(Kind::Image, "webp")),
    ("application/pdf", format(Kind::Document, "pdf")),
    ("text/csv", format(Kind::Document, "csv")),
    ("application/msword", format(Kind::Document, "doc")),
    (
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        format(Kind::Document, "docx"),
    ),
    ("application/vnd.ms-excel", format(Kind::Document, "xls")),
    (
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        format(Kind::Document, "xlsx"),
    ),
    ("text/html", format(Kind::Document, "html")),
    ("text/markdown", format(Kind::Document, "md")),
    ("text/x-markdown", format(Kind::Document, "md")),
    ("application/json", PLAIN),
    ("application/xml", PLAIN),
    ("video/x-matroska", format(Kind::Video, "mkv")),
    ("video/quicktime", format(Kind::Video, "mov")),
    ("video/mp4", format(Kind::Video, "mp4")),
    ("video/webm", format(Kind::Video, "webm")),
    ("video/x-flv", format(Kind::Video, "flv")),
    ("video/mpeg", format(Kind::Video, "mpeg")),
    ("video/mpg", format(Kind::Video, "mpg")),
    ("video/x-ms-wmv", format(Kind::Video, "wmv")),
    ("video/wmv", format(Kind::Video, "wmv")),
    ("video/3gpp", format(Kind::Video, "three_gp")),
    ("audio/mpeg", format(Kind::Audio, "mp3")),
    ("audio/mp3", format(Kind::Audio, "mp3")),
    ("audio/wav", format(Kind::Audio, "wav")),
    ("audio/x-wav", format(Kind::Audio, "wav")),
    ("audio/wave", format(Kind::Audio, "wav")),
    ("audio/opus", format(Kind::Audio, "opus")),
    ("audio/aac", format(Kind::Audio, "aac")),
    ("audio/x-aac", format(Kind::Audio, "x-aac")),
    ("audio/flac", format(Kind::Audio, "flac")),
    ("audio/mp4", format(Kind::Audio, "mp4")),
    ("audio/m4a", format(Kind::Audio, "m4a")),
    ("audio/x-m4a", format(Kind::Audio, "m4a")),
    ("audio/ogg", format(Kind::Audio, "ogg")),
    ("audio/x-matroska", format(Kind::Audio, "mka")),
    ("audio/mkv", format(Kind::Audio, "mkv")),
    ("audio/mka", format(Kind::Audio, "mka")),
    ("audio/mpga", format(Kind::Audio, "mpga")),
    ("audio/pcm", format(Kind::Audio, "pcm")),
    ("audio/pcm16", format(Kind::Audio, "pcm")),
    ("audio/webm", format(Kind::Audio, "webm")),
];

/// What the base64 of some begins with.
const BEGINNINGS: [(&str, Format); 5] = [
    ("/9j", format(Kind::Image, "jpeg")),
    ("iVBOR", format(Kind::Image, "png")),
    ("R0lG", format(Kind::Image, "gif")),
    ("UklGR", format(Kind::Image, "webp")),
    ("JVBER", format(Kind::Document, "pdf")),
];

/// Ends of names that are not the name of the format, too.
const EXTENSIONS: [(&str, &str); 6] = [
    ("jpg", "jpeg"),
    ("htm", "html"),
    ("markdown", "md"),
    ("text", "txt"),
    ("3gp", "three_gp"),
    ("json", "txt"),
];

/// By a media type; its parameters say nothing here.
pub(super) fn by_type(said: &str) -> Option<Format> {
    let said = plain(said);
    let known = TYPES.iter().find(|(name, _)| *name == said);
    match known {
        Some((_, format)) => Some(*format),
        None => said.starts_with("text/").then_some(PLAIN),
    }
}

/// Whether a media type is that of bytes of any kind.
pub(super) fn says_nothing(said: &str) -> bool {
    matches!(&*plain(said), "" | "application/octet-stream")
}

/// By the first letters of base64, as it is written: some writers of JSON escape every slash.
pub(super) fn by_beginning(data: &str) -> Option<Format> {
    let data = data.trim_start_matches('\\');
    let known = BEGINNINGS.iter().find(|(first, _)| data.starts_with(first));
    known.map(|(_, format)| *format)
}

/// By the end of a name.
pub(super) fn by_name(name: &str) -> Option<Format> {
    let (_, extension) = name.rsplit_once('.')?;
    let extension = extension.to_ascii_lowercase();
    let other = EXTENSIONS.iter().find(|(other, _)| *other == extension);
    let wanted = other.map_or(&*extension, |(_, format)| *format);
    if wanted == PLAIN.name {
        return Some(PLAIN);
    }
    let known = TYPES.iter().find(|(_, format)| format.name == wanted);
    known.map(|(_, format)| *format)
}

fn plain(said: &str) -> String {
    let said = said.split(';').next().unwrap_or_default();
    said.trim().to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_is_told_by_type_beginning_or_name() {
        let name = |format: Option<Format>| format.map(|format| (format.kind.name(), format.name));
        for (said, expected) in [
            ("image/JPG", Some(("image", "jpeg"))),
            ("text/csv; charset=utf-8", Some(("document", "csv"))),
            ("text/x-rust", Some(("document", "txt"))),
            ("video/3gpp", Some(("video", "three_gp"))),
            ("audio/wav", Some(("audio", "wav"))),
            ("image/tiff", None),
            ("application/zip", None),
        ] {
            assert_eq!(name(by_type(said)), expected, "{said}");
        }
        assert_eq!(name(by_beginning("JVBERi0=")), Some(("document", "pdf")));
        assert_eq!(name(by_beginning(r"\/9j\/4A==")), Some(("image", "jpeg")));
        for (said, expected) in [
            ("a.b.DOCX", Some(("document", "docx"))),
            ("s3://bucket/film.mp4", Some(("video", "mp4"))),
            ("x.jpg", Some(("image", "jpeg"))),
            ("x.txt", Some(("document", "txt"))),
            ("x.exe", None),
            ("txt", None),
        ] {
            assert_eq!(name(by_name(said)), expected, "{said}");
        }
        assert!(says_nothing("application/octet-stream") && !says_nothing("image/png"));
    }
}
