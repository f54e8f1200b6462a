//! The sentences in which a verification speaks: those, and no others, are repeated without samples. A reason may hold
//! the message of a server or of a library, and such a message may quote a content or an id; what is not of these
//! sentences is therefore left out. A test goes through the sources of the checks and finds those that are missing
//! here.

use crate::point::verdict::{Outcome, THRESHOLDS};
use crate::tasks::verify::CheckId;

/// What stands in the place of a sentence that is not one of qlance's own.
pub(super) const WITHHELD: &str =
    "a message that may quote contents is left out here; `qlance verify` and `qlance report --with-samples` show it";

/// The sentences. Each 0 is any number, `{column}` any column of embeddings.
const SENTENCES: &[&str] = &[
    // What is open beside the checks.
    "nothing was checked",
    "the table was written to meanwhile (version 0 to 0); verify again when nothing writes to it",
    "Qdrant was written to meanwhile (0 to 0 points); verify again when nothing writes to it",
    "Qdrant was written to meanwhile (0 of 0 points that were looked at once more have changed since they were \
     compared); verify again when nothing writes to it",
    "the table holds no rows: nothing was found right",
    // any check
    "a repair takes up 0 of these 0 points at once; repair again for what is left",
    // counts
    "the migration has not come to its end: about 0 points are unread; `qlance run` goes on",
    "0 points have neither row nor failure; `ids` says which, `qlance verify --repair` brings the stores together",
    "0 rows or failures have no point; `ids` says which, `qlance verify --repair` brings the stores together",
    "0 points are among the failures and have a row all the same",
    "0 points failed and nobody has decided about them: retry them, or skip them with a reason",
    "this job wrote 0 rows, the table has 0: something else wrote to it",
    // ids
    "0 rows were there before this job",
    "0 points have no row; `qlance verify --repair` or `qlance sync` brings them over",
    "0 rows have no point in Qdrant; the table had 0 rows before this job, and which they were cannot be told any \
     more: the version from before is gone",
    "0 rows have no point in Qdrant; `qlance verify --repair` or `qlance sync --remove-gone` removes them",
    "0 ids have more than one row (0 rows too many); `qlance verify --repair` takes them out",
    // payloads
    "0 rows differ on purpose: their content was mended by hand",
    "0 rows are not what their points say; `qlance diff ID` shows one, `qlance verify --repair` or `qlance sync` \
     brings them over anew",
    "a sample of 0 of 0 rows is too small to decide on; take at least 0 (1,000 or 1 % of the rows, whichever is more)",
    // vectors
    "0 rows cannot be read; `qlance verify --repair` or `qlance divergence embed-again` makes them anew",
    "0 rows have no embedding; `qlance verify --repair` or `qlance divergence embed-again` makes them anew",
    "0 rows have an embedding of another dimension than their column's; `qlance verify --repair` or `qlance divergence \
     embed-again` makes them anew",
    "0 rows have an embedding with a number that is not finite; `qlance verify --repair` or `qlance divergence \
     embed-again` makes them anew",
    "0 rows have an embedding of zeros only; `qlance verify --repair` or `qlance divergence embed-again` makes them \
     anew",
    "0 rows have an embedding that is not of length 1, as their space wants it; `qlance verify --repair` or `qlance \
     divergence embed-again` makes them anew",
    "0 rows differ from the vector that was carried over; `qlance verify --repair` or `qlance divergence embed-again` \
     makes them anew",
    "0 rows have an embedding whose cosine with Qdrant's vector is not the one that was stored with it: another \
     point's, or another model's; `qlance verify --repair` or `qlance divergence embed-again` makes them anew",
    "0 rows have no similarity stored with their embedding, although Qdrant has a vector to compare it with: nothing ties \
     it to its point; `qlance verify --repair` or `qlance divergence embed-again` makes them anew",
    "0 of 0 similarities lie below 0, 0 of them accepted",
    "asked about 0 of 0 points, 0 of them by each condition; below 0 all are",
    "0 % of 0 similarities lie below 0 (median 0), more than 1 %: look at `qlance divergence list`; or, if Qdrant's \
     vectors are of another space, say divergence.same_space = false",
    "0 rows cannot be held against Qdrant's vectors: no similarity is stored with them, or Qdrant has no vector to \
     compare with",
    "nothing ties the embeddings in {column} to their points: Qdrant's vectors do not, and no content was embedded again",
    "nothing ties the embeddings in {column} to their points: Qdrant's vectors do not, and no content was embedded \
     again; embedding 0 of them again would take about 0 tokens, $0: --pay allows it",
    "nothing ties the captions in {column} to their points: Qdrant's vectors do not, and no content was embedded again",
    "nothing ties the captions in {column} to their points: Qdrant's vectors do not, and no content was embedded again; \
     embedding 0 of them again would take about 0 tokens, $0: --pay allows it",
    "nothing ties 0 of the embeddings in {column} to their points: Qdrant's vectors do not, and no content was embedded \
     again",
    "nothing ties 0 of the embeddings in {column} to their points: Qdrant's vectors do not, and no content was embedded \
     again; embedding 0 of them again would take about 0 tokens, $0: --pay allows it",
    "nothing ties 0 of the captions in {column} to their points: Qdrant's vectors do not, and no content was embedded \
     again",
    "nothing ties 0 of the captions in {column} to their points: Qdrant's vectors do not, and no content was embedded \
     again; embedding 0 of them again would take about 0 tokens, $0: --pay allows it",
    "only 0 of the 0 untied embeddings in {column} were embedded again, and nothing else ties them to their points; at \
     least 0 are wanted (--again), or all of them",
    "only 0 of the 0 untied captions in {column} were embedded again, and nothing else ties them to their points; at least \
     0 are wanted (--again), or all of them",
    "only 0 of the embeddings in {column} were embedded again, and nothing else ties them to their points; at least 0 \
     are wanted (--again), or all of them",
    "only 0 of the captions in {column} were embedded again, and nothing else ties them to their points; at least 0 are \
     wanted (--again), or all of them",
    "no content was embedded again; embedding 0 of them again would take about 0 tokens, $0: --pay allows it",
    "0 of 0 contents give another vector when they are embedded again (least cosine 0): another model or another \
     prefix made the rows, or the server changed",
    "embedded again, all the same: 0 wrong among 0 of 0, so fewer than 0 % are wrong, at 95 % confidence",
    "0 contents cannot be embedded again now",
    // neighbours
    "there is no vector index yet: LanceDB compared with every row, which flatters what an index will find",
    "none of the drawn rows has a vector in both stores",
    "0 queries say too little; at least 50 are wanted (--queries), or one for every row",
    "not judged: LanceDB has no counterpart of Qdrant's Manhattan distance",
    "not judged: the table has embeddings of several spaces, Qdrant's answers are of all points",
    "not judged: Qdrant's vectors are of another space",
    "not judged: by their similarities (median 0) the spaces differ; divergence.same_space = true says otherwise",
    "not judged: no similarity is stored that would say that the spaces are the same",
    // index
    "0 of 0 fragments have fewer than 1,024 rows; `qlance run` puts them together",
    "{column} has no vector index over its 0 rows; `qlance run` builds it after the last point",
    "{column} has no vector index over its 0 rows; pipeline.index = false: then every search goes through all rows",
    "the index of {column} does not cover 0 of 0 rows, which every search then goes through; `qlance verify --repair` \
     or `qlance run` takes them in",
    "0 queries say too little of the index of {column}; at least 50 are wanted (--queries)",
    // filters
    "LanceDB's answers hold 0 ids that its own payloads do not, or lack them; an index on a payload column may be \
     stale: drop it, or build it anew",
    "no payload has a field that could be asked for",
    "0 ids are in one answer only because payloads or ids differ; those checks say which",
    "0 ids of Qdrant's answers are not what its own payloads say: a payload index of another type does that",
    "0 differing ids were not looked at",
    // health
    "the table lies in an object store: its files were not gone through one by one",
    "0 of 0 rows are deleted and still take room; `qlance run` puts the files together",
    "0 versions are kept; LanceDB's optimize with Prune lets old ones go (`qlance undo` needs the first)",
];

/// Sentences that end in, or hold, what someone else said: how they begin, and what is repeated of them.
const FOREIGN: &[(&str, &str)] = &[
    (
        "contents cannot be embedded again: ",
        "contents cannot be embedded again; `qlance verify` shows what the server said",
    ),
    (
        "Lance finds the table unsound: ",
        "Lance finds the table unsound; `qlance undo`, or restoring an older version, takes it back",
    ),
    (
        "files that the table names are missing or of another size: ",
        "files that the table names are missing or of another size; bring them back from a backup, or restore an older \
         version",
    ),
    (
        "0 files (0 MiB) belong to no version: ",
        "files of the table's directory belong to no version: commits that never came left them, and Prune lets them \
         go",
    ),
];

/// The way out behind a list of checks that were left out.
const ALL_CHECKED: &str = "; `qlance verify` without --only checks all";

/// A sentence with every number in it as `#`.
fn canonical(text: &str) -> String {
    let mut found = String::with_capacity(text.len());
    let mut letters = text.chars().peekable();
    let mut before = ' ';
    while let Some(c) = letters.next() {
        let signed = c == '-' && !before.is_alphanumeric() && letters.peek().is_some_and(char::is_ascii_digit);
        if c.is_ascii_digit() || signed {
            // A comma or a point belongs to the number where another digit follows.
            loop {
                let mut ahead = letters.clone();
                match ahead.next() {
                    Some('.' | ',') if ahead.next().is_some_and(|c| c.is_ascii_digit()) => {}
                    Some(c) if c.is_ascii_digit() => {}
                    _ => break,
                }
                letters.next();
            }
            found.push('#');
        } else {
            found.push(c);
        }
        before = c;
    }
    found
}

/// What of a reason or a remark is repeated without samples. `columns` are the columns of embeddings.
pub(super) fn repeated(text: &str, columns: &[&str]) -> String {
    if let Some((check, rest)) = text.split_once(": ")
        && CheckId::ALL.iter().any(|id| id.as_str() == check)
    {
        return format!("{check}: {}", repeated(rest, columns));
    }
    // A check without a reason of its own names its outcome.
    let outcomes = [Outcome::Fail.label(), Outcome::Inconclusive.label()];
    if outcomes.contains(&text) || is_own(text, columns) {
        return text.to_owned();
    }
    let plain = canonical(text);
    let foreign = FOREIGN.iter().find(|(begins, _)| plain.starts_with(&canonical(begins)));
    foreign.map_or(WITHHELD, |(_, said)| *said).to_owned()
}

/// Whether a text is one of qlance's own sentences, with numbers and columns in their places.
fn is_own(text: &str, columns: &[&str]) -> bool {
    if let Some(list) = text.strip_prefix("not checked: ") {
        // A verification that was kept before this way out was named has none.
        let list = list.strip_suffix(ALL_CHECKED).unwrap_or(list);
        return list
            .split(", ")
            .all(|word| CheckId::ALL.iter().any(|id| id.as_str() == word));
    }
    let plain = canonical(text);
    let missed = |what: &str, wanted: String| plain == canonical(&format!("{what} is 0; wanted: {wanted}"));
    THRESHOLDS
        .iter()
        .any(|threshold| missed(threshold.what, threshold.text()))
        || SENTENCES.iter().any(|sentence| {
            if sentence.contains("{column}") {
                let named = |column: &&str| plain == canonical(&sentence.replace("{column}", column));
                columns.iter().any(named)
            } else {
                plain == canonical(sentence)
            }
        })
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::*;

    #[test]
    fn own_sentences_are_repeated_and_others_are_not() {
        let columns = ["embedding", "embedding_image"];
        for text in [
            "ids: 3 points have no row; `qlance verify --repair` or `qlance sync` brings them over",
            "embedded again, all the same: 0 wrong among 50 of 20,000, so fewer than 6.00 % are wrong, at 95 % \
             confidence",
            "the index of embedding_image does not cover 1,024 of 20,000 rows, which every search then goes through; \
             `qlance verify --repair` or `qlance run` takes them in",
            "index: recall@10, mean is 0.612; wanted: at least 0.85, fails below 0.7",
            "vectors: 1.23 % of 812 similarities lie below -0.98 (median -0.123), more than 1 %: look at `qlance \
             divergence list`; or, if Qdrant's vectors are of another space, say divergence.same_space = false",
            "not checked: ids, payloads",
            "not checked: ids, payloads; `qlance verify` without --only checks all",
            "filters: inconclusive",
        ] {
            assert_eq!(repeated(text, &columns), text);
        }
        for (text, expected) in [
            ("ids: \"MARKER\" is no id", format!("ids: {WITHHELD}")),
            ("MARKER", WITHHELD.to_owned()),
            ("not checked: ids, MARKER", WITHHELD.to_owned()),
            (
                "not checked: MARKER; `qlance verify` without --only checks all",
                WITHHELD.to_owned(),
            ),
            (
                "MARKER has no vector index over its 3 rows; `qlance run` builds it after the last point",
                WITHHELD.to_owned(),
            ),
            (
                "vectors: contents cannot be embedded again: 400: MARKER",
                "vectors: contents cannot be embedded again; `qlance verify` shows what the server said".to_owned(),
            ),
            (
                "12 files (3 MiB) belong to no version: commits that never came left them, and Prune lets them go; \
                 first: MARKER",
                FOREIGN[3].1.to_owned(),
            ),
        ] {
            assert_eq!(repeated(text, &columns), expected);
        }
    }

    /// Whether a sentence of the sources, with `*` for what is filled in, can be one that is listed.
    fn is_one(pattern: &[char], text: &[char]) -> bool {
        match (pattern, text) {
            ([], []) => true,
            (['*', rest @ ..], _) => (0..=text.len()).any(|at| is_one(rest, &text[at..])),
            ([p, rest @ ..], [t, more @ ..]) => p == t && is_one(rest, more),
            _ => false,
        }
    }

    /// The first string literal of an argument list, with `*` for what is filled in; none where there is no literal.
    fn literal(arguments: &str) -> Option<String> {
        let text = arguments.trim_start();
        let text = text
            .strip_prefix("format!(")
            .unwrap_or(text)
            .trim_start()
            .strip_prefix('"')?;
        let (mut found, mut letters) = (String::new(), text.chars().peekable());
        while let Some(c) = letters.next() {
            match c {
                '"' => return Some(found),
                '\\' => while letters.next_if(|c| c.is_whitespace()).is_some() {},
                '{' => {
                    let _ = letters.by_ref().take_while(|c| *c != '}').count();
                    found.push('*');
                }
                c => found.push(c),
            }
        }
        None
    }

    fn sources(directory: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(directory).expect("the checks") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                sources(&path, found);
            } else if path.file_name().is_some_and(|name| name != "tests.rs") {
                found.push(path);
            }
        }
    }

    #[test]
    fn every_sentence_of_the_checks_is_listed() {
        let mut paths = Vec::new();
        sources(
            &Path::new(env!("CARGO_MANIFEST_DIR")).join("src/tasks/verify"),
            &mut paths,
        );
        let listed: Vec<Vec<char>> = SENTENCES
            .iter()
            .copied()
            .chain(FOREIGN.iter().map(|(begins, _)| *begins))
            .chain(["not checked: 0; `qlance verify` without --only checks all"])
            .map(|sentence| canonical(sentence).chars().collect())
            .collect();
        let mut seen = 0;
        for path in paths {
            let text = std::fs::read_to_string(&path).expect("read");
            let text = text.split("#[cfg(test)]").next().unwrap_or_default();
            for marker in [".fail(", ".doubt(", ".push("] {
                for (at, _) in text.match_indices(marker) {
                    let before = text[..at].trim_end();
                    let is_list = before.ends_with("notes") || before.ends_with("open");
                    let Some(sentence) = literal(&text[at + marker.len()..]).filter(|_| marker != ".push(" || is_list)
                    else {
                        continue;
                    };
                    seen += 1;
                    let pattern: Vec<char> = canonical(&sentence).chars().collect();
                    let foreign = FOREIGN
                        .iter()
                        .any(|(begins, _)| canonical(&sentence.replace('*', "0")).starts_with(&canonical(begins)));
                    assert!(
                        foreign || listed.iter().any(|listed| is_one(&pattern, listed)),
                        "{}: the report would leave this out: add it to SENTENCES in src/report/sentences.rs, or to \
                         FOREIGN where it repeats what someone else said: {sentence}",
                        path.display()
                    );
                }
            }
        }
        assert!(seen > 25, "only {seen} sentences were found");
    }
}
