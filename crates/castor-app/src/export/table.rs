//! The table of cells that CSV and Parquet share: one row for each cell of each form.

use super::Exported;
use castor_domain::reading::FieldReading;

/// What stands in one place of the table.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Text(String),
    Number(i32),
    Real(f64),
    Truth(bool),
    /// Not read, or not known: never 0 and never an empty text.
    Unknown,
}

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Number,
    Real,
    Truth,
}

/// One column.
pub(crate) struct Column {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    /// Whether the value can be unknown.
    pub(crate) optional: bool,
    of: fn(&Exported, &FieldReading) -> Value,
}

fn text(value: Option<&str>) -> Value {
    value.map_or(Value::Unknown, |text| Value::Text(text.to_owned()))
}

fn code(exported: &Exported, place: usize) -> Value {
    text(exported.row.codes[place].as_deref())
}

const fn always(name: &'static str, kind: Kind, of: fn(&Exported, &FieldReading) -> Value) -> Column {
    let optional = false;
    Column {
        name,
        kind,
        optional,
        of,
    }
}

const fn maybe(name: &'static str, kind: Kind, of: fn(&Exported, &FieldReading) -> Value) -> Column {
    let optional = true;
    Column {
        name,
        kind,
        optional,
        of,
    }
}

/// How many columns there are.
pub(crate) const WIDTH: usize = 18;

/// The columns, in order. Codes are texts: their leading zeros are part of them.
pub(crate) static COLUMNS: [Column; WIDTH] = [
    always("form", Kind::Text, |e, _| Value::Text(e.row.id.clone())),
    always("file", Kind::Text, |e, _| Value::Text(e.row.name.clone())),
    always("demo", Kind::Truth, |e, _| Value::Truth(e.row.demo)),
    always("state", Kind::Text, |e, _| Value::Text(e.row.state.clone())),
    maybe("departamento", Kind::Text, |e, _| code(e, 0)),
    maybe("municipio", Kind::Text, |e, _| code(e, 1)),
    maybe("zona", Kind::Text, |e, _| code(e, 2)),
    maybe("puesto", Kind::Text, |e, _| code(e, 3)),
    maybe("mesa", Kind::Text, |e, _| code(e, 4)),
    maybe("corporacion", Kind::Text, |e, _| text(e.row.corporacion.as_deref())),
    maybe("copia", Kind::Text, |e, _| text(e.row.copia.as_deref())),
    always("page", Kind::Number, |_, f| Value::Number(f.page.into())),
    always("field", Kind::Text, |_, f| Value::Text(f.path.to_string())),
    always("marks", Kind::Text, |_, f| {
        Value::Text(f.marks.map(crate::cells::mark).concat())
    }),
    maybe("value", Kind::Number, |_, f| {
        f.value.map_or(Value::Unknown, |v| Value::Number(v.into()))
    }),
    always("confidence", Kind::Real, |_, f| Value::Real(f.confidence.into())),
    always("needs_review", Kind::Truth, |_, f| Value::Truth(f.needs_review)),
    maybe("decided_by", Kind::Text, |e, f| {
        text(e.word(f).map(|word| word.by.as_str()))
    }),
];

/// The rows of a form, a value for each column.
pub(crate) fn rows(exported: &Exported) -> impl Iterator<Item = [Value; WIDTH]> {
    let of = move |field: &FieldReading| COLUMNS.each_ref().map(|column| (column.of)(exported, field));
    exported.form.fields.iter().map(of)
}
