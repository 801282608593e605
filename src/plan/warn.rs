//! Things that work, but not as people expect; each in words and only where the Dockerfile alone tells it.

use super::copy::{Job, Kind, kind_of};
use super::dispatch::Place;
use super::resolve::Resolver;
use super::stage::Stage;
use super::words::Expansion;
use super::{PlanWarning, paths};
use crate::dockerfile::{Span, Stage as Written};
use crate::gopath;

impl<'a> Resolver<'a> {
    fn warn(&mut self, span: Option<Span>, code: &'static str, message: String) {
        self.warnings.push(PlanWarning { span, code, message });
    }

    /// Another frontend is asked for; this program knows only BuildKit's own.
    pub(super) fn warn_frontend(&mut self) {
        let syntax = self.dockerfile.syntax.as_ref().map(|s| (s.value.clone(), Some(s.span)));
        let argument = self.build_args.get("BUILDKIT_SYNTAX").map(|s| (s.trim().to_owned(), None));
        if let Some((frontend, span)) = argument.or(syntax) {
            let message = format!(
                "the build is handed to the frontend {frontend}; the plan assumes that it behaves like the one built into BuildKit"
            );
            self.warn(span, "other-frontend", message);
        }
    }

    /// A named context stands in the place of a stage.
    pub(super) fn warn_replaced(&mut self, written: &Written) {
        let name = written.name.as_deref().unwrap_or_default();
        let message =
            format!("the named context {name} takes the place of this stage: its instructions don't count");
        self.warn(Some(written.span), "context-replaces-stage", message);
    }

    /// A first WORKDIR that hangs on the base image's.
    pub(super) fn warn_relative(&mut self, stage: &Stage<'a>, path: &str, span: Span) {
        let dir =
            stage.unknown.as_ref().filter(|u| u.dir).map_or(stage.state.dir.as_str(), |_| "the base image's");
        let message =
            format!("relative WORKDIR {path} goes below {dir}, which may change with the base image");
        self.warn(Some(span), "relative-workdir", message);
    }

    /// A variable that nothing sets becomes nothing.
    pub(super) fn warn_undefined(&mut self, stage: &Stage<'a>, word: &Expansion, span: Span) {
        if !stage.env_complete() {
            return;
        }
        for name in word.unmatched.iter().filter(|n| !stage.declared.contains(*n)) {
            let near = super::words::did_you_mean(name, stage.state.env.keys());
            let hint = near.map_or(String::new(), |n| format!(" (did you mean {n}?)"));
            let message = format!("the variable {name} is not set here and counts as empty{hint}");
            self.warn(Some(span), "undefined-variable", message);
        }
    }

    /// What surprises in a COPY or ADD.
    pub(super) fn warn_copy(&mut self, stage: &Stage<'a>, place: Place<'_>, job: &Job<'_>) {
        let span = Some(place.command.instruction.span);
        if job.copy.link && job.chmod != super::chmod::Chmod::Unset {
            let message = "--link has no effect together with --chmod".to_owned();
            self.warn(span, "link-ignored", message);
        }
        if let Some(from) = place
            .command
            .sources
            .first()
            .map(|s| self.source(stage, place, *s))
            .filter(|s| s.replaced_by.is_some())
        {
            let name = from.name().unwrap_or_default();
            let message =
                format!("--from={name} takes the files of the named context, not of the stage {name}");
            self.warn(span, "context-shadows-stage", message);
        }
        let from_context = place.command.sources.is_empty();
        for source in &job.sources {
            if matches!(kind_of(source, job.is_add), Ok(Kind::Path)) {
                self.warn_source(stage, span, job, source, from_context);
            }
        }
    }

    fn warn_source(
        &mut self,
        stage: &Stage<'a>,
        span: Option<Span>,
        job: &Job<'_>,
        source: &str,
        from_context: bool,
    ) {
        let source = paths::to_slash(source, stage.os());
        let root = if from_context { "the context" } else { "the stage" };
        if paths::clean(source.trim_start_matches('/')).split('/').next() == Some("..") {
            let found = paths::join(&["/", &source]);
            let message = format!("`{source}` does not lead out of {root}: it is looked up as `{found}`");
            self.warn(span, "outside-context", message);
        }
        let last = paths::base(&source).to_owned();
        if !job.copy.parents && source.split('/').any(|part| part.contains("**")) {
            let message = format!("** in {source} is one level only; with --parents it would be any number");
            self.warn(span, "double-star", message);
        }
        if !job.copy.parents && (last == "*" || last == "**") {
            let message = format!(
                "{source} puts the contents of every folder it matches straight into {}, without the folders",
                job.dest
            );
            self.warn(span, "wildcard-flattens", message);
        }
        let wild = gopath::has_wildcard(last.as_bytes());
        let takes = |p: &String| wild || gopath::matches(p.as_bytes(), last.as_bytes()) == Ok(true);
        if !job.copy.parents && !["", ".", "/"].contains(&last.as_str()) && job.copy.exclude.iter().any(takes)
        {
            let message = format!(
                "--exclude works below folders only: what {source} names or matches itself is copied all the same"
            );
            self.warn(span, "exclude-not-for-sources", message);
        }
    }
}
