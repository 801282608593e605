//! The last lines of a step's output, as a terminal would show them: enough of one for progress bars and colours.
//!
//! BuildKit uses vendor/github.com/tonistiigi/vt100; of what that does the same is done here, but bytes that are no UTF-8 show as
//! replacement characters instead of swallowing what follows.

/// The least width and height that a resized screen has.
pub const LEAST: usize = 6;

/// A longer escape sequence is none.
const LONGEST: usize = 256;

/// Characters in rows and columns, and a cursor.
#[derive(Debug, Clone)]
pub struct Screen {
    rows: Vec<Vec<char>>,
    width: usize,
    y: usize,
    x: usize,
    saved: (usize, usize),
    /// The beginning of a character or an escape sequence whose end has not come yet.
    unread: Vec<u8>,
}

/// What comes next in a stream of bytes.
enum Next {
    Char(char),
    /// The command and its arguments.
    Escape(char, String),
    /// Nothing yet: the bytes are a beginning.
    More,
}

impl Screen {
    /// An empty one; neither side is less than 1.
    pub fn new(height: usize, width: usize) -> Self {
        let width = width.max(1);
        let rows = vec![vec![' '; width]; height.max(1)];
        Self { rows, width, y: 0, x: 0, saved: (0, 0), unread: Vec::new() }
    }

    /// Rows.
    pub fn height(&self) -> usize {
        self.rows.len()
    }

    /// The rows that are not blank, padded with blanks to the width.
    pub fn used(&self) -> impl Iterator<Item = String> {
        self.rows.iter().filter(|row| row.iter().any(|c| *c != ' ')).map(|row| row.iter().collect())
    }

    /// Cuts or adds at the bottom and at the right.
    pub fn resize(&mut self, height: usize, width: usize) {
        self.width = width.max(LEAST);
        self.rows.resize(height.max(1), Vec::new());
        for row in &mut self.rows {
            row.resize(self.width, ' ');
        }
    }

    /// Shows bytes.
    pub fn write(&mut self, data: &[u8]) {
        let mut bytes = std::mem::take(&mut self.unread);
        bytes.extend_from_slice(data);
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            let (next, length) = decode(rest);
            match next {
                Next::More if rest.len() <= LONGEST => {
                    self.unread = rest.to_vec();
                    return;
                }
                Next::More => {}
                Next::Escape(command, arguments) => self.escape(command, &arguments),
                Next::Char(c) if c.is_control() => self.control(c),
                Next::Char(c) => self.put(c),
            }
            rest = &rest[length.max(1)..];
        }
    }

    fn put(&mut self, c: char) {
        if self.x >= self.width {
            self.x = 0;
            self.y += 1;
        }
        if self.y >= self.rows.len() {
            self.rows.remove(0);
            self.rows.push(vec![' '; self.width]);
            self.y = self.rows.len() - 1;
        }
        self.rows[self.y][self.x] = c;
        self.x += 1;
        if self.x >= self.width {
            self.x = 0;
            self.y += 1;
        }
    }

    fn control(&mut self, c: char) {
        match c {
            '\n' => (self.y, self.x) = (self.y + 1, 0),
            '\r' => self.x = 0,
            '\x08' if self.x > 0 => self.x -= 1,
            '\x08' if self.y > 0 => (self.y, self.x) = (self.y - 1, self.width - 1),
            _ => {}
        }
    }

    fn escape(&mut self, command: char, arguments: &str) {
        let Some(numbers) = numbers(arguments) else { return };
        let first = numbers.first().copied();
        match command {
            's' | '7' => self.saved = (self.y, self.x),
            'u' | '8' => (self.y, self.x) = self.saved,
            'A' => self.move_by(-first.unwrap_or(1), 0),
            'B' => self.move_by(first.unwrap_or(1), 0),
            'C' => self.move_by(0, first.unwrap_or(1)),
            'D' => self.move_by(0, -first.unwrap_or(1)),
            'K' => self.erase_columns(first.unwrap_or(0)),
            'J' => self.erase_rows(first.unwrap_or(0)),
            'H' | 'f' => match numbers[..] {
                [y, x, ..] => self.home(y - 1, x - 1),
                _ => self.home(0, 0),
            },
            _ => {}
        }
    }

    fn move_by(&mut self, down: i64, right: i64) {
        let at = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
        self.home(at(self.y).saturating_add(down), at(self.x).saturating_add(right));
    }

    /// Puts the cursor somewhere within the screen.
    fn home(&mut self, y: i64, x: i64) {
        let within = |n: i64, size: usize| usize::try_from(n.max(0)).unwrap_or(usize::MAX).min(size - 1);
        (self.y, self.x) = (within(y, self.rows.len()), within(x, self.width));
    }

    fn erase_columns(&mut self, how: i64) {
        let (x, width) = (self.x.min(self.width - 1), self.width);
        let Some(row) = self.rows.get_mut(self.y) else { return };
        match how {
            0 => row[x..].fill(' '),
            1 => row[..=x].fill(' '),
            2 => row[..width].fill(' '),
            _ => {}
        }
    }

    /// The cursor's own row goes in any case.
    fn erase_rows(&mut self, how: i64) {
        let height = self.rows.len();
        let y = self.y.min(height - 1);
        let rows = match how {
            0 => y..height,
            1 => 0..y + 1,
            2 => 0..height,
            _ => return,
        };
        for row in &mut self.rows[rows] {
            row.fill(' ');
        }
    }
}

/// `1;31` → numbers; `None` for what is no list of them. They are small enough to be added to.
fn numbers(arguments: &str) -> Option<Vec<i64>> {
    if arguments.is_empty() {
        return Some(Vec::new());
    }
    arguments.split(';').map(|n| n.parse::<i32>().ok().map(i64::from)).collect()
}

/// The first thing of some bytes, and how many of them it takes.
fn decode(bytes: &[u8]) -> (Next, usize) {
    let (c, length) = character(bytes);
    match c {
        Some('\x1b') => escape(bytes, length, false),
        Some('\u{9b}') => escape(bytes, length, true),
        Some(c) => (Next::Char(c), length),
        None => (Next::More, length),
    }
}

/// An escape sequence: one character, or after `[` anything up to a final byte that stands in no quotes.
fn escape(bytes: &[u8], start: usize, mut list: bool) -> (Next, usize) {
    let mut arguments = String::new();
    let mut quoted = false;
    let mut at = start;
    while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
        let (Some(c), length) = character(rest) else { break };
        let first = at == start;
        at += length;
        match c {
            '[' if first => list = true,
            c if !list => return (Next::Escape(c, String::new()), at),
            '\x40'..='\x7e' if !quoted => return (Next::Escape(c, arguments), at),
            c => {
                quoted ^= c == '"';
                arguments.push(c);
            }
        }
    }
    (Next::More, start)
}

/// The first character; a replacement for a byte that begins none, `None` for the beginning of one.
fn character(bytes: &[u8]) -> (Option<char>, usize) {
    let most = &bytes[..bytes.len().min(4)];
    let valid = match std::str::from_utf8(most) {
        Ok(text) => text,
        Err(e) if e.valid_up_to() > 0 => std::str::from_utf8(&most[..e.valid_up_to()]).unwrap_or_default(),
        Err(e) if e.error_len().is_none() => return (None, 1),
        Err(_) => return (Some(char::REPLACEMENT_CHARACTER), 1),
    };
    valid.chars().next().map_or((None, 1), |c| (Some(c), c.len_utf8()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(height: usize, width: usize, parts: &[&[u8]]) -> Vec<String> {
        let mut screen = Screen::new(height, width);
        parts.iter().for_each(|part| screen.write(part));
        screen.used().map(|row| row.trim_end().to_owned()).collect()
    }

    #[test]
    fn lines_scroll_and_wrap() {
        assert_eq!(shown(2, 10, &[b"one\ntwo\nthree\n"]), ["two", "three"]);
        assert_eq!(shown(3, 6, &[b"abcdefgh"]), ["abcdef", "gh"]);
    }

    #[test]
    fn a_carriage_return_writes_over_and_colours_leave_no_trace() {
        assert_eq!(shown(2, 20, &[b"10%\r\x1b[32m100\x1b[0m%"]), ["100%"]);
        assert_eq!(shown(2, 20, &[b"abc\x1b[2K\x1b[1;1Hx\x08y"]), ["y"]);
        assert_eq!(shown(3, 20, &[b"a\nb\nc\x1b[2A\x1b[J"]), Vec::<String>::new());
        assert_eq!(shown(2, 20, &[b"ab\x1b[sXY\x1b[uZ"]), ["abZY"]);
    }

    #[test]
    fn characters_and_sequences_may_come_in_parts() {
        assert_eq!(shown(2, 20, &[b"\xc3", b"\xa9\x1b", b"[3", b"1mx"]), ["éx"]);
        assert_eq!(shown(2, 20, &[b"a\xffb"]), ["a\u{fffd}b"]);
    }

    #[test]
    fn no_sequence_leads_out_of_the_screen() {
        let wild: &[&[u8]] = &[
            b"\x1b[99999999999999999999A",
            b"\x1b[2147483647B\x1b[2147483647C",
            b"\x1b[-5;-7Hx",
            b"\n\n\n\n\x1b[K\x1b[1J\x1b[J",
            b"\x1b[u\x08\x08\x08\x08",
            b"\x1b[1;1;1H\x1b[K",
            b"\x1b[\"A\"B",
            b"\xc2\x9b3A",
        ];
        let mut random = fastrand::Rng::with_seed(7);
        for round in 0..2000 {
            let mut screen = Screen::new(1 + round % 4, 1 + round % 9);
            for _ in 0..20 {
                screen.write(wild[random.usize(..wild.len())]);
                screen.write(b"text");
                screen.resize(random.usize(..8), random.usize(..12));
            }
        }
    }

    #[test]
    fn a_sequence_without_end_does_not_swallow_everything() {
        let mut screen = Screen::new(3, 20);
        screen.write(b"\x1b[");
        for _ in 0..100 {
            screen.write(b"1111111111");
        }
        screen.write(b"\rend\n");
        assert!(screen.unread.len() <= LONGEST);
    }
}
