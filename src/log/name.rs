//! Names of steps: `[linux/amd64->arm64 build 2/14] COPY . .`.

/// A step's name in its parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepName<'a> {
    /// Of a build for several platforms: which one; with `->` what it builds for.
    pub platform: Option<&'a str>,
    /// The stage; empty where there is only one and it has no name.
    pub stage: &'a str,
    /// Which step of the stage, from 1.
    pub index: usize,
    /// Of how many.
    pub total: usize,
    /// The instruction.
    pub text: &'a str,
}

impl<'a> StepName<'a> {
    /// Takes a name apart as the Dockerfile frontend puts it together (`prefixCommand` in dockerfile2llb/convert.go); `None`
    /// for what is no step, such as `[internal] load build context`.
    pub fn parse(name: &'a str) -> Option<Self> {
        let (inner, text) = name.strip_prefix('[')?.split_once("] ")?;
        let (rest, count) = inner.rsplit_once(' ').unwrap_or(("", inner));
        let (index, total) = count.split_once('/')?;
        // The number is padded with blanks to the width of the total.
        let rest = rest.trim_end_matches(' ');
        // A platform has a slash, a stage's name can't.
        let (platform, stage) = match rest.split_once(' ') {
            Some((platform, stage)) => (Some(platform), stage),
            None if rest.contains('/') => (Some(rest), ""),
            None => (None, rest),
        };
        Some(Self { platform, stage, index: index.parse().ok()?, total: total.parse().ok()?, text })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(name: &str) -> Option<(Option<&str>, &str, usize, usize, &str)> {
        StepName::parse(name).map(|n| (n.platform, n.stage, n.index, n.total, n.text))
    }

    #[test]
    fn names_of_steps_come_apart() {
        assert_eq!(parsed("[2/4] COPY . ."), Some((None, "", 2, 4, "COPY . .")));
        assert_eq!(parsed("[build  2/14] RUN [ x ] y"), Some((None, "build", 2, 14, "RUN [ x ] y")));
        assert_eq!(parsed("[ 2/14] RUN x"), Some((None, "", 2, 14, "RUN x")));
        assert_eq!(parsed("[linux/amd64 1/1] RUN x"), Some((Some("linux/amd64"), "", 1, 1, "RUN x")));
        assert_eq!(
            parsed("[linux/arm/v7->amd64 stage-1 2/2] RUN x"),
            Some((Some("linux/arm/v7->amd64"), "stage-1", 2, 2, "RUN x"))
        );
    }

    #[test]
    fn other_work_is_no_step() {
        for name in [
            "[internal] load build context",
            "[context extra] load from client",
            "[auth] library/alpine:pull token for registry-1.docker.io",
            "exporting to image",
            "",
            "[",
            "[1/x] RUN y",
            "[a/b] RUN y",
        ] {
            assert_eq!(parsed(name), None, "{name}");
        }
    }
}
