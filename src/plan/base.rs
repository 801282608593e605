//! What a stage begins with (`resolveBaseImage`), and the ONBUILD triggers that come with it.

use std::rc::Rc;

use super::named::{self, Loaded, unknown_image, unreadable};
use super::nodes::{Label, Work};
use super::problem::Fail;
use super::resolve::Resolver;
use super::stage::{Command, Config, StageId, State, Unknown};
use super::{ImageRef, ResolveError, Source};
use crate::dockerfile::{Instruction, InstructionKind, Span};
use crate::image::{Image, Platform, Reference};

impl Resolver<'_> {
    /// Finds the bases of all stages that `target` needs; ONBUILD triggers may bring in more (`resolveStages`).
    ///
    /// # Errors
    /// An image that should be readable and is not.
    pub(super) fn resolve_bases(&mut self, target: StageId) -> Result<Vec<bool>, ResolveError> {
        loop {
            let mut reachable = self.reachable(target);
            for (id, reachable) in reachable.iter().enumerate() {
                self.resolve_base(id, *reachable || self.all_stages)?;
            }
            let mut new_sources = false;
            for id in reachable.iter().enumerate().filter(|(_, r)| **r).map(|(id, _)| id) {
                self.inherit(id);
                new_sources |= self.add_triggers(id);
            }
            if !new_sources {
                reachable.resize(self.stages.len(), false);
                return Ok(reachable);
            }
        }
    }

    /// Takes over the base stage's state, where there is one.
    pub(super) fn inherit(&mut self, id: StageId) {
        let Some(base) = self.stages[id].base else { return };
        let mut stage = std::mem::replace(&mut self.stages[id], super::stage::Stage::new("", 0, None));
        stage.inherit(&self.stages[base]);
        self.stages[id] = stage;
    }

    fn resolve_base(&mut self, id: StageId, reachable: bool) -> Result<(), ResolveError> {
        let stage = &mut self.stages[id];
        if stage.base.is_some() || stage.dispatched || stage.resolved {
            return Ok(());
        }
        stage.resolved = reachable;
        let unregistered = stage.unregistered();
        if stage.base_name == "scratch" && stage.replaced_by.is_none() {
            stage.state = State::new(None);
            stage.config = Config::empty(&self.platforms.target);
            stage.platform = Some(self.platforms.target.clone());
        } else {
            let span = stage.span;
            if let Err(fail) = self.resolve_image(id, reachable)? {
                self.fail(fail, span, None);
            }
        }
        self.stages[id].dispatched |= unregistered;
        Ok(())
    }

    fn resolve_image(&mut self, id: StageId, reachable: bool) -> Result<Result<(), Fail>, ResolveError> {
        let written = self.stages[id].base_name.clone();
        let reference = match Reference::parse(&written) {
            Ok(reference) => reference.tagged(),
            Err(why) => return Ok(Err(self.bad_reference(id, &written, &why))),
        };
        let platform = self.stages[id].platform.clone().unwrap_or_else(|| self.platforms.target.clone());
        if !reachable {
            self.pass_over(id, &written, &reference.to_string(), platform);
            return Ok(Ok(()));
        }
        let paths = self.stages[id].paths;
        if let Some(found) = self.stages[id].replaced_by.clone() {
            let loaded = named::load(&found, &platform, paths, &mut self.nodes, self.images)?;
            return Ok(loaded.map(|loaded| self.replace(id, loaded)));
        }
        let found = match named::find(self.options, &reference.to_string(), &platform) {
            Ok(found) => found,
            Err(fail) => return Ok(Err(fail)),
        };
        if let Some(found) = found {
            let loaded = named::load(&found, &platform, paths, &mut self.nodes, self.images)?;
            return Ok(loaded.map(|loaded| self.begin_with(id, loaded, platform)));
        }
        let name = reference.to_string();
        let image = self.images.image(&name, &platform).map_err(|why| unreadable(&name, why))?;
        self.begin_with_image(id, &written, &reference, platform, image);
        Ok(Ok(()))
    }

    /// A stage that isn't needed so far. BuildKit makes its FROM all the same, and counts it, each time it looks for
    /// bases; an image of `--from` stays as it is then, without digest, should a trigger bring its user in later.
    fn pass_over(&mut self, id: StageId, written: &str, name: &str, platform: Platform) {
        let stage = &mut self.stages[id];
        if stage.unregistered() {
            let image = self.images.image(name, &platform).ok().flatten().map(|i| Box::new(ImageRef(i)));
            let open = if image.is_some() { vec![] } else { vec![unknown_image(&usual_name(written))] };
            let source = Source::Image { reference: name.to_owned(), image };
            self.add_image(id, source, &platform, open, &format!("FROM {name}"));
        } else {
            stage.command_index += usize::from(stage.command_total > 0);
        }
        self.stages[id].platform = Some(platform);
    }

    /// A word after FROM that names no image; the stage goes on as if it stood on an unknown one.
    fn bad_reference(&mut self, id: StageId, written: &str, why: &str) -> Fail {
        let text = format!("failed to parse stage name {}: {why}", super::text::quoted(written));
        let mut fail =
            Fail::new("invalid-reference", text).say(format!("{written} is no image reference: {why}"));
        let names = self.stages.iter().map(|s| s.shown_name.as_str()).filter(|n| !n.is_empty());
        fail.hint = super::words::did_you_mean(&written.to_lowercase(), names)
            .or_else(|| self.by_name.contains_key(&written.to_lowercase()).then(|| written.to_lowercase()))
            .map(|n| format!("did you mean {n}?"));
        let platform = self.stages[id].platform.clone().unwrap_or_else(|| self.platforms.target.clone());
        self.begin_unknown(id, written.to_owned(), written, platform, format!("FROM {written}"));
        fail
    }

    /// A named context in the place of a stage: its instructions don't count.
    fn replace(&mut self, id: StageId, loaded: Loaded) {
        let stage = &mut self.stages[id];
        stage.dispatched = true;
        stage.state = loaded.state;
        stage.unknown = unknown(loaded.unknown, stage.state.output);
        if let Some(config) = loaded.config {
            stage.config = config;
            stage.platform = loaded.platform.or_else(|| stage.platform.take());
        }
    }

    /// A named context in the place of the base image.
    fn begin_with(&mut self, id: StageId, loaded: Loaded, platform: Platform) {
        let stage = &mut self.stages[id];
        let known = loaded.unknown.is_none();
        stage.config =
            loaded.config.unwrap_or_else(|| if known { Config::empty(&platform) } else { blank(&platform) });
        stage.state = loaded.state;
        stage.state.platform = Some(platform.normalized());
        stage.unknown = unknown(loaded.unknown, stage.state.output);
        stage.platform = Some(platform);
    }

    fn begin_with_image(
        &mut self,
        id: StageId,
        written: &str,
        reference: &Reference,
        platform: Platform,
        image: Option<Image>,
    ) {
        let Some(image) = image else {
            let name = reference.to_string();
            self.begin_unknown(id, name.clone(), written, platform, format!("FROM {name}"));
            return;
        };
        let config = Config::of(&image.config);
        let actual = image.config.platform.clone();
        let empty = image.config.diff_ids.is_empty() && !image.config.has_nonempty_history;
        let pinned = match &image.root_digest {
            Some(digest) => reference.with_digest(&digest.to_string()).to_string(),
            None => reference.to_string(),
        };
        if empty {
            self.stages[id].state = State::new(None);
        } else {
            let name = format!("FROM {pinned}");
            let source = Source::Image { reference: pinned, image: Some(Box::new(ImageRef(image))) };
            self.add_image(id, source, &platform, Vec::new(), &name);
            let span = self.stages[id].span.filter(|_| !self.stages[id].of_mount);
            self.lint_image_platform(span, written, &platform, &actual);
        }
        let stage = &mut self.stages[id];
        stage.config = config;
        stage.platform = Some(platform);
    }

    fn begin_unknown(
        &mut self,
        id: StageId,
        reference: String,
        written: &str,
        platform: Platform,
        name: String,
    ) {
        let reason = unknown_image(&usual_name(written));
        let source = Source::Image { reference, image: None };
        self.add_image(id, source, &platform, vec![reason.clone()], &name);
        let stage = &mut self.stages[id];
        stage.config = blank(&platform);
        stage.unknown = unknown(Some(reason), stage.state.output);
        stage.platform = Some(platform);
    }

    /// The vertex that progress shows as `FROM …`.
    fn add_image(&mut self, id: StageId, source: Source, platform: &Platform, open: Vec<String>, name: &str) {
        let stage = &mut self.stages[id];
        let label = Label {
            name: super::names::prefixed(stage, name, Some(platform).filter(|_| self.multi_platform), None),
            stage: stage.written.map_or(String::new(), |_| stage.shown_name.clone()),
            span: stage.span.unwrap_or_default(),
            instruction: "FROM".into(),
            text: stage.written.map_or_else(|| name.to_owned(), |w| w.text.clone()),
            onbuild: false,
            ignore_cache: false,
            order: (id, 0, 0),
            sources: Vec::new(),
            variables: self.globals.shared(),
        };
        let node = self.nodes.add(Work::Source(source), platform.normalized(), open, Some(label));
        stage.state = State::new(Some(node));
        stage.state.platform = Some(platform.normalized());
    }

    /// Puts the base's triggers in front of the stage's instructions; true when they take files from other stages.
    fn add_triggers(&mut self, id: StageId) -> bool {
        let mut triggers = std::mem::take(&mut self.stages[id].config.onbuild);
        let stage = &mut self.stages[id];
        if let Some(base) = stage.base.filter(|_| !stage.onbuild_init) {
            stage.onbuild_init = true;
            triggers.extend(self.stages[base].commands.iter().filter_map(|c| match &c.instruction.kind {
                InstructionKind::Onbuild(text) => Some(text.clone()),
                _ => None,
            }));
        }
        if triggers.is_empty() {
            return false;
        }
        let span = self.stages[id].span;
        match self.read_triggers(id, &triggers, span.unwrap_or_default()) {
            Ok(commands) => {
                let new = commands.iter().any(|c| !c.sources.is_empty());
                let stage = &mut self.stages[id];
                stage.command_total += commands.len();
                stage.commands.splice(0..0, commands);
                new
            }
            Err(fail) => {
                self.fail(fail, span, None);
                false
            }
        }
    }

    fn read_triggers<'b>(
        &mut self,
        id: StageId,
        texts: &[String],
        span: Span,
    ) -> Result<Vec<Command<'b>>, Fail> {
        let mut commands = Vec::with_capacity(texts.len());
        for text in texts {
            let instruction = Instruction::parse_trigger(text, span)
                .map_err(|e| Fail::new("bad-trigger", e.engine_message).at(Some(span)))?;
            let sources = self.sources_of(id, &instruction).map_err(|e| e.at(Some(span)))?;
            commands.push(Command {
                instruction: std::borrow::Cow::Owned(instruction),
                sources,
                onbuild: true,
            });
        }
        Ok(commands)
    }
}

/// The config of an image that isn't known: no PATH either, since most images set their own.
fn blank(platform: &Platform) -> Config {
    Config { os: platform.os.clone(), ..Config::default() }
}

fn unknown(reason: Option<String>, image: super::nodes::Output) -> Option<Unknown> {
    let reason: Rc<str> = reason?.into();
    Some(Unknown { reason, image, dir: true, user: true, shell: true })
}

/// As people write it, for words to them.
fn usual_name(written: &str) -> String {
    match Reference::parse(written) {
        Ok(reference) => reference.familiar(),
        Err(_) => written.to_owned(),
    }
}
