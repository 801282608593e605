//! Documents as JSON.

use std::io::{self, Write};

use serde::Serialize;

/// A document with its `schema` in front.
#[derive(Serialize)]
struct Schema<'a, T> {
    schema: &'static str,
    #[serde(flatten)]
    document: &'a T,
}

/// Writes `document` with its schema's name, indented by two spaces.
pub fn write(out: &mut dyn Write, schema: &'static str, document: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, &Schema { schema, document })?;
    out.write_all(b"\n")
}
