//! `key --explain` for people.

use std::io::{self, Write};

use super::super::key::KeyReport;
use super::super::{Document, json, shown};
use super::{Look, Tone, cut};
use crate::digest::Digest;

impl Document for KeyReport {
    fn human(&self, out: &mut dyn Write, look: &Look) -> io::Result<()> {
        if !self.explain {
            return writeln!(out, "{}", self.key);
        }
        writeln!(out, "{}", look.paint(Tone::Strong, &self.key.to_string()))?;
        writeln!(out, "\nsteps of {}:", shown(self.target.as_bytes()))?;
        for step in &self.steps {
            line(out, look, &step.digest, &step.name)?;
            for text in &step.assumes {
                let text = format!("assumes that {}", shown(text.as_bytes()));
                writeln!(out, "  {}", look.paint(Tone::Warning, &text))?;
            }
        }
        if self.steps.is_empty() {
            writeln!(out, "  none")?;
        }
        writeln!(out, "\nconfig of the image:")?;
        self.image.iter().try_for_each(|part| line(out, look, &part.digest, &part.name))
    }

    fn json(&self, out: &mut dyn Write) -> io::Result<()> {
        json::write(out, "stowaway.key/1", self)
    }
}

/// A digest, short unless all is wanted, and what it is of.
fn line(out: &mut dyn Write, look: &Look, digest: &Digest, name: &str) -> io::Result<()> {
    let hex = digest.hex();
    let hex = if look.verbose { &hex[..] } else { &hex[..12] };
    let name = cut(&shown(name.as_bytes()), look.width.saturating_sub(hex.len() + 4));
    writeln!(out, "  {}  {name}", look.paint(Tone::Faint, hex))
}
