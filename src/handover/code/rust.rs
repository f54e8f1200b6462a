//! The code in Rust: the crate lancedb 0.41, and reqwest for asking an embedding server.

use super::literal::rust as quote;
use super::{Access, AskedBy, Key, Server, body_parts, comment, reads_data_uris};

/// The whole file.
pub(super) fn code(access: &Access) -> String {
    let main = access.main();
    let mut code = head(access);
    code.push_str(&imports(access));
    for (name, value) in [
        ("URI", access.uri.as_str()),
        ("TABLE", &access.table),
        ("COLUMN", &main.name),
    ] {
        code.push_str(&format!("const {name}: &str = {};\n", quote(value)));
    }
    if !matches!(main.asked_by, AskedBy::Nobody(_)) {
        code.push_str(&format!("const DIMENSIONS: usize = {};\n", main.dimensions));
    }
    code.push_str(&format!(
        "const DISTANCE: DistanceType = DistanceType::{};\n",
        main.metric.variant()
    ));
    let shown: Vec<String> = access.shown().into_iter().map(quote).collect();
    code.push_str(&format!("const SHOWN: &[&str] = &[{}];\n", shown.join(", ")));
    code.push_str(
        "\n/// The table at its newest version.\npub async fn open_table() -> anyhow::Result<Table> {\n    \
         Ok(lancedb::connect(URI).execute().await?.open_table(TABLE).execute().await?)\n}\n",
    );
    code.push_str(&embed(&main.asked_by));
    code.push_str(&nearest(access));
    if let Some(content) = &access.content {
        code.push_str(&by_words(content));
    }
    code.push_str(SHARED);
    if matches!(main.asked_by, AskedBy::Nobody(_)) {
        code.push_str(STORED);
    }
    code.push_str(&program(access));
    code
}

fn head(access: &Access) -> String {
    let about = format!("The table {}, moved from Qdrant by qlance.", quote(&access.table));
    let mut head = comment("//", &about, 115);
    for remark in access.remarks(quote) {
        head.push_str(&comment("//", &remark, 115));
    }
    head.push_str(
        "//\n// cargo add lancedb@0.41 arrow-array@58 anyhow futures serde_json tokio --features tokio/full\n",
    );
    head.push_str(match access.main().asked_by {
        AskedBy::Server(_) => "// cargo add reqwest\n",
        AskedBy::MiniLm { .. } => "// cargo add fastembed@5\n",
        AskedBy::Nobody(_) => "",
    });
    head.push('\n');
    head
}

fn imports(access: &Access) -> String {
    let embeds = !matches!(access.main().asked_by, AskedBy::Nobody(_));
    format!(
        "use anyhow::{};\nuse arrow_array::cast::AsArray as _;\n{}\
         use arrow_array::{{Array as _, RecordBatch}};\nuse futures::TryStreamExt as _;\n{}\
         use lancedb::query::{{ExecutableQuery as _, QueryBase as _, Select}};\n\
         use lancedb::{{DistanceType, Table}};\n{}\n",
        if embeds {
            "{Context as _, ensure}"
        } else {
            "Context as _"
        },
        if embeds {
            ""
        } else {
            "use arrow_array::types::Float32Type;\n"
        },
        if access.content.is_some() {
            "use lancedb::index::scalar::FullTextSearchQuery;\n"
        } else {
            ""
        },
        if matches!(access.main().asked_by, AskedBy::Server(_)) {
            "use serde_json::{Value, json};\n"
        } else {
            "use serde_json::Value;\n"
        },
    )
}

const CHECKED: &str = "    ensure!(\n        vector.len() == DIMENSIONS,\n        \
     \"the model gave {} numbers, the column has {DIMENSIONS}\",\n        vector.len()\n    );\n    Ok(vector)\n}\n";

fn embed(asked_by: &AskedBy) -> String {
    match asked_by {
        AskedBy::Server(server) => asking(server),
        AskedBy::MiniLm { prefix } => format!(
            "\n/// The vector of a query, in the space of the column. Load the model once where there are many.\n\
             pub async fn embed_query(text: &str) -> anyhow::Result<Vec<f32>> {{\n    \
             let options = fastembed::InitOptions::new(fastembed::EmbeddingModel::AllMiniLML6V2);\n    \
             let mut model = fastembed::TextEmbedding::try_new(options)?;\n{}    \
             let vectors = model.embed(vec![text], None)?;\n    \
             let vector = vectors.into_iter().next().context(\"the model gave no vector\")?;\n{CHECKED}",
            prefixed(prefix)
        ),
        AskedBy::Nobody(why) => format!(
            "\n/// The vector of a query: to be written by you.\n#[allow(dead_code)]\n\
             pub async fn embed_query(_text: &str) -> anyhow::Result<Vec<f32>> {{\n    \
             anyhow::bail!(\"{{}}\", {})\n}}\n",
            quote(why)
        ),
    }
}

/// The line that sets the prefix before a query, where there is one.
fn prefixed(prefix: &str) -> String {
    if prefix.is_empty() {
        return String::new();
    }
    format!(
        "    let text = [{}, text].concat();\n    let text = text.as_str();\n",
        quote(prefix)
    )
}

fn asking(server: &Server) -> String {
    let mut code = "\n/// The vector of a query, by the model that made the column's.\n\
        pub async fn embed_query(text: &str) -> anyhow::Result<Vec<f32>> {\n"
        .to_owned();
    code.push_str(&prefixed(&server.prefix));
    if reads_data_uris(server.dialect) {
        code.push_str(
            "    let looks_like_media = text.get(..5).is_some_and(|start| start.eq_ignore_ascii_case(\"data:\"));\n    \
             ensure!(!looks_like_media, \"this server would read the text as a picture or a sound\");\n",
        );
    }
    code.push_str(&format!(
        "    let body = json!({{\n        \"model\": {},\n",
        quote(&server.model)
    ));
    for (key, value) in body_parts(server.dialect) {
        code.push_str(&format!("        \"{key}\": {value},\n"));
    }
    if server.send_dimensions {
        code.push_str("        \"dimensions\": DIMENSIONS,\n");
    }
    let url = quote(&format!("{}/embeddings", server.base_url));
    code.push_str(&format!(
        "    }});\n    let request = reqwest::Client::new()\n        .post({url})\n        \
         .header(\"Content-Type\", \"application/json\")\n        .body(body.to_string());\n"
    ));
    match &server.key {
        Key::None => {}
        Key::Variable(name) => code.push_str(&format!(
            "    let key = std::env::var({0}).context({1})?;\n    let request = request.bearer_auth(key.trim());\n",
            quote(name),
            quote(&format!("{name} is not set"))
        )),
        Key::File(path) => code.push_str(&format!(
            "    let key = std::fs::read_to_string({})?;\n    let request = request.bearer_auth(key.trim());\n",
            quote(path)
        )),
    }
    code.push_str(
        "    let answer = request.send().await?.error_for_status()?.bytes().await?;\n    \
         let answer: Value = serde_json::from_slice(&answer)?;\n    \
         let numbers = answer[\"data\"][0][\"embedding\"].as_array().context(\"the server gave no embedding\")?;\n    \
         let vector: Vec<f32> = numbers.iter().filter_map(Value::as_f64).map(|number| number as f32).collect();\n",
    );
    code.push_str(CHECKED);
    code
}

fn nearest(access: &Access) -> String {
    let tuning = access.tuning;
    let set = [
        tuning.nprobes.map(|n| format!("        .nprobes({n})?\n")),
        tuning.refine_factor.map(|n| format!("        .refine_factor({n})\n")),
        tuning.ef.map(|n| format!("        .ef({n})\n")),
    ];
    let set: String = set.into_iter().flatten().collect();
    let hint = if set.is_empty() && access.main().indexed {
        "    // Lance's own settings; .nprobes(n)? and .refine_factor(n) find more, and take longer.\n"
    } else {
        ""
    };
    format!(
        "\n/// The rows nearest to a vector, best first; `condition` is SQL over the columns.\n\
         pub async fn nearest(\n    \
         table: &Table,\n    vector: &[f32],\n    count: usize,\n    condition: Option<&str>,\n\
         ) -> anyhow::Result<Vec<RecordBatch>> {{\n{hint}    let mut query = table\n        .query()\n        \
         .nearest_to(vector)?\n        .column(COLUMN)\n        .distance_type(DISTANCE)\n{set}        \
         .limit(count)\n        \
         .select(Select::columns(&[SHOWN, &[\"_distance\"]].concat()));\n    \
         if let Some(condition) = condition {{\n        query = query.only_if(condition);\n    }}\n    \
         Ok(query.execute().await?.try_collect().await?)\n}}\n"
    )
}

fn by_words(content: &str) -> String {
    format!(
        "\n/// The rows whose texts answer best to keywords (BM25), best first.\n\
         pub async fn by_words(table: &Table, words: &str, count: usize) -> anyhow::Result<Vec<RecordBatch>> {{\n    \
         let words = FullTextSearchQuery::new(words.to_owned()).with_column({}.to_owned())?;\n    \
         let query = table.query().full_text_search(words).limit(count);\n    \
         let query = query.select(Select::columns(&[SHOWN, &[\"_score\"]].concat()));\n    \
         Ok(query.execute().await?.try_collect().await?)\n}}\n",
        quote(content)
    )
}

/// What needs nothing of the job.
const SHARED: &str = r#"
/// A row's text of a column; JSON columns come as text, too.
pub fn text_of<'a>(batch: &'a RecordBatch, column: &str, row: usize) -> anyhow::Result<Option<&'a str>> {
    let texts = batch.column_by_name(column).with_context(|| format!("no column {column:?}"))?;
    let texts = texts.as_string_opt::<i32>().with_context(|| format!("column {column:?} holds no text"))?;
    Ok(texts.is_valid(row).then(|| texts.value(row)))
}

/// A row's value of a JSON column.
pub fn json_of(batch: &RecordBatch, column: &str, row: usize) -> anyhow::Result<Option<Value>> {
    Ok(text_of(batch, column, row)?.map(serde_json::from_str).transpose()?)
}

/// A text as SQL writes it.
pub fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
"#;

/// Where no query can be embedded.
const STORED: &str = r#"
/// The vector of a row that is there.
pub async fn stored_vector(table: &Table) -> anyhow::Result<Vec<f32>> {
    let query = table.query().only_if(format!("`{COLUMN}` IS NOT NULL")).select(Select::columns(&[COLUMN])).limit(1);
    let batches: Vec<RecordBatch> = query.execute().await?.try_collect().await?;
    let batch = batches.iter().find(|batch| batch.num_rows() > 0).context("no row has a vector")?;
    let first = batch.column(0).as_fixed_size_list_opt().context("no column of vectors")?.value(0);
    Ok(first.as_primitive_opt::<Float32Type>().context("no 32-bit floats")?.values().to_vec())
}
"#;

fn program(access: &Access) -> String {
    let mut code =
        "\n#[tokio::main]\nasync fn main() -> anyhow::Result<()> {\n    let table = open_table().await?;\n    \
        println!(\"{} rows, version {}\", table.count_rows(None).await?, table.version().await?);\n"
            .to_owned();
    code.push_str(if matches!(access.main().asked_by, AskedBy::Nobody(_)) {
        "    // No query can be embedded here: the vector of a row that is there stands for one.\n    \
         let vector = stored_vector(&table).await?;\n"
    } else {
        "    let vector = embed_query(\"what you are looking for\").await?;\n"
    });
    code.push_str(
        "    for batch in nearest(&table, &vector, 10, None).await? {\n        for row in 0..batch.num_rows() {\n",
    );
    code.push_str("            println!(\"{:?}\", text_of(&batch, \"id\", row)?);\n");
    for name in &access.jsons {
        code.push_str(&format!(
            "            println!(\"    {{:?}}\", json_of(&batch, {}, row)?);\n",
            quote(name)
        ));
    }
    code.push_str("        }\n    }\n");
    if let Some(filter) = &access.filter {
        code.push_str(&format!(
            "    // Only rows that meet a condition. What fits no column lies in `extra`; SQL looks into it, too:\n    \
             // json_get_string(`extra`, 'author') = 'Gil', or json_extract(`extra`, '$.a.b') for any value as \
             JSON.\n    \
             let same = [{}, &literal(\"a value\")].concat();\n    \
             let found = nearest(&table, &vector, 10, Some(&same)).await?;\n    \
             let rows: usize = found.iter().map(RecordBatch::num_rows).sum();\n    \
             println!(\"{{rows}} rows where {{same}}\");\n",
            quote(&format!("`{filter}` = "))
        ));
    }
    if access.content.is_some() {
        code.push_str("    println!(\"{:?}\", by_words(&table, \"some keywords\", 10).await?);\n");
    }
    code.push_str("    Ok(())\n}\n");
    code
}
