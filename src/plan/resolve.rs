//! [`Plan::resolve`]: the steps of `Dockerfile2LLB`, one after the other.

use std::collections::HashMap;

use super::args::{self, BuildArgs, Platforms};
use super::env::EnvList;
use super::epoch::{self, Epoch, Named};
use super::lint::{self, Linted, Linter};
use super::named;
use super::nodes::{Lowered, NodeId, Nodes, PathsId, Work};
use super::problem::Fail;
use super::stage::{Stage, StageId};
use super::text::parse_bool;
use super::words::Words;
use super::{Images, NamedContext, Plan, PlanError, PlanOptions, PlanWarning, ResolveError};
use crate::buildkit::{Rule, Version, Versions};
use crate::dockerfile::{Dockerfile, Span};
use crate::image::Platform;

/// What is known while a plan is made (`dispatchContext`).
pub(super) struct Resolver<'a> {
    pub dockerfile: &'a Dockerfile,
    pub options: &'a PlanOptions,
    pub versions: Versions,
    pub images: &'a dyn Images,
    pub words: Words,
    pub platforms: Platforms,
    pub build_args: BuildArgs,
    pub globals: EnvList,
    pub epoch: Epoch,
    pub nodes: Nodes,
    pub context: NodeId,
    pub context_paths: PathsId,
    pub stages: Vec<Stage<'a>>,
    pub by_name: HashMap<String, StageId>,
    pub multi_platform: bool,
    pub hostname: String,
    pub cache_namespace: String,
    pub errors: Vec<PlanError>,
    pub warnings: Vec<PlanWarning>,
    pub linter: Linter,
    /// Every stage counts as needed (`ConvertOpt.AllStages`).
    pub all_stages: bool,
}

impl Plan {
    /// Makes the build graph of `options.target`.
    ///
    /// What a build would refuse is in [`Plan::errors`]; the graph then holds what could be read all the same.
    ///
    /// # Errors
    /// An image that [`Images`] should be able to read and can't.
    pub fn resolve(
        dockerfile: &Dockerfile,
        options: &PlanOptions,
        images: &dyn Images,
    ) -> Result<Self, ResolveError> {
        Resolver::new(dockerfile, options, images).carry_out()
    }

    /// What BuildKit's own checks say: with a target, of what it needs, as [`Plan::lints`]; without one, of every stage, as
    /// `docker build --check` has it (`DockerfileLint`). Unlike there, `options.platform` counts.
    ///
    /// # Errors
    /// As [`Plan::resolve`].
    pub fn lint(
        dockerfile: &Dockerfile,
        options: &PlanOptions,
        images: &dyn Images,
    ) -> Result<Linted, ResolveError> {
        let mut resolver = Resolver::new(dockerfile, options, images);
        resolver.all_stages = options.target.as_deref().is_none_or(str::is_empty);
        let plan = resolver.carry_out()?;
        Ok(Linted { lints: plan.lints, errors: plan.errors })
    }
}

impl<'a> Resolver<'a> {
    fn new(dockerfile: &'a Dockerfile, options: &'a PlanOptions, images: &'a dyn Images) -> Self {
        let build = options.build_platform.as_ref().map_or_else(Platform::host, Platform::normalized);
        let target = options.platform.as_ref().map_or_else(|| build.clone(), Platform::normalized);
        let mut nodes = Nodes::default();
        let context_paths = nodes.new_paths();
        let work = Work::Local("context".into(), context_paths);
        let context = nodes.add(work, Platform::default(), Vec::new(), None);
        let steered = |key: &str| options.build_args.get(key).cloned().unwrap_or_default();
        Self {
            dockerfile,
            options,
            versions: versions(dockerfile, options),
            images,
            words: Words::new(dockerfile.escape),
            platforms: Platforms { build, target },
            build_args: options.build_args.clone(),
            globals: EnvList::default(),
            epoch: Epoch::Unset,
            nodes,
            context,
            context_paths,
            stages: Vec::new(),
            by_name: HashMap::new(),
            multi_platform: false,
            hostname: steered("BUILDKIT_SANDBOX_HOSTNAME"),
            cache_namespace: steered("BUILDKIT_CACHE_MOUNT_NS"),
            errors: Vec::new(),
            warnings: Vec::new(),
            linter: Linter::default(),
            all_stages: false,
        }
    }

    /// Whether the frontend that reads the Dockerfile follows a rule.
    pub(super) fn has(&self, rule: Rule) -> bool {
        self.versions.frontend.has(rule)
    }

    fn carry_out(mut self) -> Result<Plan, ResolveError> {
        let target = match self.prepare() {
            Ok(target) => target,
            Err(fail) => {
                self.fail(fail, None, None);
                return Ok(self.finish(None));
            }
        };
        let reachable = self.resolve_bases(target)?;
        self.dispatch_stages(&reachable, target);
        if let Some(fail) = self.linter.failure() {
            self.fail(fail, None, None);
        }
        Ok(self.finish(Some(target)))
    }

    /// Everything that comes before the first base image, in BuildKit's order.
    fn prepare(&mut self) -> Result<StageId, Fail> {
        self.warn_frontend();
        self.check_version()?;
        self.read_switches()?;
        let last = self.dockerfile.stages.last().ok_or_else(|| {
            Fail::new("no-stages", "dockerfile contains no stages to build").say("there is no FROM")
        })?;
        self.lint_file();
        let target_name = self.options.target.as_deref().filter(|t| !t.is_empty());
        let target_name = target_name.or(last.name.as_deref()).unwrap_or("");
        self.globals =
            args::predefined(&self.platforms, target_name, &self.build_args, self.versions.frontend);
        self.lint_default_bases();
        args::add_global(&mut self.globals, self.dockerfile, &self.words, &self.build_args)?;
        self.resolve_epoch()?;
        self.add_stages()?;
        let target = self.find_target()?;
        self.connect()?;
        Ok(target)
    }

    /// Build arguments that steer the frontend itself (`dockerui/config.go`).
    fn read_switches(&mut self) -> Result<(), Fail> {
        if self.build_args.get("BUILDKIT_DISABLE_FILEOP").and_then(|v| parse_bool(v)) == Some(true) {
            let text = "support for \"BUILDKIT_DISABLE_FILEOP\" build-arg was removed in BuildKit 0.11";
            return Err(Fail::new("invalid-build-arg", text));
        }
        if let Some(value) = self.build_args.get("BUILDKIT_MULTI_PLATFORM").filter(|v| !v.is_empty()) {
            let text = || format!("invalid boolean value for multi-platform: {value}");
            self.multi_platform = parse_bool(value).ok_or_else(|| Fail::new("invalid-build-arg", text()))?;
        }
        self.linter = Linter::new(lint::config(&self.build_args, self.dockerfile.check.as_ref())?);
        Ok(())
    }

    fn resolve_epoch(&mut self) -> Result<(), Fail> {
        let (options, platform) = (self.options, Platform::host());
        let named = |name: &str| {
            Ok(match named::find(options, name, &platform)?.map(|f| f.context) {
                None => Named::Unknown,
                Some(NamedContext::Remote(_) | NamedContext::Other(_)) => Named::Remote,
                Some(_) => Named::NoTime,
            })
        };
        self.epoch = if self.has(Rule::EpochNames) {
            epoch::resolve(&mut self.build_args, &mut self.globals, self.dockerfile, named)?
        } else {
            epoch::number_of(&self.build_args, &self.globals, self.has(Rule::EpochDefault))?
        };
        Ok(())
    }

    /// Notes a reason for which the build fails.
    pub(super) fn fail(&mut self, fail: Fail, span: Option<Span>, step: Option<String>) {
        self.linter.stop();
        self.errors.push(fail.report(span, step));
    }

    fn finish(self, target: Option<StageId>) -> Plan {
        let output = target.and_then(|t| self.stages[t].state.output);
        let lowered = if target.is_some() { self.nodes.lower(output) } else { Lowered::default() };
        let target_name = target.map_or_else(
            || self.options.target.clone().unwrap_or_default(),
            |id| self.stages[id].name().map_or_else(|| format!("stage-{id}"), str::to_owned),
        );
        Plan {
            versions: self.versions,
            target: lowered.target,
            target_name,
            image: target.map(|t| self.target_image(t)).unwrap_or_default(),
            steps: lowered.steps(),
            graph: lowered.graph,
            errors: self.errors,
            warnings: self.warnings,
            lints: self.linter.into_lints(),
        }
    }
}

/// Another frontend than the engine's own is taken to be as new as any that is known.
fn versions(dockerfile: &Dockerfile, options: &PlanOptions) -> Versions {
    let engine = options.buildkit.unwrap_or_default();
    let other = dockerfile.syntax.is_some() || options.build_args.contains_key("BUILDKIT_SYNTAX");
    Versions { engine, frontend: if other { Version::NEWEST } else { engine } }
}
