//! GitHub's own cache: one cache for all that have one scope, and only for those who know its address.

use super::build::CacheEntry;
use super::{CiBuild, Findings, How, rules};

/// The scope of an entry without one (BuildKit's `cache/remotecache/gha/gha.go`).
const DEFAULT: &str = "buildkit";
/// What the cache's address is exposed as.
const RUNTIME: [&str; 4] =
    ["ACTIONS_RUNTIME_TOKEN", "ACTIONS_RESULTS_URL", "ACTIONS_CACHE_URL", "ghaction-github-runtime"];

/// Looks at the builds of a workflow.
pub(super) fn find(builds: &[&CiBuild<'_>], found: &mut Findings) {
    builds.iter().for_each(|build| in_matrix(build, found));
    between_builds(builds, found);
    builds.iter().for_each(|build| in_run(build, found));
}

/// The scope as written.
fn scope(entry: &CacheEntry) -> &str {
    entry.attribute("scope").filter(|s| !s.is_empty()).unwrap_or(DEFAULT)
}

/// Whether a scope is the same in every job of a matrix, as far as it can be told.
fn is_shared(scope: &str) -> bool {
    !scope.contains('$')
        || scope.contains("github.")
            && !["matrix.", "strategy.", "runner.", "env.", "steps.", "inputs.", "needs."]
                .iter()
                .any(|c| scope.contains(c))
}

/// Jobs of one matrix that overwrite each other's cache.
fn in_matrix(build: &CiBuild<'_>, found: &mut Findings) {
    let of_matrix = |text: &str| text.contains("matrix.") || text.contains("strategy.job-");
    let differs = of_matrix(&build.other_text()) || of_matrix(&build.job.runs_on);
    if !build.job.matrix || !differs {
        return;
    }
    let Some(entry) = build.to.iter().find(|e| e.is("gha") && is_shared(scope(e))) else { return };
    let scope = scope(entry);
    let message = format!(
        "every job of the matrix of {} writes the cache of the scope {scope}: the last one wins",
        build.job.id
    );
    let finding = found.add(&rules::SCOPE_SHARED, message);
    finding.at(build.label(&entry.text, "the others' cache is gone"));
    finding.help("give each its own in cache-to and cache-from: scope=${{ matrix.… }}");
}

/// Builds of different images with one scope.
fn between_builds(builds: &[&CiBuild<'_>], found: &mut Findings) {
    let writes =
        |build: &CiBuild<'_>| build.to.iter().find(|e| e.is("gha") && !scope(e).contains('$')).cloned();
    let plain = |build: &CiBuild<'_>| !build.what().iter().any(|w| w.contains('$'));
    let mut seen: Vec<(&CiBuild<'_>, CacheEntry)> = Vec::new();
    for build in builds.iter().copied().filter(|b| plain(b)) {
        let Some(entry) = writes(build) else { continue };
        let other = seen.iter().find(|(b, e)| scope(e) == scope(&entry) && b.what() != build.what());
        if let Some((other, first)) = other {
            let message =
                format!("two builds write the cache of the scope {}: the last one wins", scope(&entry));
            let finding = found.add(&rules::SCOPE_SHARED, message);
            finding.at(build.label(&entry.text, "")).at(other.label(&first.text, "the other one"));
            finding.help("give each its own in cache-to and cache-from: scope=NAME");
        }
        seen.push((build, entry));
    }
}

/// A script that has no way to GitHub's cache.
fn in_run(build: &CiBuild<'_>, found: &mut Findings) {
    let How::Command(_) = &build.how else { return };
    if RUNTIME.iter().any(|known| build.workflow.text.contains(known)) {
        return;
    }
    // A local action may expose it as well.
    if build.before().iter().any(|s| s.uses.as_deref().is_some_and(|u| u.starts_with("./"))) {
        return;
    }
    let mut entries = build.to.iter().chain(&build.from);
    let Some(entry) = entries.find(|e| e.is("gha") && e.attribute("token").is_none()) else { return };
    let message = format!(
        "type=gha has no effect here: a script doesn't know the address of GitHub's cache ({})",
        build.name()
    );
    let finding = found.add(&rules::GHA_IN_RUN, message);
    finding.at(build.label(&entry.text, "neither read nor written"));
    finding.help("use docker/build-push-action, or run crazy-max/ghaction-github-runtime before it");
}
