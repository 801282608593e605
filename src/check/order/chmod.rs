//! `COPY --chmod` where people hope that it makes keys independent of the files' own modes.

use super::super::steps::{self, fails, uses};
use super::super::{Facts, Findings, text};
use super::CHMOD;
use crate::dockerfile::InstructionKind;
use crate::entry::FileType;

/// The content's key is made of the files as they were sent, modes included (`cache/contenthash/filehash.go`); `--chmod` is part of the
/// operation alone. It matters where modes are such that another umask or another checkout would write them otherwise.
pub(super) fn find(facts: &Facts<'_>, found: &mut Findings) {
    let uses = uses(facts);
    for (index, one) in facts.steps.iter().enumerate().filter(|(_, s)| !fails(facts, s.step)) {
        let chmod = steps::instruction(facts, one.step).and_then(|(_, i)| match &i.kind {
            InstructionKind::Copy(copy) | InstructionKind::Add(copy) => Some(copy.chmod.as_str()),
            _ => None,
        });
        let Some(chmod) = chmod.filter(|c| !c.is_empty()) else { continue };
        let files = one.taken.iter().flat_map(|t| t.entries.iter().copied().flatten());
        let files: Vec<_> = files.filter(|e| e.stat.file_type == FileType::File).collect();
        let odd: Vec<_> = files.iter().filter(|e| !matches!(e.stat.mode, 0o644 | 0o755)).collect();
        let Some(first) = odd.first() else { continue };
        let message = format!(
            "--chmod={chmod} does not take the files' own modes out of the key: {} of {} {} neither 0644 nor 0755 (`{}` is {:04o})",
            text::thousands(odd.len() as u64),
            text::count(files.len() as u64, "file"),
            if odd.len() == 1 { "is" } else { "are" },
            text::name(first.path.as_bytes()),
            first.stat.mode
        );
        let finding = found.add(&CHMOD, message);
        finding.steps.push(one.step.name.clone());
        let word = uses.iter().find(|u| u.index == index).map_or("", |u| u.source.written.as_str());
        finding.at(text::word(facts, one.step.span, word, "modes differ from machine to machine"));
        finding.paths.extend(odd.iter().take(3).map(|e| e.path.as_bytes().to_vec()));
        finding.help("check out with umask 022, or set the modes of the files themselves before building");
    }
}
