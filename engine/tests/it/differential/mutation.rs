//! Mutations: one to three statements that become visible together.
//!
//! Left out, since there the two may rightly differ: a value computed from the table that is being updated (SQLite
//! computes row by row, and sees rows that it has updated already), and a row that is added twice and taken away again in
//! one mutation (SQLite looks at keys after every statement).

use super::cell::Kind;
use super::expression::{Scope, Writer};
use super::tape::Tape;
use super::world::{Presence, TABLE, Table};

/// Statements that change rows, one after the other.
#[derive(Default)]
pub struct Mutations {
    statements: u32,
}

impl Mutations {
    /// The statements of one mutation, and what stands in them.
    pub fn draw(&mut self, tape: &mut Tape) -> (Vec<String>, Vec<&'static str>) {
        let mut writer = Writer::new(tape);
        let more = writer.tape.below(3);
        let mut statements: Vec<String> = (0..more).map(|_| self.statement(&mut writer)).collect();
        statements.push(match writer.tape.chance(15) {
            true => writer.collide(),
            false => self.statement(&mut writer),
        });
        (statements, writer.features.into_iter().collect())
    }

    fn statement(&mut self, writer: &mut Writer<'_>) -> String {
        self.statements += 1;
        // Sums of powers of two: no two rows get the same key, whatever was added to which row before.
        let step = 10 << self.statements.min(30);
        match writer.tape.below(10) {
            0..=3 => writer.update(),
            4..=5 => writer.delete(),
            6 => writer.insert_nodes(step),
            7 => writer.insert_values(step),
            8 => writer.insert_edges(),
            _ => writer.rename(step),
        }
    }
}

impl Writer<'_> {
    fn update(&mut self) -> String {
        self.has("UPDATE");
        let table = self.tape.one(&TABLE);
        let (target, columns) = self.named(table);
        let scope = Scope::condition(columns, 1);
        let settable: Vec<_> =
            table.columns.iter().filter(|(_, _, presence)| *presence != Presence::Identity).collect();
        let first = self.tape.below(u32::try_from(settable.len()).expect("a short list")) as usize;
        let mut set = Vec::new();
        for (name, kind, _) in settable.iter().skip(first).take(1 + self.tape.below(2) as usize) {
            self.barred = Some(table.name);
            set.push(format!("{name} = {}", self.settled(*kind, &scope)));
            self.barred = None;
        }
        format!("UPDATE {target} SET {}{}", set.join(", "), self.selection(&scope))
    }

    /// A value that does not grow from mutation to mutation.
    fn settled(&mut self, kind: Kind, scope: &Scope) -> String {
        let scope = &scope.given();
        match kind {
            Kind::Int => format!("({} % 7)", self.expression(kind, scope, 2)),
            Kind::Text => format!("substr({}, 1, 4)", self.expression(kind, scope, 2)),
            Kind::Real => self.expression(kind, scope, 1),
            Kind::Bool => self.expression(kind, scope, 2),
        }
    }

    fn selection(&mut self, scope: &Scope) -> String {
        if self.tape.chance(10) { String::new() } else { format!(" WHERE {}", self.condition(scope, 3)) }
    }

    fn delete(&mut self) -> String {
        self.has("DELETE");
        let (target, columns) = self.table();
        format!("DELETE FROM {target}{}", self.selection(&Scope::condition(columns, 1)))
    }

    pub fn node(&mut self) -> &'static Table {
        &TABLE[self.tape.below(2) as usize]
    }

    fn insert_nodes(&mut self, step: i64) -> String {
        self.has("INSERT … SELECT");
        let into = self.node();
        let from = self.node();
        let (from, columns) = self.named(from);
        let id = columns[0].sql.clone();
        let scope = Scope::condition(columns, 1);
        let mut names = vec!["id"];
        let mut values = vec![format!("{id} + {step}")];
        for (name, kind, presence) in into.columns {
            let given = match presence {
                Presence::Identity => false,
                Presence::Required => true,
                Presence::Optional => self.tape.chance(60),
            };
            if given {
                names.push(name);
                values.push(self.settled(*kind, &scope));
            }
        }
        let values = values.join(", ");
        format!(
            "INSERT INTO {} ({}) SELECT {values} FROM {from}{}",
            into.name,
            names.join(", "),
            self.selection(&scope)
        )
    }

    fn insert_values(&mut self, step: i64) -> String {
        self.has("INSERT … VALUES");
        let rows = 1 + self.tape.below(2);
        let scope = Scope::default();
        let row = |row| {
            format!(
                "({}, {}, {})",
                step + 6 + i64::from(row),
                self.leaf(Kind::Int, &scope),
                self.leaf(Kind::Text, &scope)
            )
        };
        let rows: Vec<String> = (0..rows).map(row).collect();
        format!("INSERT INTO Q (id, a, s) VALUES {}", rows.join(", "))
    }

    fn insert_edges(&mut self) -> String {
        self.has("INSERT … SELECT");
        let (p, mut columns) = self.named(&TABLE[0]);
        let (q, others) = self.named(&TABLE[1]);
        let (src, dst) = (columns[0].sql.clone(), others[0].sql.clone());
        columns.extend(others);
        let scope = Scope::condition(columns, 1);
        let (w, condition) = (self.settled(Kind::Int, &scope), self.predicate(&scope, 2));
        let absent = format!("NOT EXISTS (SELECT 1 FROM E AS e WHERE e.src = {src} AND e.dst = {dst})");
        format!(
            "INSERT INTO E (src, dst, w) SELECT {src}, {dst}, {w} FROM {p} CROSS JOIN {q} WHERE {condition} AND {absent}"
        )
    }

    /// Other keys, and the edges follow.
    fn rename(&mut self, step: i64) -> String {
        self.has("UPDATE of a key");
        let table = self.node();
        let (target, columns) = self.named(table);
        let id = columns[0].sql.clone();
        format!("UPDATE {target} SET id = {id} + {step}{}", self.selection(&Scope::condition(columns, 1)))
    }

    /// Rows that may be there already.
    fn collide(&mut self) -> String {
        self.has("rows that may exist");
        let (from, columns) = self.named(&TABLE[1]);
        let id = columns[0].sql.clone();
        format!("INSERT INTO Q (id) SELECT {id} FROM {from}{}", self.selection(&Scope::condition(columns, 1)))
    }
}
