//! Which image of an index fits a platform: containerd's `platforms.Only` (`compare.go`, `platforms.go`, `database.go`).

use std::cmp::Ordering;

use super::Platform;

/// The platforms that a machine can run, best first.
#[derive(Debug, Clone)]
pub(crate) struct Matcher(Vec<Platform>);

impl Matcher {
    /// What runs on `platform`.
    pub fn only(platform: &Platform) -> Self {
        Self(vector(&normal(platform)).iter().map(normal).collect())
    }

    /// True when an image for that platform runs.
    pub fn matches(&self, platform: &Platform) -> bool {
        let platform = normal(platform);
        self.0.iter().any(|own| fits(own, &platform))
    }

    /// The better one first (`orderedPlatformComparer.Less`).
    pub fn compare(&self, a: &Platform, b: &Platform) -> Ordering {
        let (a, b) = (normal(a), normal(b));
        for own in &self.0 {
            match (fits(own, &a), fits(own, &b)) {
                (true, false) => return Ordering::Less,
                (false, true) => return Ordering::Greater,
                (true, true) => return b.os_features.len().cmp(&a.os_features.len()),
                (false, false) => {}
            }
        }
        Ordering::Equal
    }
}

/// `os/arch/variant`.
pub(crate) fn show(platform: &Platform) -> String {
    let mut out = format!("{}/{}", platform.os, platform.architecture);
    if !platform.variant.is_empty() {
        out.push('/');
        out.push_str(&platform.variant);
    }
    out
}

fn fits(own: &Platform, other: &Platform) -> bool {
    own.os == other.os
        && own.architecture == other.architecture
        && own.variant == other.variant
        && (own.os != "windows" || windows_fits(&own.os_version, &other.os_version))
        && other
            .os_features
            .iter()
            .all(|f| own.os_features.contains(f) || (own.os == "windows" && f == "win32k"))
}

/// Without a version on the machine's side everything fits; else the build (third number) has to be the same, or, from
/// Windows Server 2022 on, not newer (`platform_windows_compat.go`).
fn windows_fits(own: &str, other: &str) -> bool {
    const LTSC_2022: u32 = 20348;
    let build = |v: &str| v.split('.').nth(2).and_then(|b| b.parse::<u32>().ok());
    match (build(own), build(other)) {
        (None, _) | (_, None) => true,
        (Some(own), Some(other)) => own == other || (own >= LTSC_2022 && (LTSC_2022..=own).contains(&other)),
    }
}

fn vector(platform: &Platform) -> Vec<Platform> {
    let with = |architecture: &str, variant: String| Platform {
        architecture: architecture.into(),
        variant,
        ..platform.clone()
    };
    let number = platform.variant.strip_prefix('v').unwrap_or(&platform.variant).parse::<u32>().unwrap_or(0);
    match platform.architecture.as_str() {
        "amd64" => std::iter::once(platform.clone())
            .chain((1..number).rev().map(|n| with("amd64", format!("v{n}"))))
            .chain([with("386", String::new())])
            .collect(),
        "arm" => std::iter::once(platform.clone())
            .chain((5..number).rev().map(|n| with("arm", format!("v{n}"))))
            .collect(),
        "arm64" => arm64(&platform.variant)
            .into_iter()
            .map(|v| with("arm64", v))
            .chain(vector(&with("arm", arm_of(&platform.variant))))
            .collect(),
        _ => vec![platform.clone()],
    }
}

/// arm64 runs 32-bit images of arm/v8 and older, whatever its own minor version.
fn arm_of(variant: &str) -> String {
    if variant.is_empty() || variant.starts_with("v8") || variant.starts_with("v9") {
        "v8".into()
    } else {
        variant.into()
    }
}

/// The versions that an arm64 processor of that version runs: 9.x includes 8.(x+5).
fn arm64(variant: &str) -> Vec<String> {
    let name =
        |major: u32, minor: u32| if minor == 0 { format!("v{major}") } else { format!("v{major}.{minor}") };
    let down = |major: u32, minor: u32| (0..=minor).rev().map(move |m| name(major, m));
    let version = if variant.is_empty() { "v8" } else { variant };
    let (major, minor) = version.split_once('.').unwrap_or((version, "0"));
    match (major, minor.parse::<u32>()) {
        ("v8", Ok(minor @ 0..=9)) => down(8, minor).collect(),
        ("v9", Ok(minor @ 0..=6)) => down(9, minor).chain(down(8, (minor + 5).min(9))).collect(),
        _ => Vec::new(),
    }
}

/// `platforms.Normalize`.
fn normal(platform: &Platform) -> Platform {
    let os = match platform.os.to_lowercase().as_str() {
        "" => "linux".to_owned(),
        "macos" => "darwin".to_owned(),
        os => os.to_owned(),
    };
    let (architecture, variant) =
        normal_arch(&platform.architecture.to_lowercase(), &platform.variant.to_lowercase());
    let mut os_features = platform.os_features.clone();
    os_features.sort();
    os_features.dedup();
    Platform { os, architecture, variant, os_version: platform.os_version.clone(), os_features }
}

fn normal_arch(arch: &str, variant: &str) -> (String, String) {
    let (arch, variant) = match (arch, variant) {
        ("i386", _) => ("386", ""),
        ("x86_64" | "x86-64" | "amd64", "v1") => ("amd64", ""),
        ("x86_64" | "x86-64", v) => ("amd64", v),
        ("aarch64" | "arm64", "8" | "v8" | "v8.0") => ("arm64", ""),
        ("aarch64" | "arm64", "9" | "9.0" | "v9.0") => ("arm64", "v9"),
        ("aarch64", v) => ("arm64", v),
        ("armhf", _) | ("arm", "" | "7") => ("arm", "v7"),
        ("armel", _) => ("arm", "v6"),
        ("arm", "5") => ("arm", "v5"),
        ("arm", "6") => ("arm", "v6"),
        ("arm", "8") => ("arm", "v8"),
        other => other,
    };
    (arch.into(), variant.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn platform(text: &str) -> Platform {
        let mut parts = text.split('/').map(str::to_owned);
        let mut next = || parts.next().unwrap_or_default();
        Platform { os: next(), architecture: next(), variant: next(), ..Platform::default() }
    }

    fn best(own: &str, have: &[&str]) -> Option<String> {
        let matcher = Matcher::only(&platform(own));
        let mut fitting: Vec<Platform> =
            have.iter().map(|h| platform(h)).filter(|p| matcher.matches(p)).collect();
        fitting.sort_by(|a, b| matcher.compare(a, b));
        fitting.first().map(show)
    }

    #[test]
    fn the_best_platform_that_runs_is_taken() {
        for (own, have, want) in [
            ("linux/amd64", &["linux/386", "linux/amd64"][..], Some("linux/amd64")),
            ("linux/amd64", &["linux/386", "linux/arm64"], Some("linux/386")),
            ("linux/amd64", &["linux/amd64/v2"], None),
            ("linux/amd64/v3", &["linux/amd64", "linux/amd64/v2"], Some("linux/amd64/v2")),
            ("linux/arm/v6", &["linux/arm/v7", "linux/arm/v5"], Some("linux/arm/v5")),
            ("linux/arm64", &["linux/arm/v7", "linux/arm64/v8"], Some("linux/arm64/v8")),
            ("linux/arm64", &["linux/arm/v7"], Some("linux/arm/v7")),
            ("linux/arm64/v9.1", &["linux/arm64/v8.6", "linux/arm64/v8.7"], Some("linux/arm64/v8.6")),
            ("linux/amd64", &["unknown/unknown"], None),
            ("linux/x86_64", &["linux/amd64/v1"], Some("linux/amd64/v1")),
        ] {
            assert_eq!(best(own, have).as_deref(), want, "{own} of {have:?}");
        }
    }
}
