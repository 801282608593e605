//! `.gitignore` files → lines of an ignore file that hide the same files of a listing.
//!
//! Three things differ. Git's `name/` means folders alone, which a line can't say. Git asks about each path by itself, and brings
//! nothing back below an ignored folder; a line that matched a folder counts for all that it holds, and so does a `!` line. So the
//! lines are tried on the listing, and where they differ they are changed until they don't.

use std::collections::BTreeSet;

use super::judge::{By, File, Judge, Place};
use super::rule::{Read, Rule, read};
use crate::entry::Entry;
use crate::ops::ignore::attribute::hiding_lines;
use crate::ops::ignore::text;
use crate::pattern::{IgnoreFile, Matcher};

/// Lines that were made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Converted {
    /// The lines, each with where it comes from.
    pub lines: Vec<(String, String)>,
    /// Whether they hide the very files of the listing that git ignores.
    pub exact: bool,
    /// What has to be known, in words.
    pub remarks: Vec<String>,
}

/// So many paths are listed one by one at most.
const ONE_BY_ONE: usize = 200;
/// So many ways of writing rules are tried one by one.
const TRIALS: usize = 24;
/// So many names are told in a remark.
const NAMES: usize = 5;

/// A rule with where it stands, and how it is written.
struct Source {
    by: By,
    rule: Rule,
    /// Without `!` and without a form.
    patterns: Vec<String>,
    form: Form,
}

/// How a rule is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// As it is.
    Plain,
    /// What folders hold, and not the folders.
    Contents,
    /// Not at all.
    Left,
}

/// Converts files, from the outermost to the innermost, for a listing of everything.
pub fn convert(files: &[File], entries: &[Entry]) -> Converted {
    let judge = Judge::of(files);
    let mut work =
        Work { files, entries, want: judge.ignored(entries), sources: Vec::new(), more: Vec::new() };
    let mut remarks = Vec::new();
    for (at, file) in files.iter().enumerate() {
        work.add(at, file, &mut remarks);
    }
    work.choose_forms();
    let mut wrong = work.wrong();
    if wrong.any() {
        work.leave_out(&mut wrong);
        work.say_again(&mut wrong, &mut remarks);
        work.one_by_one(&mut wrong, &mut remarks);
    }
    work.remark(&mut remarks);
    if wrong.any() {
        remarks.push(work.differences(&wrong));
    }
    Converted { lines: work.lines(), exact: !wrong.any(), remarks }
}

struct Work<'a> {
    files: &'a [File],
    entries: &'a [Entry],
    /// What git ignores, and why.
    want: Vec<Option<By>>,
    sources: Vec<Source>,
    /// Lines behind all others.
    more: Vec<(String, String)>,
}

/// Files that the lines get wrong.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Wrong {
    /// Git ignores them, and no line hides them.
    shown: Vec<usize>,
    /// The other way round.
    hidden: Vec<usize>,
}

impl Wrong {
    fn any(&self) -> bool {
        !self.shown.is_empty() || !self.hidden.is_empty()
    }

    fn len(&self) -> usize {
        self.shown.len() + self.hidden.len()
    }
}

impl Work<'_> {
    /// Adds the rules of a file.
    fn add(&mut self, at: usize, file: &File, remarks: &mut Vec<String>) {
        for (line, text) in file.lines.iter().enumerate() {
            match read(text) {
                Read::Nothing => {}
                Read::Never(why) => {
                    let place = self.place((at, line));
                    remarks.push(format!("`{text}` ({place}) matches nothing: {why}"));
                }
                Read::Rule(rule) => {
                    let patterns = match &file.place {
                        Place::Below(folder) => rule.below(folder),
                        Place::Above(way) => rule.above(&way.split(|b| *b == b'/').collect::<Vec<_>>()),
                    };
                    self.sources.push(Source { by: (at, line), rule, patterns, form: Form::Plain });
                }
            }
        }
    }

    /// `.gitignore:3`
    fn place(&self, (file, line): By) -> String {
        format!("{}:{}", String::from_utf8_lossy(&self.files[file].name), line + 1)
    }

    /// A rule for folders whose name some file has, too, is written for what the folders hold.
    fn choose_forms(&mut self) {
        let files: Vec<&[u8]> =
            self.entries.iter().filter(|e| !e.stat.is_dir()).map(|e| e.path.as_bytes()).collect();
        for source in self.sources.iter_mut().filter(|s| s.rule.folders && !s.rule.negated) {
            let Ok(matcher) = Matcher::new(&source.patterns) else { continue };
            let itself = |path: &&[u8]| matcher.patterns().iter().any(|p| p.matches(path).unwrap_or(false));
            if files.iter().any(itself) {
                source.form = Form::Contents;
            }
        }
    }

    /// The lines with where they come from.
    fn lines(&self) -> Vec<(String, String)> {
        let mut out = Vec::new();
        for source in &self.sources {
            out.extend(source.lines().into_iter().map(|line| (line, self.place(source.by))));
        }
        out.extend(self.more.iter().cloned());
        out
    }

    /// Tries the lines.
    fn wrong(&self) -> Wrong {
        let text: String = self.lines().into_iter().map(|(line, _)| line + "\n").collect();
        let hidden = match IgnoreFile::parse("lines", text.as_bytes()) {
            Ok(file) => hiding_lines(self.entries, &file),
            Err(_) => vec![None; self.entries.len()],
        };
        let mut wrong = Wrong::default();
        for at in (0..self.entries.len()).filter(|at| !self.entries[*at].stat.is_dir()) {
            match (self.want[at].is_some(), hidden[at].is_some()) {
                (true, false) => wrong.shown.push(at),
                (false, true) => wrong.hidden.push(at),
                _ => {}
            }
        }
        wrong
    }

    /// `!name/` brings folders back so that git looks into them; Moby looks into them anyway, and would bring back what they hold.
    fn leave_out(&mut self, wrong: &mut Wrong) {
        let negated: Vec<usize> = (0..self.sources.len())
            .filter(|i| self.sources[*i].rule.negated && self.sources[*i].rule.folders)
            .collect();
        for i in negated.into_iter().take(TRIALS) {
            self.sources[i].form = Form::Left;
            let tried = self.wrong();
            if tried.len() < wrong.len() {
                *wrong = tried;
            } else {
                self.sources[i].form = Form::Plain;
            }
        }
    }

    /// The rules that ignore what is still shown stand once more behind all others, where that helps.
    fn say_again(&mut self, wrong: &mut Wrong, remarks: &mut Vec<String>) {
        let by: BTreeSet<By> = wrong.shown.iter().filter_map(|at| self.want[*at]).collect();
        for by in by.into_iter().take(TRIALS) {
            let Some(source) = self.sources.iter().find(|s| s.by == by) else { continue };
            let (text, place) = (source.rule.text.clone(), self.place(by));
            // Moby does not test a pattern on a folder that is hidden already, and so does not hand it down: what the folder holds has
            // to be matched itself (`patternmatcher.go`, `MatchesUsingParentResults`).
            let contents = source.contents();
            let both: Vec<String> = source.patterns.iter().chain(&contents).cloned().collect();
            let said = [contents, both].into_iter().any(|lines| self.try_more(lines, &place, wrong));
            if said {
                remarks.push(format!(
                    "`{text}` ({place}) stands once more at the end, because git brings nothing back below an ignored folder"
                ));
            }
        }
    }

    /// Adds lines behind all others if that hides more of what git ignores, and nothing else.
    fn try_more(&mut self, lines: Vec<String>, place: &str, wrong: &mut Wrong) -> bool {
        let before = self.more.len();
        self.more.extend(lines.into_iter().map(|line| (line, place.to_owned())));
        let tried = self.wrong();
        let better = tried.shown.len() < wrong.shown.len() && tried.hidden.len() <= wrong.hidden.len();
        if better {
            *wrong = tried;
        } else {
            self.more.truncate(before);
        }
        better
    }

    /// What is still wrong is named path by path.
    fn one_by_one(&mut self, wrong: &mut Wrong, remarks: &mut Vec<String>) {
        if !wrong.any() {
            return;
        }
        let back = self.folded(&wrong.hidden, false);
        let away = self.folded(&wrong.shown, true);
        let count = back.len() + away.len();
        if count > ONE_BY_ONE {
            return;
        }
        let path = |at: &usize| {
            let entry = &self.entries[*at];
            let path = text::exact(entry.path.as_bytes());
            if entry.stat.is_dir() { format!("{path}/**") } else { path }
        };
        let back: Vec<String> = back.iter().map(|at| format!("!{}", path(at))).collect();
        let away: Vec<String> = away.iter().map(path).collect();
        let before = self.more.len();
        let lines = back.into_iter().chain(away).map(|line| (line, "this tree".to_owned()));
        self.more.extend(lines);
        let tried = self.wrong();
        if tried.len() < wrong.len() {
            *wrong = tried;
            let paths = if count == 1 { "1 path is".to_owned() } else { format!("{count} paths are") };
            remarks.push(format!(
                "{paths} named one by one at the end, because no line says in general what git does there: true for the files \
                 that are here now"
            ));
        } else {
            self.more.truncate(before);
        }
    }

    /// The topmost folders all of whose files want the same as these, and of the rest the files.
    fn folded(&self, files: &[usize], ignored: bool) -> Vec<usize> {
        let mut mixed = vec![false; self.entries.len()];
        let mut parents: Vec<Option<usize>> = vec![None; self.entries.len()];
        let mut open: Vec<usize> = Vec::new();
        for (at, entry) in self.entries.iter().enumerate() {
            while open.last().is_some_and(|f| !entry.path.is_below(self.entries[*f].path.as_bytes())) {
                open.pop();
            }
            parents[at] = open.last().copied();
            if entry.stat.is_dir() {
                open.push(at);
            } else if self.want[at].is_some() != ignored {
                open.iter().for_each(|f| mixed[*f] = true);
            }
        }
        let top = |mut at: usize| {
            while let Some(parent) = parents[at].filter(|p| !mixed[*p]) {
                at = parent;
            }
            at
        };
        let tops: BTreeSet<usize> = files.iter().map(|at| top(*at)).collect();
        tops.into_iter().collect()
    }

    /// What holds on this tree and not in general.
    fn remark(&self, remarks: &mut Vec<String>) {
        let of = |form: Form| {
            let mut names: Vec<&str> = self
                .sources
                .iter()
                .filter(|s| s.rule.folders && !s.rule.negated && s.form == form && !s.patterns.is_empty())
                .map(|s| s.rule.text.as_str())
                .collect();
            names.dedup();
            names
        };
        let list = |names: &[&str]| {
            let told: Vec<String> = names.iter().take(NAMES).map(|n| format!("`{n}`")).collect();
            let more = names.len().saturating_sub(NAMES);
            if more == 0 { told.join(", ") } else { format!("{} and {more} more", told.join(", ")) }
        };
        let plain = of(Form::Plain);
        if !plain.is_empty() {
            remarks.push(format!(
                "{}: git means folders alone, a line means files of that name as well; there is none here",
                list(&plain)
            ));
        }
        let contents = of(Form::Contents);
        if !contents.is_empty() {
            remarks.push(format!(
                "{}: files of that name stay in view, so that the lines hide what the folders hold; the folders themselves stay, \
                 empty",
                list(&contents)
            ));
        }
    }

    fn differences(&self, wrong: &Wrong) -> String {
        let names = |places: &[usize]| {
            let told: Vec<String> =
                places.iter().take(NAMES).map(|at| format!("`{}`", self.entries[*at].path)).collect();
            told.join(", ")
        };
        let mut parts = Vec::new();
        if !wrong.shown.is_empty() {
            parts.push(format!(
                "{} that git ignores stay in view ({})",
                wrong.shown.len(),
                names(&wrong.shown)
            ));
        }
        if !wrong.hidden.is_empty() {
            parts.push(format!(
                "{} that git knows are hidden ({})",
                wrong.hidden.len(),
                names(&wrong.hidden)
            ));
        }
        format!("files: {}", parts.join("; "))
    }
}

impl Source {
    /// Lines for what the rule's folders hold.
    fn contents(&self) -> Vec<String> {
        self.patterns.iter().filter(|p| !p.ends_with("/**")).map(|p| format!("{p}/**")).collect()
    }

    /// The rule's lines in its form.
    fn lines(&self) -> Vec<String> {
        let bang = if self.rule.negated { "!" } else { "" };
        let line = |pattern: &String| match self.form {
            Form::Plain => Some(format!("{bang}{pattern}")),
            Form::Contents => Some(format!("{bang}{pattern}/**")),
            Form::Left => None,
        };
        self.patterns.iter().filter_map(line).collect()
    }
}
