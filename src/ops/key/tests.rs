//! What moves the key, and what doesn't.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::*;
use crate::image::Platform;
use crate::observer::Silent;
use crate::ops::{DockerfileInput, NamedInput};

/// A build that everything below is compared with.
const DOCKERFILE: &str = "# what it is\nARG BASE=scratch\nFROM scratch AS tools\nCOPY tool /bin/tool\n\nFROM scratch AS unused\nCOPY other /o\n\n\
    FROM $BASE AS app\nARG VERSION=1\nENV V=$VERSION\nWORKDIR /srv\nCOPY --from=tools /bin/tool /bin/\nCOPY src /srv/src\n\
    RUN --mount=type=secret,id=token /bin/tool $VERSION\nLABEL l=1\nEXPOSE 80\nVOLUME /data\nSTOPSIGNAL TERM\nHEALTHCHECK --interval=5s CMD x\n\
    ONBUILD RUN y\nUSER 7\nENTRYPOINT [\"e\"]\nCMD [\"c\"]\nMAINTAINER me\n";

const FILES: [(&str, &str); 4] = [("tool", "t"), ("other", "o"), ("src/a", "alpha"), ("src/b", "beta")];

fn folder(dockerfile: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (path, content) in FILES.iter().chain([&("Dockerfile", dockerfile)]) {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    }
    fs::set_permissions(dir.path().join("src"), fs::Permissions::from_mode(0o755)).unwrap();
    dir
}

fn request(root: &Path) -> Request {
    let mut request = Request { context: root.to_owned(), ..Request::default() };
    request.plan.platform = Some(Platform::parse("linux/amd64").unwrap());
    request
}

fn report(request: &Request) -> KeyReport {
    key(request, &Silent).unwrap()
}

fn key_of(dockerfile: &str) -> Digest {
    report(&request(folder(dockerfile).path())).key
}

fn with(change: impl FnOnce(&mut Request, &Path)) -> Digest {
    let dir = folder(DOCKERFILE);
    let mut request = request(dir.path());
    change(&mut request, dir.path());
    report(&request).key
}

#[track_caller]
fn replaced(from: &str, to: &str) -> Digest {
    assert!(DOCKERFILE.contains(from), "{from:?}");
    key_of(&DOCKERFILE.replace(from, to))
}

#[test]
fn changes_of_the_dockerfile_that_change_the_result_move_the_key() {
    let base = key_of(DOCKERFILE);
    let rows = [
        ("ARG VERSION=1", "ARG VERSION=2"),
        ("ENV V=$VERSION", "ENV V=x"),
        ("ENV V=$VERSION", "ENV V=$VERSION W="),
        ("WORKDIR /srv\n", "WORKDIR /srv/x\n"),
        ("COPY src /srv/src", "COPY src /srv/lib"),
        ("COPY src /srv/src", "COPY src/a /srv/src"),
        ("COPY src /srv/src", "COPY --chown=1 src /srv/src"),
        ("/bin/tool $VERSION", "/bin/tool -v $VERSION"),
        ("RUN --mount=type=secret,id=token", "RUN --network=none --mount=type=secret,id=token"),
        ("id=token", "id=other"),
        ("COPY tool /bin/tool", "COPY other /bin/tool"),
        ("LABEL l=1", "LABEL l=2"),
        ("LABEL l=1", "LABEL m=1"),
        ("LABEL l=1\n", ""),
        ("EXPOSE 80", "EXPOSE 80/udp"),
        ("EXPOSE 80", "EXPOSE 80 81"),
        ("VOLUME /data", "VOLUME /data2"),
        ("STOPSIGNAL TERM", "STOPSIGNAL KILL"),
        ("--interval=5s", "--interval=6s"),
        ("HEALTHCHECK --interval=5s CMD x", "HEALTHCHECK NONE"),
        ("HEALTHCHECK --interval=5s CMD x\n", ""),
        ("ONBUILD RUN y", "ONBUILD RUN z"),
        ("USER 7", "USER 8"),
        ("ENTRYPOINT [\"e\"]", "ENTRYPOINT e"),
        ("CMD [\"c\"]", "CMD [\"c\", \"d\"]"),
        ("ENTRYPOINT [\"e\"]", "SHELL [\"/bin/bash\"]\nENTRYPOINT [\"e\"]"),
        ("MAINTAINER me", "MAINTAINER you"),
        ("ARG BASE=scratch", "ARG BASE=alpine"),
    ];
    for (from, to) in rows {
        assert_ne!(replaced(from, to), base, "{from:?} → {to:?}");
    }
}

#[test]
fn changes_of_the_dockerfile_that_change_nothing_leave_the_key() {
    let base = key_of(DOCKERFILE);
    assert_eq!(key_of(&DOCKERFILE.replace("tools", "kit")), base, "names of stages");
    let rows = [
        ("# what it is\n", "# something else\n\n\n"),
        ("COPY other /o", "COPY other /elsewhere\nRUN anything"),
        ("FROM scratch AS unused\nCOPY other /o\n", ""),
        ("COPY src /srv/src", "copy   src \\\n  /srv/src"),
        ("COPY src /srv/src", "COPY ./src/ src"),
        ("LABEL l=1", "LABEL l=\"1\""),
        ("LABEL l=1\nEXPOSE 80\n", "EXPOSE 80/tcp\nLABEL l=1\n"),
        ("EXPOSE 80\nVOLUME /data\n", "VOLUME /data\nEXPOSE 80\n"),
        ("ENV V=$VERSION", "ENV V=1"),
        ("CMD [\"c\"]", "CMD [\"x\"]\nCMD [\"c\"]"),
        // What comes from a stage counts by content: how it was made doesn't matter.
        ("COPY tool /bin/tool", "COPY other /else\nCOPY tool /bin/tool"),
    ];
    for (from, to) in rows {
        assert_eq!(replaced(from, to), base, "{from:?} → {to:?}");
    }
}

#[test]
fn files_count_by_content_and_mode_where_the_target_takes_them() {
    let base = with(|_, _| {});
    let write = |path: &'static str, text: &'static str| {
        with(move |_, root| fs::write(root.join(path), text).unwrap())
    };
    let chmod = |path: &'static str, mode| {
        with(move |_, root| fs::set_permissions(root.join(path), fs::Permissions::from_mode(mode)).unwrap())
    };
    for moved in [
        write("src/a", "other"),
        write("src/new", ""),
        write("tool", "x"),
        chmod("src/a", 0o755),
        chmod("src", 0o700),
    ] {
        assert_ne!(moved, base);
    }
    for same in [write("other", "x"), write("README", "x"), write("src/a", "alpha"), chmod("other", 0o600)] {
        assert_eq!(same, base);
    }
    let touched = with(|_, root| {
        let file = fs::File::options().write(true).open(root.join("src/a")).unwrap();
        file.set_modified(std::time::SystemTime::UNIX_EPOCH).unwrap();
    });
    assert_eq!(touched, base);
    let removed = with(|_, root| fs::remove_file(root.join("src/b")).unwrap());
    let ignored = with(|_, root| fs::write(root.join(".dockerignore"), "src/b\n").unwrap());
    assert_eq!(removed, ignored);
    assert_ne!(removed, base);
}

#[test]
fn options_count_where_they_change_the_result() {
    let base = with(|_, _| {});
    let argument = |key: &'static str, value: &'static str| {
        with(move |r, _| drop(r.plan.build_args.insert(key.into(), value.into())))
    };
    assert_ne!(argument("VERSION", "2"), base);
    assert_eq!(argument("VERSION", "1"), base, "the default by other means");
    assert_eq!(argument("NOBODY_ASKS", "2"), base);
    assert_ne!(with(|r, _| r.plan.platform = Some(Platform::parse("linux/arm64").unwrap())), base);
    assert_ne!(with(|r, _| r.plan.target = Some("tools".into())), base);
    assert_eq!(with(|r, _| r.plan.target = Some("app".into())), base);
    assert_eq!(with(|r, _| r.plan.no_cache = true), base);
    let renamed = with(|r, root| {
        fs::rename(root.join("Dockerfile"), root.join("Other")).unwrap();
        r.dockerfile = DockerfileInput::Path(root.join("Other"));
    });
    assert_eq!(renamed, base);
}

#[test]
fn what_is_assumed_is_told() {
    let of = |dockerfile: &str| report(&request(folder(dockerfile).path()));
    let unknown = of("FROM alpine:3.19\nRUN x\n");
    assert_eq!(unknown.assumes, ["docker.io/library/alpine:3.19 (linux/amd64) stays the same image"]);
    assert_eq!(unknown.steps[0].assumes, unknown.assumes);
    assert!(unknown.steps[1].assumes.is_empty(), "it has nothing of its own to assume");
    assert_eq!(unknown.key, of("FROM alpine:3.19\nRUN x\n").key);
    assert_ne!(unknown.key, of("FROM alpine:3.20\nRUN x\n").key);
    let pinned = "alpine@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    assert!(of(&format!("FROM {pinned}\nRUN x\n")).assumes.is_empty());
    let added = |line: &str| of(&format!("FROM scratch\n{line}\n")).assumes.len();
    assert_eq!(added("ADD https://example.com/x /x"), 1);
    let sum = format!("sha256:{}", "a".repeat(64));
    assert_eq!(added(&format!("ADD --checksum={sum} https://example.com/x /x")), 0);
    assert_eq!(added("ADD https://github.com/a/b.git#main /x"), 1);
    assert_eq!(added(&format!("ADD https://github.com/a/b.git#{} /x", "b".repeat(40))), 0);
}

#[test]
fn a_base_counts_by_its_layers_and_by_what_is_inherited() {
    let with_base = |dockerfile: &str, json: &str| {
        let dir = folder(dockerfile);
        let path = dir.path().join("base.json");
        fs::write(&path, json).unwrap();
        let mut request = request(dir.path());
        request.bases = vec![("alpine".into(), path)];
        report(&request)
    };
    let config = |layer: &str, run: &str| {
        format!(
            r#"{{"os":"linux","architecture":"amd64","config":{run},"rootfs":{{"diff_ids":["sha256:{}"]}},"history":[{{}}]}}"#,
            layer.repeat(64)
        )
    };
    let text = "FROM alpine\nRUN x\n";
    let base = with_base(text, &config("a", "{}"));
    assert!(base.assumes.is_empty(), "{:?}", base.assumes);
    assert_ne!(with_base(text, &config("b", "{}")).key, base.key);
    assert_ne!(with_base(text, &config("a", r#"{"Cmd":["x"]}"#)).key, base.key);
    assert_eq!(with_base("FROM alpine:latest\nRUN x\n", &config("a", "{}")).key, base.key);
    // Of an image that only gives files the config doesn't count.
    let text = "FROM scratch\nCOPY --from=alpine /etc /e\n";
    let base = with_base(text, &config("a", "{}")).key;
    assert_ne!(with_base(text, &config("b", "{}")).key, base);
    assert_eq!(with_base(text, &config("a", r#"{"Cmd":["x"]}"#)).key, base);
}

#[test]
fn an_entrypoint_drops_the_bases_command() {
    let names = |text: &str| -> Vec<String> {
        let all = report(&request(folder(text).path())).image;
        all.into_iter().map(|p| p.name).filter(|n| ["CMD", "ENTRYPOINT"].contains(&n.as_str())).collect()
    };
    assert_eq!(names("FROM scratch AS a\nCMD x\nFROM a\nENTRYPOINT y\n"), ["ENTRYPOINT"]);
    assert_eq!(names("FROM scratch\nCMD x\nENTRYPOINT y\n"), ["ENTRYPOINT", "CMD"]);
}

#[test]
fn a_mount_that_may_be_written_counts_with_the_whole_folder() {
    let text = "FROM scratch\nRUN --mount=type=bind,rw,source=src,target=/s x\n";
    let key = |change: fn(&Path)| {
        let dir = folder(text);
        change(dir.path());
        report(&request(dir.path())).key
    };
    let base = key(|_| {});
    assert_ne!(key(|root| fs::write(root.join("src/a"), "other").unwrap()), base);
    assert_eq!(key(|root| fs::write(root.join("src/a"), "alpha").unwrap()), base);
}

#[test]
fn a_folder_in_the_place_of_a_stage_counts_as_a_whole() {
    for text in ["FROM scratch AS named\n", "FROM named\n", "FROM named\nCOPY tool /t\n"] {
        let key = |content: &str| {
            let (dir, other) = (folder(text), tempfile::tempdir().unwrap());
            let file = other.path().join("f");
            fs::write(&file, content).unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
            let mut request = request(dir.path());
            request.named.insert("named".into(), NamedInput::Folder(other.path().to_owned()));
            report(&request).key
        };
        assert_eq!(key("one"), key("one"), "{text}");
        assert_ne!(key("one"), key("two"), "{text}");
    }
}

#[test]
fn a_build_that_fails_has_no_key() {
    let dir = folder("FROM scratch\nCOPY nope /\n");
    let error = key(&request(dir.path()), &Silent).unwrap_err();
    assert_eq!(error.exit_code(), 1);
    assert_eq!(error.to_string(), "the build would fail: line 2: COPY source `nope` does not exist");
    let dir = folder("FROM scratch\nCOPPY\n");
    assert_eq!(key(&request(dir.path()), &Silent).unwrap_err().exit_code(), 2);
}
