//! Which settings of LanceDB's index reach a recall, and which of those is the cheapest. A bounded grid, fit for the
//! kind of index; the settings take turns query by query.

use std::time::{Duration, Instant};

use super::contender::Contender;
use super::latency::{once, turn};
use super::queries::Query;
use super::recall::{exact_answer, of_answer};
use super::result::{Setting, Tried, milliseconds};
use super::{Stage, Tell};
use crate::lance::search::VectorIndex;
use crate::point::ranking::{Percentiles, Spread};

/// Queries of each setting at most.
pub(super) const MOST_QUERIES: usize = 200;
/// Queries that each setting is warmed up with at most.
const WARM_UP: usize = 10;
/// Steps from one partition to all.
const PROBES: u32 = 6;
/// Factors of rows that are compared again by their whole vectors, where the index holds shortened ones.
const REFINE: [Option<u32>; 4] = [None, Some(1), Some(4), Some(16)];
/// The same where a graph is searched too: the third dimension of a grid that is to stay small.
const REFINE_GRAPH: [Option<u32>; 2] = [None, Some(4)];
/// Candidates of a graph search, in halves of the rows wanted; 3 halves are LanceDB's own, less than 2 are refused.
const EF_HALVES: [usize; 5] = [2, 3, 8, 20, 60];
/// Latencies this much apart, as a share, are the same: then the setting that looks at less is the cheaper one.
const NOISE: f64 = 0.05;

/// The settings to try, from cheap to dear, LanceDB's own first.
fn grid(index: &VectorIndex, k: usize) -> Vec<Setting> {
    let kind = index.kind.as_str();
    let is_whole = kind.ends_with("FLAT");
    let is_graph = kind.contains("HNSW");
    let probes = probes(index.partitions);
    let mut grid = vec![Setting::default()];
    if is_graph {
        // The graph is what costs: of the partitions only one, the root of all, and all.
        let middle = probes.len() / 2;
        let mut few = vec![probes[0], probes[middle], probes[probes.len() - 1]];
        few.dedup();
        let refine = if is_whole {
            &REFINE_GRAPH[..1]
        } else {
            &REFINE_GRAPH[..]
        };
        for nprobes in few {
            for refine_factor in refine {
                for halves in EF_HALVES {
                    let wanted = (k + 1) * refine_factor.unwrap_or(1) as usize;
                    grid.push(Setting {
                        nprobes: Some(nprobes),
                        refine_factor: *refine_factor,
                        ef: Some((wanted * halves).div_ceil(2)),
                    });
                }
            }
        }
        return grid;
    }
    let refine = if is_whole { &REFINE[..1] } else { &REFINE[..] };
    for nprobes in probes {
        for refine_factor in refine {
            grid.push(Setting {
                nprobes: Some(nprobes),
                refine_factor: *refine_factor,
                ef: None,
            });
        }
    }
    grid
}

/// Partitions to look at: from one to all, each step the same multiple of the one before.
fn probes(partitions: usize) -> Vec<usize> {
    let all = partitions.max(1);
    let step = |n: u32| (all as f64).powf(f64::from(n) / f64::from(PROBES - 1)).round() as usize;
    let mut probes: Vec<usize> = (0..PROBES).map(|n| step(n).clamp(1, all)).collect();
    probes.dedup();
    probes
}

/// Tries the settings and chooses one.
///
/// # Errors
/// LanceDB cannot be asked.
pub(super) async fn run(
    (index, exact): (&Contender, &Contender),
    facts: &VectorIndex,
    queries: &[Query],
    (k, target): (usize, f64),
    tell: &Tell<'_>,
) -> anyhow::Result<Vec<Tried>> {
    let grid = grid(facts, k);
    let contenders: Vec<Contender> = grid.iter().map(|setting| index.tuned(*setting)).collect();
    let queries = &queries[..queries.len().min(MOST_QUERIES)];
    for query in &queries[..queries.len().min(WARM_UP)] {
        for contender in &contenders {
            once(contender, query, k + 1).await?;
        }
    }
    let mut took: Vec<Vec<Duration>> = vec![Vec::new(); grid.len()];
    let mut shares: Vec<Vec<f64>> = vec![Vec::new(); grid.len()];
    for (place, query) in queries.iter().enumerate() {
        tell(Stage::Sweep, place, queries.len());
        let answer = exact_answer(exact, query, k).await?;
        for which in turn(place, contenders.len()) {
            let contender = &contenders[which];
            let begun = Instant::now();
            let found = contender.ask(query, k + 1).await?;
            took[which].push(begun.elapsed());
            shares[which].extend(of_answer(query, found, &answer, k, contender.scoring));
        }
    }
    let figures = took.iter().zip(&shares);
    let tried = grid.iter().zip(figures).filter_map(|(setting, (took, shares))| {
        Some(Tried {
            nprobes: setting.nprobes,
            refine_factor: setting.refine_factor,
            ef: setting.ef,
            recall: Spread::of(shares)?.mean,
            p50_ms: milliseconds(Percentiles::of(took)?.p50),
            chosen: false,
        })
    });
    let mut tried: Vec<Tried> = tried.collect();
    choose(&mut tried, target);
    Ok(tried)
}

/// Marks the cheapest that reaches the recall, if any does: of those as fast as the fastest of them, the first.
fn choose(tried: &mut [Tried], target: f64) {
    let reaches = |tried: &&Tried| tried.recall >= target;
    let fastest = tried
        .iter()
        .filter(reaches)
        .map(|tried| tried.p50_ms)
        .min_by(f64::total_cmp);
    let Some(fastest) = fastest else { return };
    let limit = fastest * (1.0 + NOISE);
    let chosen = tried
        .iter_mut()
        .find(|tried| tried.recall >= target && tried.p50_ms <= limit);
    if let Some(chosen) = chosen {
        chosen.chosen = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn index(kind: &str, partitions: usize) -> VectorIndex {
        VectorIndex {
            kind: kind.to_owned(),
            partitions,
        }
    }

    fn tried(figures: &[(f64, f64)]) -> Vec<Tried> {
        let one = |(recall, p50_ms): &(f64, f64)| Tried {
            nprobes: None,
            refine_factor: None,
            ef: None,
            recall: *recall,
            p50_ms: *p50_ms,
            chosen: false,
        };
        figures.iter().map(one).collect()
    }

    #[test]
    fn probes_go_from_one_to_all_in_few_steps() {
        for (partitions, expected) in [
            (0, &[1][..]),
            (1, &[1]),
            (2, &[1, 2]),
            (8, &[1, 2, 3, 5, 8]),
            (32, &[1, 2, 4, 8, 16, 32]),
            (100_000, &[1, 10, 100, 1_000, 10_000, 100_000]),
        ] {
            assert_eq!(probes(partitions), expected, "{partitions}");
        }
    }

    #[test]
    fn each_kind_is_tried_by_what_it_knows() {
        for (kind, refines, graph) in [
            ("IVF_FLAT", false, false),
            ("IVF_PQ", true, false),
            ("IVF_SQ", true, false),
            ("IVF_RQ", true, false),
            ("IVF_HNSW_FLAT", false, true),
            ("IVF_HNSW_PQ", true, true),
            ("IVF_HNSW_SQ", true, true),
        ] {
            let grid = grid(&index(kind, 256), 10);
            assert_eq!(grid[0], Setting::default(), "{kind}: LanceDB's own come first");
            assert_eq!(grid.iter().any(|one| one.refine_factor.is_some()), refines, "{kind}");
            assert_eq!(grid[1..].iter().all(|one| one.ef.is_some()), graph, "{kind}");
            assert_eq!(grid.iter().any(|one| one.ef.is_some()), graph, "{kind}");
            assert!((2..=31).contains(&grid.len()), "{kind}: {}", grid.len());
            let all = grid.iter().filter_map(|one| one.nprobes).max();
            assert_eq!(all, Some(256), "{kind}: the dearest looks at everything");
        }
    }

    #[test]
    fn the_cheapest_that_reaches_it_is_chosen() {
        for (figures, target, expected) in [
            (&[(0.5, 1.0), (0.96, 3.0), (0.97, 2.0), (1.0, 9.0)][..], 0.95, Some(2)),
            // As fast as the fastest: the one that looks at less.
            (&[(0.5, 1.0), (0.96, 2.05), (0.97, 2.0)], 0.95, Some(1)),
            (&[(0.5, 1.0), (0.96, 2.2), (0.97, 2.0)], 0.95, Some(2)),
            (&[(0.95, 1.0)], 0.95, Some(0)),
            (&[(0.949, 1.0)], 0.95, None),
            (&[], 0.95, None),
        ] {
            let mut tried = tried(figures);
            choose(&mut tried, target);
            let chosen: Vec<usize> = (0..tried.len()).filter(|place| tried[*place].chosen).collect();
            assert_eq!(chosen, expected.into_iter().collect::<Vec<usize>>(), "{figures:?}");
        }
    }

    proptest! {
        /// A graph search with fewer candidates than results is refused by Lance.
        #[test]
        fn no_setting_is_refused(partitions in 0_usize..5_000, k in 1_usize..1_001) {
            for kind in ["IVF_HNSW_SQ", "IVF_HNSW_FLAT", "IVF_PQ"] {
                for setting in grid(&index(kind, partitions), k) {
                    let wanted = (k + 1) * setting.refine_factor.unwrap_or(1) as usize;
                    prop_assert!(setting.ef.is_none_or(|ef| ef >= wanted), "{:?}", setting);
                    prop_assert!(setting.nprobes.is_none_or(|n| (1..=partitions.max(1)).contains(&n)), "{:?}", setting);
                }
            }
        }

        #[test]
        fn the_chosen_one_reaches_it_and_none_that_does_is_much_faster(
            figures in prop::collection::vec((0.0_f64..=1.0, 0.1_f64..10.0), 0..20), target in 0.0_f64..=1.0,
        ) {
            let mut tried = tried(&figures);
            choose(&mut tried, target);
            let good: Vec<f64> = figures.iter().filter(|one| one.0 >= target).map(|one| one.1).collect();
            let chosen: Vec<&Tried> = tried.iter().filter(|one| one.chosen).collect();
            prop_assert_eq!(chosen.len(), usize::from(!good.is_empty()));
            for one in chosen {
                prop_assert!(one.recall >= target);
                prop_assert!(good.iter().all(|p50| one.p50_ms <= p50 * 1.050_001));
            }
        }
    }
}
