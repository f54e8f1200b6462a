//! What is on the wire where the operator wants other looks: ASCII only, no colours, or colours in any case.

use super::walk::{complete, failing_world};

/// What is wished for on the command line and in the environment.
type Wish<'a> = (&'a [&'a str], &'a [(&'a str, &'a str)]);

/// The parameters of every sequence on the wire that sets how text looks.
fn looks(wire: &str) -> Vec<&str> {
    let sequences = wire.split("\u{1b}[").skip(1);
    sequences
        .filter_map(|rest| {
            let end = rest.find(|c: char| !c.is_ascii_digit() && c != ';')?;
            rest[end..].starts_with('m').then_some(&rest[..end])
        })
        .collect()
}

/// Those that set a colour; 39 and 49 only take one away.
fn colours(wire: &str) -> Vec<&str> {
    let is_colour = |code: &str| matches!(code.parse(), Ok(30_u8..=38 | 40..=48 | 58 | 90..=107));
    let mut found = looks(wire);
    found.retain(|codes| codes.split(';').any(is_colour));
    found
}

#[test]
fn colours_are_told_from_what_else_is_set() {
    let wire = "a\u{1b}[38;5;2mb\u{1b}[39;49m\u{1b}[1m\u{1b}[0m\u{1b}[31H\u{1b}[?1000h\u{1b}[;m\u{1b}[1;96m";
    assert_eq!(looks(wire), ["38;5;2", "39;49", "1", "0", ";", "1;96"]);
    assert_eq!(colours(wire), ["38;5;2", "1;96"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn with_ascii_no_other_byte_is_ever_written() {
    let world = failing_world().await;
    let mut terminal = complete(&world, &["--ascii"], &[]);
    terminal.walk_everywhere();
    // What comes from elsewhere is held to it as well.
    terminal.press("4i");
    terminal.wait_for("Id of the point");
    terminal.press("12\r");
    terminal.wait_for("Point 12: ");
    terminal.wait_for("Gr??e ?");
    terminal.press("q");
    assert_eq!(terminal.wait(), 3);
    terminal.assert_given_back();
    let written = terminal.written();
    let at = written.iter().position(|byte| !byte.is_ascii());
    let about = |at: usize| String::from_utf8_lossy(&written[at.saturating_sub(60)..(at + 20).min(written.len())]);
    assert!(at.is_none(), "{:?}", at.map(about));
    assert!(!colours(&terminal.wire()).is_empty(), "ASCII has colours all the same");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_colours_none_is_ever_set_and_asked_for_they_are_there_in_any_case() {
    let world = failing_world().await;
    let without: [Wish<'_>; 2] = [(&["--color", "never"], &[]), (&[], &[("NO_COLOR", "1")])];
    for (args, env) in without {
        let mut terminal = complete(&world, args, env);
        terminal.walk_everywhere();
        terminal.press("q");
        assert_eq!(terminal.wait(), 3);
        terminal.assert_given_back();
        let wire = terminal.wire();
        assert!(colours(&wire).is_empty(), "{args:?} {env:?}: {:?}", colours(&wire));
        // What is selected is still told apart, and so is what matters.
        for code in ["1", "7"] {
            assert!(looks(&wire).contains(&code), "{args:?} {env:?}: {code}");
        }
    }
    let with: [Wish<'_>; 2] = [
        (&["--color", "always"], &[("NO_COLOR", "1")]),
        (&[], &[("NO_COLOR", "")]),
    ];
    for (args, env) in with {
        let mut terminal = complete(&world, args, env);
        terminal.press("q");
        assert_eq!(terminal.wait(), 3);
        terminal.assert_given_back();
        let wire = terminal.wire();
        assert!(!colours(&wire).is_empty(), "{args:?} {env:?}");
        // In the place of a colour that is dropped stands what takes bold and underlined away.
        assert!(!looks(&wire).contains(&";"), "{args:?} {env:?}");
    }
}
