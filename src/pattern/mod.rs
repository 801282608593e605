//! Moby's patterns and the `.dockerignore` reader; a verdict names the pattern, the file and the line that decided.
//!
//! One matcher serves the walk, the engine's request for a part of the context, and `COPY --exclude`. Its rules are those
//! of `moby/patternmatcher`; what the reader of ignore files does to a line before that is in [`IgnoreFile`].

mod error;
mod glob;
mod ignorefile;
mod matcher;
mod regexp;
#[cfg(test)]
mod tests;
mod text;

pub use error::{PatternError, PatternErrorKind};
pub(crate) use error::{not_printable, unsendable};
pub use glob::Pattern;
pub use ignorefile::{IgnoreFile, IgnorePattern};
pub use matcher::{Decision, Explanation, Info, Matcher};
pub use text::{runes, trim_space};
