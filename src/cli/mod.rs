//! Flags → option structs, events → progress, results → stdout and the exit code.

/// Runs the program with the process's own arguments and returns its exit status.
pub fn main() -> std::process::ExitCode {
    std::process::ExitCode::SUCCESS
}
