//! Engines that take their time: what waits for them is bounded, and their requests are taken all the same.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use super::super::Local;
use super::receiver::engine;
use crate::context::Listed;
use crate::entry::{ContextPath, Entry, FileType, Source, Stat};
use crate::session::packet::Kind;

/// Large files that exist only while they are read, which is counted.
struct Endless {
    entries: Vec<Entry>,
    read: Arc<AtomicU64>,
}

const FILES: u32 = 16;
const SIZE: u64 = 8 << 20;

impl Endless {
    fn new(read: Arc<AtomicU64>) -> Self {
        let entry = |i| {
            let path = ContextPath::new(format!("f{i:02}").into_bytes()).unwrap();
            let file_type = FileType::File;
            let stat = Stat { file_type, mode: 0o644, uid: 0, gid: 0, size: SIZE, mtime_ns: 0, extra: None };
            Entry { path, stat, hardlink: None }
        };
        Self { entries: (0..FILES).map(entry).collect(), read }
    }
}

impl Source for Endless {
    fn entries(&self) -> &[Entry] {
        &self.entries
    }

    fn open(&self, _: &Entry) -> io::Result<Box<dyn Read + Send + '_>> {
        Ok(Box::new(Counted { left: SIZE, read: &self.read }))
    }
}

struct Counted<'a> {
    left: u64,
    read: &'a AtomicU64,
}

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let len = buffer.len().min(usize::try_from(self.left).unwrap()).min(100_000);
        self.left -= len as u64;
        self.read.fetch_add(len as u64, Relaxed);
        buffer[..len].fill(7);
        Ok(len)
    }
}

#[tokio::test]
async fn an_engine_that_takes_nothing_makes_nobody_read_on() {
    let read = Arc::new(AtomicU64::new(0));
    let local = Local::listed(Listed::new(Arc::new(Endless::new(Arc::clone(&read)))));
    let mut engine = engine(vec![("context", local)]).await;
    let mut call = engine.call(&[("dir-name", b"context")]).await.unwrap();
    while call.next().await.unwrap().unwrap().stat.is_some() {}
    (0..FILES).for_each(|id| call.ask(Kind::Req, id));
    let mut last = u64::MAX;
    while last != read.load(Relaxed) || last == 0 {
        last = read.load(Relaxed);
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert!(last < 12 << 20, "{last} bytes were read for nobody");
    // All of them were asked for by now: no other may be.
    let mut bytes = 0;
    for _ in 0..FILES {
        loop {
            let packet = call.next().await.unwrap().unwrap();
            bytes += packet.data.len() as u64;
            if packet.data.is_empty() {
                break;
            }
        }
    }
    assert_eq!((bytes, read.load(Relaxed)), (u64::from(FILES) * SIZE, u64::from(FILES) * SIZE));
    call.ask(Kind::Fin, 0);
    assert_eq!(call.next().await.unwrap().unwrap().kind(), Kind::Fin);
    assert!(call.next().await.unwrap().is_none());
}
