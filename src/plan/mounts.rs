//! The mounts of RUN (`convert_runmount.go`, `convert_secrets.go`, `convert_ssh.go`), before they are sorted.

use super::dispatch::Place;
use super::nodes::{Draft, DraftMount, Output, Work};
use super::problem::Fail;
use super::resolve::Resolver;
use super::run::no_platform;
use super::stage::Stage;
use super::{ExecMount, ExecMountKind, FileActionKind, Owner, SecretEnv, User, paths};
use crate::dockerfile::{Mount, MountType, Sharing};

/// What the `--mount`s of one RUN come to.
#[derive(Debug, Default)]
pub(super) struct RunMounts {
    pub drafts: Vec<DraftMount>,
    pub secrets: Vec<ExecMount>,
    pub secret_env: Vec<SecretEnv>,
    pub ssh: Vec<ExecMount>,
    /// For bind mounts: source as written, path that is looked up, target.
    pub looked_up: Vec<(String, String, String)>,
}

/// A read-only bind mount.
pub(super) fn bind(dest: &str, selector: &str) -> ExecMount {
    ExecMount {
        input: -1,
        selector: selector.into(),
        dest: dest.into(),
        output: -1,
        read_only: true,
        kind: ExecMountKind::Bind,
    }
}

impl<'a> Resolver<'a> {
    /// All mounts of one RUN.
    ///
    /// # Errors
    /// What BuildKit refuses of them.
    pub(super) fn run_mounts(
        &mut self,
        stage: &Stage<'a>,
        place: Place<'_>,
        mounts: &[Mount],
    ) -> Result<RunMounts, Fail> {
        let mut made = RunMounts::default();
        for (i, mount) in mounts.iter().enumerate() {
            let source = place.command.sources.get(i).copied();
            let from_context = mount.from.is_empty() && mount.kind != MountType::Cache;
            let mut output = Some(self.context);
            if let Some(source) = source.filter(|_| !from_context).map(|s| self.source(stage, place, s)) {
                if !source.dispatched {
                    return Err(too_early(mount));
                }
                output = source.state.output;
            }
            match mount.kind {
                MountType::Secret => secret(mount, &mut made)?,
                MountType::Ssh => made.ssh.push(ssh(mount, made.ssh.len())?),
                MountType::Bind | MountType::Cache | MountType::Tmpfs => {
                    let draft = self.file_mount(stage, mount, output)?;
                    if mount.kind == MountType::Bind {
                        let path = paths::join(&["/", &mount.source]);
                        made.looked_up.push((mount.source.clone(), path, draft.mount.dest.clone()));
                    }
                    made.drafts.push(draft);
                    let set = match source.filter(|_| !from_context) {
                        Some(source) => self.source(stage, place, source).paths,
                        None => self.context_paths,
                    };
                    self.nodes.ask(set, paths::join(&["/", &mount.source]));
                }
            }
        }
        Ok(made)
    }

    fn file_mount(&mut self, stage: &Stage<'a>, mount: &Mount, output: Output) -> Result<DraftMount, Fail> {
        let mut source = if mount.kind == MountType::Tmpfs { None } else { output };
        let kind = match mount.kind {
            MountType::Tmpfs => ExecMountKind::Tmpfs(mount.size),
            MountType::Cache => {
                let id = if mount.id.is_empty() { paths::clean(&mount.target) } else { mount.id.clone() };
                let sharing = match mount.sharing {
                    Sharing::Shared => 0,
                    Sharing::Private => 1,
                    Sharing::Locked => 2,
                };
                ExecMountKind::Cache { id: format!("{}/{id}", self.cache_namespace), sharing }
            }
            _ => ExecMountKind::Bind,
        };
        let target = if paths::clean(&mount.target).starts_with('/') {
            mount.target.clone()
        } else {
            paths::join(&["/", &stage.state.dir, &mount.target])
        };
        if target == "/" {
            return Err(Fail::new("invalid-mount", "invalid mount target \"/\""));
        }
        let mut selector = paths::join(&["/", &mount.source]);
        if selector == "/" {
            selector.clear();
            if mount.uid.is_some() || mount.gid.is_some() || mount.mode.is_some() {
                source = Some(self.cache_folder(mount, source));
                selector = "/cache".into();
            }
        }
        let mount = ExecMount { read_only: mount.read_only, kind, ..bind(&target, &selector) };
        Ok(DraftMount { source, mount })
    }

    /// `[internal] setting cache mount permissions`: a folder with the owner and the mode that were asked for.
    fn cache_folder(&mut self, mount: &Mount, below: Output) -> usize {
        let id = |id: Option<u64>| Some(User::Id(u32::try_from(id.unwrap_or(0)).unwrap_or(u32::MAX)));
        let kind = FileActionKind::Mkdir {
            path: "/cache".into(),
            mode: mode(mount, 0o755) & 0o777,
            parents: false,
            owner: Some(Owner { user: id(mount.uid), group: id(mount.gid) }),
            timestamp: -1,
        };
        let work = Work::File(below, vec![Draft { source: None, kind }]);
        self.nodes.add(work, no_platform(), Vec::new(), None)
    }
}

fn mode(mount: &Mount, default: i32) -> i32 {
    mount.mode.map_or(default, |m| i32::try_from(m & 0x7fff_ffff).unwrap_or(i32::MAX))
}

fn too_early(mount: &Mount) -> Fail {
    // A cache mount without `from` stands on scratch, which may be the name of a stage.
    let from = if mount.from.is_empty() { "scratch" } else { &mount.from };
    let (from, target) = (super::text::quoted(from), super::text::quoted(&mount.target));
    let text = format!(
        "cannot mount from stage {from} to {target}, stage needs to be defined before current command"
    );
    Fail::new("stage-defined-later", text).say(format!("stage {from} stands below the stage that mounts it"))
}

/// Owner, group and mode of a secret or a socket: all three change as soon as one is given.
fn access(mount: &Mount, default: u32) -> (u32, u32, u32) {
    let number = |n: Option<u64>, or: u32| n.map_or(or, |n| u32::try_from(n).unwrap_or(u32::MAX));
    (number(mount.uid, 0), number(mount.gid, 0), number(mount.mode, default))
}

fn secret(mount: &Mount, made: &mut RunMounts) -> Result<(), Fail> {
    let mut id = if mount.source.is_empty() { &mount.id } else { &mount.source }.clone();
    if id.is_empty() {
        if mount.target.is_empty() {
            return Err(Fail::new("invalid-mount", "one of source, target required"));
        }
        paths::base(&mount.target).clone_into(&mut id);
    }
    let mut target = Some(mount.target.clone()).filter(|t| !t.is_empty());
    if let Some(name) = &mount.env {
        made.secret_env.push(SecretEnv { id: id.clone(), name: name.clone(), optional: !mount.required });
    } else {
        target.get_or_insert_with(|| format!("/run/secrets/{}", paths::base(&id)));
    }
    if let Some(dest) = target {
        let (uid, gid, mode) = access(mount, 0o400);
        let kind = ExecMountKind::Secret { id, uid, gid, mode, optional: !mount.required };
        made.secrets.push(ExecMount { output: 0, read_only: false, kind, ..bind(&dest, "") });
    }
    Ok(())
}

fn ssh(mount: &Mount, before: usize) -> Result<ExecMount, Fail> {
    if !mount.source.is_empty() {
        return Err(Fail::new("invalid-mount", "ssh does not support source"));
    }
    let dest = if mount.target.is_empty() {
        format!("/run/buildkit/ssh_agent.{before}")
    } else {
        mount.target.clone()
    };
    let (uid, gid, mode) = access(mount, 0o600);
    let kind = ExecMountKind::Ssh { id: mount.id.clone(), uid, gid, mode, optional: !mount.required };
    Ok(ExecMount { output: 0, read_only: false, kind, ..bind(&dest, "") })
}
