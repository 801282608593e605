//! The changes of a change scenario.

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use serde::Deserialize;

use super::case::OnDisk;
use super::entry::{self, Entry, Random, Repeat};

/// One change, as `fixtures/buildkit/README.md` describes it.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case", deny_unknown_fields)]
pub enum Mutation {
    Write {
        path: String,
        content: Option<String>,
        content_b64: Option<String>,
        repeat: Option<Repeat>,
        random: Option<Random>,
        #[serde(default)]
        keep_mtime: bool,
    },
    Add {
        entry: Box<Entry>,
    },
    Delete {
        path: String,
    },
    Chmod {
        path: String,
        mode: String,
    },
    Chown {
        path: String,
        uid: u32,
        gid: u32,
    },
    Touch {
        path: String,
    },
    Rename {
        from: String,
        to: String,
    },
    Swap {
        a: String,
        b: String,
    },
    Symlink {
        path: String,
        linkname: String,
    },
    Setxattr {
        path: String,
        name: String,
        value_b64: String,
    },
    SetRootMode {
        mode: String,
    },
    SetDockerfile {
        text: String,
    },
    SetIgnore {
        name: String,
        text: String,
    },
    SetBuildArg {
        name: String,
        value: String,
    },
    SetTarget {
        target: Option<String>,
    },
    SetSecret {
        name: String,
        value: String,
    },
    SetFrontendOpt {
        name: String,
        value: Option<String>,
    },
    Recreate,
}

impl OnDisk {
    /// Applies one change.
    pub fn apply(&mut self, mutation: &Mutation) {
        if self.apply_to_options(mutation) {
            return;
        }
        let at = |path: &str| self.context().join(path);
        match mutation {
            Mutation::Write { path, content, content_b64, repeat, random, keep_mtime } => {
                let data = entry::content_of(
                    content.as_ref(),
                    content_b64.as_ref(),
                    repeat.as_ref(),
                    random.as_ref(),
                );
                overwrite(&at(path), &data, *keep_mtime);
            }
            Mutation::Add { entry } => {
                entry.put(&self.context());
                entry::finish_dirs(&self.context(), [&**entry]);
            }
            Mutation::Delete { path } => entry::unlink(&at(path)),
            Mutation::Chmod { path, mode } => entry::set_mode(&at(path), entry::parse_mode(mode)),
            Mutation::Chown { path, uid, gid } => {
                std::os::unix::fs::lchown(at(path), Some(*uid), Some(*gid)).expect("chown");
            }
            Mutation::Touch { path } => touch(&at(path)),
            Mutation::Rename { from, to } => {
                entry::make_parents(&at(to));
                fs::rename(at(from), at(to)).expect("rename");
            }
            Mutation::Swap { a, b } => swap(&at(a), &at(b), &at(".swap-tmp")),
            Mutation::Symlink { path, linkname } => {
                entry::unlink(&at(path));
                std::os::unix::fs::symlink(linkname, at(path)).expect("a link");
            }
            Mutation::Setxattr { path, name, value_b64 } => {
                entry::set_xattr(&at(path), name, &entry::unbase64(value_b64));
            }
            Mutation::SetRootMode { mode } => entry::set_mode(&self.context(), entry::parse_mode(mode)),
            Mutation::Recreate => self.materialise(),
            other => panic!("not applied: {other:?}"),
        }
    }

    /// Applies changes that move more than a file of the context; false for the others.
    fn apply_to_options(&mut self, mutation: &Mutation) -> bool {
        match mutation {
            Mutation::SetDockerfile { text } => {
                self.case.dockerfile.text = Some(text.clone());
                self.write_text(&self.case.dockerfile);
            }
            Mutation::SetIgnore { name, text } => {
                Entry::text(name, "0644", text).put(&self.context());
            }
            Mutation::SetBuildArg { name, value } => {
                self.case.build_args.insert(name.clone(), value.clone());
            }
            Mutation::SetTarget { target } => self.case.target.clone_from(target),
            Mutation::SetSecret { name, value } => {
                self.case.secrets.insert(name.clone(), value.clone());
                self.write_secrets();
            }
            Mutation::SetFrontendOpt { name, value: Some(value) } => {
                self.case.frontend_opts.insert(name.clone(), value.clone());
            }
            Mutation::SetFrontendOpt { name, value: None } => {
                self.case.frontend_opts.remove(name);
            }
            _ => return false,
        }
        true
    }
}

fn overwrite(path: &Path, data: &[u8], keep_mtime: bool) {
    let before = fs::metadata(path).expect("the file is there").modified().expect("a time");
    fs::write(path, data).expect("writing in place");
    if keep_mtime {
        fs::File::options()
            .write(true)
            .open(path)
            .and_then(|f| f.set_modified(before))
            .expect("the old time");
    }
}

fn touch(path: &Path) {
    let time = SystemTime::now() + Duration::from_secs(5);
    let ns = time.duration_since(SystemTime::UNIX_EPOCH).expect("after 1970").as_nanos();
    entry::set_mtime(path, i128::try_from(ns).expect("a time in this century"));
}

fn swap(a: &Path, b: &Path, spare: &Path) {
    for (from, to) in [(a, spare), (b, a), (spare, b)] {
        fs::rename(from, to).expect("rename");
    }
}
