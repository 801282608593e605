//! ADD of URLs and git repositories.

use super::copy::{Job, Kind, kind_of, plain_copy};
use super::dispatch::Place;
use super::nodes::{Draft, Work};
use super::problem::Fail;
use super::resolve::Resolver;
use super::stage::Stage;
use super::url::Url;
use super::{CopyAction, FileActionKind, Source, chmod, paths};
use crate::image::{Platform, check_digest};

impl Resolver<'_> {
    /// The source as a fetched file or repository; `None` when it is a path.
    ///
    /// # Errors
    /// What BuildKit refuses of it.
    pub(super) fn remote_source(
        &mut self,
        stage: &Stage<'_>,
        place: Place<'_>,
        job: &mut Job<'_>,
        source: &str,
        name: &str,
    ) -> Result<Option<Draft>, Fail> {
        let (fetched, open, copy) = match kind_of(source, job.is_add)? {
            Kind::Path => return Ok(None),
            Kind::Git(git) => {
                if let (Some(flag), Some(query)) = (job.keep_git_dir, git.keep_git_dir)
                    && flag != query
                {
                    return Err(Fail::new("keep-git-dir", "inconsistent keep-git-dir configuration"));
                }
                job.keep_git_dir = git.keep_git_dir.or(job.keep_git_dir);
                if !job.checksum.is_empty() && !git.checksum.is_empty() && job.checksum != git.checksum {
                    return Err(Fail::new("invalid-checksum", chmod::mismatch(&job.checksum, &git.checksum)));
                }
                if !git.checksum.is_empty() {
                    job.checksum = git.checksum;
                }
                let fetched = Source::Git {
                    remote: source.into(),
                    keep_git_dir: job.keep_git_dir == Some(true),
                    checksum: Some(job.checksum.clone()).filter(|c| !c.is_empty()),
                };
                (
                    fetched,
                    vec![format!("the commit behind {source} is not known offline")],
                    plain_copy("/".into()),
                )
            }
            Kind::Http => self.http(job, source)?,
        };
        let label = self.label_named(stage, place, 0, name.to_owned(), Vec::new());
        let node = self.nodes.add(Work::Source(fetched), Platform::default(), open, Some(label));
        Ok(Some(Draft { source: Some(Some(node)), kind: FileActionKind::Copy(copy) }))
    }

    fn http(&self, job: &Job<'_>, source: &str) -> Result<(Source, Vec<String>, CopyAction), Fail> {
        let path = Url::parse(source).map(|u| String::from_utf8_lossy(&u.path).into_owned());
        let base = path.as_deref().map_or(".", paths::base);
        let filename = if base == "." || base == "/" { "__unnamed__" } else { base };
        let checksum = Some(job.checksum.clone()).filter(|c| !c.is_empty());
        let mut open = Vec::new();
        match &checksum {
            Some(checksum) => {
                check_digest(checksum).map_err(|e| Fail::new("invalid-checksum", e))?;
            }
            None => open
                .push(format!("the file behind {source} is not known offline (a --checksum would tell it)")),
        }
        let copy = CopyAction {
            attempt_unpack: job.copy.unpack == Some(true),
            ..plain_copy(paths::join(&["/", &paths::clean(filename)]))
        };
        let url = source.to_owned();
        Ok((Source::Http { url, checksum, filename: filename.into(), git_like: false }, open, copy))
    }
}
