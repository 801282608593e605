//! The build graph, and what a builder remembers of it.

use super::source::{read_ranges, write_ranges};
use super::wire::{Malformed, Reader, Writer};
use crate::cache::{Remembered, RememberedLink, RememberedRecord};
use crate::snapshot::{
    ContentState, Field, InputState, Picked, PickedFiles, StageFileState, VertexKind, VertexState,
};

const KINDS: [VertexKind; 7] = [
    VertexKind::Local,
    VertexKind::Image,
    VertexKind::Http,
    VertexKind::Git,
    VertexKind::File,
    VertexKind::Exec,
    VertexKind::Merge,
];

pub fn write_vertex(out: &mut Writer, vertex: &VertexState) {
    out.byte(KINDS.iter().position(|k| *k == vertex.kind).map_or(0, |i| i as u8));
    out.flag(vertex.ignore_cache);
    out.list(&vertex.records, |out, record| out.size(*record));
    out.list(&vertex.open, |out, reason| out.text(reason));
    out.list(&vertex.fields, |out, field| {
        out.text(&field.name);
        out.digest(&field.digest);
    });
    out.list(&vertex.inputs, write_input);
}

pub fn read_vertex(from: &mut Reader<'_>) -> Result<VertexState, Malformed> {
    let kind = usize::from(from.byte()?);
    Ok(VertexState {
        kind: *KINDS.get(kind).ok_or(Malformed::Value("a kind of vertex"))?,
        ignore_cache: from.flag()?,
        records: from.list(Reader::size)?,
        open: from.list(Reader::text)?,
        fields: from.list(|from| Ok(Field { name: from.text()?, digest: from.digest()? }))?,
        inputs: from.list(read_input)?,
    })
}

fn write_input(out: &mut Writer, input: &InputState) {
    out.size(input.vertex);
    out.option(input.selector.as_ref(), Writer::digest);
    match &input.content {
        ContentState::None => out.byte(0),
        ContentState::Known { record, picked } => {
            out.byte(1);
            out.digest(record);
            out.list(picked, write_picked);
        }
        ContentState::Open(reason) => {
            out.byte(2);
            out.text(reason);
        }
        ContentState::Failed => out.byte(3),
    }
}

fn read_input(from: &mut Reader<'_>) -> Result<InputState, Malformed> {
    let (vertex, selector) = (from.size()?, from.option(Reader::digest)?);
    let content = match from.byte()? {
        0 => ContentState::None,
        1 => ContentState::Known { record: from.digest()?, picked: from.list(read_picked)? },
        2 => ContentState::Open(from.text()?),
        3 => ContentState::Failed,
        _ => return Err(Malformed::Value("a kind of content")),
    };
    Ok(InputState { vertex, selector, content })
}

fn write_picked(out: &mut Writer, picked: &Picked) {
    out.digest(&picked.digest);
    match &picked.files {
        PickedFiles::Local { source, entries } => {
            out.byte(0);
            out.size(*source);
            write_ranges(out, entries);
        }
        PickedFiles::Stage(files) => {
            out.byte(1);
            out.size(files.len());
            out.paths(files.iter().map(|f| &f.path[..]));
            out.digests(files.iter().map(|f| Some(&f.digest)));
        }
    }
}

fn read_picked(from: &mut Reader<'_>) -> Result<Picked, Malformed> {
    let digest = from.digest()?;
    let files = match from.byte()? {
        0 => PickedFiles::Local { source: from.size()?, entries: read_ranges(from)? },
        1 => {
            let count = from.count::<StageFileState>()?;
            let (paths, digests) = (from.paths(count)?, from.digests(count)?);
            let file = |(path, digest): (Vec<u8>, Option<_>)| {
                Ok(StageFileState { path, digest: digest.ok_or(Malformed::Value("a digest"))? })
            };
            PickedFiles::Stage(paths.into_iter().zip(digests).map(file).collect::<Result<_, _>>()?)
        }
        _ => return Err(Malformed::Value("a kind of files")),
    };
    Ok(Picked { digest, files })
}

pub fn write_remembered(out: &mut Writer, remembered: &Remembered) {
    out.list(&remembered.records, |out, record| {
        out.digest(&record.digest);
        let flags = [record.result, record.partial, record.stand_in];
        out.byte(flags.iter().rev().fold(0, |byte, flag| byte << 1 | u8::from(*flag)));
        out.list(&record.inputs, |out, alternatives| {
            out.list(alternatives, |out, link| {
                out.size(link.record);
                out.option(link.selector.as_ref(), Writer::digest);
            });
        });
    });
}

pub fn read_remembered(from: &mut Reader<'_>) -> Result<Remembered, Malformed> {
    let records = from.list(|from| {
        let digest = from.digest()?;
        let flags = from.byte()?;
        if flags > 7 {
            return Err(Malformed::Value("a record's flags"));
        }
        let link = |from: &mut Reader<'_>| {
            Ok(RememberedLink { record: from.size()?, selector: from.option(Reader::digest)? })
        };
        let inputs = from.list(|from| from.list(link))?;
        let [result, partial, stand_in] = [1, 2, 4].map(|bit| flags & bit != 0);
        Ok(RememberedRecord { digest, inputs, result, partial, stand_in })
    })?;
    Ok(Remembered { records })
}
