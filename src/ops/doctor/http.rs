//! As much of HTTP/1.1 as it takes to ask an engine something: one request a connection, answers of bounded length.

use std::io::{self, BufRead, BufReader, Read};

use super::stream::Stream;

/// No answer of interest is longer.
const LIMIT: u64 = 8 << 20;
/// No line of a header is longer.
const LINE: u64 = 64 << 10;

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Response {
    /// Its status.
    pub status: u16,
    /// Its headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// Its body.
    pub body: Vec<u8>,
}

impl Response {
    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }
}

/// Asks for `path`.
pub fn get(stream: &mut dyn Stream, path: &str) -> io::Result<Response> {
    let request =
        format!("GET {path} HTTP/1.1\r\nHost: docker\r\nUser-Agent: stowaway\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    stream.flush()?;
    answer(&mut BufReader::new(stream))
}

/// Asks for the connection itself, for HTTP/2. What the engine says at once is read no further than the headers.
pub fn upgrade(stream: &mut dyn Stream, path: &str) -> io::Result<u16> {
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: docker\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 0\r\n\r\n"
    );
    stream.write_all(request.as_bytes())?;
    stream.flush()?;
    // Byte by byte: what follows the headers belongs to HTTP/2.
    Ok(head(&mut BufReader::with_capacity(1, stream))?.status)
}

/// Reads an answer.
fn answer(reader: &mut dyn BufRead) -> io::Result<Response> {
    let mut response = head(reader)?;
    if response.header("transfer-encoding").is_some_and(|t| t.eq_ignore_ascii_case("chunked")) {
        response.body = chunks(reader)?;
        return Ok(response);
    }
    let length = response.header("content-length").map(str::parse::<u64>);
    let length = length.transpose().map_err(|_| broken("its length is no number"))?;
    reader.take(length.unwrap_or(LIMIT).min(LIMIT)).read_to_end(&mut response.body)?;
    if length.is_some_and(|n| n > response.body.len() as u64) {
        return Err(broken("it breaks off"));
    }
    Ok(response)
}

/// The status and the headers.
fn head(reader: &mut dyn BufRead) -> io::Result<Response> {
    let first = line(reader)?;
    let status = first.strip_prefix("HTTP/1.").and_then(|rest| rest.split(' ').nth(1)?.parse().ok());
    let status = status.ok_or_else(|| broken("it is no HTTP"))?;
    let mut response = Response { status, ..Response::default() };
    loop {
        let line = line(reader)?;
        if line.is_empty() {
            return Ok(response);
        }
        if response.headers.len() == 100 {
            return Err(broken("it has too many headers"));
        }
        let (name, value) = line.split_once(':').ok_or_else(|| broken("a header has no colon"))?;
        response.headers.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
    }
}

/// A body in chunks.
fn chunks(reader: &mut dyn BufRead) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let size = line(reader)?;
        let size = u64::from_str_radix(size.split(';').next().unwrap_or_default().trim(), 16);
        let size = size.map_err(|_| broken("the length of a chunk is no number"))?;
        if size == 0 {
            return Ok(body);
        }
        if body.len() as u64 + size.min(LIMIT) >= LIMIT {
            return Err(broken("it is too long"));
        }
        let before = body.len() as u64;
        reader.take(size).read_to_end(&mut body)?;
        if body.len() as u64 - before < size || !line(reader)?.is_empty() {
            return Err(broken("a chunk breaks off"));
        }
    }
}

/// A line without its end.
fn line(reader: &mut dyn BufRead) -> io::Result<String> {
    let mut bytes = Vec::new();
    reader.take(LINE).read_until(b'\n', &mut bytes)?;
    if bytes.last() != Some(&b'\n') {
        return Err(broken(if bytes.is_empty() { "the connection was closed" } else { "it breaks off" }));
    }
    let text = String::from_utf8_lossy(&bytes);
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

fn broken(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("its answer can't be read: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Response, String> {
        answer(&mut text.as_bytes()).map_err(|e| e.to_string())
    }

    #[test]
    fn a_body_has_a_length_or_chunks_or_ends_with_the_connection() {
        let bodies = [
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOKrest",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nO\r\n1;x=y\r\nK\r\n0\r\n\r\n",
            "HTTP/1.0 200 OK\r\n\r\nOK",
        ];
        assert!(bodies.iter().all(|text| read(text).unwrap().body == b"OK"));
    }

    #[test]
    fn headers_are_found_by_name_in_any_case() {
        let response =
            read("HTTP/1.1 404 Not Found\r\nBuilder-Version: 2\r\nContent-Length: 0\r\n\r\n").unwrap();
        assert_eq!((response.status, response.header("builder-version")), (404, Some("2")));
    }

    #[test]
    fn what_is_no_answer_is_an_error() {
        for text in ["", "PRI * HTTP/2.0\r\n\r\n", "HTTP/1.1 200", "HTTP/1.1 200 OK\r\nno colon\r\n\r\n"] {
            assert!(read(text).is_err(), "{text:?}");
        }
        assert!(
            read("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort").unwrap_err().contains("breaks off")
        );
        let long = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n";
        assert!(read(long).unwrap_err().contains("too long"));
        assert!(read("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab").is_err());
    }
}
