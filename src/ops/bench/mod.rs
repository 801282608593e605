//! `bench`: what a context costs on this machine, where the time goes, and what to do about it.
//!
//! Everything is measured as people run it: a plan that reads all it needs, one that remembers, a tar, and, when it is asked for, a
//! build that sends the context and copies nothing. Nothing is left behind but what an engine keeps of what it was sent.

mod clock;
mod transfer;
mod verdict;

use std::io;
use std::time::Instant;

use rayon::prelude::*;

use self::clock::Clock;
pub use self::transfer::Client;
use super::{DuOptions, PackOptions, Packable, Request, du, pack, plan};
use crate::digest::Digest;
use crate::error::Error;
use crate::observer::Observer;
use crate::pack::Sink;
use crate::report::{BenchPack, BenchPlan, BenchReport, BenchTransfer};

/// How much of the memory's speed is measured, for each thread.
const SAMPLE: usize = 16 << 20;

/// What is measured, and how often.
#[derive(Debug, Clone, Default)]
pub struct BenchOptions {
    /// How often each is measured; at least once.
    pub runs: usize,
    /// Who sends the context to an engine; empty for nobody.
    pub clients: Vec<Client>,
}

/// Measures a context.
///
/// # Errors
/// [`Error`] for input that can't be read. A build that would fail is measured all the same, and a client that can't build is told.
pub fn bench(
    request: &Request,
    options: &BenchOptions,
    observer: &dyn Observer,
) -> Result<BenchReport, Error> {
    let runs = options.runs.max(1);
    let weight = du(request, &DuOptions { top: 1, depth: 2, max: None }, observer)?;
    let cold = Request { index: None, ..request.clone() };
    let first = planned(&cold, observer)?;
    let memory = tempfile::tempdir().map_err(|e| Error::write(&std::env::temp_dir(), e))?;
    let warm = Request { index: Some(memory.path().to_owned()), ..request.clone() };
    planned(&warm, observer)?;
    let mut report = BenchReport {
        context: weight.context.clone(),
        dockerfile: weight.dockerfile.clone(),
        target: weight.target.clone(),
        cores: rayon::current_num_threads(),
        runs,
        cold: median(&in_turn(runs, || planned(&cold, observer))?),
        warm: median(&in_turn(runs, || planned(&warm, observer))?),
        first_seconds: first.seconds,
        memory_bytes_per_second: in_memory(),
        pack: packed(request, runs, observer)?,
        transfer: sent(request, options, runs)?,
        findings: Vec::new(),
    };
    report.findings = verdict::findings(&report, &weight);
    Ok(report)
}

fn in_turn<T>(runs: usize, work: impl Fn() -> Result<T, Error>) -> Result<Vec<T>, Error> {
    (0..runs).map(|_| work()).collect()
}

/// One plan, with where its time went.
fn planned(request: &Request, observer: &dyn Observer) -> Result<BenchPlan, Error> {
    let clock = Clock::new(observer);
    plan(request, &clock)?;
    Ok(clock.stop())
}

/// The medians of each part; they need not add up.
fn median(plans: &[BenchPlan]) -> BenchPlan {
    let of = |part: fn(&BenchPlan) -> f64| middle(plans.iter().map(part).collect());
    let last = plans.last().copied().unwrap_or_default();
    BenchPlan {
        seconds: of(|p| p.seconds),
        walk_seconds: of(|p| p.walk_seconds),
        hash_seconds: of(|p| p.hash_seconds),
        keys_seconds: of(|p| p.keys_seconds),
        ..last
    }
}

/// The one in the middle; the higher one of two.
fn middle(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or_default()
}

/// What this machine hashes in a second when nothing has to be read.
#[allow(clippy::cast_precision_loss, reason = "two digits are enough")]
fn in_memory() -> f64 {
    let sample = vec![0x5a; SAMPLE];
    let threads = rayon::current_num_threads();
    let start = Instant::now();
    let sums: Vec<Digest> = (0..threads).into_par_iter().map(|_| Digest::sha256(&sample)).collect();
    (sums.len() * SAMPLE) as f64 / start.elapsed().as_secs_f64().max(1e-9)
}

/// The context as a tar that nobody keeps.
fn packed(request: &Request, runs: usize, observer: &dyn Observer) -> Result<BenchPack, Error> {
    let options = PackOptions { context_only: true, digest: None, ..PackOptions::default() };
    let once = || {
        let start = Instant::now();
        let packable = Packable::of(request, &options, observer)?;
        let summary = pack(&packable, &options, Sink::Writer(&mut io::sink()), None, observer)?;
        Ok(BenchPack { seconds: start.elapsed().as_secs_f64(), bytes: summary.tar_bytes })
    };
    let all = in_turn(runs, once)?;
    let seconds = middle(all.iter().map(|p| p.seconds).collect());
    Ok(BenchPack { seconds, ..all.last().copied().unwrap_or_default() })
}

/// The context on its way to an engine.
fn sent(request: &Request, options: &BenchOptions, runs: usize) -> Result<BenchTransfer, Error> {
    if options.clients.is_empty() {
        let why = "--engine sends the context to the engine, once by each client, which keeps both copies in its build cache";
        return Ok(BenchTransfer { left_out: Some(why.to_owned()), clients: Vec::new() });
    }
    transfer::measure(request, &options.clients, runs)
}
