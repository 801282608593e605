//! Buffers in which contents go from the disk to the socket: filled in place behind the heads of their packets, used again.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

use super::super::packet::{DATA_HEADROOM, Kind, data_head_len, put_data_head, put_short};

/// At most so much content is in one packet. (The oldest engines refuse messages over 4 MiB; larger ones aren't faster.)
pub(super) const CHUNK: usize = 512 << 10;

const SIZE: usize = CHUNK + 2 * DATA_HEADROOM;

/// So many buffers are kept for the next reader.
const KEPT: usize = 12;

/// Buffers that are free.
#[derive(Debug, Default)]
pub(super) struct Pool {
    free: Mutex<Vec<Vec<u8>>>,
}

/// A buffer that frames are put into.
#[derive(Debug)]
pub(super) struct Buffer {
    bytes: Vec<u8>,
    filled: usize,
    pool: Arc<Pool>,
}

impl Pool {
    /// An empty buffer.
    pub(super) fn take(self: &Arc<Self>) -> Buffer {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner).pop();
        Buffer { bytes: free.unwrap_or_else(|| vec![0; SIZE]), filled: 0, pool: Arc::clone(self) }
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let mut free = self.pool.free.lock().unwrap_or_else(PoisonError::into_inner);
        if free.len() < KEPT {
            free.push(std::mem::take(&mut self.bytes));
        }
    }
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        &self.bytes[..self.filled]
    }
}

impl Buffer {
    /// How many bytes of frames it holds.
    pub(super) fn len(&self) -> usize {
        self.filled
    }

    /// Whether it has room for a packet with so much content, and for the end of the file.
    pub(super) fn has_room(&self, content: usize) -> bool {
        self.filled + content + 2 * DATA_HEADROOM <= self.bytes.len()
    }

    /// Puts a packet of content into it that `fill` writes, at most `most` bytes of it, of which `likely` are expected. Gives how many
    /// there were; nothing is put there for none.
    pub(super) fn data<E>(
        &mut self,
        id: u32,
        likely: usize,
        most: usize,
        fill: impl FnOnce(&mut [u8]) -> Result<usize, E>,
    ) -> Result<usize, E> {
        let start = self.filled + data_head_len(id, likely);
        let end = (start + most).min(self.bytes.len());
        let len = fill(&mut self.bytes[start..end])?;
        if len == 0 {
            return Ok(0);
        }
        let head = data_head_len(id, len);
        if self.filled + head != start {
            self.bytes.copy_within(start..start + len, self.filled + head);
        }
        put_data_head(&mut &mut self.bytes[self.filled..self.filled + head], id, len);
        self.filled += head + len;
        Ok(len)
    }

    /// Puts the packet there that ends a file.
    pub(super) fn end(&mut self, id: u32) {
        let mut frame = Vec::with_capacity(DATA_HEADROOM);
        put_short(&mut frame, Kind::Data, id);
        self.bytes[self.filled..self.filled + frame.len()].copy_from_slice(&frame);
        self.filled += frame.len();
    }

    /// What goes out; the buffer comes back when that is gone.
    pub(super) fn into_bytes(self) -> Bytes {
        Bytes::from_owner(self)
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::packet::{PREFIX, Packet};
    use super::*;
    use prost::Message;
    use std::convert::Infallible;

    fn packets(mut bytes: &[u8]) -> Vec<(u32, Vec<u8>)> {
        let mut out = Vec::new();
        while let [_, a, b, c, d, ..] = bytes {
            let end = PREFIX + u32::from_be_bytes([*a, *b, *c, *d]) as usize;
            let packet = Packet::decode(&bytes[PREFIX..end]).unwrap();
            out.push((packet.id, packet.data.to_vec()));
            bytes = &bytes[end..];
        }
        out
    }

    #[test]
    fn files_stand_side_by_side_also_when_they_are_shorter_than_expected() {
        let pool = Arc::new(Pool::default());
        let mut buffer = pool.take();
        let mut put = |id, likely, content: &[u8]| {
            let fill = |room: &mut [u8]| {
                room[..content.len()].copy_from_slice(content);
                Ok::<_, Infallible>(content.len())
            };
            let put = buffer.data(id, likely, 1000, fill).unwrap();
            assert_eq!(put, content.len());
            buffer.end(id);
        };
        put(1, 3, b"abc");
        put(2, 500, b"short");
        put(300, 1, &[7; 200]);
        put(4, 0, b"");
        let expected = [
            (1, b"abc".to_vec()),
            (1, Vec::new()),
            (2, b"short".to_vec()),
            (2, Vec::new()),
            (300, vec![7; 200]),
            (300, Vec::new()),
            (4, Vec::new()),
        ];
        assert_eq!(packets(buffer.as_ref()), expected);
    }

    #[test]
    fn a_buffer_is_used_again_once_its_bytes_are_gone() {
        let pool = Arc::new(Pool::default());
        let mut buffer = pool.take();
        buffer.end(1);
        let bytes = buffer.into_bytes();
        assert_eq!(pool.free.lock().unwrap().len(), 0);
        drop(bytes);
        assert_eq!(pool.free.lock().unwrap().len(), 1);
        assert_eq!(pool.take().len(), 0);
    }

    #[test]
    fn an_empty_buffer_has_room_for_the_largest_packet() {
        assert!(Arc::new(Pool::default()).take().has_room(CHUNK));
    }
}
