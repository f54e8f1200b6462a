// The table "messages", moved from Qdrant by qlance.
// Column "embedding": 1536 numbers of "openai/text-embedding-3-large@1536", distance cosine, with a vector index.
// The model's vectors have length one as they come; nothing has to be done to them.
//
// cargo add lancedb@0.41 arrow-array@58 anyhow futures serde_json tokio --features tokio/full
// cargo add reqwest

use anyhow::{Context as _, ensure};
use arrow_array::cast::AsArray as _;
use arrow_array::{Array as _, RecordBatch};
use futures::TryStreamExt as _;
use lancedb::index::scalar::FullTextSearchQuery;
use lancedb::query::{ExecutableQuery as _, QueryBase as _, Select};
use lancedb::{DistanceType, Table};
use serde_json::{Value, json};

const URI: &str = "/data/choir.lance";
const TABLE: &str = "messages";
const COLUMN: &str = "embedding";
const DIMENSIONS: usize = 1536;
const DISTANCE: DistanceType = DistanceType::Cosine;
const SHOWN: &[&str] = &["id", "content", "thread_id", "chorus_result", "extra"];

/// The table at its newest version.
pub async fn open_table() -> anyhow::Result<Table> {
    Ok(lancedb::connect(URI).execute().await?.open_table(TABLE).execute().await?)
}

/// The vector of a query, by the model that made the column's.
pub async fn embed_query(text: &str) -> anyhow::Result<Vec<f32>> {
    let text = ["search: \"", text].concat();
    let text = text.as_str();
    let body = json!({
        "model": "text-embedding-3-large",
        "input": [text],
        "dimensions": DIMENSIONS,
    });
    let request = reqwest::Client::new()
        .post("https://api.openai.com/v1/embeddings")
        .header("Content-Type", "application/json")
        .body(body.to_string());
    let key = std::env::var("OPENAI_API_KEY").context("OPENAI_API_KEY is not set")?;
    let request = request.bearer_auth(key.trim());
    let answer = request.send().await?.error_for_status()?.bytes().await?;
    let answer: Value = serde_json::from_slice(&answer)?;
    let numbers = answer["data"][0]["embedding"].as_array().context("the server gave no embedding")?;
    let vector: Vec<f32> = numbers.iter().filter_map(Value::as_f64).map(|number| number as f32).collect();
    ensure!(
        vector.len() == DIMENSIONS,
        "the model gave {} numbers, the column has {DIMENSIONS}",
        vector.len()
    );
    Ok(vector)
}

/// The rows nearest to a vector, best first; `condition` is SQL over the columns.
pub async fn nearest(
    table: &Table,
    vector: &[f32],
    count: usize,
    condition: Option<&str>,
) -> anyhow::Result<Vec<RecordBatch>> {
    let mut query = table
        .query()
        .nearest_to(vector)?
        .column(COLUMN)
        .distance_type(DISTANCE)
        .nprobes(20)?
        .refine_factor(4)
        .limit(count)
        .select(Select::columns(&[SHOWN, &["_distance"]].concat()));
    if let Some(condition) = condition {
        query = query.only_if(condition);
    }
    Ok(query.execute().await?.try_collect().await?)
}

/// The rows whose texts answer best to keywords (BM25), best first.
pub async fn by_words(table: &Table, words: &str, count: usize) -> anyhow::Result<Vec<RecordBatch>> {
    let words = FullTextSearchQuery::new(words.to_owned()).with_column("content".to_owned())?;
    let query = table.query().full_text_search(words).limit(count);
    let query = query.select(Select::columns(&[SHOWN, &["_score"]].concat()));
    Ok(query.execute().await?.try_collect().await?)
}

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

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let table = open_table().await?;
    println!("{} rows, version {}", table.count_rows(None).await?, table.version().await?);
    let vector = embed_query("what you are looking for").await?;
    for batch in nearest(&table, &vector, 10, None).await? {
        for row in 0..batch.num_rows() {
            println!("{:?}", text_of(&batch, "id", row)?);
            println!("    {:?}", json_of(&batch, "chorus_result", row)?);
            println!("    {:?}", json_of(&batch, "extra", row)?);
        }
    }
    // Only rows that meet a condition. What fits no column lies in `extra`; SQL looks into it, too:
    // json_get_string(`extra`, 'author') = 'Gil', or json_extract(`extra`, '$.a.b') for any value as JSON.
    let same = ["`thread_id` = ", &literal("a value")].concat();
    let found = nearest(&table, &vector, 10, Some(&same)).await?;
    let rows: usize = found.iter().map(RecordBatch::num_rows).sum();
    println!("{rows} rows where {same}");
    println!("{:?}", by_words(&table, "some keywords", 10).await?);
    Ok(())
}
