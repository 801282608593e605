//! `--chmod` in symbols: `u=rwX,go=rX` (the rules of the vendored `dchapes-mode`, with a umask of 0).

use super::error::ApplyError;

const SET_UID: u16 = 0o4000;
const SET_GID: u16 = 0o2000;
const STICKY: u16 = 0o1000;
const STANDARD: u16 = 0o6777;

/// The changes that a mode string stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ModeChange(Vec<Step>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Set(u16),
    Clear(u16),
    /// Sets the bits on folders and on files that were executable for somebody.
    SetIfExecutable(u16),
    /// Copies the bits of one class of users to others.
    Copy {
        from: Class,
        how: u8,
        to: Classes,
        mask: u16,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    User,
    Group,
    Other,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Classes {
    user: bool,
    group: bool,
    other: bool,
}

impl ModeChange {
    /// Reads a mode string.
    pub fn parse(text: &str) -> Result<Self, ApplyError> {
        let bytes = text.as_bytes();
        if bytes.first().is_some_and(u8::is_ascii_digit) {
            return Self::octal(text);
        }
        let mut parser = Parser { rest: bytes, equal_done: false, steps: Vec::new() };
        parser.clauses().ok_or_else(syntax)?;
        Ok(Self(parser.steps))
    }

    fn octal(text: &str) -> Result<Self, ApplyError> {
        let bad =
            |why| ApplyError::fails("bad-chmod", format!("strconv.ParseInt: parsing {}: {why}", quote(text)));
        if !text.bytes().all(|b| (b'0'..=b'7').contains(&b)) {
            return Err(bad("invalid syntax"));
        }
        let bits = u16::from_str_radix(text, 8).ok().filter(|v| *v < 0x8000);
        let bits = bits.ok_or_else(|| bad("value out of range"))?;
        if bits & !(STANDARD | STICKY) != 0 {
            return Err(syntax());
        }
        Ok(Self(vec![Step::Clear(STANDARD | STICKY), Step::Set(bits)]))
    }

    /// The mode that a file with `mode` gets.
    pub fn apply(&self, mode: u16, is_dir: bool) -> u16 {
        let mut new = mode;
        for step in &self.0 {
            match *step {
                Step::Set(bits) => new |= bits,
                Step::Clear(bits) => new &= !bits,
                Step::SetIfExecutable(bits) if mode & 0o111 != 0 || is_dir => new |= bits,
                Step::SetIfExecutable(_) => {}
                Step::Copy { from, how, to, mask } => new = copy_class(new, from, how, to, mask),
            }
        }
        new
    }
}

fn quote(text: &str) -> String {
    format!("{text:?}")
}

fn syntax() -> ApplyError {
    ApplyError::fails("bad-chmod", "invalid syntax")
}

fn copy_class(mode: u16, from: Class, how: u8, to: Classes, mask: u16) -> u16 {
    let value = match from {
        Class::User => mode >> 6,
        Class::Group => mode >> 3,
        Class::Other => mode,
    } & 0o7;
    let spread = |v: u16| {
        let user = if to.user { v << 6 } else { 0 };
        let group = if to.group { v << 3 } else { 0 };
        let other = if to.other { v } else { 0 };
        (user | group | other) & mask
    };
    match how {
        b'+' => mode | spread(value),
        b'-' => mode & !spread(value),
        _ => mode & !spread(0o7) | spread(value),
    }
}

struct Parser<'a> {
    rest: &'a [u8],
    equal_done: bool,
    steps: Vec<Step>,
}

impl Parser<'_> {
    /// `None` for a syntax error.
    fn clauses(&mut self) -> Option<()> {
        loop {
            let mut who = self.who()?;
            loop {
                let op = self.next()?;
                match op {
                    b'+' | b'-' => {}
                    b'=' => self.equal_done = false,
                    _ => return None,
                }
                who &= !STICKY;
                self.permissions(op, &mut who);
                match self.rest.first() {
                    None => return Some(()),
                    Some(b',') => break,
                    Some(_) => {}
                }
            }
            self.next();
        }
    }

    fn next(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    fn who(&mut self) -> Option<u16> {
        let mut who = 0;
        loop {
            who |= match self.rest.first()? {
                b'a' => STANDARD,
                b'u' => SET_UID | 0o700,
                b'g' => SET_GID | 0o070,
                b'o' => 0o007,
                _ => return Some(who),
            };
            self.next();
        }
    }

    fn permissions(&mut self, op: u8, who: &mut u16) {
        let (mut perm, mut perm_x) = (0, 0);
        loop {
            let for_others_only = *who != 0 && *who & !0o007 == 0;
            match self.rest.first() {
                Some(b'r') => perm |= 0o444,
                Some(b's') if for_others_only => {}
                Some(b's') => perm |= SET_UID | SET_GID,
                Some(b't') if for_others_only => {}
                Some(b't') => {
                    *who |= STICKY;
                    perm |= STICKY;
                }
                Some(b'w') => perm |= 0o222,
                Some(b'X') if op != b'-' => perm_x = 0o111,
                Some(b'x' | b'X') => perm |= 0o111,
                Some(class @ (b'u' | b'g' | b'o')) => {
                    if perm != 0 {
                        self.add(op, *who, perm);
                        perm = 0;
                    }
                    self.equal_done |= op == b'=';
                    if perm_x != 0 {
                        self.add(b'X', *who, perm_x);
                        perm_x = 0;
                    }
                    self.add_copy(*class, *who, op);
                }
                _ => break,
            }
            self.next();
        }
        if perm != 0 || (op == b'=' && !self.equal_done) {
            self.equal_done |= op == b'=';
            self.add(op, *who, perm);
        }
        if perm_x != 0 {
            self.add(b'X', *who, perm_x);
        }
    }

    fn add(&mut self, op: u8, who: u16, perm: u16) {
        if op == b'=' {
            self.steps.push(Step::Clear(if who == 0 { STANDARD } else { who }));
        }
        let bits = if who == 0 { perm } else { who & perm };
        self.steps.push(match op {
            b'-' => Step::Clear(bits),
            b'X' => Step::SetIfExecutable(bits),
            _ => Step::Set(bits),
        });
    }

    fn add_copy(&mut self, class: u8, who: u16, how: u8) {
        let all = who == 0;
        let to = Classes {
            user: all || who & 0o400 != 0,
            group: all || who & 0o040 != 0,
            other: all || who & 0o004 != 0,
        };
        let from = match class {
            b'u' => Class::User,
            b'g' => Class::Group,
            _ => Class::Other,
        };
        self.steps.push(Step::Copy { from, how, to, mask: u16::MAX });
    }
}
