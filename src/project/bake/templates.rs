//! Templates: text with `${…}` and `%{…}` in it.

use hcl_edit::Span as _;
use hcl_edit::expr::Expression;
use hcl_edit::template::{Directive, Element, ForDirective, IfDirective, Strip, Template};

use super::super::ProjectError;
use super::eval::{Outcome, Scope, pairs};
use super::value::Value;
use super::world::World;

/// A text may grow so long.
const LONGEST: usize = 16 << 20;

/// Where a part of a template stands.
#[derive(Clone, Copy)]
struct Inside {
    /// White space at the begin and at the end is stripped, because the directives there say so.
    strip: (bool, bool),
    /// Escape sequences are still in it: the parser leaves them to those who know whether there are quotes around it all.
    escapes: bool,
    /// There are quotes around it all.
    quoted: bool,
}

impl World<'_> {
    /// The value of a template. A quoted text that is one `${…}` and nothing else is the value itself.
    pub(super) fn template<'e>(
        &self,
        elements: impl Iterator<Item = &'e Element>,
        quoted: bool,
        s: &Scope<'_>,
    ) -> Outcome {
        let elements: Vec<&Element> = elements.collect();
        if let ([Element::Interpolation(only)], true) = (elements.as_slice(), quoted) {
            return self.eval(&only.expr, s);
        }
        self.text(&elements, Inside { strip: (false, false), escapes: false, quoted }, s).map(Value::Text)
    }

    /// The text of a template.
    fn text(&self, elements: &[&Element], inside: Inside, s: &Scope<'_>) -> Result<String, ProjectError> {
        let mut text = String::new();
        let mut strip_next = inside.strip.0;
        for (at, element) in elements.iter().enumerate() {
            match element {
                Element::Literal(literal) => {
                    let unescaped = inside.escapes.then(|| unescape(literal.value()));
                    let mut part = unescaped.as_deref().unwrap_or(literal.value());
                    if strip_next {
                        part = strip_start(part);
                    }
                    if elements.get(at + 1).map_or(inside.strip.1, |next| strips(next).0) {
                        part = strip_end(part);
                    }
                    text.push_str(part);
                }
                Element::Interpolation(interpolation) => {
                    text.push_str(&self.interpolation(&interpolation.expr, s)?);
                }
                Element::Directive(directive) => {
                    let value = match directive.as_ref() {
                        Directive::If(choice) => self.choice(choice, inside.quoted, s)?,
                        Directive::For(repeat) => self.repeat(repeat, inside.quoted, s)?,
                    };
                    text.push_str(&value);
                }
            }
            strip_next = strips(element).1;
            if text.len() > LONGEST {
                return Err(s.error(None, format!("the text is longer than {LONGEST} bytes")));
            }
        }
        Ok(text)
    }

    /// A template between two directives.
    fn inner(
        &self,
        template: &Template,
        (begin, end): (Strip, Strip),
        quoted: bool,
        s: &Scope<'_>,
    ) -> Result<String, ProjectError> {
        let elements: Vec<&Element> = template.iter().collect();
        let strip = (begin.strip_end(), end.strip_start());
        self.text(&elements, Inside { strip, escapes: quoted, quoted }, s)
    }

    fn interpolation(&self, e: &Expression, s: &Scope<'_>) -> Result<String, ProjectError> {
        let value = self.eval(e, s)?;
        value.to_text().ok_or_else(|| {
            s.error(
                e.span(),
                format!("only text, numbers and bools can be put into text, not {}", value.kind()),
            )
        })
    }

    fn choice(&self, choice: &IfDirective, quoted: bool, s: &Scope<'_>) -> Result<String, ProjectError> {
        let condition = self.eval(&choice.if_expr.cond_expr, s)?;
        let (first, last) = (choice.if_expr.strip, choice.endif_expr.strip);
        match (condition.to_bool(), &choice.else_expr) {
            (Some(true), Some(other)) => {
                self.inner(&choice.if_expr.template, (first, other.strip), quoted, s)
            }
            (Some(true), None) => self.inner(&choice.if_expr.template, (first, last), quoted, s),
            (Some(false), Some(other)) => self.inner(&other.template, (other.strip, last), quoted, s),
            (Some(false), None) => Ok(String::new()),
            (None, _) => Err(s.error(
                choice.if_expr.cond_expr.span(),
                format!("a condition is true or false, and this is {}", condition.kind()),
            )),
        }
    }

    fn repeat(&self, repeat: &ForDirective, quoted: bool, s: &Scope<'_>) -> Result<String, ProjectError> {
        let each = &repeat.for_expr;
        let collection = self.eval(&each.collection_expr, s)?;
        let Some(pairs) = pairs(&collection) else {
            let message = format!("`for` goes through lists and objects, not {}", collection.kind());
            return Err(s.error(each.collection_expr.span(), message));
        };
        let mut text = String::new();
        for (key, value) in pairs {
            let mut inner = s.clone();
            inner.locals.extend(each.key_var.as_ref().map(|k| (k.value().to_string(), key)));
            inner.locals.push((each.value_var.value().to_string(), value));
            let strip = (each.strip, repeat.endfor_expr.strip);
            text.push_str(&self.inner(&each.template, strip, quoted, &inner)?);
        }
        Ok(text)
    }
}

/// Whether an element strips the white space before and behind it.
fn strips(element: &Element) -> (bool, bool) {
    let of = |before: Strip, behind: Strip| (before.strip_start(), behind.strip_end());
    match element {
        Element::Literal(_) => (false, false),
        Element::Interpolation(i) => of(i.strip, i.strip),
        Element::Directive(directive) => match directive.as_ref() {
            Directive::If(choice) => of(choice.if_expr.strip, choice.endif_expr.strip),
            Directive::For(repeat) => of(repeat.for_expr.strip, repeat.endfor_expr.strip),
        },
    }
}

/// Without white space before the first word.
fn strip_start(text: &str) -> &str {
    text.trim_start()
}

/// Without white space behind the last word.
fn strip_end(text: &str) -> &str {
    text.trim_end()
}

/// `\n`, `\"`, `\u00e9` and so on.
fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        let code = |digits: usize, rest: &str| {
            let hex = rest.get(..digits)?;
            char::from_u32(u32::from_str_radix(hex, 16).ok()?)
        };
        match chars.next() {
            Some('n') => out.push('\n'),
            Some('r') => out.push('\r'),
            Some('t') => out.push('\t'),
            Some(letter @ ('u' | 'U')) => {
                let digits = if letter == 'u' { 4 } else { 8 };
                match code(digits, chars.as_str()) {
                    Some(c) => {
                        out.push(c);
                        chars = chars.as_str()[digits..].chars();
                    }
                    None => out.extend(['\\', letter]),
                }
            }
            Some(other) => out.push(other),
            None => out.push('\\'),
        }
    }
    out
}
