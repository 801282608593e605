//! SSH's strings and numbers (RFC 4251, section 5).

use bytes::BufMut as _;

/// Reads what is there; `None` when it ends too early.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reader<'a>(pub &'a [u8]);

impl<'a> Reader<'a> {
    pub fn bytes(&mut self, length: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(head)
    }

    pub fn number(&mut self) -> Option<u32> {
        self.bytes(4)?.try_into().ok().map(u32::from_be_bytes)
    }

    pub fn string(&mut self) -> Option<&'a [u8]> {
        let length = self.number()?;
        self.bytes(length as usize)
    }

    /// A positive number without the zeros in front of it.
    pub fn big(&mut self) -> Option<&'a [u8]> {
        self.string().map(trim)
    }
}

/// A number without the zeros in front of it.
pub(super) fn trim(number: &[u8]) -> &[u8] {
    &number[number.iter().take_while(|b| **b == 0).count()..]
}

/// Adds a string.
pub(super) fn put(to: &mut Vec<u8>, string: &[u8]) {
    // Nothing here is longer than a message, and a message has at most 256 KiB.
    to.put_u32(string.len() as u32);
    to.extend_from_slice(string);
}

/// Adds a positive number (`mpint`).
pub(super) fn put_big(to: &mut Vec<u8>, number: &[u8]) {
    let number = trim(number);
    let sign = number.first().is_some_and(|b| *b >= 0x80);
    to.put_u32(number.len() as u32 + u32::from(sign));
    if sign {
        to.push(0);
    }
    to.extend_from_slice(number);
}
