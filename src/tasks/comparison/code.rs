//! The chosen setting as code: opening the table and asking it, as the packages `lancedb` of Python (0.40) and of Rust
//! (0.41) are asked.

use lancedb::DistanceType;

use super::result::{Code, Setting};

/// What is asked, beside its setting.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'a> {
    /// The database's address.
    pub(super) uri: &'a str,
    /// The table.
    pub(super) table: &'a str,
    /// The column of embeddings.
    pub(super) column: &'a str,
    /// Its distance.
    pub(super) distance: DistanceType,
    /// Results.
    pub(super) k: usize,
}

/// The code for both languages.
pub(super) fn code(asked: &Asked<'_>, setting: Setting) -> Code {
    Code {
        python: python(asked, setting),
        rust: rust(asked, setting),
    }
}

fn python(asked: &Asked<'_>, setting: Setting) -> String {
    let Asked {
        uri,
        table,
        column,
        distance,
        k,
    } = asked;
    let mut calls = vec![
        format!(".search(query, vector_column_name={})", quoted(column)),
        format!(".distance_type(\"{distance}\")"),
    ];
    calls.extend(setting.nprobes.map(|n| format!(".nprobes({n})")));
    calls.extend(setting.refine_factor.map(|n| format!(".refine_factor({n})")));
    calls.extend(setting.ef.map(|n| format!(".ef({n})")));
    calls.push(format!(".limit({k})"));
    calls.push(".to_list()".to_owned());
    format!(
        "import lancedb\n\n\
         db = lancedb.connect({})\n\
         table = db.open_table({})\n\
         # query: the query's embedding, of the same model as the column's.\n\
         rows = (\n    table\n    {}\n)\n",
        quoted(uri),
        quoted(table),
        calls.join("\n    ")
    )
}

fn rust(asked: &Asked<'_>, setting: Setting) -> String {
    let Asked {
        uri,
        table,
        column,
        distance,
        k,
    } = asked;
    let distance = match distance {
        DistanceType::Cosine => "Cosine",
        DistanceType::Dot => "Dot",
        DistanceType::Hamming => "Hamming",
        _ => "L2",
    };
    let mut calls = vec![
        ".query()".to_owned(),
        ".nearest_to(query)?".to_owned(),
        format!(".column({column:?})"),
        format!(".distance_type(lancedb::DistanceType::{distance})"),
    ];
    calls.extend(setting.nprobes.map(|n| format!(".nprobes({n})?")));
    calls.extend(setting.refine_factor.map(|n| format!(".refine_factor({n})")));
    calls.extend(setting.ef.map(|n| format!(".ef({n})")));
    calls.push(format!(".limit({k})"));
    calls.extend([".execute()", ".await?", ".try_collect()", ".await?;"].map(str::to_owned));
    format!(
        "use futures::TryStreamExt as _;\n\
         use lancedb::query::{{ExecutableQuery as _, QueryBase as _}};\n\n\
         let db = lancedb::connect({uri:?}).execute().await?;\n\
         let table = db.open_table({table:?}).execute().await?;\n\
         // query: Vec<f32>, the query's embedding, of the same model as the column's.\n\
         let rows: Vec<arrow_array::RecordBatch> = table\n    {}\n",
        calls.join("\n    ")
    )
}

/// A text as Python writes it. JSON's strings are Python's too, but for DEL and the C1 controls, which JSON leaves raw.
fn quoted(text: &str) -> String {
    let json = serde_json::Value::from(text).to_string();
    let mut quoted = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            '\u{7f}'..='\u{9f}' => quoted.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    const ASKED: Asked<'_> = Asked {
        uri: "/data/a \"b\"\n",
        table: "messages",
        column: "embedding",
        distance: DistanceType::Cosine,
        k: 10,
    };

    #[test]
    fn every_setting_is_in_the_code_and_none_that_was_not_chosen() {
        let setting = Setting {
            nprobes: Some(20),
            refine_factor: Some(4),
            ef: None,
        };
        let Code { python, rust } = code(&ASKED, setting);
        let expected = [
            "import lancedb",
            "",
            "db = lancedb.connect(\"/data/a \\\"b\\\"\\n\")",
            "table = db.open_table(\"messages\")",
            "# query: the query's embedding, of the same model as the column's.",
            "rows = (",
            "    table",
            "    .search(query, vector_column_name=\"embedding\")",
            "    .distance_type(\"cosine\")",
            "    .nprobes(20)",
            "    .refine_factor(4)",
            "    .limit(10)",
            "    .to_list()",
            ")",
            "",
        ]
        .join("\n");
        assert_eq!(python, expected);
        for part in [
            "lancedb::connect(\"/data/a \\\"b\\\"\\n\")",
            ".open_table(\"messages\")",
            ".nearest_to(query)?\n",
            ".column(\"embedding\")\n",
            ".distance_type(lancedb::DistanceType::Cosine)\n",
            // The one that can be refused.
            ".nprobes(20)?\n",
            ".refine_factor(4)\n",
            ".limit(10)\n",
            ".await?;\n",
        ] {
            assert!(rust.contains(part), "{part:?} is not in {rust}");
        }
        assert!(!rust.contains(".ef(") && !python.contains(".ef("), "{rust}");
        let graph = Setting {
            ef: Some(88),
            ..Setting::default()
        };
        let Code { python, rust } = code(&ASKED, graph);
        for code in [python, rust] {
            assert!(code.contains(".ef(88)\n"), "{code}");
            assert!(!code.contains("nprobes") && !code.contains("refine"), "{code}");
        }
    }

    #[test]
    fn distances_are_named_as_each_language_names_them() {
        for (distance, in_python, in_rust) in [
            (DistanceType::Cosine, "(\"cosine\")", "::Cosine)"),
            (DistanceType::Dot, "(\"dot\")", "::Dot)"),
            (DistanceType::L2, "(\"l2\")", "::L2)"),
        ] {
            let Code { python, rust } = code(&Asked { distance, ..ASKED }, Setting::default());
            assert!(python.contains(&format!(".distance_type{in_python}")), "{python}");
            assert!(rust.contains(&format!("DistanceType{in_rust}")), "{rust}");
        }
    }

    #[test]
    fn no_control_character_is_left_in_a_quoted_text() {
        assert_eq!(quoted("a\u{1b}\u{9b}\u{7f}ü\\"), r#""a\u001b\u009b\u007fü\\""#);
    }
}
