//! A toy registry on this machine that has what an OCI layout has, over plain HTTP.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};

use serde_json::Value;

/// Starts it; gives `127.0.0.1:PORT`. Every repository and tag of it is the layout's only image. It runs until the tests end.
pub fn serve(layout: &Path) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let host = listener.local_addr().expect("an address").to_string();
    let layout = layout.to_owned();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // Who asked may be gone by now.
            let _ = answer(&stream, &layout);
        }
    });
    host
}

fn answer(mut stream: &TcpStream, layout: &Path) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream).lines();
    let request = lines.next().transpose()?.unwrap_or_default();
    for line in lines {
        if line?.is_empty() {
            break;
        }
    }
    let path = request.split(' ').nth(1).unwrap_or_default();
    let (status, body) = match fs::read(blob(layout, path.rsplit('/').next().unwrap_or_default())) {
        Ok(body) => ("200 OK", body),
        Err(_) => ("404 Not Found", b"{}".to_vec()),
    };
    let length = body.len();
    write!(stream, "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n")?;
    stream.write_all(&body)
}

fn blob(layout: &Path, name: &str) -> PathBuf {
    let root = || {
        let index: Value =
            serde_json::from_slice(&fs::read(layout.join("index.json")).expect("an index")).expect("JSON");
        index["manifests"][0]["digest"].as_str().expect("a digest").to_owned()
    };
    let digest = if name.starts_with("sha256:") { name.to_owned() } else { root() };
    layout.join("blobs").join(digest.replace(':', "/"))
}
