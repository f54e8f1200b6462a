//! `qlance shortened`: points whose text was longer than the model takes.

use std::io::Write as _;

use super::failures::known;
use super::print_json;
use crate::cli::Cli;
use crate::config::Config;
use crate::journal::Journal;

pub(super) fn run(cli: &Cli, json: bool) -> anyhow::Result<u8> {
    let config = Config::load(&cli.config)?;
    let job = config.job(cli.state.as_deref());
    known(cli, &job)?;
    let journal = Journal::open(&job.dir)?;
    let mut after = None;
    loop {
        let page = journal.shortened_after(after, 500)?;
        let Some((last, _)) = page.last() else { break };
        for (id, record) in &page {
            if json {
                print_json(
                    &serde_json::json!({"id": id, "how": record.how, "tokens": record.tokens,
                    "embedded": record.embedded, "pieces": record.pieces}),
                )?;
            } else {
                writeln!(
                    std::io::stdout(),
                    "{:<36}  {:<9}  {} of {} tokens in {} pieces",
                    id.to_string(),
                    record.how.as_str(),
                    record.embedded,
                    record.tokens,
                    record.pieces
                )?;
            }
        }
        after = Some(*last);
    }
    if after.is_none() && !json {
        writeln!(std::io::stdout(), "no text was shortened")?;
    }
    Ok(0)
}
