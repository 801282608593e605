//! `stowaway bench`.

use std::ffi::OsString;

use super::args::BenchArgs;
use super::progress::Progress;
use super::{DONE, output, request};
use crate::error::Error;
use crate::ops::{self, BenchOptions, Client};

/// Measures the context.
pub fn run(args: &BenchArgs) -> Result<u8, Error> {
    let request = request(&args.build.context, &args.build.options)?;
    let options = BenchOptions {
        runs: usize::from(args.runs),
        clients: if args.engine { clients()? } else { Vec::new() },
    };
    let progress = Progress::of(&args.output);
    let report = ops::bench(&request, &options, &progress)?;
    progress.finish();
    output::write(&report, &args.output, false)?;
    Ok(DONE)
}

/// This program's own builds, and Docker's.
fn clients() -> Result<Vec<Client>, Error> {
    let program = std::env::current_exe()
        .map_err(|e| Error::Usage { message: format!("finding this program: {e}"), hint: None })?;
    let client = |name: &str, words: Vec<OsString>| Client { name: name.to_owned(), words };
    Ok(vec![
        client("stowaway build", vec![program.into(), "build".into()]),
        client("docker buildx build", ["docker", "buildx", "build"].map(OsString::from).into()),
    ])
}
