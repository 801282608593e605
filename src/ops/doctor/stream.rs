//! Connections to engines.

use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::os::unix::net::UnixStream;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use super::endpoint::{Address, Ssh};

/// A connection.
pub trait Stream: Read + Write + Send {}

impl Stream for UnixStream {}
impl Stream for TcpStream {}
impl Stream for Pipe {}

/// Connects; reading and writing take no longer than `patience` each.
pub fn connect(address: &Address, patience: Duration) -> io::Result<Box<dyn Stream>> {
    match address {
        Address::Unix(path) => {
            let stream = UnixStream::connect(path)?;
            stream.set_read_timeout(Some(patience))?;
            stream.set_write_timeout(Some(patience))?;
            Ok(Box::new(stream))
        }
        Address::Tcp(host, port) => Ok(Box::new(tcp(host, *port, patience)?)),
        Address::Ssh(ssh) => Ok(Box::new(Pipe::new(ssh)?)),
        Address::Other(why) => Err(io::Error::new(io::ErrorKind::Unsupported, why.clone())),
    }
}

/// Connects to the first of a host's addresses that listens.
fn tcp(host: &str, port: u16, patience: Duration) -> io::Result<TcpStream> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
    for address in (host, port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, patience) {
            Ok(stream) => {
                stream.set_read_timeout(Some(patience))?;
                stream.set_write_timeout(Some(patience))?;
                return Ok(stream);
            }
            Err(e) => last = e,
        }
    }
    Err(last)
}

/// `ssh … docker system dial-stdio`, as Docker's own client runs it.
struct Pipe {
    child: Child,
    input: ChildStdin,
    output: ChildStdout,
}

impl Pipe {
    fn new(ssh: &Ssh) -> io::Result<Self> {
        let mut command = Command::new("ssh");
        // Never asks for a password: there is nobody to answer.
        command.args(["-o", "BatchMode=yes", "-o", "ConnectTimeout=5", "-T"]);
        if let Some(user) = &ssh.user {
            command.args(["-l", user]);
        }
        if let Some(port) = ssh.port {
            command.args(["-p", &port.to_string()]);
        }
        command.args(["--", &ssh.host, "docker"]);
        if let Some(path) = &ssh.path {
            command.args(["--host", &format!("unix://{path}")]);
        }
        command.args(["system", "dial-stdio"]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let missing = || io::Error::other("ssh has no pipes");
        let input = child.stdin.take().ok_or_else(missing)?;
        let output = child.stdout.take().ok_or_else(missing)?;
        Ok(Self { child, input, output })
    }
}

impl Read for Pipe {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.output.read(buffer)
    }
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.input.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.input.flush()
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
