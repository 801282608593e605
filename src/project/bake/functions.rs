//! The functions that Bake files call, those that hang on nothing but their arguments.
//!
//! Not here: networks (`cidr…`), versions (`semvercmp`), keys and random things (`bcrypt`, `rsadecrypt`, `uuidv5`).

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256, Sha512};

use super::eval::equal;
use super::format;
use super::lists;
use super::text;
use super::value::{Value, unique_sorted};

/// What a function gives, or what is wrong with its arguments.
pub(super) type Given = Result<Value, String>;

/// Calls a function; `None` when there is none of that name.
pub(super) fn call(name: &str, args: &[Value]) -> Option<Given> {
    numbers(name, args)
        .or_else(|| texts(name, args))
        .or_else(|| lists::call(name, args))
        .or_else(|| encodings(name, args))
}

/// The part of a value behind a key.
pub(super) fn pick(value: &Value, key: &Value) -> Option<Value> {
    match value {
        Value::Object(map) => map.get(&key.to_text()?).cloned(),
        Value::List(list) => {
            let at = key.to_number().filter(|n| *n >= 0.0 && n.fract() == 0.0)?;
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            list.get(at as usize).cloned()
        }
        _ => None,
    }
}

/// An argument as text.
pub(super) fn text_at(args: &[Value], at: usize) -> Result<String, String> {
    let value = args.get(at).ok_or_else(|| format!("argument {} is missing", at + 1))?;
    value.to_text().ok_or_else(|| format!("argument {} must be text, and is {}", at + 1, value.kind()))
}

/// An argument as a number.
pub(super) fn number_at(args: &[Value], at: usize) -> Result<f64, String> {
    let value = args.get(at).ok_or_else(|| format!("argument {} is missing", at + 1))?;
    value.to_number().ok_or_else(|| format!("argument {} must be a number, and is {}", at + 1, value.kind()))
}

/// An argument as a list.
pub(super) fn list_at(args: &[Value], at: usize) -> Result<&[Value], String> {
    match args.get(at) {
        Some(Value::List(list)) => Ok(list),
        Some(other) => Err(format!("argument {} must be a list, and is {}", at + 1, other.kind())),
        None => Err(format!("argument {} is missing", at + 1)),
    }
}

/// An argument as an object.
pub(super) fn object_at(args: &[Value], at: usize) -> Result<&BTreeMap<String, Value>, String> {
    match args.get(at) {
        Some(Value::Object(map)) => Ok(map),
        Some(other) => Err(format!("argument {} must be an object, and is {}", at + 1, other.kind())),
        None => Err(format!("argument {} is missing", at + 1)),
    }
}

/// Arithmetic and comparison.
fn numbers(name: &str, args: &[Value]) -> Option<Given> {
    let one = |f: fn(f64) -> f64| number_at(args, 0).map(|a| Value::Number(f(a)));
    let two = |f: fn(f64, f64) -> f64| Ok(Value::Number(f(number_at(args, 0)?, number_at(args, 1)?)));
    let test = |f: fn(&f64, &f64) -> bool| Ok(Value::Bool(f(&number_at(args, 0)?, &number_at(args, 1)?)));
    let truth = |at: usize| {
        args.get(at)
            .and_then(Value::to_bool)
            .ok_or_else(|| format!("argument {} must be true or false", at + 1))
    };
    let fold = |f: fn(f64, f64) -> f64| {
        let all: Vec<f64> = (0..args.len()).map(|i| number_at(args, i)).collect::<Result<_, _>>()?;
        all.into_iter().reduce(f).map(Value::Number).ok_or_else(|| "needs a number".to_owned())
    };
    Some(match name {
        "absolute" => one(f64::abs),
        "add" => two(|a, b| a + b),
        "subtract" => two(|a, b| a - b),
        "multiply" => two(|a, b| a * b),
        "divide" | "modulo" if number_at(args, 1) == Ok(0.0) => Err("division by zero".to_owned()),
        "divide" => two(|a, b| a / b),
        "modulo" => two(|a, b| a % b),
        "negate" => one(|a| -a),
        "ceil" => one(f64::ceil),
        "floor" => one(f64::floor),
        "int" => one(f64::trunc),
        "log" => two(f64::log),
        "pow" => two(f64::powf),
        "signum" => one(|a| if a == 0.0 { 0.0 } else { a.signum() }),
        "min" => fold(f64::min),
        "max" => fold(f64::max),
        "parseint" => parse_int(args),
        "greaterthan" => test(|a, b| a > b),
        "greaterthanorequalto" => test(|a, b| a >= b),
        "lessthan" => test(|a, b| a < b),
        "lessthanorequalto" => test(|a, b| a <= b),
        "equal" | "notequal" => match args {
            [a, b] => Ok(Value::Bool(equal(a, b) == (name == "equal"))),
            _ => Err("takes two values".to_owned()),
        },
        "and" => truth(0).and_then(|a| Ok(Value::Bool(truth(1)? && a))),
        "or" => truth(0).and_then(|a| Ok(Value::Bool(truth(1)? || a))),
        "not" => truth(0).map(|a| Value::Bool(!a)),
        _ => return None,
    })
}

fn parse_int(args: &[Value]) -> Given {
    let (text, base) = (text_at(args, 0)?, number_at(args, 1)?);
    if !(2.0..=36.0).contains(&base) {
        return Err("the base is between 2 and 36".to_owned());
    }
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
    i64::from_str_radix(&text, base as u32)
        .map(|n| Value::Number(n as f64))
        .map_err(|_| format!("{text:?} is not a number of base {base}"))
}

/// Text.
fn texts(name: &str, args: &[Value]) -> Option<Given> {
    let one = |f: &dyn Fn(&str) -> String| text_at(args, 0).map(|t| Value::Text(f(&t)));
    let two = |f: &dyn Fn(&str, &str) -> String| Ok(Value::Text(f(&text_at(args, 0)?, &text_at(args, 1)?)));
    Some(match name {
        "upper" => one(&|t| t.to_uppercase()),
        "lower" => one(&|t| t.to_lowercase()),
        "title" => one(&text::title),
        "reverse" => one(&|t| t.chars().rev().collect()),
        "chomp" => one(&|t| t.trim_end_matches(['\r', '\n']).to_owned()),
        "trimspace" => one(&|t| t.trim().to_owned()),
        "trim" => two(&|t, cut| t.trim_matches(|c| cut.contains(c)).to_owned()),
        "trimprefix" => two(&|t, cut| t.strip_prefix(cut).unwrap_or(t).to_owned()),
        "trimsuffix" => two(&|t, cut| t.strip_suffix(cut).unwrap_or(t).to_owned()),
        "strlen" => text_at(args, 0).map(|t| Value::count(t.chars().count())),
        "basename" => one(&text::basename),
        "dirname" => one(&text::dirname),
        "sanitize" => one(&text::sanitize),
        "replace" => {
            text_at(args, 0).and_then(|t| Ok(Value::Text(t.replace(&text_at(args, 1)?, &text_at(args, 2)?))))
        }
        "regex_replace" => text::regex_replace(args),
        "regex" => text::regex(args),
        "regexall" => text::regex_all(args),
        "substr" => text::substr(args),
        "indent" => text::indent(args),
        "join" => text::join(args),
        "split" => text::split(args),
        "format" => format::format(args).map(Value::Text),
        "formatlist" => format::format_list(args),
        "formatdate" | "formattimestamp" => super::dates::format_date(args),
        _ => return None,
    })
}

/// Digests and encodings.
fn encodings(name: &str, args: &[Value]) -> Option<Given> {
    let one = |f: &dyn Fn(&str) -> String| text_at(args, 0).map(|t| Value::Text(f(&t)));
    Some(match name {
        "base64encode" => one(&|t| STANDARD.encode(t)),
        "base64decode" => text_at(args, 0).and_then(|t| {
            let bytes = STANDARD.decode(&t).map_err(|_| "this is not base64".to_owned())?;
            String::from_utf8(bytes).map(Value::Text).map_err(|_| "what comes out is not text".to_owned())
        }),
        "sha256" => one(&|t| hex(&Sha256::digest(t))),
        "sha512" => one(&|t| hex(&Sha512::digest(t))),
        "urlencode" => one(&text::url_encode),
        "jsonencode" => match args {
            [value] => Ok(Value::Text(value.to_json_text())),
            _ => Err("takes one value".to_owned()),
        },
        "jsondecode" => text_at(args, 0).and_then(|t| {
            let json: serde_json::Value =
                serde_json::from_str(&t).map_err(|e| format!("this is not JSON: {e}"))?;
            Ok(Value::from_json(&json))
        }),
        "csvdecode" => text_at(args, 0).map(|t| text::csv_decode(&t)),
        "toset" => list_at(args, 0).map(|l| Value::List(unique_sorted(l.to_vec()))),
        _ => return None,
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}
