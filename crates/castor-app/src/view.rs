//! What the desk shows and takes: the shapes that cross to the interface, and nothing of how they come about.
//!
//! The interface's own types are generated from these (`ui/src/backend/types.ts`); a test fails when they drift apart.

#![expect(
    missing_docs,
    reason = "what the type's text says leaves most fields without anything to add"
)]

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Where a form stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum StateName {
    /// Imported, not read yet.
    Waiting,
    /// Could not be read as a form.
    Unreadable,
    /// Read, with nothing that a person must look at.
    Accepted,
    /// To be reviewed.
    Pending,
    /// A person has begun.
    InProgress,
    /// Passed on with a reason.
    Escalated,
    /// Waits for a second, blind reading.
    SecondReading,
    /// Two readings differ.
    Adjudication,
    /// Reviewed.
    Completed,
    /// Set aside: not a form, or not this election's.
    Rejected,
}

/// How soon a form should be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, TS)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PriorityName {
    /// Within ten minutes.
    Critical,
    /// Within fifteen.
    High,
    /// Within half an hour.
    Medium,
    /// Within the hour.
    Low,
}

/// Why a form is in the queue (CASTOR_FACTS 1.11).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, TS)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ReasonName {
    LowConfidence,
    ArithmeticMismatch,
    SpecialMark,
    AmbiguousDigit,
    QrOcrMismatch,
    DuplicateForm,
    ValidationFailed,
    ManualFlag,
}

/// How a queue is ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum QueueOrder {
    /// Most urgent first, then oldest.
    #[default]
    Priority,
    /// Least sure first.
    Uncertainty,
    /// Most votes in doubt first.
    Impact,
    /// By table.
    Table,
}

/// What part of the queue is asked for. Empty texts and `None` filter nothing.
#[derive(Debug, Clone, Default, Serialize, Deserialize, TS)]
#[serde(default)]
pub struct QueueQuery {
    pub states: Vec<StateName>,
    pub reasons: Vec<ReasonName>,
    pub corporacion: Option<String>,
    pub copia: Option<String>,
    pub departamento: Option<String>,
    pub municipio: Option<String>,
    pub zona: Option<String>,
    pub puesto: Option<String>,
    pub mesa: Option<String>,
    /// Part of a table's codes, of a place's name or of a file's name.
    pub search: String,
    /// Only forms of the shared queue that are lent to this desk.
    pub lent: bool,
    pub order: QueueOrder,
    pub offset: u32,
    /// At most 500.
    pub limit: u32,
}

/// One row of the queue.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct QueueItem {
    /// SHA-256 of the file.
    pub id: String,
    /// Name of the file.
    pub name: String,
    pub state: StateName,
    pub priority: PriorityName,
    pub reasons: Vec<ReasonName>,
    /// `01-280-03-01-001`, with `?` for codes not read.
    pub mesa: String,
    /// Names of municipality and puesto as far as known.
    pub place: String,
    pub corporacion: Option<String>,
    pub copia: Option<String>,
    /// Cells that wait for a person.
    pub doubtful: u32,
    /// The worst failed check, if any: its code and difference.
    pub finding: Option<String>,
    /// Lowest confidence of an unsettled cell, 0–1.
    pub confidence: f32,
    /// RFC 3339.
    pub imported_at: String,
    /// RFC 3339: until when it should be done.
    pub due_at: String,
    /// Generated, not a real form.
    pub demo: bool,
    /// The form read before it that shows a page of the same table, corporación and copy.
    pub same_sheet: Option<String>,
    /// This person took part in an earlier reading of it and may not do the present one.
    pub barred: bool,
}

/// A stretch of the queue.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct QueuePage {
    /// Forms that the query finds in all.
    pub total: u32,
    pub items: Vec<QueueItem>,
}

/// A rectangle on a page image, in its pixels.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, TS)]
pub struct Rect {
    pub x: u32,
    pub y: u32,
    pub width: u32,
    pub height: u32,
}

/// How a cell is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum CellState {
    /// Read and accepted.
    Read,
    /// Fillers only: zero.
    Filler,
    /// Nothing written.
    Blank,
    /// Waits for a person.
    Doubtful,
    /// A person agreed.
    Confirmed,
    /// A person read something else.
    Corrected,
}

/// A reading of a cell: its three marks (a digit, `*` for a filler, `_` for a blank, `?` where nothing can be said) and
/// the number that they mean.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct CellReading {
    pub marks: [String; 3],
    pub value: Option<u16>,
    /// 0–1; 1 for a person's reading.
    pub confidence: f32,
}

/// A person's word on a cell.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct Decision {
    pub reading: CellReading,
    /// Not said while two readings are compared.
    pub by: Option<String>,
    /// RFC 3339.
    pub at: String,
}

/// How much of a form the person may see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum SightName {
    /// Everything.
    Open,
    /// Nothing that was said of the cells that are read a second time.
    Blind,
    /// Both readings of the cells that differ, without whose they are.
    Compared,
}

/// One cell of a form.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct CellView {
    /// `page/path`, unique on the form.
    pub key: String,
    pub path: String,
    pub page: u16,
    /// Row as a person would say it: `Candidato 3`, `Votos nulos`.
    pub label: String,
    /// Printed name beside the row, where it was read.
    pub name: Option<String>,
    pub place: Rect,
    pub state: CellState,
    /// Codes of why it waits, empty when it does not.
    pub reasons: Vec<String>,
    /// What the machine read; three `?` in a blind reading.
    pub machine: CellReading,
    /// Where two readings are compared: both in an order that says nothing, then the machine's if it is a third.
    pub readings: Vec<CellReading>,
    /// Other likely numbers with their probability, likeliest first.
    pub alternatives: Vec<Alternative>,
    /// The number that would close the sums, when another likely one does.
    pub suggestion: Option<u16>,
    pub decision: Option<Decision>,
    /// What counts now: the person's reading, else the machine's; `None` where nothing can be said yet.
    pub value: Option<u16>,
}

/// Another likely number.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct Alternative {
    pub value: Option<u16>,
    pub probability: f32,
}

/// What a check says of the form as it stands.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct CheckView {
    pub code: String,
    /// `pass`, `fail`, `not_evaluable`.
    pub outcome: String,
    /// `info`, `low`, `medium`, `high`, `critical`.
    pub severity: String,
    /// Keys of the cells concerned.
    pub cells: Vec<String>,
    /// `right` less `left`, where both are numbers.
    pub difference: Option<i64>,
    /// What ought to be.
    pub left: Option<i64>,
    /// What is.
    pub right: Option<i64>,
    /// Kind of detail, for the catalogue of texts.
    pub detail: String,
}

/// One page image.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct PageView {
    pub page: u16,
    /// Size of the page image, in pixels.
    pub width: u32,
    pub height: u32,
    pub needs_review: bool,
    pub notes: Vec<String>,
}

/// One thing that happened to a form.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct HistoryView {
    pub seq: i64,
    pub event: String,
    /// RFC 3339.
    pub at: String,
    pub by: String,
    pub cell: Option<String>,
    pub before: Option<String>,
    pub after: Option<String>,
    pub reason: Option<String>,
}

/// A form on the review screen.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct FormView {
    pub item: QueueItem,
    pub header: Vec<HeaderItem>,
    pub pages: Vec<PageView>,
    pub cells: Vec<CellView>,
    pub checks: Vec<CheckView>,
    pub recount: Option<bool>,
    pub signatures: Option<u8>,
    pub history: Vec<HistoryView>,
    pub can_undo: bool,
    pub can_redo: bool,
    /// Why it was escalated, returned or reopened, to be shown at once.
    pub message: Option<String>,
    pub model: String,
    pub sight: SightName,
    /// Where its file came from, each time that it was given to this desk.
    pub sources: Vec<SourceView>,
}

/// An item of the printed header.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct HeaderItem {
    pub item: String,
    pub value: Option<String>,
    /// Whether readings of it differ.
    pub disputed: bool,
}

/// What a person does with a cell.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum CellAction {
    /// The reading that stands is right.
    Confirm,
    /// What is written is this: three marks, as in [`CellReading`].
    Correct {
        /// Hundreds first.
        marks: [String; 3],
    },
}

/// What a person does with a whole form.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum FormAction {
    Undo,
    Redo,
    Escalate {
        reason: String,
    },
    Return {
        reason: String,
    },
    Reopen {
        reason: String,
    },
    Reject {
        reason: String,
    },
    /// Done although cells wait: refused unless all are settled.
    Complete,
    /// Asks for a second, blind reading by somebody else.
    AskSecond,
}

/// How the import goes.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct ImportStatus {
    pub waiting: u32,
    pub done: u32,
    pub failed: u32,
    pub paused: bool,
    /// Forms a minute over the last minute; `None` when nothing was read.
    pub per_minute: Option<f32>,
    /// What keeps all files from being read, while it does; they keep their turn.
    pub trouble: Option<Failure>,
}

/// One file given to the import.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct ImportItem {
    /// Where it comes from: its path, or an archive and the path in it.
    pub source: String,
    /// `waiting`, `read`, `failed`, `duplicate`, `unpacked`.
    pub state: String,
    pub code: Option<String>,
    pub message: Option<String>,
    /// The form that it became, or of which it is a duplicate.
    pub form: Option<String>,
    /// Another form, read before, that shows the same sheet.
    pub same_sheet: Option<String>,
    /// RFC 3339.
    pub at: String,
}

/// Where a form's file came from once.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct SourceView {
    /// Its path, or an archive and the path in it.
    pub source: String,
    /// RFC 3339: when it was given.
    pub at: String,
}

/// The state of the desk, for rail and status line.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct DeskStatus {
    pub version: String,
    pub model: String,
    /// The model's threshold: cells below this confidence go to a person.
    pub threshold: f32,
    pub person: String,
    pub import: ImportStatus,
    /// Forms by state.
    pub forms: Vec<StateCount>,
    /// Cells that wait for a person.
    pub doubtful: u32,
    pub demo: u32,
    /// Events not yet sent to a server; `None` without one.
    pub pending: Option<u32>,
    /// The server; `None` where nobody has signed in.
    pub server: Option<ServerView>,
    pub data_folder: String,
    /// Cells settled by this person in the last hour.
    pub pace: u32,
}

/// How sync with the server goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum ServerState {
    /// The first round since the start goes on.
    Connecting,
    /// The last round went well.
    Online,
    /// The server was not reached; it is tried again by itself.
    Offline,
    /// A person must do something first; the failure says what.
    Stopped,
}

/// The account that is signed in.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct AccountView {
    pub email: String,
    pub name: String,
    /// Such as `VALIDATOR`.
    pub role: String,
    /// Such as `correct_e14`.
    pub permissions: Vec<String>,
}

/// The server that this desk shares its work with.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct ServerView {
    pub address: String,
    pub account: AccountView,
    pub state: ServerState,
    /// RFC 3339: when everything was last on both sides.
    pub last: Option<String>,
    /// Why it does not get on.
    pub failure: Option<Failure>,
    /// Seconds until it is tried again by itself.
    pub retry_seconds: Option<u32>,
    /// Own changes that the server refused.
    pub refused: u32,
    /// Forms that the server reads itself, since the account may not.
    pub read_by_server: u32,
    /// Files of forms that have not got there.
    pub files_to_send: u32,
    /// Files of forms that are wanted here.
    pub files_to_fetch: u32,
    /// Of all these, those of which the last attempt failed.
    pub files_failing: u32,
    /// Forms of the shared queue that are lent to this desk.
    pub lent: u32,
}

/// Own changes that the server refused.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct RefusedChange {
    /// Its place in the log.
    pub seq: i64,
    /// The form, and the name of its file.
    pub form: String,
    pub name: String,
    /// Kind of event.
    pub event: String,
    /// RFC 3339.
    pub at: String,
    /// Why, by the server.
    pub code: String,
    pub message: String,
}

/// How many forms are in a state.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct StateCount {
    pub state: StateName,
    pub count: u32,
}

/// One copy among those of a table.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct CopyView {
    pub item: QueueItem,
    /// Whether this is the one that counts.
    pub chosen: bool,
    /// `legal_rank`, `validated`, `consistent`: what decided.
    pub because: String,
}

/// What a copy says in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum CopyCellName {
    /// A number.
    Read,
    /// Nothing, which in a row of votes is none.
    Blank,
    /// It waits for a person.
    Unread,
    /// The copy does not show the row.
    Missing,
}

/// A row in one copy.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct CopyCell {
    pub state: CopyCellName,
    /// The number, where one is read.
    pub value: Option<u16>,
    /// Key of the cell on its form, where it shows the row.
    pub key: Option<String>,
}

/// One row of the copies of a table side by side.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct CopyRow {
    pub label: String,
    /// One for each copy.
    pub cells: Vec<CopyCell>,
    pub differs: bool,
}

/// Votes that stand in other rows of a copy than of the one that counts, with equal sums.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct MovedVotes {
    /// Place of the copy among all.
    pub copy: u32,
    /// Places of rows with fewer votes in it.
    pub from: Vec<u32>,
    /// Places of rows with more.
    pub to: Vec<u32>,
    pub votes: u32,
}

/// The copies of one table and corporación, the one that counts first.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct CopiesView {
    pub mesa: String,
    pub corporacion: String,
    pub demo: bool,
    pub copies: Vec<CopyView>,
    pub rows: Vec<CopyRow>,
    pub moved: Vec<MovedVotes>,
}

/// A table with more than one copy.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct CopiesItem {
    pub mesa: String,
    pub corporacion: String,
    pub demo: bool,
    pub place: String,
    pub copies: Vec<String>,
    /// Rows that differ.
    pub differences: u32,
    /// Rows that no two copies can be compared in yet.
    pub unread: u32,
}

/// A stretch of the tables with more than one copy, those whose copies are not the same first.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct CopiesPage {
    /// Tables in all.
    pub total: u32,
    pub items: Vec<CopiesItem>,
}

/// What an export wrote.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct ExportResult {
    /// Paths of the files written.
    pub files: Vec<String>,
    pub forms: u32,
}

/// How far an export is.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, TS)]
pub struct ExportProgress {
    pub done: u32,
    pub total: u32,
}

/// Formats of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum ExportFormat {
    Csv,
    JsonV1,
    JsonV2,
    Parquet,
    /// One printable sheet for each form.
    Sheet,
    /// Labelled crops.
    Crops,
}

/// What part of the audit log is asked for.
#[derive(Debug, Clone, Default, Serialize, Deserialize, TS)]
#[serde(default)]
pub struct AuditQuery {
    pub form: Option<String>,
    pub person: Option<String>,
    /// Only events before this one.
    pub before: Option<i64>,
    pub limit: u32,
}

/// One event of the log.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct AuditRow {
    pub event: HistoryView,
    pub form: String,
    pub name: String,
    pub hash: String,
}

/// What verifying the chain said.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct ChainReport {
    pub events: i64,
    pub whole: bool,
    /// The first event whose hash does not follow.
    pub broken_at: Option<i64>,
    /// Hash of the last event.
    pub head: String,
}

/// Settings of this laptop.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct Settings {
    /// `es-CO` or `en`.
    pub language: String,
    /// Name that stands beside this person's corrections.
    pub person: String,
    /// `system`, `light`, `dark`.
    pub theme: String,
    /// Hide party names and colours while reading.
    pub blind: bool,
    /// Action → key, where it differs from the usual.
    pub keys: std::collections::BTreeMap<String, String>,
    #[serde(default)]
    pub sampling: SamplingSettings,
    /// Confidence below which a cell goes to a person, where it is stricter than the model's own; from the next form read on.
    #[serde(default)]
    pub threshold: Option<f32>,
}

/// Which work is done twice to know how good it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(default)]
pub struct SamplingSettings {
    /// Forms of a hundred that are read a second time although they were not critical.
    pub second_percent: u8,
    /// Times of a hundred that a cell with a settled answer comes before the next form.
    pub known_percent: u8,
    /// The same on every laptop that works on the same forms.
    pub seed: String,
}

impl Default for SamplingSettings {
    fn default() -> Self {
        Self {
            second_percent: castor_domain::review::Sampling::PERCENT,
            known_percent: 3,
            seed: castor_domain::review::Sampling::SEED.to_owned(),
        }
    }
}

/// A share with its interval of 95 %.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct ShareView {
    pub hits: u32,
    pub n: u32,
    /// 0–1.
    pub value: f64,
    pub low: f64,
    pub high: f64,
}

/// Cohen's κ, or why there is none.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct KappaView {
    /// −1 to 1.
    pub value: Option<f64>,
    /// Interval of 95 %; `None` without a value, and where all pairs agree.
    pub low: Option<f64>,
    pub high: Option<f64>,
    /// `NO_PAIRS` or `ONE_CATEGORY` where there is no value.
    pub missing: Option<String>,
}

/// How a person works, or the machine.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct PersonQuality {
    pub person: String,
    /// The row is the machine's: its readings beside those of people who read blindly what it had accepted.
    pub machine: bool,
    pub confirmed: u32,
    pub corrected: u32,
    /// Median seconds between two cells of one form.
    pub median_seconds: Option<f32>,
    /// Cells read twice on which the two readers agreed; `None` without any.
    pub agreement: Option<ShareView>,
    pub kappa: KappaView,
    /// Right answers to cells with a settled answer; `None` without any.
    pub known: Option<ShareView>,
}

/// Whether a secret is set; its value never leaves the desk.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct SecretView {
    /// Stable name.
    pub name: String,
    /// Whether it has a value.
    pub set: bool,
}

/// Where secrets are kept.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum SecretsPlace {
    /// The operating system's keyring.
    Keyring,
    /// A file, encrypted with a key of this laptop, because there is no keyring.
    File {
        /// The file.
        path: String,
        /// What the system said of its keyring.
        because: String,
    },
}

/// The secrets of this laptop.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct SecretsView {
    /// Where they are kept.
    pub place: SecretsPlace,
    /// Which there are.
    pub secrets: Vec<SecretView>,
}

/// What went wrong, for the interface to say in its language.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct Failure {
    /// Stable.
    pub code: String,
    /// In plain words, with what and where.
    pub message: String,
    /// Fields of what was sent that break a rule of the server.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[ts(as = "Option<Vec<FieldProblem>>", optional)]
    pub fields: Vec<FieldProblem>,
}

/// A field that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct FieldProblem {
    /// As it stands in the request.
    pub field: String,
    /// The rule's name.
    pub rule: String,
}

impl Failure {
    /// What an error says.
    #[must_use]
    pub fn of(error: &crate::AppError) -> Self {
        Self {
            code: error.code().to_owned(),
            message: error.to_string(),
            fields: error.fields().to_vec(),
        }
    }
}
