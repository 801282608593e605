//! Connections through a program that carries them on its standard input and output: ssh, and the clients of container engines.

use std::io;
use std::pin::Pin;
use std::process::Stdio;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::oneshot;

use super::address::Ssh;
use super::endpoint::Kind;
use super::error::printable;
use crate::wording::reason;

/// As much of what a program complains about is kept.
const COMPLAINT: u64 = 4 << 10;

/// A program and its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// Its name, looked for in `PATH`.
    pub name: String,
    /// Its arguments.
    pub args: Vec<String>,
}

impl Program {
    /// `ssh … docker system dial-stdio` as Docker's own client runs it (`cli/connhelper`), `ssh … buildctl dial-stdio` as BuildKit's
    /// (`client/connhelper/ssh`).
    pub fn ssh(ssh: &Ssh, kind: Kind) -> Self {
        let mut args: Vec<String> = Vec::new();
        let mut add = |some: &[&str]| args.extend(some.iter().map(|a| (*a).to_owned()));
        if let Some(user) = &ssh.user {
            add(&["-l", user]);
        }
        if let Some(port) = ssh.port {
            add(&["-p", &port.to_string()]);
        }
        add(&["-o", "ConnectTimeout=30", "-T"]);
        if ssh.unattended {
            // Nobody is there to type a password: the terminal belongs to the progress.
            add(&["-o", "BatchMode=yes"]);
        }
        add(&["--", &ssh.host]);
        let socket = ssh.path.as_ref().map(|path| quoted(&format!("unix://{path}")));
        let command = match (kind, socket) {
            (Kind::Docker, None) => "docker system dial-stdio".to_owned(),
            (Kind::Docker, Some(socket)) => format!("docker --host {socket} system dial-stdio"),
            (Kind::BuildKit, None) => "buildctl dial-stdio".to_owned(),
            (Kind::BuildKit, Some(socket)) => format!("buildctl --addr {socket} dial-stdio"),
        };
        add(&[&command]);
        Self { name: "ssh".to_owned(), args }
    }
}

/// A word for the shell at the other end.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/:._-@%+=,".contains(c);
    if word.chars().all(plain) { word.to_owned() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}

/// A running program as a connection. It ends with it.
pub(super) struct Process {
    name: String,
    input: ChildStdin,
    output: ChildStdout,
    /// What it complained about, once it has ended.
    complaint: oneshot::Receiver<String>,
    /// It has said something.
    spoke: bool,
    _child: Child,
}

impl Process {
    /// Starts it.
    pub(super) fn start(program: &Program) -> io::Result<Self> {
        let mut command = Command::new(&program.name);
        command.args(&program.args).kill_on_drop(true);
        // Ctrl-C on the terminal is for us: we have to end the build before the connection goes.
        command.process_group(0);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        let missing = || io::Error::other("it has no pipes");
        let input = child.stdin.take().ok_or_else(missing)?;
        let output = child.stdout.take().ok_or_else(missing)?;
        let mut errors = child.stderr.take().ok_or_else(missing)?;
        let (said, complaint) = oneshot::channel();
        tokio::spawn(async move {
            let mut bytes = Vec::new();
            let _ = (&mut errors).take(COMPLAINT).read_to_end(&mut bytes).await;
            let _ = said.send(String::from_utf8_lossy(&bytes).into_owned());
            // It must not come to a halt because nobody listens.
            let _ = tokio::io::copy(&mut errors, &mut tokio::io::sink()).await;
        });
        Ok(Self { name: program.name.clone(), input, output, complaint, spoke: false, _child: child })
    }
}

impl AsyncRead for Process {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.output).poll_read(cx, buf))?;
        if !std::mem::replace(&mut self.spoke, true) {
            failed_to_run(&buf.filled()[before..])?;
        }
        if buf.filled().len() > before || buf.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        // The end: a program that has nothing to complain about ended as it should.
        if self.complaint.is_terminated() {
            return Poll::Ready(Ok(()));
        }
        let complaint = ready!(Pin::new(&mut self.complaint).poll(cx)).unwrap_or_default();
        match printable(&complaint) {
            said if said.is_empty() => Poll::Ready(Ok(())),
            said => Poll::Ready(Err(io::Error::other(format!("{} says: {said}", self.name)))),
        }
    }
}

impl AsyncWrite for Process {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match ready!(Pin::new(&mut self.input).poll_write(cx, bytes)) {
            // Why it reads no more is told by whoever reads what it wrote.
            Err(e) if e.kind() == io::ErrorKind::BrokenPipe => Poll::Ready(Ok(bytes.len())),
            other => Poll::Ready(other),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.input).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.input).poll_shutdown(cx)
    }
}

/// A container's runtime that can't run a command says so where the command's output would be.
pub(super) fn failed_to_run(output: &[u8]) -> io::Result<()> {
    if output.starts_with(b"OCI runtime") {
        return Err(io::Error::other(printable(&String::from_utf8_lossy(output))));
    }
    Ok(())
}

/// Why a program did not start.
pub(super) fn not_started(program: &Program, error: &io::Error) -> (String, Option<String>) {
    let why = format!("starting {}: {}", program.name, reason(error));
    let hint = (error.kind() == io::ErrorKind::NotFound)
        .then(|| format!("install {}, or use another address", program.name));
    (why, hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ssh_is_run_as_dockers_and_buildkits_clients_run_it() {
        let ssh = Ssh { host: "h".to_owned(), ..Ssh::default() };
        let args = |ssh: &Ssh, kind| Program::ssh(ssh, kind).args.join(" ");
        assert_eq!(args(&ssh, Kind::Docker), "-o ConnectTimeout=30 -T -- h docker system dial-stdio");
        let all = Ssh {
            user: Some("me".to_owned()),
            port: Some(22),
            path: Some("/run/it's d.sock".to_owned()),
            unattended: true,
            ..ssh
        };
        assert_eq!(
            args(&all, Kind::BuildKit),
            r"-l me -p 22 -o ConnectTimeout=30 -T -o BatchMode=yes -- h buildctl --addr 'unix:///run/it'\''s d.sock' dial-stdio"
        );
    }
}
