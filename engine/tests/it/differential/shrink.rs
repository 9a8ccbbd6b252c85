//! A case that differs → a smaller one that differs too.

use std::ops::Range;

/// The choices that make a case: those of its rows, and those of its statements.
#[derive(Clone)]
pub struct Case {
    pub world: Vec<u32>,
    pub statement: Vec<u32>,
}

/// Cases that are tried at most.
const ATTEMPTS_MAX: usize = 1_500;

/// Takes choices away and makes them smaller for as long as what is left `differs`, and gives the last that did.
pub async fn shrink<D>(mut case: Case, mut found: D, differs: impl AsyncFn(&Case) -> Option<D>) -> (Case, D) {
    let mut attempts = 0;
    loop {
        let before = attempts;
        let mut progress = false;
        for part in [Part::Statement, Part::World] {
            let mut at = 0;
            while let Some(smaller) = smaller(part.of(&mut case), at) {
                if attempts == ATTEMPTS_MAX {
                    return (case, found);
                }
                attempts += 1;
                let mut tried = case.clone();
                *part.of(&mut tried) = smaller;
                match differs(&tried).await {
                    Some(still) => (case, found, progress) = (tried, still, true),
                    None => at += 1,
                }
            }
        }
        if !progress || before == attempts {
            return (case, found);
        }
    }
}

#[derive(Clone, Copy)]
enum Part {
    Statement,
    World,
}

impl Part {
    fn of(self, case: &mut Case) -> &mut Vec<u32> {
        match self {
            Part::Statement => &mut case.statement,
            Part::World => &mut case.world,
        }
    }
}

/// How many choices in a row are taken away at once.
const RUNS: [usize; 6] = [64, 16, 8, 4, 2, 1];

/// One way to make choices smaller.
enum Cut {
    Remove(Range<usize>),
    Set(usize, u32),
}

/// First the end is cut off, then runs are taken out, then single choices become 0, half, or one less.
fn cuts(choices: &[u32]) -> Vec<Cut> {
    let len = choices.len();
    let ends = [2, 4].into_iter().map(|part| Cut::Remove(len - len / part..len)).filter(|_| len >= 4);
    let runs =
        RUNS.into_iter().flat_map(|run| (0..(len + 1).saturating_sub(run)).map(move |at| Cut::Remove(at..at + run)));
    let large = (0..len).filter(|at| choices[*at] > 0);
    let values = large.flat_map(|at| [0, choices[at] / 2, choices[at] - 1].map(|value| Cut::Set(at, value)));
    ends.chain(runs).chain(values).collect()
}

/// The smaller choices number `at`, or that there are no more.
fn smaller(choices: &[u32], at: usize) -> Option<Vec<u32>> {
    let mut smaller = choices.to_vec();
    match cuts(choices).into_iter().nth(at)? {
        Cut::Remove(range) => drop(smaller.drain(range)),
        Cut::Set(at, value) => smaller[at] = value,
    }
    Some(smaller)
}

#[tokio::test]
async fn a_case_shrinks_to_the_choices_that_matter() {
    let case = Case { world: (0..40).collect(), statement: vec![7; 90] };
    let differs =
        async |case: &Case| (case.world.contains(&17) && case.statement.iter().sum::<u32>() > 10).then_some(());
    let (case, ()) = shrink(case, (), differs).await;
    assert_eq!((case.world, case.statement.iter().sum::<u32>()), (vec![17], 11));
}
