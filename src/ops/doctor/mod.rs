//! `doctor`: can a build run here. Looks and asks; starts, changes and downloads nothing.

mod ask;
mod builder;
mod judge;
mod machine;
mod others;
mod problem;
mod tools;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use crate::engine::{Client, Endpoint};
use crate::report::{CommandsHealth, DoctorFinding, DoctorReport, EngineHealth};

/// What is looked at, and how.
#[derive(Debug, Clone)]
pub struct DoctorOptions {
    /// The environment: `DOCKER_HOST`, `DOCKER_CONFIG`, `BUILDKIT_HOST`, `PATH` and the like.
    pub environment: BTreeMap<String, String>,
    /// The build context.
    pub context: PathBuf,
    /// The folder for what can't be made anew, where there is one.
    pub state: Option<PathBuf>,
    /// The folder for what can be made anew, where there is one.
    pub cache: Option<PathBuf>,
    /// Where `proc`, `sys` and the usual places of sockets are: `/`.
    pub system: PathBuf,
    /// How long a question to an engine may take.
    pub patience: Duration,
    /// Engines behind ssh are asked, too, by running ssh.
    pub connect: bool,
    /// Bytes that have to be free where the engine keeps its data, when that is on this machine.
    pub min_disk: u64,
    /// Bytes of memory that have to be available.
    pub min_memory: u64,
    /// This program's commands that need an engine.
    pub with_engine: Vec<String>,
    /// Those that don't.
    pub without_engine: Vec<String>,
}

/// Looks at this machine and its engines. Never fails: what can't be found out is a finding, or `None`.
pub fn doctor(options: &DoctorOptions) -> DoctorReport {
    let (client, unread) = Client::read(&options.environment, &options.system);
    let mut problems: Vec<DoctorFinding> = unread.iter().map(problem::finding).collect();
    let chosen = client.endpoint();
    let (builder, remote) = builder::current(&client, options, &mut problems);
    let chosen = chosen.map_err(|error| problems.push(problem::finding(&error)));
    let mut endpoints: Vec<Endpoint> = chosen.into_iter().collect();
    endpoints.extend(remote);
    others::add(&mut endpoints, options);
    let mut engines = ask_all(&endpoints, options);
    // A socket that nothing names is worth a word only when somebody answers there.
    engines.retain(|e| e.chosen || e.reachable == Some(true));
    let mut report = DoctorReport {
        disks: machine::disks(options, &engines),
        engines,
        builder,
        memory: machine::memory(&options.system),
        limits: machine::limits(&options.system),
        tools: tools::tools(&client, &options.system),
        commands: CommandsHealth {
            without_engine: options.without_engine.clone(),
            with_engine: options.with_engine.clone(),
        },
        ..DoctorReport::default()
    };
    judge::judge(&mut report, &endpoints, problems, options);
    report
}

/// Asks every engine at the same time.
fn ask_all(endpoints: &[Endpoint], options: &DoctorOptions) -> Vec<EngineHealth> {
    std::thread::scope(|scope| {
        let asked: Vec<_> = endpoints.iter().map(|e| scope.spawn(move || ask::ask(e, options))).collect();
        let silent = ask::unasked;
        asked
            .into_iter()
            .zip(endpoints)
            .map(|(thread, e)| thread.join().unwrap_or_else(|_| silent(e)))
            .collect()
    })
}
