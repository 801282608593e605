//! JSON Schema, as much of it as the schemas of `fixtures/schemas` use. A keyword that is not known here is a failure, so that
//! nothing of a schema is passed over.

use std::fs;
use std::path::Path;

use regex::Regex;
use serde_json::Value;

/// A schema of `fixtures/schemas`.
pub struct Schema(Value);

/// Keywords that say nothing about a value.
const WORDS: &[&str] =
    &["$schema", "id", "$id", "title", "description", "default", "definitions", "$comment"];

impl Schema {
    /// Reads a schema by its file's name.
    pub fn named(name: &str) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/schemas").join(name);
        let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        Self(serde_json::from_str(&text).expect("a schema is JSON"))
    }

    /// What is wrong with `value`: each with its place.
    pub fn errors(&self, value: &Value) -> Vec<String> {
        let mut errors = Vec::new();
        self.check(&self.0, value, "", &mut errors);
        errors
    }

    fn check(&self, schema: &Value, value: &Value, at: &str, errors: &mut Vec<String>) {
        let schema = schema.as_object().unwrap_or_else(|| panic!("a schema at {at}"));
        if let Some(name) = schema.get("$ref") {
            // Before draft 2019-09 nothing beside a reference counts.
            let pointer =
                name.as_str().and_then(|n| n.strip_prefix('#')).expect("a reference inside of the schema");
            return self.check(self.0.pointer(pointer).expect("what is referred to"), value, at, errors);
        }
        for (keyword, rule) in schema {
            if !WORDS.contains(&keyword.as_str()) {
                self.keyword(schema, keyword, rule, value, at, errors);
            }
        }
    }

    fn keyword(
        &self,
        schema: &serde_json::Map<String, Value>,
        keyword: &str,
        rule: &Value,
        value: &Value,
        at: &str,
        errors: &mut Vec<String>,
    ) {
        let mut wrong = |what: String| errors.push(format!("{at}: {what}"));
        match keyword {
            "type" => {
                let mut types = rule.as_array().map_or_else(|| vec![rule.clone()], Clone::clone).into_iter();
                if !types.any(|t| is(value, t.as_str().expect("a type"))) {
                    wrong(format!("{value} is not {rule}"));
                }
            }
            "enum" if !rule.as_array().expect("values").contains(value) => {
                wrong(format!("{value} is none of {rule}"))
            }
            "minimum" if value.as_f64() < rule.as_f64() => wrong(format!("{value} is under {rule}")),
            "maximum" if value.is_number() && value.as_f64() > rule.as_f64() => {
                wrong(format!("{value} is over {rule}"))
            }
            "minItems"
                if value.as_array().is_some_and(|a| (a.len() as u64) < rule.as_u64().expect("a number")) =>
            {
                wrong(format!("fewer than {rule} items"));
            }
            "uniqueItems" if rule == true && value.as_array().is_some_and(|a| twice(a)) => {
                wrong("an item stands twice".into())
            }
            "pattern" => {
                let pattern = Regex::new(rule.as_str().expect("a pattern")).expect("a pattern");
                if value.as_str().is_some_and(|text| !pattern.is_match(text)) {
                    wrong(format!("{value} is not of the form {rule}"));
                }
            }
            "format" => {
                if value.as_str().is_some_and(|text| !has_format(text, rule.as_str().expect("a format"))) {
                    wrong(format!("{value} is no {rule}"));
                }
            }
            "required" => {
                for name in rule.as_array().expect("names").iter().filter_map(Value::as_str) {
                    if value.as_object().is_some_and(|object| !object.contains_key(name)) {
                        wrong(format!("{name} is missing"));
                    }
                }
            }
            "properties" => {
                for (name, schema) in rule.as_object().expect("schemas") {
                    if let Some(value) = value.as_object().and_then(|object| object.get(name)) {
                        self.check(schema, value, &format!("{at}/{name}"), errors);
                    }
                }
            }
            "additionalProperties" => self.others(schema, rule, value, at, errors),
            "items" => {
                for (i, item) in value.as_array().into_iter().flatten().enumerate() {
                    self.check(rule, item, &format!("{at}/{i}"), errors);
                }
            }
            "anyOf" | "oneOf" => {
                let fits = |schema: &&Value| {
                    let mut inner = Vec::new();
                    self.check(schema, value, at, &mut inner);
                    inner.is_empty()
                };
                let fitting = rule.as_array().expect("schemas").iter().filter(fits).count();
                if fitting == 0 || (keyword == "oneOf" && fitting > 1) {
                    wrong(format!("{fitting} of {keyword} fit"));
                }
            }
            "enum" | "minimum" | "maximum" | "minItems" | "uniqueItems" => {}
            other => panic!("the keyword {other} at {at} is not known to this test"),
        }
    }

    /// Properties that are not listed.
    fn others(
        &self,
        schema: &serde_json::Map<String, Value>,
        rule: &Value,
        value: &Value,
        at: &str,
        errors: &mut Vec<String>,
    ) {
        let listed = |name: &String| schema.get("properties").is_some_and(|p| p.get(name).is_some());
        for (name, value) in value.as_object().into_iter().flatten().filter(|(name, _)| !listed(name)) {
            match rule {
                Value::Bool(true) => {}
                Value::Bool(false) => errors.push(format!("{at}: {name} is not allowed")),
                schema => self.check(schema, value, &format!("{at}/{name}"), errors),
            }
        }
    }
}

fn is(value: &Value, kind: &str) -> bool {
    match kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "null" => value.is_null(),
        other => panic!("the type {other} is not known to this test"),
    }
}

fn twice(items: &[Value]) -> bool {
    items.iter().enumerate().any(|(i, item)| items[..i].contains(item))
}

/// A URI has a scheme; a reference need not. Neither has blanks, quotes, or a `%` without two hex digits.
fn has_format(text: &str, format: &str) -> bool {
    let part = |s: &str| {
        Regex::new(r"^(?:[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*$")
            .expect("a pattern")
            .is_match(s)
    };
    match format {
        "uri" => part(text) && Regex::new("^[A-Za-z][A-Za-z0-9+.-]*:").expect("a pattern").is_match(text),
        "uri-reference" => part(text),
        "date-time" => {
            Regex::new(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$").expect("a pattern").is_match(text)
        }
        other => panic!("the format {other} is not known to this test"),
    }
}
