//! Makes a build that shows a difference as small as it gets.

use super::generate::{Build, Instruction};
use super::tree::Kind;

/// Takes parts away as long as `differs` holds; asks at most `limit` times.
pub fn shrink(mut build: Build, limit: usize, mut differs: impl FnMut(&Build) -> bool) -> Build {
    let mut asked = 0;
    loop {
        let mut smaller = None;
        for candidate in candidates(&build) {
            asked += 1;
            if asked > limit {
                return build;
            }
            if differs(&candidate) {
                smaller = Some(candidate);
                break;
            }
        }
        match smaller {
            Some(smaller) => build = smaller,
            None => return build,
        }
    }
}

/// Every build that is one part smaller, the big cuts first.
fn candidates(build: &Build) -> Vec<Build> {
    let mut out = Vec::new();
    if !build.ignore.is_empty() {
        out.push(Build { ignore: Vec::new(), ..build.clone() });
    }
    for i in (0..build.dockerfile.len()).rev() {
        let mut smaller = build.clone();
        smaller.dockerfile.remove(i);
        out.push(smaller);
    }
    out.extend(without_entries(build));
    for i in 0..build.ignore.len() {
        let mut smaller = build.clone();
        smaller.ignore.remove(i);
        out.push(smaller);
    }
    for (i, instruction) in build.dockerfile.iter().enumerate() {
        for simpler in simpler(instruction) {
            let mut smaller = build.clone();
            smaller.dockerfile[i] = simpler;
            out.push(smaller);
        }
    }
    out
}

/// Without an entry, what is below it, and the hard links to any of that.
fn without_entries(build: &Build) -> Vec<Build> {
    let lines = &build.tree.lines;
    let gone = |path: &[u8], root: &[u8]| {
        path == root || path.starts_with(root) && path.get(root.len()) == Some(&b'/')
    };
    let without = |root: &[u8]| {
        let mut smaller = build.clone();
        smaller.tree.lines.retain(|l| {
            let first_gone = matches!(&l.kind, Kind::Hard { first } if gone(first, root));
            !first_gone && !gone(&l.path, root)
        });
        smaller
    };
    lines.iter().rev().map(|l| without(&l.path)).collect()
}

/// A COPY without one of its flags or sources.
fn simpler(instruction: &Instruction) -> Vec<Instruction> {
    let Instruction::Copy { flags, sources, .. } = instruction else { return Vec::new() };
    let mut out = Vec::new();
    for i in 0..flags.len() {
        let mut smaller = instruction.clone();
        if let Instruction::Copy { flags, .. } = &mut smaller {
            flags.remove(i);
        }
        out.push(smaller);
    }
    for i in 0..sources.len().saturating_sub(1) {
        let mut smaller = instruction.clone();
        if let Instruction::Copy { sources, .. } = &mut smaller {
            sources.remove(i);
        }
        out.push(smaller);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::generate::Abilities;
    use super::*;

    #[test]
    fn shrinking_keeps_the_difference_and_drops_the_rest() {
        let has_copy = |b: &Build| b.dockerfile.iter().any(|i| matches!(i, Instruction::Copy { .. }));
        let build = (0..)
            .map(|seed| Build::from_seed(seed, Abilities::ALL))
            .find(|b| has_copy(b))
            .expect("one of them");
        let small = shrink(build, 10_000, has_copy);
        assert_eq!((small.dockerfile.len(), small.tree.lines.len(), small.ignore.len()), (1, 0, 0));
        let Instruction::Copy { flags, sources, .. } = &small.dockerfile[0] else { unreachable!("a COPY") };
        assert_eq!((flags.len(), sources.len()), (0, 1));
    }

    #[test]
    fn a_seed_gives_the_same_build_each_time() {
        let build = |seed| Build::from_seed(seed, Abilities::ALL);
        assert_eq!(build(7), build(7));
        assert_ne!(build(7), build(8));
    }
}
