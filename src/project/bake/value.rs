//! Values of expressions, and how they become each other (HCL's `cty`).

use std::collections::BTreeMap;

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    /// Nothing.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number.
    Number(f64),
    /// Text.
    Text(String),
    /// A list, set or tuple.
    List(Vec<Value>),
    /// A map or object.
    Object(BTreeMap<String, Value>),
}

impl Value {
    /// Text.
    pub(super) fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// A number from a count.
    #[allow(clippy::cast_precision_loss)]
    pub(super) fn count(count: usize) -> Self {
        Self::Number(count as f64)
    }

    /// A scalar as text.
    pub(super) fn to_text(&self) -> Option<String> {
        match self {
            Self::Bool(b) => Some(b.to_string()),
            Self::Number(n) => Some(number(*n)),
            Self::Text(t) => Some(t.clone()),
            Self::Null | Self::List(_) | Self::Object(_) => None,
        }
    }

    /// A number, or text that reads as one.
    pub(super) fn to_number(&self) -> Option<f64> {
        match self {
            Self::Number(n) => Some(*n),
            Self::Text(t) => t.parse().ok().filter(|n: &f64| n.is_finite()),
            _ => None,
        }
    }

    /// `true` or `false`, or text that reads so.
    pub(super) fn to_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(b) => Some(*b),
            Self::Text(t) => match t.as_str() {
                "true" | "1" => Some(true),
                "false" | "0" => Some(false),
                _ => None,
            },
            _ => None,
        }
    }

    /// What kind of value it is, for messages.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a bool",
            Self::Number(_) => "a number",
            Self::Text(_) => "text",
            Self::List(_) => "a list",
            Self::Object(_) => "an object",
        }
    }

    /// As JSON.
    pub(super) fn to_json(&self) -> serde_json::Value {
        match self {
            Self::Null => serde_json::Value::Null,
            Self::Bool(b) => (*b).into(),
            Self::Number(n) => serde_json::from_str(&number(*n)).unwrap_or(serde_json::Value::Null),
            Self::Text(t) => t.clone().into(),
            Self::List(list) => list.iter().map(Self::to_json).collect(),
            Self::Object(map) => map.iter().map(|(k, v)| (k.clone(), v.to_json())).collect(),
        }
    }

    /// As JSON text, the way Go writes it: what could be markup in HTML is escaped.
    pub(super) fn to_json_text(&self) -> String {
        let mut out = String::new();
        for c in self.to_json().to_string().chars() {
            match c {
                '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                    out.push_str(&format!("\\u{:04x}", u32::from(c)))
                }
                c => out.push(c),
            }
        }
        out
    }

    /// From JSON.
    pub(super) fn from_json(json: &serde_json::Value) -> Self {
        match json {
            serde_json::Value::Null => Self::Null,
            serde_json::Value::Bool(b) => Self::Bool(*b),
            serde_json::Value::Number(n) => Self::Number(n.as_f64().unwrap_or_default()),
            serde_json::Value::String(s) => Self::Text(s.clone()),
            serde_json::Value::Array(list) => Self::List(list.iter().map(Self::from_json).collect()),
            serde_json::Value::Object(map) => {
                Self::Object(map.iter().map(|(k, v)| (k.clone(), Self::from_json(v))).collect())
            }
        }
    }
}

/// A number as text: never with an exponent. Sums such as `0.1 + 0.2`, which HCL works out with many more digits, are rounded to
/// the fifteen that are certain.
pub(super) fn number(n: f64) -> String {
    if n == 0.0 {
        return "0".to_owned();
    }
    if n.fract() == 0.0 {
        return n.to_string();
    }
    let rounded: f64 = format!("{n:.14e}").parse().unwrap_or(n);
    rounded.to_string()
}

/// A type that a variable is declared with.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Type {
    /// Anything.
    Any,
    /// `string`.
    Text,
    /// `number`.
    Number,
    /// `bool`.
    Bool,
    /// `list(…)` and `set(…)`; a set is sorted and has no two equal values.
    List(Box<Type>, bool),
    /// `tuple([…])`.
    Tuple(Vec<Type>),
    /// `map(…)`.
    Map(Box<Type>),
    /// `object({…})`, with whether each may be left out.
    Object(BTreeMap<String, (Type, bool)>),
}

impl Type {
    /// `value` as this type, or why not.
    pub(super) fn convert(&self, value: Value) -> Result<Value, String> {
        if value == Value::Null {
            return Ok(value);
        }
        let wrong = |what: &str| Err(format!("{what} is wanted, and this is {}", value.kind()));
        match (self, &value) {
            (Self::Any, _) => Ok(value),
            (Self::Text, _) => value.to_text().map_or_else(|| wrong("text"), |t| Ok(Value::Text(t))),
            (Self::Number, _) => {
                value.to_number().map_or_else(|| wrong("a number"), |n| Ok(Value::Number(n)))
            }
            (Self::Bool, _) => value.to_bool().map_or_else(|| wrong("true or false"), |b| Ok(Value::Bool(b))),
            (Self::List(of, set), Value::List(list)) => {
                let mut list: Vec<Value> =
                    list.iter().map(|v| of.convert(v.clone())).collect::<Result<_, _>>()?;
                if *set {
                    list = unique_sorted(list);
                }
                Ok(Value::List(list))
            }
            (Self::Tuple(types), Value::List(list)) if types.len() == list.len() => {
                let pairs = types.iter().zip(list);
                Ok(Value::List(pairs.map(|(t, v)| t.convert(v.clone())).collect::<Result<_, _>>()?))
            }
            (Self::Map(of), Value::Object(map)) => {
                let all = map.iter().map(|(k, v)| Ok((k.clone(), of.convert(v.clone())?)));
                Ok(Value::Object(all.collect::<Result<_, String>>()?))
            }
            (Self::Object(types), Value::Object(map)) => object(types, map),
            (Self::List(..) | Self::Tuple(_), _) => wrong("a list"),
            (Self::Map(_) | Self::Object(_), _) => wrong("an object"),
        }
    }
}

fn object(types: &BTreeMap<String, (Type, bool)>, map: &BTreeMap<String, Value>) -> Result<Value, String> {
    let one = |(name, (of, optional)): (&String, &(Type, bool))| match map.get(name) {
        Some(value) => Ok((name.clone(), of.convert(value.clone())?)),
        None if *optional => Ok((name.clone(), Value::Null)),
        None => Err(format!("attribute {name} is required")),
    };
    Ok(Value::Object(types.iter().map(one).collect::<Result<_, String>>()?))
}

/// A set: sorted, each value once.
pub(super) fn unique_sorted(mut list: Vec<Value>) -> Vec<Value> {
    list.sort_by(order);
    list.dedup();
    list
}

/// Some order of values: numbers by size, text by bytes.
pub(super) fn order(a: &Value, b: &Value) -> std::cmp::Ordering {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a.total_cmp(b),
        _ => a.to_json().to_string().cmp(&b.to_json().to_string()),
    }
}

/// `true` or `false` as Go's `strconv.ParseBool` reads them.
pub(super) fn parse_bool(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Some(true),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Some(false),
        _ => None,
    }
}
