//! COPY and ADD (`convert_copy.go`).

use std::collections::BTreeSet;

use super::dispatch::Place;
use super::git::{self, Git};
use super::nodes::{Draft, Label, Lookup, Output, Work};
use super::problem::Fail;
use super::resolve::Resolver;
use super::stage::Stage;
use super::words::Expansion;
use super::{CopyAction, FileActionKind, Owner, chmod, names, paths};
use crate::buildkit::Rule;
use crate::dockerfile::{Copy, SourceContent, lossy};
use crate::image::Platform;

/// A COPY or ADD with its variables filled in.
pub(super) struct Job<'c> {
    pub copy: &'c Copy,
    pub is_add: bool,
    pub chown: String,
    pub chmod: chmod::Chmod,
    pub checksum: String,
    pub keep_git_dir: Option<bool>,
    pub sources: Vec<String>,
    /// Those of the sources that hang on variables that aren't known.
    pub guessed: Vec<String>,
    pub contents: Vec<SourceContent>,
    /// Absolute, in the stage.
    pub dest: String,
    /// What path sources are looked up in.
    pub from: Output,
    /// What stops the operation from being known.
    pub open: Vec<String>,
    /// The source paths hang on variables that aren't known.
    pub paths_open: bool,
}

impl<'a> Resolver<'a> {
    /// COPY and ADD.
    ///
    /// # Errors
    /// Flags and sources that can't be.
    pub(super) fn copy(
        &mut self,
        stage: &mut Stage<'a>,
        place: Place<'_>,
        copy: &Copy,
        is_add: bool,
    ) -> Result<(), Fail> {
        let mut job = self.expand_copy(stage, place, copy, is_add)?;
        self.warn_copy(stage, place, &job);
        let shown = names::upper_first(&self.words.named(&place.command.instruction.text, &stage.state.env));
        let name = self.step_name(stage, &shown);
        let mut drafts = Vec::with_capacity(job.sources.len() + job.contents.len());
        let mut looked_up = Vec::new();
        for source in job.sources.clone() {
            if let Some(draft) = self.remote_source(stage, place, &mut job, &source, &name)? {
                drafts.push(draft);
                continue;
            }
            if place.command.sources.is_empty() && !job.guessed.contains(&source) {
                self.lint_source(is_add, &source);
            }
            looked_up.push((source.clone(), paths::join(&["/", &source]), Lookup::Action(drafts.len())));
            drafts.push(path_source(stage.os(), &job, &source)?);
        }
        for content in std::mem::take(&mut job.contents) {
            drafts.push(self.content_source(stage, place, &job, &content)?);
        }
        for draft in &mut drafts {
            finish(draft, stage, &job);
        }
        self.place_copy(stage, place, drafts, &shown, looked_up, &job);
        self.ask_for(stage, place, &job);
        Ok(())
    }

    /// Adds the vertex, or with `--link` a layer of its own and the merge of both.
    fn place_copy(
        &mut self,
        stage: &mut Stage<'a>,
        place: Place<'_>,
        drafts: Vec<Draft>,
        shown: &str,
        looked_up: Vec<(String, String, Lookup)>,
        job: &Job<'_>,
    ) {
        // With --chmod, --link has no effect.
        let link = job.copy.link && job.chmod == chmod::Chmod::Unset;
        let name = stage.current.clone().unwrap_or_default();
        let label = self.label_named(stage, place, 1, name, looked_up);
        let base = stage.state.output.filter(|_| !link);
        let copied =
            self.nodes.add(Work::File(base, drafts), Platform::default(), job.open.clone(), Some(label));
        if job.paths_open {
            self.nodes.leave_paths_open(copied);
        }
        stage.state.output = Some(match stage.state.output.filter(|_| link) {
            None => copied,
            Some(below) => {
                stage.command_index -= usize::from(stage.command_total > 0);
                let name = self.step_name(stage, &format!("LINK {shown}"));
                let label = self.label_named(stage, place, 2, name, Vec::new());
                let open = stage.open_if(|u| u.image == Some(below));
                self.nodes.add(Work::Merge(vec![below, copied]), Platform::default(), open, Some(label))
            }
        });
    }

    /// Fills in variables and checks what comes before the sources.
    fn expand_copy<'c>(
        &mut self,
        stage: &Stage<'a>,
        place: Place<'c>,
        copy: &'c Copy,
        is_add: bool,
    ) -> Result<Job<'c>, Fail> {
        let chown = self.word(stage, &copy.chown)?;
        let as_written = || Expansion { text: copy.chmod.clone(), known: true, unmatched: BTreeSet::new() };
        let mode = if self.has(Rule::ChmodVariables) { self.word(stage, &copy.chmod)? } else { as_written() };
        let checksum = self.word(stage, &copy.checksum)?;
        let sources: Vec<Expansion> =
            copy.sources.iter().map(|s| self.word(stage, s)).collect::<Result<_, _>>()?;
        let dest = self.word(stage, &copy.destination)?;
        let (contents, bodies_known) = self.expand_contents(stage, &copy.contents)?;
        let (from, mut open) = self.copied_from(stage, place, copy)?;
        let known =
            [&chown, &mode, &checksum, &dest].into_iter().chain(&sources).all(|w| w.known) && bodies_known;
        let relative = !paths::is_abs(&dest.text, stage.os());
        let on_image =
            |u: &super::stage::Unknown| u.image == stage.state.output && stage.state.output.is_some();
        open.extend(stage.open_if(|u| !known || (relative && u.dir) || on_image(u)));
        open.dedup();
        let paths_open = sources.iter().any(|s| !s.known);
        for word in sources.iter().chain([&dest]) {
            self.warn_undefined(stage, word, place.command.instruction.span);
        }
        let dest = self.destination(stage, &dest.text).map_err(|e| Fail::new("invalid-path", e))?;
        let guessed = sources.iter().filter(|s| !s.known).map(|s| s.text.clone()).collect();
        let sources: Vec<String> = sources.into_iter().map(|s| s.text).collect();
        let mode = self.chmod(&mode.text)?;
        chmod::check_checksum(&checksum.text, is_add, &sources, self.has(Rule::GitChecksum))
            .map_err(|e| Fail::new("invalid-checksum", e))?;
        Ok(Job {
            copy,
            is_add,
            chown: chown.text,
            chmod: mode,
            checksum: checksum.text,
            keep_git_dir: copy.keep_git_dir,
            sources,
            guessed,
            contents,
            dest,
            from,
            open,
            paths_open,
        })
    }

    /// `--chmod`, expanded.
    fn chmod(&self, value: &str) -> Result<chmod::Chmod, Fail> {
        if !self.has(Rule::ChmodVariables) {
            return Ok(chmod::parse_leniently(value));
        }
        let octal = self.has(Rule::ChmodSymbols) || value.bytes().all(|b| b.is_ascii_digit());
        let mode = if octal { chmod::parse(value) } else { Err(chmod::not_octal(value)) };
        mode.map_err(|e| Fail::new("invalid-chmod", e))
    }

    /// `pathRelativeToWorkingDir`, then what the action makes of it.
    fn destination(&self, stage: &Stage<'_>, written: &str) -> Result<String, String> {
        let os = stage.os();
        let keep = self.has(Rule::DestinationKeepsDot);
        let dest =
            paths::without_drive(written, os, keep).map_err(|e| format!("removing drive letter: {e}"))?;
        let mut whole = if paths::is_abs(&dest, os) {
            paths::normalize("/", &dest, os, keep)?
        } else {
            let here = dest == "." || dest.is_empty();
            let dest = if here && self.has(Rule::DotKeepsSlash) { "./" } else { &dest };
            paths::normalize(&stage.state.dir, dest, os, keep)?
        };
        if !keep && (written.is_empty() || written == "." || written.ends_with('/')) {
            whole.push('/');
        }
        Ok(paths::action_path(&stage.state.dir, &whole, true))
    }

    fn expand_contents(
        &self,
        stage: &Stage<'a>,
        contents: &[SourceContent],
    ) -> Result<(Vec<SourceContent>, bool), Fail> {
        let mut known = true;
        let mut out = contents.to_vec();
        for content in out.iter_mut().filter(|c| c.expand) {
            let (env, complete) = (&stage.state.env, stage.env_complete());
            let looked = self.words.look_at_body(&lossy(&content.data), env, complete);
            self.lint_undefined(stage, &looked.unmatched);
            let body = looked.result?;
            known &= body.known;
            content.data = body.text.into_bytes();
        }
        Ok((out, known))
    }

    /// The files that path sources are looked up in: the context, or the stage of `--from`.
    fn copied_from(
        &self,
        stage: &Stage<'a>,
        place: Place<'_>,
        copy: &Copy,
    ) -> Result<(Output, Vec<String>), Fail> {
        let Some(source) = place.command.sources.first() else { return Ok((Some(self.context), Vec::new())) };
        let source = self.source(stage, place, *source);
        if !source.dispatched {
            let from = super::text::quoted(copy.from.as_deref().unwrap_or_default());
            let here = super::text::quoted(&stage.shown_name);
            let text =
                format!("cannot copy from stage {from}, it needs to be defined before current stage {here}");
            let fail = Fail::new("stage-defined-later", text);
            return Err(fail.say(format!("stage {from} stands below the stage that copies from it")));
        }
        let open = source.open_if(|u| u.image == source.state.output && source.state.output.is_some());
        Ok((source.state.output, open))
    }

    /// A heredoc: a file of its own that is copied.
    fn content_source(
        &mut self,
        stage: &Stage<'a>,
        place: Place<'_>,
        job: &Job<'_>,
        content: &SourceContent,
    ) -> Result<Draft, Fail> {
        let name = paths::without_drive(&content.path, stage.os(), false)
            .map_err(|e| Fail::new("invalid-path", format!("removing drive letter: {e}")))?;
        let label = self.inline_label(stage, place);
        let node = self.inline_document(&name, 0o644, &content.data, job.open.clone(), label);
        let src = paths::join(&["/", &paths::clean(&paths::to_slash(&name, stage.os()))]);
        Ok(Draft { source: Some(Some(node)), kind: FileActionKind::Copy(plain_copy(src)) })
    }

    /// The name that a heredoc's own step has, before that of its instruction.
    pub(super) fn inline_label(&self, stage: &Stage<'_>, place: Place<'_>) -> Label {
        self.label_named(stage, place, 0, "[internal] preparing inline document".to_owned(), Vec::new())
    }

    /// A heredoc as a file of its own.
    pub(super) fn inline_document(
        &mut self,
        name: &str,
        mode: i32,
        data: &[u8],
        open: Vec<String>,
        label: Label,
    ) -> usize {
        let kind = FileActionKind::Mkfile {
            path: paths::action_path("/", name, false),
            mode,
            data: data.to_vec(),
            owner: None,
            timestamp: -1,
        };
        let work = Work::File(None, vec![Draft { source: None, kind }]);
        self.nodes.add(work, Platform::default(), open, Some(label))
    }

    /// Notes which paths the context, or the stage of `--from`, will be asked for.
    fn ask_for(&mut self, stage: &Stage<'a>, place: Place<'_>, job: &Job<'_>) {
        let set =
            place.command.sources.first().map_or(self.context_paths, |s| self.source(stage, place, *s).paths);
        for source in &job.sources {
            // BuildKit leaves out URLs here, but not `git@host:…`.
            let url = source.starts_with("http://") || source.starts_with("https://");
            if !(job.is_add && url) {
                self.nodes.ask(set, paths::join(&["/", source]));
            }
        }
    }
}

/// A copy with nothing but its source; the rest is filled in by [`finish`].
pub(super) fn plain_copy(src: String) -> CopyAction {
    CopyAction {
        src,
        dest: String::new(),
        owner: None,
        mode: -1,
        mode_str: String::new(),
        follow_symlink: false,
        dir_copy_contents: false,
        attempt_unpack: false,
        create_dest_path: true,
        allow_wildcard: false,
        allow_empty_wildcard: false,
        timestamp: -1,
        include_patterns: Vec::new(),
        exclude_patterns: Vec::new(),
        required_paths: Vec::new(),
        always_replace: false,
    }
}

/// What all copies of one instruction share.
fn finish(draft: &mut Draft, stage: &Stage<'_>, job: &Job<'_>) {
    let FileActionKind::Copy(copy) = &mut draft.kind else { return };
    debug_assert!(stage.dispatched, "copies are made while their stage is carried out");
    copy.dest.clone_from(&job.dest);
    copy.owner = Some(&job.chown).filter(|c| !c.is_empty()).map(|c| Owner::parse(c));
    copy.exclude_patterns.clone_from(&job.copy.exclude);
    match &job.chmod {
        chmod::Chmod::Unset | chmod::Chmod::Ignored => {}
        chmod::Chmod::Bits(bits) => copy.mode = *bits,
        chmod::Chmod::Symbols(symbols) => {
            copy.mode = 0;
            copy.mode_str.clone_from(symbols);
        }
    }
}

/// A path in the context or a stage.
fn path_source(os: &str, job: &Job<'_>, source: &str) -> Result<Draft, Fail> {
    let normal = |path: &str| {
        paths::normalize("/", path, os, false)
            .map_err(|e| Fail::new("invalid-path", format!("removing drive letter: {e}")))
    };
    let mut src = source.to_owned();
    let (mut include, mut required) = (Vec::new(), Vec::new());
    if job.copy.parents {
        let (parent, pattern) = source.split_once("/./").unwrap_or(("/", source));
        let pattern = normal(pattern)?;
        include.push(pattern.strip_prefix('/').unwrap_or(&pattern).to_owned());
        let wild = |p: &str| crate::gopath::has_wildcard(p.as_bytes());
        if !wild(parent) && !wild(&pattern) {
            required.push(normal(&paths::join(&[parent, &pattern]))?);
        }
        src = parent.to_owned();
    }
    let copy = CopyAction {
        follow_symlink: true,
        dir_copy_contents: true,
        attempt_unpack: job.copy.unpack.unwrap_or(job.is_add),
        allow_wildcard: true,
        allow_empty_wildcard: true,
        include_patterns: include,
        required_paths: required,
        ..plain_copy(paths::join(&["/", &paths::clean(&normal(&src)?)]))
    };
    Ok(Draft { source: Some(job.from), kind: FileActionKind::Copy(copy) })
}

/// What a source of ADD is.
pub(super) enum Kind {
    /// A path.
    Path,
    /// A git repository.
    Git(git::GitRef),
    /// A URL.
    Http,
}

/// Tells a path from a URL and a repository.
///
/// # Errors
/// A repository's URL with a query that isn't understood; anything remote for COPY.
pub(super) fn kind_of(source: &str, is_add: bool) -> Result<Kind, Fail> {
    match git::detect(source) {
        Git::Bad(why) => Err(Fail::new("invalid-git-url", why)),
        Git::Yes(found) if !found.like_local => {
            let fail = || Fail::new("remote-source-in-copy", "source can't be a git ref for COPY");
            if is_add {
                Ok(Kind::Git(found))
            } else {
                Err(fail().say("COPY can't fetch a repository: use ADD"))
            }
        }
        _ if git::is_http(source) => {
            let fail = || Fail::new("remote-source-in-copy", "source can't be a URL for COPY");
            if is_add { Ok(Kind::Http) } else { Err(fail().say("COPY can't fetch a URL: use ADD")) }
        }
        _ => Ok(Kind::Path),
    }
}
