//! Dockerfile bytes → directives, lines, heredocs → instructions → stages, each with a [`Span`]; no I/O, no environment.

mod ast;

pub use ast::*;
