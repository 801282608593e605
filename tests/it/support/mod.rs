//! What the tests share: trees from text, recorded cases on disk, the program run as a child.

pub mod case;
pub mod cli;
pub mod engine;
pub mod entry;
pub mod generate;
pub mod layout;
pub mod machine;
pub mod mutation;
pub mod parallel;
pub mod project;
pub mod records;
pub mod registry;
pub mod schema;
pub mod shrink;
pub mod tree;
pub mod view;

/// Says something past the test harness, which shows what a passing test prints only when asked.
pub fn say(text: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "{text}");
}
