//! The same statements, put to this engine and to SQLite: what they give is the same, row for row.
//!
//! Rows and statements are made from choices ([`tape`]), so that a case that differs can be made smaller until nothing can be
//! taken away ([`shrink`]); it is told with everything that is needed to see it again. Where the two may rightly differ is
//! said where statements are made ([`expression`], [`mutation`]), and such statements are not made.
//!
//! `PROPTEST_RNG_SEED` fixes the statements, and `PROPTEST_CASES` says how many a test puts.

mod cell;
mod expression;
mod ledger;
mod mutation;
mod place;
mod query;
mod shrink;
mod sqlite;
mod subquery;
mod tape;
mod world;

use self::ledger::Ledger;
use self::mutation::Mutations;
use self::place::{Place, Verdict};
use self::query::Area;
use self::shrink::{Case, shrink};
use self::tape::Tape;
use self::world::World;

/// Statements of a test, if nothing else is said: with all tests some thousand.
const STATEMENTS: u32 = 600;
/// Queries that are put to one graph.
const QUERIES_A_GRAPH: u32 = 30;
/// Mutations in a row, each on what the former ones have left.
const MUTATIONS_A_GRAPH: u32 = 5;
/// Cases that are made small and told.
const TOLD_MAX: usize = 3;

fn statements() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(STATEMENTS)
}

/// One test's findings.
struct Findings {
    seed: u64,
    told: Vec<String>,
}

impl Findings {
    fn new() -> Findings {
        Findings { seed: tape::seed(), told: Vec::new() }
    }

    fn are_enough(&self) -> bool {
        self.told.len() == TOLD_MAX
    }

    fn add(&mut self, text: String) {
        if !self.told.contains(&text) {
            self.told.push(text);
        }
    }

    fn settle(self, ledger: &Ledger, features: &[&str]) {
        println!("seed {}: {ledger}", self.seed);
        let (count, seed) = (self.told.len(), self.seed);
        assert!(count == 0, "{count} cases differ (PROPTEST_RNG_SEED={seed})\n\n{}", self.told.join("\n----\n\n"));
        ledger.settle(features, statements() / 60);
    }
}

/// Puts queries about one area to both.
async fn compare(area: Area, features: &[&str]) {
    let (mut ledger, mut findings) = (Ledger::default(), Findings::new());
    'worlds: for world in 0..statements().div_ceil(QUERIES_A_GRAPH) {
        let of = u64::from(world) << 32 | (area as u64) << 16;
        let mut rows = Tape::drawn(findings.seed, of);
        let place = Place::of(&World::drawn(&mut rows)).await;
        let rows = rows.choices();
        for number in 1..=QUERIES_A_GRAPH {
            let mut tape = Tape::drawn(findings.seed, of | u64::from(number));
            let (query, features) = area.draw(&mut tape);
            match place.query(&query).await {
                Verdict::Same(rows) => ledger.compared(&features, rows),
                Verdict::Refused(why) => ledger.refused(why),
                Verdict::Forbidden => unreachable!("a query changes nothing"),
                Verdict::Different(text) => {
                    let case = Case { world: rows.clone(), statement: tape.choices() };
                    let differs = async |case: &Case| match (case.world == rows, area) {
                        (true, area) => different_query(&place, area, case).await,
                        (false, area) => different_query(&Place::new(&case.world).await, area, case).await,
                    };
                    findings.add(shrink(case, text, differs).await.1);
                    if findings.are_enough() {
                        break 'worlds;
                    }
                }
            }
        }
    }
    findings.settle(&ledger, features);
}

async fn different_query(place: &Place, area: Area, case: &Case) -> Option<String> {
    let (query, _) = area.draw(&mut Tape::replayed(&case.statement));
    match place.query(&query).await {
        Verdict::Different(text) => Some(text),
        Verdict::Same(_) | Verdict::Refused(_) | Verdict::Forbidden => None,
    }
}

#[tokio::test]
async fn predicates_are_true_false_or_unknown_as_sqlite_has_it() {
    let features =
        ["NOT", "IS NULL", "BETWEEN", "IN (list)", "NOT IN (list)", "NULL in a list", "LIKE", "CASE", "IS TRUE"];
    compare(Area::Predicates, &features).await;
}

#[tokio::test]
async fn subqueries_give_what_sqlite_has_them_give() {
    let features = ["IN (subquery)", "EXISTS", "NOT EXISTS", "a scalar subquery", "a correlated subquery"];
    compare(Area::Subqueries, &features).await;
}

#[tokio::test]
async fn tables_join_as_in_sqlite() {
    let features = ["JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN", "CROSS JOIN"];
    compare(Area::Joins, &features).await;
}

#[tokio::test]
async fn groups_and_aggregates_are_those_of_sqlite() {
    compare(Area::Aggregates, &["GROUP BY", "HAVING", "sum", "min, max", "avg", "count(DISTINCT)", "FILTER"]).await;
}

#[tokio::test]
async fn sets_pages_windows_and_queries_over_queries_are_those_of_sqlite() {
    let features = ["DISTINCT", "UNION", "UNION ALL", "INTERSECT", "EXCEPT", "WITH", "a window", "ORDER BY, LIMIT"];
    compare(Area::Shapes, &features).await;
}

#[tokio::test]
async fn mutations_leave_the_tables_that_they_leave_in_sqlite() {
    let (mut ledger, mut findings) = (Ledger::default(), Findings::new());
    for world in 0..(statements() / 2).div_ceil(MUTATIONS_A_GRAPH) {
        let of = u64::from(world) << 32 | 1 << 31;
        let mut rows = Tape::drawn(findings.seed, of);
        World::drawn(&mut rows);
        let mut tape = Tape::drawn(findings.seed, of | 1);
        let rows = rows.choices();
        if let Some(text) = different_mutations(&rows, &mut tape, &mut ledger).await {
            let differs = async |case: &Case| {
                different_mutations(&case.world, &mut Tape::replayed(&case.statement), &mut Ledger::default()).await
            };
            findings.add(shrink(Case { world: rows, statement: tape.choices() }, text, differs).await.1);
            if findings.are_enough() {
                break;
            }
        }
    }
    let features = ["UPDATE", "DELETE", "INSERT … SELECT", "INSERT … VALUES", "UPDATE of a key"];
    findings.settle(&ledger, &features);
}

/// Puts mutations in a row to both, and gives the first that they disagree about.
async fn different_mutations(rows: &[u32], tape: &mut Tape, ledger: &mut Ledger) -> Option<String> {
    let place = Place::new(rows).await;
    let (mut mutations, mut before) = (Mutations::default(), String::new());
    for _ in 0..=tape.below(MUTATIONS_A_GRAPH) {
        let (statements, features) = mutations.draw(tape);
        match place.change(&statements).await {
            Verdict::Same(rows) => ledger.compared(&features, rows),
            Verdict::Refused(why) => ledger.refused(why),
            Verdict::Forbidden => ledger.forbidden += 1,
            Verdict::Different(text) => return Some(format!("{before}{text}")),
        }
        before += &format!("before that:\n  {}\n", statements.join(";\n  "));
    }
    None
}
