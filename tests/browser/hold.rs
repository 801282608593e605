//! The hold and the layers, used: by pointer, by keyboard, without scripts, with names that mean harm.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;

use serde_json::json;

use crate::chromium::Chromium;
use crate::shop::{Shop, page};

/// The box of a node by name.
fn named(name: &str) -> String {
    format!("[...document.querySelectorAll('#map .box')].find((b) => b.node.name === '{name}')")
}

fn text(chromium: &mut Chromium, selector: &str) -> String {
    let text = chromium.eval(&format!("document.querySelector('{selector}').textContent"));
    text.as_str().unwrap_or_default().to_owned()
}

#[test]
fn folders_are_entered_and_left_and_files_show_the_steps_that_they_invalidate() {
    let Some(mut chromium) = Chromium::start() else { return };
    let shop = Shop::new();
    chromium.open(&shop.page(&["plan"], 0).file());
    chromium.check("the shop");

    chromium.hover(&named("hero.png"));
    let detail = text(&mut chromium, "#detail");
    for word in ["assets/img/hero.png", "146.5 KiB", "0644", "line 9", "line 14"] {
        assert!(detail.contains(word), "{word} in {detail}");
    }

    chromium.click(&named("src"));
    assert_eq!(text(&mut chromium, "#crumbs"), "all files/src");
    assert_eq!(chromium.eval(&format!("{} === undefined", named("hero.png"))), true);
    chromium.check("in src");
    chromium.click(&named("app.jsx"));
    let touched = "[...document.querySelectorAll('.step.touched .line')].map((e) => e.textContent)";
    assert_eq!(chromium.eval(touched), json!(["10", "14"]));
    let after = "[...document.querySelectorAll('.step.after .line')].map((e) => e.textContent)";
    assert_eq!(chromium.eval(after), json!(["11", "15", "18", "19", "20"]));
    chromium.screenshot("chosen-file");
    chromium.click("document.querySelector('#crumbs button')");
    assert_eq!(text(&mut chromium, "#crumbs"), "all files");
    assert!(chromium.complaints.is_empty(), "{:?}", chromium.complaints);
}

#[test]
fn a_chosen_step_colours_its_files() {
    let Some(mut chromium) = Chromium::start() else { return };
    let shop = Shop::new();
    chromium.open(&shop.page(&["plan"], 0).file());
    let step = "[...document.querySelectorAll('.step summary')].find((s) => s.textContent.startsWith('10'))";
    chromium.click(step);
    let legend = text(&mut chromium, "#legend");
    assert!(legend.contains("taken by line 10"), "{legend}");
    let class = |name: &str| format!("{}.className", named(name));
    assert!(chromium.eval(&class("app.jsx")).to_string().contains("c0"));
    assert!(chromium.eval(&class("hero.png")).to_string().contains("none"));
    chromium.screenshot("chosen-step");
    chromium.click(step);
    assert!(!text(&mut chromium, "#legend").contains("taken by line 10 "), "what was before is back");
    let select = "document.querySelector('#colour').value";
    assert_eq!(chromium.eval(select), "step");
    for colour in ["use", "ignore"] {
        chromium.eval(&format!("{{ const s = document.querySelector('#colour'); s.value = '{colour}'; s.dispatchEvent(new Event('change')); }}"));
        chromium.check(colour);
    }
    for measure in ["bytes", "files", "files_in_view"] {
        chromium.eval(&format!("{{ const s = document.querySelector('#measure'); s.value = '{measure}'; s.dispatchEvent(new Event('change')); }}"));
        chromium.check(measure);
    }
}

#[test]
fn searching_finds_and_leads_there() {
    let Some(mut chromium) = Chromium::start() else { return };
    let shop = Shop::new();
    chromium.open(&shop.page(&["plan"], 0).file());
    chromium.eval("document.querySelector('#search').focus()");
    chromium.type_text("ROUTES/");
    assert_eq!(text(&mut chromium, "#found"), "6 found");
    assert!(chromium.eval(&format!("{}.classList.contains('dim')", named("hero.png"))) == json!(true));
    assert!(chromium.eval(&format!("{}.classList.contains('dim')", named("cart.js"))) == json!(false));
    chromium.screenshot("search");
    chromium.press("Enter");
    assert_eq!(text(&mut chromium, "#crumbs"), "all files/src/api/routes");
    assert!(text(&mut chromium, "#found").contains("this is 1"));
    chromium.eval("{ const s = document.querySelector('#search'); s.value = 'express.js'; s.dispatchEvent(new Event('input')); s.focus(); }");
    chromium.press("Enter");
    let detail = text(&mut chromium, "#detail");
    assert!(detail.contains("hidden by") && detail.contains("node_modules"), "{detail}");
    assert_eq!(
        chromium.eval("document.querySelector('#measure').value"),
        "bytes",
        "what is hidden has an area now"
    );
    assert!(chromium.complaints.is_empty(), "{:?}", chromium.complaints);
}

#[test]
fn the_keyboard_reaches_everything() {
    let Some(mut chromium) = Chromium::start() else { return };
    let shop = Shop::new();
    chromium.open(&shop.page(&["plan"], 0).file());
    chromium.eval("document.querySelector('#search').focus()");
    let focus =
        "document.activeElement.node ? document.activeElement.node.name : document.activeElement.tagName";
    chromium.press("Tab");
    assert_eq!(chromium.eval(focus), "", "the map's top");
    chromium.press("ArrowRight");
    let first = chromium.eval(focus);
    assert_eq!(first, "assets");
    assert!(text(&mut chromium, "#detail").starts_with("assets"));
    chromium.press("Enter");
    assert_eq!(text(&mut chromium, "#crumbs"), "all files/assets");
    chromium.press("ArrowDown");
    assert_ne!(chromium.eval(focus), first);
    let reads = chromium.eval("document.activeElement.getAttribute('aria-label')");
    assert!(reads.as_str().is_some_and(|r| r.contains("KiB")), "{reads}");
    chromium.press("ArrowLeft");
    chromium.press("Escape");
    assert_eq!(text(&mut chromium, "#crumbs"), "all files");
    assert_eq!(chromium.eval(focus), "assets", "where it came from has the focus");
    assert_eq!(chromium.eval("document.querySelectorAll('#map [tabindex=\"0\"]').length"), 1);
    assert!(chromium.complaints.is_empty(), "{:?}", chromium.complaints);
}

#[test]
fn without_scripts_the_tables_and_a_drawing_are_there() {
    let Some(mut chromium) = Chromium::start() else { return };
    let shop = Shop::new();
    let page = shop.page(&["du"], 0);
    chromium.call("Emulation.setScriptExecutionDisabled", json!({"value": true}));
    chromium.load(&page.file());
    // The document is asked through the protocol, since no script may ask it.
    let document = chromium.call("DOM.getDocument", json!({"depth": 0}));
    let html = chromium.call("DOM.getOuterHTML", json!({"nodeId": document["root"]["nodeId"]}));
    let html = html["outerHTML"].as_str().unwrap_or_default();
    assert!(html.contains("<details class=\"tables\" open"), "the tables are unfolded");
    assert!(!html.contains("class=\"js\""), "no script ran");
    assert!(html.contains("<caption>Folders, the heaviest first</caption>"));
    assert!(html.contains("aria-label=\"Files and folders by bytes"), "there is a drawing");
    chromium.screenshot("without-scripts");
}

#[test]
fn names_that_mean_harm_do_nothing() {
    let Some(mut chromium) = Chromium::start() else { return };
    let dir = tempfile::tempdir().expect("a folder");
    let names: [&[u8]; 6] = [
        b"<script>document.title = 'harm'<",
        b"<img src=x onerror=\"document.title='harm'\">",
        b"\x1b[2J\x07bell",
        b"not-utf8-\xff",
        "turned-\u{202e}gpj.exe".as_bytes(),
        b"\"'&amp;`${1}",
    ];
    for name in names {
        fs::write(dir.path().join(OsStr::from_bytes(name)), "content").expect("a file");
    }
    fs::write(
        dir.path().join("Dockerfile"),
        "FROM scratch AS x\nCOPY . /<script>document.title='harm'</script>/\n",
    )
    .expect("a file");
    fs::write(dir.path().join(".dockerignore"), "<img*\n").expect("a file");
    chromium.open(&page(dir.path(), &["plan"], 0).file());
    chromium.check("names");
    assert_eq!(chromium.eval("document.title"), "stowaway plan: Dockerfile, target x");
    assert_eq!(chromium.eval("document.querySelectorAll('script').length"), 2);
    assert_eq!(chromium.eval("document.querySelectorAll('img').length"), 0);
    chromium
        .click("[...document.querySelectorAll('#map .box')].find((b) => b.node.name.startsWith('<script'))");
    assert!(text(&mut chromium, "#detail").contains("<script>document.title"));
    let shown =
        chromium.eval("[...document.querySelectorAll('#map .box')].map((b) => b.node.name).join(' ')");
    let shown = shown.as_str().unwrap_or_default();
    assert!(
        shown.contains(r"not-utf8-\xff") && shown.contains(r"\u{202e}") && shown.contains(r"\u{1b}"),
        "{shown}"
    );
    chromium.check("names, after a click");
}

#[test]
fn on_paper_the_picture_is_as_wide_as_the_sheet_and_controls_are_left_out() {
    let Some(mut chromium) = Chromium::start() else { return };
    let shop = Shop::new();
    chromium.open(&shop.page(&["plan"], 0).file());
    chromium.paper();
    chromium.check("on paper");
    let shares = "[...document.querySelectorAll('#map .box')].every((b) => b.style.width.endsWith('%'))";
    assert_eq!(chromium.eval(shares), true, "whatever the sheet's width is");
    assert_eq!(
        chromium.eval("getComputedStyle(document.querySelector('#search').parentElement).display"),
        "none"
    );
    chromium.screenshot("paper");
    let pdf = chromium.call("Page.printToPDF", json!({}));
    assert!(pdf["data"].as_str().is_some_and(|d| d.len() > 10_000));
    chromium.check("on paper, in fact");
}
