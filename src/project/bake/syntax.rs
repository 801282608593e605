//! Bake files as blocks and attributes, from HCL and from JSON.

use std::collections::BTreeMap;
use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;

use hcl_edit::Span as _;
use hcl_edit::expr::{Expression, Object, ObjectKey};
use hcl_edit::structure::{Body, Structure};
use hcl_edit::template::{Element, StringTemplate};

use super::super::files::Text;
use super::super::yaml::{self, Node, Value};
use super::super::{DEEPEST_VALUE, Place, ProjectError};

/// A file's text, for places.
#[derive(Debug)]
pub(super) struct Source {
    name: Arc<str>,
    text: String,
}

impl Source {
    /// The place of a byte.
    fn at(&self, offset: usize) -> Place {
        let before = &self.text.as_bytes()[..offset.min(self.text.len())];
        let line = before.iter().filter(|b| **b == b'\n').count() + 1;
        let begin = before.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
        let column = String::from_utf8_lossy(&before[begin..]).chars().count() + 1;
        Place::new(&self.name, line, column)
    }
}

/// An attribute: a name and an expression.
#[derive(Debug, Clone)]
pub(super) struct Attribute {
    /// What it is set to.
    pub(super) expression: Rc<Expression>,
    /// Where its name stands.
    pub(super) place: Place,
    /// The file, where the expression knows its places in it.
    pub(super) source: Option<Rc<Source>>,
}

impl Attribute {
    /// The place of a part of its expression.
    pub(super) fn place_of(&self, span: Option<Range<usize>>) -> Place {
        match (&self.source, span) {
            (Some(source), Some(span)) => source.at(span.start),
            _ => self.place.clone(),
        }
    }

    /// The place of a key, where the expression is an object that names it.
    pub(super) fn place_of_key(&self, name: &str) -> Place {
        let Expression::Object(object) = self.expression.as_ref() else { return self.place.clone() };
        let span = object.iter().find_map(|(key, _)| match key {
            ObjectKey::Ident(ident) if ident.value().as_str() == name => Some(ident.span()),
            ObjectKey::Expression(Expression::String(text)) if text.value() == name => Some(text.span()),
            _ => None,
        });
        self.place_of(span.flatten())
    }
}

/// A block: `kind "label" { … }`.
#[derive(Debug, Clone)]
pub(super) struct Block {
    /// `target`, `group`, `variable`, `function`, …
    pub(super) kind: String,
    /// Its labels.
    pub(super) labels: Vec<String>,
    /// Its attributes.
    pub(super) attributes: BTreeMap<String, Attribute>,
    /// Blocks within it.
    pub(super) blocks: Vec<Rc<Block>>,
    /// Where it begins.
    pub(super) place: Place,
}

/// A file.
#[derive(Debug, Default)]
pub(super) struct Tree {
    /// Attributes of the top level.
    pub(super) attributes: BTreeMap<String, Attribute>,
    /// Blocks in order.
    pub(super) blocks: Vec<Rc<Block>>,
}

/// Reads HCL.
pub(super) fn hcl(text: Text) -> Result<Tree, ProjectError> {
    let source = Rc::new(Source { name: text.name, text: text.text });
    let body = hcl_edit::parser::parse_body(&source.text).map_err(|e| {
        let place = Place::new(&source.name, e.location().line(), e.location().column());
        let message = e.message().lines().map(str::trim).collect::<Vec<_>>().join("; ");
        ProjectError::new(&place, format!("this is not HCL: {message}"))
            .hint("look at the brackets, quotes and commas here and on the line above")
    })?;
    let Block { attributes, blocks, .. } =
        of_body(&body, &source, "", Vec::new(), Place::whole(&source.name));
    Ok(Tree { attributes, blocks })
}

/// The inner life of a block.
fn of_body(body: &Body, source: &Rc<Source>, kind: &str, labels: Vec<String>, place: Place) -> Block {
    let mut block =
        Block { kind: kind.to_owned(), labels, attributes: BTreeMap::new(), blocks: Vec::new(), place };
    for structure in body {
        match structure {
            Structure::Attribute(attribute) => {
                let place = place_of(source, attribute.key.span());
                let expression = Rc::new(attribute.value.clone());
                let attribute_of = Attribute { expression, place, source: Some(Rc::clone(source)) };
                block.attributes.insert(attribute.key.value().to_string(), attribute_of);
            }
            Structure::Block(inner) => {
                let place = place_of(source, inner.ident.span());
                let labels = inner.labels.iter().map(|l| l.as_str().to_owned()).collect();
                let kind = inner.ident.value().to_string();
                block.blocks.push(Rc::new(of_body(&inner.body, source, &kind, labels, place)));
            }
        }
    }
    block
}

fn place_of(source: &Source, span: Option<Range<usize>>) -> Place {
    span.map_or_else(|| Place::whole(&source.name), |s| source.at(s.start))
}

/// Reads JSON: blocks are objects by label, and every text is a template.
pub(super) fn json(text: &Text) -> Result<Tree, ProjectError> {
    serde_json::from_str::<serde::de::IgnoredAny>(&text.text).map_err(|e| {
        let message = e.to_string();
        let message = message.split(" at line ").next().unwrap_or_default().to_owned();
        ProjectError::new(
            &Place::new(&text.name, e.line(), e.column()),
            format!("this is not JSON: {message}"),
        )
        .hint("look at the brackets, quotes and commas here and on the line above")
    })?;
    // JSON is a part of YAML, whose parser knows places.
    let documents = yaml::parse(&text.name, &text.text)?;
    let mut tree = Tree::default();
    let Some(root) = documents.first() else { return Ok(tree) };
    let Some(map) = root.as_map() else {
        return Err(
            ProjectError::new(&root.place, "a Bake file must be an object").hint("begin with {\"target\": …")
        );
    };
    for (name, entry) in map {
        if ["target", "group", "variable", "function"].contains(&name.as_str()) {
            labelled(name, &entry.node, &mut tree.blocks)?;
        } else {
            tree.attributes.insert(name.clone(), attribute(&entry.node, &entry.key)?);
        }
    }
    tree.blocks.sort_by(|a, b| a.place.cmp(&b.place));
    Ok(tree)
}

/// `{"label": {…}}`, or a list of such.
fn labelled(kind: &str, node: &Node, blocks: &mut Vec<Rc<Block>>) -> Result<(), ProjectError> {
    if let Some(list) = node.as_list() {
        return list.iter().try_for_each(|n| labelled(kind, n, blocks));
    }
    let Some(map) = node.as_map() else {
        return Err(ProjectError::new(&node.place, format!("`{kind}` must be an object"))
            .hint("write {\"name\": {…}}"));
    };
    for (label, entry) in map {
        let bodies: &[Node] = entry.node.as_list().unwrap_or(std::slice::from_ref(&entry.node));
        for body in bodies {
            let Some(inner) = body.as_map() else {
                let message = format!("the {kind} {label} must be an object");
                return Err(ProjectError::new(&body.place, message).hint("write {\"name\": {…}}"));
            };
            let mut block = Block {
                kind: kind.to_owned(),
                labels: vec![label.clone()],
                attributes: BTreeMap::new(),
                blocks: Vec::new(),
                place: entry.key.clone(),
            };
            for (name, entry) in inner {
                if kind == "variable" && name == "validation" {
                    unlabelled(name, &entry.node, &mut block.blocks)?;
                } else {
                    block.attributes.insert(name.clone(), attribute(&entry.node, &entry.key)?);
                }
            }
            blocks.push(Rc::new(block));
        }
    }
    Ok(())
}

/// A block without labels, or a list of such.
fn unlabelled(kind: &str, node: &Node, blocks: &mut Vec<Rc<Block>>) -> Result<(), ProjectError> {
    let bodies: &[Node] = node.as_list().unwrap_or(std::slice::from_ref(node));
    for body in bodies {
        let mut block = Block {
            kind: kind.to_owned(),
            labels: Vec::new(),
            attributes: BTreeMap::new(),
            blocks: Vec::new(),
            place: body.place.clone(),
        };
        for (name, entry) in body.as_map().into_iter().flatten() {
            block.attributes.insert(name.clone(), attribute(&entry.node, &entry.key)?);
        }
        blocks.push(Rc::new(block));
    }
    Ok(())
}

fn attribute(node: &Node, key: &Place) -> Result<Attribute, ProjectError> {
    Ok(Attribute { expression: Rc::new(expression(node, 0)?), place: key.clone(), source: None })
}

/// A JSON value as an expression.
fn expression(node: &Node, depth: usize) -> Result<Expression, ProjectError> {
    if depth > DEEPEST_VALUE {
        return Err(ProjectError::new(&node.place, format!("values are nested deeper than {DEEPEST_VALUE}")));
    }
    Ok(match &node.value {
        Value::Null => Expression::null(),
        Value::Bool(b) => Expression::from(*b),
        Value::Number(n) => n.parse::<f64>().map_or_else(|_| Expression::from(n.as_str()), Expression::from),
        Value::Text(text) => template(text, &node.place)?,
        Value::List(list) => {
            let all: Result<Vec<_>, _> = list.iter().map(|n| expression(n, depth + 1)).collect();
            Expression::Array(all?.into_iter().collect())
        }
        Value::Map(map) => {
            let mut object = Object::new();
            for (name, entry) in map {
                let key = ObjectKey::Expression(template(name, &entry.key)?);
                object.insert(key, expression(&entry.node, depth + 1)?);
            }
            Expression::Object(object)
        }
    })
}

/// A text as a template.
fn template(text: &str, place: &Place) -> Result<Expression, ProjectError> {
    if !text.contains("${") && !text.contains("%{") {
        return Ok(Expression::from(text));
    }
    let template = hcl_edit::parser::parse_template(text).map_err(|e| {
        let message = e.message().lines().map(str::trim).collect::<Vec<_>>().join("; ");
        ProjectError::new(place, format!("{text:?} is not a template: {message}"))
            .hint("write $${ for a plain ${")
    })?;
    let elements: Vec<Element> = template.into_iter().collect();
    Ok(Expression::StringTemplate(StringTemplate::from(elements)))
}
