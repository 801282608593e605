//! What changed among the files that a step takes from the client's folders.

use super::ignored::Rules;
use super::taken::{Item, Listing, Taken, taken};
use super::{Cause, CauseKind, links, renames, same};
use crate::entry::ContextPath;
use crate::snapshot::{Snapshot, StepState};

/// A step's vertex in both snapshots, and which of its inputs are compared.
pub(super) struct Question<'a> {
    pub before: &'a Snapshot,
    pub step_before: &'a StepState,
    pub now: &'a Snapshot,
    pub step_now: &'a StepState,
    /// The operation is another one, so that it may take other files for that reason alone.
    pub other_operation: bool,
}

/// The changes, each path with its own, in the order of paths. `wanted` says which inputs of the vertex count.
///
/// A folder in which only an entry appeared is not named, and neither is a file that is the same as before and is only taken
/// now.
pub(super) fn changes(question: &Question<'_>, wanted: impl Fn(usize) -> bool + Copy) -> Vec<Cause> {
    let before = taken(question.before, question.step_before.vertex, |input| {
        question.other_operation || wanted(input)
    });
    let now = taken(question.now, question.step_now.vertex, wanted);
    let nothing = Taken::default();
    let mut causes = Vec::new();
    for (source, now) in &now {
        let before = before.get(source).unwrap_or(&nothing);
        causes.extend(Folder::of(question, source, before, now).changes());
    }
    for (source, before) in before.iter().filter(|(source, _)| !now.contains_key(*source)) {
        causes.extend(Folder::of(question, source, before, &nothing).changes());
    }
    causes
}

/// One local source.
struct Folder<'q, 'a> {
    question: &'q Question<'a>,
    source: &'q str,
    before: &'q Taken<'a>,
    now: &'q Taken<'a>,
    listed_before: Listing<'a>,
    listed_now: Listing<'a>,
}

impl<'q, 'a> Folder<'q, 'a> {
    fn of(question: &'q Question<'a>, source: &'q str, before: &'q Taken<'a>, now: &'q Taken<'a>) -> Self {
        let listed_before = Listing::of(question.before, source);
        let listed_now = Listing::of(question.now, source);
        Self { question, source, before, now, listed_before, listed_now }
    }

    fn changes(&self) -> Vec<Cause> {
        let has_times = self.listed_before.has_times() && self.listed_now.has_times();
        let (mut causes, mut gone, mut new) = (Vec::new(), Vec::new(), Vec::new());
        merge(&self.before.items, &self.now.items, |before, now| match (before, now) {
            (Some(b), Some(n)) => causes.extend(same::changes(self.source, b, n, has_times)),
            (Some(b), None) => gone.push(*b),
            (None, Some(n)) => new.push(*n),
            (None, None) => {}
        });
        let only_moved = gone.is_empty() && new.is_empty() && causes.is_empty();
        causes.extend(self.moved_links(&mut gone, &mut new, only_moved));
        // What stands unchanged in both folders is taken or left for another reason.
        gone.retain(|i| self.listed_now.find(i.bytes()).is_none_or(|n| !same::equal(i, &n)));
        new.retain(|i| self.listed_before.find(i.bytes()).is_none_or(|b| !same::equal(&b, i)));
        causes.extend(self.ignored(&mut gone, &mut new));
        let (old_step, new_step) = (self.question.step_before, self.question.step_now);
        if !self.question.other_operation {
            causes.extend(renames::take(self.source, &mut gone, &mut new));
        } else {
            // Only what is asked for is sent: of a file that another instruction takes nobody knows whether it is new. Where
            // the instruction was written anew for the same bytes under another name, they have moved.
            if old_step.text != new_step.text {
                causes.extend(renames::take(self.source, &mut gone, &mut new));
            }
            gone.retain(|i| in_folder_of(self.now, new_step, i));
            new.retain(|i| in_folder_of(self.before, old_step, i));
        }
        causes.extend(gone.iter().map(|i| self.cause(CauseKind::Removed, i)));
        causes.extend(new.iter().map(|i| self.cause(CauseKind::Added, i)));
        causes.sort_by(by_path);
        causes
    }

    fn cause(&self, kind: CauseKind, item: &Item<'_>) -> Cause {
        let stat = &item.entry.stat;
        let what = match stat.is_dir() || stat.file_type == crate::entry::FileType::File {
            true => None,
            false => Some(same::type_name(stat.file_type).to_owned()),
        };
        let (before, after) = if kind == CauseKind::Removed { (what, None) } else { (None, what) };
        Cause {
            source: self.source.to_owned(),
            path: Some(item.bytes().to_vec()),
            before,
            after,
            ..Cause::new(kind)
        }
    }

    /// Links that lead elsewhere, with all that is taken for that reason; `always` also those that move nothing.
    fn moved_links(&self, gone: &mut Vec<Item<'a>>, new: &mut Vec<Item<'a>>, always: bool) -> Vec<Cause> {
        if gone.is_empty() && new.is_empty() && !always {
            return Vec::new();
        }
        let mut causes = Vec::new();
        for link in
            links::moved(self.source, &self.question.step_now.text, &self.listed_before, &self.listed_now)
        {
            let path = link.cause.path.clone().unwrap_or_default();
            if self.before.find(&path).is_some() && self.now.find(&path).is_some() {
                continue; // It is taken itself, and compared as such.
            }
            let count = gone.len() + new.len();
            gone.retain(|i| !is_at_or_below(i.path(), link.from.as_deref()));
            new.retain(|i| !is_at_or_below(i.path(), link.to.as_deref()));
            if always || gone.len() + new.len() < count {
                causes.push(link.cause);
            }
        }
        causes
    }

    fn ignored(&self, gone: &mut Vec<Item<'a>>, new: &mut Vec<Item<'a>>) -> Vec<Cause> {
        let Some(rules) = Rules::of(self.source, self.question.before, self.question.now) else {
            return Vec::new();
        };
        let mut causes = Vec::new();
        new.retain(|i| rules.let_in(i.bytes()).map(|cause| causes.push(cause)).is_none());
        gone.retain(|i| rules.kept_out(i.bytes()).map(|cause| causes.push(cause)).is_none());
        causes
    }
}

/// The order in which causes are told: by path, then by kind.
pub(super) fn by_path(a: &Cause, b: &Cause) -> std::cmp::Ordering {
    let (left, right) = (a.path.as_deref().unwrap_or_default(), b.path.as_deref().unwrap_or_default());
    ContextPath::compare(left, right).then(a.kind.cmp(&b.kind))
}

/// Goes through both lists in the order of paths.
fn merge<'a>(
    before: &[Item<'a>],
    now: &[Item<'a>],
    mut each: impl FnMut(Option<&Item<'a>>, Option<&Item<'a>>),
) {
    use std::cmp::Ordering::{Greater, Less};
    let (mut b, mut n) = (before.iter().peekable(), now.iter().peekable());
    loop {
        let order = match (b.peek(), n.peek()) {
            (None, None) => return,
            (Some(_), None) => Less,
            (None, Some(_)) => Greater,
            (Some(x), Some(y)) => x.path().cmp(y.path()),
        };
        let before = if order == Greater { None } else { b.next() };
        each(before, if order == Less { None } else { n.next() });
    }
}

/// Whether the folder that holds an item is taken on that side, so that the item would be, too.
fn in_folder_of(taken: &Taken<'_>, step: &StepState, item: &Item<'_>) -> bool {
    match item.path().parent() {
        Some(folder) => taken.find(folder.as_bytes()).is_some_and(|f| f.entry.stat.is_dir()),
        None => taken.whole && links::takes_root(step),
    }
}

fn is_at_or_below(path: &ContextPath, folder: Option<&[u8]>) -> bool {
    folder.is_some_and(|f| f.is_empty() || path.as_bytes() == f || path.is_below(f))
}
