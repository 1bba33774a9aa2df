// Generated from crates/castor-app/src/view.rs. Do not edit.

export type StateName = "WAITING" | "UNREADABLE" | "ACCEPTED" | "PENDING" | "IN_PROGRESS" | "ESCALATED" | "SECOND_READING" | "ADJUDICATION" | "COMPLETED" | "REJECTED";
export type PriorityName = "CRITICAL" | "HIGH" | "MEDIUM" | "LOW";
export type ReasonName = "LOW_CONFIDENCE" | "ARITHMETIC_MISMATCH" | "SPECIAL_MARK" | "AMBIGUOUS_DIGIT" | "QR_OCR_MISMATCH" | "DUPLICATE_FORM" | "VALIDATION_FAILED" | "MANUAL_FLAG";
export type QueueOrder = "priority" | "uncertainty" | "impact" | "table";
export type QueueQuery = { states: Array<StateName>, reasons: Array<ReasonName>, corporacion: string | null, copia: string | null, departamento: string | null, municipio: string | null, zona: string | null, puesto: string | null, mesa: string | null, 
/**
 * Part of a table's codes, of a place's name or of a file's name.
 */
search: string, 
/**
 * Only forms of the shared queue that are lent to this desk.
 */
lent: boolean, order: QueueOrder, offset: number, 
/**
 * At most 500.
 */
limit: number, };
export type QueueItem = { 
/**
 * SHA-256 of the file.
 */
id: string, 
/**
 * Name of the file.
 */
name: string, state: StateName, priority: PriorityName, reasons: Array<ReasonName>, 
/**
 * `01-280-03-01-001`, with `?` for codes not read.
 */
mesa: string, 
/**
 * Names of municipality and puesto as far as known.
 */
place: string, corporacion: string | null, copia: string | null, 
/**
 * Cells that wait for a person.
 */
doubtful: number, 
/**
 * The worst failed check, if any: its code and difference.
 */
finding: string | null, 
/**
 * Lowest confidence of an unsettled cell, 0–1.
 */
confidence: number, 
/**
 * RFC 3339.
 */
imported_at: string, 
/**
 * RFC 3339: until when it should be done.
 */
due_at: string, 
/**
 * Generated, not a real form.
 */
demo: boolean, 
/**
 * The form read before it that shows a page of the same table, corporación and copy.
 */
same_sheet: string | null, 
/**
 * This person took part in an earlier reading of it and may not do the present one.
 */
barred: boolean, };
export type QueuePage = { 
/**
 * Forms that the query finds in all.
 */
total: number, items: Array<QueueItem>, };
export type Rect = { x: number, y: number, width: number, height: number, };
export type CellState = "READ" | "FILLER" | "BLANK" | "DOUBTFUL" | "CONFIRMED" | "CORRECTED";
export type CellReading = { marks: [string, string, string], value: number | null, 
/**
 * 0–1; 1 for a person's reading.
 */
confidence: number, };
export type Decision = { reading: CellReading, 
/**
 * Not said while two readings are compared.
 */
by: string | null, 
/**
 * RFC 3339.
 */
at: string, };
export type SightName = "open" | "blind" | "compared";
export type CellView = { 
/**
 * `page/path`, unique on the form.
 */
key: string, path: string, page: number, 
/**
 * Row as a person would say it: `Candidato 3`, `Votos nulos`.
 */
label: string, 
/**
 * Printed name beside the row, where it was read.
 */
name: string | null, place: Rect, state: CellState, 
/**
 * Codes of why it waits, empty when it does not.
 */
reasons: Array<string>, 
/**
 * What the machine read; three `?` in a blind reading.
 */
machine: CellReading, 
/**
 * Where two readings are compared: both in an order that says nothing, then the machine's if it is a third.
 */
readings: Array<CellReading>, 
/**
 * Other likely numbers with their probability, likeliest first.
 */
alternatives: Array<Alternative>, 
/**
 * The number that would close the sums, when another likely one does.
 */
suggestion: number | null, decision: Decision | null, 
/**
 * What counts now: the person's reading, else the machine's; `None` where nothing can be said yet.
 */
value: number | null, };
export type Alternative = { value: number | null, probability: number, };
export type CheckView = { code: string, 
/**
 * `pass`, `fail`, `not_evaluable`.
 */
outcome: string, 
/**
 * `info`, `low`, `medium`, `high`, `critical`.
 */
severity: string, 
/**
 * Keys of the cells concerned.
 */
cells: Array<string>, 
/**
 * `right` less `left`, where both are numbers.
 */
difference: number | null, 
/**
 * What ought to be.
 */
left: number | null, 
/**
 * What is.
 */
right: number | null, 
/**
 * Kind of detail, for the catalogue of texts.
 */
detail: string, };
export type PageView = { page: number, 
/**
 * Size of the page image, in pixels.
 */
width: number, height: number, needs_review: boolean, notes: Array<string>, };
export type HistoryView = { seq: number, event: string, 
/**
 * RFC 3339.
 */
at: string, by: string, cell: string | null, before: string | null, after: string | null, reason: string | null, };
export type FormView = { item: QueueItem, header: Array<HeaderItem>, pages: Array<PageView>, cells: Array<CellView>, checks: Array<CheckView>, recount: boolean | null, signatures: number | null, history: Array<HistoryView>, can_undo: boolean, can_redo: boolean, 
/**
 * Why it was escalated, returned or reopened, to be shown at once.
 */
message: string | null, model: string, sight: SightName, 
/**
 * Where its file came from, each time that it was given to this desk.
 */
sources: Array<SourceView>, };
export type HeaderItem = { item: string, value: string | null, 
/**
 * Whether readings of it differ.
 */
disputed: boolean, };
export type CellAction = { "kind": "confirm" } | { "kind": "correct", 
/**
 * Hundreds first.
 */
marks: [string, string, string], };
export type FormAction = { "kind": "undo" } | { "kind": "redo" } | { "kind": "escalate", reason: string, } | { "kind": "return", reason: string, } | { "kind": "reopen", reason: string, } | { "kind": "reject", reason: string, } | { "kind": "complete" } | { "kind": "ask_second" };
export type ImportStatus = { waiting: number, done: number, failed: number, paused: boolean, 
/**
 * Forms a minute over the last minute; `None` when nothing was read.
 */
per_minute: number | null, 
/**
 * What keeps all files from being read, while it does; they keep their turn.
 */
trouble: Failure | null, };
export type ImportItem = { 
/**
 * Where it comes from: its path, or an archive and the path in it.
 */
source: string, 
/**
 * `waiting`, `read`, `failed`, `duplicate`, `unpacked`.
 */
state: string, code: string | null, message: string | null, 
/**
 * The form that it became, or of which it is a duplicate.
 */
form: string | null, 
/**
 * Another form, read before, that shows the same sheet.
 */
same_sheet: string | null, 
/**
 * RFC 3339.
 */
at: string, };
export type ServerState = "connecting" | "online" | "offline" | "stopped";
export type AccountView = { email: string, name: string, 
/**
 * Such as `VALIDATOR`.
 */
role: string, 
/**
 * Such as `correct_e14`.
 */
permissions: Array<string>, };
export type ServerView = { address: string, account: AccountView, state: ServerState, 
/**
 * RFC 3339: when everything was last on both sides.
 */
last: string | null, 
/**
 * Why it does not get on.
 */
failure: Failure | null, 
/**
 * Seconds until it is tried again by itself.
 */
retry_seconds: number | null, 
/**
 * Own changes that the server refused.
 */
refused: number, 
/**
 * Forms that the server reads itself, since the account may not.
 */
read_by_server: number, 
/**
 * Files of forms that have not got there.
 */
files_to_send: number, 
/**
 * Files of forms that are wanted here.
 */
files_to_fetch: number, 
/**
 * Of all these, those of which the last attempt failed.
 */
files_failing: number, 
/**
 * Forms of the shared queue that are lent to this desk.
 */
lent: number, };
export type RefusedChange = { 
/**
 * Its place in the log.
 */
seq: number, 
/**
 * The form, and the name of its file.
 */
form: string, name: string, 
/**
 * Kind of event.
 */
event: string, 
/**
 * RFC 3339.
 */
at: string, 
/**
 * Why, by the server.
 */
code: string, message: string, };
export type SourceView = { 
/**
 * Its path, or an archive and the path in it.
 */
source: string, 
/**
 * RFC 3339: when it was given.
 */
at: string, };
export type DeskStatus = { version: string, model: string, 
/**
 * The model's threshold: cells below this confidence go to a person.
 */
threshold: number, person: string, import: ImportStatus, 
/**
 * Forms by state.
 */
forms: Array<StateCount>, 
/**
 * Cells that wait for a person.
 */
doubtful: number, demo: number, 
/**
 * Events not yet sent to a server; `None` without one.
 */
pending: number | null, 
/**
 * The server; `None` where nobody has signed in.
 */
server: ServerView | null, data_folder: string, 
/**
 * Cells settled by this person in the last hour.
 */
pace: number, };
export type StateCount = { state: StateName, count: number, };
export type CopyView = { item: QueueItem, 
/**
 * Whether this is the one that counts.
 */
chosen: boolean, 
/**
 * `legal_rank`, `validated`, `consistent`: what decided.
 */
because: string, };
export type CopyCellName = "read" | "blank" | "unread" | "missing";
export type CopyCell = { state: CopyCellName, 
/**
 * The number, where one is read.
 */
value: number | null, 
/**
 * Key of the cell on its form, where it shows the row.
 */
key: string | null, };
export type CopyRow = { label: string, 
/**
 * One for each copy.
 */
cells: Array<CopyCell>, differs: boolean, };
export type MovedVotes = { 
/**
 * Place of the copy among all.
 */
copy: number, 
/**
 * Places of rows with fewer votes in it.
 */
from: Array<number>, 
/**
 * Places of rows with more.
 */
to: Array<number>, votes: number, };
export type CopiesView = { mesa: string, corporacion: string, demo: boolean, copies: Array<CopyView>, rows: Array<CopyRow>, moved: Array<MovedVotes>, };
export type CopiesItem = { mesa: string, corporacion: string, demo: boolean, place: string, copies: Array<string>, 
/**
 * Rows that differ.
 */
differences: number, 
/**
 * Rows that no two copies can be compared in yet.
 */
unread: number, };
export type CopiesPage = { 
/**
 * Tables in all.
 */
total: number, items: Array<CopiesItem>, };
export type ExportResult = { 
/**
 * Paths of the files written.
 */
files: Array<string>, forms: number, };
export type ExportFormat = "csv" | "json_v1" | "json_v2" | "parquet" | "sheet" | "crops";
export type ExportProgress = { done: number, total: number, };
export type AuditQuery = { form: string | null, person: string | null, 
/**
 * Only events before this one.
 */
before: number | null, limit: number, };
export type AuditRow = { event: HistoryView, form: string, name: string, hash: string, };
export type ChainReport = { events: number, whole: boolean, 
/**
 * The first event whose hash does not follow.
 */
broken_at: number | null, 
/**
 * Hash of the last event.
 */
head: string, };
export type SamplingSettings = { 
/**
 * Forms of a hundred that are read a second time although they were not critical.
 */
second_percent: number, 
/**
 * Times of a hundred that a cell with a settled answer comes before the next form.
 */
known_percent: number, 
/**
 * The same on every laptop that works on the same forms.
 */
seed: string, };
export type Settings = { 
/**
 * `es-CO` or `en`.
 */
language: string, 
/**
 * Name that stands beside this person's corrections.
 */
person: string, 
/**
 * `system`, `light`, `dark`.
 */
theme: string, 
/**
 * Hide party names and colours while reading.
 */
blind: boolean, 
/**
 * Action → key, where it differs from the usual.
 */
keys: { [key in string]: string }, sampling: SamplingSettings, 
/**
 * Confidence below which a cell goes to a person, where it is stricter than the model's own; from the next form read on.
 */
threshold: number | null, };
export type SecretView = { 
/**
 * Stable name.
 */
name: string, 
/**
 * Whether it has a value.
 */
set: boolean, };
export type SecretsPlace = { "kind": "keyring" } | { "kind": "file", 
/**
 * The file.
 */
path: string, 
/**
 * What the system said of its keyring.
 */
because: string, };
export type SecretsView = { 
/**
 * Where they are kept.
 */
place: SecretsPlace, 
/**
 * Which there are.
 */
secrets: Array<SecretView>, };
export type ShareView = { hits: number, n: number, 
/**
 * 0–1.
 */
value: number, low: number, high: number, };
export type KappaView = { 
/**
 * −1 to 1.
 */
value: number | null, 
/**
 * Interval of 95 %; `None` without a value, and where all pairs agree.
 */
low: number | null, high: number | null, 
/**
 * `NO_PAIRS` or `ONE_CATEGORY` where there is no value.
 */
missing: string | null, };
export type PersonQuality = { person: string, 
/**
 * The row is the machine's: its readings beside those of people who read blindly what it had accepted.
 */
machine: boolean, confirmed: number, corrected: number, 
/**
 * Median seconds between two cells of one form.
 */
median_seconds: number | null, 
/**
 * Cells read twice on which the two readers agreed; `None` without any.
 */
agreement: ShareView | null, kappa: KappaView, 
/**
 * Right answers to cells with a settled answer; `None` without any.
 */
known: ShareView | null, };
export type FieldProblem = { 
/**
 * As it stands in the request.
 */
field: string, 
/**
 * The rule's name.
 */
rule: string, };
export type Failure = { 
/**
 * Stable.
 */
code: string, 
/**
 * In plain words, with what and where.
 */
message: string, 
/**
 * Fields of what was sent that break a rule of the server.
 */
fields?: Array<FieldProblem>, };
