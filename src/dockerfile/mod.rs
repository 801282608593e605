//! Dockerfile bytes → directives, lines, heredocs → instructions → stages, each with a [`Span`]; no I/O, no environment.
//!
//! [`Dockerfile::parse`] reads a file as BuildKit does, with BuildKit's errors. Nothing is expanded by it: words with variables are for a
//! [`Lexer`], `--mount` values for [`Mount::parse`], triggers of base images for [`Instruction::parse_trigger`].

mod ast;
mod copy;
mod csv;
mod directives;
mod error;
mod expand;
mod flags;
#[cfg(test)]
mod golden;
mod gotext;
mod healthcheck;
mod heredoc;
mod instruction;
mod json;
mod lexer;
mod lines;
mod lint;
mod mount;
mod node;
mod parse;
mod remarks;
mod shell_pattern;
mod size;
mod suggest;
mod words;

pub use ast::*;
pub use directives::{check_directive, detect_syntax};
pub use error::ParseError;
pub use gotext::lossy;
pub use heredoc::chomp;
pub use lexer::{Env, Expanded, LexError, Lexer};
pub use lint::{Lint, LintConfig};
pub use mount::{Expander, MountError};
pub use parse::ParseOptions;
pub use suggest::suggest;
