//! Pages of real projects, and of a tree of 100,000 files.

use std::fs;

use crate::chromium::Chromium;
use crate::shop::page;
use crate::support::project;

#[test]
fn the_page_of_every_project_opens_without_a_complaint() {
    let Some(mut chromium) = Chromium::start() else { return };
    for project in project::ALL {
        let disk = project::OnDisk::new(project.name);
        for (nth, build) in project.builds.iter().enumerate() {
            let mut args = vec!["plan".to_owned()];
            args.extend(disk.options(build, ""));
            let args: Vec<&str> = args.iter().map(String::as_str).collect();
            let page = page(&disk.context(), &args, i32::from(build.fails));
            chromium.open(&page.file());
            let what = format!("{} {}", project.name, build.dockerfile);
            chromium.check(&what);
            let interactive = chromium.eval("performance.getEntriesByName('interactive').length === 1");
            assert_eq!(interactive, true, "{what}");
            assert!(
                chromium.eval("document.querySelectorAll('#map .box').length").as_u64() > Some(1),
                "{what}"
            );
            if nth == 0 {
                chromium.look(project.name);
            }
            if project.name == "node-monorepo" && nth == 0 {
                chromium.picture("#hold", 860, "readme-hold");
                chromium.picture("#layers", 700, "readme-layers");
            }
        }
    }
}

#[test]
fn a_page_of_a_hundred_thousand_files_is_small_and_there_within_a_second() {
    let Some(mut chromium) = Chromium::start() else { return };
    let dir = tempfile::Builder::new().prefix("stowaway-large-").tempdir().expect("a folder");
    let mut seed = 7_u64;
    for folder in 0..1000 {
        let path = dir.path().join(format!("pkg{:02}/module-{}/src", folder % 40, folder / 40));
        fs::create_dir_all(&path).expect("a folder");
        for file in 0..100 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let name = path.join(format!("component-{:05}.ts", folder * 100 + file));
            fs::File::create(name).and_then(|f| f.set_len(1 + (seed >> 44) % 9000)).expect("a file");
        }
    }
    fs::write(dir.path().join("Dockerfile"), "FROM scratch\nCOPY pkg0* /x/\nCOPY pkg1* /y/\n")
        .expect("a file");
    fs::write(dir.path().join(".dockerignore"), "pkg3*\n").expect("a file");
    let page = page(dir.path(), &["du"], 0);
    let bytes = fs::metadata(page.file()).expect("the page").len();
    assert!(bytes < 2_000_000, "{bytes}");
    let before = chromium.work();
    chromium.open(&page.file());
    let work = chromium.work() - before;
    assert!(work < 1.0, "the page took its thread {work:.2} s");
    chromium.look("large");
    let before = chromium.work();
    chromium.eval("(() => { const s = document.querySelector('#search'); s.value = 'component-00'; s.dispatchEvent(new Event('input')); })()");
    chromium.settle();
    let work = chromium.work() - before;
    assert!(work < 0.5, "searching took {work:.2} s");
    assert!(chromium.eval("document.querySelector('#found').textContent").to_string().contains("found"));
}
