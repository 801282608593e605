//! What is wrong with a project, and what is only worth a word.

use super::Place;

/// Something in a file that can't be meant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {message}")]
pub struct ProjectError {
    /// Where.
    pub place: Place,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
    /// The build that can't be made because of it; `None` when all or none of them are concerned.
    pub build: Option<String>,
}

impl ProjectError {
    /// An error that belongs to no build yet.
    pub fn new(place: &Place, message: impl Into<String>) -> Self {
        Self { place: place.clone(), message: message.into(), hint: None, build: None }
    }

    /// With what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Told of a build, unless it already belongs to one.
    #[must_use]
    pub fn of(mut self, build: &str) -> Self {
        self.build.get_or_insert_with(|| build.to_owned());
        self
    }
}

/// Something that works, but maybe not as people expect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// Where.
    pub place: Place,
    /// Which kind.
    pub kind: NoteKind,
    /// In words.
    pub message: String,
}

/// The kinds of note.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NoteKind {
    /// `version:` in a Compose file means nothing.
    ObsoleteVersion,
    /// A variable without a value and without a default.
    UnsetVariable,
    /// A value that is another at every build, such as `timestamp()`.
    Volatile,
    /// A part that says nothing about builds can't be understood.
    Unread,
    /// A target that inherits from itself.
    Cycle,
    /// An absolute path, which is another on other machines.
    AbsolutePath,
}
