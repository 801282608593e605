//! Changes of a Dockerfile, as text: of each commit's own, as far as it has the instructions that are meant.

use crate::ops::analysis::Read;
use crate::plan::Step;

/// What would be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edit {
    /// A line at the end of the context's ignore file.
    Ignore {
        /// The line.
        line: String,
    },
    /// A COPY that leaves something out.
    Narrow {
        /// The instruction.
        copy: Instruction,
        /// Patterns below its source.
        exclude: Vec<String>,
    },
    /// The files that an installation needs are copied first, and it runs before the rest is copied.
    Manifests {
        /// The COPY of everything.
        copy: Instruction,
        /// The installation.
        run: Instruction,
        /// The files, below the context.
        files: Vec<String>,
    },
}

/// An instruction as it stands in a stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instruction {
    /// The stage's name.
    pub stage: String,
    /// The instruction as written.
    pub text: String,
}

impl Edit {
    /// The line that the context's ignore file gets.
    pub fn ignore_line(&self) -> Option<String> {
        match self {
            Self::Ignore { line } => Some(line.clone()),
            Self::Narrow { .. } | Self::Manifests { .. } => None,
        }
    }

    /// The Dockerfile with the change; `None` where it can't be made.
    pub fn apply(&self, read: &Read) -> Option<Vec<u8>> {
        let bytes = read.located.bytes.as_ref().ok()?;
        let lines = Lines::of(bytes);
        let step = |i: &Instruction| {
            let steps = &read.plan.as_ref()?.steps;
            steps.iter().find(|s| s.stage == i.stage && s.text == i.text && !s.onbuild)
        };
        match self {
            Self::Ignore { .. } => None,
            Self::Narrow { copy, exclude } => {
                let step = step(copy)?;
                Some(lines.with(step, &[narrow(&step.text, exclude)], None))
            }
            Self::Manifests { copy, run, files } => {
                let context = &read.context.as_ref().ok()?.context;
                let there: Vec<&str> = files
                    .iter()
                    .map(String::as_str)
                    .filter(|f| context.get(f.as_bytes()).is_some())
                    .collect();
                let (copy, run) = (step(copy)?, step(run)?);
                if there.is_empty() || run.span.line <= copy.span.end_line {
                    return None;
                }
                Some(lines.moved(copy, run, &first_copy(&copy.text, &there)?))
            }
        }
    }
}

/// `COPY --exclude=docs . .`
pub fn narrow(text: &str, exclude: &[String]) -> String {
    let (keyword, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let flags: Vec<String> = exclude.iter().map(|e| format!("--exclude={e}")).collect();
    format!("{keyword} {} {}", flags.join(" "), rest.trim_start())
}

/// The words of a COPY without a heredoc and not in JSON: flags, sources, destination.
pub fn words(text: &str) -> Option<(Vec<&str>, Vec<&str>, &str)> {
    let mut words: Vec<&str> = text.split_whitespace().skip(1).collect();
    let flags = words.iter().take_while(|w| w.starts_with("--")).count();
    let mut rest = words.split_off(flags);
    let destination = rest.pop()?;
    let plain = |w: &str| !w.starts_with(['[', '<']) && !w.contains(['"', '\'', '\\']);
    (!rest.is_empty() && plain(destination) && rest.iter().all(|w| plain(w))).then_some((
        words,
        rest,
        destination,
    ))
}

/// A COPY of some files to where another COPY puts them.
pub fn first_copy(copy: &str, files: &[&str]) -> Option<String> {
    let (flags, _, destination) = words(copy)?;
    let slash = if destination.ends_with('/') { "" } else { "/" };
    let flags: String = flags.iter().map(|f| format!("{f} ")).collect();
    Some(format!("COPY {flags}{} {destination}{slash}", files.join(" ")))
}

/// The lines of a Dockerfile, each with its end.
struct Lines<'b>(Vec<&'b [u8]>);

impl<'b> Lines<'b> {
    fn of(bytes: &'b [u8]) -> Self {
        Self(bytes.split_inclusive(|b| *b == b'\n').collect())
    }

    /// The lines of a step.
    fn step(&self, step: &Step) -> std::ops::Range<usize> {
        let end = step.span.end_line.min(self.0.len());
        step.span.line.saturating_sub(1).min(end)..end
    }

    /// With other text in place of a step; the lines of `without` are left out.
    fn with(&self, step: &Step, text: &[String], without: Option<&Step>) -> Vec<u8> {
        let (place, without) = (self.step(step), without.map(|s| self.step(s)));
        let mut out = Vec::new();
        for (i, line) in self.0.iter().enumerate() {
            if i == place.start {
                text.iter().for_each(|t| out.extend_from_slice(format!("{t}\n").as_bytes()));
            }
            if !place.contains(&i) && !without.as_ref().is_some_and(|w| w.contains(&i)) {
                out.extend_from_slice(line);
            }
        }
        out
    }

    /// With `first` and the lines of `run` before `copy`.
    fn moved(&self, copy: &Step, run: &Step, first: &str) -> Vec<u8> {
        let text = |step: &Step| {
            let bytes = self.0[self.step(step)].concat();
            String::from_utf8_lossy(&bytes).trim_end_matches('\n').to_owned()
        };
        self.with(copy, &[first.to_owned(), text(run), text(copy)], Some(run))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_is_narrowed_and_its_files_copied_first() {
        assert_eq!(narrow("COPY --chown=1 . /app", &["docs".into()]), "COPY --exclude=docs --chown=1 . /app");
        let first = first_copy("COPY --chown=1 . /app", &["package.json", "yarn.lock"]);
        assert_eq!(first.as_deref(), Some("COPY --chown=1 package.json yarn.lock /app/"));
        assert_eq!(first_copy("COPY . ./", &["go.mod"]).as_deref(), Some("COPY go.mod ./"));
        for other in ["COPY [\".\", \".\"]", "COPY <<EOF /x", "COPY x", "COPY"] {
            assert_eq!(first_copy(other, &["a"]), None, "{other}");
        }
    }
}
