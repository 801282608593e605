//! Whether there is anything to build (`--skip-unchanged`): what is in doubt is built.

use std::collections::BTreeMap;

use super::Job;
use super::options::Options;
use super::predict::{Foreseen, Prediction};
use super::record::Record;
use super::solve::{Driver, Solve};
use crate::diff::Verdict;
use crate::engine::{Docker, Engine, Patience};
use crate::plan::{Op, Plan, Source};

/// Why a build without a record is made.
pub const UNKNOWN: &str = "this engine is not known to have built it";

/// Why a build of these options is never skipped; `None` for one that may be.
pub fn never(options: &Options, solve: &Solve, driver: Driver) -> Option<&'static str> {
    let elsewhere = solve.exports.iter().any(|e| e.kind != "moby" || e.is("push"));
    let doubts = [
        (driver != Driver::Docker, "only a Docker engine can be asked for its images"),
        (options.tags.is_empty(), "the image has no name to ask for"),
        (options.no_cache || !options.no_cache_filter.is_empty(), "the cache may not be used"),
        (options.pull, "registries are to be asked for base images"),
        (solve.exports.len() != 1 || elsewhere, "the result goes elsewhere, too"),
        (!solve.cache_to.is_empty(), "a cache is to be written"),
        (options.metadata_file.is_some(), "only the engine can tell the result's metadata"),
        (!options.secrets.is_empty() || !options.ssh.is_empty(), "secrets and agents may have changed"),
        (options.call.is_some(), "the frontend is asked"),
    ];
    doubts.iter().find(|(is, _)| *is).map(|(_, why)| *why)
}

/// What an engine has under names that a build depends on, or makes.
pub async fn images(engine: &Engine, job: &Job, plan: Option<&Plan>) -> BTreeMap<String, String> {
    let docker = Docker::new(engine.endpoint(), Patience::default());
    let bases = plan.map(bases).unwrap_or_default();
    let mut images = BTreeMap::new();
    for name in job.options.tags.iter().chain(&bases) {
        // An engine that doesn't answer has nothing that could be relied on.
        if let Ok(Some(image)) = docker.image(name).await
            && let Some(id) = image["Id"].as_str()
        {
            images.insert(name.clone(), id.to_owned());
        }
    }
    images
}

/// The images that a build takes by a name that may come to mean another.
fn bases(plan: &Plan) -> Vec<String> {
    let base = |op: &Op| match op {
        Op::Source(Source::Image { reference, .. }) if !reference.contains('@') => Some(reference.clone()),
        _ => None,
    };
    plan.graph.vertices.iter().filter_map(|v| base(&v.op)).collect()
}

/// Whether a build fetches what may have changed since.
fn fetches(plan: &Plan) -> bool {
    let moving = |op: &Op| match op {
        Op::Source(Source::Http { checksum, .. } | Source::Git { checksum, .. }) => checksum.is_none(),
        _ => false,
    };
    plan.graph.vertices.iter().any(|v| moving(&v.op))
}

/// That nothing has changed since the build of `last`, in words; or why that can't be said.
///
/// # Errors
/// What is in doubt, in words.
pub fn unchanged(
    foreseen: &Foreseen,
    last: Option<&Record>,
    asked: &str,
    have: &BTreeMap<String, String>,
    options: &Options,
) -> Result<String, &'static str> {
    let last = last.ok_or(UNKNOWN)?;
    let plan = foreseen.read.plan.as_ref().ok_or("no plan can be made of it")?;
    let key = foreseen.key.as_ref().ok_or("it has no key")?;
    if last.key.as_ref() != Some(&key.digest) {
        return Err("its inputs have changed");
    }
    if last.asked != asked {
        return Err("the options have changed");
    }
    if !foreseen.faults.is_empty() || fetches(plan) {
        return Err("it fetches what may have changed");
    }
    if let Prediction::Made(why) = &foreseen.prediction
        && why.steps.iter().any(|s| s.verdict == Verdict::Rerun || s.likely == Some(Verdict::Rerun))
    {
        return Err("a step would rerun");
    }
    for name in options.tags.iter().chain(&bases(plan)) {
        let (then, now) = (last.images.get(name), have.get(name));
        if then.is_none() || then != now {
            return Err("the engine's images have changed");
        }
    }
    let id = options.tags.first().and_then(|tag| have.get(tag)).map_or("", String::as_str);
    Ok(format!(
        "the inputs, the options and the engine's {} are those of the last build ({id})",
        options.tags.join(", ")
    ))
}

#[cfg(test)]
mod tests {
    use super::super::inputs::Inputs;
    use super::super::options::Flags;
    use super::super::solve::{Capabilities, solve};
    use super::*;

    fn never_of(flags: Flags, driver: Driver) -> Option<&'static str> {
        let options = Options::parse(&flags, &|_| None).unwrap();
        let can = Capabilities {
            driver,
            containerd_store: true,
            several_exporters: true,
            ..Capabilities::default()
        };
        never(&options, &solve(&options, &Inputs::default(), &can).unwrap(), driver)
    }

    fn tagged() -> Flags {
        Flags { context: ".".into(), tags: vec!["x".into()], ..Flags::default() }
    }

    #[test]
    fn an_image_with_a_name_in_a_docker_engine_may_be_skipped() {
        assert_eq!(never_of(tagged(), Driver::Docker), None);
    }

    #[test]
    fn what_is_in_doubt_is_built() {
        let s = |text: &str| vec![text.to_owned()];
        for flags in [
            Flags { tags: Vec::new(), ..tagged() },
            Flags { no_cache: true, ..tagged() },
            Flags { no_cache_filter: s("a"), ..tagged() },
            Flags { pull: true, ..tagged() },
            Flags { push: true, ..tagged() },
            Flags { outputs: s("out"), ..tagged() },
            Flags { outputs: s("type=cacheonly"), ..tagged() },
            Flags { cache_to: s("type=local,dest=c"), ..tagged() },
            Flags { metadata_file: Some("m".into()), ..tagged() },
            Flags { secrets: s("id=a"), ..tagged() },
            Flags { ssh: s("default"), ..tagged() },
            Flags { call: Some("check".into()), ..tagged() },
        ] {
            assert!(never_of(flags, Driver::Docker).is_some());
        }
        assert!(never_of(tagged(), Driver::Remote).is_some());
    }
}
