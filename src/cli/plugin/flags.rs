//! Docker's own flags, which stand before a plugin's name: `docker --context far stowaway …` (docker/cli, cli/flags/options.go).

use std::ffi::{OsStr, OsString};

use crate::error::Error;

/// What becomes of a flag.
enum Meaning {
    /// It stands for a variable, with the word that follows.
    Variable(&'static str),
    /// It stands for a variable of its own value.
    Switch(&'static str),
    /// It takes a word and changes nothing here.
    Word,
    /// It changes nothing here.
    Nothing,
    /// There is no variable for it.
    Refused,
}

fn meaning(flag: &str) -> Option<Meaning> {
    Some(match flag {
        "--config" => Meaning::Variable("DOCKER_CONFIG"),
        "-c" | "--context" => Meaning::Variable("DOCKER_CONTEXT"),
        "-H" | "--host" => Meaning::Variable("DOCKER_HOST"),
        "--tlsverify" => Meaning::Switch("DOCKER_TLS_VERIFY"),
        "--tls" => Meaning::Switch("DOCKER_TLS"),
        "-l" | "--log-level" => Meaning::Word,
        "-D" | "--debug" => Meaning::Nothing,
        "--tlscacert" | "--tlscert" | "--tlskey" => Meaning::Refused,
        _ => return None,
    })
}

/// Variables, each with its value; one without a value is taken away.
pub type Variables = Vec<(&'static str, Option<OsString>)>;

/// Takes Docker's flags off the front.
///
/// # Errors
/// For the one flag that no variable stands for.
pub fn split(arguments: &[OsString]) -> Result<(Variables, &[OsString]), Error> {
    let (mut variables, mut rest) = (Variables::new(), arguments);
    while let Some((first, after)) = rest.split_first() {
        let text = first.to_str().unwrap_or_default();
        let (flag, own) = match text.split_once('=') {
            Some((flag, value)) if flag.starts_with("--") => (flag, Some(value)),
            _ => (text, None),
        };
        let Some(meaning) = meaning(flag) else { break };
        let takes_word = matches!(meaning, Meaning::Variable(_) | Meaning::Word) && own.is_none();
        let value = match own {
            Some(value) => Some(OsStr::new(value)),
            None if takes_word => after.first().map(OsString::as_os_str),
            None => None,
        };
        take(&meaning, flag, value, &mut variables)?;
        rest = if takes_word { after.get(1..).unwrap_or_default() } else { after };
    }
    Ok((variables, rest))
}

fn take(
    meaning: &Meaning,
    flag: &str,
    value: Option<&OsStr>,
    variables: &mut Variables,
) -> Result<(), Error> {
    match meaning {
        Meaning::Variable(name) => {
            let Some(value) = value else { return Ok(()) };
            // A context that is asked for by name goes before DOCKER_HOST, one in the environment after it.
            if *name == "DOCKER_CONTEXT" {
                variables.push(("DOCKER_HOST", None));
            }
            variables.push((*name, Some(value.to_owned())));
        }
        Meaning::Switch(name) if value.is_none_or(|v| v != "false" && v != "0") => {
            variables.push((*name, Some("1".into())));
        }
        Meaning::Switch(_) | Meaning::Word | Meaning::Nothing => {}
        Meaning::Refused => {
            return Err(Error::usage(
                format!("{flag} before the plugin's name is not supported"),
                "put ca.pem, cert.pem and key.pem into one folder and name it in DOCKER_CERT_PATH, or use a docker context",
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split_words(words: &str) -> (Vec<String>, String) {
        let words: Vec<OsString> = words.split(' ').map(Into::into).collect();
        let (variables, rest) = split(&words).expect("flags");
        let shown = |value: &Option<OsString>| {
            value.as_deref().map_or("-".into(), OsStr::to_string_lossy).into_owned()
        };
        let variable = |(name, value): &(&str, Option<OsString>)| format!("{name}={}", shown(value));
        (variables.iter().map(variable).collect(), rest.join(OsStr::new(" ")).to_string_lossy().into_owned())
    }

    #[test]
    fn flags_end_at_the_first_word_that_is_none() {
        assert_eq!(split_words("stowaway -H x"), (vec![], "stowaway -H x".into()));
        assert_eq!(
            split_words("--config=/c -H tcp://h:1 --tlsverify -l debug stowaway ls"),
            (
                vec!["DOCKER_CONFIG=/c".into(), "DOCKER_HOST=tcp://h:1".into(), "DOCKER_TLS_VERIFY=1".into()],
                "stowaway ls".into()
            )
        );
        assert_eq!(
            split_words("-c far stowaway"),
            (vec!["DOCKER_HOST=-".into(), "DOCKER_CONTEXT=far".into()], "stowaway".into())
        );
        assert_eq!(split_words("--tlsverify=false --debug stowaway"), (vec![], "stowaway".into()));
    }

    #[test]
    fn a_flag_without_its_word_is_no_panic() {
        assert_eq!(split_words("--host"), (vec![], String::new()));
    }
}
