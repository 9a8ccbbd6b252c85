//! Expressions and predicates, in the words that both engines read alike.
//!
//! What is left out, and why, since there the two may rightly differ:
//!
//! - A division by something that may be 0: an error in PostgreSQL and here, NULL in SQLite.
//! - Operands of two kinds, other than an integer compared with a float: SQLite converts by rules of its own.
//! - Whole literals in expressions of floats: SQLite keeps them whole, and `3 / 2` is 1.
//! - The negative zero, which SQLite does not always keep: floats are neither negated nor multiplied with what is negative.
//! - Floats that are no halves, quarters, …: SQLite sums with a compensation, and so more exactly.
//! - Integers that are so large that they overflow: SQLite goes on with floats.
//! - A backslash in a pattern: it escapes in PostgreSQL and here, and does not in SQLite.
//! - `upper` and `lower`: SQLite knows only ASCII.

use std::collections::BTreeSet;

use super::cell::Kind;
use super::tape::Tape;
use super::world;

/// What an expression may name.
#[derive(Clone)]
pub struct Column {
    pub sql: String,
    pub kind: Kind,
}

/// What can be seen from where an expression stands.
#[derive(Clone, Default)]
pub struct Scope {
    pub columns: Vec<Column>,
    /// How deep subqueries may still nest.
    pub subqueries: u32,
    /// Whether `IN (SELECT …)` and `EXISTS` may stand here; the engine declines them outside of WHERE and HAVING.
    pub members: bool,
}

impl Scope {
    /// Where no subquery may stand.
    pub fn of(columns: Vec<Column>) -> Scope {
        Scope { columns, subqueries: 0, members: false }
    }

    /// A condition of WHERE or HAVING.
    pub fn condition(columns: Vec<Column>, subqueries: u32) -> Scope {
        Scope { columns, subqueries, members: subqueries > 0 }
    }

    /// The same, for what is given rather than asked.
    pub fn given(&self) -> Scope {
        Scope { members: false, ..self.clone() }
    }
}

/// Writes a statement, choice by choice.
pub struct Writer<'t> {
    pub tape: &'t mut Tape,
    /// What stands in the statement, for the ledger.
    pub features: BTreeSet<&'static str>,
    /// The table that subqueries must not read.
    pub barred: Option<&'static str>,
    names: usize,
}

const COMPARISONS: [&str; 6] = ["=", "<>", "<", ">=", ">", "<="];

impl<'t> Writer<'t> {
    pub fn new(tape: &'t mut Tape) -> Self {
        Writer { tape, features: BTreeSet::new(), barred: None, names: 0 }
    }

    pub fn has(&mut self, feature: &'static str) {
        self.features.insert(feature);
    }

    /// A name that nothing else in the statement has.
    pub fn name(&mut self, prefix: &str) -> String {
        self.names += 1;
        format!("{prefix}{}", self.names)
    }

    fn not(&mut self) -> &'static str {
        if self.tape.chance(50) { "NOT " } else { "" }
    }

    pub fn literal(&mut self, kind: Kind) -> String {
        match world::value(self.tape, kind).to_string() {
            negative if negative.starts_with('-') => format!("({negative})"),
            literal => literal,
        }
    }

    pub fn leaf(&mut self, kind: Kind, scope: &Scope) -> String {
        let columns: Vec<&Column> = scope.columns.iter().filter(|column| column.kind == kind).collect();
        match self.tape.below(20) {
            0..=2 => self.literal(kind),
            19 => {
                self.has("NULL of a type");
                let ty = match kind {
                    Kind::Int => "BIGINT",
                    Kind::Real => "DOUBLE",
                    Kind::Text => "VARCHAR",
                    // SQLite has no such type, and NULL is NULL there too.
                    Kind::Bool => "BOOLEAN",
                };
                format!("CAST(NULL AS {ty})")
            }
            _ if columns.is_empty() => self.literal(kind),
            _ => self.tape.one(&columns).sql.clone(),
        }
    }

    pub fn expression(&mut self, kind: Kind, scope: &Scope, depth: u32) -> String {
        let Some(depth) = depth.checked_sub(1) else { return self.leaf(kind, scope) };
        match self.tape.below(12) {
            0..=4 => self.leaf(kind, scope),
            5 => self.case(kind, scope, depth),
            6 => {
                self.has("COALESCE");
                format!("coalesce({}, {})", self.expression(kind, scope, depth), self.expression(kind, scope, depth))
            }
            7 => {
                self.has("NULLIF");
                format!("nullif({}, {})", self.expression(kind, scope, depth), self.expression(kind, scope, depth))
            }
            8 if scope.subqueries > 0 && kind != Kind::Bool => self.scalar_subquery(kind, scope, depth),
            _ => self.operation(kind, scope, depth),
        }
    }

    fn operation(&mut self, kind: Kind, scope: &Scope, depth: u32) -> String {
        match kind {
            Kind::Int => self.of_integers(scope, depth),
            Kind::Real => self.of_floats(scope, depth),
            Kind::Text if self.tape.chance(30) => {
                format!("substr({}, 1, {})", self.expression(kind, scope, depth), self.tape.below(3))
            }
            Kind::Text => {
                self.has("||");
                format!("({} || {})", self.expression(kind, scope, depth), self.expression(kind, scope, depth))
            }
            Kind::Bool => self.predicate(scope, depth),
        }
    }

    fn of_integers(&mut self, scope: &Scope, depth: u32) -> String {
        self.has("arithmetic");
        let operand = self.expression(Kind::Int, scope, depth);
        match self.tape.below(8) {
            operator @ 0..=3 => {
                let operator = ["+", "-", "*", "+"][operator as usize];
                format!("({operand} {operator} {})", self.expression(Kind::Int, scope, depth))
            }
            4 => format!("({operand} {} {})", self.tape.one(&["/", "%"]), self.tape.one(&["2", "3", "(-2)"])),
            5 => format!("(- {operand})"),
            6 => format!("abs({operand})"),
            _ => format!("length({})", self.expression(Kind::Text, scope, depth)),
        }
    }

    fn of_floats(&mut self, scope: &Scope, depth: u32) -> String {
        self.has("arithmetic");
        match self.tape.below(4) {
            0 => format!("CAST({} AS DOUBLE)", self.expression(Kind::Int, scope, depth)),
            1 => format!("({} / 2.0)", self.expression(Kind::Real, scope, depth)),
            2 => format!("({} * {})", self.expression(Kind::Real, scope, depth), self.tape.one(&["2.0", "1.5"])),
            _ => {
                let (left, operator) = (self.expression(Kind::Real, scope, depth), *self.tape.one(&["+", "-"]));
                format!("({left} {operator} {})", self.expression(Kind::Real, scope, depth))
            }
        }
    }

    fn case(&mut self, kind: Kind, scope: &Scope, depth: u32) -> String {
        self.has("CASE");
        let mut case = "CASE".to_owned();
        let operand = *self.tape.one(&[None, Some(Kind::Int), Some(Kind::Text), Some(Kind::Bool)]);
        if let Some(of) = operand {
            case += &format!(" {}", self.leaf(of, scope));
        }
        for _ in 0..=self.tape.below(2) {
            let when = match operand {
                Some(of) => self.leaf(of, scope),
                None => self.predicate(scope, depth),
            };
            case += &format!(" WHEN {when} THEN {}", self.expression(kind, scope, depth));
        }
        if self.tape.chance(60) {
            case += &format!(" ELSE {}", self.expression(kind, scope, depth));
        }
        case + " END"
    }

    /// Something that is true, false or unknown.
    pub fn predicate(&mut self, scope: &Scope, depth: u32) -> String {
        let Some(depth) = depth.checked_sub(1) else { return self.comparison(scope, 0) };
        match self.tape.below(20) {
            0..=2 => self.comparison(scope, depth),
            3..=6 => {
                let (left, right) = (self.predicate(scope, depth), self.predicate(scope, depth));
                format!("({left} {} {right})", self.tape.one(&["AND", "OR"]))
            }
            7..=8 => {
                self.has("NOT");
                format!("(NOT {})", self.predicate(scope, depth))
            }
            9 => {
                self.has("IS NULL");
                let kind = *self.tape.one(&Kind::ALL);
                format!("({} IS {}NULL)", self.expression(kind, scope, depth), self.not())
            }
            10 => {
                self.has("BETWEEN");
                let kind = *self.tape.one(&[Kind::Int, Kind::Text, Kind::Real]);
                let [what, from, to] = [0; 3].map(|_| self.expression(kind, scope, depth));
                format!("({what} {}BETWEEN {from} AND {to})", self.not())
            }
            11..=12 => self.in_list(scope, depth),
            13 => {
                self.has("LIKE");
                let what = self.expression(Kind::Text, scope, depth);
                format!("({what} {}LIKE '{}')", self.not(), self.tape.one(&["a%", "%", "_", "%b", "A_%", "", "%a%"]))
            }
            14 => self.of_truth(scope, depth),
            15 if scope.members => self.exists(scope, depth),
            16..=18 if scope.members => self.in_subquery(scope, depth),
            15 | 16 => self.case(Kind::Bool, scope, depth),
            17 => {
                self.has("IS DISTINCT FROM");
                let kind = *self.tape.one(&Kind::ALL);
                let (left, right) = (self.expression(kind, scope, depth), self.expression(kind, scope, depth));
                format!("({left} IS {}DISTINCT FROM {right})", self.not())
            }
            _ => self.leaf(Kind::Bool, scope),
        }
    }

    fn comparison(&mut self, scope: &Scope, depth: u32) -> String {
        let kind = *self.tape.one(&[Kind::Int, Kind::Int, Kind::Text, Kind::Real, Kind::Bool]);
        let left = self.expression(kind, scope, depth);
        let operator = *self.tape.one(&COMPARISONS);
        let right = match self.tape.below(20) {
            18 => {
                self.has("= NULL");
                "NULL".to_owned()
            }
            19 if kind == Kind::Real => self.expression(Kind::Int, scope, depth),
            _ => self.expression(kind, scope, depth),
        };
        format!("({left} {operator} {right})")
    }

    fn in_list(&mut self, scope: &Scope, depth: u32) -> String {
        let kind = *self.tape.one(&[Kind::Int, Kind::Text, Kind::Real]);
        let what = self.expression(kind, scope, depth);
        let mut items: Vec<String> = (0..=self.tape.below(3)).map(|_| self.leaf(kind, scope)).collect();
        if self.tape.chance(25) {
            self.has("NULL in a list");
            items.push("NULL".to_owned());
        }
        let not = self.not();
        self.has(if not.is_empty() { "IN (list)" } else { "NOT IN (list)" });
        format!("({what} {not}IN ({}))", items.join(", "))
    }

    fn of_truth(&mut self, scope: &Scope, depth: u32) -> String {
        self.has("IS TRUE");
        let truth = self.predicate(scope, depth);
        format!("({truth} IS {}{})", self.not(), self.tape.one(&["TRUE", "FALSE"]))
    }
}
