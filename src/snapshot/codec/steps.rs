//! What stands in the Dockerfile, and what the snapshot is of.

use std::collections::BTreeMap;

use super::wire::{Malformed, Reader, Writer};
use crate::digest::Digest;
use crate::snapshot::{Failure, IgnoreRules, StepState, Subject, Variable};

pub fn write_subject(out: &mut Writer, subject: &Subject) {
    out.text(&subject.tool);
    out.option(subject.taken, Writer::signed);
    out.bytes(&subject.context);
    out.text(&subject.dockerfile);
    out.text(&subject.target);
    out.text(&subject.platform);
    out.option(subject.revision.as_deref(), Writer::text);
}

pub fn read_subject(from: &mut Reader<'_>) -> Result<Subject, Malformed> {
    Ok(Subject {
        tool: from.text()?,
        taken: from.option(Reader::signed)?,
        context: from.bytes()?.to_vec(),
        dockerfile: from.text()?,
        target: from.text()?,
        platform: from.text()?,
        revision: from.option(Reader::text)?,
    })
}

pub fn write_arguments(out: &mut Writer, arguments: &BTreeMap<String, Digest>) {
    out.size(arguments.len());
    for (name, digest) in arguments {
        out.text(name);
        out.digest(digest);
    }
}

pub fn read_arguments(from: &mut Reader<'_>) -> Result<BTreeMap<String, Digest>, Malformed> {
    Ok(from.list(|from| Ok((from.text()?, from.digest()?)))?.into_iter().collect())
}

pub fn write_ignore_files(out: &mut Writer, files: &BTreeMap<String, IgnoreRules>) {
    out.size(files.len());
    for (source, rules) in files {
        out.text(source);
        out.option(rules.name.as_deref(), Writer::text);
        out.bytes(&rules.bytes);
    }
}

pub fn read_ignore_files(from: &mut Reader<'_>) -> Result<BTreeMap<String, IgnoreRules>, Malformed> {
    let file = |from: &mut Reader<'_>| {
        let source = from.text()?;
        Ok((source, IgnoreRules { name: from.option(Reader::text)?, bytes: from.bytes()?.to_vec() }))
    };
    Ok(from.list(file)?.into_iter().collect())
}

/// Steps. One that has the very variables of the step before says so instead of repeating them.
pub fn write_steps(out: &mut Writer, steps: &[StepState]) {
    let mut before: &[Variable] = &[];
    out.size(steps.len());
    for step in steps {
        out.text(&step.name);
        out.text(&step.stage);
        out.size(step.line);
        out.size(step.end_line);
        out.text(&step.instruction);
        out.text(&step.text);
        out.size(step.vertex);
        let other = step.variables != before;
        out.option(other.then_some(&step.variables), |out, list| out.list(list, write_variable));
        before = &step.variables;
    }
}

pub fn read_steps(from: &mut Reader<'_>) -> Result<Vec<StepState>, Malformed> {
    let mut before: Vec<Variable> = Vec::new();
    from.list(|from| {
        let mut step = StepState {
            name: from.text()?,
            stage: from.text()?,
            line: from.size()?,
            end_line: from.size()?,
            instruction: from.text()?,
            text: from.text()?,
            vertex: from.size()?,
            variables: Vec::new(),
        };
        match from.option(|from| from.list(read_variable))? {
            Some(variables) => before = variables,
            None => from.charge_copy(&before)?,
        }
        step.variables.clone_from(&before);
        Ok(step)
    })
}

fn write_variable(out: &mut Writer, variable: &Variable) {
    out.text(&variable.name);
    out.flag(variable.argument);
    out.option(variable.line, Writer::size);
    out.option(variable.value.as_ref(), Writer::digest);
}

fn read_variable(from: &mut Reader<'_>) -> Result<Variable, Malformed> {
    Ok(Variable {
        name: from.text()?,
        argument: from.flag()?,
        line: from.option(Reader::size)?,
        value: from.option(Reader::digest)?,
    })
}

pub fn write_failure(out: &mut Writer, failure: &Failure) {
    out.option(failure.step, Writer::size);
    out.text(&failure.code);
    out.text(&failure.message);
    out.bytes(&failure.path);
}

pub fn read_failure(from: &mut Reader<'_>) -> Result<Failure, Malformed> {
    Ok(Failure {
        step: from.option(Reader::size)?,
        code: from.text()?,
        message: from.text()?,
        path: from.bytes()?.to_vec(),
    })
}
