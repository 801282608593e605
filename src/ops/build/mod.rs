//! `build`: builds with an engine, which is fed from our own walk; says before what will happen, and after what did.

mod inputs;
mod options;
mod solve;

pub use self::options::{Flags, Options};
