//! Numbers, texts, digests and lists as bytes.
//!
//! Numbers are LEB128, so that small ones take a byte. A reader believes no length: a list of `n` items needs at least `n`
//! bytes that are still there, and all lists together may not take more memory than the reader was granted.

use std::cell::Cell;

use crate::digest::{Algorithm, Digest};

/// Why bytes can't be what they should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// They end too early.
    #[error("it ends too early")]
    Short,
    /// Something in them can't be.
    #[error("{0} can't be")]
    Value(&'static str),
    /// What they describe takes more memory than a reader grants.
    #[error("it takes more memory than a file of its size may")]
    TooLarge,
}

type Read<T> = Result<T, Malformed>;

/// Bytes under construction.
#[derive(Debug, Default)]
pub struct Writer(pub Vec<u8>);

impl Writer {
    pub fn byte(&mut self, byte: u8) {
        self.0.push(byte);
    }

    pub fn flag(&mut self, flag: bool) {
        self.byte(u8::from(flag));
    }

    pub fn number(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.byte((number & 0x7f) as u8 | 0x80);
            number >>= 7;
        }
        self.byte(number as u8);
    }

    pub fn size(&mut self, size: usize) {
        self.number(size as u64);
    }

    /// Numbers near zero are short, whatever their sign (zigzag).
    pub fn signed(&mut self, number: i64) {
        self.number(((number << 1) ^ (number >> 63)).cast_unsigned());
    }

    pub fn bytes(&mut self, bytes: &[u8]) {
        self.size(bytes.len());
        self.0.extend_from_slice(bytes);
    }

    pub fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    pub fn digest(&mut self, digest: &Digest) {
        self.byte(algorithm(Some(digest)));
        self.0.extend_from_slice(&digest.bytes);
    }

    pub fn list<T>(&mut self, list: &[T], mut write: impl FnMut(&mut Self, &T)) {
        self.size(list.len());
        list.iter().for_each(|item| write(self, item));
    }

    pub fn option<T>(&mut self, option: Option<T>, write: impl FnOnce(&mut Self, T)) {
        self.flag(option.is_some());
        if let Some(value) = option {
            write(self, value);
        }
    }

    /// A column of digests: first which of them there are and of what kind, then their bytes.
    pub fn digests<'d>(&mut self, digests: impl Iterator<Item = Option<&'d Digest>> + Clone) {
        digests.clone().for_each(|d| self.byte(algorithm(d)));
        digests.flatten().for_each(|d| self.0.extend_from_slice(&d.bytes));
    }

    /// A column of paths, each by what it shares with the one before: how much, how much more, and then the rest of all.
    pub fn paths<'p>(&mut self, paths: impl Iterator<Item = &'p [u8]> + Clone) {
        let before = std::iter::once(&b""[..]).chain(paths.clone());
        let parts = paths.zip(before).map(|(path, before)| path.split_at(shared(path, before)));
        parts.clone().for_each(|(shared, _)| self.size(shared.len()));
        parts.clone().for_each(|(_, rest)| self.size(rest.len()));
        parts.for_each(|(_, rest)| self.0.extend_from_slice(rest));
    }
}

fn algorithm(digest: Option<&Digest>) -> u8 {
    match digest.map(|d| d.algorithm) {
        None => 0,
        Some(Algorithm::Sha256) => 1,
        Some(Algorithm::Blake3) => 2,
    }
}

fn shared(a: &[u8], b: &[u8]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

/// Bytes that are being read.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    /// How much memory lists may still take.
    grant: &'a Cell<u64>,
}

impl<'a> Reader<'a> {
    pub fn new(bytes: &'a [u8], grant: &'a Cell<u64>) -> Self {
        Self { bytes, grant }
    }

    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    pub fn take(&mut self, len: usize) -> Read<&'a [u8]> {
        let (taken, rest) = self.bytes.split_at_checked(len).ok_or(Malformed::Short)?;
        self.bytes = rest;
        Ok(taken)
    }

    pub fn byte(&mut self) -> Read<u8> {
        let (first, rest) = self.bytes.split_first().ok_or(Malformed::Short)?;
        self.bytes = rest;
        Ok(*first)
    }

    pub fn flag(&mut self) -> Read<bool> {
        match self.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Malformed::Value("a flag")),
        }
    }

    pub fn number(&mut self) -> Read<u64> {
        let mut number = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let part = u64::from(byte & 0x7f);
            if part << shift >> shift != part {
                break;
            }
            number |= part << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(Malformed::Value("a number"))
    }

    pub fn size(&mut self) -> Read<usize> {
        usize::try_from(self.number()?).map_err(|_| Malformed::Value("a size"))
    }

    pub fn signed(&mut self) -> Read<i64> {
        let number = self.number()?;
        Ok((number >> 1).cast_signed() ^ -(number & 1).cast_signed())
    }

    /// A number of a smaller type.
    pub fn small<T: TryFrom<u64>>(&mut self) -> Read<T> {
        T::try_from(self.number()?).map_err(|_| Malformed::Value("a number"))
    }

    pub fn bytes(&mut self) -> Read<&'a [u8]> {
        let len = self.size()?;
        self.charge(len as u64)?;
        self.take(len)
    }

    pub fn text(&mut self) -> Read<String> {
        let text = std::str::from_utf8(self.bytes()?);
        text.map(str::to_owned).map_err(|_| Malformed::Value("a text"))
    }

    pub fn digest(&mut self) -> Read<Digest> {
        self.kind()?.map_or(Err(Malformed::Value("a digest")), |algorithm| self.digest_of(algorithm))
    }

    fn kind(&mut self) -> Read<Option<Algorithm>> {
        match self.byte()? {
            0 => Ok(None),
            1 => Ok(Some(Algorithm::Sha256)),
            2 => Ok(Some(Algorithm::Blake3)),
            _ => Err(Malformed::Value("a kind of digest")),
        }
    }

    fn digest_of(&mut self, algorithm: Algorithm) -> Read<Digest> {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(self.take(32)?);
        Ok(Digest { algorithm, bytes })
    }

    /// The length of a list, of which each item takes at least a byte.
    pub fn count<T>(&mut self) -> Read<usize> {
        let count = self.size()?;
        if count > self.bytes.len() {
            return Err(Malformed::Short);
        }
        self.charge(count as u64 * size_of::<T>() as u64)?;
        Ok(count)
    }

    /// Takes note of memory that a copy of `list` takes.
    pub fn charge_copy<T>(&self, list: &[T]) -> Read<()> {
        // Each item has a text or two of its own.
        self.charge(list.len() as u64 * (size_of::<T>() as u64 + 32))
    }

    fn charge(&self, bytes: u64) -> Read<()> {
        let left = self.grant.get().checked_sub(bytes).ok_or(Malformed::TooLarge)?;
        self.grant.set(left);
        Ok(())
    }

    pub fn list<T>(&mut self, mut read: impl FnMut(&mut Self) -> Read<T>) -> Read<Vec<T>> {
        let count = self.count::<T>()?;
        self.column(count, &mut read)
    }

    /// `count` items, whose number has been read with [`Reader::count`].
    pub fn column<T>(&mut self, count: usize, mut read: impl FnMut(&mut Self) -> Read<T>) -> Read<Vec<T>> {
        let mut list = Vec::with_capacity(count);
        for _ in 0..count {
            list.push(read(self)?);
        }
        Ok(list)
    }

    pub fn option<T>(&mut self, read: impl FnOnce(&mut Self) -> Read<T>) -> Read<Option<T>> {
        if self.flag()? { read(self).map(Some) } else { Ok(None) }
    }

    /// A column of digests.
    pub fn digests(&mut self, count: usize) -> Read<Vec<Option<Digest>>> {
        let kinds = self.column(count, Self::kind)?;
        kinds.into_iter().map(|k| k.map(|k| self.digest_of(k)).transpose()).collect()
    }

    /// A column of paths.
    pub fn paths(&mut self, count: usize) -> Read<Vec<Vec<u8>>> {
        let shared = self.column(count, Self::size)?;
        let rest = self.column(count, Self::size)?;
        let mut paths: Vec<Vec<u8>> = Vec::with_capacity(count);
        for (shared, rest) in shared.into_iter().zip(rest) {
            let before = paths.last().map_or(&b""[..], Vec::as_slice);
            let before = before.get(..shared).ok_or(Malformed::Value("a path"))?;
            let rest = self.take(rest)?;
            self.charge((before.len() + rest.len()) as u64)?;
            paths.push([before, rest].concat());
        }
        Ok(paths)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<T>(bytes: &[u8], read: impl FnOnce(&mut Reader<'_>) -> Read<T>) -> Read<T> {
        let grant = Cell::new(1000);
        read(&mut Reader::new(bytes, &grant))
    }

    #[test]
    fn numbers_come_back_at_every_edge() {
        for number in [0, 1, 0x7f, 0x80, 0x3fff, 0x4000, u64::from(u32::MAX), u64::MAX - 1, u64::MAX] {
            let mut writer = Writer::default();
            writer.number(number);
            writer.signed(number.cast_signed());
            let pair = read(&writer.0, |r| Ok((r.number()?, r.signed()?, r.is_empty())));
            assert_eq!(pair, Ok((number, number.cast_signed(), true)));
        }
        let mut writer = Writer::default();
        writer.signed(-1);
        assert_eq!(writer.0, [1], "small numbers are short");
    }

    #[test]
    fn numbers_that_are_too_long_are_refused() {
        assert_eq!(read(&[0xff; 20], |r| r.number()), Err(Malformed::Value("a number")));
        let over = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2];
        assert_eq!(read(&over, |r| r.number()), Err(Malformed::Value("a number")));
        assert_eq!(read(&[0x80], |r| r.number()), Err(Malformed::Short));
        assert_eq!(read(&[0xff, 0x7f], |r| r.small::<u8>()), Err(Malformed::Value("a number")));
    }

    #[test]
    fn a_length_is_not_believed() {
        let mut writer = Writer::default();
        writer.number(1 << 40);
        assert_eq!(read(&writer.0, |r| r.bytes().map(drop)), Err(Malformed::TooLarge));
        assert_eq!(read(&writer.0, |r| r.list(|r| r.byte())), Err(Malformed::Short));
        let mut writer = Writer::default();
        writer.list(&[0u8; 200], |w, b| w.byte(*b));
        assert_eq!(read(&writer.0, |r| r.list(|r| r.byte().map(u64::from))), Err(Malformed::TooLarge));
        assert_eq!(read(&writer.0, |r| r.list(|r| r.byte())).map(|l| l.len()), Ok(200));
    }

    #[test]
    fn paths_that_share_much_take_little() {
        let paths = [&b"src/lib/a.rs"[..], b"src/lib/b.rs", b"src/lib/b.rs/x", b"z"];
        let mut writer = Writer::default();
        writer.paths(paths.into_iter());
        assert_eq!(writer.0.len(), 2 * 4 + 12 + 4 + 2 + 1);
        assert_eq!(read(&writer.0, |r| r.paths(4)), Ok(paths.map(<[u8]>::to_vec).to_vec()));
        assert_eq!(read(&[9, 1, b'x'], |r| r.paths(1)), Err(Malformed::Value("a path")));
    }
}
