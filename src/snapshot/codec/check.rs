//! Places in a snapshot that point at other parts of it: all of them have to be there, since whoever uses a snapshot follows
//! them without looking.

use super::wire::Malformed;
use crate::snapshot::{ContentState, PickedFiles, Snapshot, VertexState};

pub fn places(snapshot: &Snapshot) -> Result<(), Malformed> {
    let (vertices, records) = (snapshot.vertices.len(), snapshot.remembered.records.len());
    for source in &snapshot.sources {
        holds(source.contents.len() == source.entries.len(), "a list of contents")?;
    }
    for (place, vertex) in snapshot.vertices.iter().enumerate() {
        holds(vertex.records.iter().all(|r| *r < records), "a vertex's record")?;
        holds(vertex.inputs.iter().all(|i| i.vertex < place), "an input's vertex")?;
        of_files(snapshot, vertex)?;
    }
    for record in &snapshot.remembered.records {
        holds(record.inputs.iter().flatten().all(|l| l.record < records), "a record's link")?;
    }
    holds(snapshot.steps.iter().all(|s| s.vertex < vertices), "a step's vertex")?;
    holds(snapshot.target.is_none_or(|t| t < vertices), "the target's vertex")?;
    let steps = snapshot.steps.len();
    holds(snapshot.failures.iter().all(|f| f.step.is_none_or(|s| s < steps)), "a failure's step")
}

fn of_files(snapshot: &Snapshot, vertex: &VertexState) -> Result<(), Malformed> {
    for input in &vertex.inputs {
        let ContentState::Known { picked, .. } = &input.content else { continue };
        for picked in picked {
            let PickedFiles::Local { source, entries } = &picked.files else { continue };
            let count = snapshot.sources.get(*source).map(|s| s.entries.len());
            let there = |count: usize| entries.iter().all(|r| r.start <= r.end && r.end <= count);
            holds(count.is_some_and(there), "a range of entries")?;
        }
    }
    Ok(())
}

fn holds(it_does: bool, what: &'static str) -> Result<(), Malformed> {
    if it_does { Ok(()) } else { Err(Malformed::Value(what)) }
}
