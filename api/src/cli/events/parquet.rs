//! A table of events in Apache Parquet: typed columns, in groups of rows that bound what is in memory.
//!
//! Readers go through a file group by group, and each group has its own description in the end of the file, so few
//! large ones are better than many small ones: what bounds a group is what its encoded and compressed columns take.
//!
//! Money is DECIMAL(38, 4): every amount that there can be, exactly, whatever places its currency has. Times are
//! microseconds in UTC.

use super::pages::Pages;
use crate::roles::Failure;
use crate::v1::events::columns::Row;
use chrono::{DateTime, Utc};
use commands::StoredEvent;
use parquet::basic::Compression;
use parquet::column::writer::{ColumnWriter, get_column_writer};
use parquet::data_type::{ByteArray, FixedLenByteArray};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use parquet::schema::types::{ColumnDescPtr, ColumnPath};
use rust_decimal::Decimal;
use std::io::Write;
use std::sync::Arc;
use uuid::Uuid;

/// The most rows of a group, about: as many as DuckDB has in its own.
const GROUP_ROWS: usize = 122_880;
/// A group ends once its pages take this much.
const GROUP_BYTES: usize = 32 << 20;
/// How many rows are encoded at a time.
const BATCH_ROWS: usize = 1_024;
/// The same in bytes, where rows are large.
const BATCH_BYTES: usize = 4 << 20;
/// Places of an amount of money, as the schema has it.
const MONEY_SCALE: u32 = 4;

/// In the order of [`columns::NAMES`](crate::v1::events::columns::NAMES).
const SCHEMA: &str = "
message event {
    required int64 position;
    required fixed_len_byte_array(16) event_id (UUID);
    required binary type (STRING);
    required binary version (STRING);
    required binary aggregate_type (STRING);
    required binary aggregate_id (STRING);
    required int64 sequence;
    required int64 recorded_at (TIMESTAMP(MICROS, true));
    optional int64 occurred_at (TIMESTAMP(MICROS, true));
    optional binary actor (STRING);
    optional binary correlation_id (STRING);
    optional int64 order_number;
    optional fixed_len_byte_array(16) subject_id (UUID);
    optional binary sku (STRING);
    optional int64 quantity;
    optional fixed_len_byte_array(16) unit_price (DECIMAL(38, 4));
    optional fixed_len_byte_array(16) amount (DECIMAL(38, 4));
    optional fixed_len_byte_array(16) total (DECIMAL(38, 4));
    optional binary currency (STRING);
    required binary data (JSON);
    required binary metadata (JSON);
}";

/// Columns in which hardly two values are the same: a dictionary of them would be as large as they are.
const UNIQUE: [&str; 4] = ["position", "event_id", "data", "metadata"];

/// A table on its way.
pub(super) struct ParquetTable<W: Write + Send> {
    writer: SerializedFileWriter<W>,
    /// Of the group that is on its way; none before its first batch.
    columns: Vec<OpenColumn>,
    /// How many rows are in them.
    group_rows: usize,
    batch: Batch,
}

/// A column of a group, as far as it goes.
struct OpenColumn {
    writer: ColumnWriter<'static>,
    pages: Pages,
}

impl<W: Write + Send> ParquetTable<W> {
    pub(super) fn begin(out: W) -> Result<Self, Failure> {
        let mut properties = WriterProperties::builder()
            .set_created_by(format!("orders {}", env!("CARGO_PKG_VERSION")))
            .set_compression(Compression::SNAPPY)
            .set_statistics_enabled(EnabledStatistics::Chunk)
            // Where each page begins would be kept until the end of the file, and nobody looks for a page alone.
            .set_offset_index_disabled(true);
        for name in UNIQUE {
            properties = properties.set_column_dictionary_enabled(ColumnPath::from(name), false);
        }
        let schema = Arc::new(parse_message_type(SCHEMA)?);
        let writer = SerializedFileWriter::new(out, schema, Arc::new(properties.build()))?;
        Ok(Self { writer, columns: Vec::new(), group_rows: 0, batch: Batch::default() })
    }

    pub(super) fn write(&mut self, event: &StoredEvent) -> Result<(), Failure> {
        self.batch.push(&Row::of(event)?);
        self.batch.bytes += event.size_bytes();
        if self.batch.rows() >= BATCH_ROWS || self.batch.bytes >= BATCH_BYTES {
            self.end_batch()?;
        }
        Ok(())
    }

    pub(super) fn finish(mut self) -> Result<(), Failure> {
        self.end_batch()?;
        self.end_group()?;
        self.writer.close()?;
        Ok(())
    }

    fn end_batch(&mut self) -> Result<(), ParquetError> {
        let batch = std::mem::take(&mut self.batch);
        if batch.rows() == 0 {
            return Ok(());
        }
        self.group_rows += batch.rows();
        if self.columns.is_empty() {
            self.columns = self.begin_group();
        }
        for (cells, column) in batch.into_columns().iter().zip(&mut self.columns) {
            cells.write(&mut column.writer)?;
        }
        let group_bytes: usize = self.columns.iter().map(|column| column.pages.size_bytes()).sum();
        if self.group_rows >= GROUP_ROWS || group_bytes >= GROUP_BYTES {
            self.end_group()?;
        }
        Ok(())
    }

    fn begin_group(&self) -> Vec<OpenColumn> {
        let open = |description: &ColumnDescPtr| {
            let (properties, pages) = (Arc::clone(self.writer.properties()), Pages::default());
            OpenColumn {
                writer: get_column_writer(Arc::clone(description), properties, Box::new(pages.clone())),
                pages,
            }
        };
        self.writer.schema_descr().columns().iter().map(open).collect()
    }

    fn end_group(&mut self) -> Result<(), ParquetError> {
        self.group_rows = 0;
        let columns = std::mem::take(&mut self.columns);
        if columns.is_empty() {
            return Ok(());
        }
        let mut group = self.writer.next_row_group()?;
        for OpenColumn { writer, pages } in columns {
            let ended = writer.close()?;
            group.append_column(&pages, ended)?;
        }
        group.close()?;
        Ok(())
    }
}

/// The cells of one column, as far as there are any.
#[derive(Default)]
struct Cells<T> {
    values: Vec<T>,
    /// 1 where there is a value, 0 where there is none.
    levels: Vec<i16>,
}

impl<T> Cells<T> {
    fn push(&mut self, value: Option<T>) {
        self.levels.push(i16::from(value.is_some()));
        self.values.extend(value);
    }
}

enum Column {
    Whole(Cells<i64>),
    Bytes(Cells<ByteArray>),
    Sixteen(Cells<FixedLenByteArray>),
}

impl Column {
    fn write(&self, writer: &mut ColumnWriter<'_>) -> Result<(), ParquetError> {
        // Where every row must have a value the levels are not looked at.
        match (self, writer) {
            (Self::Whole(cells), ColumnWriter::Int64ColumnWriter(writer)) => {
                writer.write_batch(&cells.values, Some(&cells.levels), None)?
            }
            (Self::Bytes(cells), ColumnWriter::ByteArrayColumnWriter(writer)) => {
                writer.write_batch(&cells.values, Some(&cells.levels), None)?
            }
            (Self::Sixteen(cells), ColumnWriter::FixedLenByteArrayColumnWriter(writer)) => {
                writer.write_batch(&cells.values, Some(&cells.levels), None)?
            }
            _ => return Err(ParquetError::General("the schema has a column of another kind".to_owned())),
        };
        Ok(())
    }
}

/// Rows that are not encoded yet, column by column.
#[derive(Default)]
struct Batch {
    bytes: usize,
    position: Cells<i64>,
    event_id: Cells<FixedLenByteArray>,
    event_type: Cells<ByteArray>,
    version: Cells<ByteArray>,
    aggregate_type: Cells<ByteArray>,
    aggregate_id: Cells<ByteArray>,
    sequence: Cells<i64>,
    recorded_at: Cells<i64>,
    occurred_at: Cells<i64>,
    actor: Cells<ByteArray>,
    correlation_id: Cells<ByteArray>,
    order_number: Cells<i64>,
    subject_id: Cells<FixedLenByteArray>,
    sku: Cells<ByteArray>,
    quantity: Cells<i64>,
    unit_price: Cells<FixedLenByteArray>,
    amount: Cells<FixedLenByteArray>,
    total: Cells<FixedLenByteArray>,
    currency: Cells<ByteArray>,
    data: Cells<ByteArray>,
    metadata: Cells<ByteArray>,
}

impl Batch {
    fn rows(&self) -> usize {
        self.position.values.len()
    }

    fn push(&mut self, row: &Row<'_>) {
        self.position.push(Some(row.position.cast_signed()));
        self.event_id.push(Some(uuid(row.event_id)));
        self.event_type.push(Some(row.event_type.into()));
        self.version.push(Some(row.version.into()));
        self.aggregate_type.push(Some(row.aggregate_type.into()));
        self.aggregate_id.push(Some(row.aggregate_id.into()));
        self.sequence.push(Some(row.sequence.cast_signed()));
        self.recorded_at.push(Some(micros(row.recorded_at)));
        self.occurred_at.push(row.occurred_at.map(micros));
        self.actor.push(row.actor.as_deref().map(ByteArray::from));
        self.correlation_id.push(row.correlation_id.as_deref().map(ByteArray::from));
        self.order_number.push(row.order_number.map(u64::cast_signed));
        self.subject_id.push(row.subject_id.map(uuid));
        self.sku.push(row.sku.as_deref().map(ByteArray::from));
        self.quantity.push(row.quantity.map(i64::from));
        self.unit_price.push(row.unit_price.and_then(money));
        self.amount.push(row.amount.and_then(money));
        self.total.push(row.total.and_then(money));
        self.currency.push(row.currency.as_deref().map(ByteArray::from));
        self.data.push(Some(row.data.into()));
        self.metadata.push(Some(row.metadata.into()));
    }

    fn into_columns(self) -> [Column; 21] {
        [
            Column::Whole(self.position),
            Column::Sixteen(self.event_id),
            Column::Bytes(self.event_type),
            Column::Bytes(self.version),
            Column::Bytes(self.aggregate_type),
            Column::Bytes(self.aggregate_id),
            Column::Whole(self.sequence),
            Column::Whole(self.recorded_at),
            Column::Whole(self.occurred_at),
            Column::Bytes(self.actor),
            Column::Bytes(self.correlation_id),
            Column::Whole(self.order_number),
            Column::Sixteen(self.subject_id),
            Column::Bytes(self.sku),
            Column::Whole(self.quantity),
            Column::Sixteen(self.unit_price),
            Column::Sixteen(self.amount),
            Column::Sixteen(self.total),
            Column::Bytes(self.currency),
            Column::Bytes(self.data),
            Column::Bytes(self.metadata),
        ]
    }
}

fn micros(time: DateTime<Utc>) -> i64 {
    time.timestamp_micros()
}

fn uuid(id: Uuid) -> FixedLenByteArray {
    id.as_bytes().to_vec().into()
}

/// The amount at the column's scale, as a big-endian number; `None` where it has more places than any currency.
fn money(amount: Decimal) -> Option<FixedLenByteArray> {
    let amount = amount.normalize();
    let places = MONEY_SCALE.checked_sub(amount.scale())?;
    let units = amount.mantissa().checked_mul(10_i128.pow(places))?;
    Some(units.to_be_bytes().to_vec().into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::v1::events::columns::NAMES;

    #[test]
    fn the_schema_has_the_columns_of_every_table() {
        let schema = parse_message_type(SCHEMA).unwrap();
        let names: Vec<&str> = schema.get_fields().iter().map(|field| field.name()).collect();
        assert_eq!(names, NAMES);
    }

    #[test]
    fn money_is_exact_at_four_places() {
        let units =
            |text: &str| money(text.parse().unwrap()).map(|cell| i128::from_be_bytes(cell.data().try_into().unwrap()));
        assert_eq!(units("12.50"), Some(125_000));
        assert_eq!(units("0"), Some(0));
        assert_eq!(units("79228162514264337593543950335"), Some(792_281_625_142_643_375_935_439_503_350_000));
        assert_eq!(units("0.00001"), None);
    }
}
