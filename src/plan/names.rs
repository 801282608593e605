//! The names that progress shows: `[builder 2/4] COPY . .` (`convert.go`, `prefixCommand`).

use super::env::EnvList;
use super::stage::Stage;
use crate::image::Platform;

/// The first word in upper case.
pub(super) fn upper_first(command: &str) -> String {
    let (first, rest) = command.split_at(command.find(' ').unwrap_or(command.len()));
    first.to_uppercase() + rest
}

/// Counts the step and puts `[stage n/m] ` in front, with `platform` in a build for several platforms. Stages that no FROM made (images of `--from`) don't count.
pub(super) fn prefixed(
    stage: &mut Stage<'_>,
    text: &str,
    platform: Option<&Platform>,
    env: Option<&EnvList>,
) -> String {
    if stage.command_total == 0 {
        return text.to_owned();
    }
    let mut out = String::from("[");
    if let Some(platform) = platform {
        out += &platform.full();
        out += &cross(platform, env.and_then(target_of));
        out.push(' ');
    }
    if !stage.shown_name.is_empty() {
        out += &stage.shown_name;
        out.push(' ');
    }
    stage.command_index += 1;
    let width = stage.command_total.to_string().len();
    out += &format!("{:>width$}/{}] ", stage.command_index, stage.command_total);
    if stage.on_build {
        out += "ONBUILD ";
    }
    out + text
}

/// `->arm64` when a stage of one platform makes files for another (`formatTargetPlatform`).
fn cross(base: &Platform, target: Option<Platform>) -> String {
    let Some(mut target) = target else { return String::new() };
    if target.os.is_empty() {
        target.os.clone_from(&base.os);
    }
    if target.architecture.is_empty() {
        target.architecture.clone_from(&base.architecture);
    }
    let target = target.normalized();
    match (target.os == base.os, target.architecture == base.architecture) {
        (true, true) => String::new(),
        (true, false) if target.variant.is_empty() => format!("->{}", target.architecture),
        (true, false) => format!("->{}/{}", target.architecture, target.variant),
        (false, _) => format!("->{}", target.full()),
    }
}

/// The platform that `TARGET…` variables tell (`platformFromEnv`).
fn target_of(env: &EnvList) -> Option<Platform> {
    let mut platform = Platform::default();
    let mut set = false;
    for key in env.keys() {
        let value = env.value(key).unwrap_or_default();
        let part = match key {
            "TARGETPLATFORM" => match Platform::parse(value) {
                Ok(whole) => return Some(whole),
                Err(_) => continue,
            },
            "TARGETOS" => &mut platform.os,
            "TARGETARCH" => &mut platform.architecture,
            "TARGETVARIANT" => &mut platform.variant,
            _ => continue,
        };
        value.clone_into(part);
        set = true;
    }
    set.then_some(platform)
}

/// The first line of a heredoc, for a RUN's name (`summarizeHeredoc`).
pub(super) fn summary(document: &str) -> String {
    let document = super::words::trim_space(document).replace("\r\n", "\n");
    match document.split_once('\n') {
        Some((first, _)) => format!("{first}..."),
        None => document,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_first_word_is_raised() {
        assert_eq!(upper_first("copy a b"), "COPY a b");
        assert_eq!(upper_first("workdir"), "WORKDIR");
    }

    #[test]
    fn a_heredoc_is_told_by_its_first_line() {
        assert_eq!(summary("\n a\r\nb\n"), "a...");
        assert_eq!(summary("a\n"), "a");
    }

    #[test]
    fn a_cross_build_shows_both_platforms() {
        let base = Platform::parse("linux/amd64").unwrap();
        let mut env = EnvList::default();
        env.set("TARGETARCH", "arm", true);
        env.set("TARGETVARIANT", "v6", true);
        assert_eq!(cross(&base, target_of(&env)), "->arm/v6");
        env.set("TARGETPLATFORM", "linux/amd64", true);
        assert_eq!(cross(&base, target_of(&env)), "");
    }
}
