//! `RUN --mount` and `RUN --device` (`instructions/commands_runmount.go`, `commands_rundevice.go`).

use super::ast::{Device, Mount, MountType, Sharing};
use super::csv;
use super::gotext::{parse_bool, quote, to_lower};
use super::lexer::LexError;
use super::size::ram_in_bytes;
use super::suggest::{did_you_mean, suggest};

/// A `--mount` or `--device` that BuildKit refuses. Its text is BuildKit's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MountError {
    /// The value itself is wrong.
    #[error("{reason}{}", .suggestion.as_deref().map(did_you_mean).unwrap_or_default())]
    Invalid {
        /// BuildKit's text without its suggestion.
        reason: String,
        /// The word that was probably meant.
        suggestion: Option<String>,
    },
    /// A variable in it cannot be expanded.
    #[error(transparent)]
    Lex(#[from] LexError),
}

fn invalid<T>(reason: impl Into<String>) -> Result<T, MountError> {
    Err(MountError::Invalid { reason: reason.into(), suggestion: None })
}

fn unknown<T>(reason: String, value: &str, options: &[&str]) -> Result<T, MountError> {
    Err(MountError::Invalid { reason, suggestion: suggest(value, options, true) })
}

const TYPES: [&str; 5] = ["bind", "cache", "tmpfs", "secret", "ssh"];
const SHARINGS: [&str; 3] = ["shared", "private", "locked"];
const KEYS: [&str; 19] = [
    "type",
    "from",
    "source",
    "target",
    "readonly",
    "id",
    "sharing",
    "required",
    "size",
    "mode",
    "uid",
    "gid",
    "src",
    "dst",
    "destination",
    "ro",
    "rw",
    "readwrite",
    "env",
];

/// Expands the variables of one value.
pub type Expander<'a> = &'a dyn Fn(&str) -> Result<String, LexError>;

impl Mount {
    /// Reads a `--mount` value.
    ///
    /// Without `expand`, it is read as when the Dockerfile is parsed: only the form and `from` are looked at, all other keys wait
    /// for their variables (and keep their defaults). With it, each value is expanded on its own, then everything is checked.
    ///
    /// # Errors
    /// BuildKit's text about the value, or why a variable can't be expanded.
    pub fn parse(value: &str, expand: Option<Expander<'_>>) -> Result<Self, MountError> {
        let fields = csv::fields(value).or_else(|e| invalid(format!("failed to parse csv mounts: {e}")))?;
        let mut reading = Reading::default();
        for field in &fields {
            match expand {
                None => reading.deferred(field)?,
                Some(expand) => reading.field(field, expand)?,
            }
        }
        reading.finish()
    }
}

/// A mount while its fields are read.
#[derive(Default)]
struct Reading {
    mount: Mount,
    read_only_set: bool,
    sharing: Option<Sharing>,
}

impl Reading {
    /// A field as the parser looks at it, before variables have values.
    fn deferred(&mut self, field: &str) -> Result<(), MountError> {
        let Some((key, value)) = field.split_once('=') else { return Ok(()) };
        let key = to_lower(key);
        if key == "from" {
            if value.find('$').is_some_and(|at| at + 1 != value.len()) {
                return invalid(format!(
                    "'{key}' doesn't support variable expansion, define alias stage instead"
                ));
            }
            value.clone_into(&mut self.mount.from);
        }
        Ok(())
    }

    fn field(&mut self, field: &str, expand: Expander<'_>) -> Result<(), MountError> {
        match field.split_once('=') {
            None => self.word(field, &to_lower(field)),
            Some((key, value)) => self.pair(field, &to_lower(key), expand(value)?),
        }
    }

    /// A field without a value.
    fn word(&mut self, field: &str, key: &str) -> Result<(), MountError> {
        match key {
            "readonly" | "ro" => self.set_read_only(true),
            "readwrite" | "rw" => self.set_read_only(false),
            "required" => {
                self.only_for(key, matches!(self.mount.kind, MountType::Secret | MountType::Ssh))?;
                self.mount.required = true;
            }
            _ => return invalid(format!("invalid field '{field}' must be a key=value pair")),
        }
        Ok(())
    }

    fn set_read_only(&mut self, read_only: bool) {
        self.mount.read_only = read_only;
        self.read_only_set = true;
    }

    fn only_for(&self, key: &str, allowed: bool) -> Result<(), MountError> {
        if allowed {
            return Ok(());
        }
        invalid(format!("unexpected key '{key}' for mount type '{}'", name_of(self.mount.kind)))
    }

    fn pair(&mut self, field: &str, key: &str, value: String) -> Result<(), MountError> {
        match key {
            "type" => self.mount.kind = kind(&value)?,
            "from" => self.mount.from = value,
            "source" | "src" => self.mount.source = value,
            "target" | "dst" | "destination" => self.mount.target = value,
            "readonly" | "ro" => self.set_read_only(flag(key, &value)?),
            "readwrite" | "rw" => self.set_read_only(!flag(key, &value)?),
            "required" => {
                self.only_for(key, matches!(self.mount.kind, MountType::Secret | MountType::Ssh))?;
                self.mount.required = flag(key, &value)?;
            }
            "size" => {
                self.only_for(key, self.mount.kind == MountType::Tmpfs)?;
                let Some(size) = ram_in_bytes(&value) else {
                    return invalid(format!("invalid value for {key}: {value}"));
                };
                self.mount.size = size;
            }
            "id" => self.mount.id = value,
            "sharing" => self.sharing = Some(sharing(&value)?),
            "mode" => self.mount.mode = Some(number(key, &value, 8)?),
            "uid" => self.mount.uid = Some(number(key, &value, 10)?),
            "gid" => self.mount.gid = Some(number(key, &value, 10)?),
            "env" => self.mount.env = Some(value),
            _ => return unknown(format!("unexpected key '{key}' in '{field}'"), key, &KEYS),
        }
        Ok(())
    }

    /// The rules about keys that go together, in BuildKit's order.
    fn finish(mut self) -> Result<Mount, MountError> {
        let kind = self.mount.kind;
        let of_file = [("mode", self.mount.mode), ("uid", self.mount.uid), ("gid", self.mount.gid)];
        if matches!(kind, MountType::Bind | MountType::Tmpfs)
            && let Some((key, _)) = of_file.iter().find(|(_, value)| value.is_some())
        {
            return invalid(format!("{key} not allowed for \"{}\" type mounts", name_of(kind)));
        }
        if !self.read_only_set {
            self.mount.read_only = !matches!(kind, MountType::Cache | MountType::Tmpfs);
        }
        if kind == MountType::Secret {
            self.check_secret()?;
        }
        if self.sharing.is_some() && kind != MountType::Cache {
            return invalid(format!("invalid cache sharing set for {} mount", name_of(kind)));
        }
        self.mount.sharing = self.sharing.unwrap_or_default();
        Ok(self.mount)
    }

    fn check_secret(&self) -> Result<(), MountError> {
        let Mount { from, source, target, id, .. } = &self.mount;
        if !from.is_empty() {
            return invalid("secret mount should not have a from");
        }
        if self.sharing.is_some() {
            return invalid("secret mount should not define sharing");
        }
        if source.is_empty() && target.is_empty() && id.is_empty() {
            return invalid("invalid secret mount. one of source, target required");
        }
        if !source.is_empty() && !id.is_empty() {
            return invalid("both source and id can't be set");
        }
        Ok(())
    }
}

fn kind(value: &str) -> Result<MountType, MountError> {
    Ok(match to_lower(value).as_str() {
        "bind" => MountType::Bind,
        "cache" => MountType::Cache,
        "tmpfs" => MountType::Tmpfs,
        "secret" => MountType::Secret,
        "ssh" => MountType::Ssh,
        _ => return unknown(format!("unsupported mount type {}", quote(value.as_bytes())), value, &TYPES),
    })
}

fn name_of(kind: MountType) -> &'static str {
    match kind {
        MountType::Bind => "bind",
        MountType::Cache => "cache",
        MountType::Tmpfs => "tmpfs",
        MountType::Secret => "secret",
        MountType::Ssh => "ssh",
    }
}

fn sharing(value: &str) -> Result<Sharing, MountError> {
    Ok(match to_lower(value).as_str() {
        "shared" => Sharing::Shared,
        "private" => Sharing::Private,
        "locked" => Sharing::Locked,
        _ => {
            return unknown(
                format!("unsupported sharing value {}", quote(value.as_bytes())),
                value,
                &SHARINGS,
            );
        }
    })
}

fn flag(key: &str, value: &str) -> Result<bool, MountError> {
    parse_bool(value).map_or_else(|| invalid(format!("invalid value for {key}: {value}")), Ok)
}

/// `strconv.ParseUint(value, base, 32)`: digits alone.
fn number(key: &str, value: &str, base: u32) -> Result<u64, MountError> {
    let digits = value.chars().all(|c| c.is_digit(base));
    match u32::from_str_radix(value, base) {
        Ok(n) if digits => Ok(n.into()),
        _ => invalid(format!("invalid value {value} for {key}")),
    }
}

impl Device {
    /// Reads a `--device` value.
    ///
    /// # Errors
    /// BuildKit's text about the value.
    pub fn parse(value: &str) -> Result<Self, MountError> {
        let fields = csv::fields(value).or_else(|e| invalid(format!("failed to parse csv devices: {e}")))?;
        let mut device = Self::default();
        for field in &fields {
            let pair = field.split_once('=').map(|(key, value)| (to_lower(key), value));
            match pair {
                None if to_lower(field) == "required" => device.required = true,
                Some((key, value)) if key == "name" => device.set_name(value)?,
                Some((key, value)) if key == "required" => device.required = flag(&key, value)?,
                _ if device.name.is_empty() => device.name.clone_from(field),
                None => return invalid(format!("invalid field '{field}' must be a key=value pair")),
                Some((key, _)) => {
                    return unknown(
                        format!("unexpected key '{key}' in '{field}'"),
                        &key,
                        &["name", "required"],
                    );
                }
            }
        }
        Ok(device)
    }

    fn set_name(&mut self, name: &str) -> Result<(), MountError> {
        if !self.name.is_empty() {
            return invalid(format!("device name already set to {}", self.name));
        }
        name.clone_into(&mut self.name);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(value: &str) -> Result<Mount, String> {
        Mount::parse(value, Some(&|word| Ok(word.to_owned()))).map_err(|e| e.to_string())
    }

    #[test]
    fn the_type_decides_the_defaults() {
        assert_eq!(
            parse("target=/x"),
            Ok(Mount { target: "/x".into(), read_only: true, ..Mount::default() })
        );
        let cache = Mount { kind: MountType::Cache, target: "/x".into(), ..Mount::default() };
        assert_eq!(parse("type=cache,dst=/x"), Ok(cache.clone()));
        assert_eq!(
            parse("type=cache,dst=/x,sharing=locked"),
            Ok(Mount { sharing: Sharing::Locked, ..cache })
        );
        assert_eq!(parse("type=tmpfs,target=/x,size=1k").map(|m| m.size), Ok(1024));
        assert_eq!(
            parse("type=secret,id=a,mode=0440,uid=7").map(|m| (m.mode, m.uid)),
            Ok((Some(0o440), Some(7)))
        );
    }

    #[test]
    fn errors_are_buildkits() {
        for (value, error) in [
            ("", "failed to parse csv mounts: EOF"),
            ("typ=bind", "unexpected key 'typ' in 'typ=bind' (did you mean type?)"),
            ("type=cach", "unsupported mount type \"cach\" (did you mean cache?)"),
            ("target=/x,size=1m", "unexpected key 'size' for mount type 'bind'"),
            ("target=/x,mode=1", "mode not allowed for \"bind\" type mounts"),
            ("type=secret", "invalid secret mount. one of source, target required"),
            (
                "type=cache,target=/x,sharing=share",
                "unsupported sharing value \"share\" (did you mean shared?)",
            ),
            ("type=secret,id=a,uid=+1", "invalid value +1 for uid"),
            ("type=secret,id=a,mode=9", "invalid value 9 for mode"),
            ("foo", "invalid field 'foo' must be a key=value pair"),
            ("ro=maybe", "invalid value for ro: maybe"),
            ("target=/x,sharing=locked", "invalid cache sharing set for bind mount"),
        ] {
            assert_eq!(parse(value), Err(error.into()), "{value}");
        }
    }

    #[test]
    fn the_parser_looks_at_from_alone() {
        assert!(Mount::parse("type=$t,size=x,whatever", None).is_ok());
        assert_eq!(
            Mount::parse("from=$x", None).map_err(|e| e.to_string()),
            Err("'from' doesn't support variable expansion, define alias stage instead".into())
        );
        assert_eq!(Mount::parse("from=x$", None).map(|m| m.from), Ok("x$".into()));
    }

    #[test]
    fn devices_have_a_name_with_or_without_a_key() {
        let device = |name: &str, required| Ok(Device { name: name.into(), required });
        assert_eq!(Device::parse("v.com/d=foo,required"), device("v.com/d=foo", true));
        assert_eq!(Device::parse("name=v.com/d=foo,required=false"), device("v.com/d=foo", false));
        assert_eq!(
            Device::parse("v,name=w").map_err(|e| e.to_string()),
            Err("device name already set to v".into())
        );
    }
}
