//! Events of the YAML parser → values: anchors, merge keys, limits.

use std::collections::HashMap;
use std::sync::Arc;

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span, StrInput, Tag as YamlTag};

use super::super::{DEEPEST_VALUE, MOST_VALUES, Place, ProjectError};
use super::{Entry, Map, Node, Tag, Value, scalar};

/// The documents of a file.
///
/// # Errors
/// What the parser says, a key that stands twice, an alias that leads into itself, too many or too deep values.
pub(crate) fn parse(name: &Arc<str>, text: &str) -> Result<Vec<Node>, ProjectError> {
    let parser = Parser::new_from_str(text);
    let mut builder = Builder { name, parser, anchors: HashMap::new(), left: MOST_VALUES };
    let mut documents = Vec::new();
    loop {
        match builder.next()? {
            None | Some((Event::StreamEnd, _)) => return Ok(documents),
            Some((Event::DocumentStart(_), _)) => {
                if let Some((event, span)) = builder.next()? {
                    documents.push(builder.node(event, span, 0)?);
                }
            }
            Some(_) => {}
        }
    }
}

struct Builder<'a> {
    name: &'a Arc<str>,
    parser: Parser<'a, StrInput<'a>>,
    /// The values of anchors, and how many values each holds.
    anchors: HashMap<usize, (Node, usize)>,
    left: usize,
}

impl<'a> Builder<'a> {
    fn next(&mut self) -> Result<Option<(Event<'a>, Span)>, ProjectError> {
        self.parser.next_event().transpose().map_err(|e| self.scan_error(&e))
    }

    fn scan_error(&self, error: &ScanError) -> ProjectError {
        let mark = error.marker();
        let place = Place::new(self.name, mark.line(), mark.col() + 1);
        ProjectError::new(&place, format!("this is not YAML: {}", error.info()))
            .hint("look at the indentation and the quotes here and on the line above")
    }

    fn place(&self, span: Span) -> Place {
        Place::new(self.name, span.start.line(), span.start.col() + 1)
    }

    fn error(&self, place: &Place, message: impl Into<String>) -> ProjectError {
        ProjectError::new(place, message)
    }

    /// The value that begins with `event`.
    fn node(&mut self, event: Event<'a>, span: Span, depth: usize) -> Result<Node, ProjectError> {
        let place = self.place(span);
        if depth > DEEPEST_VALUE {
            return Err(self.error(&place, format!("values are nested deeper than {DEEPEST_VALUE}")));
        }
        let before = self.left;
        self.spend(1, &place)?;
        let (anchor, node) = match event {
            Event::Alias(id) => return self.alias(id, &place),
            Event::Scalar(text, style, anchor, tag) => {
                let tag = tag.as_deref();
                let value = scalar_value(&text, style, tag);
                (anchor, Node { tag: own_tag(tag), ..Node::new(value, &place) })
            }
            Event::SequenceStart(anchor, tag) => {
                let tag = own_tag(tag.as_deref());
                (anchor, Node { tag, ..Node::new(self.list(depth)?, &place) })
            }
            Event::MappingStart(anchor, tag) => {
                let tag = own_tag(tag.as_deref());
                (anchor, Node { tag, ..Node::new(self.map(depth)?, &place) })
            }
            _ => return Err(self.error(&place, "a value is missing here")),
        };
        if anchor > 0 {
            self.anchors.insert(anchor, (node.clone(), before - self.left));
        }
        Ok(node)
    }

    /// Counts values against the limit.
    fn spend(&mut self, count: usize, place: &Place) -> Result<(), ProjectError> {
        match self.left.checked_sub(count) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => Err(self
                .error(place, format!("the file has more than {MOST_VALUES} values"))
                .hint("aliases that repeat each other multiply: use fewer of them")),
        }
    }

    /// The value that an alias repeats, where its anchor stands.
    fn alias(&mut self, id: usize, place: &Place) -> Result<Node, ProjectError> {
        let Some((node, size)) = self.anchors.get(&id) else {
            return Err(self.error(place, "an alias leads into itself"));
        };
        let (node, size) = (node.clone(), *size);
        self.spend(size, place)?;
        Ok(node)
    }

    fn list(&mut self, depth: usize) -> Result<Value, ProjectError> {
        let mut list = Vec::new();
        while let Some((event, span)) = self.next()? {
            if event == Event::SequenceEnd {
                break;
            }
            list.push(self.node(event, span, depth + 1)?);
        }
        Ok(Value::List(list))
    }

    fn map(&mut self, depth: usize) -> Result<Value, ProjectError> {
        let mut map = Map::new();
        let mut merged = Vec::new();
        while let Some((event, span)) = self.next()? {
            if event == Event::MappingEnd {
                break;
            }
            let plain = matches!(event, Event::Scalar(_, ScalarStyle::Plain, ..));
            let key = self.node(event, span, depth + 1)?;
            let Some((event, span)) = self.next()? else { break };
            let node = self.node(event, span, depth + 1)?;
            let text = self.key(&key)?;
            if plain && text == "<<" {
                merged.push((key.place, node));
                continue;
            }
            let entry = Entry { key: key.place.clone(), node };
            if let Some(first) = map.insert(text.clone(), entry) {
                let message = format!("the key `{text}` stands twice, first on line {}", first.key.line);
                return Err(self.error(&key.place, message).hint("keep one of them"));
            }
        }
        for (place, node) in merged {
            self.merge_key(&mut map, &place, node)?;
        }
        Ok(Value::Map(map))
    }

    /// A key as text.
    fn key(&self, key: &Node) -> Result<String, ProjectError> {
        if key.value == Value::Null {
            return Ok("null".to_owned());
        }
        key.scalar().ok_or_else(|| self.error(&key.place, "a key must be text"))
    }

    /// `<<: *base` or `<<: [*first, *second]`: adds what is not there yet.
    fn merge_key(&self, map: &mut Map, place: &Place, node: Node) -> Result<(), ProjectError> {
        match node.value {
            Value::Map(base) => {
                for (key, entry) in base {
                    map.entry(key).or_insert(entry);
                }
                Ok(())
            }
            Value::List(list) => list.into_iter().try_for_each(|node| match node.value {
                Value::Map(_) => self.merge_key(map, place, node),
                _ => Err(self.error(place, "`<<` takes mappings")),
            }),
            _ => Err(self.error(place, "`<<` takes a mapping, or a list of them")),
        }
    }
}

/// What a scalar means.
fn scalar_value(text: &str, style: ScalarStyle, tag: Option<&YamlTag>) -> Value {
    match tag.filter(|t| t.is_yaml_core_schema()).map(|t| t.suffix.as_str()) {
        Some("str") => Value::Text(text.to_owned()),
        Some("null") => Value::Null,
        Some(_) => scalar::resolve(text),
        None if style == ScalarStyle::Plain => scalar::resolve(text),
        None => Value::Text(text.to_owned()),
    }
}

/// `!reset` and `!override`.
fn own_tag(tag: Option<&YamlTag>) -> Tag {
    match tag.filter(|t| t.handle == "!").map(|t| t.suffix.as_str()) {
        Some("reset") => Tag::Reset,
        Some("override") => Tag::Override,
        _ => Tag::None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> Result<Node, ProjectError> {
        parse(&"f.yaml".into(), text).map(|mut d| d.remove(0))
    }

    #[test]
    fn values_know_where_they_stand() {
        let node = one("a:\n  b: [x, 1.10]\n").unwrap();
        let list = node.get("a").unwrap().get("b").unwrap().as_list().unwrap();
        assert_eq!((list[1].place.line, list[1].place.column), (2, 10));
        assert_eq!(list[1].scalar().as_deref(), Some("1.1"));
    }

    #[test]
    fn merge_keys_add_what_is_not_there() {
        let node = one("x: &x {a: 1, b: 2}\ny: &y {b: 3, c: 4}\nz:\n  <<: [*x, *y]\n  a: 0\n").unwrap();
        let z = node.get("z").unwrap();
        let of = |k| z.get(k).and_then(Node::scalar).unwrap();
        assert_eq!((of("a"), of("b"), of("c")), ("0".into(), "2".into(), "4".into()));
    }

    #[test]
    fn a_key_that_stands_twice_is_an_error_with_both_lines() {
        let error = one("a: 1\nb: 2\na: 3\n").unwrap_err();
        assert_eq!(error.to_string(), "f.yaml:3:1: the key `a` stands twice, first on line 1");
    }

    #[test]
    fn bad_yaml_has_line_and_column() {
        let error = one("a:\n  - b\n c: [\n").unwrap_err();
        assert!(error.place.line >= 3, "{error}");
        assert!(error.message.starts_with("this is not YAML: "), "{error}");
    }

    #[test]
    fn aliases_that_multiply_are_stopped() {
        let mut text = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n".to_owned();
        for i in 1..9 {
            let line = format!("a{i}: &a{i} [{}]\n", vec![format!("*a{}", i - 1); 10].join(","));
            text.push_str(&line);
        }
        assert!(one(&text).unwrap_err().message.contains("more than"));
        assert!(one("a: &a [*a]\n").unwrap_err().message.contains("into itself"));
    }

    #[test]
    fn deep_nesting_is_stopped() {
        for text in ["[".repeat(10_000), "- ".repeat(10_000), "a: {".repeat(10_000), "? ".repeat(10_000)] {
            assert!(one(&text).is_err());
        }
    }
}
