//! Expressions → values (HCL's `hclsyntax`).

use std::collections::BTreeMap;
use std::ops::Range;

use hcl_edit::Span as _;
use hcl_edit::expr::{
    BinaryOperator, Expression, ForExpr, FuncCall, ObjectKey, Traversal, TraversalOperator, UnaryOperator,
};

use super::super::ProjectError;
use super::functions;
use super::syntax::Attribute;
use super::value::Value;
use super::world::World;

/// What an expression may see besides the project: where it stands, and names of its own.
#[derive(Clone)]
pub(super) struct Scope<'a> {
    /// The attribute that the expression is of.
    pub(super) attribute: &'a Attribute,
    /// Names that are valid here alone, the nearest last.
    pub(super) locals: Vec<(String, Value)>,
}

/// A value, or what is wrong.
pub(super) type Outcome = Result<Value, ProjectError>;

impl Scope<'_> {
    /// An error at a part of the expression.
    pub(super) fn error(&self, span: Option<Range<usize>>, message: impl Into<String>) -> ProjectError {
        ProjectError::new(&self.attribute.place_of(span), message)
    }

    /// The same with more names.
    fn with(&self, names: impl IntoIterator<Item = (String, Value)>) -> Self {
        let mut scope = self.clone();
        scope.locals.extend(names);
        scope
    }
}

impl World<'_> {
    /// The value of an attribute.
    pub(super) fn value(&self, attribute: &Attribute, locals: &[(String, Value)]) -> Outcome {
        let scope = Scope { attribute, locals: locals.to_vec() };
        self.eval(&attribute.expression, &scope)
    }

    /// The value of an expression.
    pub(super) fn eval(&self, e: &Expression, s: &Scope<'_>) -> Outcome {
        let _step = self.step(|| s.error(e.span(), "this takes too many steps"))?;
        match e {
            Expression::Null(_) => Ok(Value::Null),
            Expression::Bool(b) => Ok(Value::Bool(*b.value())),
            Expression::Number(n) => Ok(Value::Number(n.value().as_f64().unwrap_or_default())),
            Expression::String(t) => Ok(Value::Text(t.value().clone())),
            Expression::Array(list) => {
                Ok(Value::List(list.iter().map(|e| self.eval(e, s)).collect::<Result<_, _>>()?))
            }
            Expression::Object(object) => self.object(object.iter().map(|(k, v)| (k, v.expr())), s),
            Expression::StringTemplate(template) => self.template(template.iter(), true, s),
            Expression::HeredocTemplate(heredoc) => self.template(heredoc.template.iter(), false, s),
            Expression::Parenthesis(inner) => self.eval(inner.inner(), s),
            Expression::Variable(name) => self.variable(name.value().as_str(), e, s),
            Expression::Conditional(c) => {
                let condition = self.eval(&c.cond_expr, s)?;
                let Some(condition) = condition.to_bool() else {
                    return Err(s.error(
                        c.cond_expr.span(),
                        format!("a condition is true or false, and this is {}", condition.kind()),
                    ));
                };
                self.eval(if condition { &c.true_expr } else { &c.false_expr }, s)
            }
            Expression::FuncCall(call) => self.call(call, e, s),
            Expression::Traversal(traversal) => self.traversal(traversal, e, s),
            Expression::UnaryOp(op) => {
                let value = self.eval(&op.expr, s)?;
                unary(*op.operator.value(), &value).ok_or_else(|| s.error(e.span(), wrong_operand(&value)))
            }
            Expression::BinaryOp(op) => {
                let (left, right) = (self.eval(&op.lhs_expr, s)?, self.eval(&op.rhs_expr, s)?);
                binary(*op.operator.value(), &left, &right).map_err(|why| s.error(e.span(), why))
            }
            Expression::ForExpr(each) => self.for_expression(each, s),
        }
    }

    fn object<'e>(
        &self,
        entries: impl Iterator<Item = (&'e ObjectKey, &'e Expression)>,
        s: &Scope<'_>,
    ) -> Outcome {
        let mut map = BTreeMap::new();
        for (key, value) in entries {
            let name = match key {
                ObjectKey::Ident(name) => name.value().to_string(),
                ObjectKey::Expression(e) => {
                    let key = self.eval(e, s)?;
                    key.to_text().ok_or_else(|| {
                        s.error(e.span(), format!("a key must be text, and is {}", key.kind()))
                    })?
                }
            };
            map.insert(name, self.eval(value, s)?);
        }
        Ok(Value::Object(map))
    }

    /// A name: one of this place alone, or of the project.
    fn variable(&self, name: &str, e: &Expression, s: &Scope<'_>) -> Outcome {
        match s.locals.iter().rev().find(|(local, _)| local == name) {
            Some((_, value)) => Ok(value.clone()),
            None => self.global(name).unwrap_or_else(|| {
                let error = s.error(e.span(), format!("there is no variable {name}"));
                Err(match self.similar_variable(name) {
                    Some(near) => error.hint(format!("did you mean {near}?")),
                    None => error.hint(format!("declare it: variable \"{name}\" {{ default = \"\" }}")),
                })
            }),
        }
    }

    /// `a.b[0].*.c`.
    fn traversal(&self, traversal: &Traversal, e: &Expression, s: &Scope<'_>) -> Outcome {
        let operators: Vec<&TraversalOperator> = traversal.operators.iter().map(|o| o.value()).collect();
        if let Expression::Variable(root) = &traversal.expr
            && ["target", "group"].contains(&root.value().as_str())
            && s.locals.iter().all(|(local, _)| local != root.value().as_str())
        {
            let kind = root.value().as_str();
            let name = operators.first().map(|o| self.key(o, s)).transpose()?.flatten();
            let Some(name) = name.and_then(|n| n.to_text()) else {
                return Err(s.error(e.span(), format!("`{kind}` must be followed by a name")));
            };
            let attribute = operators.get(1).map(|o| self.key(o, s)).transpose()?.flatten();
            let attribute = attribute.and_then(|a| a.to_text());
            let value = self.block_value(kind, &name, attribute.as_deref(), &|| {
                s.error(e.span(), format!("there is no {kind} {name}"))
            })?;
            return self.follow(value, operators.get(2..).unwrap_or_default(), e, s);
        }
        let value = self.eval(&traversal.expr, s)?;
        self.follow(value, &operators, e, s)
    }

    /// The name or place that an operator picks; `None` for splats.
    fn key(&self, operator: &TraversalOperator, s: &Scope<'_>) -> Result<Option<Value>, ProjectError> {
        Ok(match operator {
            TraversalOperator::GetAttr(name) => Some(Value::text(name.value().as_str())),
            TraversalOperator::Index(e) => Some(self.eval(e, s)?),
            TraversalOperator::LegacyIndex(i) => Some(Value::text(i.value().to_string())),
            TraversalOperator::AttrSplat(_) | TraversalOperator::FullSplat(_) => None,
        })
    }

    fn follow(
        &self,
        mut value: Value,
        operators: &[&TraversalOperator],
        e: &Expression,
        s: &Scope<'_>,
    ) -> Outcome {
        for (at, operator) in operators.iter().enumerate() {
            let Some(key) = self.key(operator, s)? else {
                let list = match value {
                    Value::List(list) => list,
                    Value::Null => Vec::new(),
                    single => vec![single],
                };
                let rest = &operators[at + 1..];
                let all = list.into_iter().map(|v| self.follow(v, rest, e, s)).collect::<Result<_, _>>()?;
                return Ok(Value::List(all));
            };
            value = functions::pick(&value, &key).ok_or_else(|| {
                let key = key.to_text().unwrap_or_default();
                s.error(e.span(), format!("{} has no {key:?}", value.kind()))
            })?;
        }
        Ok(value)
    }

    /// A call of one of the known functions, or of one that the project defines.
    fn call(&self, call: &FuncCall, e: &Expression, s: &Scope<'_>) -> Outcome {
        let name = call.name.name.value().as_str();
        if self.function(name).is_none() {
            match name {
                "try" => return self.first_that_works(call, e, s),
                "can" => return Ok(Value::Bool(call.args.iter().all(|a| self.eval(a, s).is_ok()))),
                "convert" => return self.convert(call, e, s),
                _ => {}
            }
        }
        let mut values = Vec::new();
        for (at, argument) in call.args.iter().enumerate() {
            let value = self.eval(argument, s)?;
            match value {
                Value::List(list) if call.args.expand_final() && at + 1 == call.args.len() => {
                    values.extend(list)
                }
                value => values.push(value),
            }
        }
        let here = |why: String| s.error(e.span(), format!("{name}: {why}"));
        match self.function(name) {
            Some(function) => self.own_function(&function, values, here),
            None => self.known_function(name, &values, s.attribute.place_of(e.span())).map_err(here),
        }
    }

    fn first_that_works(&self, call: &FuncCall, e: &Expression, s: &Scope<'_>) -> Outcome {
        let found = call.args.iter().find_map(|a| self.eval(a, s).ok());
        found.ok_or_else(|| s.error(e.span(), "try: no expression succeeded"))
    }

    fn convert(&self, call: &FuncCall, e: &Expression, s: &Scope<'_>) -> Outcome {
        let (Some(value), Some(of)) = (call.args.get(0), call.args.get(1)) else {
            return Err(s.error(e.span(), "convert: takes a value and a type"));
        };
        let of = super::types::of(of).map_err(|why| s.error(e.span(), format!("convert: {why}")))?;
        of.convert(self.eval(value, s)?).map_err(|why| s.error(e.span(), format!("convert: {why}")))
    }

    /// `[for x in list : f(x) if c(x)]` and `{for k, v in map : k => v}`.
    fn for_expression(&self, each: &ForExpr, s: &Scope<'_>) -> Outcome {
        let collection = self.eval(&each.intro.collection_expr, s)?;
        let Some(pairs) = pairs(&collection) else {
            let message = format!("`for` goes through lists and objects, not {}", collection.kind());
            return Err(s.error(each.intro.collection_expr.span(), message));
        };
        let (mut list, mut map): (Vec<Value>, BTreeMap<String, Value>) = Default::default();
        for (key, value) in pairs {
            let key_name = each.intro.key_var.as_ref().map(|k| (k.value().to_string(), key));
            let own = key_name.into_iter().chain([(each.intro.value_var.value().to_string(), value)]);
            let inner = s.with(own);
            if let Some(condition) = &each.cond
                && self.eval(&condition.expr, &inner)?.to_bool() != Some(true)
            {
                continue;
            }
            let value = self.eval(&each.value_expr, &inner)?;
            let Some(key) = &each.key_expr else {
                list.push(value);
                continue;
            };
            let name = self.eval(key, &inner)?;
            let name = name
                .to_text()
                .ok_or_else(|| s.error(key.span(), format!("a key must be text, and is {}", name.kind())))?;
            if each.grouping {
                match map.entry(name).or_insert_with(|| Value::List(Vec::new())) {
                    Value::List(group) => group.push(value),
                    _ => unreachable!("groups are lists"),
                }
            } else {
                map.insert(name, value);
            }
        }
        Ok(if each.key_expr.is_some() { Value::Object(map) } else { Value::List(list) })
    }
}

/// The keys and values of a collection.
pub(super) fn pairs(collection: &Value) -> Option<Vec<(Value, Value)>> {
    match collection {
        Value::List(list) => {
            Some(list.iter().enumerate().map(|(i, v)| (Value::count(i), v.clone())).collect())
        }
        Value::Object(map) => Some(map.iter().map(|(k, v)| (Value::text(k), v.clone())).collect()),
        _ => None,
    }
}

fn wrong_operand(value: &Value) -> String {
    format!("this can't be done with {}", value.kind())
}

fn unary(operator: UnaryOperator, value: &Value) -> Option<Value> {
    match operator {
        UnaryOperator::Neg => value.to_number().map(|n| Value::Number(-n)),
        UnaryOperator::Not => value.to_bool().map(|b| Value::Bool(!b)),
    }
}

fn binary(operator: BinaryOperator, left: &Value, right: &Value) -> Result<Value, String> {
    use BinaryOperator as Op;
    match operator {
        Op::Eq => return Ok(Value::Bool(equal(left, right))),
        Op::NotEq => return Ok(Value::Bool(!equal(left, right))),
        Op::And | Op::Or => {
            let a = left.to_bool().ok_or_else(|| wrong_operand(left))?;
            let b = right.to_bool().ok_or_else(|| wrong_operand(right))?;
            return Ok(Value::Bool(if operator == Op::And { a && b } else { a || b }));
        }
        _ => {}
    }
    let a = left.to_number().ok_or_else(|| wrong_operand(left))?;
    let b = right.to_number().ok_or_else(|| wrong_operand(right))?;
    Ok(match operator {
        Op::LessEq => Value::Bool(a <= b),
        Op::GreaterEq => Value::Bool(a >= b),
        Op::Less => Value::Bool(a < b),
        Op::Greater => Value::Bool(a > b),
        Op::Plus => Value::Number(a + b),
        Op::Minus => Value::Number(a - b),
        Op::Mul => Value::Number(a * b),
        Op::Div if b == 0.0 => return Err("division by zero".to_owned()),
        Op::Div => Value::Number(a / b),
        Op::Mod if b == 0.0 => return Err("division by zero".to_owned()),
        _ => Value::Number(a % b),
    })
}

/// Equal values: a text that reads as a number or a bool equals it, as HCL converts before it compares.
pub(super) fn equal(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Text(_), Value::Number(_) | Value::Bool(_))
        | (Value::Number(_) | Value::Bool(_), Value::Text(_)) => left.to_text() == right.to_text(),
        _ => left == right,
    }
}
