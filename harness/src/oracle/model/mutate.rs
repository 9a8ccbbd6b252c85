//! What statements do to rows.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use serde_json::Value;

use super::cell::Cell;
use super::evaluate::Seat;
use super::kind::{Kind, kind_of};
use super::sql::{Condition, Select, Statement, Term};
use super::state::{self, Identity, State};
use super::write::{Refusal, facts, identified, taken};
use crate::oracle::facts::{SchemaFacts, TypeFacts, TypeKind};
use crate::oracle::rows::Row;

/// Rows while a mutation changes them. What is checked is what all of its statements leave together: until then, several rows
/// may have one identity.
pub(super) struct Working<'a> {
    schema: &'a SchemaFacts,
    types: BTreeMap<String, Vec<Row>>,
}

impl<'a> Working<'a> {
    pub(super) fn of(schema: &'a SchemaFacts, state: &State) -> Self {
        let rows_of = |type_name: &String| state.rows(type_name).map(|(_, row)| row.clone()).collect();
        let types = schema.types.keys().map(|type_name| (type_name.clone(), rows_of(type_name)));
        Working { schema, types: types.collect() }
    }

    fn rows(&mut self, type_name: &str) -> &mut Vec<Row> {
        self.types.entry(type_name.to_owned()).or_default()
    }

    pub(super) fn settled(self) -> Result<State, Refusal> {
        let mut state = State::default();
        for (type_name, rows) in self.types {
            let facts = facts(self.schema, &type_name)?;
            for row in rows {
                let (_, identity, row) = identified(self.schema, &type_name, facts, row)?;
                if state.get(&type_name, &identity).is_some() {
                    return Err(Refusal::Forbidden(format!("{type_name} {} is there already", identity.join(", "))));
                }
                state.put(&type_name, identity, row);
            }
        }
        Ok(state)
    }

    pub(super) fn run(&mut self, statement: &Statement) -> Result<(), Refusal> {
        match statement {
            Statement::Insert { type_name, .. } => {
                let rows = inserted(self.schema, statement)?;
                self.rows(type_name).extend(rows.into_iter().map(|(_, _, row)| row));
                Ok(())
            }
            Statement::InsertFrom { type_name, columns, select } => self.insert_from(type_name, columns, select),
            Statement::Update { type_name, set, filter } => self.update(type_name, set, filter),
            Statement::Delete { type_name, filter } => self.delete(type_name, filter),
        }
    }

    fn insert_from(&mut self, type_name: &str, columns: &[String], select: &Select) -> Result<(), Refusal> {
        let schema = self.schema;
        let into = facts(schema, type_name)?;
        let from = facts(schema, &select.from)?;
        let chosen = chosen(schema, from, self.rows(&select.from).clone(), select)?;
        for row in &chosen {
            let seat = Seat { schema, facts: from, row };
            let mut new = Row::new();
            for (column, term) in columns.iter().zip(&select.terms) {
                let kind = kind_of(schema, into, column)
                    .ok_or_else(|| Refusal::Forbidden(format!("{type_name} has no column '{column}'")))?;
                let value = seat.value(term, &kind)?.stored(&kind).map_err(|refusal| refusal.about(column))?;
                new.insert(column.clone(), value);
            }
            let (_, _, new) = identified(schema, type_name, into, new)?;
            self.rows(type_name).push(new);
        }
        Ok(())
    }

    fn update(&mut self, type_name: &str, set: &[(String, Term)], filter: &Condition) -> Result<(), Refusal> {
        let schema = self.schema;
        let facts = facts(schema, type_name)?;
        let key = match &facts.kind {
            TypeKind::Node { key } => Some(key),
            TypeKind::Edge { .. } => None,
        };
        if key.is_none() && set.iter().any(|(column, _)| facts.identity_columns().contains(&column.as_str())) {
            return Err(Refusal::NotModelled(format!("an update of the ends of {type_name}")));
        }
        let mut renamed = Vec::new();
        for row in self.rows(type_name) {
            let seat = Seat { schema, facts, row: &*row };
            if seat.holds(filter)? != Some(true) {
                continue;
            }
            let mut after = row.clone();
            for (column, term) in set {
                after.insert(column.clone(), seat.stored(term, column)?);
            }
            let (_, _, after) = identified(schema, type_name, facts, after)?;
            if let Some((old, new)) = key.and_then(|key| Some((row.get(key)?, after.get(key)?))) {
                renamed.extend((old != new).then(|| (old.clone(), new.clone())));
            }
            *row = after;
        }
        if let Some(key) = key.filter(|_| !renamed.is_empty()) {
            let rows = self.rows(type_name);
            let holders = |value: &Value| rows.iter().filter(|row| row.get(key) == Some(value)).count();
            let is_new = |value: &Value| renamed.iter().any(|(_, new)| new == value);
            if renamed.iter().any(|(old, new)| holders(new) > 1 || (holders(old) > 0 && !is_new(old))) {
                return Err(Refusal::Forbidden(format!("two of {type_name} would have one key")));
            }
        }
        self.follow(type_name, &renamed)
    }

    /// The edges of a node whose key has changed go on being its edges.
    fn follow(&mut self, type_name: &str, renamed: &[(Value, Value)]) -> Result<(), Refusal> {
        let is_twice = |at: usize| renamed[..at].iter().any(|(other, _)| *other == renamed[at].0);
        if (0..renamed.len()).any(is_twice) {
            return Err(Refusal::NotModelled(format!("two of {type_name} had one key and have two")));
        }
        for (edge, column) in state::edges_of(self.schema, type_name) {
            for row in self.types.entry(edge.to_owned()).or_default() {
                let new = renamed.iter().find(|(old, _)| row.get(column) == Some(old)).map(|(_, new)| new.clone());
                row.extend(new.map(|new| (column.to_owned(), new)));
            }
        }
        Ok(())
    }

    fn delete(&mut self, type_name: &str, filter: &Condition) -> Result<(), Refusal> {
        let schema = self.schema;
        let facts = facts(schema, type_name)?;
        let (mut left, mut gone) = (Vec::new(), Vec::new());
        for row in std::mem::take(self.rows(type_name)) {
            let is_gone = Seat { schema, facts, row: &row }.holds(filter)? == Some(true);
            if is_gone { gone.push(row) } else { left.push(row) }
        }
        let TypeKind::Node { key } = &facts.kind else {
            *self.rows(type_name) = left;
            return Ok(());
        };
        // Whose edges would go: those of the one that stays, or of the one that goes?
        if left.iter().any(|stays| gone.iter().any(|goes| stays.get(key) == goes.get(key))) {
            return Err(Refusal::Forbidden(format!("two of {type_name} have one key, and one of them is deleted")));
        }
        *self.rows(type_name) = left;
        // Deleting a node deletes its edges.
        for (edge, column) in state::edges_of(schema, type_name) {
            self.rows(edge).retain(|row| gone.iter().all(|node| row.get(column) != node.get(key)));
        }
        Ok(())
    }
}

/// The rows that a `SELECT` takes, in its order.
fn chosen(schema: &SchemaFacts, facts: &TypeFacts, rows: Vec<Row>, select: &Select) -> Result<Vec<Row>, Refusal> {
    let mut chosen = Vec::new();
    for row in rows {
        if (Seat { schema, facts, row: &row }).holds(&select.filter)? == Some(true) {
            chosen.push(row);
        }
    }
    let Some((column, is_descending)) = &select.order else {
        return match (select.limit, select.offset) {
            (None, 0) => Ok(chosen),
            _ => Err(Refusal::NotModelled("some rows of those that come in no order".to_owned())),
        };
    };
    let place = |row: &Row| Seat { schema, facts, row }.value(&Term::Column(column.clone()), &Kind::Text);
    let mut placed =
        chosen.into_iter().map(|row| Ok((place(&row)?, row))).collect::<Result<Vec<(Cell, Row)>, Refusal>>()?;
    let mut trouble = None;
    placed.sort_by(|(left, _), (right, _)| match left.compared(right) {
        Ok(Some(order)) if order != Ordering::Equal => {
            if *is_descending {
                order.reverse()
            } else {
                order
            }
        }
        Ok(_) => {
            trouble = Some(Refusal::NotModelled(format!("an order by {column}, which does not tell all rows apart")));
            Ordering::Equal
        }
        Err(refusal) => {
            trouble = Some(refusal);
            Ordering::Equal
        }
    });
    match trouble {
        Some(refusal) => Err(refusal),
        None => {
            let rows = placed.into_iter().skip(select.offset).take(select.limit.unwrap_or(usize::MAX));
            Ok(rows.map(|(_, row)| row).collect())
        }
    }
}

/// The rows that the `INSERT … VALUES` of a statement add.
pub(super) fn inserted(schema: &SchemaFacts, statement: &Statement) -> Result<Vec<(String, Identity, Row)>, Refusal> {
    let Statement::Insert { type_name, columns, rows } = statement else { return Ok(Vec::new()) };
    let facts = facts(schema, type_name)?;
    rows.iter()
        .map(|values| {
            let row = columns.iter().cloned().zip(values.iter().cloned()).collect();
            identified(schema, type_name, facts, taken(schema, type_name, facts, row)?)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;
    use crate::oracle::evidence::{LoadMode, OperationCall};
    use crate::oracle::facts::PropertyFacts;
    use crate::oracle::model::write::apply;

    fn schema() -> SchemaFacts {
        let property = |text: &str| {
            let (name, value) = text.split_once(' ').expect("a name and a type");
            let facts = PropertyFacts {
                value: value.trim_end_matches('?').into(),
                optional: value.ends_with('?'),
                unique: false,
            };
            (name.to_owned(), facts)
        };
        let of = |kind: TypeKind, properties: &[&str]| TypeFacts {
            kind,
            properties: properties.iter().map(|p| property(p)).collect(),
        };
        let node = of(
            TypeKind::Node { key: "k".into() },
            &[
                "k I64",
                "n I64?",
                "m I64?",
                "u U64?",
                "s I8?",
                "d F64?",
                "f F32?",
                "t String?",
                "e enum(low, high)?",
                "b Bool?",
                "day Date?",
                "at DateTime?",
                "l [F32]?",
                "o [F32]?",
                "v Vector(2)?",
                "w Vector(2)?",
            ],
        );
        let edge = of(TypeKind::Edge { from: "N".into(), to: "N".into() }, &["n I64"]);
        SchemaFacts { types: BTreeMap::from([("N".to_owned(), node), ("E".to_owned(), edge)]) }
    }

    fn rows() -> OperationCall {
        let node = |data: Value| json!({"type": "N", "data": data});
        let rows = vec![
            node(
                json!({"k": 1, "n": 5, "m": 7, "u": u64::MAX, "s": 100, "d": 0.1, "f": 0.1, "t": "a", "e": "low", "b": true}),
            ),
            node(
                json!({"k": 2, "n": i64::MAX, "day": "0001-01-01", "at": "9999-12-31T23:59:59.999999Z", "l": [0.1, -0.0], "v": [1, 2]}),
            ),
            node(
                json!({"k": 9_007_199_254_740_993_i64, "n": -1, "day": "2024-02-29", "at": "1969-12-31T23:59:59.999999Z"}),
            ),
            json!({"type": "E", "from": 1, "to": 2, "data": {"n": 1}}),
            json!({"type": "E", "from": 2, "to": 2, "data": {"n": 2}}),
        ];
        OperationCall::Load { mode: LoadMode::Append, rows }
    }

    fn after(sql: &str) -> Result<State, Refusal> {
        let start = apply(&schema(), &State::default(), &rows()).expect("the rows");
        apply(&schema(), &start, &OperationCall::Mutate { sql: sql.to_owned() })
    }

    /// A value of the node with this key, as text.
    fn value(sql: &str, key: i64, column: &str) -> String {
        let state = after(sql).unwrap_or_else(|refusal| panic!("{sql}: {refusal:?}"));
        let row = state.get("N", &vec![key.to_string()]).unwrap_or_else(|| panic!("{sql}: no {key}"));
        row.get(column).map_or_else(|| "null".to_owned(), Value::to_string)
    }

    fn keys(sql: &str) -> Vec<String> {
        let state = after(sql).unwrap_or_else(|refusal| panic!("{sql}: {refusal:?}"));
        state.rows("N").map(|(identity, _)| identity[0].clone()).collect()
    }

    #[test]
    fn expressions_over_columns_are_exact() {
        for (set, column, wanted) in [
            ("n = n + m", "n", "12"),
            ("n = n * m - 1", "n", "34"),
            ("u = u - 1", "u", "18446744073709551614"),
            ("d = d + 0.2", "d", "0.30000000000000004"),
            ("d = f", "d", "0.10000000149011612"),
            ("f = f * 2", "f", "0.2"),
            ("t = t || '-' || t", "t", "\"a-a\""),
            ("t = t || NULL", "t", "null"),
            ("t = e", "t", "\"low\""),
            ("n = COALESCE(NULL, m, 3)", "n", "7"),
            ("n = CASE WHEN n > 5 THEN 1 WHEN b = TRUE THEN n + 1 END", "n", "6"),
            ("d = 3", "d", "3.0"),
            ("l = [1, 0.1]", "l", "[1.0,0.1]"),
        ] {
            assert_eq!(value(&format!("UPDATE N SET {set} WHERE k = 1"), 1, column), wanted, "{set}");
        }
        assert_eq!(value("UPDATE N SET o = l, w = v WHERE k = 2", 2, "o"), "[0.1,-0.0]");
        assert_eq!(
            value("UPDATE N SET n = k WHERE k > 9007199254740992", 9_007_199_254_740_993, "n"),
            "9007199254740993"
        );
    }

    #[test]
    fn what_overflows_or_does_not_fit_refuses_the_whole_write() {
        for forbidden in [
            "UPDATE N SET n = n + 1",
            "UPDATE N SET u = u + 1",
            "UPDATE N SET s = s + s WHERE k = 1",
            "UPDATE N SET s = n WHERE k = 2",
            "UPDATE N SET e = t",
            "UPDATE N SET day = '2024-02-29T00:00:00Z'",
            "UPDATE N SET k = NULL",
            "INSERT INTO N (k, l) VALUES (3, [1, NULL])",
            "INSERT INTO N (k, v) VALUES (3, [1])",
            "INSERT INTO N (n) VALUES (3)",
            "INSERT INTO N (k, x) VALUES (3, 4)",
            "INSERT INTO E (src, dst) VALUES (1, 1)",
        ] {
            assert!(matches!(after(forbidden), Err(Refusal::Forbidden(_))), "{forbidden}: {:?}", after(forbidden));
        }
        let spared = "UPDATE N SET n = CASE WHEN n < 9223372036854775807 THEN n + 1 ELSE n END";
        assert_eq!(value(spared, 2, "n"), i64::MAX.to_string());
    }

    #[test]
    fn predicates_know_three_truths() {
        let big = "9007199254740993";
        for (filter, left) in [
            ("n = 5", vec!["2", big]),
            ("n <> 5", vec!["1"]),
            ("NOT n = 5", vec!["1"]),
            ("m = 7 OR n < 0", vec!["2"]),
            ("NOT m = 7", vec!["1", "2", big]),
            ("m NOT IN (1, NULL)", vec!["1", "2", big]),
            ("m IN (7, NULL)", vec!["2", big]),
            ("m IS NULL", vec!["1"]),
            ("n > m OR b = TRUE", vec!["2", big]),
            ("day < '2024-02-29'", vec!["1", big]),
            ("at >= '9999-12-31T23:59:59.999999Z'", vec!["1", big]),
            ("at < '1970-01-01T00:00:00Z'", vec!["1", "2"]),
            ("k = 9007199254740992", vec!["1", "2", big]),
            ("t >= 'a' AND d > 0.05 AND e <> 'high'", vec!["2", big]),
            ("l IS NOT NULL", vec!["1", big]),
        ] {
            assert_eq!(keys(&format!("DELETE FROM N WHERE {filter}")), left, "{filter}");
        }
        assert!(matches!(after("DELETE FROM N WHERE l = l"), Err(Refusal::NotModelled(_))));
    }

    #[test]
    fn rows_are_copied_in_an_order_with_their_own_values() {
        let sql = "INSERT INTO N (k, n, l) SELECT k + 10, k, l FROM N WHERE k < 100 ORDER BY k DESC LIMIT 1 OFFSET 0; \
                   INSERT INTO N (k, n, w) SELECT k + 20, k, v FROM N WHERE k < 5 ORDER BY k LIMIT 1 OFFSET 1";
        assert_eq!((value(sql, 12, "n"), value(sql, 12, "l")), ("2".into(), "[0.1,-0.0]".into()));
        assert_eq!((value(sql, 22, "n"), value(sql, 22, "w")), ("2".into(), "[1.0,2.0]".into()));
        assert_eq!(keys(sql).len(), 5);
        let from_a_list = "INSERT INTO N (k, v, o) SELECT k + 30, l, v FROM N WHERE k = 2";
        assert_eq!(
            (value(from_a_list, 32, "v"), value(from_a_list, 32, "o")),
            ("[0.1,-0.0]".into(), "[1.0,2.0]".into())
        );
        let of_another_length = "UPDATE N SET l = [1, 2, 3]; INSERT INTO N (k, v) SELECT k + 30, l FROM N";
        assert!(matches!(after(of_another_length), Err(Refusal::Forbidden(_))));
        assert!(matches!(after("INSERT INTO N (k) SELECT k FROM N"), Err(Refusal::Forbidden(_))));
        assert!(matches!(after("INSERT INTO N (k) SELECT k + 1 FROM N LIMIT 1"), Err(Refusal::NotModelled(_))));
    }

    #[test]
    fn the_edges_of_a_node_follow_its_new_key() {
        let state = after("UPDATE N SET k = 7, n = 0 WHERE k = 2").expect("a new key");
        let edges: Vec<&Identity> = state.rows("E").map(|(identity, _)| identity).collect();
        assert_eq!(edges, [&vec!["1".to_owned(), "7".to_owned()], &vec!["7".to_owned(), "7".to_owned()]]);
        assert_eq!(value("UPDATE N SET k = 7 WHERE k = 2", 7, "day"), "\"0001-01-01\"");
        assert!(matches!(after("UPDATE N SET k = 1 WHERE k = 2"), Err(Refusal::Forbidden(_))), "it is there already");
        let swapped = after("UPDATE N SET k = 3 - k WHERE k < 3").expect("the two change places");
        assert!(swapped.get("E", &vec!["2".to_owned(), "1".to_owned()]).is_some());
    }
}
