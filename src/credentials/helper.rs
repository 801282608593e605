//! Credential helpers: programs that are asked for a registry's credentials (`docker/docker-credential-helpers`).

use std::io::{self, Read, Write};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde::Deserialize;

use super::{Credentials, MAX_LENGTH, Secret};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    username: String,
    secret: String,
}

/// Asks a helper: `docker-credential-NAME get` with the registry on its standard input.
pub(super) fn ask(helper: &str, server: &str, patience: Duration) -> Result<Option<Credentials>, String> {
    let program = format!("docker-credential-{helper}");
    if helper.contains(['/', '\\']) {
        return Err(format!("{program:?} is no name of a credential helper"));
    }
    let output = run(&program, server, patience).map_err(|why| format!("{program}: {why}"))?;
    if !output.success {
        let said = said(&output.stdout);
        // What `docker-credential-helpers` prints when it just has nothing.
        if said.contains("credentials not found") {
            return Ok(None);
        }
        return Err(format!("{program} fails: {said}"));
    }
    let answer: Answer = serde_json::from_slice(&output.stdout)
        .map_err(|_| format!("{program} answers with something else"))?;
    if answer.secret.is_empty() {
        return Ok(None);
    }
    let secret = match answer.username.as_str() {
        "<token>" => Secret::Identity(answer.secret),
        _ => Secret::Password { user: answer.username, password: answer.secret },
    };
    Ok(Some(Credentials { secret, source: program }))
}

/// A helper's message; never what might hold an answer.
fn said(stdout: &[u8]) -> String {
    let text = String::from_utf8_lossy(stdout);
    let line = text.lines().next().unwrap_or_default().trim();
    if line.is_empty() || line.contains(['{', '"']) {
        return "it doesn't say why".into();
    }
    line.chars().filter(|c| !c.is_control()).take(200).collect()
}

struct Output {
    success: bool,
    stdout: Vec<u8>,
}

fn run(program: &str, input: &str, patience: Duration) -> Result<Output, String> {
    let mut command = Command::new(program);
    command.arg("get").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().map_err(|e| match e.kind() {
        io::ErrorKind::NotFound => "there is no such program".to_owned(),
        _ => e.to_string(),
    })?;
    if let Some(mut stdin) = child.stdin.take() {
        // A helper that doesn't read its input says what it thinks all the same.
        let _ = stdin.write_all(input.as_bytes());
    }
    let stdout = child.stdout.take().ok_or("no output")?;
    let (send, receive) = std::sync::mpsc::channel();
    // A program of the helper's may keep the pipe open when the helper is gone: nobody waits for this thread.
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = stdout.take(MAX_LENGTH).read_to_end(&mut bytes);
        let _ = send.send(bytes);
    });
    let until = Instant::now() + patience;
    let stdout = receive.recv_timeout(patience).ok();
    let status = stdout.is_some().then(|| wait(&mut child, until)).flatten();
    match (stdout, status) {
        (Some(stdout), Some(success)) => Ok(Output { success, stdout }),
        _ => {
            let _ = child.kill();
            let _ = child.wait();
            Err(format!("no answer within {} seconds", patience.as_secs_f32()))
        }
    }
}

/// Whether it ended well; `None` when it goes on.
fn wait(child: &mut Child, until: Instant) -> Option<bool> {
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Some(status.success()),
            Ok(None) if Instant::now() < until => std::thread::sleep(Duration::from_millis(5)),
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn script(text: &str) -> (tempfile::TempDir, String) {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("helper");
        fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        let name = path.to_string_lossy().into_owned();
        (folder, name)
    }

    fn ran(text: &str, patience: Duration) -> Result<Output, String> {
        let (_folder, program) = script(text);
        // A file that another test's child still has open for writing can't be run for a moment.
        loop {
            match run(&program, "https://r.io", patience) {
                Err(why) if why.contains("busy") => std::thread::sleep(Duration::from_millis(5)),
                other => return other,
            }
        }
    }

    #[test]
    fn a_helper_gets_the_registry_on_its_input() {
        let output = ran("read x; echo \"$1 $x\"; exit 3", Duration::from_secs(20)).unwrap();
        assert_eq!((output.success, output.stdout.as_slice()), (false, &b"get https://r.io\n"[..]));
    }

    #[test]
    fn a_helper_that_hangs_is_ended() {
        let started = Instant::now();
        let error = ran("sleep 30", Duration::from_millis(200)).err().unwrap();
        assert!(error.starts_with("no answer within"), "{error}");
        assert!(started.elapsed() < Duration::from_secs(20));
    }

    #[test]
    fn what_looks_like_an_answer_is_not_shown() {
        assert_eq!(said(b"{\"Secret\":\"s\"}\n"), "it doesn't say why");
        assert_eq!(said(b"no keychain\x07\nmore"), "no keychain");
    }
}
