//! The image's config in parts: what instructions change without a step.

use super::part;
use crate::plan::TargetImage;
use crate::report::KeyPart;

/// Every part that says something, in a fixed order; variables in their own.
pub fn parts(image: &TargetImage) -> Vec<KeyPart> {
    let defaults = &image.defaults;
    let mut out = vec![part("platform", image.platform.full())];
    for variable in &image.env {
        let (name, value) = variable.split_once('=').unwrap_or((variable, ""));
        out.push(part(format!("ENV {name}"), value));
    }
    let mut list = |name: &str, values: &[String]| {
        if !values.is_empty() {
            out.push(part(name, joined(values.iter().map(String::as_str))));
        }
    };
    let text = |value: &String| -> Vec<String> {
        Some(value.clone()).filter(|v| !v.is_empty()).into_iter().collect()
    };
    list("WORKDIR", &text(&image.working_dir));
    list("USER", &text(&image.user));
    list("SHELL", &image.shell);
    list("ENTRYPOINT", &defaults.entrypoint);
    list("CMD", &defaults.cmd);
    list("STOPSIGNAL", &text(&defaults.stop_signal));
    list("MAINTAINER", &text(&defaults.author));
    list("ONBUILD", &image.onbuild);
    out.extend(defaults.labels.iter().map(|(name, value)| part(format!("LABEL {name}"), value)));
    out.extend(defaults.ports.iter().map(|port| part(format!("EXPOSE {port}"), "")));
    out.extend(defaults.volumes.iter().map(|path| part(format!("VOLUME {path}"), "")));
    if let Some(check) = &defaults.healthcheck {
        let times = [check.interval, check.timeout, check.start_period, check.start_interval, check.retries];
        let times = times.map(|n| n.to_string());
        out.push(part("HEALTHCHECK", joined(times.iter().chain(&check.test).map(String::as_str))));
    }
    out
}

/// Texts behind their lengths.
fn joined<'t>(texts: impl Iterator<Item = &'t str>) -> String {
    texts.map(|t| format!("{}\n{t}\n", t.len())).collect()
}
