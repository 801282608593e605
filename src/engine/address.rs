//! Addresses as Docker's and BuildKit's clients read them.

use std::path::PathBuf;

use super::endpoint::Endpoint;
use super::program::Program;

/// An address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// A unix socket.
    Unix(PathBuf),
    /// Host and port.
    Tcp(String, u16),
    /// What ssh takes: user, host, port, and the path of the socket there.
    Ssh(Ssh),
    /// A program that carries the connection on its standard input and output.
    Program(Program),
    /// A buildkitd in a container of a Docker engine.
    Container(Container),
    /// One that can't be reached from here, and why.
    Other(String),
}

/// An address behind ssh.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ssh {
    /// The user there.
    pub user: Option<String>,
    /// The machine.
    pub host: String,
    /// The port of its ssh.
    pub port: Option<u16>,
    /// The socket there, when it is not the usual one.
    pub path: Option<String>,
    /// ssh may not ask for anything.
    pub unattended: bool,
}

/// A builder's container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Container {
    /// The Docker engine that has it.
    pub engine: Box<Endpoint>,
    /// Its name.
    pub name: String,
    /// The builder that it belongs to.
    pub builder: String,
}

impl Address {
    /// Reads the address of a buildkitd (`client/connhelper`).
    pub fn of_buildkit(text: &str) -> Self {
        let (scheme, rest) = text.split_once("://").unwrap_or(("", text));
        match scheme {
            "tcp" if host_and_port(rest).1.is_none() => Self::Other("the address names no port".to_owned()),
            "unix" | "tcp" | "ssh" => Self::parse(text, false),
            "docker-container" => in_container("docker", "context", rest),
            "podman-container" => in_container("podman", "", rest),
            "nerdctl-container" => in_container("nerdctl", "namespace", rest),
            "kube-pod" => Self::Other("builders in Kubernetes can't be reached from here".to_owned()),
            "npipe" => Self::Other("named pipes can't be reached from here".to_owned()),
            "" => Self::Other("it is no address: unix://, tcp:// and the like are".to_owned()),
            other => Self::Other(format!("an address with {other}:// can't be reached from here")),
        }
    }

    /// Reads an address; a port that is not named is Docker's.
    pub fn parse(text: &str, tls: bool) -> Self {
        let (scheme, rest) = text.split_once("://").unwrap_or(("tcp", text));
        match scheme {
            "unix" if rest.is_empty() => Self::Other("the address names no socket".to_owned()),
            "unix" => Self::Unix(PathBuf::from(rest)),
            "tcp" | "http" | "https" => tcp(rest, if tls || scheme == "https" { 2376 } else { 2375 }),
            "ssh" => ssh(rest),
            other => Self::Other(format!("an address with {other}:// can't be reached from here")),
        }
    }
}

/// `HOST[:PORT][/…]`, the host perhaps `[::1]`.
fn tcp(rest: &str, usual: u16) -> Address {
    let (host, port) = host_and_port(rest.split('/').next().unwrap_or_default());
    let port = port.map_or(Ok(usual), str::parse);
    match port {
        // As Docker's client does with an address without a host.
        Ok(port) => {
            Address::Tcp(if host.is_empty() { "127.0.0.1".to_owned() } else { host.to_owned() }, port)
        }
        Err(_) => Address::Other("its port is no number".to_owned()),
    }
}

/// `[USER@]HOST[:PORT][/SOCKET]`.
fn ssh(rest: &str) -> Address {
    let (place, path) = rest.split_once('/').map_or((rest, None), |(a, b)| (a, Some(format!("/{b}"))));
    let (user, place) = place.rsplit_once('@').map_or((None, place), |(u, h)| (Some(u.to_owned()), h));
    if user.as_ref().is_some_and(|user| user.contains(':')) {
        return Address::Other("it holds a password, which ssh does not take".to_owned());
    }
    let (host, port) = host_and_port(place);
    match port.map(str::parse).transpose() {
        // ssh would take a host that starts with a dash for an option.
        Ok(port) if !host.is_empty() && !host.starts_with('-') => {
            let path = path.filter(|p| p != "/");
            Address::Ssh(Ssh { user, host: host.to_owned(), port, path, unattended: false })
        }
        _ => Address::Other("it is no address that ssh takes".to_owned()),
    }
}

/// `CONTAINER[?OPTION=…]`: the engine's own client runs `buildctl dial-stdio` there.
fn in_container(client: &str, option: &str, rest: &str) -> Address {
    let (name, query) = rest.split_once('?').unwrap_or((rest, ""));
    let plain = |text: &str| {
        text.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c)) && !text.starts_with('-')
    };
    let value = query.split('&').find_map(|pair| pair.split_once('=').filter(|(k, _)| *k == option));
    let value = value.map(|(_, value)| value).filter(|value| !value.is_empty());
    if name.is_empty() || !plain(name) || !value.is_none_or(plain) {
        return Address::Other("it names no container".to_owned());
    }
    let mut args: Vec<String> = value.map(|value| format!("--{option}={value}")).into_iter().collect();
    args.extend(["exec", "-i", name, "buildctl", "dial-stdio"].map(str::to_owned));
    Address::Program(Program { name: client.to_owned(), args })
}

fn host_and_port(place: &str) -> (&str, Option<&str>) {
    if let Some((host, rest)) = place.strip_prefix('[').and_then(|p| p.split_once(']')) {
        return (host, rest.strip_prefix(':'));
    }
    match place.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') => (host, Some(port)),
        _ => (place, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tcp(host: &str, port: u16) -> Address {
        Address::Tcp(host.to_owned(), port)
    }

    #[test]
    fn addresses_are_read_as_dockers_client_reads_them() {
        assert_eq!(
            Address::parse("unix:///var/run/docker.sock", false),
            Address::Unix("/var/run/docker.sock".into())
        );
        assert_eq!(Address::parse("tcp://build:1234", false), tcp("build", 1234));
        assert_eq!(Address::parse("tcp://build", false), tcp("build", 2375));
        assert_eq!(Address::parse("tcp://build", true), tcp("build", 2376));
        assert_eq!(Address::parse("tcp://[::1]:99/x", false), tcp("::1", 99));
        assert_eq!(Address::parse("tcp://:99", false), tcp("127.0.0.1", 99));
        assert_eq!(Address::parse("build:99", false), tcp("build", 99));
        assert!(matches!(Address::parse("tcp://build:port", false), Address::Other(_)));
        assert!(matches!(Address::parse("npipe:////./pipe/docker", false), Address::Other(_)));
    }

    #[test]
    fn an_ssh_address_may_have_user_port_and_socket() {
        let all = Ssh {
            user: Some("me".into()),
            host: "h".into(),
            port: Some(2222),
            path: Some("/run/d.sock".into()),
            unattended: false,
        };
        assert_eq!(Address::parse("ssh://me@h:2222/run/d.sock", false), Address::Ssh(all));
        let bare = Ssh { host: "h".into(), ..Ssh::default() };
        assert_eq!(Address::parse("ssh://h", false), Address::Ssh(bare));
        assert!(
            matches!(Address::parse("ssh://-oProxyCommand=x", false), Address::Other(_)),
            "no option for ssh"
        );
    }

    #[test]
    fn a_buildkitds_address_may_name_a_container() {
        let args = |text: &str| match Address::of_buildkit(text) {
            Address::Program(program) => format!("{} {}", program.name, program.args.join(" ")),
            other => panic!("{other:?}"),
        };
        assert_eq!(
            args("docker-container://b?context=there"),
            "docker --context=there exec -i b buildctl dial-stdio"
        );
        assert_eq!(args("podman-container://b"), "podman exec -i b buildctl dial-stdio");
        assert_eq!(Address::of_buildkit("tcp://b:1"), tcp("b", 1));
        for text in [
            "tcp://b",
            "kube-pod://b",
            "docker-container://",
            "docker-container://-x",
            "/run/b.sock",
            "npipe://x",
        ] {
            assert!(matches!(Address::of_buildkit(text), Address::Other(_)), "{text}");
        }
    }
}
