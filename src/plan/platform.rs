//! Platform specifiers: `linux/arm64/v8`, as containerd's `platforms` package reads and writes them.

use std::sync::LazyLock;

use regex::Regex;

use super::text::quoted;
use crate::image::Platform;

/// containerd's expression for the first component.
const OS_PATTERN: &str = r"^([A-Za-z0-9_-]+)(?:\(([A-Za-z0-9_.%-]*)((?:\+[A-Za-z0-9_.%-]+)*)\))?$";
/// containerd's expression for the other components.
const PART_PATTERN: &str = r"^[A-Za-z0-9_.-]+$";

static OS: LazyLock<Regex> = LazyLock::new(|| Regex::new(OS_PATTERN).expect("a valid expression"));

const SYSTEMS: &[&str] = &[
    "aix",
    "android",
    "darwin",
    "dragonfly",
    "freebsd",
    "hurd",
    "illumos",
    "ios",
    "js",
    "linux",
    "nacl",
    "netbsd",
    "openbsd",
    "plan9",
    "solaris",
    "windows",
    "zos",
];
const PROCESSORS: &[&str] = &[
    "386",
    "amd64",
    "amd64p32",
    "arm",
    "armbe",
    "arm64",
    "arm64be",
    "ppc64",
    "ppc64le",
    "loong64",
    "mips",
    "mipsle",
    "mips64",
    "mips64le",
    "mips64p32",
    "mips64p32le",
    "ppc",
    "riscv",
    "riscv64",
    "s390",
    "s390x",
    "sparc",
    "sparc64",
    "wasm",
];

impl Platform {
    /// `linux/` and the processor that this program was built for, in Go's words.
    pub fn host() -> Self {
        Self { os: "linux".into(), architecture: machine().into(), ..Self::default() }
    }

    /// Reads `OS/ARCH[/VARIANT]`, `OS` or `ARCH` (`platforms.Parse`); not yet in normal form.
    ///
    /// # Errors
    /// containerd's text.
    pub fn parse(specifier: &str) -> Result<Self, String> {
        let whole = quoted(specifier);
        if specifier.contains('*') {
            return Err(format!("{whole}: wildcards not yet supported: invalid argument"));
        }
        let parts: Vec<&str> = specifier.splitn(4, '/').collect();
        let mut platform = parse_os(parts[0], &whole)?;
        if let Some(bad) = parts[1..].iter().find(|p| !proper(p)) {
            return Err(format!(
                "{} is an invalid component of {whole}: platform specifier component must match {}: invalid argument",
                quoted(bad),
                quoted(PART_PATTERN)
            ));
        }
        match parts.as_slice() {
            [one] => alone(one, platform, &whole),
            [_, arch] => {
                platform.set(arch, "");
                platform.drop_arm_v7();
                Ok(platform)
            }
            [_, arch, variant] => {
                platform.set(arch, variant);
                if platform.architecture == "arm64" && platform.variant.is_empty() {
                    platform.variant = "v8".into();
                }
                Ok(platform)
            }
            _ => Err(format!("{whole}: cannot parse platform specifier: invalid argument")),
        }
    }

    /// One spelling for each platform (`platforms.Normalize`): no variant that goes without saying.
    #[must_use]
    pub fn normalized(&self) -> Self {
        let mut out = self.clone();
        out.os = normal_os(&self.os);
        out.set(&self.architecture, &self.variant);
        out.os_features.sort();
        out.os_features.dedup();
        out
    }

    /// `os/arch/variant` (`platforms.Format`).
    pub fn short(&self) -> String {
        if self.os.is_empty() { "unknown".into() } else { self.joined(&self.os) }
    }

    /// With version and features of the operating system where there are any (`platforms.FormatAll`).
    pub fn full(&self) -> String {
        if self.os.is_empty() {
            return "unknown".into();
        }
        let mut features: Vec<String> =
            self.os_features.iter().filter(|f| !f.is_empty()).map(|f| escaped(f)).collect();
        features.sort();
        features.dedup();
        let more = features.iter().fold(escaped(&self.os_version), |all, f| all + "+" + f);
        if more.is_empty() { self.joined(&self.os) } else { self.joined(&format!("{}({more})", self.os)) }
    }

    fn joined(&self, os: &str) -> String {
        let parts = [os, &self.architecture, &self.variant].map(str::as_bytes);
        String::from_utf8_lossy(&crate::gopath::join(&parts)).into_owned()
    }

    fn set(&mut self, arch: &str, variant: &str) {
        (self.architecture, self.variant) = normal_arch(arch, variant);
    }

    fn drop_arm_v7(&mut self) {
        if self.architecture == "arm" && self.variant == "v7" {
            self.variant.clear();
        }
    }
}

/// The processor that this program was built for, in Go's words.
fn machine() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "x86" => "386",
        "powerpc64" => "ppc64le",
        "loongarch64" => "loong64",
        other => other,
    }
}

fn proper(part: &str) -> bool {
    !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b))
}

fn parse_os(part: &str, whole: &str) -> Result<Platform, String> {
    let Some(found) = OS.captures(part) else {
        return Err(format!(
            "{} is an invalid OS component of {whole}: OSAndVersion specifier component must match {}: invalid argument",
            quoted(part),
            quoted(OS_PATTERN)
        ));
    };
    let text = |i: usize| found.get(i).map_or("", |m| m.as_str());
    let version = unescaped(text(2))
        .map_err(|e| format!("{whole} has an invalid OS version {}: {e}", quoted(text(2))))?;
    let mut os_features = Vec::new();
    for raw in text(3).split('+').skip(1) {
        let feature = unescaped(raw).map_err(|e| {
            format!("{whole} has invalid OS features: invalid os feature {}: {e}", quoted(raw))
        })?;
        os_features.push(feature);
    }
    os_features.retain(|f| !f.is_empty());
    Ok(Platform { os: normal_os(text(1)), os_version: version, os_features, ..Platform::default() })
}

/// A system or a processor alone.
fn alone(part: &str, mut platform: Platform, whole: &str) -> Result<Platform, String> {
    if SYSTEMS.contains(&platform.os.as_str()) {
        platform.architecture = machine().into();
        return Ok(platform);
    }
    platform.set(part, "");
    platform.drop_arm_v7();
    if PROCESSORS.contains(&platform.architecture.as_str()) {
        platform.os = "linux".into();
        return Ok(platform);
    }
    Err(format!("{whole}: unknown operating system or architecture: invalid argument"))
}

fn normal_os(os: &str) -> String {
    match os.to_lowercase().as_str() {
        "" => "linux".into(),
        "macos" => "darwin".into(),
        other => other.into(),
    }
}

fn normal_arch(arch: &str, variant: &str) -> (String, String) {
    let (arch, variant) = (arch.to_lowercase(), variant.to_lowercase());
    let (a, v) = match (arch.as_str(), variant.as_str()) {
        ("i386", _) => ("386", ""),
        ("x86_64" | "x86-64" | "amd64", "v1") => ("amd64", ""),
        ("x86_64" | "x86-64", v) => ("amd64", v),
        ("aarch64" | "arm64", "8" | "v8" | "v8.0") => ("arm64", ""),
        ("aarch64" | "arm64", "9" | "9.0" | "v9.0") => ("arm64", "v9"),
        ("aarch64", v) => ("arm64", v),
        ("armhf", _) | ("arm", "" | "7") => ("arm", "v7"),
        ("armel", _) | ("arm", "6") => ("arm", "v6"),
        ("arm", "5") => ("arm", "v5"),
        ("arm", "8") => ("arm", "v8"),
        (a, v) => (a, v),
    };
    (a.into(), v.into())
}

fn escaped(option: &str) -> String {
    option.replace('%', "%25").replace('+', "%2B").replace('(', "%28").replace(')', "%29").replace('/', "%2F")
}

fn unescaped(option: &str) -> Result<String, String> {
    super::url::unescape(option.as_bytes()).map(|b| String::from_utf8_lossy(&b).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_platform_are_equal() {
        for (text, want) in [
            ("linux/arm64/v8", "linux/arm64"),
            ("linux/aarch64", "linux/arm64"),
            ("Linux/x86_64", "linux/amd64"),
            ("linux/arm", "linux/arm/v7"),
            ("linux/arm/6", "linux/arm/v6"),
            ("s390x", "linux/s390x"),
            ("windows(10.0.17763)/amd64", "windows(10.0.17763)/amd64"),
            ("macos/arm64", "darwin/arm64"),
        ] {
            assert_eq!(Platform::parse(text).unwrap().normalized().full(), want, "{text}");
        }
    }

    #[test]
    fn a_bad_platform_is_refused_in_containerds_words() {
        for (text, want) in [
            ("linux/*", r#""linux/*": wildcards not yet supported: invalid argument"#),
            ("nonsense", r#""nonsense": unknown operating system or architecture: invalid argument"#),
            ("linux/a/b/c", r#""linux/a/b/c": cannot parse platform specifier: invalid argument"#),
            (
                "linux/",
                r#""" is an invalid component of "linux/": platform specifier component must match "^[A-Za-z0-9_.-]+$": invalid argument"#,
            ),
        ] {
            assert_eq!(Platform::parse(text).unwrap_err(), want);
        }
    }
}
