//! `qlance search`: one query to both stores, side by side.

use std::io::Write;
use std::sync::Arc;

use super::acting::Asking;
use super::print_json;
use crate::cli::{Cli, SearchArgs};
use crate::config::{Config, ConfigError};
use crate::lance::search::Through;
use crate::point::filter::Filter;
use crate::tasks::search::{Answered, Asked, Found, Hit, How, SearchFor};
use crate::ui::text::clean;

pub(super) async fn run(cli: &Cli, args: &SearchArgs) -> anyhow::Result<u8> {
    let config = Arc::new(Config::load(&cli.config)?);
    let wanted = wanted(args)?;
    let found = Asking::of(cli, config).await?.inspector.search(&wanted).await?;
    if args.json {
        print_json(&found)?;
    } else {
        show(&mut std::io::stdout().lock(), &found)?;
    }
    Ok(0)
}

/// What the command line asks for.
fn wanted(args: &SearchArgs) -> Result<SearchFor, ConfigError> {
    let asked = match (&args.query, args.image.as_ref().or(args.audio.as_ref())) {
        (Some(text), None) => Asked::Text(text.clone()),
        (None, Some(path)) => Asked::File(path.clone()),
        _ => {
            let problem = "say what is searched for: a text, --image FILE or --audio FILE";
            return Err(ConfigError::Usage(problem.into()));
        }
    };
    let filter = args.condition.as_deref().map(str::parse::<Filter>).transpose();
    let filter = filter.map_err(|error| ConfigError::Usage(format!("--where: {error}")))?;
    Ok(SearchFor {
        asked,
        find: args.modality.map(Into::into),
        filter,
        count: args.count,
        how: match (args.keyword, args.hybrid) {
            (true, _) => How::Keyword,
            (_, true) => How::Hybrid,
            _ => How::Vector,
        },
        through: if args.exact {
            Through::Everything
        } else {
            Through::Index
        },
    })
}

fn show(out: &mut impl Write, found: &Found) -> std::io::Result<()> {
    if let Some(space) = &found.space {
        let took = found.embedding.as_secs_f64() * 1e3;
        let columns = found.columns.join(", ");
        writeln!(out, "query in {space} ({took:.1} ms), columns {columns}")?;
    }
    one(out, "LanceDB", &found.lancedb)?;
    match &found.qdrant {
        Ok(answered) => one(out, "Qdrant", answered)?,
        Err(none) => writeln!(out, "\nQdrant, {}: {}", none.label(), clean(none.why()))?,
    }
    if found.qdrant.is_ok() {
        writeln!(out, "\n{} of the results are named by both (=)", found.shared)?;
    }
    Ok(())
}

fn one(out: &mut impl Write, store: &str, answered: &Answered) -> std::io::Result<()> {
    let took = answered.took.as_secs_f64() * 1e3;
    let (hits, score) = (answered.hits.len(), &answered.score);
    writeln!(out, "\n{store}: {hits} by {score}, {took:.1} ms")?;
    for Hit {
        rank,
        id,
        score,
        modality,
        snippet,
        shared,
    } in &answered.hits
    {
        let mark = if *shared { '=' } else { ' ' };
        let kind = modality.map_or("", crate::point::Modality::as_str);
        let snippet = clean(snippet.as_deref().unwrap_or_default());
        writeln!(out, "{rank:>3} {mark} {score:>9.4}  {kind:<5}  {id}  {snippet}")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::cli::Command;

    fn asked(more: &[&str]) -> Result<SearchFor, ConfigError> {
        let cli = Cli::try_parse_from([&["qlance", "search"][..], more].concat()).expect("a command line");
        let Some(Command::Search(args)) = &cli.command else {
            panic!("{cli:?} is no search")
        };
        wanted(args)
    }

    #[test]
    fn what_cannot_be_meant_is_an_error_of_usage() {
        assert!(asked(&["a text", "--where", "n >= 10"]).is_ok());
        for (more, said) in [
            (&[][..], "say what is searched for"),
            (&["x", "--where", "n >> 5"], "--where: "),
        ] {
            let error = asked(more).expect_err("refused");
            assert!(matches!(error, ConfigError::Usage(_)), "{error:?}");
            assert!(error.to_string().contains(said), "{error}");
        }
    }
}
