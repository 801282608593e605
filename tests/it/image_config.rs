//! The config of the target's image is the one that BuildKit's frontend makes.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::{Map, Value, json};
use stowaway::dockerfile::Dockerfile;
use stowaway::image::{ImageStore, Platform};
use stowaway::plan::{Plan, PlanOptions, TargetImage};

#[test]
fn image_configs_are_as_recorded() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/plan/images.jsonl");
    let text = fs::read_to_string(path).expect("the fixture");
    let cases: Vec<Value> = text.lines().map(|l| serde_json::from_str(l).expect("JSON")).collect();
    assert!(cases.len() > 150);
    for case in &cases {
        let image = plan(&case["case"]).image;
        let mut want = case["image"].clone();
        // Kept for old Windows engines; it says nothing that CMD doesn't.
        want["config"].as_object_mut().expect("a config").remove("ArgsEscaped");
        assert_eq!(as_json(&image), want, "{}", case["case"]["dockerfile"].as_str().unwrap_or_default());
    }
}

fn plan(case: &Value) -> Plan {
    let folder = tempfile::tempdir().expect("a folder");
    let mut images = ImageStore::new();
    for (name, config) in case["images"].as_object().expect("images") {
        let path = folder.path().join(name);
        fs::write(&path, config.to_string()).expect("a config");
        images.add_base(name, &path);
    }
    let arguments: BTreeMap<String, String> =
        serde_json::from_value(case["build_args"].clone()).unwrap_or_default();
    let options = PlanOptions {
        build_args: arguments,
        platform: Some(Platform::parse(case["platform"].as_str().expect("a platform")).expect("a platform")),
        ..PlanOptions::default()
    };
    let dockerfile = Dockerfile::parse(case["dockerfile"].as_str().expect("a Dockerfile").as_bytes());
    let plan = Plan::resolve(&dockerfile.expect("it can be read"), &options, &images).expect("images");
    assert!(plan.errors.is_empty(), "{:?}", plan.errors);
    plan
}

/// As in an image, where nothing is written of what is empty.
fn as_json(image: &TargetImage) -> Value {
    let defaults = &image.defaults;
    let set = |keys: &std::collections::BTreeSet<String>| -> Value {
        keys.iter().map(|k| (k.clone(), json!({}))).collect::<Map<_, _>>().into()
    };
    let config = [
        ("Env", json!(image.env)),
        ("User", json!(image.user)),
        ("WorkingDir", json!(image.working_dir)),
        ("Shell", json!(image.shell)),
        ("OnBuild", json!(image.onbuild)),
        ("Cmd", json!(defaults.cmd)),
        ("Entrypoint", json!(defaults.entrypoint)),
        ("Labels", json!(defaults.labels)),
        ("ExposedPorts", set(&defaults.ports)),
        ("Volumes", set(&defaults.volumes)),
        ("StopSignal", json!(defaults.stop_signal)),
        ("Healthcheck", healthcheck(image)),
    ];
    let mut out = Map::from_iter([
        ("os".to_owned(), json!(image.platform.os)),
        ("architecture".to_owned(), json!(image.platform.architecture)),
        ("config".to_owned(), with_content(config)),
    ]);
    if !defaults.author.is_empty() {
        out.insert("author".into(), json!(defaults.author));
    }
    out.into()
}

fn healthcheck(image: &TargetImage) -> Value {
    let Some(check) = &image.defaults.healthcheck else { return Value::Null };
    with_content([
        ("Test", json!(check.test)),
        ("Interval", json!(check.interval)),
        ("Timeout", json!(check.timeout)),
        ("StartPeriod", json!(check.start_period)),
        ("StartInterval", json!(check.start_interval)),
        ("Retries", json!(check.retries)),
    ])
}

fn with_content<const N: usize>(fields: [(&str, Value); N]) -> Value {
    let empty = |v: &Value| matches!(v.to_string().as_str(), "null" | "\"\"" | "[]" | "{}" | "0");
    fields
        .into_iter()
        .filter(|(_, v)| !empty(v))
        .map(|(k, v)| (k.to_owned(), v))
        .collect::<Map<_, _>>()
        .into()
}
