//! Filtered queries: the same condition on payloads, asked of both stores, gives the same ids.
//!
//! Conditions are drawn from the payloads of a few rows: equal to what is there, a range around it, null, missing, and the
//! negation. An id that only one store names is looked at in both: where the payloads themselves differ, or one store
//! lacks the point, that is for the checks of payloads and ids. What is left is a store whose answer is not what its own
//! payloads say, and of LanceDB that is a failure.

use std::collections::{BTreeSet, HashMap};
use std::fmt;

use futures::future::BoxFuture;
use futures::{FutureExt as _, StreamExt as _, stream};
use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;
use rand::{Rng as _, SeedableRng as _};
use serde_json::{Value, json};

use super::{Check, CheckId, Ground};
use crate::lance::filter::to_sql;
use crate::lance::{Role, read};
use crate::point::filter::{Filter, Op, Path, Range, Scalar, Test};
use crate::point::verdict::FILTERED;
use crate::point::{Payload, PointId, grouped};
use crate::qdrant::filter::to_qdrant;
use crate::qdrant::source::{Part, among};

/// For the seed: the rows whose payloads are drawn from, and what is drawn.
const SALT: u64 = 5;
/// Rows whose payloads are drawn from.
const ROWS: u64 = 40;
/// Conditions of each kind.
const EACH: usize = 4;
/// Points of a collection, at most, whose every point is asked about. Without payload indexes each condition goes through
/// all of them in both stores, and what it would find of more is no other kind of fault.
const MOST_POINTS: u64 = 5_000;
/// Points of larger ones that a condition is asked about. The next condition is asked about others, in turns of
/// [`GROUPS`]: together they see more points than one could afford.
const AMONG: u64 = 200;
/// Groups of points that conditions are asked about in turns.
const GROUPS: u64 = 5;
/// Conditions asked at once.
const IN_FLIGHT: usize = 2;
/// Ids looked at in both stores at once.
const CHUNK: usize = 500;
/// Differing ids that are looked at, of one condition.
const MOST_LOOKED_AT: usize = 2_000;
/// Characters of a text that is asked for.
const MOST_CHARACTERS: usize = 200;

/// Which way a condition is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Equal,
    Range,
    Null,
    Missing,
    Not,
}

const KINDS: [Kind; 5] = [Kind::Equal, Kind::Range, Kind::Null, Kind::Missing, Kind::Not];

/// What was found so far.
#[derive(Debug, Default)]
struct Tally {
    asked: u64,
    ids: u64,
    /// Ids of one answer only that the stores' own payloads explain.
    explained: u64,
    /// Ids that Qdrant's answer has against its own payloads.
    odd_in_qdrant: u64,
    unlooked: u64,
}

/// What one condition found.
#[derive(Debug, Default)]
struct Found {
    /// Ids of either answer.
    ids: u64,
    /// Whom LanceDB's answer names or leaves out against its own payloads, and how.
    wrong: Vec<(PointId, String)>,
    explained: u64,
    odd_in_qdrant: u64,
    unlooked: u64,
}

impl Tally {
    fn take_in(&mut self, found: &Found) {
        self.asked += 1;
        self.ids += found.ids;
        self.explained += found.explained;
        self.odd_in_qdrant += found.odd_in_qdrant;
        self.unlooked += found.unlooked;
    }
}

/// The answers of both stores.
struct Answers {
    qdrant: BTreeSet<PointId>,
    lancedb: BTreeSet<PointId>,
}

pub(super) async fn run(ground: &Ground<'_>) -> anyhow::Result<Check> {
    let mut check = ground.check(CheckId::Filters);
    let payloads = payloads(ground).await?;
    let filters = conditions(&payloads, ground.wish.seed);
    let groups = groups(ground).await?;
    let mut tally = Tally::default();
    // Each is asked and looked into as one: what is not waited for would stand still while another's answer is looked
    // into, and may hold what that needs (Lance loads each page of an index once, for all who want it).
    let findings: Vec<BoxFuture<'_, _>> = filters
        .iter()
        .enumerate()
        .map(|(place, filter)| examine(ground, filter, group_of(groups.as_deref(), place)).boxed())
        .collect();
    let mut findings = stream::iter(findings).buffered(IN_FLIGHT);
    for done in 0..filters.len() {
        ground.check_stop()?;
        ground.report(CheckId::Filters, done as u64, filters.len() as u64);
        let Some(found) = findings.next().await else { break };
        let found = found?;
        tally.take_in(&found);
        for (id, said) in found.wrong {
            check.offenders.add(id, || said);
        }
    }
    ground.report(CheckId::Filters, filters.len() as u64, filters.len() as u64);
    let wrong = check.offenders.total;
    check.threshold = FILTERED.named();
    check.figure = format!(
        "{} conditions, {} ids, {} wrong",
        grouped(tally.asked),
        grouped(tally.ids),
        grouped(wrong)
    );
    if wrong > 0 {
        check.fail(format!(
            "LanceDB's answers hold {} ids that its own payloads do not, or lack them; an index on a payload column may \
             be stale: drop it, or build it anew",
            grouped(wrong)
        ));
    }
    if filters.is_empty() && ground.rows > 0 {
        check
            .notes
            .push("no payload has a field that could be asked for".to_owned());
    }
    // Of few conditions not every group has its turn.
    let asked_about = groups
        .as_ref()
        .map(|groups| groups.iter().take(filters.len()).map(Vec::len).sum::<usize>());
    if let Some(ids) = asked_about {
        check.notes.push(format!(
            "asked about {} of {} points, {} of them by each condition; below {} all are",
            grouped(ids as u64),
            grouped(ground.points),
            grouped(AMONG),
            grouped(MOST_POINTS)
        ));
    }
    if tally.explained > 0 {
        check.notes.push(format!(
            "{} ids are in one answer only because payloads or ids differ; those checks say which",
            grouped(tally.explained)
        ));
    }
    if tally.odd_in_qdrant > 0 {
        check.notes.push(format!(
            "{} ids of Qdrant's answers are not what its own payloads say: a payload index of another type does that",
            grouped(tally.odd_in_qdrant)
        ));
    }
    if tally.unlooked > 0 {
        check.doubt(format!("{} differing ids were not looked at", grouped(tally.unlooked)));
    }
    if tally.asked == 0 {
        check.saw_nothing();
    }
    let asked: Vec<String> = filters.iter().map(shown).collect();
    check.numbers = json!({
        "conditions": asked, "asked": tally.asked, "asked_about": asked_about, "ids": tally.ids,
        "wrong": wrong, "explained": tally.explained, "odd_in_qdrant": tally.odd_in_qdrant,
    });
    Ok(check)
}

/// The payloads of a few rows.
async fn payloads(ground: &Ground<'_>) -> anyhow::Result<Vec<Payload>> {
    let columns = ground.columns(|role| matches!(role, Role::Id | Role::Payload(_) | Role::Extra));
    let rows = ground.rows_at(&ground.places(ROWS, SALT), &columns).await?;
    Ok(rows.into_iter().map(|row| row.point.payload).collect())
}

/// Conditions drawn from payloads, some of each kind, each about another field where there are enough of them.
fn conditions(payloads: &[Payload], seed: u64) -> Vec<Filter> {
    let mut rng = StdRng::seed_from_u64(seed ^ SALT);
    let mut drawn: Vec<(Kind, &str, Filter)> = Vec::new();
    let mut order: Vec<&Payload> = payloads.iter().collect();
    order.shuffle(&mut rng);
    for kind in KINDS {
        let mut keys = BTreeSet::new();
        let mut more = Vec::new();
        for payload in &order {
            let mut fields: Vec<(&String, &Value)> = payload.iter().collect();
            fields.shuffle(&mut rng);
            for (key, value) in fields {
                let Some(filter) = condition(kind, key, value, &mut rng) else {
                    continue;
                };
                if keys.insert(key.as_str()) {
                    drawn.push((kind, key, filter));
                } else {
                    more.push((kind, key.as_str(), filter));
                }
                break;
            }
            if keys.len() == EACH {
                break;
            }
        }
        more.truncate(EACH.saturating_sub(keys.len()));
        drawn.extend(more);
    }
    let mut filters: Vec<Filter> = Vec::new();
    for (_, _, filter) in drawn {
        if !filters.contains(&filter) {
            filters.push(filter);
        }
    }
    filters
}

/// A condition of a kind about a field, where its value allows one.
fn condition(kind: Kind, key: &str, value: &Value, rng: &mut StdRng) -> Option<Filter> {
    // Qdrant's notation of paths has no way to say these.
    if key.is_empty() || key.contains(['"', '\\']) {
        return None;
    }
    let path: Path = format!("\"{key}\"").parse().ok()?;
    let is = |op: Op| Filter::Is(Test { path, op });
    match kind {
        Kind::Equal => Some(is(Op::Equals(scalar(value)?))),
        Kind::Not => Some(Filter::Not(Box::new(is(Op::Equals(scalar(value)?))))),
        Kind::Range => {
            let number = value.as_f64().filter(|number| number.is_finite())?;
            let width = number.abs() * 0.1 + 1.0;
            Some(is(Op::Range(match rng.random_range(0..3) {
                0 => Range::AtLeast(number),
                1 => Range::Below(number),
                _ => Range::Between(number - width, number + width),
            })))
        }
        Kind::Null => Some(is(Op::Null)),
        Kind::Missing => Some(is(Op::Missing)),
    }
}

/// What can be asked for whole.
fn scalar(value: &Value) -> Option<Scalar> {
    match value {
        Value::String(text) if text.chars().count() <= MOST_CHARACTERS => Some(Scalar::Text(text.clone())),
        Value::Bool(flag) => Some(Scalar::Bool(*flag)),
        Value::Number(number) if number.is_f64() => number.as_f64().map(Scalar::Float),
        Value::Number(number) => number.as_i64().map(Scalar::Int),
        _ => None,
    }
}

/// The points that are asked about where not all are, in groups.
async fn groups(ground: &Ground<'_>) -> anyhow::Result<Option<Vec<Vec<PointId>>>> {
    if ground.points.max(ground.rows) <= MOST_POINTS {
        return Ok(None);
    }
    Ok(Some(dealt(ground.ids_at(&ground.places(GROUPS * AMONG, SALT)).await?)))
}

/// Deals ids out to the groups one by one, so that each has some of everywhere.
fn dealt(ids: impl IntoIterator<Item = PointId>) -> Vec<Vec<PointId>> {
    let mut groups = vec![Vec::new(); GROUPS as usize];
    for (place, id) in ids.into_iter().enumerate() {
        groups[place % GROUPS as usize].push(id);
    }
    groups.retain(|group| !group.is_empty());
    groups
}

/// The points that the condition at this place is asked about; none is all.
fn group_of(groups: Option<&[Vec<PointId>]>, place: usize) -> Option<&[PointId]> {
    let groups = groups.filter(|groups| !groups.is_empty())?;
    Some(&groups[place % groups.len()])
}

/// Asks both stores, about these points or about all.
async fn ask(ground: &Ground<'_>, filter: &Filter, about: Option<&[PointId]>) -> anyhow::Result<Answers> {
    let sql = to_sql(filter, &ground.inspector.schema)?;
    let mut in_qdrant = to_qdrant(filter);
    let mut in_lancedb = sql.sql.clone();
    if let Some(ids) = about {
        let list: Vec<String> = ids.iter().map(|id| format!("'{id}'")).collect();
        in_qdrant = among(in_qdrant, ids);
        // The ids first: what they leave is few, and only there the payloads are looked into.
        in_lancedb = format!("id IN ({}) AND ({in_lancedb})", list.join(","));
    }
    let of_qdrant = async {
        let mut found = BTreeSet::new();
        let mut offset = None;
        loop {
            ground.check_stop()?;
            let source = &ground.inspector.source;
            let (ids, next) = source.scroll_ids(offset, 5_000, Some(in_qdrant.clone())).await?;
            found.extend(ids);
            match next {
                Some(next) => offset = Some(next),
                None => return anyhow::Ok(found),
            }
        }
    };
    // Of a table with repeated ids there may be more rows than ids.
    let most = 2 * MOST_POINTS as usize;
    let of_lancedb = ground.pinned.ids_where(&in_lancedb, most);
    let (qdrant, lancedb) = tokio::try_join!(of_qdrant, of_lancedb)?;
    let mut lancedb: BTreeSet<PointId> = lancedb.into_iter().collect();
    if !sql.exact {
        // What SQL cannot say exactly, whoever asks has to look through; so does the search.
        let held = rows_of(ground, &lancedb.iter().copied().collect::<Vec<_>>()).await?;
        lancedb.retain(|id| {
            held.get(id)
                .is_some_and(|rows| rows.iter().any(|row| filter.matches(row)))
        });
    }
    Ok(Answers { qdrant, lancedb })
}

/// Asks both stores, and looks at what only one of them names.
async fn examine(ground: &Ground<'_>, filter: &Filter, about: Option<&[PointId]>) -> anyhow::Result<Found> {
    let answers = ask(ground, filter, about).await?;
    let differing: Vec<PointId> = answers.qdrant.symmetric_difference(&answers.lancedb).copied().collect();
    let mut found = Found {
        ids: answers.qdrant.union(&answers.lancedb).count() as u64,
        unlooked: differing.len().saturating_sub(MOST_LOOKED_AT) as u64,
        ..Found::default()
    };
    let looked_at = &differing[..differing.len().min(MOST_LOOKED_AT)];
    let part = Part {
        payloads: true,
        vectors: false,
    };
    for ids in looked_at.chunks(CHUNK) {
        let points = ground.inspector.source.get_part(ids, part).await?;
        let points: HashMap<PointId, Payload> = points
            .into_iter()
            .flatten()
            .map(|point| (point.id, point.payload))
            .collect();
        let rows = rows_of(ground, ids).await?;
        for id in ids {
            let in_rows = rows
                .get(id)
                .is_some_and(|rows| rows.iter().any(|row| filter.matches(row)));
            let in_points = points.get(id).is_some_and(|point| filter.matches(point));
            if in_rows != answers.lancedb.contains(id) {
                let how = if in_rows { "not found" } else { "found" };
                found
                    .wrong
                    .push((*id, format!("{how} by {} in LanceDB", shown(filter))));
            } else if in_points != answers.qdrant.contains(id) {
                found.odd_in_qdrant += 1;
            } else {
                found.explained += 1;
            }
        }
    }
    Ok(found)
}

/// The payloads that the rows of these ids hold.
async fn rows_of(ground: &Ground<'_>, ids: &[PointId]) -> anyhow::Result<HashMap<PointId, Vec<Payload>>> {
    let mut found: HashMap<PointId, Vec<Payload>> = HashMap::new();
    for ids in ids.chunks(CHUNK) {
        for row in read::payloads_by_id(&ground.table, &ground.inspector.schema, ids).await? {
            found.entry(row.point.id).or_default().push(row.point.payload);
        }
    }
    Ok(found)
}

/// A condition without what is asked for: payloads are nobody's business but the operator's.
fn shown(filter: &Filter) -> String {
    struct Kinds<'a>(&'a Filter);
    impl fmt::Display for Kinds<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            match self.0 {
                Filter::Not(inner) => write!(f, "NOT {}", Kinds(inner)),
                Filter::Is(Test { path, op }) => match op {
                    Op::Equals(Scalar::Text(_)) => write!(f, "{path} = 'text'"),
                    Op::Equals(Scalar::Int(_)) => write!(f, "{path} = integer"),
                    Op::Equals(Scalar::Float(_)) => write!(f, "{path} = double"),
                    Op::Equals(Scalar::Bool(_)) => write!(f, "{path} = boolean"),
                    Op::Range(_) => write!(f, "{path} in a range"),
                    Op::Null => write!(f, "{path} IS NULL"),
                    Op::Missing => write!(f, "{path} IS MISSING"),
                    Op::In(_) | Op::Empty => write!(f, "{path}"),
                },
                Filter::And(_) | Filter::Or(_) => f.write_str("several"),
            }
        }
    }
    Kinds(filter).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payloads() -> Vec<Payload> {
        (0..30)
            .map(|n| {
                let value = json!({
                    "text": format!("secret {n}"), "n": n, "score": f64::from(n) / 2.0, "flag": n % 2 == 0,
                    "list": [n], "note": null, "odd key": "x", "quoted\"key": 1
                });
                match value {
                    Value::Object(payload) => payload,
                    other => panic!("no object: {other}"),
                }
            })
            .collect()
    }

    #[test]
    fn conditions_take_turns_at_groups_that_share_no_point() {
        let groups = Some(dealt((0..GROUPS * AMONG).map(PointId::Num)));
        let asked: Vec<&[PointId]> = (0..6).filter_map(|place| group_of(groups.as_deref(), place)).collect();
        assert!(asked.iter().all(|ids| ids.len() as u64 == AMONG));
        let seen: BTreeSet<PointId> = asked[..5].concat().into_iter().collect();
        assert_eq!(seen.len() as u64, GROUPS * AMONG);
        assert_eq!(asked[5], asked[0]);
        assert_eq!(
            group_of(Some(&dealt([PointId::Num(1)].into_iter())), 3),
            Some(&[PointId::Num(1)][..])
        );
        assert_eq!(group_of(Some(&[]), 0), None, "a table without rows");
        assert_eq!(group_of(None, 0), None);
    }

    #[test]
    fn conditions_of_every_kind_are_drawn_and_read_back() {
        let filters = conditions(&payloads(), 1);
        let said: Vec<String> = filters.iter().map(shown).collect();
        for wanted in ["= ", "in a range", "IS NULL", "IS MISSING", "NOT "] {
            assert!(said.iter().any(|said| said.contains(wanted)), "{wanted}: {said:?}");
        }
        for filter in &filters {
            assert_eq!(filter.to_string().parse::<Filter>().as_ref(), Ok(filter), "{filter}");
            assert!(!filter.to_string().contains("quoted"), "{filter}");
        }
        assert!(filters.len() <= KINDS.len() * EACH, "{said:?}");
        assert!(said.iter().all(|said| !said.contains("secret")), "{said:?}");
    }

    #[test]
    fn the_seed_decides() {
        let payloads = payloads();
        assert_eq!(conditions(&payloads, 7), conditions(&payloads, 7));
        assert_ne!(conditions(&payloads, 7), conditions(&payloads, 8));
        assert!(conditions(&[], 7).is_empty());
    }

    #[test]
    fn an_equal_condition_finds_the_payload_that_it_was_drawn_from() {
        let mut rng = StdRng::seed_from_u64(1);
        let payload = &payloads()[3];
        for (key, value) in payload {
            for kind in [Kind::Equal, Kind::Null, Kind::Missing] {
                let Some(filter) = condition(kind, key, value, &mut rng) else {
                    continue;
                };
                let expected = match kind {
                    Kind::Equal => true,
                    Kind::Null => value.is_null(),
                    _ => false,
                };
                assert_eq!(filter.matches(payload), expected, "{filter}");
            }
        }
    }
}
