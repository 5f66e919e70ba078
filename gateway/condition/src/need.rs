//! What a request needs of a model: `request.needs.images` and its kind.

/// Something that a request needs and not every model can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// It holds an image, or is about one.
    Images,
    /// It holds a PDF.
    Pdf,
    /// It holds sound, or is about it.
    Audio,
    /// It offers tools.
    Tools,
    /// Its answer has to follow a JSON schema.
    Schema,
    /// It asks for reasoning.
    Reasoning,
}

impl Need {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Images,
        Self::Pdf,
        Self::Audio,
        Self::Tools,
        Self::Schema,
        Self::Reasoning,
    ];

    /// The member of `request.needs`; those that models have facts about are called as there.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Images => "images",
            Self::Pdf => "pdf",
            Self::Audio => "audio",
            Self::Tools => "tools",
            Self::Schema => "schema",
            Self::Reasoning => "reasoning",
        }
    }

    /// The one of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|need| need.as_str() == name)
    }
}
