//! Instructions that make no step and enter no cache key, but change the image: CMD, LABEL, EXPOSE and the like
//! (`convert.go`, `convert_expose.go`); and the config that the target's image has in the end.

use super::expose::{self, check_signal, ports};
use super::problem::Fail;
use super::resolve::Resolver;
use super::run::with_shell;
use super::stage::{Stage, StageId};
use super::words::Expansion;
use crate::dockerfile::{CommandLine, Healthcheck as Written, Instruction, InstructionKind, KeyValue};
use crate::image::{Defaults, Healthcheck, Platform};

/// The config of the target's image, as far as the Dockerfile and a known base tell it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TargetImage {
    /// The platform.
    pub platform: Platform,
    /// `K=V`, in order.
    pub env: Vec<String>,
    /// USER; empty for none.
    pub user: String,
    /// WORKDIR.
    pub working_dir: String,
    /// SHELL; empty for none.
    pub shell: Vec<String>,
    /// ONBUILD triggers, in order.
    pub onbuild: Vec<String>,
    /// CMD, LABEL and the rest.
    pub defaults: Defaults,
}

impl<'a> Resolver<'a> {
    /// An instruction that makes no step.
    ///
    /// # Errors
    /// Words that can't be expanded, and values that BuildKit refuses.
    pub(super) fn image_only(&self, stage: &mut Stage<'a>, instruction: &Instruction) -> Result<(), Fail> {
        match &instruction.kind {
            InstructionKind::Label(pairs) => self.label_image(stage, pairs, &instruction.keyword)?,
            InstructionKind::Volume(paths) => {
                let paths: Vec<Expansion> =
                    paths.iter().map(|p| self.word(stage, p)).collect::<Result<_, _>>()?;
                if paths.iter().any(|p| p.text.is_empty() && p.known) {
                    return Err(Fail::new("empty-volume", "VOLUME specified can not be an empty string"));
                }
                stage.config.defaults.volumes.extend(paths.into_iter().map(|p| p.text));
            }
            InstructionKind::Stopsignal(signal) => {
                let signal = self.word(stage, signal)?;
                if signal.known {
                    check_signal(&signal.text).map_err(|e| Fail::new("invalid-signal", e))?;
                }
                stage.config.defaults.stop_signal = signal.text;
            }
            InstructionKind::Expose(words) => self.expose(stage, words)?,
            InstructionKind::Cmd(line) => {
                self.lint_used_once(&mut stage.used.cmd, instruction);
                stage.config.defaults.cmd = self.command(stage, line, &instruction.keyword);
            }
            InstructionKind::Entrypoint(line) => {
                self.lint_used_once(&mut stage.used.entrypoint, instruction);
                stage.config.defaults.entrypoint = self.command(stage, line, &instruction.keyword);
                if stage.used.cmd.is_none() {
                    // The base's CMD was meant for the base's ENTRYPOINT.
                    stage.config.defaults.cmd.clear();
                }
            }
            InstructionKind::Healthcheck(written) => {
                self.lint_used_once(&mut stage.used.healthcheck, instruction);
                stage.config.defaults.healthcheck = Some(healthcheck(written));
            }
            InstructionKind::Maintainer(author) => stage.config.defaults.author.clone_from(author),
            InstructionKind::Onbuild(trigger) => stage.config.onbuild.push(trigger.clone()),
            _ => {}
        }
        Ok(())
    }

    /// All words are expanded before the first label is set.
    fn label_image(&self, stage: &mut Stage<'a>, pairs: &[KeyValue], keyword: &str) -> Result<(), Fail> {
        let mut expanded = Vec::with_capacity(pairs.len());
        for pair in pairs {
            expanded.push((self.word(stage, &pair.key)?.text, self.word(stage, &pair.value)?.text));
        }
        pairs.iter().filter(|p| p.legacy).for_each(|_| self.lint_legacy(keyword));
        stage.config.defaults.labels.extend(expanded);
        Ok(())
    }

    /// The words of CMD or ENTRYPOINT.
    fn command(&self, stage: &Stage<'_>, line: &CommandLine, keyword: &str) -> Vec<String> {
        if !line.prepend_shell {
            return line.words.clone();
        }
        self.lint_shell_form(stage, keyword);
        with_shell(&stage.config, &line.words)
    }

    fn expose(&self, stage: &mut Stage<'a>, words: &[String]) -> Result<(), Fail> {
        let mut expanded = Vec::new();
        for word in words {
            // Undefined variables are not remarked here.
            let known =
                self.words.expand(word, &stage.state.env, stage.env_complete()).is_ok_and(|w| w.known);
            let ports = self.words.split(word, &stage.state.env)?;
            expanded.extend(ports.into_iter().map(|port| (port, known)));
        }
        let mut exposed = Vec::new();
        for (port, known) in expanded {
            if known {
                expose::remarks(&port).into_iter().for_each(|(rule, text)| self.linter.say(rule, text));
            }
            match ports(&port) {
                Ok(ports) => exposed.extend(ports),
                Err(e) if known => return Err(Fail::new("invalid-port", e)),
                // What the base's variables make of it can't be known.
                Err(_) => exposed.push(port),
            }
        }
        stage.config.defaults.ports.extend(exposed);
        Ok(())
    }

    /// The config of the target's image.
    pub(super) fn target_image(&self, target: StageId) -> TargetImage {
        let stage = &self.stages[target];
        let config = &stage.config;
        TargetImage {
            platform: stage.platform.as_ref().unwrap_or(&self.platforms.target).normalized(),
            env: config.env.clone(),
            user: config.user.clone(),
            working_dir: config.working_dir.clone(),
            shell: config.shell.clone(),
            onbuild: config.onbuild.clone(),
            defaults: config.defaults.clone(),
        }
    }
}

fn healthcheck(written: &Written) -> Healthcheck {
    Healthcheck {
        test: written.test.clone().unwrap_or_else(|| vec!["NONE".into()]),
        interval: written.interval,
        timeout: written.timeout,
        start_period: written.start_period,
        start_interval: written.start_interval,
        retries: written.retries.into(),
    }
}
