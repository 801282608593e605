//! Carries out the instructions of the stages, in the order of the file (`dispatchStages`, `dispatch`).

use super::args::NOT_ENV;
use super::env::Variable;
use super::problem::Fail;
use super::resolve::Resolver;
use super::stage::{Command, Stage, StageId, default_path, split};
use super::words::Expansion;
use crate::dockerfile::{Argument, Instruction, InstructionKind, KeyValue};
use crate::image::Platform;

/// Where an instruction stands: its stage and its number, for the order of the steps.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'c> {
    pub stage: StageId,
    pub number: usize,
    pub command: &'c Command<'c>,
}

impl<'a> Resolver<'a> {
    /// Carries out every stage that is needed; an instruction that fails is left out.
    pub(super) fn dispatch_stages(&mut self, reachable: &[bool], target: StageId) {
        for (id, reachable) in reachable.iter().enumerate() {
            if !self.all_stages && (!reachable || self.stages[id].dispatched) {
                continue;
            }
            self.inherit(id);
            let mut stage = std::mem::replace(&mut self.stages[id], Stage::new("", 0, None));
            stage.dispatched = true;
            self.dispatch_stage(id, &mut stage);
            self.stages[id] = stage;
        }
        // The whole of the target is wanted (convert.go, end of dispatchStages).
        self.nodes.ask(self.stages[target].paths, "/".into());
    }

    fn dispatch_stage(&mut self, id: StageId, stage: &mut Stage<'a>) {
        // A stage on a folder has no platform while its instructions run, and the target's afterwards.
        let late = stage.platform.is_none();
        stage.platform.get_or_insert_with(Platform::default);
        begin(stage);
        let commands = std::mem::take(&mut stage.commands);
        for (number, command) in commands.iter().enumerate() {
            stage.on_build = command.onbuild;
            stage.current = None;
            let place = Place { stage: id, number: number + 1, command };
            self.place_images(place);
            if let Err(fail) = self.dispatch(stage, place) {
                let step = stage.current.take();
                self.fail(fail, Some(command.instruction.span), step);
            }
        }
        stage.commands = commands;
        if late {
            stage.platform = Some(self.platforms.target.clone());
        }
    }

    /// Images of `--from` have their place in front of the instruction that takes files from them.
    fn place_images(&mut self, place: Place<'_>) {
        for source in &place.command.sources {
            let source = &self.stages[*source];
            if let Some(node) = source.state.output.filter(|_| source.unregistered()) {
                self.nodes.place(node, (place.stage, place.number, 0));
            }
        }
    }

    fn dispatch(&mut self, stage: &mut Stage<'a>, place: Place<'_>) -> Result<(), Fail> {
        let instruction: &Instruction = &place.command.instruction;
        self.linter.begin(&instruction.comments, instruction.span);
        match &instruction.kind {
            InstructionKind::Add(copy) => self.copy(stage, place, copy, true),
            InstructionKind::Copy(copy) => self.copy(stage, place, copy, false),
            InstructionKind::Run(run) => self.run(stage, place, run),
            InstructionKind::Workdir(path) => self.workdir(stage, place, path),
            InstructionKind::Env(pairs) => self.env(stage, pairs, instruction),
            InstructionKind::Arg(args) => {
                args.iter().try_for_each(|arg| self.arg(stage, arg, instruction.span.line))
            }
            InstructionKind::User(user) => {
                let user = self.word(stage, user)?;
                stage.state.user.clone_from(&user.text);
                stage.config.user = user.text;
                if let Some(unknown) = &mut stage.unknown {
                    unknown.user = !user.known;
                }
                Ok(())
            }
            InstructionKind::Shell(words) => {
                stage.config.shell.clone_from(words);
                if let Some(unknown) = &mut stage.unknown {
                    unknown.shell = words.is_empty() && unknown.shell;
                }
                Ok(())
            }
            _ => self.image_only(stage, instruction),
        }
    }

    /// A stage that files are taken from: `stage` is the one whose instructions are at hand (a trigger may name it).
    pub(super) fn source<'s>(&'s self, stage: &'s Stage<'a>, place: Place<'_>, id: StageId) -> &'s Stage<'a> {
        if id == place.stage { stage } else { &self.stages[id] }
    }

    /// A word with the stage's variables.
    pub(super) fn word(&self, stage: &Stage<'_>, word: &str) -> Result<Expansion, Fail> {
        let looked = self.words.look(word, &stage.state.env, stage.env_complete());
        self.lint_undefined(stage, &looked.unmatched);
        looked.result
    }

    /// All values are expanded before the first is set.
    fn env(&self, stage: &mut Stage<'_>, pairs: &[KeyValue], instruction: &Instruction) -> Result<(), Fail> {
        let mut expanded = Vec::with_capacity(pairs.len());
        for pair in pairs {
            expanded.push((self.word(stage, &pair.key)?, self.word(stage, &pair.value)?));
        }
        let line = instruction.span.line;
        for (pair, (key, value)) in pairs.iter().zip(expanded) {
            if pair.legacy {
                self.lint_legacy(&instruction.keyword);
            }
            self.lint_secret("ENV", &key.text);
            stage.config.set_env(&key.text, &value.text);
            let known = key.known && value.known;
            let (key, value) = (key.text, value.text);
            stage.state.env.put(Variable { key, value, known, argument: false, line: Some(line) });
        }
        Ok(())
    }

    /// A build argument first, then the default, then a global ARG of that name (`dispatchArg`).
    fn arg(&self, stage: &mut Stage<'_>, arg: &Argument, line: usize) -> Result<(), Fail> {
        self.lint_secret("ARG", &arg.name);
        let (value, known) = match (self.build_args.get(&arg.name), &arg.default) {
            (Some(given), _) => (Some(given.clone()), true),
            (None, Some(default)) => {
                let expanded = self.word(stage, default)?;
                (Some(expanded.text), expanded.known)
            }
            (None, None) => match self.globals.get(&arg.name) {
                Some(global) => (Some(global.value.clone()), global.known),
                None => (None, true),
            },
        };
        stage.declared.insert(arg.name.clone());
        if let Some(value) = value.filter(|_| !NOT_ENV.contains(&arg.name.as_str())) {
            let key = arg.name.clone();
            stage.state.env.put(Variable { key, value, known, argument: true, line: Some(line) });
        }
        Ok(())
    }
}

/// What the base image's config sets before the first instruction.
fn begin(stage: &mut Stage<'_>) {
    let has_path = stage.config.env.iter().any(|e| split(e).0 == "PATH");
    if !has_path && stage.unknown.is_none() && stage.os() != "windows" {
        stage.config.env.push(format!("PATH={}", default_path(stage.os())));
    }
    for entry in &stage.config.env {
        let (key, value) = split(entry);
        let old = stage.state.env.get(key);
        let known = old.is_none_or(|v| v.known);
        // An ENV of the stage that this one stands on keeps its line.
        let line = old.filter(|v| !v.argument && v.value == value).and_then(|v| v.line);
        let (key, value) = (key.to_owned(), value.to_owned());
        stage.state.env.put(Variable { key, value, known, argument: false, line });
    }
    if !stage.config.working_dir.is_empty() {
        let dir = stage.config.working_dir.clone();
        // Only a path on another drive of Windows can't be; the engine would stop, we stay where we are.
        let _ = super::workdir::enter(stage, &dir);
    }
    if !stage.config.user.is_empty() {
        stage.state.user.clone_from(&stage.config.user);
    }
}
