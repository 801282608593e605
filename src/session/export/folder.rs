//! Takes a folder in, packet by packet (`fsutil`, `receive.go`): names first, and for each file a request for its content.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::Write as _;
use std::path::Path;

use bytes::Bytes;

use super::order::Order;
use super::packet::{Kind, Packet, Stat, kind};
use super::place::Place;
use crate::wording::reason;

/// How many files are open at once; an engine sends four at a time.
const MAX_OPEN: usize = 64;

/// A folder that is being filled.
#[derive(Debug)]
pub(super) struct Receiver {
    place: Place,
    order: Order,
    /// All names, where nothing else is to stay.
    mirror: Option<HashSet<Bytes>>,
    next: u32,
    pending: HashMap<u32, Pending>,
    open: HashMap<u32, File>,
    /// New folders with their times, which are set when nothing is put into them any more.
    folders: Vec<(Bytes, i64)>,
    listed: bool,
    finished: bool,
    /// Bytes of content so far.
    pub bytes: u64,
}

/// How far it is after a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    /// There is more to come.
    More,
    /// All is in its place: the engine is to be told so.
    Complete,
    /// The engine knows.
    Closed,
}

/// A file whose content was asked for.
#[derive(Debug)]
struct Pending {
    path: Bytes,
    mode: u32,
    mtime: i64,
    loosened: bool,
}

impl Receiver {
    pub fn new(path: &Path, mirror: bool) -> Result<Self, String> {
        let place = Place::open(path).map_err(|e| {
            format!("failed to create synctarget dest dir {}: {}", path.display(), reason(&e))
        })?;
        Ok(Self {
            place,
            order: Order::default(),
            mirror: mirror.then(HashSet::new),
            next: 0,
            pending: HashMap::new(),
            open: HashMap::new(),
            folders: Vec::new(),
            listed: false,
            finished: false,
            bytes: 0,
        })
    }

    /// Takes a packet.
    pub fn take(&mut self, packet: Packet, reply: &mut dyn FnMut(Packet)) -> Result<Progress, String> {
        match packet.kind {
            kind::STAT => match packet.stat {
                Some(stat) => self.stat(&stat, reply)?,
                None => self.listed = true,
            },
            kind::DATA => self.data(packet.id, &packet.data)?,
            kind::FIN if self.finished => return Ok(Progress::Closed),
            kind::FIN => return Err("the engine ended the transfer early".into()),
            kind::ERR => return Err(format!("error from sender: {}", String::from_utf8_lossy(&packet.data))),
            _ => {}
        }
        if self.listed && !self.finished && self.pending.is_empty() {
            self.finish()?;
            return Ok(Progress::Complete);
        }
        Ok(Progress::More)
    }

    /// Takes back what was begun, so that nothing half-written is left.
    pub fn discard(mut self) {
        self.open.clear();
        self.place.discard(self.pending.values().map(|file| &file.path[..]));
    }

    fn stat(&mut self, stat: &Stat, reply: &mut dyn FnMut(Packet)) -> Result<(), String> {
        if self.listed {
            return Err("the engine goes on after the end of its list".into());
        }
        let id = self.next;
        self.next = id.checked_add(1).ok_or("the engine sends too many names")?;
        self.order.next(stat)?;
        let new_folder = self.place.put(stat).map_err(|e| failed(&stat.path, &e))?;
        if new_folder {
            self.folders.push((stat.path.clone(), stat.mtime));
        }
        if let Some(names) = &mut self.mirror {
            names.insert(stat.path.clone());
        }
        if stat.kind() == Kind::File && stat.linkname.is_empty() {
            let (path, mode) = (stat.path.clone(), stat.permissions());
            self.pending.insert(id, Pending { path, mode, mtime: stat.mtime, loosened: false });
            reply(Packet::request(id));
        }
        Ok(())
    }

    fn data(&mut self, id: u32, data: &[u8]) -> Result<(), String> {
        if data.is_empty() {
            let pending = self.pending.remove(&id).ok_or_else(|| format!("invalid file request {id}"))?;
            let written = self.open.remove(&id).is_some();
            return self.complete(&pending, written).map_err(|e| failed(&pending.path, &e));
        }
        let pending = self.pending.get_mut(&id).ok_or_else(|| format!("invalid file request {id}"))?;
        if self.open.len() >= MAX_OPEN && !self.open.contains_key(&id) {
            self.open.clear();
        }
        append(&mut self.place, &mut self.open, id, pending, data).map_err(|e| failed(&pending.path, &e))?;
        self.bytes += data.len() as u64;
        Ok(())
    }

    /// Writing takes the setuid and setgid bits from a file, and it may have had to be made writable.
    fn complete(&mut self, file: &Pending, written: bool) -> std::io::Result<()> {
        if file.loosened || (written && file.mode & 0o6000 != 0) {
            self.place.chmod(&file.path, file.mode)?;
        }
        self.place.touch(&file.path, file.mtime)
    }

    fn finish(&mut self) -> Result<(), String> {
        if let Some(names) = &self.mirror {
            self.place.keep_only(names).map_err(|e| format!("removing what was not sent: {}", reason(&e)))?;
        }
        for (path, mtime) in std::mem::take(&mut self.folders) {
            self.place.touch(&path, mtime).map_err(|e| failed(&path, &e))?;
        }
        self.finished = true;
        Ok(())
    }
}

fn append(
    place: &mut Place,
    open: &mut HashMap<u32, File>,
    id: u32,
    pending: &mut Pending,
    data: &[u8],
) -> std::io::Result<()> {
    if let Some(file) = open.get_mut(&id) {
        return file.write_all(data);
    }
    let (mut file, loosened) = place.append(&pending.path)?;
    pending.loosened |= loosened;
    file.write_all(data)?;
    open.insert(id, file);
    Ok(())
}

fn failed(path: &[u8], error: &std::io::Error) -> String {
    format!("writing {}: {}", String::from_utf8_lossy(path), reason(error))
}
