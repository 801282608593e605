//! The colours of a terminal's lines (`colors.go` and `init.go` in BuildKit's util/progress/progressui).

/// What is put before a line; `None` leaves it plain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Colors {
    /// What is done.
    pub run: Option<String>,
    /// What was stopped, and warnings within a step.
    pub cancel: Option<String>,
    /// What failed.
    pub error: Option<String>,
}

impl Default for Colors {
    fn default() -> Self {
        let named = |name| named(name).map(str::to_owned);
        Self { run: named("blue"), cancel: named("yellow"), error: named("red") }
    }
}

impl Colors {
    /// No colours at all.
    pub const NONE: Self = Self { run: None, cancel: None, error: None };

    /// As the variables ask for it: `NO_COLOR`, if it isn't empty, and `BUILDKIT_COLORS`, such as `run=green:error=255,0,0`. What can't be read
    /// of the latter is passed over.
    pub fn of(no_color: Option<&str>, buildkit_colors: Option<&str>) -> Self {
        if no_color.is_some_and(|v| !v.is_empty()) {
            return Self::NONE;
        }
        let mut colors = Self::default();
        for field in fields(buildkit_colors.unwrap_or_default()) {
            let Some((key, value)) = field.split_once('=') else { continue };
            let Some(color) = color(value) else { continue };
            match key.to_lowercase().as_str() {
                "run" => colors.run = Some(color),
                "cancel" => colors.cancel = Some(color),
                "error" => colors.error = Some(color),
                _ => {}
            }
        }
        colors
    }
}

/// Fields between colons; one in double quotes may have colons of its own.
fn fields(text: &str) -> Vec<String> {
    let (mut out, mut quoted) = (vec![String::new()], false);
    for c in text.chars() {
        match (c, out.last_mut()) {
            ('"', _) => quoted = !quoted,
            (':', _) if !quoted => out.push(String::new()),
            (c, Some(field)) => field.push(c),
            (_, None) => {}
        }
    }
    out
}

fn color(value: &str) -> Option<String> {
    if let Some(code) = named(&value.to_lowercase()) {
        return Some(code.to_owned());
    }
    let parts: Vec<u8> = value.split(',').map(|n| n.parse().ok()).collect::<Option<_>>()?;
    let [r, g, b] = parts[..] else { return None };
    // The nearest below of the 216 colours of the cube.
    Some(format!("\x1b[38;5;{}m", 16 + 36 * u32::from(r / 43) + 6 * u32::from(g / 43) + u32::from(b / 43)))
}

fn named(name: &str) -> Option<&'static str> {
    Some(match name {
        "default" => "\x1b[39m",
        "black" => "\x1b[30m",
        "red" => "\x1b[31m",
        "green" => "\x1b[32m",
        "yellow" => "\x1b[33m",
        "blue" => "\x1b[34m",
        "magenta" => "\x1b[35m",
        "cyan" => "\x1b[36m",
        "white" => "\x1b[37m",
        "light-black" => "\x1b[90m",
        "light-red" => "\x1b[91m",
        "light-green" => "\x1b[92m",
        "light-yellow" => "\x1b[93m",
        "light-blue" => "\x1b[94m",
        "light-magenta" => "\x1b[95m",
        "light-cyan" => "\x1b[96m",
        "light-white" => "\x1b[97m",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_choose_colours_and_nonsense_is_passed_over() {
        assert_eq!(Colors::of(Some("1"), Some("run=red")), Colors::NONE);
        assert_eq!(Colors::of(Some(""), None), Colors::default());
        let colors =
            Colors::of(None, Some("RUN=Light-Green:error=255,0,10:cancel=256,0,0:cancel=pink:x=red:run:"));
        assert_eq!(colors.run.as_deref(), Some("\x1b[92m"));
        assert_eq!(colors.error.as_deref(), Some("\x1b[38;5;196m"));
        assert_eq!(colors.cancel, Colors::default().cancel);
    }
}
