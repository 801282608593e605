//! A headless Chromium with one page, over its DevTools protocol.

use std::fs;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use base64::Engine as _;
use serde_json::{Value, json};
use tungstenite::{Message, WebSocket};

use crate::support::{machine, say};

/// A running browser; ended when dropped.
pub struct Chromium {
    child: Child,
    socket: WebSocket<TcpStream>,
    session: String,
    last: u64,
    /// Errors and warnings of the page's console, exceptions, refused loads.
    pub complaints: Vec<String>,
    loaded: bool,
    profile: tempfile::TempDir,
}

/// How long anything may take before the test gives up: machines are busy.
const PATIENCE: Duration = Duration::from_secs(120);

/// The program, where there is one.
fn program() -> Option<PathBuf> {
    let named = std::env::var_os("STOWAWAY_TEST_CHROMIUM").map(PathBuf::from);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = || {
        let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
        let names = ["chromium", "google-chrome", "chromium-browser"];
        names.iter().flat_map(|name| folders.iter().map(move |f| f.join(name))).find(|p| p.is_file())
    };
    let program = named.or_else(found);
    if program.is_none() {
        say("SKIPPED: chromium is not here");
        assert!(!machine::must_not_skip(), "CI must have chromium");
    }
    program
}

impl Chromium {
    /// Starts a browser with a window of 1440 by 1000; `None` where there is none.
    pub fn start() -> Option<Self> {
        let program = program()?;
        let profile = tempfile::Builder::new().prefix("stowaway-chromium-").tempdir().expect("a folder");
        let mut command = Command::new(program);
        command.args(["--headless", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"]);
        command.args([
            "--no-default-browser-check",
            "--disable-extensions",
            "--disable-background-networking",
        ]);
        command.args(["--hide-scrollbars", "--force-color-profile=srgb", "--remote-debugging-port=0"]);
        if machine::is_root() {
            command.arg("--no-sandbox");
        }
        command.arg(format!("--user-data-dir={}", profile.path().display())).arg("about:blank");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().expect("chromium starts");
        let (port, path) = address(&profile.path().join("DevToolsActivePort"));
        let stream = TcpStream::connect(("127.0.0.1", port)).expect("its port");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        let url = format!("ws://127.0.0.1:{port}{path}");
        let (socket, _) = tungstenite::client(url, stream).expect("its protocol");
        let mut this = Self {
            child,
            socket,
            session: String::new(),
            last: 0,
            complaints: Vec::new(),
            loaded: false,
            profile,
        };
        let target = this.call("Target.createTarget", json!({"url": "about:blank"}));
        let attach = json!({"targetId": target["targetId"], "flatten": true});
        let session = this.call("Target.attachToTarget", attach);
        this.session = session["sessionId"].as_str().expect("a session").to_owned();
        for domain in ["Page", "Runtime", "Log"] {
            this.call(&format!("{domain}.enable"), json!({}));
        }
        // Time of the page's own thread, which other programs on the machine don't lengthen.
        this.call("Performance.enable", json!({"timeDomain": "threadTicks"}));
        this.window(1440, 1000);
        Some(this)
    }

    /// Calls a method and waits for its answer; what happens meanwhile is taken down.
    #[track_caller]
    pub fn call(&mut self, method: &str, parameters: Value) -> Value {
        self.last += 1;
        let id = self.last;
        let mut message = json!({"id": id, "method": method, "params": parameters});
        if !self.session.is_empty() {
            message["sessionId"] = json!(self.session);
        }
        self.socket.send(Message::text(message.to_string())).expect("the browser listens");
        loop {
            let answer = self.receive();
            if answer["id"] == id {
                assert!(answer["error"].is_null(), "{method}: {}", answer["error"]);
                return answer["result"].clone();
            }
        }
    }

    fn receive(&mut self) -> Value {
        let message = self.socket.read().expect("the browser answers");
        let Message::Text(text) = message else { return Value::Null };
        let value: Value = serde_json::from_str(&text).expect("JSON");
        self.take_down(&value);
        value
    }

    fn take_down(&mut self, event: &Value) {
        let told = &event["params"];
        match event["method"].as_str() {
            Some("Runtime.exceptionThrown") => self.complaints.push(told["exceptionDetails"].to_string()),
            Some("Runtime.consoleAPICalled") if told["type"] != "log" => {
                self.complaints.push(told["args"].to_string())
            }
            Some("Log.entryAdded") if told["entry"]["level"] != "verbose" => {
                self.complaints.push(told["entry"]["text"].to_string());
            }
            Some("Page.loadEventFired") => self.loaded = true,
            _ => {}
        }
    }

    /// Opens a file and waits until it is there and drawn.
    pub fn open(&mut self, file: &Path) {
        self.load(file);
        self.settle();
    }

    /// Opens a file and waits until it is loaded.
    pub fn load(&mut self, file: &Path) {
        self.loaded = false;
        self.call("Page.navigate", json!({"url": format!("file://{}", file.display())}));
        let from = Instant::now();
        while !self.loaded {
            assert!(from.elapsed() < PATIENCE, "{} does not load", file.display());
            self.receive();
        }
    }

    /// Waits until what a change of size or of a document brings with it is drawn.
    pub fn settle(&mut self) {
        self.eval(
            "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))",
        );
    }

    /// The value of an expression in the page.
    #[track_caller]
    pub fn eval(&mut self, expression: &str) -> Value {
        let parameters = json!({"expression": expression, "returnByValue": true, "awaitPromise": true});
        let answer = self.call("Runtime.evaluate", parameters);
        assert!(answer["exceptionDetails"].is_null(), "{expression}: {answer}");
        answer["result"]["value"].clone()
    }

    /// Where the middle of an element is; it is scrolled into view.
    #[track_caller]
    fn middle(&mut self, element: &str) -> (f64, f64) {
        let at = self.eval(&format!(
            "(() => {{ const e = {element}; if (!e) return null; e.scrollIntoView({{block: 'center', behavior: 'instant'}}); \
             const r = e.getBoundingClientRect(); return [r.x + Math.min(r.width / 2, 60), r.y + Math.min(r.height / 2, 9)]; }})()"
        ));
        match (at[0].as_f64(), at[1].as_f64()) {
            (Some(x), Some(y)) => (x, y),
            _ => panic!("no element {element}"),
        }
    }

    /// Clicks near the upper left of an element, which an expression gives.
    #[track_caller]
    pub fn click(&mut self, element: &str) {
        let (x, y) = self.middle(element);
        for kind in ["mouseMoved", "mousePressed", "mouseReleased"] {
            let button = if kind == "mouseMoved" { "none" } else { "left" };
            let event = json!({"type": kind, "x": x, "y": y, "button": button, "clickCount": 1});
            self.call("Input.dispatchMouseEvent", event);
        }
    }

    /// Moves the pointer to an element.
    #[track_caller]
    pub fn hover(&mut self, element: &str) {
        let (x, y) = self.middle(element);
        self.call("Input.dispatchMouseEvent", json!({"type": "mouseMoved", "x": x, "y": y}));
    }

    /// Presses a key.
    pub fn press(&mut self, key: &str) {
        let code = match key {
            "Enter" => 13,
            "Escape" => 27,
            "ArrowLeft" => 37,
            "ArrowUp" => 38,
            "ArrowRight" => 39,
            "ArrowDown" => 40,
            "Tab" => 9,
            other => panic!("no code for {other}"),
        };
        for kind in ["rawKeyDown", "keyUp"] {
            let event = json!({"type": kind, "key": key, "code": key, "windowsVirtualKeyCode": code});
            self.call("Input.dispatchKeyEvent", event);
        }
    }

    /// Types text into what has the focus.
    pub fn type_text(&mut self, text: &str) {
        self.call("Input.insertText", json!({"text": text}));
    }

    /// Makes the window another one.
    pub fn window(&mut self, width: u32, height: u32) {
        let size = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600});
        self.call("Emulation.setDeviceMetricsOverride", size);
    }

    /// By day or by night.
    pub fn scheme(&mut self, scheme: &str) {
        let features = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        self.call("Emulation.setEmulatedMedia", features);
    }

    /// As on paper: what a browser tells the page before it prints, and its style for print, on a sheet of A4.
    pub fn paper(&mut self) {
        self.call("Emulation.setEmulatedMedia", json!({"media": "print"}));
        self.window(794, 1123);
        self.eval("dispatchEvent(new Event('beforeprint'))");
        self.settle();
    }

    /// Seconds of work that the page has cost its thread, whatever else ran on the machine.
    pub fn work(&mut self) -> f64 {
        let metrics = self.call("Performance.getMetrics", json!({}));
        let all = metrics["metrics"].as_array().cloned().unwrap_or_default();
        let task = all.iter().find(|m| m["name"] == "TaskDuration");
        task.and_then(|m| m["value"].as_f64()).expect("the time of tasks")
    }

    /// Keeps a screenshot of what the window shows, where screenshots are asked for.
    pub fn screenshot(&mut self, name: &str) {
        let Some(folder) = std::env::var_os("STOWAWAY_SCREENSHOTS").map(PathBuf::from) else { return };
        fs::create_dir_all(&folder).expect("a folder");
        let shot = self.call("Page.captureScreenshot", json!({"format": "png"}));
        let bytes =
            base64::engine::general_purpose::STANDARD.decode(shot["data"].as_str().expect("a picture"));
        fs::write(folder.join(format!("{name}.png")), bytes.expect("base64")).expect("a file");
    }

    /// Keeps a picture of one element in a narrower window, for README.
    #[track_caller]
    pub fn picture(&mut self, element: &str, width: u32, name: &str) {
        let Some(folder) = std::env::var_os("STOWAWAY_SCREENSHOTS").map(PathBuf::from) else { return };
        fs::create_dir_all(&folder).expect("a folder");
        self.window(width, 1000);
        self.settle();
        self.settle();
        let of = self.eval(&format!(
            "(() => {{ scrollTo(0, 0); const r = document.querySelector('{element}').getBoundingClientRect(); \
             return {{x: r.x - 12, y: r.y + scrollY - 12, width: r.width + 24, height: r.height + 24, scale: 1}}; }})()"
        ));
        let asked = json!({"format": "png", "clip": of, "captureBeyondViewport": true});
        let shot = self.call("Page.captureScreenshot", asked);
        let bytes =
            base64::engine::general_purpose::STANDARD.decode(shot["data"].as_str().expect("a picture"));
        fs::write(folder.join(format!("{name}.png")), bytes.expect("base64")).expect("a file");
        self.window(1440, 1000);
    }

    /// Light, dark and narrow, each at once with what must hold of every page. The window is as before in the end.
    #[track_caller]
    pub fn look(&mut self, name: &str) {
        for (look, scheme, (width, height)) in [
            ("light", "light", (1440, 1000)),
            ("dark", "dark", (1440, 1000)),
            ("narrow", "light", (390, 844)),
        ] {
            self.scheme(scheme);
            self.window(width, height);
            self.settle();
            self.settle();
            self.eval("scrollTo(0, 0)");
            self.check(&format!("{name}, {look}"));
            self.screenshot(&format!("{name}-{look}"));
        }
        self.scheme("light");
        self.window(1440, 1000);
        self.settle();
        self.settle();
    }

    /// What must hold of every page: nothing wider than the window, boxes inside the map and apart, labels inside boxes, no complaint.
    #[track_caller]
    pub fn check(&mut self, what: &str) {
        let wide = self.eval("document.documentElement.scrollWidth - innerWidth");
        assert!(wide.as_i64().is_some_and(|w| w <= 0), "{what}: {wide} pixels too wide");
        let bad = self.eval(GEOMETRY);
        assert_eq!(bad, json!([]), "{what}");
        assert!(self.complaints.is_empty(), "{what}: {:?}", self.complaints);
    }
}

/// What is wrong with the boxes: those that leave the map or their folder, leaves that overlap, labels that leave their box, areas out of
/// proportion by more than rounding to pixels can do.
const GEOMETRY: &str = r"(() => {
  const bad = [];
  const map = document.querySelector('#map');
  const within = (a, b, slack) => a.left >= b.left - slack && a.top >= b.top - slack && a.right <= b.right + slack && a.bottom <= b.bottom + slack;
  const frame = map.getBoundingClientRect();
  const boxes = [...map.querySelectorAll('.box')].map((e) => ({ e, node: e.node, r: e.getBoundingClientRect() }));
  const of = new Map(boxes.map((b) => [b.node, b]));
  for (const { e, node, r } of boxes) {
    if (!within(r, frame, 1)) bad.push(`${node.name} leaves the map`);
    const folder = of.get(node.parent);
    if (folder && !within(r, folder.r, 1)) bad.push(`${node.name} leaves its folder`);
    for (const label of e.children) {
      const l = label.getBoundingClientRect();
      if (l.left < r.left || l.right > r.right + 0.5 || l.bottom > r.bottom + 0.5) bad.push(`the label of ${node.name} leaves its box`);
    }
  }
  const leaves = boxes.filter((b) => !b.e.classList.contains('open')).slice(0, 400);
  leaves.forEach((a, i) => leaves.slice(i + 1).forEach((b) => {
    const w = Math.min(a.r.right, b.r.right) - Math.max(a.r.left, b.r.left);
    const h = Math.min(a.r.bottom, b.r.bottom) - Math.max(a.r.top, b.r.top);
    if (w > 0.5 && h > 0.5) bad.push(`${a.node.name} and ${b.node.name} overlap`);
  }));
  for (const { e, node, r } of leaves) {
    const at = document.elementFromPoint(r.x + r.width / 2, r.y + r.height / 2);
    if (at && map.contains(at) && r.width > 4 && r.height > 4 && at.closest('.box') !== e) bad.push(`${node.name} is covered by ${at.closest('.box').node.name}`);
  }
  const measure = document.querySelector('#measure').value;
  const siblings = boxes.filter((b) => b.node.parent && b.node.parent === (boxes[0] && boxes[0].node));
  const weight = siblings.reduce((sum, b) => sum + b.node[measure], 0);
  const area = (frame.width - 2) * (frame.height - 2);
  if (siblings.length === (boxes[0] ? boxes[0].node.children.filter((n) => n[measure] > 0).length : 0)) {
    for (const b of siblings) {
      const want = area * b.node[measure] / weight;
      const rounding = 2 * (b.r.width + b.r.height) + 6;
      if (Math.abs(b.r.width * b.r.height - want) > rounding) bad.push(`${b.node.name} has ${b.r.width * b.r.height} instead of ${want}`);
    }
  }
  return bad.slice(0, 5);
})()";

/// Where the browser listens, once it does: it writes that into a file.
fn address(file: &Path) -> (u16, String) {
    let from = Instant::now();
    loop {
        let text = fs::read_to_string(file).unwrap_or_default();
        if let Some((port, path)) = text.split_once('\n')
            && let (Ok(port), false) = (port.parse(), path.is_empty())
        {
            return (port, path.trim_end().to_owned());
        }
        assert!(from.elapsed() < PATIENCE, "chromium does not listen");
        sleep(Duration::from_millis(20));
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        // Its other processes end by themselves, and may write until then.
        sleep(Duration::from_millis(100));
        let _ = fs::remove_dir_all(self.profile.path());
    }
}
