//! The lines of a shell script that build images, as far as they are written plainly.

/// A command that builds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// Its words, from `docker` on.
    pub words: Vec<String>,
}

/// The commands of a script that build images.
pub fn builds(script: &str) -> Vec<Command> {
    let joined = script.replace("\\\r\n", " ").replace("\\\n", " ");
    let lines = joined.lines().map(str::trim).filter(|l| !l.starts_with('#'));
    lines.flat_map(|l| l.split(['\n', ';', '|', '&'])).filter_map(command).collect()
}

fn command(text: &str) -> Option<Command> {
    let words: Vec<String> =
        text.split_whitespace().map(|w| w.trim_matches(['"', '\'']).to_owned()).collect();
    let start = words.iter().position(|w| w == "docker")?;
    // Only what may stand before a command: assignments, `sudo`, `time`.
    let before = |w: &String| {
        w.contains('=') || ["sudo", "time", "exec", "env", "if", "!", "then", "do"].contains(&w.as_str())
    };
    if !words[..start].iter().all(before) {
        return None;
    }
    let words = words[start..].to_vec();
    let verb: Vec<&str> = words.iter().skip(1).take(2).map(String::as_str).collect();
    let is_build = matches!(
        verb.as_slice(),
        ["build", ..] | ["buildx", "build" | "b" | "bake"] | ["image" | "builder", "build"]
    );
    is_build.then_some(Command { words })
}

impl Command {
    /// The values of an option, written `--name value` or `--name=value`.
    pub fn values(&self, name: &str) -> Vec<String> {
        let mut values = Vec::new();
        for (at, word) in self.words.iter().enumerate() {
            let rest = word.strip_prefix("--").and_then(|w| w.strip_prefix(name));
            match rest {
                Some("") => values.extend(self.words.get(at + 1).cloned()),
                Some(rest) => {
                    values.extend(rest.strip_prefix('=').map(|v| v.trim_matches(['"', '\'']).to_owned()))
                }
                None => {}
            }
        }
        values
    }

    /// Whether an option is given.
    pub fn has(&self, name: &str) -> bool {
        let long = format!("--{name}");
        self.words.iter().any(|w| *w == long || w.strip_prefix(&long).is_some_and(|r| r.starts_with('=')))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn builds_are_found_with_their_options() {
        let script = "echo docker build x\n# docker build y\nA=1 docker buildx build \\\n  --cache-to type=gha,mode=max --cache-from='type=gha' .\ncd x && sudo docker build -t a .\ndocker push a\n";
        let found = builds(script);
        assert_eq!(found.len(), 2, "{found:?}");
        assert_eq!(found[0].values("cache-to"), ["type=gha,mode=max"]);
        assert_eq!(found[0].values("cache-from"), ["type=gha"]);
        assert!(found[0].has("cache-to") && !found[0].has("cache"));
    }
}
