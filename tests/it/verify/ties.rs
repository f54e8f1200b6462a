//! What ties embeddings to their points where nothing that was stored does: their contents embedded again. How many of
//! them it takes, what they cost, and that what is remembered is not held against itself.

use std::collections::BTreeSet;

use qlance::config::Config;
use qlance::journal::{Journal, Spent};
use qlance::point::verdict::{Decision, Outcome};
use qlance::point::{PointId, Vectors};
use qlance::tasks::verify::{CheckId, Verification, Wish};
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use serde_json::{Value, json};

use super::{Job, Manner, all, check, configure, migrated, offenders, only, sea, with_outcome};
use crate::support::planting::{Fault, Planter};
use crate::support::world::{World, point, said};

/// Qdrant's vectors are said to be of another space: no similarity is stored, and none could tell.
const ANOTHER_SPACE: (&str, &str) = ("divergence", "same_space = false\n");

fn again(count: usize) -> Wish {
    Wish {
        again: count,
        pay: true,
        ..all()
    }
}

fn vectors(found: &Verification) -> &qlance::tasks::verify::Check {
    check(found, CheckId::Vectors)
}

#[tokio::test(flavor = "multi_thread")]
async fn in_another_space_so_many_are_embedded_again_as_say_something() {
    let world = migrated(&sea(120), Manner::Embedded, &[ANOTHER_SPACE]).await;
    let job = Job::open(&world).await;
    // Nothing is paid for unasked.
    let found = job.verify(all()).await;
    assert_eq!(found.decision, Decision::Inconclusive, "{found:?}");
    assert!(
        vectors(&found).reasons[0].contains("nothing ties the embeddings in embedding"),
        "{found:?}"
    );
    assert!(vectors(&found).reasons[0].contains("--pay allows it"), "{found:?}");
    for count in [1, 49] {
        let found = job.verify(again(count)).await;
        assert_eq!(found.decision, Decision::Inconclusive, "{found:?}");
        let expected = format!("only {count} of the embeddings in embedding were embedded again");
        assert!(vectors(&found).reasons[0].contains(&expected), "{found:?}");
    }
    let found = job.verify(again(50)).await;
    assert_eq!(found.decision, Decision::Go, "{:?}", found.reasons);
    let checked = vectors(&found);
    assert!(checked.figure.contains("so fewer than 6.00 %"), "{}", checked.figure);
    assert!(checked.threshold.contains("at least 50"), "{}", checked.threshold);
    let kinds = json!([{
        "column": "embedding", "beside_the_rows_own": false, "tied_to_qdrant": 0, "not_tied": 120, "embedded_again": 50,
    }]);
    assert_eq!(checked.numbers["kinds"], kinds);
}

#[tokio::test(flavor = "multi_thread")]
async fn in_another_space_every_row_of_a_small_table_suffices() {
    let world = migrated(&sea(12), Manner::Embedded, &[ANOTHER_SPACE]).await;
    let found = Job::open(&world).await.verify(again(50)).await;
    assert_eq!(vectors(&found).outcome, Outcome::Pass, "{found:?}");
    assert!(vectors(&found).figure.contains("embedded again: all 12"), "{found:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_whose_points_have_no_vector_are_not_proven_by_those_beside_them() {
    let mut points = sea(160);
    for point in points.iter_mut().skip(100) {
        point.vectors = Vectors::new();
    }
    let world = migrated(&points, Manner::Embedded, &[]).await;
    let job = Job::open(&world).await;
    let found = job.verify(only(&[CheckId::Vectors])).await;
    let checked = vectors(&found);
    assert_eq!(checked.outcome, Outcome::Inconclusive, "{found:?}");
    let expected = "nothing ties 60 of the embeddings in embedding to their points";
    assert!(checked.reasons[0].starts_with(expected), "{found:?}");
    let pay = |again: usize| Wish {
        again,
        pay: true,
        ..only(&[CheckId::Vectors])
    };
    let found = job.verify(pay(20)).await;
    let expected = "only 20 of the 60 untied embeddings in embedding were embedded again";
    assert!(vectors(&found).reasons[0].starts_with(expected), "{found:?}");
    // Those that are tied are drawn beside them, and say nothing of them.
    let found = job.verify(pay(50)).await;
    let checked = vectors(&found);
    assert_eq!(checked.outcome, Outcome::Pass, "{found:?}");
    assert!(
        checked
            .figure
            .contains("untied embeddings in embedding embedded again: 0 wrong among 50 of 60"),
        "{}",
        checked.figure
    );
    let kind = &checked.numbers["kinds"][0];
    assert_eq!(
        (&kind["tied_to_qdrant"], &kind["not_tied"]),
        (&json!(100), &json!(60)),
        "{kind}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn in_another_space_only_embedding_again_shows_swapped_embeddings() {
    let world = migrated(&sea(120), Manner::Embedded, &[ANOTHER_SPACE]).await;
    let planter = Planter::open(&world).await;
    let planted = planter
        .plant(
            &[Fault::SwappedVectors, Fault::AnotherModel],
            &mut StdRng::seed_from_u64(3),
        )
        .await;
    let ids: BTreeSet<PointId> = planted.iter().flat_map(|planted| &planted.ids).copied().collect();
    let found = Job::open(&world).await.verify(again(1_000)).await;
    assert_eq!(
        with_outcome(&found, Outcome::Fail),
        BTreeSet::from([CheckId::Vectors]),
        "{found:?}"
    );
    assert_eq!(offenders(vectors(&found)), ids);
    let told = &vectors(&found).numbers["embedded_again"];
    assert_eq!(
        (&told["compared"], &told["differing"]),
        (&json!(120), &json!(3)),
        "{told}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn pieces_of_long_texts_are_embedded_again_and_not_remembered() {
    let mut points = sea(5);
    // No two pieces are equal: those would be paid for once.
    points.extend([101, 102].map(|n: u64| {
        let words: Vec<String> = (0..40).map(|word| (1_000 * n + word).to_string()).collect();
        point(n, json!({"content": words.join(" ")}))
    }));
    let world = World::with(&points).await;
    let pieces = ("embed.text", "max_input_tokens = 20\ntoo_long = \"chunks\"\n");
    configure(&world, Manner::Embedded, &[pieces, ("pipeline", "index = false\n")]);
    let path = world.path().join("qlance.toml");
    let text = std::fs::read_to_string(&path).expect("the configuration");
    std::fs::write(&path, text.replace("test-model", "text-embedding-3-small")).expect("written");
    let (code, report) = world.run().await;
    assert_eq!(code, 0, "{report}");
    let migrated = world.embeddings.inputs();
    assert!(migrated > points.len() + 2, "no text was cut into pieces: {migrated}");
    let job = Job::open(&world).await;
    let wish = Wish {
        again: 50,
        pay: true,
        ..only(&[CheckId::Vectors])
    };
    for time in 1..=2 {
        let before = world.embeddings.inputs();
        let found = job.verify(wish.clone()).await;
        let told = &vectors(&found).numbers["embedded_again"];
        assert_eq!(
            (&told["compared"], &told["differing"]),
            (&json!(7), &json!(0)),
            "{told}"
        );
        // Every piece is asked for, the second time as well.
        assert_eq!(world.embeddings.inputs() - before, migrated, "time {time}");
    }
    // Nor does the operator who wants them made anew get back what was kept of them.
    for time in 1..=2 {
        let before = world.embeddings.inputs();
        let output = world
            .qlance(&["divergence", "embed-again", "101", "102", "--json"])
            .await;
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        assert_eq!(world.embeddings.inputs() - before, migrated - 5, "time {time}");
    }
}

/// What the job has paid by now.
fn spent(world: &World) -> Spent {
    let config = Config::load(&world.path().join("qlance.toml")).expect("the configuration");
    let journal = Journal::open(&config.job(None).dir).expect("the journal");
    journal.spent().expect("what was spent")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_verification_pays_counts_towards_the_budget() {
    let priced = "usd_per_million_tokens = 1000000.0\nbudget_usd = 100000.0\n";
    let world = migrated(&sea(60), Manner::Embedded, &[("embed.text", priced)]).await;
    let migration = spent(&world);
    assert!(migration.usd > 0.0 && migration.tokens > 0, "{migration:?}");
    let pay = ["verify", "--pay", "--again", "10", "--only", "vectors", "--json"];
    let output = world.qlance(&pay).await;
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let once = spent(&world);
    let tokens = once.tokens - migration.tokens;
    assert!(tokens > 0, "{once:?} {migration:?}");
    assert!(
        (once.usd - migration.usd - tokens as f64).abs() < 1e-6,
        "a dollar a token: {once:?}"
    );
    // Without --pay nothing is spent, and nothing is written.
    let output = world.qlance(&["verify", "--only", "vectors", "--json"]).await;
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert_eq!(spent(&world), once);
    // What is left is not enough: what was spent before counts.
    let path = world.path().join("qlance.toml");
    let text = std::fs::read_to_string(&path).expect("the configuration");
    let budget = format!("budget_usd = {:.1}", once.usd + 1.0);
    std::fs::write(&path, text.replace("budget_usd = 100000.0", &budget)).expect("written");
    let inputs = world.embeddings.inputs();
    let output = world.qlance(&pay).await;
    let found: Value = serde_json::from_slice(&output.stdout).expect("a verification");
    assert!(
        found["checks"][0]["reasons"].to_string().contains("the budget of"),
        "{found}"
    );
    assert_eq!((world.embeddings.inputs(), spent(&world)), (inputs, once));
}
