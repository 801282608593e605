//! Folders that are copied by name and arrive without some of their files, because ignore lines hide these.

use super::super::steps::{Use, fails};
use super::super::usual::{is_seldom_missed, is_usual};
use super::super::{Amount, Facts, Findings, text};
use super::{EMPTIED, PARTLY};
use crate::context::Ignored;

/// The context as a whole is never meant: hiding parts of it is what the ignore file is for.
pub(super) fn find(facts: &Facts<'_>, uses: &[Use<'_>], found: &mut Findings) {
    let named = |u: &&Use<'_>| !u.path().is_empty() && !u.is_wildcard() && !fails(facts, u.step);
    for one in uses.iter().filter(named) {
        let is_dir = one.folder.context.get(one.path()).is_some_and(|e| e.stat.is_dir());
        let hidden: Vec<&Ignored> =
            one.folder.hidden.iter().filter(|i| i.path.is_below(one.path())).collect();
        if !is_dir || hidden.is_empty() {
            continue;
        }
        let sent = one.below().iter().filter(|e| !e.stat.is_dir()).count();
        if sent == 0 {
            emptied(facts, one, &hidden, found);
        } else {
            partly(facts, one, &hidden, sent, found);
        }
    }
}

/// Nothing is left of it.
fn emptied(facts: &Facts<'_>, one: &Use<'_>, hidden: &[&Ignored], found: &mut Findings) {
    let file = text::ignore_name(one.folder);
    let message = format!("{} arrives empty: `{file}` hides all that is in it", one.subject());
    let finding = found.add(&EMPTIED, message);
    finding.steps.push(one.step.name.clone());
    finding.at(text::word(facts, one.step.span, &one.source.written, "an empty folder is sent"));
    finding.at(text::pattern(one.folder, hidden[0].cause.line, "hides what is in it"));
    finding.amount = Some(amount(hidden));
    finding.paths.extend(hidden.iter().take(3).map(|i| i.path.as_bytes().to_vec()));
}

/// Some is missing that one may miss.
fn partly(facts: &Facts<'_>, one: &Use<'_>, hidden: &[&Ignored], sent: usize, found: &mut Findings) {
    let path = String::from_utf8_lossy(one.path()).into_owned();
    // A line that names the folder was written with it in mind.
    let aware = |i: &Ignored| i.cause.pattern.trim_start_matches("**/").starts_with(&path);
    let below = |i: &Ignored| i.path.as_bytes()[one.path().len() + 1..].to_vec();
    let missed: Vec<&Ignored> = hidden
        .iter()
        .copied()
        .filter(|i| !i.closed && !aware(i) && !is_seldom_missed(&below(i)) && !is_usual(&i.cause.pattern))
        .collect();
    let Some(first) = missed.first() else { return };
    let all = sent + hidden.iter().filter(|i| !i.closed).count();
    let message = format!(
        "{} arrives without {} of its {}: `{}` hides them",
        one.subject(),
        text::thousands(missed.len() as u64),
        text::count(all as u64, "file"),
        text::ignore_name(one.folder)
    );
    let finding = found.add(&PARTLY, message);
    finding.steps.push(one.step.name.clone());
    finding.at(text::word(facts, one.step.span, &one.source.written, "not all of it is sent"));
    let said = format!("hides `{}`", text::name(first.path.as_bytes()));
    finding.at(text::pattern(one.folder, first.cause.line, said));
    finding.amount = Some(amount(&missed));
    finding.paths.extend(missed.iter().take(3).map(|i| i.path.as_bytes().to_vec()));
}

fn amount(hidden: &[&Ignored]) -> Amount {
    let mut amount = Amount::default();
    for one in hidden {
        match one.file_type {
            crate::entry::FileType::Dir => amount.dirs += 1,
            _ => amount.files += 1,
        }
        amount.bytes += one.size;
    }
    amount
}
