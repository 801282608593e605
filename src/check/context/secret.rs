//! What is a secret, by name and content. The content is looked at and forgotten: a verdict says only what kind it is.

use bstr::ByteSlice as _;

use super::markers::split;

/// Larger files are not read: secrets that people leave lying around are small.
pub const LARGEST: u64 = 64 << 10;

/// What a file that looks like a secret turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// A secret: what it is, such as `a private key`.
    Secret(&'static str),
    /// Settings of one machine (`.env`) without anything in them that is known to be secret.
    Settings,
}

/// What a name makes one look for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Candidate {
    Environment,
    Key,
    Store,
    Npm,
    Pypi,
    Netrc,
    GitCredentials,
    Kube,
    Cloud,
    Json,
    State,
    Docker,
    Token,
}

/// Whether a file may hold a secret, by its path and size: then its content is worth a look.
pub fn may_hold_secret(path: &[u8], size: u64) -> bool {
    size > 0 && size <= LARGEST && candidate(path).is_some()
}

/// What a file is, by its path and content; `None` for one that is none: a template, a public certificate, a value that stands for another.
pub fn secret_in(path: &[u8], content: &[u8]) -> Option<Verdict> {
    let secret = |is: bool, what| is.then_some(Verdict::Secret(what));
    let found = match candidate(path)? {
        Candidate::Environment => return environment(content),
        Candidate::Key => private_key(content).then_some("a private key"),
        Candidate::Store => store(content).then_some("a key store"),
        Candidate::Npm => {
            values(content, &["_authToken", "_auth", "_password"]).then_some("credentials of an npm registry")
        }
        Candidate::Pypi => values(content, &["password"]).then_some("credentials of a package index"),
        Candidate::Netrc => netrc(content).then_some("passwords of servers"),
        Candidate::GitCredentials => url_with_password(content).then_some("credentials of git servers"),
        Candidate::Kube => {
            let keys = ["client-key-data", "token", "password", "secret-key"];
            values(content, &keys).then_some("credentials of a Kubernetes cluster")
        }
        Candidate::Cloud => {
            values(content, &["aws_secret_access_key", "aws_session_token", "azure_client_secret"])
                .then_some("credentials of a cloud")
        }
        Candidate::Json => json(content),
        Candidate::State => state(content).then_some("terraform's state, which holds secrets in the clear"),
        Candidate::Docker => {
            values(content, &["auth", "identitytoken", "password"]).then_some("credentials of registries")
        }
        Candidate::Token => (!placeholder(content.trim())).then_some("a token"),
    };
    found.map(Verdict::Secret).or_else(|| secret(token(content), "an access token"))
}

/// What a path makes one look for.
fn candidate(path: &[u8]) -> Option<Candidate> {
    let (folder, name) = split(path);
    let folder = split(folder).1;
    Some(match name {
        b".env" | b".envrc" => Candidate::Environment,
        b"id_rsa" | b"id_dsa" | b"id_ecdsa" | b"id_ed25519" => Candidate::Key,
        b".npmrc" | b".yarnrc" | b".yarnrc.yml" => Candidate::Npm,
        b".pypirc" => Candidate::Pypi,
        b".netrc" | b"_netrc" => Candidate::Netrc,
        b".git-credentials" => Candidate::GitCredentials,
        b"kubeconfig" | b"kubeconfig.yaml" | b"kubeconfig.yml" => Candidate::Kube,
        b"config" if folder == b".kube" => Candidate::Kube,
        b"credentials" | b".credentials" => Candidate::Cloud,
        b"config.json" if folder == b".docker" => Candidate::Docker,
        b".dockercfg" | b".dockerconfigjson" => Candidate::Docker,
        b".vault-token" => Candidate::Token,
        _ => return by_form(name),
    })
}

/// What the form of a name makes one look for.
fn by_form(name: &[u8]) -> Option<Candidate> {
    if let Some(rest) = name.strip_prefix(b".env.") {
        const TEMPLATES: &[&[u8]] =
            &[b"example", b"sample", b"template", b"dist", b"defaults", b"tpl", b"schema"];
        return (!rest.split(|b| *b == b'.').any(|w| TEMPLATES.contains(&w)))
            .then_some(Candidate::Environment);
    }
    let dot = name.iter().rposition(|b| *b == b'.')?;
    let (stem, ending) = (&name[..dot], &name[dot + 1..]);
    Some(match ending {
        b"env" if dot > 0 && stem != b"example" && stem != b"sample" => Candidate::Environment,
        b"pem" | b"key" | b"ppk" => Candidate::Key,
        b"p12" | b"pfx" | b"jks" | b"keystore" => Candidate::Store,
        b"kubeconfig" => Candidate::Kube,
        b"tfstate" => Candidate::State,
        b"backup" if stem.ends_with(b".tfstate") => Candidate::State,
        b"json" if cloud_name(stem) => Candidate::Json,
        _ => return None,
    })
}

/// Names that clouds' credentials are downloaded under.
fn cloud_name(stem: &[u8]) -> bool {
    const PARTS: &[&[u8]] = &[
        b"credential",
        b"service-account",
        b"service_account",
        b"serviceaccount",
        b"client_secret",
        b"-key",
        b"_key",
        b"gcp",
        b"firebase-adminsdk",
    ];
    let stem = stem.to_ascii_lowercase();
    PARTS.iter().any(|p| stem.find(p).is_some())
}

/// A PEM block of a private key with something in it.
fn private_key(content: &[u8]) -> bool {
    if content.starts_with(b"PuTTY-User-Key-File-") {
        return true;
    }
    let Some(at) = content.find(b"PRIVATE KEY-----").or_else(|| content.find(b"PRIVATE KEY BLOCK-----"))
    else {
        return false;
    };
    let Some(begin) = content[..at].rfind(b"-----BEGIN ") else { return false };
    let label = &content[begin..at];
    let body = content[at..].splitn(2, |b| *b == b'\n').nth(1).unwrap_or_default();
    let body = body.find(b"-----END").map_or(body, |end| &body[..end]);
    let letters = body.iter().filter(|b| b.is_ascii_alphanumeric() || **b == b'+' || **b == b'/').count();
    // The shortest real body is that of an Ed25519 key: 64 characters.
    !label.contains(&b'\n') && letters >= 60 && !body.contains_str("...") && !placeholder_words(body)
}

/// A PKCS#12 or Java key store by its first bytes.
fn store(content: &[u8]) -> bool {
    content.starts_with(b"\x30\x82")
        || content.starts_with(b"\xfe\xed\xfe\xed")
        || content.starts_with(b"\xce\xce\xce\xce")
}

/// Passwords of `.netrc`: `password WORD`.
fn netrc(content: &[u8]) -> bool {
    let words: Vec<&[u8]> = content.fields().collect();
    words.windows(2).any(|w| w[0] == b"password" && !placeholder(w[1]))
}

/// A URL with a user's password in it.
fn url_with_password(content: &[u8]) -> bool {
    content.lines().any(|line| password_of(line).is_some_and(|p| !placeholder(p)))
}

/// The password in `scheme://user:password@host`.
fn password_of(text: &[u8]) -> Option<&[u8]> {
    let rest = &text[text.find(b"://")? + 3..];
    let authority = &rest[..rest.find_byteset(b"/?# \"'").unwrap_or(rest.len())];
    let user = &authority[..authority.rfind_byte(b'@')?];
    Some(&user[user.find_byte(b':')? + 1..])
}

/// A service account's key or an application's secret.
fn json(content: &[u8]) -> Option<&'static str> {
    let key = content.contains_str("\"private_key\"") && private_key(&content.replace(b"\\n", b"\n"));
    (key || values(content, &["client_secret", "refresh_token", "secret_access_key", "SecretAccessKey"]))
        .then_some("credentials of a cloud")
}

/// A state with something in it.
fn state(content: &[u8]) -> bool {
    content.contains_str("\"terraform_version\"")
        && (content.contains_str("\"instances\"") || content.contains_str("\"sensitive\": true"))
}

/// What `.env` has: a variable whose name says that its value is secret, or a value that can't be anything else.
fn environment(content: &[u8]) -> Option<Verdict> {
    let mut settings = false;
    for line in content.lines() {
        let line = line.trim();
        let line = line.strip_prefix(b"export ").unwrap_or(line);
        let Some(equals) = line.find_byte(b'=').filter(|_| !line.starts_with(b"#")) else { continue };
        let (name, value) = (line[..equals].trim(), unquoted(&line[equals + 1..]));
        settings |= !value.is_empty();
        let secret =
            (says_secret(name) && !placeholder(value)) || password_of(value).is_some_and(|p| !placeholder(p));
        if secret {
            return Some(Verdict::Secret("passwords or tokens"));
        }
    }
    if token(content) || private_key(content) {
        return Some(Verdict::Secret("passwords or tokens"));
    }
    settings.then_some(Verdict::Settings)
}

/// Names of variables whose values are secret. What a browser gets anyway is not.
fn says_secret(name: &[u8]) -> bool {
    const PUBLIC: &[&[u8]] =
        &[b"NEXT_PUBLIC_", b"VITE_", b"REACT_APP_", b"NUXT_PUBLIC_", b"PUBLIC_", b"EXPO_PUBLIC_"];
    const WORDS: &[&[u8]] = &[
        b"PASSWORD",
        b"PASSWD",
        b"SECRET",
        b"TOKEN",
        b"API_KEY",
        b"APIKEY",
        b"PRIVATE_KEY",
        b"ACCESS_KEY",
        b"CREDENTIAL",
        b"ENCRYPTION_KEY",
        b"PASSPHRASE",
    ];
    // How long a token lives, where it is read from: about secrets, but none.
    const ABOUT: &[&[u8]] = &[
        b"_FILE",
        b"_PATH",
        b"_NAME",
        b"_TTL",
        b"_EXPIRY",
        b"_EXPIRES",
        b"_EXPIRES_IN",
        b"_URL",
        b"_LENGTH",
        b"_ID",
        b"_ENABLED",
        b"_ALGORITHM",
    ];
    let name = name.to_ascii_uppercase();
    !PUBLIC.iter().any(|p| name.starts_with(p))
        && !ABOUT.iter().any(|e| name.ends_with(e))
        && WORDS.iter().any(|w| name.find(w).is_some())
}

/// Whether a line gives one of the keys a value of its own: `key = value`, `key: value`, `"key": "value"`, `//host/:key=value`.
fn values(content: &[u8], keys: &[&str]) -> bool {
    content
        .lines()
        .any(|line| keys.iter().any(|key| value_of(line, key.as_bytes()).is_some_and(|v| !placeholder(v))))
}

/// The value of a key in a line.
fn value_of<'l>(line: &'l [u8], key: &[u8]) -> Option<&'l [u8]> {
    let line = line.trim();
    if line.starts_with(b"#") || line.starts_with(b";") {
        return None;
    }
    let mut from = 0;
    while let Some(at) = line[from..].find(key).map(|at| from + at) {
        let before = at.checked_sub(1).map_or(b' ', |i| line[i]);
        let rest = &line[at + key.len()..];
        let rest = rest.strip_prefix(b"\"").unwrap_or(rest).trim_start();
        if !before.is_ascii_alphanumeric()
            && before != b'_'
            && before != b'-'
            && rest.starts_with_str("=") | rest.starts_with_str(":")
        {
            return Some(unquoted(&rest[1..]));
        }
        from = at + key.len();
    }
    None
}

/// A value without quotes and what follows it.
fn unquoted(value: &[u8]) -> &[u8] {
    let value = value.trim();
    match value.first() {
        Some(quote @ (b'"' | b'\'')) => {
            let rest = &value[1..];
            &rest[..rest.find_byte(*quote).unwrap_or(rest.len())]
        }
        _ => {
            let end = value.find(b" #").unwrap_or(value.len());
            value[..end].trim().trim_end_with(|c| c == ',')
        }
    }
}

/// A value that stands for another one, or that nobody would guess twice: no secret is lost with it.
fn placeholder(value: &[u8]) -> bool {
    let value = value.trim();
    const PLAIN: &[&str] = &[
        "true",
        "false",
        "null",
        "none",
        "yes",
        "no",
        "test",
        "dev",
        "development",
        "local",
        "secret",
        "password",
        "pass",
        "postgres",
        "root",
        "admin",
        "user",
        "mysql",
        "redis",
        "guest",
        "token",
        "foo",
        "bar",
        "foobar",
        "string",
        "todo",
        "tbd",
        "default",
    ];
    let lower = value.to_ascii_lowercase();
    let same = value.iter().all(|b| Some(b) == value.first());
    let variable = value.starts_with(b"$")
        || value.starts_with(b"<")
        || value.starts_with(b"{{")
        || value.starts_with(b"%");
    same || variable || PLAIN.iter().any(|p| p.as_bytes() == lower) || placeholder_words(&lower)
}

/// Words that only stand in values for show.
fn placeholder_words(value: &[u8]) -> bool {
    const WORDS: &[&[u8]] = &[
        b"changeme",
        b"change-me",
        b"change_me",
        b"change-this",
        b"example",
        b"placeholder",
        b"your-",
        b"your_",
        b"yourpassword",
        b"replace",
        b"dummy",
        b"xxxx",
        b"****",
        b"insert",
        b"fake",
        b"sample",
        b"redacted",
        b"not-a-secret",
        b"notasecret",
    ];
    let lower = value.to_ascii_lowercase();
    WORDS.iter().any(|w| lower.find(w).is_some())
}

/// Tokens that are known by their form.
fn token(content: &[u8]) -> bool {
    const FORMS: &[(&[u8], usize)] = &[
        (b"ghp_", 36),
        (b"gho_", 36),
        (b"ghs_", 36),
        (b"github_pat_", 22),
        (b"glpat-", 20),
        (b"npm_", 36),
        (b"xoxb-", 20),
        (b"xoxp-", 20),
        (b"sk_live_", 24),
        (b"rk_live_", 24),
        (b"AKIA", 16),
        (b"dckr_pat_", 20),
        (b"pypi-AgEI", 40),
        (b"hvs.", 24),
    ];
    let of_form = |(start, length): &(&[u8], usize)| {
        content.find_iter(start).any(|at| {
            let rest = &content[at + start.len()..];
            let letters =
                rest.iter().take_while(|b| b.is_ascii_alphanumeric() || **b == b'_' || **b == b'-').count();
            let whole = &content[at..at + start.len() + letters];
            letters >= *length && !placeholder_words(whole)
        })
    };
    FORMS.iter().any(of_form)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEM: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIMd4Vg0V4qk9sVtq1mZ0r5tGzX3bX1Jq7lqk0w9yNfYk\n-----END PRIVATE KEY-----\n";

    fn look(path: &str, content: &str) -> Option<Verdict> {
        if !may_hold_secret(path.as_bytes(), content.len() as u64) {
            return None;
        }
        secret_in(path.as_bytes(), content.as_bytes())
    }

    #[track_caller]
    fn assert_secret(path: &str, content: &str) {
        assert!(matches!(look(path, content), Some(Verdict::Secret(_))), "{path}: {:?}", look(path, content));
    }

    #[test]
    fn secrets_are_told_by_name_and_content() {
        let gcp =
            format!("{{\"type\": \"service_account\", \"private_key\": \"{}\"}}", PEM.replace('\n', "\\n"));
        for (path, content) in [
            (".env", "PORT=80\nDB_PASSWORD=hunter2hunter\n"),
            ("app/.env.production", "export API_KEY='k3j4h5k3j4h5'\n"),
            (".env", "DATABASE_URL=postgres://app:s3cr3tpw@db/app\n"),
            ("prod.env", "SECRET_KEY=d9f8e7d6c5\n"),
            ("tls/server.key", PEM),
            ("a.pem", PEM),
            ("id_ed25519", &PEM.replace("PRIVATE", "OPENSSH PRIVATE")),
            ("id_rsa.ppk", "PuTTY-User-Key-File-3: ssh-rsa\n"),
            (".npmrc", "//registry.npmjs.org/:_authToken=npm_a8sd7f6as8d7f6as8d7f6as8d7f6as8d7f6a\n"),
            (".pypirc", "[pypi]\nusername = __token__\npassword = pypi-AgEIcHlwaS5vcmc\n"),
            (".netrc", "machine example.org login me password s3cr3tpw\n"),
            (".git-credentials", "https://me:s3cr3tpw@git.corp.net\n"),
            (".kube/config", "users:\n- user:\n    client-key-data: LS0tLS1CRUdJTiBSU0E=\n"),
            (".aws/credentials", "[default]\naws_secret_access_key = wJalrXUtnFEMIK7MDENGbPxRfiCYzzzzzz\n"),
            ("gcp-service-account.json", &gcp),
            ("terraform.tfstate", "{\"terraform_version\": \"1.5\", \"resources\": [{\"instances\": []}]}"),
            (".docker/config.json", "{\"auths\": {\"ghcr.io\": {\"auth\": \"bWU6aHVudGVyMg==\"}}}"),
        ] {
            assert_secret(path, content);
        }
        assert_eq!(secret_in(b"a.p12", b"\x30\x82\x0a"), Some(Verdict::Secret("a key store")));
    }

    #[test]
    fn what_stands_for_a_secret_is_none() {
        for (path, content) in [
            (".env.example", "DB_PASSWORD=hunter2hunter\n"),
            (".env.local.sample", "DB_PASSWORD=hunter2hunter\n"),
            ("ca.pem", "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"),
            ("public.pem", "-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----\n"),
            ("doc.key", "-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----\n"),
            ("i18n.key", "just a file\n"),
            (".npmrc", "//registry.npmjs.org/:_authToken=${NPM_TOKEN}\nsave-exact=true\n"),
            (".npmrc", "# _authToken=abcdefabcdef\n"),
            (".pypirc", "[pypi]\nusername = me\n"),
            (".netrc", "machine example.org login me\n"),
            (".kube/config", "users: []\n"),
            ("credentials", "a word\n"),
            ("api-key.json", "{\"title\": \"API key\"}"),
            ("terraform.tfstate", "{\"terraform_version\": \"1.5\", \"resources\": []}"),
            (".docker/config.json", "{\"auths\": {}, \"credsStore\": \"desktop\"}"),
            ("src/main.rs", "let password = \"hunter2hunter\";"),
            (".env", ""),
            (".env", "# nothing\n"),
        ] {
            assert_eq!(look(path, content), None, "{path}: {content}");
        }
    }

    #[test]
    fn settings_without_a_secret_are_settings() {
        for content in [
            "PORT=3000\n",
            "DB_PASSWORD=changeme\nDB_HOST=db\n",
            "NEXT_PUBLIC_API_KEY=abcdef123456\n",
            "TOKEN_TTL=3600\nX=1\n",
            "POSTGRES_PASSWORD=postgres\n",
            "SECRET_KEY=<set me>\n",
            "URL=https://user@host/\n",
            "AWS=AKIAIOSFODNN7EXAMPLE\n",
        ] {
            assert_eq!(look(".env", content), Some(Verdict::Settings), "{content}");
        }
    }

    #[test]
    fn no_content_makes_it_panic() {
        for content in [
            &b"="[..],
            b"\"",
            b"'",
            b"://@",
            b"://:@",
            b"-----BEGIN PRIVATE KEY-----",
            b"\xff=\xff",
            b"_auth",
            b"password",
        ] {
            for path in [
                ".env",
                ".npmrc",
                ".netrc",
                "a.key",
                "a-key.json",
                ".git-credentials",
                "a.tfstate",
                ".vault-token",
            ] {
                let _ = secret_in(path.as_bytes(), content);
            }
        }
    }
}
