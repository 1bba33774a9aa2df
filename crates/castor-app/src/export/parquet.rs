//! The table of cells as Parquet.

use super::folder::NewFolder;
use super::table::{COLUMNS, Kind, Value, WIDTH, rows};
use super::{About, Exported, FormatWriter, NAME_OF_TABLE};
use crate::AppError;
use ::parquet::basic::{Compression, LogicalType, Repetition, Type as PhysicalType};
use ::parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, DoubleType, Int32Type};
use ::parquet::errors::ParquetError;
use ::parquet::file::metadata::KeyValue;
use ::parquet::file::properties::WriterProperties;
use ::parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use ::parquet::schema::types::Type;
use std::collections::BTreeSet;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

/// Rows that are held in memory and written together.
const GROUP: usize = 100_000;

/// Writes the table, a group of rows at a time.
pub(super) struct Parquet {
    out: SerializedFileWriter<File>,
    about: About,
    models: BTreeSet<String>,
    columns: [Vec<Value>; WIDTH],
}

impl Parquet {
    pub(super) fn begin(folder: &mut NewFolder, about: &About) -> Result<Self, AppError> {
        let file = folder.create(&format!("{NAME_OF_TABLE}.parquet"))?;
        let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
        let out = SerializedFileWriter::new(file, Arc::new(schema().map_err(fails)?), Arc::new(properties));
        Ok(Self {
            out: out.map_err(fails)?,
            about: about.clone(),
            models: BTreeSet::new(),
            columns: Default::default(),
        })
    }

    fn write_group(&mut self) -> Result<(), ParquetError> {
        let mut group = self.out.next_row_group()?;
        for (column, values) in COLUMNS.iter().zip(&mut self.columns) {
            let Some(mut out) = group.next_column()? else { break };
            let values = std::mem::take(values);
            match column.kind {
                Kind::Text => write::<ByteArrayType>(&mut out, column.optional, values, |value| {
                    if let Value::Text(text) = value {
                        Some(ByteArray::from(text.into_bytes()))
                    } else {
                        None
                    }
                }),
                Kind::Number => write::<Int32Type>(&mut out, column.optional, values, |value| {
                    if let Value::Number(number) = value {
                        Some(number)
                    } else {
                        None
                    }
                }),
                Kind::Real => write::<DoubleType>(&mut out, column.optional, values, |value| {
                    if let Value::Real(real) = value {
                        Some(real)
                    } else {
                        None
                    }
                }),
                Kind::Truth => write::<BoolType>(&mut out, column.optional, values, |value| {
                    if let Value::Truth(truth) = value {
                        Some(truth)
                    } else {
                        None
                    }
                }),
            }?;
            out.close()?;
        }
        group.close()?;
        Ok(())
    }

    fn describe(&mut self) {
        let models: Vec<&str> = self.models.iter().map(String::as_str).collect();
        let entries = [
            ("castor.version", env!("CARGO_PKG_VERSION").to_owned()),
            ("castor.models", models.join(" ")),
            ("castor.log_head", self.about.head.clone()),
            ("castor.log_events", self.about.events.to_string()),
            ("castor.produced_at", self.about.produced_at.clone()),
        ];
        for (key, value) in entries {
            self.out.append_key_value_metadata(KeyValue::new(key.to_owned(), value));
        }
    }
}

impl FormatWriter for Parquet {
    fn add(&mut self, _: &mut NewFolder, form: &Exported) -> Result<(), AppError> {
        if !self.models.contains(form.model()) {
            self.models.insert(form.model().to_owned());
        }
        for row in rows(form) {
            for (column, value) in self.columns.iter_mut().zip(row) {
                column.push(value);
            }
        }
        if self.columns[0].len() >= GROUP {
            self.write_group().map_err(fails)?;
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>, _: &mut NewFolder) -> Result<(), AppError> {
        if !self.columns[0].is_empty() {
            self.write_group().map_err(fails)?;
        }
        self.describe();
        let file = self.out.into_inner().map_err(fails)?;
        file.sync_all()
            .map_err(|e| AppError::file(Path::new(NAME_OF_TABLE), &e))
    }
}

/// The columns' types.
fn schema() -> Result<Type, ParquetError> {
    let column = |column: &super::table::Column| {
        let (physical, logical) = match column.kind {
            Kind::Text => (PhysicalType::BYTE_ARRAY, Some(LogicalType::String)),
            Kind::Number => (PhysicalType::INT32, None),
            Kind::Real => (PhysicalType::DOUBLE, None),
            Kind::Truth => (PhysicalType::BOOLEAN, None),
        };
        let repetition = if column.optional {
            Repetition::OPTIONAL
        } else {
            Repetition::REQUIRED
        };
        Type::primitive_type_builder(column.name, physical)
            .with_logical_type(logical)
            .with_repetition(repetition)
            .build()
            .map(Arc::new)
    };
    let fields = COLUMNS.iter().map(column).collect::<Result<Vec<_>, _>>()?;
    Type::group_type_builder("casillas").with_fields(fields).build()
}

/// Writes one column of a group; an optional one says of each row whether its value is there.
fn write<T: DataType>(
    out: &mut SerializedColumnWriter<'_>,
    optional: bool,
    values: Vec<Value>,
    of: impl Fn(Value) -> Option<T::T>,
) -> Result<usize, ParquetError> {
    let values: Vec<Option<T::T>> = values.into_iter().map(of).collect();
    let levels: Vec<i16> = values.iter().map(|v| i16::from(v.is_some())).collect();
    let there: Vec<T::T> = values.into_iter().flatten().collect();
    out.typed::<T>()
        .write_batch(&there, optional.then_some(levels.as_slice()), None)
}

fn fails(error: ParquetError) -> AppError {
    AppError::file(Path::new(NAME_OF_TABLE), &error)
}
