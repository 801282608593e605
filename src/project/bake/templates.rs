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
        self.text(&elements, (false, false), s).map(Value::Text)
    }

    /// The text of a template; white space at its ends is stripped where the directive around it says so.
    fn text(
        &self,
        elements: &[&Element],
        strip: (bool, bool),
        s: &Scope<'_>,
    ) -> Result<String, ProjectError> {
        let mut text = String::new();
        let mut strip_next = strip.0;
        for (at, element) in elements.iter().enumerate() {
            match element {
                Element::Literal(literal) => {
                    let mut part = literal.value().as_str();
                    if strip_next {
                        part = strip_start(part);
                    }
                    if elements.get(at + 1).map_or(strip.1, |next| strips(next).0) {
                        part = strip_end(part);
                    }
                    text.push_str(part);
                }
                Element::Interpolation(interpolation) => {
                    text.push_str(&self.interpolation(&interpolation.expr, s)?);
                }
                Element::Directive(directive) => {
                    let value = match directive.as_ref() {
                        Directive::If(choice) => self.choice(choice, s)?,
                        Directive::For(repeat) => self.repeat(repeat, s)?,
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
        begin: Strip,
        end: Strip,
        s: &Scope<'_>,
    ) -> Result<String, ProjectError> {
        let elements: Vec<&Element> = template.iter().collect();
        self.text(&elements, (begin.strip_end(), end.strip_start()), s)
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

    fn choice(&self, choice: &IfDirective, s: &Scope<'_>) -> Result<String, ProjectError> {
        let condition = self.eval(&choice.if_expr.cond_expr, s)?;
        let (first, last) = (choice.if_expr.strip, choice.endif_expr.strip);
        match (condition.to_bool(), &choice.else_expr) {
            (Some(true), Some(other)) => self.inner(&choice.if_expr.template, first, other.strip, s),
            (Some(true), None) => self.inner(&choice.if_expr.template, first, last, s),
            (Some(false), Some(other)) => self.inner(&other.template, other.strip, last, s),
            (Some(false), None) => Ok(String::new()),
            (None, _) => Err(s.error(
                choice.if_expr.cond_expr.span(),
                format!("a condition is true or false, and this is {}", condition.kind()),
            )),
        }
    }

    fn repeat(&self, repeat: &ForDirective, s: &Scope<'_>) -> Result<String, ProjectError> {
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
            text.push_str(&self.inner(&each.template, each.strip, repeat.endfor_expr.strip, &inner)?);
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
