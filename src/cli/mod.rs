//! Flags → option structs, events → progress, results → stdout and the exit code; one file per verb.

mod affected;
mod args;
mod bench;
mod build;
mod check;
mod churn;
mod completion;
mod convert;
mod doctor;
mod du;
mod explain;
mod folders;
mod ignore;
mod interrupt;
mod key;
mod ls;
mod options;
mod output;
mod pack;
mod plan;
mod plugin;
mod progress;
mod report;
mod size;
mod snapshot;
mod why;

use std::ffi::OsString;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _};

use self::args::{Cli, Command};
use self::options::{BuildOptions, Color, OutputArgs};
use self::plugin::Call;
use crate::error::Error;
use crate::ops::Request;
use crate::report::WarningReport;

/// Nothing found.
const DONE: u8 = 0;
/// The build would fail.
const FOUND: u8 = 1;
/// Wrong use or unreadable input.
const UNUSABLE: u8 = 2;

/// Runs the program with the process's own arguments and returns its exit status.
pub fn main() -> ExitCode {
    interrupt::install();
    match plugin::call(std::env::args_os().collect()) {
        Ok(Call::Program(arguments)) => typed(Cli::command(), arguments),
        Ok(Call::Plugin(mut arguments)) => {
            plugin::listen();
            arguments.insert(0, plugin::FILE.into());
            typed(Cli::command().bin_name("docker stowaway"), arguments)
        }
        Ok(Call::Metadata) => ended(plugin::metadata(), Color::Auto),
        Ok(Call::Hook(told)) => ended(plugin::after(&told), Color::Auto),
        Ok(Call::Again { variables, arguments }) => {
            ended(Err(plugin::again(variables, arguments)), Color::Auto)
        }
        Err(e) => ended(Err(e), Color::Auto),
    }
}

/// Does what was typed.
fn typed(mut command: clap::Command, arguments: Vec<OsString>) -> ExitCode {
    let matches = command.try_get_matches_from_mut(arguments);
    let cli = matches.and_then(|mut m| Cli::from_arg_matches_mut(&mut m).map_err(|e| e.format(&mut command)));
    let cli = match cli {
        Ok(cli) => cli,
        Err(e) => {
            // Help and version are answers; a reader of theirs that has gone away is no error.
            let _ = e.print();
            return ExitCode::from(if e.use_stderr() { UNUSABLE } else { DONE });
        }
    };
    let color = cli.command.color();
    ended(run(cli.command), color)
}

/// The exit status; what went wrong is said.
fn ended(result: Result<u8, Error>, color: Color) -> ExitCode {
    match result {
        Ok(status) => ExitCode::from(status),
        Err(e) => {
            complain(&e, color);
            ExitCode::from(e.exit_code())
        }
    }
}

/// One verb.
fn run(command: Command) -> Result<u8, Error> {
    match command {
        Command::Plan(args) => plan::run(&args),
        Command::Ls(args) => ls::run(&args),
        Command::Du(args) => du::run(&args),
        Command::Explain(args) => explain::run(args),
        Command::Check(args) => check::run(&args),
        Command::Churn(args) => churn::run(&args),
        Command::Snapshot(args) => snapshot::run(&args),
        Command::Key(args) => key::run(&args),
        Command::Why(args) => why::run(&args),
        Command::Ignore(args) => ignore::run(&args),
        Command::Pack(args) => pack::run(&args),
        Command::Report(args) => report::run(&args),
        Command::Affected(args) => affected::run(&args),
        Command::Doctor(args) => doctor::run(&args),
        Command::InstallPlugin(verb) => plugin::install(&verb),
        Command::Build(args) => build::run(&args),
        Command::Bench(args) => bench::run(&args),
        Command::Completion { shell } => completion::script(shell),
        Command::Man => completion::manual(),
    }
}

impl Command {
    /// When to use colour.
    fn color(&self) -> Color {
        match self {
            Self::Plan(args) => args.output.color,
            Self::Ls(args) => args.output.color,
            Self::Du(args) => args.output.color,
            Self::Explain(args) => args.output.color,
            Self::Check(args) => args.output.color,
            Self::Churn(args) => args.output.color,
            Self::Snapshot(args) => args.output.color,
            Self::Key(args) => args.output.color,
            Self::Why(args) => args.output.color,
            Self::Ignore(args) => args.output.color,
            Self::Pack(args) => args.output.color,
            Self::Report(args) => args.output.color,
            Self::Affected(args) => args.output.color,
            Self::Doctor(args) => args.output.color,
            Self::InstallPlugin(verb) => verb.color,
            Self::Build(args) => args.color,
            Self::Bench(args) => args.output.color,
            Self::Completion { .. } | Self::Man => Color::Auto,
        }
    }
}

/// A variable of this process's environment.
fn environment(name: &str) -> Option<String> {
    std::env::var_os(name).map(|v| v.to_string_lossy().into_owned())
}

/// The request that the flags make, with this process's environment and standard input.
fn request(context: &Path, options: &BuildOptions) -> Result<Request, Error> {
    let stdin = || {
        let mut bytes = Vec::new();
        std::io::stdin().lock().read_to_end(&mut bytes).map(|_| bytes)
    };
    let mut request = convert::request(context, options, environment, stdin)
        .map_err(|convert::Usage { message, hint }| Error::Usage { message, hint })?;
    if !options.no_index && request.index.is_none() {
        request.index = index_folder();
    }
    Ok(request)
}

/// The folder that remembers the digests of this user's unchanged files.
fn index_folder() -> Option<PathBuf> {
    folders::cache(|name| std::env::var_os(name)).map(|folder| folder.join("index"))
}

/// Says why there is no answer.
fn complain(error: &Error, color: Color) {
    let mut text = format!("{} {error}\n", label("error:", "1;31", color));
    if let Some(hint) = error.hint() {
        text.push_str(&format!("{} {hint}\n", label("hint:", "1;36", color)));
    }
    say(&text);
}

/// Tells warnings that are no part of the answer.
fn warn(warnings: &[WarningReport], args: &OutputArgs) {
    if args.quiet {
        return;
    }
    for warning in warnings {
        say(&format!(
            "{} {}\n",
            label("warning:", "1;33", args.color),
            crate::report::shown(warning.message.as_bytes())
        ));
    }
}

/// A word in colour, where standard error has any.
fn label(text: &str, code: &str, color: Color) -> String {
    if output::in_color(color, &std::io::stderr()) {
        format!("\x1b[{code}m{text}\x1b[0m")
    } else {
        text.to_owned()
    }
}

/// Writes to standard error; nobody can be told when that fails.
fn say(text: &str) {
    let _ = std::io::stderr().write_all(text.as_bytes());
}
