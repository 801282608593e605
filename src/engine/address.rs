//! Addresses as Docker's and BuildKit's clients read them.

use std::path::PathBuf;

/// An address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// A unix socket.
    Unix(PathBuf),
    /// Host and port.
    Tcp(String, u16),
    /// What ssh takes: user, host, port, and the path of the socket there.
    Ssh(Ssh),
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
}

impl Address {
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
    let (host, port) = host_and_port(place);
    match port.map(str::parse).transpose() {
        // ssh would take a host that starts with a dash for an option.
        Ok(port) if !host.is_empty() && !host.starts_with('-') => {
            Address::Ssh(Ssh { user, host: host.to_owned(), port, path: path.filter(|p| p != "/") })
        }
        _ => Address::Other("it is no address that ssh takes".to_owned()),
    }
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
        };
        assert_eq!(Address::parse("ssh://me@h:2222/run/d.sock", false), Address::Ssh(all));
        let bare = Ssh { host: "h".into(), ..Ssh::default() };
        assert_eq!(Address::parse("ssh://h", false), Address::Ssh(bare));
        assert!(
            matches!(Address::parse("ssh://-oProxyCommand=x", false), Address::Other(_)),
            "no option for ssh"
        );
    }
}
