//! The ports of EXPOSE and the signals of STOPSIGNAL: a bad one fails the build.

use super::text::quoted;

/// `signal.SignalMap` on Linux, without the real-time ones.
const SIGNALS: &[&str] = &[
    "ABRT", "ALRM", "BUS", "CHLD", "CLD", "CONT", "FPE", "HUP", "ILL", "INT", "IO", "IOT", "KILL", "PIPE",
    "POLL", "PROF", "PWR", "QUIT", "SEGV", "STKFLT", "STOP", "SYS", "TERM", "TRAP", "TSTP", "TTIN", "TTOU",
    "URG", "USR1", "USR2", "VTALRM", "WINCH", "XCPU", "XFSZ", "RTMIN", "RTMAX",
];

/// `signal.ParseSignal`.
///
/// # Errors
/// BuildKit's text.
pub(super) fn check_signal(raw: &str) -> Result<(), String> {
    let bad = || Err(format!("invalid signal: {raw}"));
    if let Ok(number) = raw.parse::<i64>() {
        return if number == 0 { bad() } else { Ok(()) };
    }
    let name = raw.to_uppercase();
    let name = name.strip_prefix("SIG").unwrap_or(&name);
    let real_time = |prefix: &str, range: std::ops::RangeInclusive<u32>| {
        name.strip_prefix(prefix).is_some_and(|n| range.clone().any(|i| n == i.to_string()))
    };
    if SIGNALS.contains(&name) || real_time("RTMIN+", 1..=15) || real_time("RTMAX-", 1..=14) {
        Ok(())
    } else {
        bad()
    }
}

/// One word of EXPOSE, `[ip:][host:]port[-port][/proto]`, as ports with their protocols: `80/tcp` (`parsePort`).
///
/// # Errors
/// BuildKit's text.
pub(super) fn ports(raw: &str) -> Result<Vec<String>, String> {
    let (ip, host, container) = parts(raw);
    let (container, protocol) =
        port_of(container).map_err(|e| format!("invalid port: {}: {e}", quoted(raw)))?;
    check_ip(&ip)?;
    let (start, end) = range(container).ok_or_else(|| format!("invalid containerPort: {container}"))?;
    let ports = || Ok((start..=end).map(|port| format!("{port}/{protocol}")).collect());
    if host.is_empty() {
        return ports();
    }
    let (host_start, host_end) = range(host).ok_or_else(|| format!("invalid hostPort: {host}"))?;
    if end - start != host_end - host_start && end != start {
        return Err(format!("invalid ranges specified for container and host Ports: {container} and {host}"));
    }
    ports()
}

/// What BuildKit's checks remark of a word, before it looks at addresses and numbers.
pub(super) fn remarks(raw: &str) -> Vec<(&'static str, String)> {
    let (ip, host, container) = parts(raw);
    if port_of(container).is_err() {
        return Vec::new();
    }
    let mut found = Vec::new();
    if container.split_once('/').is_some_and(|(_, protocol)| protocol != protocol.to_lowercase()) {
        let text = format!("Defined protocol '{raw}' in EXPOSE instruction should be lowercase");
        found.push(("ExposeProtoCasing", text));
    }
    if !ip.is_empty() || !host.is_empty() {
        let text =
            format!("EXPOSE instruction should not define an IP address or host-port mapping, found '{raw}'");
        found.push(("ExposeInvalidFormat", text));
    }
    found
}

/// Address, port of the host, port of the container.
fn parts(raw: &str) -> (String, &str, &str) {
    let parts: Vec<&str> = raw.split(':').collect();
    match parts.as_slice() {
        [port] => (String::new(), "", *port),
        [host, port] => (String::new(), *host, *port),
        [ip @ .., host, port] => (ip.join(":"), *host, *port),
        [] => (String::new(), "", ""),
    }
}

/// The port or ports, and the protocol.
fn port_of(raw: &str) -> Result<(&str, String), String> {
    let (port, protocol) = raw.split_once('/').unwrap_or((raw, ""));
    match protocol.to_lowercase().as_str() {
        _ if port.is_empty() => Err("no port specified".into()),
        "" => Ok((port, "tcp".into())),
        known @ ("tcp" | "udp" | "sctp") => Ok((port, known.into())),
        _ => Err(format!("invalid proto: {protocol}")),
    }
}

fn check_ip(ip: &str) -> Result<(), String> {
    let bare = ip.strip_prefix('[').and_then(|i| i.strip_suffix(']')).unwrap_or(ip);
    if ip.starts_with('[') && bare == ip {
        return Err(format!("invalid IP address {ip}: address {ip}:: missing ']' in address"));
    }
    if ip.is_empty() || bare.parse::<std::net::IpAddr>().is_ok() {
        Ok(())
    } else {
        Err(format!("invalid IP address: {bare}"))
    }
}

fn range(text: &str) -> Option<(u16, u16)> {
    let number =
        |t: &str| t.strip_prefix('+').unwrap_or(t).parse::<u16>().ok().filter(|_| !t.starts_with("++"));
    let (start, end) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (number(start)?, if start == end { number(start)? } else { number(end)? });
    (last >= first).then_some((first, last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_checked() {
        for (good, want) in [
            ("80", "80/tcp"),
            ("80/udp", "80/udp"),
            ("80-82/TCP", "80/tcp 81/tcp 82/tcp"),
            ("127.0.0.1:80:81", "81/tcp"),
            ("[::1]:1:2", "2/tcp"),
            ("8000-8001:80", "80/tcp"),
            ("0", "0/tcp"),
        ] {
            assert_eq!(ports(good).map(|p| p.join(" ")), Ok(want.to_owned()), "{good}");
        }
        for (bad, want) in [
            ("x", "invalid containerPort: x"),
            ("80/foo", "invalid port: \"80/foo\": invalid proto: foo"),
            ("/tcp", "invalid port: \"/tcp\": no port specified"),
            ("90-80", "invalid containerPort: 90-80"),
            ("a:80", "invalid hostPort: a"),
            ("1-2:3-5", "invalid ranges specified for container and host Ports: 3-5 and 1-2"),
            ("nope:1:2", "invalid IP address: nope"),
            ("70000", "invalid containerPort: 70000"),
        ] {
            assert_eq!(ports(bad).unwrap_err(), want);
        }
    }

    #[test]
    fn signals_are_checked() {
        for good in ["9", "SIGTERM", "kill", "sigrtmin+3", "-1"] {
            assert_eq!(check_signal(good), Ok(()), "{good}");
        }
        for bad in ["0", "SIGNOPE", "", "RTMIN+16"] {
            assert_eq!(check_signal(bad).unwrap_err(), format!("invalid signal: {bad}"));
        }
    }
}
