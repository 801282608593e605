//! One gRPC call over HTTP/2, written out: `Control/Info` tells the version of a BuildKit.
//!
//! A client that sends few headers and reads none needs no header compression: ours go out as literals, and what the
//! answer's headers say is in its data, too.

use std::io::{self, Read, Write};

use super::stream::Stream;

/// No frame of this answer is longer, and none may be without our leave (`SETTINGS_MAX_FRAME_SIZE`).
const MAX_FRAME: usize = 16_384;
/// So many frames may come before the answer.
const MAX_FRAMES: usize = 200;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const END_STREAM: u8 = 1;
const ACK: u8 = 1;
const END_HEADERS: u8 = 4;

/// Asks for the version: `None` from a BuildKit that answers, and does not know the call (before 0.11).
pub fn version(stream: &mut dyn Stream) -> io::Result<Option<String>> {
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")?;
    frame(stream, SETTINGS, 0, 0, &[])?;
    frame(stream, HEADERS, END_HEADERS, 1, &headers())?;
    // A message without fields: not compressed, of length 0.
    frame(stream, DATA, END_STREAM, 1, &[0; 5])?;
    stream.flush()?;
    let message = answer(stream)?;
    Ok(message.get(5..).and_then(|info| field(info, 1)).and_then(|version| {
        field(version, 2)
            .map(|text| String::from_utf8_lossy(text).into_owned())
            .filter(|text| !text.is_empty())
    }))
}

/// Reads frames until the call has ended, and gives its data.
fn answer(stream: &mut dyn Stream) -> io::Result<Vec<u8>> {
    let mut data = Vec::new();
    for _ in 0..MAX_FRAMES {
        let (kind, flags, id, payload) = read_frame(stream)?;
        match (kind, id) {
            (SETTINGS, 0) if flags & ACK == 0 => frame(stream, SETTINGS, ACK, 0, &[])?,
            (PING, 0) if flags & ACK == 0 => frame(stream, PING, ACK, 0, &payload)?,
            (DATA, 1) => data.extend(payload),
            (RST_STREAM, 1) | (GOAWAY, 0) => return Err(other("it refuses the call")),
            _ => {}
        }
        if id == 1 && matches!(kind, DATA | HEADERS) && flags & END_STREAM != 0 {
            return Ok(data);
        }
    }
    Err(other("it never ends its answer"))
}

/// The request's headers, each as a literal that is not remembered (RFC 7541, 6.2.2).
fn headers() -> Vec<u8> {
    let headers = [
        (":method", "POST"),
        (":scheme", "http"),
        (":path", "/moby.buildkit.v1.Control/Info"),
        (":authority", "localhost"),
        ("content-type", "application/grpc"),
        ("te", "trailers"),
    ];
    let mut out = Vec::new();
    for (name, value) in headers {
        out.push(0);
        for text in [name, value] {
            // Shorter than 127 bytes, so that the length is one byte.
            out.push(u8::try_from(text.len()).unwrap_or(0));
            out.extend(text.as_bytes());
        }
    }
    out
}

/// Writes a frame.
fn frame(stream: &mut dyn Stream, kind: u8, flags: u8, id: u32, payload: &[u8]) -> io::Result<()> {
    let length = u32::try_from(payload.len()).unwrap_or(0).to_be_bytes();
    let mut out = vec![length[1], length[2], length[3], kind, flags];
    out.extend(id.to_be_bytes());
    out.extend(payload);
    Write::write_all(stream, &out)
}

/// Reads a frame: its kind, flags, stream and payload.
fn read_frame(stream: &mut dyn Stream) -> io::Result<(u8, u8, u32, Vec<u8>)> {
    let mut head = [0; 9];
    Read::read_exact(stream, &mut head)?;
    let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
    // HTTP/1.1 read as a frame has an absurd length ("HTT").
    if length > MAX_FRAME {
        return Err(other("it does not speak HTTP/2"));
    }
    let id = u32::from_be_bytes([head[5], head[6], head[7], head[8]]) & 0x7fff_ffff;
    let mut payload = vec![0; length];
    Read::read_exact(stream, &mut payload)?;
    Ok((head[3], head[4], id, payload))
}

/// The bytes of a field of a protobuf message.
fn field(mut message: &[u8], wanted: u64) -> Option<&[u8]> {
    while !message.is_empty() {
        let tag = varint(&mut message)?;
        match tag & 7 {
            0 => drop(varint(&mut message)?),
            1 => message = message.get(8..)?,
            2 => {
                let length = usize::try_from(varint(&mut message)?).ok()?;
                let (bytes, rest) = message.split_at_checked(length)?;
                if tag >> 3 == wanted {
                    return Some(bytes);
                }
                message = rest;
            }
            5 => message = message.get(4..)?,
            _ => return None,
        }
    }
    None
}

fn varint(message: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = message.split_first()?;
        *message = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

fn other(why: &str) -> io::Error {
    io::Error::other(why)
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixStream;

    use super::*;

    /// What the client makes of an answer.
    fn told(answer: &[(u8, u8, u32, &[u8])]) -> Result<Option<String>, String> {
        let (mut ours, mut theirs) = UnixStream::pair().unwrap();
        for (kind, flags, id, payload) in answer {
            frame(&mut theirs, *kind, *flags, *id, payload).unwrap();
        }
        let said = version(&mut ours).map_err(|e| e.to_string());
        drop(ours);
        said
    }

    #[test]
    fn the_version_is_in_the_answers_data() {
        let message = b"\0\0\0\0\x0c\x0a\x0a\x0a\x01p\x12\x05v0.32\x00"; // 12 bytes, the last is no part of the field
        let message = &message[..17];
        let answer: &[(u8, u8, u32, &[u8])] = &[
            (SETTINGS, 0, 0, &[]),
            (PING, 0, 0, &[0; 8]),
            (HEADERS, END_HEADERS, 1, b"x"),
            (DATA, 0, 1, message),
            (HEADERS, 5, 1, b"x"),
        ];
        assert_eq!(told(answer), Ok(Some("v0.32".to_owned())));
    }

    #[test]
    fn one_that_does_not_know_the_call_answers_all_the_same() {
        assert_eq!(told(&[(SETTINGS, 0, 0, &[]), (HEADERS, 5, 1, b"x")]), Ok(None));
    }

    #[test]
    fn what_speaks_otherwise_is_an_error() {
        assert!(told(&[(GOAWAY, 0, 0, &[0; 8])]).is_err());
        let (mut ours, mut theirs) = UnixStream::pair().unwrap();
        theirs.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
        assert!(version(&mut ours).unwrap_err().to_string().contains("HTTP/2"));
    }

    #[test]
    fn a_field_is_found_behind_others_and_nonsense_is_none() {
        assert_eq!(field(b"\x08\x96\x01\x12\x02hi", 2), Some(&b"hi"[..]));
        assert_eq!(field(b"\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 2), None);
        assert_eq!(field(b"\x12\x7f", 2), None);
    }
}
