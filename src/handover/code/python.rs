//! The code in Python: the package lancedb, and nothing but the standard library for asking an embedding server.

use super::literal::python as quote;
use super::{Access, AskedBy, Key, Server, body_parts, comment, reads_data_uris};

/// The whole file.
pub(super) fn code(access: &Access) -> String {
    let main = access.main();
    let mut code = head(access);
    code.push_str(&imports(access));
    code.push_str(&format!("URI = {}\n", quote(&access.uri)));
    code.push_str(&format!("TABLE = {}\n", quote(&access.table)));
    code.push_str(&format!("COLUMN = {}\n", quote(&main.name)));
    if matches!(main.asked_by, AskedBy::Server(_)) {
        code.push_str(&format!("DIMENSIONS = {}\n", main.dimensions));
    }
    code.push_str(&format!("DISTANCE = {}\n", quote(main.metric.word())));
    let shown: Vec<String> = access.shown().into_iter().map(quote).collect();
    code.push_str(&format!("SHOWN = [{}]\n", shown.join(", ")));
    let jsons: Vec<String> = access.jsons.iter().map(|name| quote(name)).collect();
    code.push_str(&format!("JSON_COLUMNS = [{}]\n", jsons.join(", ")));
    code.push_str(
        "\n\ndef open_table():\n    \"\"\"The table at its newest version.\"\"\"\n    \
         return lancedb.connect(URI).open_table(TABLE)\n",
    );
    code.push_str(&embed(&main.asked_by));
    code.push_str(&nearest(access));
    code.push_str(&rest(access));
    code
}

fn head(access: &Access) -> String {
    let mut head = comment(
        "#",
        &format!("The table {}, moved from Qdrant by qlance.", quote(&access.table)),
        116,
    );
    for remark in access.remarks(quote) {
        head.push_str(&comment("#", &remark, 116));
    }
    head.push_str(match access.main().asked_by {
        AskedBy::MiniLm { .. } => "#\n# pip install lancedb sentence-transformers\n",
        _ => "#\n# pip install lancedb\n",
    });
    head
}

fn imports(access: &Access) -> String {
    match &access.main().asked_by {
        AskedBy::Server(server) if matches!(server.key, Key::Variable(_)) => {
            "import json\nimport os\nimport urllib.request\n\nimport lancedb\n\n"
        }
        AskedBy::Server(_) => "import json\nimport urllib.request\n\nimport lancedb\n\n",
        AskedBy::MiniLm { .. } => {
            "import functools\nimport json\n\nimport lancedb\nfrom sentence_transformers import SentenceTransformer\n\n"
        }
        AskedBy::Nobody(_) => "import json\n\nimport lancedb\n\n",
    }
    .to_owned()
}

fn embed(asked_by: &AskedBy) -> String {
    match asked_by {
        AskedBy::Server(server) => asking(server),
        AskedBy::MiniLm { prefix } => format!(
            "\n\n@functools.cache\ndef model():\n    \"\"\"The model; loaded once.\"\"\"\n    \
             return SentenceTransformer(\"sentence-transformers/all-MiniLM-L6-v2\")\n\n\n\
             def embed_query(text):\n    \"\"\"The vector of a query, in the space of the column.\"\"\"\n{}    \
             return model().encode(text, normalize_embeddings=True).tolist()\n",
            prefixed(prefix)
        ),
        AskedBy::Nobody(why) => format!(
            "\n\ndef embed_query(text):\n    \"\"\"The vector of a query: to be written by you.\"\"\"\n    \
             raise NotImplementedError({})\n",
            quote(why)
        ),
    }
}

/// The line that sets the prefix before a query, where there is one.
fn prefixed(prefix: &str) -> String {
    if prefix.is_empty() {
        return String::new();
    }
    format!("    text = {} + text\n", quote(prefix))
}

fn asking(server: &Server) -> String {
    let mut code =
        "\n\ndef embed_query(text):\n    \"\"\"The vector of a query, by the model that made the column's.\"\"\"\n"
            .to_owned();
    code.push_str(&prefixed(&server.prefix));
    if reads_data_uris(server.dialect) {
        code.push_str(
            "    if text[:5].lower() == \"data:\":\n        \
             raise ValueError(\"this server would read the text as a picture or a sound\")\n",
        );
    }
    code.push_str(&format!(
        "    body = {{\n        \"model\": {},\n",
        quote(&server.model)
    ));
    for (key, value) in body_parts(server.dialect) {
        code.push_str(&format!("        \"{key}\": {value},\n"));
    }
    if server.send_dimensions {
        code.push_str("        \"dimensions\": DIMENSIONS,\n");
    }
    code.push_str("    }\n    headers = {\"Content-Type\": \"application/json\"}\n");
    match &server.key {
        Key::None => {}
        Key::Variable(name) => code.push_str(&format!(
            "    headers[\"Authorization\"] = \"Bearer \" + os.environ[{}].strip()\n",
            quote(name)
        )),
        Key::File(path) => code.push_str(&format!(
            "    with open({}) as file:\n        headers[\"Authorization\"] = \"Bearer \" + file.read().strip()\n",
            quote(path)
        )),
    }
    let url = quote(&format!("{}/embeddings", server.base_url));
    code.push_str(&format!(
        "    url = {url}\n    request = urllib.request.Request(url, data=json.dumps(body).encode(), \
        headers=headers)\n    \
         with urllib.request.urlopen(request, timeout=60) as answer:\n        \
         vector = json.load(answer)[\"data\"][0][\"embedding\"]\n    \
         if len(vector) != DIMENSIONS:\n        \
         raise ValueError(f\"the server gave {{len(vector)}} numbers, the column has {{DIMENSIONS}}\")\n    \
         return vector\n"
    ));
    code
}

fn nearest(access: &Access) -> String {
    let main = access.main();
    let mut code = "\n\ndef nearest(table, vector, count=10, condition=None):\n    \
        \"\"\"The rows nearest to a vector, best first; `condition` is SQL over the columns.\"\"\"\n    \
        query = table.search(vector, vector_column_name=COLUMN).distance_type(DISTANCE).limit(count)\n"
        .to_owned();
    let tuning = access.tuning;
    let set = [
        tuning.nprobes.map(|n| format!(".nprobes({n})")),
        tuning.refine_factor.map(|n| format!(".refine_factor({n})")),
        tuning.ef.map(|n| format!(".ef({n})")),
    ];
    let set: String = set.into_iter().flatten().collect();
    if !set.is_empty() {
        code.push_str(&format!("    query = query{set}\n"));
    } else if main.indexed {
        code.push_str("    # Lance's own settings; .nprobes(n) and .refine_factor(n) find more, and take longer.\n");
    }
    code.push_str(
        "    if condition is not None:\n        query = query.where(condition, prefilter=True)\n    \
         return [with_json(row) for row in query.select(SHOWN + [\"_distance\"]).to_list()]\n\n\n\
         def with_json(row):\n    \"\"\"The row with its JSON columns as values; they come as text.\"\"\"\n    \
         parsed = {name: json.loads(row[name]) for name in JSON_COLUMNS if row.get(name) is not None}\n    \
         return {**row, **parsed}\n",
    );
    code
}

fn rest(access: &Access) -> String {
    let mut code = String::new();
    if let Some(content) = &access.content {
        code.push_str(&format!(
            "\n\ndef by_words(table, words, count=10):\n    \"\"\"The rows whose texts answer best to keywords \
            (BM25), best \
             first.\"\"\"\n    query = table.search(words, query_type=\"fts\", fts_columns={}).limit(count)\n    \
             return [with_json(row) for row in query.select(SHOWN + [\"_score\"]).to_list()]\n",
            quote(content)
        ));
    }
    code.push_str("\n\ndef literal(text):\n    \"\"\"A text as SQL writes it.\"\"\"\n");
    code.push_str("    return \"'\" + text.replace(\"'\", \"''\") + \"'\"\n");
    let embeds = !matches!(access.main().asked_by, AskedBy::Nobody(_));
    code.push_str("\n\nif __name__ == \"__main__\":\n    table = open_table()\n    ");
    code.push_str("print(table.count_rows(), \"rows, version\", table.version)\n");
    if embeds {
        code.push_str("    vector = embed_query(\"what you are looking for\")\n");
    } else {
        code.push_str(
            "    # No query can be embedded here: the vector of a row that is there stands for one.\n    \
             row = table.search().where(f\"`{COLUMN}` IS NOT NULL\").select([\"id\", \
             COLUMN]).limit(1).to_list()[0]\n    \
             vector = row[COLUMN]\n",
        );
    }
    code.push_str(
        "    found = nearest(table, vector)\n    for row in found:\n        print(row[\"_distance\"], \
        row[\"id\"], row)\n",
    );
    if let Some(filter) = &access.filter {
        code.push_str(&format!(
            "    # Only rows that meet a condition. What fits no column lies in `extra`; SQL looks into it, too:\n    \
             # json_get_string(`extra`, 'author') = 'Gil', or json_extract(`extra`, '$.a.b') for any value as \
             JSON.\n    \
             value = next((row[{name}] for row in found if row[{name}] is not None), \"\")\n    \
             same = {} + literal(value)\n    print(len(nearest(table, vector, condition=same)), \"rows where\", \
             same)\n",
            quote(&format!("`{filter}` = ")),
            name = quote(filter),
        ));
    }
    if access.content.is_some() {
        code.push_str(
            "    for row in by_words(table, \"some keywords\"):\n        print(row[\"_score\"], row[\"id\"], row)\n",
        );
    }
    code
}
