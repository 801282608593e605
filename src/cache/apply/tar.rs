//! Reads tar archives with the rules and the leniency of Go's `archive/tar`, which decides what BuildKit takes for one.

use std::io::{self, Read};

const BLOCK: usize = 512;
const MAX_SPECIAL: i64 = 1 << 20;

/// Why an archive can't be read on.
#[derive(Debug, thiserror::Error)]
pub(super) enum TarError {
    #[error("archive/tar: invalid tar header")]
    Header,
    #[error("archive/tar: header field too long")]
    TooLong,
    #[error("unexpected EOF")]
    Truncated,
    #[error("{0}")]
    Io(#[from] io::Error),
}

/// One entry.
#[derive(Debug, Clone, Default)]
pub(super) struct Header {
    pub kind: u8,
    pub name: Vec<u8>,
    pub linkname: Vec<u8>,
    pub size: i64,
    pub mode: i64,
    pub uid: i64,
    pub gid: i64,
    pub mtime: i64,
    pub devmajor: i64,
    pub devminor: i64,
    /// Records of the extended header.
    pub pax: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Header {
    /// Extended attributes by name, sorted.
    pub fn xattrs(&self) -> Vec<(&[u8], &[u8])> {
        let mut out: Vec<(&[u8], &[u8])> = self
            .pax
            .iter()
            .filter_map(|(k, v)| Some((k.strip_prefix(b"SCHILY.xattr.")?, v.as_slice())))
            .collect();
        out.sort_unstable();
        out
    }

    fn record(&self, key: &[u8]) -> &[u8] {
        self.pax.iter().find(|(k, _)| k == key).map_or(&[], |(_, v)| v)
    }
}

/// Reads entry by entry; the content of an entry is read before the next header.
pub(super) struct Archive<R> {
    inner: R,
    left: u64,
    pad: u64,
    /// Pieces of the present file that are in the archive, when it has holes: offset and length, ascending.
    sparse: Option<Vec<(u64, u64)>>,
}

impl<R: Read> Archive<R> {
    pub fn new(inner: R) -> Self {
        Self { inner, left: 0, pad: 0, sparse: None }
    }

    /// The next entry, `None` at the end.
    pub fn next(&mut self) -> Result<Option<Header>, TarError> {
        let mut pax = Vec::new();
        let (mut long_name, mut long_link) = (Vec::new(), Vec::new());
        loop {
            self.skip()?;
            let Some(mut header) = self.header()? else { return Ok(None) };
            self.begin(&header)?;
            match header.kind {
                b'x' | b'g' => {
                    pax = parse_pax(&self.special()?)?;
                    if header.kind == b'g' {
                        merge(&mut header, pax)?;
                        return Ok(Some(header));
                    }
                }
                b'L' => long_name = c_string(&self.special()?),
                b'K' => long_link = c_string(&self.special()?),
                _ => {
                    merge(&mut header, pax)?;
                    for (long, field) in [(long_name, &mut header.name), (long_link, &mut header.linkname)] {
                        if !long.is_empty() {
                            *field = long;
                        }
                    }
                    if header.kind == 0 {
                        header.kind = if header.name.ends_with(b"/") { b'5' } else { b'0' };
                    }
                    self.begin(&header)?;
                    self.begin_sparse(&mut header)?;
                    return Ok(Some(header));
                }
            }
        }
    }

    /// Copies the present entry's content, holes as zeros; gives its length.
    pub fn copy_to(&mut self, out: &mut dyn io::Write) -> Result<u64, TarError> {
        let Some(pieces) = self.sparse.take() else { return self.copy(self.left, out) };
        let mut at = 0;
        for (offset, len) in pieces {
            io::copy(&mut io::repeat(0).take(offset - at), out)?;
            if len > self.left {
                return Err(TarError::Header);
            }
            self.copy(len, out)?;
            at = offset + len;
        }
        Ok(at)
    }

    fn copy(&mut self, len: u64, out: &mut dyn io::Write) -> Result<u64, TarError> {
        let copied = io::copy(&mut self.inner.by_ref().take(len), out)?;
        self.left -= copied;
        if copied < len { Err(TarError::Truncated) } else { Ok(copied) }
    }

    fn begin(&mut self, header: &Header) -> Result<(), TarError> {
        let size = if matches!(header.kind, b'1'..=b'6') { 0 } else { header.size };
        self.left = u64::try_from(size).map_err(|_| TarError::Header)?;
        self.pad = (BLOCK as u64 - self.left % BLOCK as u64) % BLOCK as u64;
        self.sparse = None;
        Ok(())
    }

    /// Skips what is left of the entry. An archive may end in the middle of the padding.
    fn skip(&mut self) -> Result<(), TarError> {
        self.copy(self.left, &mut io::sink())?;
        let padded = io::copy(&mut self.inner.by_ref().take(self.pad), &mut io::sink())?;
        self.pad -= padded;
        Ok(())
    }

    /// A block; `None` when there is not a single byte more.
    fn block(&mut self) -> Result<Option<[u8; BLOCK]>, TarError> {
        let mut block = [0; BLOCK];
        let mut filled = 0;
        while filled < BLOCK {
            match self.inner.read(&mut block[filled..]) {
                Ok(0) if filled == 0 => return Ok(None),
                Ok(0) => return Err(TarError::Truncated),
                Ok(n) => filled += n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e.into()),
            }
        }
        Ok(Some(block))
    }

    fn header(&mut self) -> Result<Option<Header>, TarError> {
        if self.pad != 0 {
            return Ok(None);
        }
        let Some(block) = self.block()? else { return Ok(None) };
        if block != [0; BLOCK] {
            return parse_header(&block).map(Some);
        }
        match self.block()? {
            None => Ok(None),
            Some(second) if second == [0; BLOCK] => Ok(None),
            Some(_) => Err(TarError::Header),
        }
    }

    /// The content of an entry that describes the next one.
    fn special(&mut self) -> Result<Vec<u8>, TarError> {
        if self.left > MAX_SPECIAL as u64 {
            return Err(TarError::TooLong);
        }
        let mut out = Vec::new();
        self.copy(self.left, &mut out)?;
        Ok(out)
    }

    /// GNU tar's sparse files in extended headers, versions 0.0, 0.1 and 1.0.
    fn begin_sparse(&mut self, header: &mut Header) -> Result<(), TarError> {
        let in_data = match (header.record(b"GNU.sparse.major"), header.record(b"GNU.sparse.minor")) {
            (b"0", b"0" | b"1") => false,
            (b"1", b"0") => true,
            (b"", b"") if !header.record(b"GNU.sparse.map").is_empty() => false,
            _ => return Ok(()),
        };
        let name = header.record(b"GNU.sparse.name").to_vec();
        if !name.is_empty() {
            header.name = name;
        }
        let size = match header.record(b"GNU.sparse.size") {
            b"" => header.record(b"GNU.sparse.realsize"),
            size => size,
        };
        if !size.is_empty() {
            header.size = decimal(size)?;
        }
        let mut pieces = if in_data { self.sparse_data()? } else { sparse_records(header)? };
        let end = u64::try_from(header.size).map_err(|_| TarError::Header)?;
        let mut at = 0;
        for (offset, len) in &pieces {
            if *offset < at || offset.checked_add(*len).is_none_or(|e| e > end) {
                return Err(TarError::Header);
            }
            at = offset + len;
        }
        if matches!(header.kind, b'1'..=b'6') {
            return Err(TarError::Header);
        }
        pieces.push((end, 0));
        self.sparse = Some(pieces);
        Ok(())
    }

    /// The map that stands before the data: numbers on lines of their own, padded to a block.
    fn sparse_data(&mut self) -> Result<Vec<(u64, u64)>, TarError> {
        let mut text = Vec::new();
        let mut numbers: Vec<u64> = Vec::new();
        let mut wanted = 1;
        while numbers.len() < wanted {
            if self.left < BLOCK as u64 {
                return Err(TarError::Truncated);
            }
            self.left -= BLOCK as u64;
            text.extend_from_slice(&self.block()?.ok_or(TarError::Truncated)?);
            while numbers.len() < wanted {
                let Some(end) = text.iter().position(|b| *b == b'\n') else { break };
                let number = u64::try_from(decimal(&text[..end])?).map_err(|_| TarError::Header)?;
                text.drain(..=end);
                if numbers.is_empty() {
                    wanted =
                        usize::try_from(number).ok().filter(|n| *n <= 1 << 20).ok_or(TarError::TooLong)?;
                    wanted = 2 * wanted + 1;
                }
                numbers.push(number);
            }
        }
        Ok(numbers[1..].chunks_exact(2).map(|pair| (pair[0], pair[1])).collect())
    }
}

fn sparse_records(header: &Header) -> Result<Vec<(u64, u64)>, TarError> {
    let map = header.record(b"GNU.sparse.map");
    let mut numbers = Vec::new();
    for part in map.split(|b| *b == b',').filter(|_| !map.is_empty()) {
        numbers.push(u64::try_from(decimal(part)?).map_err(|_| TarError::Header)?);
    }
    let count = decimal(header.record(b"GNU.sparse.numblocks"))?;
    if usize::try_from(count).ok() != Some(numbers.len() / 2) || numbers.len() % 2 != 0 {
        return Err(TarError::Header);
    }
    Ok(numbers.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect())
}

/// Go's `strconv.ParseInt(s, 10, 64)`.
fn decimal(text: &[u8]) -> Result<i64, TarError> {
    std::str::from_utf8(text).ok().and_then(|t| t.parse().ok()).ok_or(TarError::Header)
}

fn parse_header(block: &[u8; BLOCK]) -> Result<Header, TarError> {
    let field = |at: usize, len: usize| &block[at..at + len];
    let sum = octal(field(148, 8))?;
    let bytes = block.iter().enumerate().map(|(i, b)| if (148..156).contains(&i) { b' ' } else { *b });
    let signed: i64 = bytes.clone().map(|b| i64::from(b as i8)).sum();
    if sum != bytes.map(i64::from).sum::<i64>() && sum != signed {
        return Err(TarError::Header);
    }
    let mut header = Header {
        kind: block[156],
        name: c_string(field(0, 100)),
        linkname: c_string(field(157, 100)),
        size: numeric(field(124, 12))?,
        mode: numeric(field(100, 8))?,
        uid: numeric(field(108, 8))?,
        gid: numeric(field(116, 8))?,
        mtime: numeric(field(136, 12))?,
        ..Header::default()
    };
    let ustar = field(257, 6) == b"ustar\0";
    let gnu = field(257, 8) == b"ustar  \0";
    if !ustar && !gnu {
        return Ok(header);
    }
    header.devmajor = numeric(field(329, 8))?;
    header.devminor = numeric(field(337, 8))?;
    let prefix = if gnu {
        gnu_prefix(block)
    } else if field(508, 4) == b"tar\0" {
        numeric(field(476, 12))?;
        numeric(field(488, 12))?;
        c_string(field(345, 131))
    } else {
        c_string(field(345, 155))
    };
    if !prefix.is_empty() {
        header.name = [&prefix[..], b"/", &header.name].concat();
    }
    Ok(header)
}

/// Archives of old Go programs have a prefix where GNU's format has times; it counts when those can't be read.
fn gnu_prefix(block: &[u8; BLOCK]) -> Vec<u8> {
    let bad = |at: usize| block[at] != 0 && numeric(&block[at..at + 12]).is_err();
    let prefix = c_string(&block[345..500]);
    if (bad(345) || bad(357)) && prefix.is_ascii() { prefix } else { Vec::new() }
}

fn c_string(bytes: &[u8]) -> Vec<u8> {
    bytes.split(|b| *b == 0).next().unwrap_or_default().to_vec()
}

/// Octal, or GNU's base 256.
fn numeric(field: &[u8]) -> Result<i64, TarError> {
    if field[0] & 0x80 == 0 {
        return octal(field);
    }
    let invert = if field[0] & 0x40 == 0 { 0 } else { 0xff };
    let mut value: u64 = 0;
    for (i, byte) in field.iter().enumerate() {
        let byte = (byte ^ invert) & if i == 0 { 0x7f } else { 0xff };
        if value >> 56 != 0 {
            return Err(TarError::Header);
        }
        value = value << 8 | u64::from(byte);
    }
    let value = i64::try_from(value).map_err(|_| TarError::Header)?;
    Ok(if invert == 0 { value } else { !value })
}

fn octal(field: &[u8]) -> Result<i64, TarError> {
    let pad = |b: &u8| *b == b' ' || *b == 0;
    let Some(start) = field.iter().position(|b| !pad(b)) else { return Ok(0) };
    let end = field.iter().rposition(|b| !pad(b)).unwrap_or(start);
    let digits = c_string(&field[start..=end]);
    if !digits.iter().all(|b| (b'0'..=b'7').contains(b)) {
        return Err(TarError::Header);
    }
    let text = String::from_utf8_lossy(&digits);
    u64::from_str_radix(&text, 8).map(u64::cast_signed).map_err(|_| TarError::Header)
}

type Records = Vec<(Vec<u8>, Vec<u8>)>;

/// The records of an extended header; of equal keys the last counts.
fn parse_pax(mut text: &[u8]) -> Result<Records, TarError> {
    let mut out: Records = Vec::new();
    let mut sparse: Vec<Vec<u8>> = Vec::new();
    while !text.is_empty() {
        let (key, value, rest) = parse_record(text).ok_or(TarError::Header)?;
        text = rest;
        if matches!(key, b"GNU.sparse.offset" | b"GNU.sparse.numbytes") {
            let offset = key == b"GNU.sparse.offset";
            if sparse.len().is_multiple_of(2) != offset || value.contains(&b',') {
                return Err(TarError::Header);
            }
            sparse.push(value.to_vec());
            continue;
        }
        set(&mut out, key, value.to_vec());
    }
    if !sparse.is_empty() {
        set(&mut out, b"GNU.sparse.map", sparse.join(&b','));
    }
    Ok(out)
}

fn set(records: &mut Records, key: &[u8], value: Vec<u8>) {
    match records.iter_mut().find(|(k, _)| k == key) {
        Some(record) => record.1 = value,
        None => records.push((key.to_vec(), value)),
    }
}

/// `LENGTH KEY=VALUE\n`.
fn parse_record(text: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let space = text.iter().position(|b| *b == b' ')?;
    let len = usize::try_from(decimal(&text[..space]).ok()?).ok()?;
    if len < 5 || len > text.len() || len <= space + 1 {
        return None;
    }
    let (record, rest) = text.split_at(len);
    let record = record[space + 1..].strip_suffix(b"\n")?;
    let equals = record.iter().position(|b| *b == b'=')?;
    let (key, value) = (&record[..equals], &record[equals + 1..]);
    let text_field = matches!(key, b"path" | b"linkpath" | b"uname" | b"gname");
    let nul = if text_field { value.contains(&0) } else { key.contains(&0) };
    (!key.is_empty() && !nul).then_some((key, value, rest))
}

fn merge(header: &mut Header, pax: Records) -> Result<(), TarError> {
    for (key, value) in &pax {
        if value.is_empty() {
            continue;
        }
        match key.as_slice() {
            b"path" => header.name.clone_from(value),
            b"linkpath" => header.linkname.clone_from(value),
            b"uid" => header.uid = decimal(value)?,
            b"gid" => header.gid = decimal(value)?,
            b"size" => header.size = decimal(value)?,
            b"mtime" => header.mtime = seconds(value)?,
            b"atime" | b"ctime" => {
                seconds(value)?;
            }
            _ => {}
        }
    }
    header.pax = pax;
    Ok(())
}

/// Whole seconds of `1234.5678`.
fn seconds(text: &[u8]) -> Result<i64, TarError> {
    let mut parts = text.splitn(2, |b| *b == b'.');
    let whole = decimal(parts.next().unwrap_or_default())?;
    let rest = parts.next().unwrap_or_default();
    if rest.iter().all(u8::is_ascii_digit) { Ok(whole) } else { Err(TarError::Header) }
}
