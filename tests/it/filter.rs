//! One condition, three answers that must be the same: what it means (`Filter::matches`), what Qdrant's own engine
//! selects by it, and what Lance selects by it from the table that qlance writes.

use std::collections::{BTreeMap, BTreeSet};

use futures::TryStreamExt as _;
use lancedb::Table;
use lancedb::query::{ExecutableQuery as _, QueryBase as _};
use qdrant_client::qdrant::ScrollPointsBuilder;
use qlance::lance::filter::{RowFilter, to_sql};
use qlance::lance::search::{ByVector, Through, by_vector};
use qlance::lance::{Checkpoint, NewRow, Row, RowDecoder, TableSchema, Target, encode};
use qlance::point::filter::{Filter, MAX_LEVELS};
use qlance::point::{IdRange, Payload, Point, PointId, RangeProgress};
use qlance::qdrant::filter::to_qdrant;
use qlance::qdrant::wire;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::embeddings_server::embedding_of;
use crate::support::world::{SIZE, World, payloads, point};

/// Points in each store.
const POINTS: usize = 300;

/// The payload keys, with values of the types that their columns get in [`Stores::new`]; the last ones get no column.
fn keys() -> Vec<(&'static str, Vec<Value>)> {
    vec![
        ("title", vec![json!("a"), json!("b"), json!("it's")]),
        ("n", vec![json!(1), json!(5), json!(-3)]),
        ("score", vec![json!(0.5), json!(5.0), json!(-0.0)]),
        ("flag", vec![json!(true), json!(false)]),
        ("tags", vec![json!(["a", "b"]), json!(["b"]), json!([1, 5.0])]),
        ("meta", vec![json!({"b": 1}), json!({"b": ["x", 5]})]),
        // Columns of the choir table.
        ("content", vec![json!("a"), json!("b")]),
        (
            "chorus_result",
            vec![json!({"agreement": 0.5}), json!({"agreement": 1})],
        ),
        // Never a column.
        ("odd key", vec![json!("a")]),
        ("a.b", vec![json!("a")]),
        ("id", vec![json!("a"), json!(5)]),
        ("modality", vec![json!("image")]),
        ("", vec![json!("a")]),
    ]
}

/// Values of every kind, which any key may hold.
fn values() -> Vec<Value> {
    let scalars = json!([
        null,
        true,
        false,
        0,
        1,
        2,
        5,
        -3,
        0.0,
        -0.0,
        0.5,
        1.0,
        2.5,
        5.0,
        -3.0,
        1e300,
        -1e-300,
        9_007_199_254_740_992_i64,
        9_007_199_254_740_993_i64,
        9_007_199_254_740_992.0,
        i64::MAX,
        i64::MIN,
        "",
        "a",
        "b",
        "A",
        "5",
        "5.0",
        "true",
        "null",
        "it's",
        "x\"y\\z",
        "ä\nß",
        "\u{0}",
        "' OR TRUE --",
        "[5,"
    ]);
    let lists = json!([
        [], [null], [null, "a"], ["a", "b"], ["x"], [""], [1, 2.5, "a", true, null], [5.0], [5], [5, 5.0], [5.0, 5],
        [[5]], [["a"]], [[], 5], [[], "a"], ["x", 5], ["x", null], [0, "a"], [{"b": 1}, {"b": "x"}, {"c": null}, 3],
        [{"b": []}, {"b": null}], [{"b": [1, "x"]}], [{}], [true, false], [-0.0], [9_007_199_254_740_993_i64]
    ]);
    let objects = json!([
        {}, {"b": 1}, {"b": 1.0}, {"b": "x"}, {"b": null}, {"b": []}, {"b": ["x", 5]}, {"b": {"c": 5}}, {"": 1},
        {"b": [{"c": 5}, {"c": "x"}]}, {"agreement": 0.75}, {"0": "a"}, {"b c": "it's"}
    ]);
    [scalars, lists, objects]
        .into_iter()
        .flat_map(|pool| pool.as_array().cloned().unwrap_or_default())
        .collect()
}

fn pick<'a, T>(rng: &mut StdRng, pool: &'a [T]) -> &'a T {
    &pool[rng.random_range(0..pool.len())]
}

/// Points: the first ones, until each key has held every value there is; then keys that hold now what their columns are
/// for, now anything, and now nothing.
fn points(rng: &mut StdRng) -> Vec<Point> {
    let (keys, values) = (keys(), values());
    (0..POINTS)
        .map(|number| {
            let mut payload = Payload::new();
            for (place, (key, usual)) in keys.iter().enumerate() {
                let value = match rng.random_range(0..10) {
                    _ if number < values.len() => Some(&values[(number + 7 * place) % values.len()]),
                    0..5 => Some(pick(rng, usual)),
                    5..8 => Some(pick(rng, &values)),
                    _ => None,
                };
                payload.extend(value.map(|value| ((*key).to_owned(), value.clone())));
            }
            point(number as u64, Value::Object(payload))
        })
        .collect()
}

/// A table with its columns.
struct Stored {
    schema: TableSchema,
    // Kept open.
    target: Target,
}

impl Stored {
    async fn new(dir: &TempDir, name: &str, schema: TableSchema, points: &[Point]) -> Self {
        let uri = dir.path().to_str().expect("a UTF-8 path");
        let mut target = Target::connect(uri, name, true).await.expect("a database");
        target.create(&schema, "job", &BTreeMap::new()).await.expect("a table");
        let embeddings: Vec<Vec<f32>> = points
            .iter()
            .map(|point| embedding_of(&point.id.to_string(), SIZE))
            .collect();
        let rows: Vec<NewRow<'_>> = points
            .iter()
            .zip(&embeddings)
            .map(|(point, embedding)| NewRow::of(point, embedding, None))
            .collect();
        let checkpoint = Checkpoint::new("job", 0, vec![RangeProgress::new(IdRange::ALL)]);
        // More than one fragment.
        for rows in rows.chunks(170) {
            let batch = encode(&schema, rows).expect("a batch");
            target.append(vec![batch], &checkpoint).await.expect("a commit");
        }
        Self { schema, target }
    }

    fn table(&self) -> &Table {
        self.target.table().expect("an open table")
    }

    async fn rows(&self, sql: Option<&str>) -> Vec<Row> {
        let mut query = self.table().query();
        if let Some(sql) = sql {
            query = query.only_if(sql);
        }
        let mut batches = query
            .execute()
            .await
            .unwrap_or_else(|error| panic!("{}: {error}", sql.unwrap_or_default()));
        let mut rows = Vec::new();
        while let Some(batch) = batches
            .try_next()
            .await
            .unwrap_or_else(|error| panic!("{}: {error}", sql.unwrap_or_default()))
        {
            let decoder = RowDecoder::new(&self.schema, &batch);
            rows.extend((0..batch.num_rows()).map(|row| decoder.row(row).expect("a row")));
        }
        rows
    }

    fn sql(&self, filter: &Filter) -> RowFilter {
        to_sql(filter, &self.schema).unwrap_or_else(|error| panic!("{filter}: {error}"))
    }
}

/// The same points in Qdrant, in the choir table, and in one whose columns follow the usual values.
struct Stores {
    world: World,
    tables: Vec<(&'static str, Stored)>,
    points: Vec<Point>,
    _dir: TempDir,
}

impl Stores {
    async fn new() -> Self {
        let points = points(&mut StdRng::seed_from_u64(1));
        let world = World::with(&points).await;
        let dir = tempfile::tempdir().expect("a directory");
        let usual: Payload = keys()
            .into_iter()
            .take(6)
            .map(|(key, values)| (key.to_owned(), values[0].clone()))
            .collect();
        let inferred = TableSchema::inferred(&[usual], &BTreeMap::new(), SIZE, &BTreeMap::new());
        assert_eq!(inferred.payload_columns().count(), 6);
        let choir = TableSchema::choir(SIZE, &BTreeMap::new());
        let mut tables = Vec::new();
        for (name, schema) in [("choir", choir), ("inferred", inferred)] {
            let stored = Stored::new(&dir, name, schema, &points).await;
            let rows = stored.rows(None).await;
            assert_eq!(payloads(rows.iter().map(|row| &row.point)), payloads(&points), "{name}");
            tables.push((name, stored));
        }
        Self {
            world,
            tables,
            points,
            _dir: dir,
        }
    }

    /// The ids that a condition means.
    fn meant(&self, filter: &Filter) -> BTreeSet<PointId> {
        let met = self.points.iter().filter(|point| filter.matches(&point.payload));
        met.map(|point| point.id).collect()
    }

    async fn of_qdrant(&self, filter: &Filter) -> BTreeSet<PointId> {
        let wanted = ScrollPointsBuilder::new("messages")
            .filter(to_qdrant(filter))
            .limit(1_000)
            .with_payload(false);
        let client = self.world.source().client().clone();
        let page = client
            .scroll(wanted)
            .await
            .unwrap_or_else(|error| panic!("{filter}: {error}"));
        page.result
            .into_iter()
            .map(|point| wire::id_from(point.id).expect("an id"))
            .collect()
    }

    /// Asks all three; answers how many points meet the condition, and whether SQL alone could say it for both tables.
    async fn ask(&self, condition: &str) -> (usize, bool) {
        let filter: Filter = condition.parse().unwrap_or_else(|error| panic!("{condition}: {error}"));
        let meant = self.meant(&filter);
        assert_eq!(self.of_qdrant(&filter).await, meant, "Qdrant: {condition}");
        let mut exact = true;
        for (name, stored) in &self.tables {
            let wanted = stored.sql(&filter);
            let rows = stored.rows(Some(&wanted.sql)).await;
            let found: BTreeSet<PointId> = rows.iter().map(|row| row.point.id).collect();
            let checked: BTreeSet<PointId> = rows
                .iter()
                .filter(|row| filter.matches(&row.point.payload))
                .map(|row| row.point.id)
                .collect();
            assert_eq!(checked, meant, "{name}: {condition}\n{}", wanted.sql);
            if wanted.exact {
                assert_eq!(found, meant, "{name}, by SQL alone: {condition}\n{}", wanted.sql);
            }
            exact &= wanted.exact;
        }
        (meant.len(), exact)
    }
}

/// Of every operator, every type of value, every kind of path; and what is easily got wrong.
const CONDITIONS: &[&str] = &[
    "title = 'a'",
    "title = ''",
    "title = 'it''s'",
    "title = '5'",
    "title = '' AND NOT title = 'a'",
    "title = 'x\"y\\z'",
    "title != 'a'",
    "title IN ('a', 'b', 5, true, 2.5)",
    "title NOT IN ('a', 'b')",
    "title > 4",
    "title IS NULL",
    "title IS NOT NULL",
    "title IS MISSING",
    "title IS PRESENT",
    "title IS EMPTY",
    "title IS NOT EMPTY",
    "title[] = 'b'",
    "title[0] = 'a'",
    "title.b = 'x'",
    "title = ' OR TRUE --'",
    "title = ''' OR TRUE --'",
    "n = 5",
    "n = 5.0",
    "n = 0.0",
    "n = '5'",
    "n != 5",
    "n = 9007199254740993",
    "n = 9007199254740992",
    "n >= 9007199254740992 AND n < 1e18",
    "n > 9007199254740992 AND n < 1e18",
    "n = 9223372036854775807",
    "n = -9223372036854775808",
    "n IN (-9223372036854775808, 1, 5)",
    "n <= -9223372036854775808",
    "n < 0",
    "n <= 0 AND n >= 0",
    "n BETWEEN 0.5 AND 5",
    "n BETWEEN 5 AND 0.5",
    "n NOT BETWEEN 0.5 AND 5",
    "n IN (0,1,2,3,4,5,6,7,8,9,10,11)",
    "NOT n IN (0,1,2,3,4,5,6,7,8,9,10,11)",
    "score = 5",
    "score = 0.0",
    "score >= 0",
    "score < 0",
    "score > 0 AND score < 1e301",
    "score = -1e-300",
    "flag = true",
    "NOT flag = true",
    "flag IN (true, false)",
    "tags = 'b'",
    "tags = 5 AND NOT tags = 5.0",
    "tags[] = 5",
    "tags[0] = 'x'",
    "tags[].b = 1",
    "tags[].b[] = 'x'",
    "tags[].b IS NULL",
    "tags[].b IS MISSING",
    "tags[].b IS EMPTY",
    "NOT tags[].b IS EMPTY",
    "tags[] IS NULL",
    "tags IS EMPTY AND tags IS NOT NULL",
    "tags.0 = 'a'",
    "tags > 0.5 AND tags < 2",
    "meta.b = 1",
    "meta.b = 'x'",
    "meta.b.c = 5",
    "meta.b[].c = 5",
    "meta.b IS NULL",
    "meta.b IS MISSING",
    "meta IS MISSING OR meta IS NULL",
    "meta.\"\" = 1",
    "NOT meta.\"\" = 1",
    "meta.\"b c\" = 'it''s'",
    "chorus_result.agreement >= 0.5",
    "chorus_result = 'a'",
    "content = 'a' AND (n >= 5 OR flag = true) AND NOT tags IN ('a', 'x')",
    "\"odd key\" = 'a'",
    "\"a.b\" = 'a'",
    "a.b = 'a'",
    "id = 'a'",
    "id = 5",
    "modality = 'image'",
    "\"\" = 'a'",
    "NOT \"\" = 'a'",
    "nowhere = 'a'",
    "NOT nowhere = 'a'",
    "nowhere IS MISSING",
    "TRUE",
    "FALSE",
    "NOT (FALSE OR n = 5)",
];

const PATHS: &[&str] = &[
    "title",
    "n",
    "score",
    "flag",
    "tags",
    "meta",
    "content",
    "chorus_result",
    "id",
    "\"odd key\"",
    "\"a.b\"",
    "meta.b",
    "meta.b.c",
    "meta.b[]",
    "meta.b[].c",
    "tags[]",
    "tags[0]",
    "tags[1]",
    "tags[].b",
    "tags[][]",
    "title.b",
    "n[].b",
    "chorus_result.agreement",
    "title[]",
    "\"\"",
    "meta.\"\"",
    "tags.0",
];
const VALUES: &[&str] = &[
    "'a'",
    "'b'",
    "'x'",
    "''",
    "'5'",
    "'true'",
    "'it''s'",
    "'x\"y\\z'",
    "'ä\nß'",
    "'\u{0}'",
    "'' ",
    "0",
    "1",
    "5",
    "-3",
    "0.0",
    "0.5",
    "1.0",
    "5.0",
    "-3.0",
    "1e300",
    "true",
    "false",
    "9007199254740993",
    "9223372036854775807",
];
const NUMBERS: &[&str] = &[
    "0",
    "-0.0",
    "0.5",
    "1",
    "2.5",
    "5",
    "-3",
    "1e300",
    "-1e300",
    "9007199254740992",
    "9.3e18",
    "-1e-300",
];

fn any_test(rng: &mut StdRng) -> String {
    let path = *pick(rng, PATHS);
    let list = |rng: &mut StdRng, pool: &[&str], many: usize| {
        let values: Vec<&str> = (0..many).map(|_| *pick(rng, pool)).collect();
        values.join(", ")
    };
    match rng.random_range(0..12) {
        0..3 => format!("{path} = {}", pick(rng, VALUES)),
        3 => format!("{path} != {}", pick(rng, VALUES)),
        4 | 5 => {
            let many = rng.random_range(1..5);
            format!("{path} IN ({})", list(rng, VALUES, many))
        }
        6 => format!("{path} NOT IN (7, 8, 9, 10, 11, 12, 13, {})", list(rng, VALUES, 3)),
        7 | 8 => format!("{path} {} {}", pick(rng, &["<", "<=", ">", ">="]), pick(rng, NUMBERS)),
        9 => format!("{path} BETWEEN {} AND {}", pick(rng, NUMBERS), pick(rng, NUMBERS)),
        _ => {
            let not = pick(rng, &["", "NOT "]);
            format!("{path} IS {not}{}", pick(rng, &["NULL", "EMPTY", "MISSING", "PRESENT"]))
        }
    }
}

fn any_condition(rng: &mut StdRng, levels: usize) -> String {
    if levels == 0 || rng.random_range(0..4) == 0 {
        return any_test(rng);
    }
    let one = any_condition(rng, levels - 1);
    let other = any_condition(rng, levels - 1);
    match rng.random_range(0..3) {
        0 => format!("NOT ({one})"),
        1 => format!("({one}) AND ({other})"),
        _ => format!("({one}) OR ({other})"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_condition_selects_the_same_points_everywhere() {
    let stores = Stores::new().await;
    let mut some = 0;
    for condition in CONDITIONS {
        let (found, _) = stores.ask(condition).await;
        some += usize::from(found > 0 && found < stores.points.len());
    }
    // A condition that all or no points meet shows little.
    assert!(
        some * 4 > CONDITIONS.len() * 3,
        "only {some} of {} tell points apart",
        CONDITIONS.len()
    );
    let rng = &mut StdRng::seed_from_u64(2);
    let (mut some, mut exact) = (0, 0);
    for round in 0..200 {
        let condition = any_condition(rng, round % 4);
        let (found, by_sql) = stores.ask(&condition).await;
        some += usize::from(found > 0 && found < stores.points.len());
        exact += usize::from(by_sql);
    }
    assert!(some > 60, "only {some} of 200 tell points apart");
    assert!(exact > 100, "only {exact} of 200 are exact in SQL");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_takes_the_same_conditions() {
    let stores = Stores::new().await;
    let vector = embedding_of("1", SIZE);
    for condition in [
        "n = 5",
        "NOT title = 'a'",
        "tags = 'b' OR meta.b = 1",
        "content IS PRESENT AND score >= 0",
    ] {
        let filter: Filter = condition.parse().expect("a condition");
        for (name, stored) in &stores.tables {
            let wanted = stored.sql(&filter);
            assert!(wanted.exact, "{name}: {condition}");
            let by = ByVector {
                column: "embedding",
                vector: &vector,
                distance: lancedb::DistanceType::Cosine,
                count: 1_000,
                filter: Some(&wanted.sql),
                through: Through::Everything,
            };
            let found = by_vector(stored.table(), by).await.expect("an answer");
            let found: BTreeSet<PointId> = found.into_iter().map(|(id, _)| id).collect();
            assert_eq!(found, stores.meant(&filter), "{name}: {condition}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_largest_conditions_are_taken_by_every_store() {
    let stores = Stores::new().await;
    // As deep as may be, with the deeper part last: that costs the parser behind Lance the most.
    let mut deep = "tags[].b IS EMPTY OR n = 5".to_owned();
    for level in 0..(MAX_LEVELS - 1) / 2 {
        deep = format!("title != 'b' OR NOT n = {level} AND ({deep})");
    }
    assert!(deep.parse::<Filter>().expect("few levels").levels() >= MAX_LEVELS - 1);
    stores.ask(&deep).await;
    let nots = format!("{}n = 5", "NOT ".repeat(MAX_LEVELS));
    assert!(stores.ask(&nots).await.0 > 0);
    // As wide as may be: values, then tests.
    let texts: Vec<String> = (0..900).map(|n| format!("'{n}'")).collect();
    stores.ask(&format!("title IN ({})", texts.join(","))).await;
    let integers: Vec<String> = (0..900).map(|n| n.to_string()).collect();
    stores.ask(&format!("n NOT IN ({})", integers.join(","))).await;
    let tests: Vec<String> = (0..100).map(|n| format!("n != {n}")).collect();
    stores.ask(&tests.join(" AND ")).await;
}
