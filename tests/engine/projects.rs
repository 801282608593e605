//! The projects of `fixtures/projects`.

use crate::compare::{Verdict, alone, compare};
use crate::generated::nonce;
use crate::support::engine::engine;
use crate::support::project;

#[test]
fn projects_export_the_records_that_plan_gives() {
    let Some(engine) = engine("projects") else { return };
    let _alone = alone();
    let can = engine.can;
    let mut bad = Vec::new();
    for project in project::ALL {
        let disk = project::OnDisk::new(project.name);
        for build in project.builds {
            if let Some(why) = build.needs.filter(|needs| !needs.offered_by(can)) {
                crate::support::say(&format!(
                    "{} {}: not asked, this engine lacks {why:?}",
                    project.name, build.dockerfile
                ));
                continue;
            }
            // The contents of a project are always the same, so that the engine has to forget them.
            engine.prune();
            match compare(&engine, can, &disk.options(build, &nonce()), &disk.context()) {
                Verdict::Equal if !build.fails => {}
                Verdict::BothFail if build.fails => {}
                verdict => bad.push(format!("{} {}: {verdict:#?}", project.name, build.dockerfile)),
            }
        }
    }
    assert!(bad.is_empty(), "{}", bad.join("\n"));
}
