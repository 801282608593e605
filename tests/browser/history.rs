//! What changed and what churns, in the page.

use std::fs;
use std::path::Path;

use crate::chromium::Chromium;
use crate::shop::{Shop, page};

#[test]
fn causes_unfold_and_colour_the_files() {
    let Some(mut chromium) = Chromium::start() else { return };
    let shop = Shop::new();
    chromium.open(&shop.page(&["why", "--against", "git:HEAD"], 0).file());
    let open = chromium.eval("document.querySelector('.step details[open] .causes').textContent");
    assert!(open.as_str().is_some_and(|t| t.contains("src/web/app.jsx")), "{open}");
    assert_eq!(chromium.eval("document.querySelector('#colour').value"), "changed");
    let class =
        "[...document.querySelectorAll('#map .box')].find((b) => b.node.name === 'app.jsx').className";
    assert!(chromium.eval(class).to_string().contains("c4"), "what changed stands out");
    assert!(
        chromium.eval("document.querySelectorAll('.graph > svg path').length").as_u64() > Some(5),
        "lines between stages"
    );
    chromium.look("why");
}

#[test]
fn a_strip_tells_of_each_commit_by_pointer_and_by_keys() {
    let Some(mut chromium) = Chromium::start() else { return };
    let shop = Shop::new();
    chromium.open(&shop.page(&["churn"], 0).file());
    chromium.check("churn");
    let strips = chromium.eval("document.querySelectorAll('svg[data-strip]').length");
    assert!(strips.as_u64() > Some(8), "{strips}");
    let of_web = "[...document.querySelectorAll('.strips')].find((s) => s.textContent.includes('COPY src/web')).querySelector('svg')";
    chromium.eval(&format!("{of_web}.focus()"));
    let told = "document.querySelector('#commit').textContent";
    let newest = chromium.eval(told).to_string();
    assert!(newest.contains("Work on tests/api.test.js") && newest.contains("cached"), "{newest}");
    chromium.press("ArrowLeft");
    let before = chromium.eval(told).to_string();
    assert!(before.contains("ran, because of files: src/web/style.css"), "{before}");
    let reads = chromium.eval(&format!("{of_web}.getAttribute('aria-valuetext')")).to_string();
    assert!(reads.contains("src/web/style.css"), "{reads}");
    chromium.hover(of_web);
    assert!(chromium.eval(told).to_string().contains("2026-01-"));
    assert!(
        chromium.eval("document.querySelectorAll('.strip.proposed').length").as_u64() > Some(0),
        "a proposal beside its step"
    );
    chromium.look("churn");
}

#[test]
fn a_logs_seconds_are_bars_and_a_failed_step_is_unfolded() {
    let Some(mut chromium) = Chromium::start() else { return };
    let logs = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/log");
    let dir = tempfile::tempdir().expect("a folder");
    fs::copy(logs.join("fail.Dockerfile"), dir.path().join("Dockerfile")).expect("a file");
    fs::create_dir(dir.path().join("tools")).expect("a folder");
    fs::write(dir.path().join("tools/sh"), "a static shell").expect("a file");
    let log = logs.join("buildx/failed.jsonl");
    chromium.open(&page(dir.path(), &["report", log.to_str().expect("UTF-8")], 1).file());
    let aside = chromium.eval("document.querySelector('#layers .aside').textContent").to_string();
    assert!(aside.contains("Bars show seconds"), "{aside}");
    let failed = chromium.eval("document.querySelector('.step.failed details').open");
    assert_eq!(failed, true);
    let widths = chromium
        .eval("[...document.querySelectorAll('.measures rect')].map((r) => r.getBoundingClientRect().width)");
    assert!(widths.as_array().is_some_and(|w| w.iter().any(|w| w.as_f64() > Some(20.0))), "{widths}");
    chromium.look("report");
}
