//! MergeOp (`solver/llbsolver/ops/merge.go`).

use super::Dependency;
use crate::buildkit::{Rule, Version};
use crate::cache::json::{Object, array};

/// The operation in JSON, and how it looks at its inputs.
pub(super) fn identity(inputs: usize, version: Version) -> (String, Vec<Dependency>) {
    let number = |i: usize| match i {
        0 if version.has(Rule::ZerosLeftOut) => Object::new().finish(),
        _ => Object::new().int_always("input", i64::try_from(i).unwrap_or(i64::MAX)).finish(),
    };
    let list = array((0..inputs).map(number));
    let merge = Object::new().json("inputs", (inputs > 0).then_some(list)).finish();
    let json = Object::new().text("Type", "buildkit.merge.v0").json("Merge", Some(merge)).finish();
    (json, vec![Dependency::default(); inputs])
}
