//! `WWW-Authenticate`: how a registry says what it wants (RFC 9110, the distribution project's token authentication).

/// What a registry wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Challenge {
    /// A name and a password.
    Basic,
    /// A token from another server.
    Bearer {
        /// Where tokens are given.
        realm: String,
        service: Option<String>,
        scope: Option<String>,
    },
}

impl Challenge {
    /// The best of what a header offers: a token before a password; `None` for ways that aren't known.
    pub fn parse(header: &str) -> Option<Self> {
        let mut basic = None;
        for (scheme, parameters) in offers(header) {
            let get = |name: &str| {
                parameters.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.clone())
            };
            if scheme.eq_ignore_ascii_case("bearer")
                && let Some(realm) = get("realm")
            {
                return Some(Self::Bearer { realm, service: get("service"), scope: get("scope") });
            }
            if scheme.eq_ignore_ascii_case("basic") {
                basic = Some(Self::Basic);
            }
        }
        basic
    }
}

type Parameters = Vec<(String, String)>;

/// `Scheme a=b, c="d", Other e=f` → each scheme with its parameters.
fn offers(mut text: &str) -> Vec<(String, Parameters)> {
    let mut out: Vec<(String, Parameters)> = Vec::new();
    loop {
        text = text.trim_start_matches([' ', '\t', ',']);
        let word = take_word(&mut text);
        if word.is_empty() {
            return out;
        }
        match text.trim_start().strip_prefix('=') {
            Some(rest) => {
                text = rest.trim_start();
                let value = take_value(&mut text);
                if let Some((_, parameters)) = out.last_mut() {
                    parameters.push((word, value));
                }
            }
            None => out.push((word, Vec::new())),
        }
    }
}

fn take_word(text: &mut &str) -> String {
    let end = text.find([' ', '\t', ',', '=', '"']).unwrap_or(text.len());
    let (word, rest) = text.split_at(end);
    *text = rest;
    word.to_owned()
}

fn take_value(text: &mut &str) -> String {
    let Some(quoted) = text.strip_prefix('"') else { return take_word(text) };
    let mut value = String::new();
    let mut chars = quoted.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => {
                *text = &quoted[at + 1..];
                return value;
            }
            '\\' => value.extend(chars.next().map(|(_, c)| c)),
            c => value.push(c),
        }
    }
    *text = "";
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bearer(realm: &str, service: Option<&str>, scope: Option<&str>) -> Option<Challenge> {
        let own = |t: Option<&str>| t.map(str::to_owned);
        Some(Challenge::Bearer { realm: realm.into(), service: own(service), scope: own(scope) })
    }

    #[test]
    fn a_token_is_preferred_and_values_may_be_quoted() {
        for (header, want) in [
            (
                r#"Bearer realm="https://a/t",service="r.io",scope="repository:x:pull,push""#,
                bearer("https://a/t", Some("r.io"), Some("repository:x:pull,push")),
            ),
            (r#"bearer Realm=https://a/t , service = "a\"b""#, bearer("https://a/t", Some("a\"b"), None)),
            (r#"Basic realm="x", Bearer realm="y""#, bearer("y", None, None)),
            (r#"Basic realm="Registry""#, Some(Challenge::Basic)),
            ("Bearer", None),
            ("Negotiate", None),
            ("", None),
        ] {
            assert_eq!(Challenge::parse(header), want, "{header}");
        }
    }

    #[test]
    fn broken_headers_end_somewhere() {
        for header in ["\"", "=", "Bearer realm=\"open", "a=\\", "Bearer realm=\"\\", ",,,,", "==\"\"=="] {
            let _ = Challenge::parse(header);
        }
    }
}
