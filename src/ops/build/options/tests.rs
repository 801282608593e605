use super::*;

fn none(_: &str) -> Option<String> {
    None
}

fn refused(flags: &Flags) -> String {
    Options::parse(flags, &none).unwrap_err().to_string()
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|w| (*w).to_owned()).collect()
}

#[test]
fn what_can_not_go_together_is_refused() {
    let flags = Flags { no_cache: true, no_cache_filter: words(&["a"]), ..Flags::default() };
    assert!(refused(&flags).contains("can't be used together"));
    let flags = Flags { iidfile: Some("x".into()), outputs: words(&["out"]), ..Flags::default() };
    assert!(refused(&flags).contains("no image id"));
    let flags = Flags { outputs: words(&["-", "type=oci"]), ..Flags::default() };
    assert!(refused(&flags).contains("standard output"));
}

#[test]
fn an_error_names_the_option_and_keeps_values_to_itself() {
    for (flags, text) in [
        (
            Flags { cache_to: words(&["type=s3,hunter2"]), ..Flags::default() },
            "--cache-to: field 2 is not KEY=VALUE",
        ),
        (Flags { build_args: words(&["=hunter2"]), ..Flags::default() }, "a --build-arg has no name"),
        (Flags { secrets: words(&["hunter2"]), ..Flags::default() }, "--secret: field 1 is not KEY=VALUE"),
        (Flags { labels: words(&["=x"]), ..Flags::default() }, "a --label has no name"),
        (Flags { ulimits: words(&["x=1"]), ..Flags::default() }, "--ulimit: invalid ulimit type: x"),
        (
            Flags { network: Some("mynet".into()), ..Flags::default() },
            "network mode `mynet` is not supported by BuildKit",
        ),
        (Flags { shm_size: Some("big".into()), ..Flags::default() }, "--shm-size: `big` is no size"),
    ] {
        assert_eq!(refused(&flags), text);
    }
}

#[test]
fn build_args_take_the_environments_values_and_the_epoch() {
    let environment = |name: &str| match name {
        "SET" => Some("from outside".to_owned()),
        "SOURCE_DATE_EPOCH" => Some("7".to_owned()),
        _ => None,
    };
    let flags = Flags { build_args: words(&["A=1=2", "SET", "UNSET"]), ..Flags::default() };
    let args: Vec<_> = Options::parse(&flags, &environment).unwrap().build_args.into_iter().collect();
    let pairs = [("A", "1=2"), ("SET", "from outside"), ("SOURCE_DATE_EPOCH", "7")];
    assert_eq!(args, pairs.map(|(k, v)| (k.to_owned(), v.to_owned())));
}

#[test]
fn annotations_go_to_the_exports_that_were_asked_for() {
    let flags = Flags { outputs: words(&["type=image"]), annotations: words(&["a=b"]), ..Flags::default() };
    assert_eq!(Options::parse(&flags, &none).unwrap().exports[0].attrs["annotation.a"], "b");
    let flags = Flags { annotations: words(&["a=b"]), ..Flags::default() };
    assert!(Options::parse(&flags, &none).unwrap().exports.is_empty());
}

#[test]
fn debug_output_tells_no_values() {
    let flags = Flags { build_args: words(&["TOKEN=hunter2"]), ..Flags::default() };
    assert!(!format!("{:?}", Options::parse(&flags, &none).unwrap()).contains("hunter2"));
}
