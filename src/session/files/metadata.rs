//! What a call of DiffCopy says in its headers (`session/filesync/filesync.go`, `decodeOpts`).

use http::HeaderMap;

use crate::context::Request;

/// The name of the local that is asked for, and what of it.
pub(super) fn decode(headers: &HeaderMap) -> (String, Request) {
    let name = values(headers, "dir-name").into_iter().next().unwrap_or_default();
    let request = Request {
        includes: values(headers, "include-patterns"),
        excludes: values(headers, "exclude-patterns"),
        follow_paths: values(headers, "followpaths"),
    };
    (String::from_utf8_lossy(&name).into_owned(), request)
}

/// All values of a key. They are encoded if the key says so, and raw bytes from engines before BuildKit 0.13.
fn values(headers: &HeaderMap, key: &str) -> Vec<Vec<u8>> {
    let encoded = headers.get(format!("{key}-encoded")).is_some_and(|flag| is_true(flag.as_bytes()));
    let raw = headers.get_all(key).iter().map(|value| value.as_bytes());
    match encoded {
        true => raw.map(|value| unescape(value).unwrap_or_default()).collect(),
        false => raw.map(<[u8]>::to_vec).collect(),
    }
}

/// Go's `strconv.ParseBool`.
fn is_true(text: &[u8]) -> bool {
    matches!(text, b"1" | b"t" | b"T" | b"TRUE" | b"true" | b"True")
}

/// Go's `url.QueryUnescape`; `None` where it fails, which the client takes for an empty value.
fn unescape(text: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, tail @ ..] = rest {
        rest = tail;
        match first {
            b'+' => out.push(b' '),
            b'%' => {
                let [high, low, tail @ ..] = rest else { return None };
                out.push(hex(*high)? << 4 | hex(*low)?);
                rest = tail;
            }
            other => out.push(*other),
        }
    }
    Some(out)
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderName, HeaderValue};

    fn headers(pairs: &[(&'static str, &[u8])]) -> HeaderMap {
        let pair = |(key, value): &(&'static str, &[u8])| {
            (HeaderName::from_static(key), HeaderValue::from_bytes(value).unwrap())
        };
        let mut map = HeaderMap::new();
        pairs.iter().map(pair).for_each(|(key, value)| {
            map.append(key, value);
        });
        map
    }

    #[test]
    fn raw_values_are_taken_as_they_are() {
        let (name, request) = decode(&headers(&[
            ("dir-name", b"context"),
            ("dir-name", b"second"),
            ("followpaths", b"a+b%20"),
            ("followpaths", b"\xc3\xa9*"),
            ("followpaths", b"\xff"),
            ("exclude-patterns", b"!x"),
            ("include-patterns", b"in"),
        ]));
        assert_eq!(name, "context");
        assert_eq!(request.follow_paths, [&b"a+b%20"[..], b"\xc3\xa9*", b"\xff"]);
        assert_eq!((request.excludes, request.includes), (vec![b"!x".to_vec()], vec![b"in".to_vec()]));
    }

    #[test]
    fn encoded_values_are_decoded_key_by_key() {
        let (_, request) = decode(&headers(&[
            ("followpaths", b"d%2Fbig"),
            ("followpaths", b"%C3%A9%2A+x"),
            ("followpaths-encoded", b"1"),
            ("exclude-patterns", b"%41"),
            ("exclude-patterns-encoded", b"0"),
        ]));
        assert_eq!(request.follow_paths, ["d/big".as_bytes(), "é* x".as_bytes()]);
        assert_eq!(request.excludes, [b"%41"]);
    }

    #[test]
    fn what_go_cannot_decode_is_an_empty_value() {
        for bad in [&b"%"[..], b"a%4", b"%zz", b"ok%"] {
            let (_, request) = decode(&headers(&[("followpaths", bad), ("followpaths-encoded", b"true")]));
            assert_eq!(request.follow_paths, [b""], "{bad:?}");
        }
    }

    #[test]
    fn without_headers_everything_of_the_nameless_local_is_wanted() {
        assert_eq!(decode(&HeaderMap::new()), (String::new(), Request::default()));
    }
}
