//! A toy registry on this machine: a thread that answers over plain HTTP and writes down what it was asked.

use std::collections::HashMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A request.
#[derive(Debug, Clone, Default)]
pub(super) struct Asked {
    pub method: String,
    /// With the query.
    pub path: String,
    /// By name in lower case.
    pub headers: HashMap<String, String>,
    pub body: String,
}

impl Asked {
    pub fn authorization(&self) -> Option<&str> {
        self.headers.get("authorization").map(String::as_str)
    }
}

/// An answer.
#[derive(Debug, Clone)]
pub(super) struct Reply {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
    /// The length that is claimed, where it isn't the body's.
    pub claimed: Option<usize>,
    /// How long nothing is said.
    pub pause: Duration,
    /// How long after each byte of the body.
    pub drip: Duration,
}

impl Reply {
    pub fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: body.into(),
            claimed: None,
            pause: Duration::ZERO,
            drip: Duration::ZERO,
        }
    }

    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

type Answers = dyn Fn(&Asked) -> Reply + Send + Sync;

/// The registry; it ends when it is dropped.
pub(super) struct Toy {
    /// `127.0.0.1:PORT`.
    pub host: String,
    asked: Arc<Mutex<Vec<Asked>>>,
    ended: Arc<AtomicBool>,
}

impl Toy {
    pub fn start(answers: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let toy = Self {
            host: listener.local_addr().unwrap().to_string(),
            asked: Arc::default(),
            ended: Arc::default(),
        };
        let (asked, ended, answers) = (toy.asked.clone(), toy.ended.clone(), Arc::new(answers));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if ended.load(Ordering::Relaxed) {
                    return;
                }
                let (asked, answers) = (asked.clone(), answers.clone());
                std::thread::spawn(move || stream.map(|s| serve(s, &asked, &*answers)));
            }
        });
        toy
    }

    /// Has what a folder of `fixtures/imported` has, as the tag `latest` of the repository `app`.
    pub fn of(fixture: &str) -> Self {
        let folder = folder(fixture);
        Self::start(move |asked| content(&folder, &asked.path))
    }

    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    pub fn paths(&self) -> Vec<String> {
        self.asked().into_iter().map(|a| a.path).collect()
    }
}

impl Drop for Toy {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(&self.host);
    }
}

pub(super) fn folder(fixture: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/imported").join(fixture)
}

/// The manifest or blob behind a path.
pub(super) fn content(folder: &Path, path: &str) -> Reply {
    let missing =
        || Reply::new(404, r#"{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}"#);
    let Some(name) = path.strip_prefix("/v2/app/") else { return missing() };
    let name = if name == "manifests/latest" {
        let index = fs::read_to_string(folder.join("index.json")).unwrap();
        let index: serde_json::Value = serde_json::from_str(&index).unwrap();
        index["manifests"][0]["digest"].as_str().unwrap().to_owned()
    } else {
        name.rsplit('/').next().unwrap_or_default().to_owned()
    };
    match fs::read(folder.join("blobs").join(name.replace(':', "/"))) {
        Ok(bytes) => Reply::new(200, bytes),
        Err(_) => missing(),
    }
}

fn serve(stream: TcpStream, asked: &Mutex<Vec<Asked>>, answers: &Answers) {
    let Some(request) = read(&stream) else { return };
    let reply = answers(&request);
    asked.lock().unwrap().push(request);
    std::thread::sleep(reply.pause);
    let length = reply.claimed.unwrap_or(reply.body.len());
    let mut head =
        format!("HTTP/1.1 {} Status\r\nContent-Length: {length}\r\nConnection: close\r\n", reply.status);
    for (name, value) in &reply.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    let mut stream = stream;
    // Who asked may be gone by now.
    let _ = stream.write_all(head.as_bytes()).and_then(|()| write_body(&mut stream, &reply));
}

fn write_body(stream: &mut TcpStream, reply: &Reply) -> std::io::Result<()> {
    if reply.drip.is_zero() {
        return stream.write_all(&reply.body);
    }
    reply.body.iter().try_for_each(|byte| {
        std::thread::sleep(reply.drip);
        stream.write_all(&[*byte])
    })
}

fn read(stream: &TcpStream) -> Option<Asked> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split_whitespace().map(str::to_owned);
    let mut asked = Asked { method: words.next()?, path: words.next()?, ..Asked::default() };
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        asked.headers.insert(name.to_lowercase(), value.trim().to_owned());
    }
    let length = asked.headers.get("content-length").and_then(|l| l.parse().ok()).unwrap_or(0);
    let mut body = String::new();
    reader.take(length).read_to_string(&mut body).ok()?;
    Some(Asked { body, ..asked })
}
