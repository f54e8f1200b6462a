//! `qlance handover`: what is still open before the new store takes over, and code for opening and asking it.

use std::io::Write as _;
use std::sync::Arc;

use super::{print_json, printable};
use crate::cli::{Cli, CodeFor, HandoverArgs};
use crate::config::Config;
use crate::handover::{Code, Handover, Item, State, called, gather};
use crate::tasks::job::{self, Options};

pub(super) async fn run(cli: &Cli, args: &HandoverArgs) -> anyhow::Result<u8> {
    let config = Arc::new(Config::load(&cli.config)?);
    let options = Options {
        state: cli.state.clone(),
        look_only: true,
        ..Options::default()
    };
    let (opening, target) = job::open(config, &options).await?;
    let qlance = called(&cli.config, cli.state.as_deref());
    let (facts, access) = gather(&opening, &target, qlance).await?;
    let found = Handover::of(&facts, &access);
    if args.json {
        print_json(&found)?;
        return Ok(0);
    }
    let text = match args.code {
        Some(language) => code_of(&found.code, language).to_owned(),
        None => text_of(&facts.job, &found),
    };
    std::io::stdout().write_all(text.as_bytes())?;
    Ok(0)
}

fn code_of(code: &Code, language: CodeFor) -> &str {
    match language {
        CodeFor::Python => &code.python,
        CodeFor::Rust => &code.rust,
        CodeFor::Typescript => &code.typescript,
    }
}

/// The checklist, then the code of every language.
fn text_of(job: &str, found: &Handover) -> String {
    let count = |state| found.items.iter().filter(|item| item.state == state).count();
    let mut text = format!(
        "{}: {} done, {} open, {} that qlance cannot see\n\n",
        printable(job),
        count(State::Done),
        count(State::Open),
        count(State::Unknown)
    );
    for Item {
        id,
        state,
        text: said,
        command,
    } in &found.items
    {
        text.push_str(&format!("{} {id:<10} {}\n", state.mark(), printable(said)));
        if let Some(command) = command {
            text.push_str(&format!("               {}\n", printable(command)));
        }
    }
    for (language, code) in [
        ("Python", &found.code.python),
        ("Rust", &found.code.rust),
        ("TypeScript", &found.code.typescript),
    ] {
        text.push_str(&format!(
            "\n---- {language} (--code {}) ----\n\n{code}",
            language.to_lowercase()
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_item_stands_in_a_line_with_its_command_below() {
        let item = |state, command: Option<&str>| Item {
            id: "verified",
            state,
            text: "a\u{1b}[2Jb".to_owned(),
            command: command.map(str::to_owned),
        };
        let found = Handover {
            items: vec![item(State::Done, None), item(State::Open, Some("qlance verify"))],
            code: Code {
                python: "p\n".to_owned(),
                rust: "r\n".to_owned(),
                typescript: "t\n".to_owned(),
            },
        };
        let text = text_of("job", &found);
        assert!(
            text.starts_with("job: 1 done, 1 open, 0 that qlance cannot see\n"),
            "{text}"
        );
        assert!(text.contains("[x] verified   a\u{fffd}[2Jb\n[ ] verified"), "{text}");
        assert!(text.contains("\n               qlance verify\n"), "{text}");
        assert!(
            text.contains("---- TypeScript (--code typescript) ----\n\nt\n"),
            "{text}"
        );
        for (language, code) in [
            (CodeFor::Python, "p\n"),
            (CodeFor::Rust, "r\n"),
            (CodeFor::Typescript, "t\n"),
        ] {
            assert_eq!(code_of(&found.code, language), code);
        }
    }
}
