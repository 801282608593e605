//! Sources that do not lead where they seem to: out of the context, or from the root of this machine.

use super::super::steps::{Use, fails};
use super::super::{Facts, Findings, text};
use super::{ABSOLUTE, OUTSIDE};
use crate::gopath;

/// `..` at the start is cut off, and so is a leading `/` (`convert_copy.go` joins every source to `/`).
pub(super) fn find(facts: &Facts<'_>, uses: &[Use<'_>], found: &mut Findings) {
    for one in uses.iter().filter(|u| !fails(facts, u.step)) {
        let written = one.source.written.as_str();
        let cleaned = gopath::clean(written.trim_start_matches('/').as_bytes());
        let found_at = text::name(one.path());
        if cleaned == b".." || cleaned.starts_with(b"../") {
            let message = format!(
                "{} does not lead out of the context: it is looked up as `{}`",
                one.subject(),
                if found_at.is_empty() { "." } else { &found_at }
            );
            let finding = found.add(&OUTSIDE, message);
            finding.steps.push(one.step.name.clone());
            finding.at(text::word(facts, one.step.span, written, "`..` ends at the top of the context"));
            finding.help("take a folder above as the context, or give the other folder with --build-context");
        } else if written.starts_with('/') && !found_at.is_empty() {
            let message =
                format!("{} is `{found_at}` in the context, not a path of this machine", one.subject());
            let finding = found.add(&ABSOLUTE, message);
            finding.steps.push(one.step.name.clone());
            finding.at(text::word(facts, one.step.span, written, "looked up below the context"));
            finding.help("leave the leading `/` out");
        }
    }
}
