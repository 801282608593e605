//! Functions on lists and objects.

use std::collections::BTreeMap;

use super::eval::equal;
use super::functions::{Given, list_at, number_at, object_at, pick, text_at};
use super::value::{Value, order, unique_sorted};

/// A list may grow so long.
const LONGEST: usize = 100_000;

/// Calls a function; `None` when there is none of that name.
pub(super) fn call(name: &str, args: &[Value]) -> Option<Given> {
    Some(match name {
        "length" => length(args),
        "concat" => (0..args.len())
            .map(|i| list_at(args, i))
            .collect::<Result<Vec<_>, _>>()
            .map(|all| Value::List(all.concat())),
        "contains" => list_at(args, 0).and_then(|list| {
            let wanted = args.get(1).ok_or_else(|| "needs a value".to_owned())?;
            Ok(Value::Bool(list.iter().any(|v| equal(v, wanted))))
        }),
        "compact" => {
            list_at(args, 0).map(|l| keep(l, |v| *v != Value::Null && v.to_text().as_deref() != Some("")))
        }
        "distinct" => list_at(args, 0).map(distinct),
        "flatten" => list_at(args, 0).map(|l| Value::List(flatten(l))),
        "reverselist" => list_at(args, 0).map(|l| Value::List(l.iter().rev().cloned().collect())),
        "sort" => sort(args),
        "slice" => slice(args),
        "chunklist" => chunks(args),
        "element" => element(args),
        "index" => match args {
            [value, key] => pick(value, key).ok_or_else(|| "there is no such element".to_owned()),
            _ => Err("takes a list or object, and a key".to_owned()),
        },
        "hasindex" => match args {
            [value, key] => Ok(Value::Bool(pick(value, key).is_some())),
            _ => Err("takes a list or object, and a key".to_owned()),
        },
        "indexof" => list_at(args, 0).and_then(|list| {
            let at = args.get(1).and_then(|wanted| list.iter().position(|v| equal(v, wanted)));
            at.map(Value::count).ok_or_else(|| "item not found".to_owned())
        }),
        "range" => range(args),
        "coalesce" => {
            let found = args.iter().find(|v| **v != Value::Null).cloned();
            found.ok_or_else(|| "every value is null".to_owned())
        }
        "coalescelist" => {
            let full = |v: &&Value| matches!(v, Value::List(l) if !l.is_empty());
            args.iter().find(full).cloned().ok_or_else(|| "every list is empty".to_owned())
        }
        "keys" => object_at(args, 0).map(|m| Value::List(m.keys().map(Value::text).collect())),
        "values" => object_at(args, 0).map(|m| Value::List(m.values().cloned().collect())),
        "lookup" => object_at(args, 0).and_then(|map| {
            let name = text_at(args, 1)?;
            let found = map.get(&name).or(args.get(2)).cloned();
            found.ok_or_else(|| format!("there is no {name:?}"))
        }),
        "merge" => merge(args),
        "zipmap" => list_at(args, 0).and_then(|names| {
            let values = list_at(args, 1)?;
            let names = names.iter().map(|n| n.to_text().unwrap_or_default());
            Ok(Value::Object(names.zip(values.iter().cloned()).collect()))
        }),
        "setunion" => sets(args, |a, b| a.iter().chain(b).cloned().collect()),
        "setintersection" => sets(args, |a, b| a.iter().filter(|v| b.contains(v)).cloned().collect()),
        "setsubtract" => sets(args, |a, b| a.iter().filter(|v| !b.contains(v)).cloned().collect()),
        "setsymmetricdifference" => sets(args, |a, b| {
            let alone =
                |x: &[Value], y: &[Value]| x.iter().filter(|v| !y.contains(v)).cloned().collect::<Vec<_>>();
            [alone(a, b), alone(b, a)].concat()
        }),
        "sethaselement" => list_at(args, 0).and_then(|list| {
            let wanted = args.get(1).ok_or_else(|| "needs a value".to_owned())?;
            Ok(Value::Bool(list.iter().any(|v| equal(v, wanted))))
        }),
        "setproduct" => product(args),
        _ => return None,
    })
}

fn length(args: &[Value]) -> Given {
    match args {
        [Value::List(list)] => Ok(Value::count(list.len())),
        [Value::Object(map)] => Ok(Value::count(map.len())),
        _ => Err("takes a list or an object".to_owned()),
    }
}

fn keep(list: &[Value], keep: impl Fn(&Value) -> bool) -> Value {
    Value::List(list.iter().filter(|v| keep(v)).cloned().collect())
}

fn distinct(list: &[Value]) -> Value {
    let mut out: Vec<Value> = Vec::new();
    for value in list {
        if !out.contains(value) {
            out.push(value.clone());
        }
    }
    Value::List(out)
}

fn flatten(list: &[Value]) -> Vec<Value> {
    let mut out = Vec::new();
    for value in list {
        match value {
            Value::List(inner) => out.extend(flatten(inner)),
            value => out.push(value.clone()),
        }
    }
    out
}

fn sort(args: &[Value]) -> Given {
    let texts =
        list_at(args, 0)?.iter().map(|v| v.to_text().ok_or_else(|| "only text can be sorted".to_owned()));
    let mut texts: Vec<String> = texts.collect::<Result<_, _>>()?;
    texts.sort();
    Ok(Value::List(texts.into_iter().map(Value::Text).collect()))
}

/// A whole number as an index.
fn index(args: &[Value], at: usize) -> Result<usize, String> {
    let number = number_at(args, at)?;
    if number < 0.0 || number.fract() != 0.0 || number > 1e9 {
        return Err(format!("argument {} must be a whole number from 0 on", at + 1));
    }
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    Ok(number as usize)
}

fn slice(args: &[Value]) -> Given {
    let (list, from, to) = (list_at(args, 0)?, index(args, 1)?, index(args, 2)?);
    let part =
        list.get(from..to).ok_or_else(|| format!("a list of {} has no part {from}..{to}", list.len()))?;
    Ok(Value::List(part.to_vec()))
}

fn chunks(args: &[Value]) -> Given {
    let (list, size) = (list_at(args, 0)?, index(args, 1)?);
    if size == 0 {
        return Ok(Value::List(vec![Value::List(list.to_vec())]));
    }
    Ok(Value::List(list.chunks(size).map(|c| Value::List(c.to_vec())).collect()))
}

fn element(args: &[Value]) -> Given {
    let list = list_at(args, 0)?;
    if list.is_empty() {
        return Err("the list is empty".to_owned());
    }
    let at = number_at(args, 1)?;
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
    let at = at.rem_euclid(list.len() as f64) as usize;
    list.get(at).cloned().ok_or_else(|| "there is no such element".to_owned())
}

/// `range(end)`, `range(start, end)`, `range(start, end, step)`.
fn range(args: &[Value]) -> Given {
    let (start, end) = match args.len() {
        1 => (0.0, number_at(args, 0)?),
        _ => (number_at(args, 0)?, number_at(args, 1)?),
    };
    let step = if args.len() > 2 {
        number_at(args, 2)?
    } else if end < start {
        -1.0
    } else {
        1.0
    };
    if step == 0.0 || (step < 0.0) != (end < start) && end != start {
        return Err("the step leads away from the end".to_owned());
    }
    let mut list = Vec::new();
    let mut at = start;
    while (step > 0.0 && at < end) || (step < 0.0 && at > end) {
        if list.len() >= 1024 {
            return Err("more than 1024 values".to_owned());
        }
        list.push(Value::Number(at));
        at += step;
    }
    Ok(Value::List(list))
}

fn merge(args: &[Value]) -> Given {
    let mut all = BTreeMap::new();
    for (at, value) in args.iter().enumerate() {
        if *value != Value::Null {
            all.extend(object_at(args, at)?.clone());
        }
    }
    Ok(Value::Object(all))
}

fn sets(args: &[Value], f: impl Fn(&[Value], &[Value]) -> Vec<Value>) -> Given {
    let mut all = list_at(args, 0)?.to_vec();
    for at in 1..args.len() {
        all = f(&all, list_at(args, at)?);
    }
    Ok(Value::List(unique_sorted(all)))
}

fn product(args: &[Value]) -> Given {
    let mut rows: Vec<Vec<Value>> = vec![Vec::new()];
    for at in 0..args.len() {
        let list = list_at(args, at)?;
        if rows.len().saturating_mul(list.len()) > LONGEST {
            return Err(format!("more than {LONGEST} combinations"));
        }
        rows = rows
            .iter()
            .flat_map(|row| list.iter().map(|v| [row.as_slice(), std::slice::from_ref(v)].concat()))
            .collect();
    }
    let mut rows: Vec<Value> = rows.into_iter().map(Value::List).collect();
    if args.iter().all(|a| matches!(a, Value::List(l) if l.is_sorted_by(|x, y| order(x, y).is_lt()))) {
        rows.sort_by(order);
    }
    Ok(Value::List(rows))
}
