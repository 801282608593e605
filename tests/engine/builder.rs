//! Builders that are no Docker: one with an address (`remote`), and one in a container. What stands in for their buildkitd is the
//! BuildKit in the engine, from which its own address is taken away.

use std::fs;
use std::io::{Read as _, Write as _, copy};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::build::{TREE, context, is_entirely_cached};
use crate::compare::alone;
use crate::faults::real;
use crate::generated::nonce;
use crate::place::{Here, Place};
use crate::sharing::copied_with_libraries;
use crate::support::cli;
use crate::support::engine::engine;

const DOCKERFILE: &str = "FROM scratch\nCOPY app /app\nCOPY --chmod=0700 app/m*.rs /bin/\nENV A=b\n";

/// A socket behind which the engine's BuildKit is as a buildkitd: nothing but gRPC.
fn bare(socket: &Path) {
    let listener = UnixListener::bind(socket).expect("a socket");
    let engine = real();
    std::thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            let server = upgraded(&engine);
            let two = |stream: &UnixStream| stream.try_clone().expect("a stream");
            for (mut from, mut to) in [(two(&client), two(&server)), (two(&server), two(&client))] {
                std::thread::spawn(move || {
                    let _ = copy(&mut from, &mut to);
                    let _ = to.shutdown(Shutdown::Write);
                });
            }
        }
    });
}

fn upgraded(engine: &Path) -> UnixStream {
    let mut server = UnixStream::connect(engine).expect("the engine");
    let asked = b"POST /grpc HTTP/1.1\r\nHost: docker\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 0\r\n\r\n";
    server.write_all(asked).expect("a request");
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        server.read_exact(&mut byte).expect("an answer");
        head.push(byte[0]);
    }
    assert!(head.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&head));
    server
}

/// buildx's state in a folder of its own, with one builder, which is in force.
fn builder(state: &Path, name: &str, create: &[&str]) -> Place {
    let text = |path: &Path| path.to_str().expect("UTF-8").to_owned();
    let config = text(&state.join("buildx"));
    let made = cli::run(
        Command::new("docker")
            .env("BUILDX_CONFIG", &config)
            .env_remove("BUILDX_BUILDER")
            .args(["buildx", "create", "--name", name])
            .args(create),
    );
    made.expect_code(0);
    Place::with("a builder", vec![("BUILDX_CONFIG", config), ("BUILDX_BUILDER", name.to_owned())])
}

/// Archives in both orders are equal, and the second build is entirely cached.
fn is_used_as_by_buildx(place: &Place) {
    for ours_first in [true, false] {
        let here = Here::new(place, context(TREE, DOCKERFILE));
        let output = |whose: &str| format!("type=oci,dest={}", here.at(whose));
        let (mine, theirs) = (output("mine"), output("theirs"));
        let args = |output| ["--build-arg", "SOURCE_DATE_EPOCH=1", "--provenance", "false", "-o", output];
        here.both(&args(&mine), &args(&theirs), ours_first);
        let [mine, theirs] = ["mine", "theirs"].map(|whose| fs::read(here.at(whose)).expect("an archive"));
        assert!(mine == theirs && !mine.is_empty(), "ours first: {ours_first}");
    }
}

#[test]
fn a_buildkitd_with_an_address_is_used_as_by_buildx() {
    let Some(_) = engine("a remote builder") else { return };
    let _alone = alone();
    let state = tempfile::tempdir().expect("a folder");
    let socket = state.path().join("bare.sock");
    bare(&socket);
    let address = format!("unix://{}", socket.display());
    let place = builder(state.path(), "stowaway-remote", &["--driver", "remote", &address]);
    is_used_as_by_buildx(&place);
    // Loaded into Docker, where no builder is.
    let here = Here::new(&place, context(TREE, DOCKERFILE));
    let (mine, theirs) = (place.image("loaded-ours"), place.image("loaded-theirs"));
    let args = |name| ["--build-arg", "SOURCE_DATE_EPOCH=1", "--provenance", "false", "--load", "-t", name];
    here.both(&args(&mine.name), &args(&theirs.name), true);
    assert_eq!((mine.id(), mine.config()), (theirs.id(), theirs.config()));
    // By its address alone, without buildx.
    let mut command = here.command(&["--progress", "rawjson", "-o", &here.at("out")]);
    let run = cli::run(
        command
            .env_remove("BUILDX_BUILDER")
            .env("BUILDX_CONFIG", here.at("none"))
            .env("BUILDKIT_HOST", &address),
    );
    is_entirely_cached(&run.expect_code(0).stderr);
    assert!(Path::new(&here.at("out/app/main.rs")).exists());
}

/// What is gone when the test is over, and how.
struct Gone(Vec<Vec<String>>);

impl Gone {
    fn after(&mut self, command: &[&str]) {
        self.0.push(command.iter().map(|word| (*word).to_owned()).collect());
    }
}

impl Drop for Gone {
    fn drop(&mut self) {
        for command in self.0.iter().rev() {
            let _ = Command::new("docker").args(command).output();
        }
    }
}

fn docker(args: &[&str]) -> String {
    cli::run(Command::new("docker").args(args)).expect_code(0).text().trim().to_owned()
}

/// Where a path of the engine's is for us: below a root of its own, where it has one.
fn seen_from_here(path: &str) -> PathBuf {
    let socket = real();
    let roots = socket.ancestors().map(|root| root.join(path.trim_start_matches('/')));
    roots.into_iter().find(|place| place.is_dir()).unwrap_or_else(|| panic!("{path} is nowhere here"))
}

/// An image with a `buildctl` that knows of `dial-stdio` no more than it needs.
fn image_with_buildctl(name: &str) {
    let dockerfile = "FROM scratch\nCOPY root/ /\nENV PATH=/bin\nCMD [\"sleep\", \"600\"]\n";
    let folder = context("dir root 0755\ndir root/bin 0755\nfile root/bin/buildctl 0755 \"\"", dockerfile);
    for program in ["/bin/sh", "/bin/sleep"] {
        copied_with_libraries(Path::new(program), Path::new(program), folder.path());
    }
    let path = std::env::var_os("PATH").expect("a PATH");
    let client = std::env::split_paths(&path).map(|folder| folder.join("docker")).find(|p| p.is_file());
    copied_with_libraries(&client.expect("docker"), Path::new("/bin/docker"), folder.path());
    let script = "#!/bin/sh\nif [ \"$1\" = dial-stdio ]; then exec docker -H unix:///shared/bare.sock system dial-stdio; fi\n";
    fs::write(folder.path().join("root/bin/buildctl"), script).expect("a file");
    docker(&["buildx", "build", "-q", "--load", "-t", name, folder.path().to_str().expect("UTF-8")]);
}

#[test]
fn a_buildkitd_in_a_container_is_used_as_by_buildx() {
    let Some(_) = engine("a builder in a container") else { return };
    let _alone = alone();
    let (state, mut gone) = (tempfile::tempdir().expect("a folder"), Gone(Vec::new()));
    let name = format!("stowaway-{}", nonce());
    let image = format!("stowaway-test/builder:{}", nonce());
    image_with_buildctl(&image);
    gone.after(&["image", "rm", "--force", &image]);
    docker(&["volume", "create", &name]);
    gone.after(&["volume", "rm", "--force", &name]);
    bare(
        &seen_from_here(&docker(&["volume", "inspect", "--format", "{{.Mountpoint}}", &name]))
            .join("bare.sock"),
    );
    // What buildx would make, had it the image of a buildkitd.
    let (container, volume) = (format!("buildx_buildkit_{name}0"), format!("{name}:/shared"));
    docker(&["create", "--name", &container, "--network", "none", "-v", &volume, &image]);
    gone.after(&["rm", "--force", &container]);
    let place = builder(state.path(), &name, &["--driver", "docker-container"]);
    is_used_as_by_buildx(&place);
    docker(&["stop", "--timeout", "0", &container]);
    // It is started again, and by us.
    let here = Here::new(&place, context(TREE, DOCKERFILE));
    here.mine(&["-o", &here.at("out")]);
    assert!(Path::new(&here.at("out/app/main.rs")).exists());
}
