//! The code in TypeScript: the package @lancedb/lancedb, and `fetch` for asking an embedding server.

use super::literal::typescript as quote;
use super::{Access, AskedBy, Key, Server, body_parts, comment, reads_data_uris};

/// The whole file.
pub(super) fn code(access: &Access) -> String {
    let main = access.main();
    let mut code = head(access);
    code.push_str(&imports(&main.asked_by));
    for (name, value) in [
        ("URI", access.uri.as_str()),
        ("TABLE", &access.table),
        ("COLUMN", &main.name),
    ] {
        code.push_str(&format!("const {name} = {};\n", quote(value)));
    }
    if !matches!(main.asked_by, AskedBy::Nobody(_)) {
        code.push_str(&format!("const DIMENSIONS = {};\n", main.dimensions));
    }
    code.push_str(&format!("const DISTANCE = {};\n", quote(main.metric.word())));
    let shown: Vec<String> = access.shown().into_iter().map(quote).collect();
    code.push_str(&format!("const SHOWN = [{}];\n", shown.join(", ")));
    let jsons: Vec<String> = access.jsons.iter().map(|name| quote(name)).collect();
    code.push_str(&format!("const JSON_COLUMNS = [{}];\n", jsons.join(", ")));
    code.push_str(
        "\nexport type Row = Record<string, unknown>;\n\n/** The table at its newest version. */\n\
         export async function openTable(): Promise<lancedb.Table> {\n  const db = await lancedb.connect(URI);\n  \
         return db.openTable(TABLE);\n}\n",
    );
    code.push_str(&embed(&main.asked_by));
    code.push_str(&nearest(access));
    if let Some(content) = &access.content {
        code.push_str(&format!(
            "\n/** The rows whose texts answer best to keywords (BM25), best first. */\n\
             export async function byWords(table: lancedb.Table, words: string, count = 10): Promise<Row[]> {{\n  \
             const query = table.query().fullTextSearch(words, {{ columns: [{}] }});\n  \
             return (await query.select([...SHOWN, \"_score\"]).limit(count).toArray()).map(withJson);\n}}\n",
            quote(content)
        ));
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
    head.push_str(match access.main().asked_by {
        AskedBy::MiniLm { .. } => "//\n// npm install @lancedb/lancedb @huggingface/transformers\n",
        _ => "//\n// npm install @lancedb/lancedb\n",
    });
    head
}

fn imports(asked_by: &AskedBy) -> String {
    let first = match asked_by {
        AskedBy::Server(server) if matches!(server.key, Key::File(_)) => {
            "import { readFileSync } from \"node:fs\";\n\n"
        }
        _ => "",
    };
    let last = match asked_by {
        AskedBy::MiniLm { .. } => "import { pipeline } from \"@huggingface/transformers\";\n",
        _ => "",
    };
    format!("{first}{last}import * as lancedb from \"@lancedb/lancedb\";\n\n")
}

const CHECKED: &str = "  if (vector.length !== DIMENSIONS) {\n    \
     throw new Error(`the model gave ${vector.length} numbers, the column has ${DIMENSIONS}`);\n  }\n  return \
     vector;\n}\n";

fn embed(asked_by: &AskedBy) -> String {
    match asked_by {
        AskedBy::Server(server) => asking(server),
        AskedBy::MiniLm { prefix } => format!(
            "\nconst model = pipeline(\"feature-extraction\", \"Xenova/all-MiniLM-L6-v2\", {{ dtype: \"fp32\" }});\n\n\
             /** The vector of a query, in the space of the column. */\n\
             export async function embedQuery(text: string): Promise<number[]> {{\n{}  \
             const output = await (await model)(text, {{ pooling: \"mean\", normalize: true }});\n  \
             const vector = Array.from(output.data as Float32Array);\n{CHECKED}",
            prefixed(prefix)
        ),
        AskedBy::Nobody(why) => format!(
            "\n/** The vector of a query: to be written by you. */\n\
             export async function embedQuery(_text: string): Promise<number[]> {{\n  throw new Error({});\n}}\n",
            quote(why)
        ),
    }
}

/// The line that sets the prefix before a query, where there is one.
fn prefixed(prefix: &str) -> String {
    if prefix.is_empty() {
        return String::new();
    }
    format!("  text = {} + text;\n", quote(prefix))
}

fn asking(server: &Server) -> String {
    let mut code = "\n/** The vector of a query, by the model that made the column's. */\n\
        export async function embedQuery(text: string): Promise<number[]> {\n"
        .to_owned();
    code.push_str(&prefixed(&server.prefix));
    if reads_data_uris(server.dialect) {
        code.push_str(
            "  if (text.slice(0, 5).toLowerCase() === \"data:\") {\n    \
             throw new Error(\"this server would read the text as a picture or a sound\");\n  }\n",
        );
    }
    code.push_str(&format!(
        "  const body = {{\n    \"model\": {},\n",
        quote(&server.model)
    ));
    for (key, value) in body_parts(server.dialect) {
        code.push_str(&format!("    \"{key}\": {value},\n"));
    }
    if server.send_dimensions {
        code.push_str("    \"dimensions\": DIMENSIONS,\n");
    }
    code.push_str("  };\n");
    let key = match &server.key {
        Key::None => "",
        Key::Variable(name) => {
            code.push_str(&format!(
                "  const key = process.env[{}];\n  if (key === undefined) {{\n    throw new Error({});\n  }}\n",
                quote(name),
                quote(&format!("{name} is not set"))
            ));
            ", Authorization: `Bearer ${key.trim()}`"
        }
        Key::File(path) => {
            code.push_str(&format!("  const key = readFileSync({}, \"utf8\");\n", quote(path)));
            ", Authorization: `Bearer ${key.trim()}`"
        }
    };
    let url = quote(&format!("{}/embeddings", server.base_url));
    code.push_str(&format!(
        "  const answer = await fetch({url}, {{\n    method: \"POST\",\n    \
         headers: {{ \"Content-Type\": \"application/json\"{key} }},\n    body: JSON.stringify(body),\n  }});\n  \
         if (!answer.ok) {{\n    throw new Error(`the server answered ${{answer.status}}`);\n  }}\n  \
         const found = (await answer.json()) as {{ data: {{ embedding: number[] }}[] }};\n  \
         const vector = found.data[0].embedding;\n{CHECKED}"
    ));
    code
}

fn nearest(access: &Access) -> String {
    let tuning = access.tuning;
    let set = [
        tuning.nprobes.map(|n| format!(".nprobes({n})")),
        tuning.refine_factor.map(|n| format!(".refineFactor({n})")),
        tuning.ef.map(|n| format!(".ef({n})")),
    ];
    let set: String = set.into_iter().flatten().collect();
    let hint = if set.is_empty() && access.main().indexed {
        "  // Lance's own settings; .nprobes(n) and .refineFactor(n) find more, and take longer.\n"
    } else {
        ""
    };
    format!(
        "\n/** The rows nearest to a vector, best first; `condition` is SQL over the columns. */\n\
         export async function nearest(\n  table: lancedb.Table,\n  vector: number[],\n  count = 10,\n  \
         condition?: string,\n): Promise<Row[]> {{\n{hint}  \
         let query = table.query().nearestTo(vector).column(COLUMN).distanceType(DISTANCE){set}.limit(count);\n  \
         if (condition !== undefined) {{\n    query = query.where(condition);\n  }}\n  \
         return (await query.select([...SHOWN, \"_distance\"]).toArray()).map(withJson);\n}}\n"
    )
}

/// What needs nothing of the job.
const SHARED: &str = r#"
/** The row with its JSON columns as values; they come as text. */
export function withJson(row: Row): Row {
  const plain: Row = {};
  for (const name of [...SHOWN, "_distance", "_score"]) {
    const value = row[name];
    if (value !== undefined) {
      plain[name] = JSON_COLUMNS.includes(name) && typeof value === "string" ? JSON.parse(value) : value;
    }
  }
  return plain;
}

/** A text as SQL writes it. */
export function literal(text: string): string {
  return "'" + text.replaceAll("'", "''") + "'";
}
"#;

/// Where no query can be embedded.
const STORED: &str = r#"
/** The vector of a row that is there. */
export async function storedVector(table: lancedb.Table): Promise<number[]> {
  const rows = await table.query().where("`" + COLUMN + "` IS NOT NULL").select([COLUMN]).limit(1).toArray();
  return Array.from(rows[0][COLUMN] as Iterable<number>);
}
"#;

fn program(access: &Access) -> String {
    let mut code = "\nconst table = await openTable();\nconsole.log(await table.countRows(), \"rows, version\", \
               await table.version());\n"
        .to_owned();
    code.push_str(if matches!(access.main().asked_by, AskedBy::Nobody(_)) {
        "// No query can be embedded here: the vector of a row that is there stands for one.\n\
         const vector = await storedVector(table);\n"
    } else {
        "const vector = await embedQuery(\"what you are looking for\");\n"
    });
    code.push_str("const found = await nearest(table, vector);\nconsole.log(found);\n");
    if let Some(filter) = &access.filter {
        code.push_str(&format!(
            "// Only rows that meet a condition. What fits no column lies in `extra`; SQL looks into it, too:\n\
             // json_get_string(`extra`, 'author') = 'Gil', or json_extract(`extra`, '$.a.b') for any value as JSON.\n\
             const value = found.map((row) => row[{name}]).find((value) => typeof value === \"string\");\n\
             const same = {} + literal(String(value ?? \"\"));\n\
             console.log((await nearest(table, vector, 10, same)).length, \"rows where\", same);\n",
            quote(&format!("`{filter}` = ")),
            name = quote(filter),
        ));
    }
    if access.content.is_some() {
        code.push_str("console.log(await byWords(table, \"some keywords\"));\n");
    }
    code
}
