//! `bench` for people: what was measured, then where the time goes and what to do.

use std::io::{self, Write};

use super::super::bench::{BenchBuild, BenchClient, BenchFinding, BenchPlan, BenchReport};
use super::super::path::shown;
use super::table::{Column, lay_out};
use super::why::paragraph;
use super::{Look, Tone, size};
use crate::wording::{count, thousands};

/// Writes the answer.
pub fn write(out: &mut dyn Write, report: &BenchReport, look: &Look) -> io::Result<()> {
    writeln!(out, "{}", look.paint(Tone::Strong, &heading(report)))?;
    writeln!(out)?;
    let rows: Vec<Vec<String>> = plans(report).into_iter().chain(transfers(report)).collect();
    let column = |title, right| Column { title, right };
    let columns = [column("measured", false), column("time", true), column("", false)];
    for line in lay_out(&columns, &rows, 2, look.width) {
        writeln!(out, "{line}")?;
    }
    if let Some(why) = &report.transfer.left_out {
        paragraph(out, Tone::Faint, "transfer", &format!("not measured: {why}"), look)?;
    }
    for finding in &report.findings {
        writeln!(out)?;
        found(out, finding, look)?;
    }
    Ok(())
}

/// `context .: 12 files, 3 folders, 4.6 KiB (Dockerfile, target app); medians of 3 runs on 2 threads`.
fn heading(report: &BenchReport) -> String {
    let path = report.context.path.as_ref().map_or_else(String::new, |p| shown(&p.0));
    let target = if report.target.is_empty() { String::new() } else { format!(", target {}", report.target) };
    format!(
        "context {path}: {}, {}, {} ({}{target}); medians of {} on {}",
        count(report.context.files, "file"),
        count(report.context.dirs, "folder"),
        size(report.context.bytes),
        shown(report.dockerfile.as_bytes()),
        count(report.runs as u64, "run"),
        count(report.cores as u64, "thread"),
    )
}

/// What needs no engine.
fn plans(report: &BenchReport) -> Vec<Vec<String>> {
    let (cold, warm) = (&report.cold, &report.warm);
    let entries = report.context.files + report.context.dirs + report.context.symlinks;
    let row = |name: &str, seconds: f64, text: String| vec![name.to_owned(), time(seconds), text];
    vec![
        row("walk", cold.walk_seconds, per_second(entries, cold.walk_seconds, "entries")),
        row("hash, nothing remembered", cold.hash_seconds, hashed(cold)),
        row("hash, nothing changed", warm.hash_seconds, hashed(warm)),
        row("keys", cold.keys_seconds, String::new()),
        row("plan, nothing remembered", cold.seconds, first(report)),
        row("plan, nothing changed", warm.seconds, String::new()),
        row("pack", report.pack.seconds, rate(report.pack.bytes, report.pack.seconds)),
    ]
}

/// What was sent.
fn transfers(report: &BenchReport) -> Vec<Vec<String>> {
    let build = |name: &str, how: &str, build: &BenchBuild| {
        let text = format!("{} of it sending {}", time(build.transfer_seconds), size(build.bytes));
        vec![format!("{name}, {how}"), time(build.seconds), text]
    };
    let client = |c: &BenchClient| {
        [build(&c.name, "engine has nothing", &c.cold), build(&c.name, "engine has all", &c.unchanged)]
    };
    report.transfer.clients.iter().flat_map(client).collect()
}

fn hashed(plan: &BenchPlan) -> String {
    match plan.files_read {
        0 => "no file read".to_owned(),
        files => {
            format!("{} read, {}", count(files, "file"), rate(plan.bytes_read, plan.hash_seconds))
        }
    }
}

fn first(report: &BenchReport) -> String {
    format!("{} the first time", time(report.first_seconds))
}

/// `4.2 ms`, `1.20 s`
pub fn time(seconds: f64) -> String {
    match seconds {
        s if s >= 10.0 => format!("{s:.1} s"),
        s if s >= 1.0 => format!("{s:.2} s"),
        s if s >= 0.1 => format!("{:.0} ms", s * 1e3),
        s => format!("{:.1} ms", s * 1e3),
    }
}

/// `1.2 GiB a second`
fn rate(bytes: u64, seconds: f64) -> String {
    format!("{} a second", size(quotient(bytes, seconds)))
}

fn per_second(things: u64, seconds: f64, name: &str) -> String {
    format!("{} {name} a second", thousands(quotient(things, seconds)))
}

/// How many in a second; clocks have a grain, so that no time is none.
#[allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a few digits are shown"
)]
fn quotient(things: u64, seconds: f64) -> u64 {
    (things as f64 / seconds.max(1e-6)) as u64
}

fn found(out: &mut dyn Write, finding: &BenchFinding, look: &Look) -> io::Result<()> {
    paragraph(out, Tone::Strong, "verdict:", &finding.message, look)?;
    finding.help.iter().try_for_each(|help| paragraph(out, Tone::Hint, "hint:", help, look))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_three_digits_or_so() {
        let times = [0.0, 0.000_04, 0.012_34, 0.123_4, 1.234, 12.34].map(time);
        assert_eq!(times, ["0.0 ms", "0.0 ms", "12.3 ms", "123 ms", "1.23 s", "12.3 s"]);
    }

    #[test]
    fn what_took_no_time_has_a_rate() {
        assert_eq!(rate(0, 0.0), "0 B a second");
        assert_eq!(per_second(500, 0.5, "entries"), "1,000 entries a second");
    }
}
