//! `--attest`, `--provenance`, `--sbom` and `--annotation` (buildx `util/buildflags/{attests,export}.go`).

use std::collections::BTreeMap;

use super::text::{Bad, boolean, fields, pair};
use crate::image::Platform;

/// Attestations by type: the text that the frontend takes, `None` for one that is switched off.
pub type Attests = BTreeMap<String, Option<String>>;

/// `--provenance X` and `--sbom X` as a value of `--attest`.
pub fn shorthand(kind: &str, value: &str) -> String {
    match boolean(value) {
        Some(on) => format!("type={kind},disabled={}", !on),
        None => format!("type={kind},{value}"),
    }
}

/// Reads all of `--attest`; of two of a type the first counts.
///
/// # Errors
/// What is wrong, in words.
pub fn attests(texts: &[String]) -> Result<Attests, Bad> {
    let mut all = Attests::new();
    for text in texts {
        let (kind, value) = attest(text)?;
        all.entry(kind).or_insert(value);
    }
    Ok(all)
}

fn attest(text: &str) -> Result<(String, Option<String>), Bad> {
    let (mut kind, mut disabled, mut attrs) = (String::new(), false, BTreeMap::new());
    for (i, field) in fields(text)?.iter().enumerate() {
        let (key, value) = pair(field, i)?;
        match key.to_lowercase().trim() {
            "type" => kind = value.to_owned(),
            "disabled" => {
                disabled = boolean(value).ok_or_else(|| Bad::new("disabled is true or false"))?;
            }
            _ => drop(attrs.insert(key.to_owned(), value.to_owned())),
        }
    }
    if kind.is_empty() {
        return Err(Bad::new("it has no type"));
    }
    let mut line = vec![quoted("type", &kind)];
    line.extend(attrs.iter().map(|(k, v)| quoted(k, v)));
    Ok((kind, (!disabled).then(|| line.join(","))))
}

/// A field for CSV.
fn quoted(key: &str, value: &str) -> String {
    let field = format!("{key}={value}");
    if field.contains([',', '"']) { format!("\"{}\"", field.replace('"', "\"\"")) } else { field }
}

/// Reads all of `--annotation`: the exporters' attributes (`exporter/containerimage/exptypes/annotations.go` of BuildKit).
///
/// # Errors
/// What is wrong, in words.
pub fn annotations(texts: &[String]) -> Result<BTreeMap<String, String>, Bad> {
    let mut all = BTreeMap::new();
    for text in texts.iter().filter(|t| !t.is_empty()) {
        let (key, value) = text.split_once('=').ok_or_else(|| Bad::new("it is not KEY=VALUE"))?;
        match key.split_once(':') {
            None => drop(all.insert(format!("annotation.{key}"), value.to_owned())),
            Some((kinds, key)) => {
                for kind in kinds.split(',') {
                    all.insert(format!("{}.{key}", scope(kind)?), value.to_owned());
                }
            }
        }
    }
    Ok(all)
}

/// What an annotation is put on: `manifest`, `index[linux/amd64]`.
fn scope(text: &str) -> Result<String, Bad> {
    let shape = || Bad::new("an annotation's type is written TYPE or TYPE[PLATFORM]");
    let (kind, platform) = match text.split_once('[') {
        Some((kind, rest)) => (kind, Some(rest.strip_suffix(']').ok_or_else(shape)?)),
        None => (text, None),
    };
    if !matches!(kind, "index" | "index-descriptor" | "manifest" | "manifest-descriptor") {
        return Err(Bad::new("annotations go on index, index-descriptor, manifest or manifest-descriptor"));
    }
    let mut scope = format!("annotation-{kind}");
    if let Some(platform) = platform {
        let platform = Platform::parse(platform).map_err(Bad::new)?;
        // An index is of all platforms.
        if kind.starts_with("index") {
            return Ok(scope);
        }
        scope.push_str(&format!("[{}]", platform.full()));
    }
    Ok(scope)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(texts: &[&str]) -> Attests {
        attests(&texts.iter().map(|t| (*t).to_owned()).collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn the_first_of_a_type_counts_and_attributes_are_sorted() {
        let read = read(&["type=sbom,generator=a", "type=sbom,generator=b", "type=provenance,mode=max,b=c"]);
        assert_eq!(read["sbom"].as_deref(), Some("type=sbom,generator=a"));
        assert_eq!(read["provenance"].as_deref(), Some("type=provenance,b=c,mode=max"));
    }

    #[test]
    fn shorthands_switch_on_and_off() {
        assert_eq!(read(&[&shorthand("provenance", "false")])["provenance"], None);
        assert_eq!(read(&[&shorthand("sbom", "1")])["sbom"].as_deref(), Some("type=sbom"));
        let max = shorthand("provenance", "mode=max");
        assert_eq!(read(&[&max])["provenance"].as_deref(), Some("type=provenance,mode=max"));
    }

    #[test]
    fn annotations_say_what_they_are_put_on() {
        let texts = ["a=b", "manifest:c=d", "index,manifest[linux/arm64]:e=f:g"].map(str::to_owned);
        let read: Vec<_> = annotations(&texts).unwrap().into_iter().collect();
        let pairs = [
            ("annotation-index.e", "f:g"),
            ("annotation-manifest.c", "d"),
            ("annotation-manifest[linux/arm64].e", "f:g"),
            ("annotation.a", "b"),
        ];
        assert_eq!(read, pairs.map(|(k, v)| (k.to_owned(), v.to_owned())));
        for bad in ["a", "layer:a=b", "manifest[:a=b", "manifest[a/b/c/d]:a=b"] {
            assert!(annotations(&[bad.to_owned()]).is_err(), "{bad}");
        }
    }
}
