use super::*;

const NOW: i64 = 1_790_000_000_000;
const MINUTE: i64 = 60_000;

/// A job that has everything behind it.
fn all_done() -> Facts {
    Facts {
        qlance: "qlance".into(),
        collection: "messages".into(),
        job: "job-1".into(),
        now: NOW,
        uri: "/data/it's.lance".into(),
        table: "messages".into(),
        version: Some(10),
        version_at: NOW - 30 * MINUTE,
        versions: 1,
        tagged: false,
        ranges_done: 4,
        ranges: 4,
        points: 100,
        rows: 98,
        adopted_rows: 0,
        failed: 0,
        skipped: 2,
        failed_gone: 0,
        skipped_gone: 0,
        verified: Kept::There(Verified {
            decision: Decision::Go,
            reasons: Vec::new(),
            version: 10,
            points: 100,
            sample: None,
            all_the_same: true,
            began_at: NOW - 20 * MINUTE,
        }),
        compared: Kept::There(Compared {
            began_at: NOW - 10 * MINUTE,
        }),
        indexes: Ok(vec![
            index("index on id", true, false, 0),
            index("vector index on embedding", false, true, 0),
        ]),
        builds_indexes: true,
    }
}

fn index(name: &str, there: bool, needless: bool, uncovered: u64) -> Indexed {
    Indexed {
        name: name.into(),
        there,
        needless,
        uncovered,
    }
}

fn seen(facts: &mut Facts) -> &mut Verified {
    match &mut facts.verified {
        Kept::There(seen) => seen,
        other => panic!("{other:?}"),
    }
}

fn item(facts: &Facts, id: &str) -> Item {
    let found = items(facts).into_iter().find(|item| item.id == id);
    found.unwrap_or_else(|| panic!("no item {id}"))
}

#[test]
fn what_is_done_is_done_and_what_cannot_be_seen_stays_unknown() {
    let all = items(&all_done());
    let states: Vec<(&str, State)> = all.iter().map(|item| (item.id, item.state)).collect();
    assert_eq!(
        states,
        [
            ("complete", State::Done),
            ("failures", State::Done),
            ("indexed", State::Done),
            ("writers", State::Unknown),
            ("caught-up", State::Done),
            ("verified", State::Done),
            ("compared", State::Done),
            ("old-store", State::Unknown),
            ("versions", State::Done),
        ]
    );
    for item in all {
        assert!(!item.text.is_empty());
        // What is done needs no command.
        assert!(item.state != State::Done || item.command.is_none(), "{item:?}");
    }
}

type Change = fn(&mut Facts);

#[test]
fn each_fact_opens_its_item() {
    let table: &[(&str, Change, &str, State, &str, &str)] = &[
        (
            "no table",
            |f| f.version = None,
            "complete",
            State::Open,
            "no table",
            "qlance run",
        ),
        (
            "no table",
            |f| f.version = None,
            "failures",
            State::Done,
            "given up",
            "",
        ),
        (
            "no table",
            |f| f.version = None,
            "verified",
            State::Open,
            "no table",
            "qlance verify",
        ),
        (
            "no table",
            |f| f.version = None,
            "compared",
            State::Open,
            "no table",
            "qlance compare",
        ),
        (
            "no table",
            |f| f.version = None,
            "versions",
            State::Unknown,
            "no table",
            "",
        ),
        (
            "unread",
            |f| f.ranges_done = 3,
            "complete",
            State::Open,
            "3 of 4",
            "qlance run",
        ),
        (
            "unread",
            |f| f.ranges_done = 3,
            "caught-up",
            State::Open,
            "not come to its end",
            "qlance run",
        ),
        (
            "undecided",
            |f| f.failed = 2,
            "failures",
            State::Open,
            "2 points failed",
            "qlance failures list",
        ),
        (
            "one of the undecided is gone",
            |f| (f.failed, f.failed_gone) = (2, 1),
            "failures",
            State::Open,
            "1 point failed and nobody has decided about it: retry, edit or skip it",
            "qlance failures list",
        ),
        (
            "all of the undecided are gone",
            |f| (f.failed, f.failed_gone, f.skipped) = (2, 2, 0),
            "failures",
            State::Done,
            "every point that failed is gone from Qdrant",
            "",
        ),
        (
            "what is gone makes up for no row",
            |f| (f.rows, f.skipped, f.skipped_gone) = (98, 3, 2),
            "caught-up",
            State::Open,
            "(1 off)",
            "qlance sync",
        ),
        (
            "none failed",
            |f| f.skipped = 0,
            "failures",
            State::Done,
            "no point failed",
            "",
        ),
        (
            "an index is missing",
            |f| f.indexes = Ok(vec![index("vector index on embedding", false, false, 0)]),
            "indexed",
            State::Open,
            "there is no vector index on embedding",
            "qlance run",
        ),
        (
            "indexes are not wanted",
            |f| {
                f.builds_indexes = false;
                f.indexes = Ok(vec![index("index on id", false, false, 0)]);
            },
            "indexed",
            State::Open,
            "pipeline.index = false",
            "qlance run",
        ),
        (
            "a tail is not covered",
            |f| f.indexes = Ok(vec![index("index on id", true, false, 7)]),
            "indexed",
            State::Open,
            "does not cover 7 rows",
            "qlance run",
        ),
        // Too few rows for one that is there all the same: it still has to cover them.
        (
            "a needless one is not covered",
            |f| f.indexes = Ok(vec![index("vector index on embedding", true, true, 1)]),
            "indexed",
            State::Open,
            "does not cover 1 row",
            "qlance run",
        ),
        (
            "unreadable",
            |f| f.indexes = Err("torn".into()),
            "indexed",
            State::Unknown,
            "torn",
            "",
        ),
        (
            "more points",
            |f| f.points = 101,
            "caught-up",
            State::Open,
            "1 off",
            "qlance sync",
        ),
        (
            "fewer points",
            |f| f.points = 97,
            "caught-up",
            State::Open,
            "3 off",
            "qlance sync",
        ),
        (
            "more points",
            |f| f.points = 101,
            "verified",
            State::Open,
            "101 by now",
            "qlance sync",
        ),
        (
            "adopted rows may be no points",
            |f| {
                f.rows += 5;
                f.adopted_rows = 5;
            },
            "caught-up",
            State::Done,
            "the same in both stores",
            "",
        ),
        (
            "not all compared",
            |f| seen(f).all_the_same = false,
            "caught-up",
            State::Unknown,
            "may have changed",
            "qlance sync",
        ),
        (
            "never verified",
            |f| f.verified = Kept::None,
            "caught-up",
            State::Unknown,
            "may have changed",
            "qlance sync",
        ),
        (
            "never verified",
            |f| f.verified = Kept::None,
            "verified",
            State::Open,
            "nobody has",
            "qlance verify",
        ),
        (
            "garbage",
            |f| f.verified = Kept::Unreadable("no JSON".into()),
            "verified",
            State::Unknown,
            "no JSON",
            "qlance verify",
        ),
        (
            "no-go",
            |f| {
                seen(f).decision = Decision::NoGo;
                seen(f).reasons = ["a", "b", "c", "d", "e"].map(str::to_owned).to_vec();
            },
            "verified",
            State::Open,
            "NO-GO at version 10 20 min ago: a; b; c; and 2 reasons more",
            "qlance verify --repair",
        ),
        (
            "inconclusive",
            |f| {
                seen(f).decision = Decision::Inconclusive;
                seen(f).reasons = vec!["few".into()];
            },
            "verified",
            State::Open,
            "INCONCLUSIVE at version 10 20 min ago: few",
            "qlance verify",
        ),
        (
            "newer table",
            |f| f.version = Some(12),
            "verified",
            State::Open,
            "at version 12 by now",
            "qlance verify",
        ),
        (
            "newer table",
            |f| f.version = Some(12),
            "caught-up",
            State::Unknown,
            "may have changed",
            "qlance sync",
        ),
        (
            "a sample",
            |f| seen(f).sample = Some(50),
            "verified",
            State::Done,
            "50 rows were looked at",
            "",
        ),
        (
            "never measured",
            |f| f.compared = Kept::None,
            "compared",
            State::Open,
            "fast enough",
            "qlance compare",
        ),
        (
            "newer table",
            |f| f.version_at = NOW,
            "compared",
            State::Open,
            "is newer",
            "qlance compare",
        ),
        (
            "garbage",
            |f| f.compared = Kept::Unreadable("no JSON".into()),
            "compared",
            State::Unknown,
            "no JSON",
            "qlance compare",
        ),
    ];
    for (name, change, id, state, said, command) in table {
        let mut facts = all_done();
        change(&mut facts);
        let found = item(&facts, id);
        assert_eq!(found.state, *state, "{name}: {found:?}");
        // Whatever is open has a command that closes it.
        assert_eq!(found.command.is_none(), command.is_empty(), "{name}: {found:?}");
        assert!(*state != State::Open || !command.is_empty(), "{name}");
        assert!(found.text.contains(said), "{name}: {found:?}");
        assert_eq!(
            found.command.as_deref().unwrap_or_default(),
            *command,
            "{name}: {found:?}"
        );
    }
}

#[test]
fn nothing_failed_is_not_known_before_anything_was_read() {
    let mut facts = all_done();
    (facts.version, facts.skipped) = (None, 0);
    assert_eq!(item(&facts, "failures").state, State::Unknown);
}

#[test]
fn old_versions_go_last_and_the_command_survives_quotes() {
    let mut facts = all_done();
    (facts.versions, facts.tagged) = (7, true);
    facts.version_at = NOW - 8 * 24 * 60 * MINUTE;
    let found = item(&facts, "versions");
    assert_eq!(found.state, State::Open);
    assert!(found.text.contains("7 versions"), "{found:?}");
    let command = found.command.expect("a command");
    assert!(command.contains("t.tags.delete(\"qlance-before-job-1\")"), "{command}");
    assert!(command.contains(r"/data/it'\''s.lance"), "{command}");
    facts.tagged = false;
    let command = item(&facts, "versions").command.expect("a command");
    assert!(!command.contains("tags"), "{command}");
    assert_eq!(items(&facts).last().map(|item| item.id), Some("versions"));
}

#[test]
fn what_would_take_nothing_away_but_the_way_back_is_not_offered() {
    let mut facts = all_done();
    (facts.versions, facts.tagged) = (7, true);
    for days in [0, 3, 7] {
        facts.version_at = NOW - days * 24 * 60 * MINUTE;
        let found = item(&facts, "versions");
        assert_eq!((found.state, &found.command), (State::Open, &None), "{days} days");
        assert!(
            found.text.contains("7 versions") && found.text.contains("older than 7 days"),
            "{found:?}"
        );
    }
}

#[test]
fn commands_begin_as_qlance_was_called() {
    let mut facts = all_done();
    facts.qlance = "qlance --config 'my job.toml'".into();
    facts.verified = Kept::None;
    let command = item(&facts, "verified").command;
    assert_eq!(command.as_deref(), Some("qlance --config 'my job.toml' verify"));
}

#[test]
fn how_long_ago() {
    let facts = all_done();
    for (minutes, expected) in [
        (0, "just now"),
        (-5, "just now"),
        (119, "119 min ago"),
        (120, "2 h ago"),
        (2_880, "2 days ago"),
    ] {
        assert_eq!(facts.ago(NOW - minutes * MINUTE), expected);
    }
}
