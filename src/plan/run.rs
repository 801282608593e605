//! RUN (`dispatchRun`, `llb.ExecOp`).

use std::cell::Cell;
use std::collections::BTreeSet;
use std::sync::LazyLock;

use regex::Regex;

use super::dispatch::Place;
use super::epoch::Epoch;
use super::mounts::{RunMounts, bind};
use super::nodes::{DraftMount, Lookup, Work};
use super::problem::Fail;
use super::resolve::Resolver;
use super::stage::{Config, Stage};
use super::{Exec, names, paths};
use crate::buildkit::Rule;
use crate::dockerfile::{Lexer, Mount, MountType, Run, chomp, lossy};
use crate::image::Platform;

static HEREDOC: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^(?:[0-9]*)<<-?[\t\n\f\r ]*([^<]+)$").expect("a valid expression"));

impl<'a> Resolver<'a> {
    /// RUN.
    ///
    /// # Errors
    /// Mounts and flags that can't be.
    pub(super) fn run(&mut self, stage: &mut Stage<'a>, place: Place<'_>, run: &Run) -> Result<(), Fail> {
        let (mounts, paths_open) = self.expand_mounts(stage, run)?;
        // A program may read everything.
        self.nodes.ask(stage.paths, "/".into());
        let mut shown = place.command.instruction.text.clone();
        let mut drafts = Vec::new();
        let mut args = self.command_line(stage, place, run, &mut shown, &mut drafts)?;
        if run.command.prepend_shell {
            args = with_shell(&stage.config, &args);
        }
        let mut made = self.run_mounts(stage, place, &mounts)?;
        drafts.append(&mut made.drafts);
        check_flags(run)?;
        let name = self.run_name(stage, &shown, &mounts);
        let open = self.run_open(stage);
        self.place_run(stage, place, args, drafts, made, run, name, open);
        if let Some(node) = stage.state.output.filter(|_| paths_open) {
            self.nodes.leave_paths_open(node);
        }
        Ok(())
    }

    /// Reads `--mount` again, with variables; true when some of these aren't known.
    fn expand_mounts(&self, stage: &Stage<'_>, run: &Run) -> Result<(Vec<Mount>, bool), Fail> {
        let doubt = Cell::new(false);
        let expand = |word: &str| {
            let mut unmatched = BTreeSet::new();
            let (env, complete) = (&stage.state.env, stage.env_complete());
            let value = self.words.mount_value(word, env, complete, &doubt, &mut unmatched);
            self.lint_undefined(stage, &unmatched);
            value
        };
        let parse = |value: &String| Mount::parse(value, Some(&expand));
        let mounts: Result<Vec<Mount>, _> = run.mounts.iter().map(parse).collect();
        Ok((mounts.map_err(|e| Fail::new("invalid-mount", e.to_string()))?, doubt.get()))
    }

    /// The words to run, before the shell: heredocs become the script, or a file that is run.
    fn command_line(
        &mut self,
        stage: &Stage<'_>,
        place: Place<'_>,
        run: &Run,
        shown: &mut String,
        drafts: &mut Vec<DraftMount>,
    ) -> Result<Vec<String>, Fail> {
        let command = &run.command;
        let Some(first) = command.files.first() else { return Ok(command.words.clone()) };
        let [line] = command.words.as_slice() else {
            let text = format!("parsing produced an invalid run command: [{}]", command.words.join(" "));
            return Err(Fail::new("invalid-run", text));
        };
        if !is_heredoc(line) {
            let more = command.files.iter().map(|f| format!("\n{}{}", lossy(&f.data), f.name));
            return Ok(vec![line.clone() + &more.collect::<String>()]);
        }
        *shown += &format!(" ({})", names::summary(&lossy(&first.data)));
        let data = if first.chomp { chomp(&first.data) } else { first.data.clone() };
        let looked_at = if self.has(Rule::ChompBeforeShebang) { &data } else { &first.data };
        if stage.config.os == "windows" || !looked_at.starts_with(b"#!") {
            return Ok(vec![lossy(&data).into_owned()]);
        }
        let label = self.inline_label(stage, place);
        let node = self.inline_document(&first.name, 0o755, &data, Vec::new(), label);
        drafts.push(DraftMount { source: Some(node), mount: bind("/dev/pipes/", "/") });
        Ok(vec![paths::join(&["/dev/pipes/", &first.name])])
    }

    /// `[stage n/m] RUN …`: quotes and unset variables stay, secrets in variables are masked.
    fn run_name(&self, stage: &mut Stage<'_>, shown: &str, mounts: &[Mount]) -> String {
        let mut env = stage.state.env.clone();
        for mount in mounts.iter().filter(|m| m.kind == MountType::Secret) {
            if let Some(name) = &mount.env {
                env.set(name, "****", true);
            }
        }
        let shown = names::upper_first(&self.words.run_named(shown, &env));
        // Unlike other steps, RUN shows the platform of the files, which scratch doesn't have.
        let platform = stage.state.platform.clone();
        self.step_name_for(stage, &shown, platform)
    }

    fn run_open(&self, stage: &Stage<'_>) -> Vec<String> {
        let mut open = stage.open_if(|_| true);
        if let Epoch::Open(why) = &self.epoch
            && stage.state.env.get("SOURCE_DATE_EPOCH").is_some_and(|v| !v.known)
        {
            open.push(why.clone());
        }
        open
    }

    #[allow(clippy::too_many_arguments)]
    fn place_run(
        &mut self,
        stage: &mut Stage<'_>,
        place: Place<'_>,
        args: Vec<String>,
        drafts: Vec<DraftMount>,
        made: RunMounts,
        run: &Run,
        name: String,
        open: Vec<String>,
    ) {
        let state = &stage.state;
        let mut env = state.env.clone();
        if let (Some(first), None) = (made.ssh.first(), env.get("SSH_AUTH_SOCK")) {
            env.set("SSH_AUTH_SOCK", &first.dest, true);
        }
        let mut root = bind("/", "");
        (root.read_only, root.output) = (false, 0);
        let mut mounts = vec![DraftMount { source: state.output, mount: root }];
        mounts.extend(drafts);
        mounts.sort_by(|a, b| a.mount.dest.cmp(&b.mount.dest));
        mounts
            .extend(made.secrets.into_iter().chain(made.ssh).map(|mount| DraftMount { source: None, mount }));
        let exec = Exec {
            args,
            env: env.to_strings(),
            cwd: state.dir.clone(),
            user: state.user.clone(),
            hostname: self.hostname.clone(),
            extra_hosts: Vec::new(),
            mounts: Vec::new(),
            network: match run.network.as_deref() {
                Some("host") => 1,
                Some("none") => 2,
                _ => 0,
            },
            security: i32::from(run.security.as_deref() == Some("insecure")),
            secret_env: made.secret_env,
            devices: Vec::new(),
        };
        let platform = state.platform.as_ref().unwrap_or(&self.platforms.target).normalized();
        let looked_up: Vec<(String, String, Lookup)> =
            made.looked_up.into_iter().map(|(w, p, t)| (w, p, Lookup::Mount(t))).collect();
        let label = self.label_named(stage, place, 1, name, looked_up);
        stage.state.output =
            Some(self.nodes.add(Work::Exec(Box::new(exec), mounts), platform, open, Some(label)));
    }

    /// The name and the label of a step in one.
    pub(super) fn label(
        &self,
        stage: &mut Stage<'_>,
        place: Place<'_>,
        part: usize,
        shown: &str,
        sources: Vec<(String, String, Lookup)>,
    ) -> super::nodes::Label {
        let name = self.step_name(stage, shown);
        self.label_named(stage, place, part, name, sources)
    }

    /// Counts a step and names it.
    pub(super) fn step_name(&self, stage: &mut Stage<'_>, shown: &str) -> String {
        let platform = stage.platform.clone();
        self.step_name_for(stage, shown, platform)
    }

    fn step_name_for(&self, stage: &mut Stage<'_>, shown: &str, platform: Option<Platform>) -> String {
        let several = self.multi_platform;
        let env = several.then(|| stage.state.env.clone());
        let name = names::prefixed(stage, shown, platform.as_ref().filter(|_| several), env.as_ref());
        stage.current = Some(name.clone());
        name
    }

    /// The label of a step that has its name.
    pub(super) fn label_named(
        &self,
        stage: &Stage<'_>,
        place: Place<'_>,
        part: usize,
        name: String,
        sources: Vec<(String, String, Lookup)>,
    ) -> super::nodes::Label {
        let instruction = &place.command.instruction;
        super::nodes::Label {
            name,
            stage: stage.shown_name.clone(),
            span: instruction.span,
            instruction: instruction.keyword.to_uppercase(),
            text: instruction.text.clone(),
            onbuild: place.command.onbuild,
            ignore_cache: stage.ignore_cache,
            order: (place.stage, place.number, part),
            sources,
            variables: stage.state.env.shared(),
        }
    }
}

/// Flags that a build refuses.
fn check_flags(run: &Run) -> Result<(), Fail> {
    if let Some(security) = run.security.as_deref().filter(|s| !["sandbox", "insecure"].contains(s)) {
        let text = format!("unsupported security mode {}", super::text::quoted(security));
        return Err(Fail::new("invalid-security", text));
    }
    if let Some(network) = run.network.as_deref().filter(|n| !["default", "none", "host"].contains(n)) {
        let text = format!("unsupported network mode {}", super::text::quoted(network));
        return Err(Fail::new("invalid-network", text));
    }
    if run.devices.is_empty() {
        return Ok(());
    }
    let text = "device feature is only supported in Dockerfile frontend 1.14.0-labs or later";
    Err(Fail::new("device", text)
        .say("RUN --device needs a labs frontend; the frontend that BuildKit has built in refuses it"))
}

/// `withShell`: SHELL, or the system's own, in front of the one line.
pub(super) fn with_shell(config: &Config, args: &[String]) -> Vec<String> {
    let own: &[&str] = if config.os == "windows" { &["cmd", "/S", "/C"] } else { &["/bin/sh", "-c"] };
    let mut out: Vec<String> = if config.shell.is_empty() {
        own.iter().map(|s| (*s).to_owned()).collect()
    } else {
        config.shell.clone()
    };
    out.push(args.join(" "));
    out
}

/// True when the line is one heredoc and nothing else (`parser.MustParseHeredoc`).
fn is_heredoc(line: &str) -> bool {
    let Some(found) = HEREDOC.captures(line) else { return false };
    let lexer = Lexer { skip_unset_env: true, ..Lexer::new('\\') };
    lexer.process_words(&found[1], &()).is_ok_and(|words| words.len() == 1)
}

/// What the platform of an operation without one is.
pub(super) fn no_platform() -> Platform {
    Platform::default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lone_heredoc_is_told_from_one_in_a_command() {
        for yes in ["<<EOF", "<<-EOF", "3<<EOF", "<<'E F'", "<< EOF"] {
            assert!(is_heredoc(yes), "{yes}");
        }
        for no in ["cat <<EOF", "<<A <<B", "<<EOF cat", "<<", "echo"] {
            assert!(!is_heredoc(no), "{no}");
        }
    }
}
