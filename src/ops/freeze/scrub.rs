//! Takes the values of build arguments out of texts.

use std::collections::BTreeMap;

use bstr::ByteSlice as _;

use super::steps;
use crate::plan::Plan;

/// A value shorter than this is no secret, and stands in every other text by chance.
const SHORT: usize = 3;

/// What goes out of texts, and what comes in its place.
pub struct Scrub {
    /// Names of steps with their variables filled in, and as they are written.
    names: Vec<(String, String)>,
    /// Values and parts of values, longest first, with `${NAME}`.
    values: Vec<(Vec<u8>, String)>,
}

impl Scrub {
    /// For a build with these arguments.
    pub fn new(arguments: &BTreeMap<String, String>, plan: Option<&Plan>) -> Self {
        let mut values: Vec<(Vec<u8>, String)> = Vec::new();
        for (name, value) in arguments {
            values.extend(forms(value).into_iter().map(|v| (v, format!("${{{name}}}"))));
        }
        values.sort_by(|a, b| b.0.len().cmp(&a.0.len()).then_with(|| a.cmp(b)));
        values.dedup_by(|a, b| a.0 == b.0);
        let mut scrub = Self { names: Vec::new(), values };
        for step in plan.iter().flat_map(|p| &p.steps) {
            if scrub.touches(step.name.as_bytes()) {
                scrub.names.push((step.name.clone(), steps::name(step)));
            }
        }
        scrub
    }

    /// Whether a value is in a text.
    fn touches(&self, text: &[u8]) -> bool {
        self.values.iter().any(|(value, _)| text.contains_str(value))
    }

    /// A text without values.
    pub fn text(&self, text: &str) -> String {
        String::from_utf8_lossy(&self.bytes(text.as_bytes())).into_owned()
    }

    /// A path without values.
    pub fn bytes(&self, text: &[u8]) -> Vec<u8> {
        let mut out = text.to_vec();
        if !self.touches(text) {
            return out;
        }
        for (name, written) in self.names.iter().filter(|(name, _)| text.contains_str(name)) {
            out = out.replace(name, written);
        }
        for (value, name) in &self.values {
            if out.contains_str(value) {
                out = out.replace(value, name);
            }
        }
        out
    }
}

/// The forms in which a value may appear: as it is, trimmed, as a clean path, quoted, in lower case, and the parts between
/// the marks that paths, references and URLs are cut at.
fn forms(value: &str) -> Vec<Vec<u8>> {
    let mut out = vec![value.to_owned(), value.trim().to_owned(), value.to_lowercase()];
    out.push(value.trim_matches('/').to_owned());
    out.push(value.replace('\\', "\\\\").replace('"', "\\\""));
    out.extend(value.lines().map(str::to_owned));
    let parts = value.split(|c: char| "/:@,;=&?# \t\r\n".contains(c));
    out.extend(parts.filter(|p| p.len() > SHORT).map(str::to_owned));
    let clean = crate::gopath::clean(value.as_bytes());
    let long = |form: &Vec<u8>| form.len() >= SHORT;
    out.into_iter().map(String::into_bytes).chain([clean]).filter(long).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scrub(pairs: &[(&str, &str)]) -> Scrub {
        let arguments = pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        Scrub::new(&arguments, None)
    }

    #[test]
    fn a_value_becomes_the_name_of_its_argument() {
        let scrub = scrub(&[("TOKEN", "hunter2"), ("LONG", "hunter2-and-more")]);
        assert_eq!(scrub.text("the file behind http://x/hunter2"), "the file behind http://x/${TOKEN}");
        assert_eq!(scrub.text("a hunter2-and-more b"), "a ${LONG} b");
        assert_eq!(scrub.bytes(b"srv/hunter2/a"), b"srv/${TOKEN}/a");
    }

    #[test]
    fn a_path_is_found_in_its_clean_form_and_by_its_parts() {
        let scrub = scrub(&[("DIR", "/opt//secret-folder/./x/")]);
        assert_eq!(scrub.bytes(b"opt/secret-folder/x/a"), b"opt/${DIR}/x/a".to_vec());
    }

    #[test]
    fn values_of_a_letter_or_two_stay() {
        assert_eq!(scrub(&[("N", "4")]).text("[build 1/4] RUN make"), "[build 1/4] RUN make");
    }
}
