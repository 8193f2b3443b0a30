//! A small solver for formulas in clauses, which learns from its conflicts.
//!
//! In: clauses over variables, and what to assume. Out: whether all can hold together, with values if
//! so. The formulas asked here have a few hundred variables and hardly a conflict; that it learns keeps
//! the rare hard one from doubling with every label key. It is our own since it has to be the same on
//! every machine, try "is not so" first (so that models have few labels) and stop at a number of steps;
//! it follows `MiniSat` (Eén and Sörensson, 2003) with the queue of variables of `CaDiCaL`.

/// A variable or its negation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Lit(u32);

impl Lit {
    fn var(self) -> usize {
        (self.0 >> 1) as usize
    }

    fn index(self) -> usize {
        self.0 as usize
    }
}

impl std::ops::Not for Lit {
    type Output = Self;

    fn not(self) -> Self {
        Self(self.0 ^ 1)
    }
}

/// How much may still be done; it is shared by all questions of one search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Budget {
    pub(super) steps: u64,
}

/// What became of a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// The values hold until the next question.
    Yes,
    No,
    GivenUp,
}

const NONE: u32 = u32::MAX;

/// Literals of a clause that are looked at in the time of one step.
const LOOKS: u64 = 16;

/// Clauses and what is known of their variables.
#[derive(Default)]
pub(super) struct Solver {
    clauses: Vec<Vec<Lit>>,
    /// By clause, where the last literal to watch was found: looking on from there keeps a clause of a
    /// thousand values from being gone through a thousand times (Gent, 2013).
    places: Vec<u32>,
    /// Steps that were taken to write the clauses, which no question has paid for yet.
    unpaid: u64,
    /// By literal, the clauses that are looked at when it becomes false.
    watches: Vec<Vec<u32>>,
    /// By literal: 1 true, -1 false, 0 open.
    values: Vec<i8>,
    levels: Vec<u32>,
    /// The clause that made a variable what it is.
    reasons: Vec<u32>,
    trail: Vec<Lit>,
    /// Where each decision is on the trail.
    decisions: Vec<usize>,
    next: usize,
    /// Variables in the order in which they are tried: the lowest stamp that is not behind the cursor.
    order: Order,
    /// The clauses contradict each other.
    broken: bool,
    seen: Vec<bool>,
}

/// A queue: variables in the order they were made, with those of recent conflicts before.
#[derive(Default)]
struct Order {
    before: Vec<u32>,
    after: Vec<u32>,
    first: u32,
    stamp: Vec<i64>,
    lowest: i64,
    cursor: u32,
    last: u32,
}

impl Order {
    fn push(&mut self) {
        let var = u32::try_from(self.before.len()).unwrap_or(NONE);
        if var == 0 {
            (self.first, self.last, self.cursor) = (0, NONE, 0);
        }
        self.before.push(self.last);
        self.after.push(NONE);
        if self.last != NONE {
            self.after[self.last as usize] = var;
        }
        self.stamp.push(i64::from(var));
        self.last = var;
    }

    fn bump(&mut self, var: usize) {
        let id = u32::try_from(var).unwrap_or(NONE);
        if self.first == id {
            return;
        }
        let (before, after) = (self.before[var], self.after[var]);
        if self.cursor == id {
            self.cursor = if after == NONE { before } else { after };
        }
        self.after[before as usize] = after;
        if after == NONE {
            self.last = before;
        } else {
            self.before[after as usize] = before;
        }
        self.before[var] = NONE;
        self.after[var] = self.first;
        self.before[self.first as usize] = id;
        self.first = id;
        self.lowest -= 1;
        self.stamp[var] = self.lowest;
    }

    fn opened(&mut self, var: usize) {
        if self.stamp[var] < self.stamp[self.cursor as usize] {
            self.cursor = u32::try_from(var).unwrap_or(NONE);
        }
    }
}

impl Solver {
    /// A new variable, which is false where nothing else is needed.
    pub(super) fn variable(&mut self) -> Lit {
        let var = self.levels.len();
        self.levels.push(0);
        self.reasons.push(NONE);
        self.seen.push(false);
        self.values.extend([0, 0]);
        self.watches.extend([Vec::new(), Vec::new()]);
        self.order.push();
        Lit(u32::try_from(var).unwrap_or(NONE >> 1) << 1)
    }

    /// Whether a literal holds in the values found last.
    pub(super) fn holds(&self, lit: Lit) -> bool {
        self.values[lit.index()] > 0
    }

    /// Notes work that the next question pays for.
    pub(super) fn owe(&mut self, steps: usize) {
        self.unpaid = self.unpaid.saturating_add(steps as u64);
    }

    /// Demands that one of these holds.
    pub(super) fn clause(&mut self, lits: &[Lit]) {
        self.back_to(0);
        self.unpaid += lits.len() as u64;
        let mut lits = lits.to_vec();
        lits.sort_unstable();
        lits.dedup();
        if lits.windows(2).any(|pair| pair[0] == !pair[1])
            || lits.iter().any(|lit| self.holds(*lit))
        {
            return;
        }
        lits.retain(|lit| self.values[lit.index()] == 0);
        match lits.as_slice() {
            [] => self.broken = true,
            [one] => {
                self.assign(*one, NONE);
                self.broken |= self.propagate(&mut Budget { steps: u64::MAX }).is_some();
            }
            _ => {
                self.attach(lits);
            }
        }
    }

    fn attach(&mut self, lits: Vec<Lit>) -> u32 {
        let id = u32::try_from(self.clauses.len()).unwrap_or(NONE);
        self.watches[(!lits[0]).index()].push(id);
        self.watches[(!lits[1]).index()].push(id);
        self.clauses.push(lits);
        self.places.push(2);
        id
    }

    fn assign(&mut self, lit: Lit, reason: u32) {
        self.values[lit.index()] = 1;
        self.values[(!lit).index()] = -1;
        self.levels[lit.var()] = u32::try_from(self.decisions.len()).unwrap_or(NONE);
        self.reasons[lit.var()] = reason;
        self.trail.push(lit);
    }

    fn back_to(&mut self, level: usize) {
        let Some(start) = self.decisions.get(level).copied() else { return };
        for lit in self.trail.drain(start..) {
            self.values[lit.index()] = 0;
            self.values[(!lit).index()] = 0;
            self.order.opened(lit.var());
        }
        self.decisions.truncate(level);
        self.next = start;
    }

    /// What follows; a clause of which nothing can hold any more, if there is one.
    fn propagate(&mut self, budget: &mut Budget) -> Option<u32> {
        while let Some(lit) = self.trail.get(self.next).copied() {
            self.next += 1;
            budget.steps = budget.steps.saturating_sub(1);
            let mut watching = std::mem::take(&mut self.watches[lit.index()]);
            let mut kept = 0;
            let mut at = 0;
            let mut conflict = None;
            while at < watching.len() {
                let id = watching[at];
                at += 1;
                let clause = &mut self.clauses[id as usize];
                if clause[0] == !lit {
                    clause.swap(0, 1);
                }
                let first = clause[0];
                if self.values[first.index()] > 0 {
                    watching[kept] = id;
                    kept += 1;
                    continue;
                }
                let place = &mut self.places[id as usize];
                let before = (*place as usize).clamp(2, clause.len());
                let mut round = (before..clause.len()).chain(2..before);
                let other = round.find(|i| self.values[clause[*i].index()] >= 0);
                let looked = other
                    .map_or(clause.len(), |i| if i < before { clause.len() } else { i - before });
                budget.steps = budget.steps.saturating_sub(looked as u64 / LOOKS);
                if let Some(other) = other {
                    *place = u32::try_from(other).unwrap_or(0);
                    clause.swap(1, other);
                    let watch = (!clause[1]).index();
                    self.watches[watch].push(id);
                    continue;
                }
                watching[kept] = id;
                kept += 1;
                if self.values[first.index()] < 0 {
                    conflict = Some(id);
                    break;
                }
                self.assign(first, id);
            }
            watching.drain(kept..at);
            self.watches[lit.index()] = watching;
            if conflict.is_some() {
                return conflict;
            }
        }
        None
    }

    /// What a conflict teaches: a clause, its first literal to be made true, and the level for it.
    fn learn(&mut self, conflict: u32) -> (Vec<Lit>, usize) {
        let level = u32::try_from(self.decisions.len()).unwrap_or(NONE);
        let mut learnt = Vec::new();
        let mut seen = Vec::new();
        let (mut open, mut at, mut reason) = (0_usize, self.trail.len(), conflict);
        let mut of: Option<Lit> = None;
        loop {
            let clause = self.clauses[reason as usize].clone();
            for lit in clause.into_iter().filter(|lit| Some(*lit) != of) {
                let var = lit.var();
                if self.seen[var] || self.levels[var] == 0 {
                    continue;
                }
                self.seen[var] = true;
                seen.push(var);
                if self.levels[var] == level {
                    open += 1;
                } else {
                    learnt.push(lit);
                }
            }
            while at > 0 {
                at -= 1;
                if self.seen[self.trail[at].var()] {
                    break;
                }
            }
            let lit = self.trail[at];
            open = open.saturating_sub(1);
            if open == 0 {
                learnt.insert(0, !lit);
                break;
            }
            reason = self.reasons[lit.var()];
            of = Some(lit);
        }
        seen.sort_unstable_by_key(|var| std::cmp::Reverse(self.order.stamp[*var]));
        for var in seen {
            self.seen[var] = false;
            self.order.bump(var);
        }
        let rest = learnt.iter().enumerate().skip(1);
        let highest = rest.max_by_key(|(_, lit)| self.levels[lit.var()]).map(|(i, _)| i);
        let back = highest.map_or(0, |i| {
            learnt.swap(1, i);
            self.levels[learnt[1].var()] as usize
        });
        (learnt, back)
    }

    /// The next variable that is open, in order.
    fn open(&mut self) -> Option<Lit> {
        let mut var = self.order.cursor;
        while var != NONE && (var as usize) < self.levels.len() {
            let lit = Lit(var << 1);
            if self.values[lit.index()] == 0 {
                self.order.cursor = var;
                return Some(lit);
            }
            let after = self.order.after[var as usize];
            if after == NONE {
                break;
            }
            var = after;
            self.order.cursor = var;
        }
        None
    }

    /// Whether all clauses and these can hold together.
    pub(super) fn solve(&mut self, assumed: &[Lit], budget: &mut Budget) -> Answer {
        // Formulas take time too, and mostly more than the questions.
        budget.steps = budget.steps.saturating_sub(std::mem::take(&mut self.unpaid));
        self.back_to(0);
        self.order.cursor = self.order.first;
        if self.broken {
            return Answer::No;
        }
        loop {
            if let Some(conflict) = self.propagate(budget) {
                if self.decisions.is_empty() {
                    self.broken = true;
                    return Answer::No;
                }
                let (learnt, back) = self.learn(conflict);
                self.back_to(back);
                let first = learnt[0];
                let reason = if learnt.len() > 1 { self.attach(learnt) } else { NONE };
                self.assign(first, reason);
                self.order.cursor = self.order.first;
                continue;
            }
            if budget.steps == 0 {
                return Answer::GivenUp;
            }
            let decision = match assumed.get(self.decisions.len()) {
                Some(lit) if self.values[lit.index()] < 0 => return Answer::No,
                Some(lit) => Some(*lit),
                None => self.open().map(|lit| !lit),
            };
            let Some(decision) = decision else { return Answer::Yes };
            self.decisions.push(self.trail.len());
            if self.values[decision.index()] == 0 {
                self.assign(decision, NONE);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn solve(solver: &mut Solver, assumed: &[Lit]) -> Answer {
        solver.solve(assumed, &mut Budget { steps: 10_000_000 })
    }

    /// Seven pigeons do not fit in six holes, seven in seven do.
    #[test]
    fn pigeons() {
        for (pigeons, holes, fits) in [(7, 6, Answer::No), (6, 6, Answer::Yes)] {
            let mut solver = Solver::default();
            let at: Vec<Vec<Lit>> =
                (0..pigeons).map(|_| (0..holes).map(|_| solver.variable()).collect()).collect();
            for pigeon in &at {
                solver.clause(pigeon);
            }
            for hole in 0..holes {
                for (a, one) in at.iter().enumerate() {
                    for other in &at[..a] {
                        solver.clause(&[!one[hole], !other[hole]]);
                    }
                }
            }
            assert_eq!(solve(&mut solver, &[]), fits);
        }
    }

    /// Against all assignments, on random clauses and assumptions, question after question.
    #[test]
    fn as_a_table_has_it() {
        let mut state = 1_u64;
        let mut below = |end: u64| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % end
        };
        for _ in 0..400 {
            let mut solver = Solver::default();
            let vars: Vec<Lit> = (0..8).map(|_| solver.variable()).collect();
            let mut lit = || {
                let var = vars[usize::try_from(below(8)).unwrap()];
                if below(2) == 0 { var } else { !var }
            };
            let clauses: Vec<Vec<Lit>> = (0..30).map(|_| vec![lit(), lit(), lit()]).collect();
            for clause in &clauses {
                solver.clause(clause);
            }
            for _ in 0..4 {
                let assumed = [lit(), lit()];
                let holds =
                    |values: u32, lit: &Lit| (values >> lit.var() & 1 == 1) == (lit.0 & 1 == 0);
                let expected = (0..256).any(|values| {
                    clauses.iter().all(|clause| clause.iter().any(|lit| holds(values, lit)))
                        && assumed.iter().all(|lit| holds(values, lit))
                });
                let answer = solve(&mut solver, &assumed);
                assert_eq!(answer == Answer::Yes, expected);
                if expected {
                    let all = clauses.iter().all(|c| c.iter().any(|lit| solver.holds(*lit)));
                    assert!(all && assumed.iter().all(|lit| solver.holds(*lit)));
                }
            }
        }
    }

    /// One clause of very many literals, gone through once for all that become false.
    #[test]
    fn a_long_clause_takes_as_many_steps_as_it_has_literals() {
        let mut solver = Solver::default();
        let many: Vec<Lit> = (0..20_000).map(|_| solver.variable()).collect();
        solver.clause(&many);
        let mut budget = Budget { steps: 100_000 };
        assert_eq!(solver.solve(&[], &mut budget), Answer::Yes);
        assert_eq!(many.iter().filter(|lit| solver.holds(**lit)).count(), 1);
        assert!(budget.steps > 100_000 - 50_000, "{}", budget.steps);
    }

    /// Where nothing asks for anything, nothing is so; and a search that is too long is given up.
    #[test]
    fn few_things_hold_and_steps_are_counted() {
        let mut solver = Solver::default();
        let [a, b, c] = [solver.variable(), solver.variable(), solver.variable()];
        solver.clause(&[a, b]);
        assert_eq!(solve(&mut solver, &[]), Answer::Yes);
        assert!(!solver.holds(c) && solver.holds(a) != solver.holds(b));
        assert_eq!(solver.solve(&[], &mut Budget { steps: 1 }), Answer::GivenUp);
    }
}
