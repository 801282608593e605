//! WORKDIR: makes the folder unless it is `/` (`dispatchWorkdir`).

use super::dispatch::Place;
use super::epoch::Epoch;
use super::nodes::{Draft, Label, Work};
use super::problem::Fail;
use super::resolve::Resolver;
use super::stage::Stage;
use super::{FileActionKind, Owner, User, names, paths};
use crate::buildkit::Rule;
use crate::image::Platform;

impl<'a> Resolver<'a> {
    /// WORKDIR of the Dockerfile.
    ///
    /// # Errors
    /// A word that can't be expanded, a path that can't be.
    pub(super) fn workdir(
        &mut self,
        stage: &mut Stage<'a>,
        place: Place<'_>,
        path: &str,
    ) -> Result<(), Fail> {
        let instruction = &place.command.instruction;
        let path = self.word(stage, path)?;
        self.warn_undefined(stage, &path, instruction.span);
        let relative = !paths::is_abs(&path.text, stage.os());
        if relative && !std::mem::replace(&mut stage.workdir_set, true) {
            self.warn_relative(stage, &path.text, instruction.span);
            if path.known {
                self.lint_relative(&path.text);
            }
        }
        stage.workdir_set = true;
        let dir = enter(stage, &path.text).map_err(|e| Fail::new("invalid-path", e))?;
        if let Some(unknown) = &mut stage.unknown {
            unknown.dir = !path.known || (relative && unknown.dir);
        }
        if dir == "/" {
            return Ok(());
        }
        let mut open = stage.open_if(|u| u.dir || u.user || u.image == stage.state.output);
        if let Epoch::Open(why) = &self.epoch {
            open.push(why.clone());
        }
        let kind = FileActionKind::Mkdir {
            path: paths::action_path(&dir, &dir, false),
            mode: 0o755,
            parents: true,
            owner: Some(&stage.config.user).filter(|u| !u.is_empty()).map(|u| Owner::parse(u)),
            timestamp: if self.has(Rule::WorkdirEpoch) { self.epoch.nanoseconds() } else { -1 },
        };
        let name = names::upper_first(&self.words.named(&instruction.text, &stage.state.env));
        let label = self.label(stage, place, 1, &name, Vec::new());
        let work = Work::File(stage.state.output, vec![Draft { source: None, kind }]);
        let label = Label { ignore_cache: false, ..label };
        stage.state.output = Some(self.nodes.add(work, Platform::default(), open, Some(label)));
        Ok(())
    }
}

/// Makes `path` the working directory and returns it with slashes.
///
/// # Errors
/// BuildKit's text for a path on another drive.
pub(super) fn enter(stage: &mut Stage<'_>, path: &str) -> Result<String, String> {
    let os = stage.os().to_owned();
    let dir = paths::normalize(&stage.config.working_dir, path, &os, false)
        .map_err(|e| format!("normalizing workdir: normalizing working directory: {e}"))?;
    stage.config.working_dir = paths::from_slash(&dir, &os);
    stage.state.dir.clone_from(&dir);
    Ok(dir)
}

impl Owner {
    /// `--chown` and USER: `user[:group]`, numbers or names (`llb.WithUser`); the input of a name comes later.
    pub(super) fn parse(text: &str) -> Self {
        let (user, group) = text.split_once(':').map_or((text, None), |(u, g)| (u, Some(g)));
        Self { user: Some(User::parse(user)), group: group.map(User::parse) }
    }
}

impl User {
    /// `root` and numbers are ids (negative ones wrap), the empty name is 0.
    fn parse(text: &str) -> Self {
        match text {
            "root" | "" => Self::Id(0),
            _ => match text.parse::<i32>() {
                Ok(id) => Self::Id(id.cast_unsigned()),
                Err(_) => Self::Name(text.into(), -1),
            },
        }
    }
}
