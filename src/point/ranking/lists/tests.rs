//! Known values by hand, and each figure beside a second one that is counted out.

use super::*;
use proptest::prelude::*;

fn ids(numbers: &[u64]) -> Vec<PointId> {
    numbers.iter().map(|n| PointId::Num(*n)).collect()
}

fn scored(list: &[(u64, f32)]) -> Vec<(PointId, f32)> {
    list.iter().map(|(n, score)| (PointId::Num(*n), *score)).collect()
}

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-9
}

fn same(a: Option<f64>, b: Option<f64>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => close(a, b),
        (a, b) => a == b,
    }
}

#[test]
fn overlaps_by_hand() {
    for (k, a, b, expected) in [
        (3, &[1, 2, 3][..], &[3, 2, 1][..], Some(1.0)),
        (1, &[1, 2, 3], &[3, 2, 1], Some(0.0)),
        (2, &[1, 2, 3], &[2, 4, 1], Some(0.5)),
        // Shorter than k: of the longer list one half is shared.
        (10, &[1, 2], &[1, 2, 3, 4], Some(0.5)),
        (10, &[1, 2], &[], Some(0.0)),
        (10, &[], &[], None),
        (0, &[1], &[1], None),
        // A repeat takes no place: the second of the first list is 2.
        (2, &[1, 1, 2], &[1, 2], Some(1.0)),
    ] {
        let got = overlap_at(k, &ids(a), &ids(b));
        assert!(same(got, expected), "{a:?} {b:?} at {k}: {got:?}");
    }
}

#[test]
fn rank_correlations_by_hand() {
    let falling = [(1, 0.9), (2, 0.8), (3, 0.7), (4, 0.6), (5, 0.5)];
    for (b, expected) in [
        (&falling[..], Some(1.0)),
        // Distances rise where similarities fall: the order is the same.
        (&[(1, 0.1), (2, 0.2), (3, 0.3), (4, 0.4), (5, 0.5)], Some(1.0)),
        (&[(5, 0.9), (4, 0.8), (3, 0.7), (2, 0.6), (1, 0.5)], Some(-1.0)),
        // Two pairs swapped: 1 - 6 x 4 / (5 x 24).
        (&[(2, 0.9), (1, 0.8), (4, 0.7), (3, 0.6), (5, 0.5)], Some(0.8)),
        // Points of one list only do not count: 1, 3, 5 against 1, 5, 3 is 1 - 6 x 2 / (3 x 8).
        (&[(8, 0.9), (1, 0.8), (5, 0.7), (9, 0.6), (3, 0.5)], Some(0.5)),
        // 2 and 3 tie: ranks 1, 2.5, 2.5, 4, which is 4.5 / sqrt(5 x 4.5).
        (&[(1, 0.9), (2, 0.8), (3, 0.8), (4, 0.7)], Some(0.948_683_298_050_513_8)),
        (&[(1, 0.5), (2, 0.5), (3, 0.5)], None),
        (&[(1, 0.9), (2, 0.8), (2, 0.7), (7, 0.1)], None),
        (&[], None),
    ] {
        let (a, b) = (scored(&falling), scored(b));
        let (there, back) = (rank_correlation(&a, &b), rank_correlation(&b, &a));
        assert!(
            same(there, expected) && same(back, expected),
            "{b:?}: {there:?}, {back:?}"
        );
    }
}

#[test]
fn recall_counts_what_is_as_good() {
    let exact = [(1, 0.9), (2, 0.8), (3, 0.8), (4, 0.5)];
    for (found, k, expected) in [
        (&[(1, 0.9), (2, 0.8)][..], 2, Some(1.0)),
        // 3 ties with the second best, and so does 9, which exact search did not name.
        (&[(1, 0.9), (3, 0.8)], 2, Some(1.0)),
        (&[(9, 0.8), (1, 0.9)], 2, Some(1.0)),
        (&[(1, 0.9), (4, 0.5)], 2, Some(0.5)),
        // An estimate makes 4 no better than exact search knows it to be.
        (&[(1, 0.9), (4, 0.85)], 2, Some(0.5)),
        (&[(1, 0.9), (1, 0.9), (4, 0.5)], 2, Some(0.5)),
        (&[(1, 0.9), (8, f32::NAN)], 2, Some(0.5)),
        // What comes after the first k is too late.
        (&[(4, 0.5), (1, 0.9)], 1, Some(0.0)),
        (&[(1, 0.9), (2, 0.8), (3, 0.8), (4, 0.5)], 10, Some(1.0)),
        (&[], 2, Some(0.0)),
        (&[(1, 0.9)], 0, None),
    ] {
        let got = recall_against_exact(&scored(found), &scored(&exact), k, 1e-6, Scoring::Similarity);
        assert!(same(got, expected), "{found:?} at {k}: {got:?}");
        // The same by distance: 1 - similarity.
        let turned = |list: &[(u64, f32)]| -> Vec<(PointId, f32)> {
            scored(list).into_iter().map(|(id, score)| (id, 1.0 - score)).collect()
        };
        let got = recall_against_exact(&turned(found), &turned(&exact), k, 1e-6, Scoring::Distance);
        assert!(same(got, expected), "{found:?} at {k} by distance: {got:?}");
    }
    assert_eq!(
        recall_against_exact(&scored(&exact), &[], 10, 0.0, Scoring::Distance),
        None
    );
}

#[test]
fn the_tolerance_is_a_share_of_the_score_whatever_its_sign() {
    for (scoring, worst, found, tolerance, expected) in [
        (Scoring::Similarity, 0.8, 0.796, 0.01, 1.0),
        (Scoring::Similarity, 0.8, 0.796, 0.001, 0.0),
        (Scoring::Similarity, -0.8, -0.804, 0.01, 1.0),
        (Scoring::Similarity, -0.8, -0.804, 0.0, 0.0),
        (Scoring::Distance, 20.0, 20.1, 0.01, 1.0),
        (Scoring::Distance, 20.0, 20.1, 0.001, 0.0),
        (Scoring::Distance, -20.0, -19.9, 0.01, 1.0),
        // A tolerance that makes no sense is none.
        (Scoring::Distance, 20.0, 20.1, f64::NAN, 0.0),
        (Scoring::Distance, 20.0, 20.0, -1.0, 1.0),
    ] {
        let got = recall_against_exact(&scored(&[(2, found)]), &scored(&[(1, worst)]), 1, tolerance, scoring);
        assert!(
            same(got, Some(expected)),
            "{scoring:?} {worst} {found} {tolerance}: {got:?}"
        );
    }
}

#[test]
fn fusion_by_hand() {
    let fused = reciprocal_rank_fusion(&[ids(&[1, 2]), ids(&[2, 3, 3])], RRF_K);
    let expected = [(2, 1.0 / 61.0 + 1.0 / 62.0), (1, 1.0 / 61.0), (3, 1.0 / 62.0)];
    assert_eq!(fused.len(), expected.len());
    for ((id, score), (wanted, sum)) in fused.into_iter().zip(expected) {
        assert_eq!(id, PointId::Num(wanted));
        assert!(close(score, sum), "{id}: {score}");
    }
    let order = |lists: &[Vec<PointId>]| -> Vec<PointId> {
        reciprocal_rank_fusion(lists, RRF_K)
            .into_iter()
            .map(|(id, _)| id)
            .collect()
    };
    assert_eq!(order(&[ids(&[5]), ids(&[3]), ids(&[4])]), ids(&[3, 4, 5]), "ties by id");
    assert_eq!(order(&[ids(&[9, 9, 7])]), ids(&[9, 7]));
    assert!(order(&[]).is_empty() && order(&[Vec::new()]).is_empty());
    for k in [-7.0, -1.0, f64::NAN, f64::INFINITY] {
        let fused = reciprocal_rank_fusion(&[ids(&[1, 2])], k);
        assert!(fused.iter().all(|(_, score)| score.is_finite()), "{k}: {fused:?}");
    }
}

/// Without the repeats of an id.
fn once<T: Copy>(list: &[(u64, T)]) -> Vec<(u64, T)> {
    let mut kept: Vec<(u64, T)> = Vec::new();
    for item in list {
        if kept.iter().all(|other| other.0 != item.0) {
            kept.push(*item);
        }
    }
    kept
}

/// Spearman's, counted out: a rank is one more than all that are better, and half of those that tie.
fn plain_correlation(a: &[(u64, f32)], b: &[(u64, f32)]) -> Option<f64> {
    let (a, b) = (once(a), once(b));
    let (mut x, mut y) = (Vec::new(), Vec::new());
    for left in &a {
        for right in &b {
            if left.0 == right.0 {
                x.push(left.1);
                y.push(right.1);
            }
        }
    }
    let ranked = |scores: &[f32]| -> Vec<f64> {
        let rank = |score: f32| {
            let better = scores.iter().filter(|other| **other > score).count() as f64;
            let equal = scores.iter().filter(|other| **other >= score).count() as f64 - better;
            better + f64::midpoint(equal, 1.0)
        };
        scores.iter().map(|score| rank(*score)).collect()
    };
    let (x, y, common) = (ranked(&x), ranked(&y), x.len() as f64);
    let product = |x: &[f64], y: &[f64]| -> f64 {
        let sum: f64 = (0..x.len()).map(|at| x[at] * y[at]).sum();
        common * sum - x.iter().sum::<f64>() * y.iter().sum::<f64>()
    };
    let below = product(&x, &x) * product(&y, &y);
    (common >= 3.0 && below > 1e-9).then(|| product(&x, &y) / below.sqrt())
}

/// Scores of few values, so that many tie, the best first.
fn answer() -> impl Strategy<Value = Vec<(u64, f32)>> {
    prop::collection::vec((0_u64..15, 0_u8..8), 0..20).prop_map(|mut list| {
        list.sort_by_key(|(_, score)| std::cmp::Reverse(*score));
        list.into_iter()
            .map(|(id, score)| (id, f32::from(score) / 8.0))
            .collect()
    })
}

proptest! {
    #[test]
    fn correlation_and_overlap_agree_with_counting(a in answer(), b in answer(), k in 0_usize..20) {
        let (left, right) = (scored(&a), scored(&b));
        let got = rank_correlation(&left, &right);
        prop_assert!(same(got, plain_correlation(&a, &b)), "{:?}, not {:?}", got, plain_correlation(&a, &b));
        prop_assert!(got.is_none_or(|r| (-1.0..=1.0).contains(&r)));

        let (a, b) = (once(&a), once(&b));
        let (a, b) = (&a[..k.min(a.len())], &b[..k.min(b.len())]);
        let shared = a.iter().filter(|left| b.iter().any(|right| left.0 == right.0)).count() as f64;
        let whole = a.len().max(b.len()) as f64;
        let names = |list: &[(PointId, f32)]| list.iter().map(|(id, _)| *id).collect::<Vec<_>>();
        let got = overlap_at(k, &names(&left), &names(&right));
        prop_assert!(same(got, (whole > 0.0).then(|| shared / whole)));
    }

    #[test]
    fn recall_agrees_with_counting(
        // The true score of each point is its place in this list.
        truth in prop::collection::vec(0_u8..10, 1..15),
        picks in prop::collection::vec(0_usize..15, 0..20),
        k in 0_usize..18,
    ) {
        let score = |point: usize| f32::from(truth[point]) / 10.0;
        let mut exact: Vec<(u64, f32)> = (0..truth.len()).map(|point| (point as u64, score(point))).collect();
        exact.sort_by(|a, b| b.1.total_cmp(&a.1));
        let known = picks.into_iter().filter(|point| *point < truth.len());
        let found: Vec<(u64, f32)> = known.map(|point| (point as u64, score(point))).collect();

        let places = k.min(exact.len());
        let mut good = 0.0;
        for (place, (_, score)) in once(&found).into_iter().enumerate() {
            if place < places && score >= exact[places - 1].1 {
                good += 1.0;
            }
        }
        let expected = (places > 0).then(|| good / places as f64);
        // All of exact search, or no more of it than the first k: equally good points count either way.
        for exact in [&exact[..], &exact[..places]] {
            let got = recall_against_exact(&scored(&found), &scored(exact), k, 1e-6, Scoring::Similarity);
            prop_assert!(same(got, expected), "{:?}, not {:?}", got, expected);
        }
    }

    #[test]
    fn fusion_agrees_with_the_formula_in_any_order_of_lists(
        lists in prop::collection::vec(prop::collection::vec(0_u64..12, 0..15), 0..5),
        k in 0.0_f64..100.0,
    ) {
        let fused = reciprocal_rank_fusion(&lists.iter().map(|list| ids(list)).collect::<Vec<_>>(), k);
        for pair in fused.windows(2) {
            prop_assert!(pair[0].1 > pair[1].1 || (pair[0].1 >= pair[1].1 && pair[0].0 < pair[1].0));
        }
        let mut named = 0;
        for number in 0..12 {
            let mut sum = 0.0;
            for list in &lists {
                let list: Vec<(u64, ())> = list.iter().map(|n| (*n, ())).collect();
                for (place, (other, ())) in once(&list).into_iter().enumerate() {
                    if other == number {
                        sum += 1.0 / (k + 1.0 + place as f64);
                    }
                }
            }
            if sum > 0.0 {
                named += 1;
                let got = fused.iter().find(|(id, _)| *id == PointId::Num(number));
                prop_assert!(got.is_some_and(|(_, score)| close(*score, sum)), "{}: {:?}", number, got);
            }
        }
        prop_assert_eq!(fused.len(), named);
        let turned: Vec<Vec<PointId>> = lists.iter().rev().map(|list| ids(list)).collect();
        prop_assert_eq!(reciprocal_rank_fusion(&turned, k), fused);
    }
}
