//! The projects of `fixtures/projects`: what `plan` says about each of their builds is what stands in `fixtures/golden`.
//!
//! The golden keys are those that the engine tests compare with a live engine. `UPDATE_GOLDEN=1` writes them anew.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::cli::stowaway_in;
use crate::support::{entry, project};

/// Where the answer to a build is kept.
fn golden(project: &str, build: &project::Build, extension: &str) -> PathBuf {
    let mut name = build.dockerfile.replace('/', "-");
    for word in build.more.iter().filter(|w| !w.starts_with("--")) {
        name.push_str(&format!("+{word}"));
    }
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures/golden")
        .join(project)
        .join(format!("{name}.{extension}"))
}

fn check(project: &str, build: &project::Build, extension: &str, got: &str) -> Option<String> {
    let file = golden(project, build, extension);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::create_dir_all(file.parent().expect("a folder")).expect("making the folder");
        fs::write(&file, got).expect("writing the answer");
        return None;
    }
    let want = fs::read_to_string(&file).unwrap_or_default();
    (want != got).then(|| format!("--- {} says\n{want}--- now\n{got}", file.display()))
}

#[test]
fn plans_of_projects_are_as_kept() {
    let mut bad = Vec::new();
    for project in project::ALL {
        let disk = project::OnDisk::new(project.name);
        for build in project.builds {
            // The text for people is kept for one project; its wording has tests of its own.
            let both = [("json", "json"), ("human", "txt")];
            let kept = if project.name == "alpine-services" { &both[..] } else { &both[..1] };
            for (format, extension) in kept {
                let mut args = vec!["plan".to_owned(), "--format".into(), (*format).into()];
                args.extend(disk.options(build, ""));
                args.extend(["--platform".to_owned(), "linux/amd64".into()]);
                let run = stowaway_in(&disk.context(), args).expect_code(i32::from(build.fails));
                let text = run.text().replace(disk.context().to_str().expect("UTF-8"), "CONTEXT");
                bad.extend(check(project.name, build, extension, &text));
            }
        }
    }
    assert!(bad.is_empty(), "{} answers differ:\n{}", bad.len(), bad.join("\n"));
}

#[test]
fn every_dockerfile_of_a_project_is_built() {
    for project in project::ALL {
        let mut files = Vec::new();
        dockerfiles(&project::folder(project.name), &mut files);
        for file in files {
            let relative = file.strip_prefix(project::folder(project.name)).expect("below the project");
            let listed = project.builds.iter().any(|b| Path::new(b.dockerfile) == relative);
            assert!(listed, "{} is not listed in support/project.rs", file.display());
        }
    }
}

fn dockerfiles(dir: &Path, out: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() && !path.is_symlink() {
            dockerfiles(&path, out);
        } else if path.to_string_lossy().ends_with("Dockerfile") {
            out.push(path);
        }
    }
}

#[test]
fn the_lines_that_the_project_was_created_from_are_where_they_were() {
    let line = |file: &str| {
        let text = fs::read_to_string(project::folder("alpine-services").join("dockerfiles").join(file))
            .expect("text");
        text.lines().nth(68).expect("69 lines").to_owned()
    };
    assert_eq!(
        line("backend.alpine.Dockerfile"),
        "COPY --chown=netra:netra netra_backend /app/netra_backend"
    );
    assert_eq!(
        line("backend.staging.alpine.Dockerfile"),
        "COPY --from=builder --chown=netra:netra /root/.local /home/netra/.local"
    );
    let ignore = fs::read_to_string(project::folder("alpine-services").join(".dockerignore")).expect("text");
    assert_eq!(ignore.lines().count(), 191);
}

#[test]
fn litter_that_the_ignore_file_hides_moves_no_key() {
    let disk = project::OnDisk::new("alpine-services");
    let build = &project::ALL[0].builds[3];
    assert_eq!(build.dockerfile, "dockerfiles/backend.alpine.Dockerfile");
    let plan = || {
        let args =
            [vec!["plan".to_owned(), "--format".into(), "json".into()], disk.options(build, "")].concat();
        let doc = stowaway_in(&disk.context(), args).expect_code(0).json().expect("JSON");
        (doc["records"].clone(), doc["context"]["ignored"].as_u64().expect("a number"))
    };
    let before = plan();
    for folder in ["netra_backend", "netra_backend/app", "netra_backend/app/core", "auth_service", "shared"] {
        let cache = disk.context().join(folder).join("__pycache__");
        fs::create_dir(&cache).expect("a folder");
        entry::set_mode(&cache, 0o755);
        for i in 0..20 {
            fs::write(cache.join(format!("m{i}.cpython-312.pyc")), vec![i; 1000]).expect("a file");
        }
    }
    let after = plan();
    assert_eq!(before.0, after.0);
    // A `!` with a wildcard may reach anywhere, so that the ignored folders are entered, as BuildKit's client does.
    assert_eq!(after.1, before.1 + 5 + 100, "five folders and what is in them are hidden");
}

#[test]
fn the_file_that_the_ignore_file_hides_is_explained() {
    let disk = project::OnDisk::new("alpine-services");
    let build = project::ALL[0].builds.iter().find(|b| b.fails).expect("one build fails");
    let args = [vec!["plan".to_owned(), "--format".into(), "json".into()], disk.options(build, "")].concat();
    let doc = stowaway_in(&disk.context(), args).expect_code(1).json().expect("JSON");
    let error = &doc["errors"][0];
    assert_eq!(doc["errors"].as_array().map(Vec::len), Some(1));
    assert_eq!(error["cause"]["pattern"], "**/docs/");
    assert_eq!(error["cause"]["ignore_file"], ".dockerignore");
    assert!(error["message"].as_str().expect("words").contains("database_scripts/docs/reference_data.sql"));
}
