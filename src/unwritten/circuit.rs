//! Formulas of "and", "or" and "not" as clauses.
//!
//! In: literals. Out: a literal that stands for all or any of them; the same for the same ones.

use super::sat::{Answer, Budget, Lit, Solver};
use foldhash::{HashMap, HashMapExt as _};

/// Literals that are gone through for a gate in the time of one step.
const LITERALS: usize = 8;

/// A formula that grows.
pub(super) struct Circuit {
    pub(super) solver: Solver,
    truth: Lit,
    gates: HashMap<Vec<Lit>, Lit>,
}

impl Circuit {
    pub(super) fn new() -> Self {
        let mut solver = Solver::default();
        let truth = solver.variable();
        solver.clause(&[truth]);
        Self { solver, truth, gates: HashMap::new() }
    }

    /// What always holds, or never.
    pub(super) fn constant(&self, holds: bool) -> Lit {
        if holds { self.truth } else { !self.truth }
    }

    /// A new variable.
    pub(super) fn free(&mut self) -> Lit {
        self.solver.variable()
    }

    /// All of them hold.
    pub(super) fn all(&mut self, lits: impl IntoIterator<Item = Lit>) -> Lit {
        let mut given = 0;
        let truth = self.truth;
        let lits = lits.into_iter().inspect(|_| given += 1).filter(|lit| *lit != truth);
        let mut lits: Vec<Lit> = lits.collect();
        self.solver.owe(given / LITERALS);
        lits.sort_unstable();
        lits.dedup();
        let never = lits.contains(&!self.truth) || lits.windows(2).any(|pair| pair[0] == !pair[1]);
        match lits.as_slice() {
            _ if never => !self.truth,
            [] => self.truth,
            [one] => *one,
            _ => {
                if let Some(known) = self.gates.get(&lits) {
                    return *known;
                }
                let gate = self.solver.variable();
                for lit in &lits {
                    self.solver.clause(&[!gate, *lit]);
                }
                let mut clause: Vec<Lit> = lits.iter().map(|lit| !*lit).collect();
                clause.push(gate);
                self.solver.clause(&clause);
                self.gates.insert(lits, gate);
                gate
            }
        }
    }

    /// One of them holds.
    pub(super) fn any(&mut self, lits: impl IntoIterator<Item = Lit>) -> Lit {
        !self.all(lits.into_iter().map(|lit| !lit))
    }

    /// At most one of these variables holds.
    pub(super) fn at_most_one(&mut self, lits: &[Lit]) {
        if lits.len() <= 6 {
            for (i, a) in lits.iter().enumerate() {
                for b in &lits[..i] {
                    self.solver.clause(&[!*a, !*b]);
                }
            }
            return;
        }
        // One that holds shows from its place on.
        let mut before: Option<Lit> = None;
        for lit in lits {
            let upto = self.free();
            self.solver.clause(&[!*lit, upto]);
            if let Some(before) = before {
                self.solver.clause(&[!before, upto]);
                self.solver.clause(&[!before, !*lit]);
            }
            before = Some(upto);
        }
    }

    /// Whether these can hold together.
    pub(super) fn ask(&mut self, lits: &[Lit], budget: &mut Budget) -> Answer {
        self.solver.solve(lits, budget)
    }

    /// Whether it holds in the values found last.
    pub(super) fn holds(&self, lit: Lit) -> bool {
        self.solver.holds(lit)
    }
}
