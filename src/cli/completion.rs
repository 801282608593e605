//! `stowaway completion` and `stowaway man`.

use clap::CommandFactory as _;

use super::args::Cli;
use super::{DONE, output};
use crate::error::Error;

/// A completion script.
pub fn script(shell: clap_complete::Shell) -> Result<u8, Error> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "stowaway", &mut script);
    output::to_stdout(|out| out.write_all(&script))?;
    Ok(DONE)
}

/// The manual page: the program's own, then that of each command.
pub fn manual() -> Result<u8, Error> {
    let mut root = Cli::command();
    root.build();
    output::to_stdout(|out| {
        clap_mangen::Man::new(root.clone()).render(out)?;
        for command in root.get_subcommands().filter(|c| c.get_name() != "help") {
            clap_mangen::Man::new(command.clone()).render(out)?;
        }
        Ok(())
    })?;
    Ok(DONE)
}
