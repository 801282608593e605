//! Package managers: which commands install dependencies, and which files tell them what to install.

/// A command that installs dependencies from manifests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Install {
    /// The command in short: `npm ci`.
    pub command: String,
    /// Files without which it does nothing: one of them has to be there. A leading `*` is a wildcard.
    pub manifests: Vec<String>,
    /// Files that belong to them, where they are there.
    pub beside: &'static [&'static str],
    /// The command needs nothing of the project but these, so that it can go before the sources as it is.
    pub alone: bool,
}

impl Install {
    fn new(command: &str, manifests: &[&str], beside: &'static [&'static str], alone: bool) -> Self {
        let manifests = manifests.iter().map(|m| (*m).to_owned()).collect();
        Self { command: command.to_owned(), manifests, beside, alone }
    }
}

/// The first command of a shell line that installs dependencies, and the folder that a `cd` before it goes to.
pub(super) fn install(line: &str) -> Option<(String, Install)> {
    let mut folder = String::new();
    for command in line.split(['\n', ';', '|', '&']).map(str::trim).filter(|c| !c.is_empty()) {
        let words: Vec<&str> = words(command);
        if let ["cd", to] = words[..] {
            to.clone_into(&mut folder);
            continue;
        }
        if let Some(found) = of_words(&words) {
            return Some((folder, found));
        }
    }
    None
}

/// Programs that do nothing with a commit's name or a date in their environment.
const INERT: &[&str] = &[
    "[",
    "addgroup",
    "adduser",
    "apk",
    "apt",
    "apt-get",
    "cat",
    "cd",
    "chgrp",
    "chmod",
    "chown",
    "cp",
    "curl",
    "dnf",
    "echo",
    "false",
    "groupadd",
    "gunzip",
    "install",
    "ln",
    "locale-gen",
    "microdnf",
    "mkdir",
    "mv",
    "printf",
    "rm",
    "sed",
    "set",
    "sleep",
    "tar",
    "tdnf",
    "test",
    "touch",
    "true",
    "unzip",
    "update-ca-certificates",
    "useradd",
    "usermod",
    "wget",
    "yum",
    "zypper",
];

/// True for a RUN whose commands do not read arguments that they don't mention: system packages, files and folders, dependencies from
/// manifests. A program of the project may read its whole environment.
pub(super) fn is_inert(run: &crate::dockerfile::Instruction) -> bool {
    let crate::dockerfile::InstructionKind::Run(inner) = &run.kind else { return false };
    let script = inner.command.words.join(" ").replace("\\\n", " ");
    let commands = script.split(['\n', ';', '|', '&']).map(str::trim).filter(|c| !c.is_empty());
    let inert = |command: &str| {
        let words = words(command);
        let name = words.first().and_then(|w| w.rsplit('/').next()).unwrap_or_default();
        INERT.contains(&name)
            || of_words(&words).is_some()
            || (name.starts_with("pip") && words.get(1) == Some(&"install"))
    };
    inner.command.files.is_empty() && commands.into_iter().all(inert)
}

/// The words of a command, without what stands before its name.
fn words(command: &str) -> Vec<&str> {
    let before = |w: &&str| {
        let assignment = w.split_once('=').is_some_and(|(name, _)| {
            !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        });
        assignment || ["sudo", "exec", "time", "env", "corepack", "("].contains(w)
    };
    command.split_whitespace().skip_while(before).collect()
}

fn of_words(words: &[&str]) -> Option<Install> {
    let name = words.first()?.rsplit('/').next()?.trim_start_matches('(');
    let rest = &words[1..];
    let verb = rest.iter().find(|w| !w.starts_with('-')).copied().unwrap_or_default();
    match name {
        "npm" | "yarn" | "pnpm" | "bun" => node(name, verb, rest),
        "pip" | "pip3" => pip(rest, "pip install -r"),
        "python" | "python3" if rest.starts_with(&["-m", "pip"]) => pip(&rest[2..], "pip install -r"),
        "uv" if verb == "pip" => pip(&rest[1..], "uv pip install -r"),
        "uv" if verb == "sync" => {
            let alone = rest.contains(&"--no-install-project");
            Some(Install::new("uv sync", &["pyproject.toml"], &["uv.lock"], alone))
        }
        "poetry" if verb == "install" => {
            let alone = rest.contains(&"--no-root");
            Some(Install::new("poetry install", &["pyproject.toml"], &["poetry.lock"], alone))
        }
        "pipenv" if ["install", "sync"].contains(&verb) && no_names(rest, verb) => {
            Some(Install::new("pipenv install", &["Pipfile"], &["Pipfile.lock"], true))
        }
        "go" if rest.starts_with(&["mod", "download"]) => {
            Some(Install::new("go mod download", &["go.mod"], &["go.sum"], true))
        }
        "cargo" if verb == "fetch" => {
            Some(Install::new("cargo fetch", &["Cargo.toml"], &["Cargo.lock"], false))
        }
        "bundle" if verb == "install" => {
            Some(Install::new("bundle install", &["Gemfile"], &["Gemfile.lock"], true))
        }
        "composer" if verb == "install" => {
            let alone = rest.contains(&"--no-scripts") && rest.contains(&"--no-autoloader");
            Some(Install::new("composer install", &["composer.json"], &["composer.lock"], alone))
        }
        "mvn" | "mvnw" if rest.iter().any(|w| w.starts_with("dependency:")) => {
            Some(Install::new("mvn dependency:go-offline", &["pom.xml"], &[], true))
        }
        "gradle" | "gradlew" if verb == "dependencies" => {
            let manifests = ["build.gradle", "build.gradle.kts"];
            Some(Install::new(
                "gradle dependencies",
                &manifests,
                &["settings.gradle", "settings.gradle.kts"],
                false,
            ))
        }
        "dotnet" if verb == "restore" => {
            Some(Install::new("dotnet restore", &["*.csproj", "*.fsproj", "*.sln"], &[], false))
        }
        "mix" if verb == "deps.get" => Some(Install::new("mix deps.get", &["mix.exs"], &["mix.lock"], true)),
        _ => None,
    }
}

/// Without names of packages, npm and its like install what `package.json` lists.
fn node(name: &str, verb: &str, rest: &[&str]) -> Option<Install> {
    let installs = match name {
        "npm" => ["ci", "install", "i", "clean-install"].contains(&verb),
        "yarn" => verb.is_empty() || verb == "install",
        _ => ["install", "i"].contains(&verb),
    };
    let elsewhere = ["-g", "--global", "--version", "-v", "--help"];
    if !installs || rest.iter().any(|w| elsewhere.contains(w)) || !no_names(rest, verb) {
        return None;
    }
    let beside: &[&str] = match name {
        "npm" => &["package-lock.json", "npm-shrinkwrap.json", ".npmrc"],
        "yarn" => &["yarn.lock", ".yarnrc", ".yarnrc.yml"],
        "pnpm" => &["pnpm-lock.yaml", ".npmrc"],
        _ => &["bun.lock", "bun.lockb"],
    };
    let command = format!("{name} {verb}");
    Some(Install::new(command.trim_end(), &["package.json"], beside, true))
}

/// True when nothing but options stands behind the verb.
fn no_names(rest: &[&str], verb: &str) -> bool {
    rest.iter().all(|w| {
        w.starts_with('-') || *w == verb || *w == "true" || *w == "false" || w.parse::<u64>().is_ok()
    })
}

/// `pip install -r requirements.txt`; with anything but names of packages beside it (`.`, `-e .`) the sources are needed.
fn pip(rest: &[&str], command: &str) -> Option<Install> {
    if !rest.contains(&"install")
        || rest.iter().any(|w| *w == "." || w.starts_with("./") || w.starts_with(".[") || *w == "-e")
    {
        return None;
    }
    let mut manifests = Vec::new();
    let mut words = rest.iter();
    while let Some(word) = words.next() {
        let file = match *word {
            "-r" | "--requirement" => words.next().copied(),
            word => word
                .strip_prefix("--requirement=")
                .or_else(|| word.strip_prefix("-r").filter(|f| !f.is_empty())),
        };
        manifests.extend(file.filter(|f| !f.starts_with('/') && !f.contains("://") && !f.contains('$')));
    }
    let first = manifests.first()?;
    Some(Install::new(&format!("{command} {first}"), &manifests, &[], true))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(line: &str) -> Option<String> {
        install(line).map(|(_, i)| i.command)
    }

    #[test]
    fn commands_that_install_what_a_manifest_lists_are_known() {
        for (line, want) in [
            ("npm ci --omit=dev", "npm ci"),
            ("corepack enable && yarn install --immutable", "yarn install"),
            ("yarn", "yarn"),
            ("set -e; NODE_ENV=production pnpm i --frozen-lockfile", "pnpm i"),
            ("python3 -m pip install --no-cache-dir -r requirements.txt", "pip install -r requirements.txt"),
            ("pip install -rreqs/base.txt", "pip install -r reqs/base.txt"),
            ("uv sync --frozen", "uv sync"),
            ("go mod download", "go mod download"),
            ("./mvnw -B dependency:go-offline", "mvn dependency:go-offline"),
            ("bundle install --jobs 4", "bundle install"),
            ("dotnet restore", "dotnet restore"),
        ] {
            assert_eq!(command(line).as_deref(), Some(want), "{line}");
        }
    }

    #[test]
    fn what_installs_named_packages_or_the_project_is_something_else() {
        for line in [
            "npm install -g pnpm",
            "npm install express",
            "yarn build",
            "npm run build",
            "pip install .",
            "pip install -e . -r requirements.txt",
            "pip install gunicorn",
            "go build ./...",
            "apt-get install -y npm",
            "pip install -r /tmp/requirements.txt",
        ] {
            assert_eq!(command(line), None, "{line}");
        }
    }

    #[test]
    fn a_cd_before_it_is_remembered() {
        assert_eq!(install("cd web && npm ci").unwrap().0, "web");
    }
}
