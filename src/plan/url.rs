//! URLs as Go's `net/url` takes them apart: enough to tell what ADD fetches and under which name.

/// Keys and values of a query, in order.
pub(super) type Query = Vec<(String, String)>;

/// The parts of a URL that a build looks at.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Url {
    /// Before `:`, in lower case; empty for none.
    pub scheme: String,
    /// User, host and port as written; `None` without `//`.
    pub authority: Option<String>,
    /// The path, unescaped.
    pub path: Vec<u8>,
    /// After `?`; empty for none.
    pub query: String,
    /// After `#`, unescaped.
    pub fragment: String,
}

impl Url {
    /// `url.Parse`; `None` where Go gives an error.
    pub fn parse(raw: &str) -> Option<Self> {
        if raw.bytes().any(|b| b < 0x20 || b == 0x7f) {
            return None;
        }
        let (rest, fragment) = raw.split_once('#').unwrap_or((raw, ""));
        let (scheme, rest) = scheme(rest)?;
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let mut url = Self {
            scheme: scheme.to_lowercase(),
            query: query.into(),
            fragment: String::from_utf8_lossy(&unescape(fragment.as_bytes()).ok()?).into_owned(),
            ..Self::default()
        };
        let mut rest = rest;
        if !rest.starts_with('/') {
            if !url.scheme.is_empty() {
                // An opaque rest (`mailto:x`) is no path.
                return Some(url);
            }
            if rest.split('/').next().is_some_and(|first| first.contains(':')) {
                return None;
            }
        }
        if (!url.scheme.is_empty() || !rest.starts_with("///")) && rest.starts_with("//") {
            let (authority, path) = rest[2..].split_at(rest[2..].find('/').unwrap_or(rest.len() - 2));
            if !proper_authority(authority) {
                return None;
            }
            url.authority = Some(authority.into());
            rest = path;
        }
        url.path = unescape(rest.as_bytes()).ok()?;
        Some(url)
    }

    /// The pairs of the query, unescaped, in order (`url.Query`: broken pairs are left out).
    pub fn pairs(&self) -> Query {
        pairs(&self.query).0
    }
}

/// The pairs of a query, and whether all of it could be read (`url.ParseQuery`).
pub(super) fn pairs(query: &str) -> (Query, bool) {
    let mut whole = true;
    let mut out = Vec::new();
    for pair in query.split('&').filter(|p| !p.is_empty()) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        match (plus(key), plus(value)) {
            (Some(key), Some(value)) if !pair.contains(';') => out.push((key, value)),
            _ => whole = false,
        }
    }
    (out, whole)
}

fn plus(text: &str) -> Option<String> {
    let bytes = unescape(text.replace('+', " ").as_bytes()).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// Splits off the scheme (`getScheme`); `None` where Go gives an error.
fn scheme(raw: &str) -> Option<(&str, &str)> {
    for (i, b) in raw.bytes().enumerate() {
        match b {
            b'a'..=b'z' | b'A'..=b'Z' => {}
            b'0'..=b'9' | b'+' | b'-' | b'.' if i > 0 => {}
            b':' if i == 0 => return None,
            b':' => return Some((&raw[..i], &raw[i + 1..])),
            _ => return Some(("", raw)),
        }
    }
    Some(("", raw))
}

/// `parseAuthority`: user information and host have proper characters, the port is a number.
fn proper_authority(authority: &str) -> bool {
    let (user, host) = authority.rsplit_once('@').map_or((None, authority), |(u, h)| (Some(u), h));
    let user_ok = user.is_none_or(|u| {
        u.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._:~!$&'()*+,;=%@".contains(&b))
            && unescape(u.as_bytes()).is_ok()
    });
    let port = match host.strip_prefix('[') {
        Some(rest) => match rest.rsplit_once(']') {
            Some((_, port)) => port,
            None => return false,
        },
        None => host.find(':').map_or("", |i| &host[i..]),
    };
    let port_ok =
        port.is_empty() || port.strip_prefix(':').is_some_and(|p| p.bytes().all(|b| b.is_ascii_digit()));
    let host_ok = host
        .bytes()
        .all(|b| b >= 0x80 || b.is_ascii_alphanumeric() || b"-_.~!$&'()*+,;=:[]<>\"%".contains(&b));
    user_ok && port_ok && host_ok && host_escapes_ok(host)
}

/// In a host, only bytes that are not ASCII may be escaped.
fn host_escapes_ok(host: &str) -> bool {
    let Ok(bytes) = unescape(host.as_bytes()) else { return false };
    let escapes = host.bytes().filter(|b| *b == b'%').count();
    escapes == 0 || bytes.iter().filter(|b| **b >= 0x80).count() >= escapes
}

/// `url.PathUnescape`.
///
/// # Errors
/// Go's text.
pub(super) fn unescape(text: &[u8]) -> Result<Vec<u8>, String> {
    let hex = |b: u8| char::from(b).to_digit(16);
    let mut out = Vec::with_capacity(text.len());
    let mut i = 0;
    while i < text.len() {
        if text[i] != b'%' {
            out.push(text[i]);
            i += 1;
            continue;
        }
        let pair = (text.get(i + 1).copied().and_then(hex), text.get(i + 2).copied().and_then(hex));
        let (Some(high), Some(low)) = pair else {
            let bad = String::from_utf8_lossy(&text[i..text.len().min(i + 3)]).into_owned();
            return Err(format!("invalid URL escape {}", super::text::quoted(&bad)));
        };
        out.push(u8::try_from(high * 16 + low).expect("two digits make a byte"));
        i += 3;
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_taken_apart() {
        let url = Url::parse("HTTPS://u@h.example:8/a%20b/c.tgz?x=1&y=%41#f").unwrap();
        assert_eq!((url.scheme.as_str(), url.authority.as_deref()), ("https", Some("u@h.example:8")));
        assert_eq!((url.path.as_slice(), url.fragment.as_str()), (&b"/a b/c.tgz"[..], "f"));
        assert_eq!(url.pairs(), [("x".into(), "1".into()), ("y".into(), "A".into())]);
    }

    #[test]
    fn what_go_refuses_is_refused() {
        for bad in ["http://h/%zz", "http://h:x/", "http://a b/", ":x", "a:b/c d\u{7f}", "http://[::1/"] {
            assert_eq!(Url::parse(bad), None, "{bad:?}");
        }
        assert!(Url::parse("http://h/a b").is_some());
    }
}
