//! The rules about CI workflows, with their pages.

use super::super::{Group, Rule as Row, Severity};

/// The rules of this group.
pub const RULES: &[Row] =
    &[WORKFLOW_INVALID, SCOPE_SHARED, GHA_IN_RUN, MODE_MIN, GIT_CONTEXT, NEVER_WRITTEN, NO_BUILDER, NO_CACHE];

const fn rule(code: &'static str, severity: Severity, summary: &'static str, page: &'static str) -> Row {
    Row { code, group: Group::Ci, severity, summary, page }
}

/// A workflow that is not YAML.
pub(super) const WORKFLOW_INVALID: Row = rule(
    "ci-workflow-invalid",
    Severity::Warning,
    "A workflow is not YAML",
    "\
GitHub doesn't start a workflow that it can't read.

```yaml
jobs:
  build:
    steps: [
```

Put right:

```yaml
jobs:
  build:
    steps: []
```
",
);

/// One scope for several builds.
pub(super) const SCOPE_SHARED: Row = rule(
    "ci-cache-scope-shared",
    Severity::Warning,
    "Several builds write GitHub's cache under one scope, and overwrite each other's",
    "\
`type=gha` keeps one cache for each scope, and without `scope` there is only one, called `buildkit`. When the jobs of a matrix, or builds of \
different images, write to the same, the last one wins. The next run finds the cache of whichever was last, and the others build everything again.

```yaml
strategy:
  matrix:
    app: [api, web]
steps:
  - uses: docker/build-push-action@v6
    with:
      context: ${{ matrix.app }}
      cache-from: type=gha
      cache-to: type=gha,mode=max
```

Put right:

```yaml
strategy:
  matrix:
    app: [api, web]
steps:
  - uses: docker/build-push-action@v6
    with:
      context: ${{ matrix.app }}
      cache-from: type=gha,scope=${{ matrix.app }}
      cache-to: type=gha,mode=max,scope=${{ matrix.app }}
```
",
);

/// GitHub's cache from a script.
pub(super) const GHA_IN_RUN: Row = rule(
    "ci-gha-cache-in-run",
    Severity::Warning,
    "A script uses GitHub's cache, whose address it isn't told",
    "\
`type=gha` needs the cache's address and a token (`ACTIONS_RESULTS_URL` or `ACTIONS_CACHE_URL`, and `ACTIONS_RUNTIME_TOKEN`). GitHub gives these to \
actions, not to `run:` steps. There the setting is left out without an error, and everything is built anew.

```yaml
- run: docker buildx build --cache-to type=gha,mode=max --cache-from type=gha .
```

Put right:

```yaml
- uses: crazy-max/ghaction-github-runtime@v3
- run: docker buildx build --cache-to type=gha,mode=max --cache-from type=gha .
```
",
);

/// Only the last stage is kept.
pub(super) const MODE_MIN: Row = rule(
    "ci-cache-mode-min",
    Severity::Warning,
    "The exported cache leaves out the stages that do the work",
    "\
Without `mode=max`, only the layers of the resulting image are exported. A Dockerfile that compiles in one stage and copies the result to another \
has nothing of the first stage in its cache: when any of its inputs changes, all its steps run again, the installation of dependencies too.

```yaml
- uses: docker/build-push-action@v6
  with:
    context: .
    cache-to: type=gha
```

Put right:

```yaml
- uses: docker/build-push-action@v6
  with:
    context: .
    cache-to: type=gha,mode=max
```
",
);

/// The commit instead of the folder.
pub(super) const GIT_CONTEXT: Row = rule(
    "ci-git-context",
    Severity::Warning,
    "A build takes the commit from GitHub, not the folder that was changed before",
    "\
Without `context`, docker/build-push-action lets the builder fetch the commit from GitHub. What earlier steps changed, made or downloaded isn't \
there, and neither is an ignore file or a submodule that only they put in place. Where it can't be told whether the build needs what was made, \
this is a note.

```yaml
- uses: actions/checkout@v4
- uses: actions/download-artifact@v4
- uses: docker/build-push-action@v6
  with:
    push: true
```

Put right:

```yaml
- uses: actions/checkout@v4
- uses: actions/download-artifact@v4
- uses: docker/build-push-action@v6
  with:
    context: .
    push: true
```
",
);

/// A cache that is always empty.
pub(super) const NEVER_WRITTEN: Row = rule(
    "ci-cache-never-written",
    Severity::Warning,
    "A build reads GitHub's cache, and no workflow writes it",
    "\
`cache-from: type=gha` finds only what a `cache-to: type=gha` of the same scope has written, in this workflow or in another one of the repository. \
Without one it is always empty.

```yaml
- uses: docker/build-push-action@v6
  with:
    context: .
    cache-from: type=gha
```

Put right:

```yaml
- uses: docker/build-push-action@v6
  with:
    context: .
    cache-from: type=gha
    cache-to: type=gha,mode=max
```
",
);

/// The engine's own builder.
pub(super) const NO_BUILDER: Row = rule(
    "ci-cache-without-builder",
    Severity::Warning,
    "A build exports its cache, and there is no builder that can",
    "\
The engine's own builder (the `docker` driver) exports a cache only into the image, unless the engine keeps images in containerd's store. \
Elsewhere the build fails with \"Cache export is not supported for the docker driver\". A builder of its own is set up by \
docker/setup-buildx-action.

```yaml
- uses: docker/build-push-action@v6
  with:
    context: .
    cache-to: type=gha,mode=max
```

Put right:

```yaml
- uses: docker/setup-buildx-action@v3
- uses: docker/build-push-action@v6
  with:
    context: .
    cache-to: type=gha,mode=max
```
",
);

/// A cache that is never looked at.
pub(super) const NO_CACHE: Row = rule(
    "ci-cache-unused",
    Severity::Warning,
    "A build reads a cache and is told not to use any",
    "\
With `no-cache`, no step is taken from a cache, wherever it comes from.

```yaml
- uses: docker/build-push-action@v6
  with:
    context: .
    no-cache: true
    cache-from: type=gha
```

Put right:

```yaml
- uses: docker/build-push-action@v6
  with:
    context: .
    cache-from: type=gha
```
",
);
