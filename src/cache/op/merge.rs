//! MergeOp (`solver/llbsolver/ops/merge.go`).

use super::Dependency;
use crate::cache::json::{Object, array};

/// The operation in JSON, and how it looks at its inputs.
pub(super) fn identity(inputs: usize) -> (String, Vec<Dependency>) {
    let list =
        array((0..inputs).map(|i| Object::new().int("input", i64::try_from(i).unwrap_or(i64::MAX)).finish()));
    let merge = Object::new().json("inputs", (inputs > 0).then_some(list)).finish();
    let json = Object::new().text("Type", "buildkit.merge.v0").json("Merge", Some(merge)).finish();
    (json, vec![Dependency::default(); inputs])
}
