//! `qlance search`: one query to both stores, side by side.

use std::sync::Arc;

use tokio::sync::watch;

use super::print_json;
use crate::cli::{Cli, SearchArgs};
use crate::config::{Config, ConfigError};
use crate::lance::search::Through;
use crate::point::filter::Filter;
use crate::tasks::inspect::Inspector;
use crate::tasks::job::{self, Options};
use crate::tasks::search::{Answered, Asked, Found, Hit, How, SearchFor};
use crate::ui::text::clean;

pub(super) async fn run(cli: &Cli, args: &SearchArgs) -> anyhow::Result<u8> {
    let config = Arc::new(Config::load(&cli.config)?);
    let wanted = wanted(args)?;
    let options = Options {
        state: cli.state.clone(),
        look_only: true,
        ..Options::default()
    };
    let (opening, target) = job::open(config, &options).await?;
    let (_keep, tables) = watch::channel(target.table().cloned());
    let found = Inspector::of(&opening, tables).search(&wanted).await?;
    if args.json {
        print_json(&found)?;
    } else {
        show(&found);
    }
    Ok(0)
}

/// What the command line asks for.
pub(super) fn wanted(args: &SearchArgs) -> anyhow::Result<SearchFor> {
    let asked = match (&args.query, args.image.as_ref().or(args.audio.as_ref())) {
        (Some(text), None) => Asked::Text(text.clone()),
        (None, Some(path)) => Asked::File(path.clone()),
        _ => {
            let text = "say what is searched for: a text, --image FILE or --audio FILE";
            return Err(ConfigError::Usage(text.into()).into());
        }
    };
    let filter = args.condition.as_deref().map(str::parse::<Filter>).transpose();
    Ok(SearchFor {
        asked,
        find: args.modality.map(Into::into),
        filter: filter.map_err(|error| ConfigError::Usage(format!("--where: {error:#}")))?,
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

fn show(found: &Found) {
    if let Some(space) = &found.space {
        let took = found.embedding.as_secs_f64() * 1e3;
        println!("query in {space} ({took:.1} ms), columns {}", found.columns.join(", "));
    }
    one("LanceDB", &found.lancedb);
    match &found.qdrant {
        Ok(answered) => one("Qdrant", answered),
        Err(none) => println!("\nQdrant, {}: {}", none.label(), clean(none.why())),
    }
    if found.qdrant.is_ok() {
        println!("\n{} of the results are named by both (=)", found.shared);
    }
}

fn one(store: &str, answered: &Answered) {
    let took = answered.took.as_secs_f64() * 1e3;
    println!("\n{store}: {} by {}, {took:.1} ms", answered.hits.len(), answered.score);
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
        println!("{rank:>3} {mark} {score:>9.4}  {kind:<5}  {id}  {snippet}");
    }
}
