//! Builds that are the same one under several names.

use std::collections::BTreeMap;

use super::{Findings, ProjectFacts, rules};
use crate::project::{Build, ContextRef, ProjectKind, join};

/// So many names are said.
const MOST: usize = 8;

/// Tells of builds whose every option is the same, but for their tags.
pub(super) fn find(facts: &ProjectFacts<'_>, found: &mut Findings) {
    let mut groups: BTreeMap<String, Vec<&Build>> = BTreeMap::new();
    for (build, _) in facts.pairs() {
        groups.entry(key(build)).or_default().push(build);
    }
    let mut groups: Vec<Vec<&Build>> = groups.into_values().filter(|g| g.len() > 1).collect();
    groups.sort_by(|a, b| a[0].place.cmp(&b[0].place));
    for group in groups {
        tell(facts, &group, found);
    }
}

fn tell(facts: &ProjectFacts<'_>, group: &[&Build], found: &mut Findings) {
    let first = group[0];
    let names: Vec<&str> = group.iter().take(MOST).map(|b| b.name.as_str()).collect();
    let more = group.len() - names.len();
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let message = format!("{}{more} build the same image", names.join(", "));
    let finding = found.add(&rules::BUILDS_EQUAL, message);
    finding.builds.extend(group.iter().map(|b| b.name.clone()));
    finding.labels.extend(facts.label(&first.place, &first.name, ""));
    finding.labels.extend(
        group.iter().skip(1).take(MOST - 1).filter_map(|b| facts.label(&b.place, &b.name, "the same again")),
    );
    finding.help(match facts.project.kind {
        ProjectKind::Compose => "build it once, and give the other services its `image`",
        ProjectKind::Bake => "make it one target with several tags",
    });
}

/// All that decides what is built, as text.
fn key(build: &Build) -> String {
    let context = match &build.context.value {
        ContextRef::Folder { path, .. } => path.display().to_string(),
        ContextRef::Remote(url) => url.clone(),
    };
    let args: Vec<_> = build.args.iter().map(|(name, v)| (name, &v.value)).collect();
    let named: Vec<_> = build.named.iter().map(|(name, v)| (name, &v.value)).collect();
    let labels: Vec<_> = build.labels.iter().map(|(name, v)| (name, &v.value)).collect();
    let settings: Vec<_> = build.settings.iter().map(|(setting, v)| (setting, &v.value)).collect();
    let platforms: Vec<_> = build.platforms.iter().map(|p| &p.value).collect();
    let target = build.target.as_ref().map(|t| &t.value);
    let dockerfile = dockerfile(build);
    format!("{context:?} {dockerfile} {target:?} {args:?} {named:?} {labels:?} {settings:?} {platforms:?}")
}

/// The Dockerfile as text: the default one is the same as one that is named.
fn dockerfile(build: &Build) -> String {
    use crate::project::DockerfileRef;
    match (&build.dockerfile.value, build.context.value.folder()) {
        (DockerfileRef::Default, Some(folder)) => format!("{:?}", join(folder, "Dockerfile")),
        (DockerfileRef::Path { path, .. }, _) => format!("{path:?}"),
        (other, _) => format!("{other:?}"),
    }
}
