//! Type expressions, as `list(string)`.

use std::collections::BTreeMap;

use hcl_edit::expr::{Expression, FuncCall, ObjectKey};

use super::value::{Type, Value};

/// The type that an expression says, or why it says none.
pub(super) fn of(e: &Expression) -> Result<Type, String> {
    match e {
        Expression::Variable(name) => word(name.value().as_str()),
        Expression::String(name) => word(name.value()),
        Expression::FuncCall(call) => made(call),
        _ => Err("a type is string, number, bool, list(…), map(…) and so on".to_owned()),
    }
}

fn word(word: &str) -> Result<Type, String> {
    match word {
        "any" => Ok(Type::Any),
        "string" => Ok(Type::Text),
        "number" => Ok(Type::Number),
        "bool" => Ok(Type::Bool),
        other => Err(format!("there is no type {other}")),
    }
}

fn made(call: &FuncCall) -> Result<Type, String> {
    let name = call.name.name.value().as_str();
    let Some(inner) = call.args.get(0) else { return Err(format!("{name} needs a type in brackets")) };
    match (name, inner) {
        ("list", _) => Ok(Type::List(Box::new(of(inner)?), false)),
        ("set", _) => Ok(Type::List(Box::new(of(inner)?), true)),
        ("map", _) => Ok(Type::Map(Box::new(of(inner)?))),
        ("tuple", Expression::Array(list)) => Ok(Type::Tuple(list.iter().map(of).collect::<Result<_, _>>()?)),
        ("object", Expression::Object(object)) => {
            let mut all = BTreeMap::new();
            for (key, value) in object {
                let name = match key {
                    ObjectKey::Ident(name) => name.value().to_string(),
                    ObjectKey::Expression(Expression::String(name)) => name.value().clone(),
                    ObjectKey::Expression(_) => return Err("an attribute's name must be a word".to_owned()),
                };
                all.insert(name, attribute(value.expr())?);
            }
            Ok(Type::Object(all))
        }
        _ => Err(format!("there is no type {name}(…) of that form")),
    }
}

/// A type, or `optional(…)` of one.
fn attribute(e: &Expression) -> Result<(Type, bool), String> {
    match e {
        Expression::FuncCall(call) if call.name.name.value().as_str() == "optional" => match call.args.get(0)
        {
            Some(inner) => Ok((of(inner)?, true)),
            None => Err("optional needs a type in brackets".to_owned()),
        },
        _ => Ok((of(e)?, false)),
    }
}

/// A variable's text from the environment as a value of its type: texts, numbers, bools, and lists or maps of them with commas.
pub(super) fn from_environment(text: &str, of: &Type) -> Result<Value, String> {
    let primitive = |text: &str, of: &Type| match of {
        Type::Text | Type::Any => Ok(Value::text(text)),
        Type::Bool => super::value::parse_bool(text)
            .map(Value::Bool)
            .ok_or_else(|| format!("{text:?} is not true or false")),
        Type::Number => Value::text(text)
            .to_number()
            .map(Value::Number)
            .ok_or_else(|| format!("{text:?} is not a number")),
        _ => Err("lists of lists and the like can only be given as JSON".to_owned()),
    };
    let fields = || csv(text);
    match of {
        Type::List(of, set) => {
            let list: Vec<Value> = fields().iter().map(|f| primitive(f, of)).collect::<Result<_, _>>()?;
            Ok(Value::List(if *set { super::value::unique_sorted(list) } else { list }))
        }
        Type::Tuple(types) => {
            let fields = fields();
            if fields.len() != types.len() {
                return Err(format!("{} values are wanted, and {} are there", types.len(), fields.len()));
            }
            Ok(Value::List(fields.iter().zip(types).map(|(f, t)| primitive(f, t)).collect::<Result<_, _>>()?))
        }
        Type::Map(of) => {
            let pair = |field: &String| match field.split_once(':') {
                Some((name, value)) => Ok((name.to_owned(), primitive(value, of)?)),
                None => Err(format!("{field:?} is not NAME:VALUE")),
            };
            Ok(Value::Object(fields().iter().map(pair).collect::<Result<_, _>>()?))
        }
        Type::Object(_) => Err("an object can only be given as JSON".to_owned()),
        Type::Any => Err("a value of any type can only be given as JSON".to_owned()),
        Type::Text | Type::Number | Type::Bool => primitive(text, of),
    }
}

/// Fields between commas; quotes keep commas in.
pub(super) fn csv(text: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut quoted = false;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let field = fields.last_mut().expect("never empty");
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                field.push('"');
            }
            '"' if quoted || field.is_empty() => quoted = !quoted,
            ',' if !quoted => fields.push(String::new()),
            c => field.push(c),
        }
    }
    fields
}
