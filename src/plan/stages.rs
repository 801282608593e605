//! The stages of the file and what they take from each other (`buildDispatchStates`, `buildStageDependencyGraph`).

use super::named;
use super::problem::{Fail, suggest_any};
use super::resolve::Resolver;
use super::stage::{Command, Stage, StageId};
use crate::dockerfile::{Instruction, InstructionKind, Mount, Span, Stage as Written};
use crate::image::Platform;

const NO_EXPANSION: &str = "variable expansion is not supported for --from, define a new stage with FROM using ARG from global scope as a workaround";

impl<'a> Resolver<'a> {
    /// Makes a stage of every FROM.
    ///
    /// # Errors
    /// The first FROM that can't be read.
    pub(super) fn add_stages(&mut self) -> Result<(), Fail> {
        for (index, written) in self.dockerfile.stages.iter().enumerate() {
            self.add_stage(index, written).map_err(|e| e.at(Some(written.span)))?;
        }
        Ok(())
    }

    fn add_stage(&mut self, index: usize, written: &'a Written) -> Result<(), Fail> {
        self.linter.begin(&written.comments, written.span);
        let looked = self.words.look(&written.base_name, &self.globals, true);
        self.lint_from(&looked);
        let base = looked.result?;
        if base.text.is_empty() {
            let text = format!("base name ({}) should not be blank", written.base_name);
            let hint = suggest_any(&base.unmatched, self.globals.keys());
            let mut fail = Fail::new("blank-base-name", text);
            fail.hint = hint.map(|h| format!("did you mean {h}?"));
            return Err(fail);
        }
        let paths = self.nodes.new_paths();
        let mut stage = Stage::new(&base.text, paths, Some(written.span));
        stage.written = Some(written);
        stage.platform = self.platform_of(written)?;
        stage.shown_name = written.name.clone().unwrap_or_default();
        if let Some(name) = &written.name {
            let platform = stage.platform.clone().unwrap_or_else(|| self.platforms.target.clone());
            // BuildKit gives no line here: NamedContext's error passes as it is.
            stage.replaced_by = named::find(self.options, name, &platform)?;
        }
        if stage.replaced_by.is_some() {
            self.warn_replaced(written);
            self.register(stage);
            let last = self.stages.len() - 1;
            self.stages[last].base = None;
            return Ok(());
        }
        if written.name.is_none() {
            stage.shown_name = format!("stage-{index}");
        }
        stage.ignore_cache = self.ignores_cache(written.name.as_deref().unwrap_or(""));
        let id = self.register(stage);
        let stage = &mut self.stages[id];
        let own_base = stage.base_name != "scratch" && stage.base.is_none();
        let counted = |i: &&Instruction| {
            use InstructionKind::{Add, Copy, Run, Workdir};
            matches!(i.kind, Add(_) | Copy(_) | Run(_) | Workdir(_))
        };
        stage.command_total = usize::from(own_base) + written.instructions.iter().filter(counted).count();
        Ok(())
    }

    /// `FROM --platform`.
    fn platform_of(&self, written: &Written) -> Result<Option<Platform>, Fail> {
        let Some(value) = written.platform.as_deref().filter(|v| !v.is_empty()) else { return Ok(None) };
        let looked = self.words.look(value, &self.globals, true);
        self.lint_from(&looked);
        self.lint_platform(written, value, &looked);
        let expanded = looked.result.map_err(|e| {
            let engine = format!("failed to process arguments for platform : {}", e.engine);
            Fail { engine, ..e }
        })?;
        let suggestion = || suggest_any(&expanded.unmatched, self.globals.keys());
        if expanded.text.is_empty() {
            let text = format!("empty platform value from expression {value}");
            return Err(Fail::new("invalid-platform", text).suggest(suggestion()));
        }
        Platform::parse(&expanded.text).map(Some).map_err(|why| {
            let fail = Fail::new("invalid-platform", why).suggest(suggestion());
            let engine = format!("failed to parse platform {value}: {}", fail.engine);
            Fail { engine, ..fail }
        })
    }

    /// `--no-cache` and `--no-cache-filter` (`Client.IsNoCache`).
    fn ignores_cache(&self, name: &str) -> bool {
        let filter = &self.options.no_cache_filter;
        if filter.is_empty() {
            self.options.no_cache
        } else {
            filter.iter().any(|f| f.eq_ignore_ascii_case(name))
        }
    }

    /// `dispatchStates.addState`. The base is looked up as written, names are kept in lower case.
    fn register(&mut self, mut stage: Stage<'a>) -> StageId {
        let id = self.stages.len();
        stage.base = self.by_name.get(&stage.base_name).copied();
        if let Some(name) = stage.name().filter(|n| !n.is_empty()) {
            self.by_name.insert(name.to_lowercase(), id);
        }
        self.stages.push(stage);
        id
    }

    /// The stage that `--target` names, or the last one.
    ///
    /// # Errors
    /// No stage of that name.
    pub(super) fn find_target(&self) -> Result<StageId, Fail> {
        let Some(name) = self.options.target.as_deref().filter(|t| !t.is_empty()) else {
            return Ok(self.stages.len() - 1);
        };
        if let Some(id) = self.by_name.get(&name.to_lowercase()) {
            return Ok(*id);
        }
        let text = format!("target stage {} could not be found", super::text::quoted(name));
        let names = self.stages.iter().map(|s| s.shown_name.as_str()).filter(|n| !n.is_empty());
        let fail = Fail::new("target-not-found", text).say(format!("no stage is named {name}"));
        Err(fail.suggest(super::words::did_you_mean(name, names)))
    }

    /// Finds out which stages the instructions take files from.
    ///
    /// # Errors
    /// A `--from` that can't be, or stages that need each other.
    pub(super) fn connect(&mut self) -> Result<(), Fail> {
        let mut id = 0;
        while id < self.stages.len() {
            if let Some(written) = self.stages[id].written {
                let mut commands = Vec::with_capacity(written.instructions.len());
                for instruction in &written.instructions {
                    let command = Command {
                        instruction: std::borrow::Cow::Borrowed(instruction),
                        // BuildKit tells no place here; the reader has more of one.
                        sources: self
                            .sources_of(id, instruction)
                            .map_err(|e| e.at(Some(instruction.span)))?,
                        onbuild: false,
                    };
                    commands.push(command);
                }
                self.stages[id].commands = commands;
            }
            id += 1;
        }
        self.check_circles()?;
        if let [only] = self.stages.as_mut_slice() {
            only.shown_name.clear();
        }
        Ok(())
    }

    /// The stages that an instruction takes files from (`toCommand`); they become dependencies of `stage`.
    ///
    /// # Errors
    /// A `--from` with a variable or a number of no stage.
    pub(super) fn sources_of(
        &mut self,
        stage: StageId,
        instruction: &Instruction,
    ) -> Result<Vec<StageId>, Fail> {
        let mut sources = Vec::new();
        match &instruction.kind {
            InstructionKind::Copy(copy) => {
                if let Some(from) = copy.from.as_deref().filter(|f| !f.is_empty()) {
                    sources.push(self.source_named(from, instruction.span)?);
                }
            }
            InstructionKind::Run(run) => {
                for value in &run.mounts {
                    // Without an expander only `from` is read; the parser has seen it before.
                    let mount = Mount::parse(value, None).unwrap_or_default();
                    let from = if mount.from.is_empty() { "scratch" } else { &mount.from };
                    let source = self.stage_or_image(from, instruction.span);
                    self.stages[source].of_mount = self.stages[source].unregistered();
                    sources.push(source);
                }
            }
            _ => {}
        }
        for source in &sources {
            let deps = &mut self.stages[stage].deps;
            match deps.iter_mut().find(|(id, _)| id == source) {
                Some((_, span)) => *span = Some(instruction.span),
                None => deps.push((*source, Some(instruction.span))),
            }
        }
        Ok(sources)
    }

    fn source_named(&mut self, from: &str, span: Span) -> Result<StageId, Fail> {
        let expanded = self.words.expand(from, &super::env::EnvList::default(), true)?;
        if expanded.text != from {
            let fail = Fail::new("from-variable", NO_EXPANSION).say("variables don't count in --from");
            return Err(fail);
        }
        let Ok(index) = from.parse::<i64>() else { return Ok(self.stage_or_image(from, span)) };
        match usize::try_from(index) {
            Ok(id) if id < self.stages.len() => Ok(id),
            _ => Err(Fail::new("unknown-stage", format!("invalid stage index {index}"))
                .say(format!("--from={from}: there is no stage of that number"))),
        }
    }

    /// The stage of that name, or else a new one that is the image of that name.
    fn stage_or_image(&mut self, name: &str, span: Span) -> StageId {
        if let Some(id) = self.by_name.get(&name.to_lowercase()) {
            return *id;
        }
        let paths = self.nodes.new_paths();
        self.register(Stage::new(name, paths, Some(span)))
    }

    /// `validateCircularDependency`: only `--from` and mounts count, a FROM can't look ahead.
    fn check_circles(&self) -> Result<(), Fail> {
        let mut visited = vec![false; self.stages.len()];
        let mut on_path = vec![false; self.stages.len()];
        for start in 0..self.stages.len() {
            let mut stack: Vec<(StageId, usize)> = Vec::new();
            if !std::mem::replace(&mut visited[start], true) {
                on_path[start] = true;
                stack.push((start, 0));
            }
            while let Some((stage, next)) = stack.last_mut() {
                let Some((dep, span)) = self.stages[*stage].deps.get(*next) else {
                    on_path[*stage] = false;
                    stack.pop();
                    continue;
                };
                *next += 1;
                if on_path[*dep] {
                    let first = stack.first().and_then(|(s, n)| self.stages[*s].deps.get(n - 1));
                    let name = &self.stages[start].shown_name;
                    let text = format!("circular dependency detected on stage: {name}");
                    let fail =
                        Fail::new("circular-dependency", text).at(first.and_then(|(_, s)| *s).or(*span));
                    return Err(fail.say(format!("stage {name} needs its own files")));
                }
                if !std::mem::replace(&mut visited[*dep], true) {
                    on_path[*dep] = true;
                    stack.push((*dep, 0));
                }
            }
        }
        Ok(())
    }

    /// The stages that `target` needs (`allReachableStages`).
    pub(super) fn reachable(&self, target: StageId) -> Vec<bool> {
        let mut reachable = vec![false; self.stages.len()];
        let mut todo = vec![target];
        while let Some(id) = todo.pop() {
            if !std::mem::replace(&mut reachable[id], true) {
                let stage = &self.stages[id];
                todo.extend(stage.base.into_iter().chain(stage.deps.iter().map(|(d, _)| *d)));
            }
        }
        reachable
    }
}
