//! `stowaway doctor`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use clap::CommandFactory as _;

use super::args::{Cli, DoctorArgs};
use super::{folders, output};
use crate::error::Error;
use crate::ops::{self, DoctorOptions};

/// The commands that ask an engine; all others work without.
const WITH_ENGINE: &[&str] = &["build"];

/// Looks at this machine and its engines, and writes whether a build can run.
pub fn run(args: &DoctorArgs) -> Result<u8, Error> {
    let (with_engine, without_engine) = commands();
    let options = DoctorOptions {
        environment: environment(),
        context: args.context.clone(),
        state: folders::state(|name| std::env::var_os(name)),
        cache: folders::cache(|name| std::env::var_os(name)),
        system: PathBuf::from("/"),
        patience: Duration::from_secs(args.timeout),
        connect: args.connect,
        min_disk: args.min_disk,
        min_memory: args.min_memory,
        with_engine,
        without_engine,
    };
    let report = ops::doctor(&options);
    output::write(&report, &args.output, false)?;
    Ok(report.exit_code())
}

/// This program's commands: those that need an engine, and those that don't.
fn commands() -> (Vec<String>, Vec<String>) {
    let cli = Cli::command();
    let names = cli.get_subcommands().map(|c| c.get_name().to_owned()).filter(|name| name != "help");
    names.partition(|name| WITH_ENGINE.contains(&name.as_str()))
}

/// This process's environment, as far as it is text.
fn environment() -> BTreeMap<String, String> {
    std::env::vars_os().filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_is_listed_once() {
        let (with, without) = commands();
        assert!(without.contains(&"plan".to_owned()) && without.contains(&"doctor".to_owned()));
        assert!(with.iter().all(|name| !without.contains(name)));
    }
}
