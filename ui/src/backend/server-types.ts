// Generated from docs/openapi.json by `npm run types`. Do not edit.

/** The account and what it may do. */
export type Account = User & { permissions: Array<Permission> };
/** What a person corrects of their own data. What is left out stays; an empty text takes away what need not be there. */
export type AccountCorrection = { campaign_role?: string | null; candidate_position?: string | null; first_name?: string | null; last_name?: string | null; phone?: string | null; whatsapp_number?: string | null; whatsapp_opt_in?: boolean | null };
/** Another likely number. */
export type Alternative = { probability: number; value?: number | null };
/** A request to read a form, as JSON. */
export type Asked = { election_id?: string | null; extraction?: Record<string, unknown> | null; file_url?: string | null; force_reprocess?: boolean; source_type?: string | null };
/** One entry. */
export type AuditEntry = { action: string; actor?: string | null; actor_email?: string | null; address?: string | null; at: string; detail: unknown; id: number; request_id?: string | null; subject?: string | null; subject_email?: string | null };
/** What a sign-in gives to scripts. */
export type BrowserSignedIn = { access_token: string; expires_in: number; token_type: string; user: Account };
/** For which elections. */
export type CandidacyType = "congreso" | "regionales" | "presidencia";
/** One thing that the server depends on. */
export type Check = { milliseconds: number; name: string; reason?: string | null; state: State };
/** Connections to one database. */
export type Connections = { most: number; service: string; used: number };
/** What a person said of one cell. */
export type Correction = { cell_id: string; marks?: Array<string> | null; new_value?: number | null; notes?: string | null };
/** How many. */
export type Count = { count: number };
/** What was deleted. */
export type Deleted = { id: string };
/** Which department. */
export type DepartmentWish = { confirm?: boolean; copy_type?: string | null; corporacion?: string | null; department_code: PlaceCode; priority?: JobPriority };
/** How many sessions were ended. */
export type Ended = { ended: number };
/** What a failed request is answered with. */
export type ErrorBody = { code: ErrorCode; fields?: Array<FieldProblem>; message: string };
/** Stable code of an error: clients match on it and take their text from their own catalogue. docs/SERVER.md lists them. */
export type ErrorCode = "INVALID_REQUEST" | "UNAUTHENTICATED" | "INVALID_CREDENTIALS" | "PASSWORD_CHANGE_REQUIRED" | "FORBIDDEN" | "REGISTRATION_CLOSED" | "NOT_FOUND" | "METHOD_NOT_ALLOWED" | "ALREADY_EXISTS" | "CONFLICT" | "TOO_LARGE" | "UNSUPPORTED_MEDIA_TYPE" | "RANGE_NOT_SATISFIABLE" | "MISSING_FILE" | "MISSING_INPUT" | "INVALID_FILE" | "TOO_MANY_PAGES" | "UNREADABLE_FORM" | "NOT_READ_YET" | "URL_NOT_ALLOWED" | "FETCH_FAILED" | "NOTHING_TO_READ" | "CONFIRMATION_REQUIRED" | "ALREADY_RUNNING" | "PIPELINE_NOT_RUNNING" | "REVIEW_REFUSED" | "QUEUE_FULL" | "RATE_LIMITED" | "TOO_MANY_ATTEMPTS" | "TIMEOUT" | "TOO_SLOW" | "DATABASE_UNAVAILABLE" | "STORAGE_FULL" | "OBJECTS_UNAVAILABLE" | "READER_UNAVAILABLE" | "UPSTREAM_UNAVAILABLE" | "INTERNAL";
/** The outer form of every failed answer. */
export type Failure = { error: ErrorBody; ok: boolean };
/** One field that breaks a rule. */
export type FieldProblem = { field: string; rule: string };
/** What this process did since its start. What never happened yet is counted as none; times of nothing are unknown. */
export type Figures = { audited: number; connections: Array<Connections>; denied: number; faults: number; limited: number; p95?: Within | null; p99?: Within | null; requests: number; sign_ins_refused: number; signed_in: number; uptime: number };
/** A request to read a form, as a form of the web. */
export type Form = { election_id?: string | null; file: string; force_reprocess?: boolean | null; source_type?: string | null };
/** An event of a form. */
export type FormEvent = { account?: string | null; after?: Said | null; at: number; before?: Said | null; by: string; cell_id?: string | null; event: string; event_id: string; laptop?: string | null; note?: string | null; place: number; reason?: string | null; received_at: string };
/** What was taken back. */
export type Freed = { freed: number };
/** The state of the whole. */
export type Health = { services: Array<string>; status: State; uptime: number; version: string };
/** What a person is interested in. */
export type Interest = "forecast" | "campañas" | "medios" | "dashboard" | "estratega" | "comunicaciones" | "candidato" | "analista" | "otro";
/** A job as lists show it. */
export type Job = { attempts: number; code?: string | null; finished_at?: string | null; id: string; message?: string | null; model: string; name: string; next_at?: string | null; priority: JobPriority; queued_at: string; sha256: string; started_at?: string | null; state: JobState; worker?: string | null };
/** How soon a job is wanted. Waiting raises it: a job waits at most one step of ageing for each level more than one that is */
export type JobPriority = "URGENT" | "HIGH" | "NORMAL" | "LOW" | "BACKGROUND";
/** Where a job stands. */
export type JobState = "QUEUED" | "RUNNING" | "DONE" | "DEAD" | "DISCARDED";
/** A request, as an administrator sees it. */
export type Lead = { candidacy_type?: string | null; created_at: string; email: string; first_name: string; id: string; interest: string; last_name: string; location: string; phone: string; status: string };
/** How far the talk has come. */
export type LeadChange = { status: LeadStatus };
/** How far the talk has come. */
export type LeadStatus = "nuevo" | "contactado" | "convertido" | "rechazado";
/** A form that is given to one laptop for a while. */
export type Lease = { form: string; until: number };
/** Asks for forms of the shared queue: `POST /api/sync/lease`. */
export type LeaseRequest = { client: string; count: number; departamento?: string | null };
/** A form that is lent to a laptop. */
export type LentForm = { account: string; copy_type?: string | null; corporacion?: string | null; email?: string | null; id: string; laptop: string; location: string; mesa_id?: string | null; name: string; person?: string | null; until: string };
/** An e-mail address and its password. */
export type Login = { email: string; new_password?: string | null; password: string };
/** Asks for a name to stand beside what a person says: `POST /api/sync/name`. */
export type NameRequest = { names: Array<string> };
/** The name that is the account's; none when all that were asked for are of others. */
export type Named = { name?: string | null };
/** What a person writes. */
export type NewLead = { candidacy_type?: CandidacyType | null; email: string; first_name: string; interest: Interest; last_name: string; location: string; phone: string };
/** What a new account is made of. */
export type NewUser = { campaign_role?: string | null; candidate_position?: string | null; email: string; first_name: string; last_name: string; password: string; phone?: string | null; whatsapp_number?: string | null; whatsapp_opt_in?: boolean };
/** Nothing to say. */
export type Nothing = Record<string, unknown>;
/** One row of the ballot, added up. */
export type OptionResult = { path: string; tables: number; unread: number; validated: number; votes: number };
/** What became of a pushed event. */
export type Outcome = { global: number; outcome: "accepted" } | { code: string; message: string; outcome: "refused" };
/** One of the caller's own sign-ins. */
export type OwnSession = Session & { current: boolean };
/** A place within the one that was asked for. */
export type Part = { code: string; read: number; validated: number; votes?: number | null };
/** The password of now and the next one. */
export type PasswordChange = { current: string; new: string };
/** One thing that a route may demand. */
export type Permission = "view_results" | "view_stats" | "process_e14" | "upload_e14" | "validate_e14" | "correct_e14" | "view_audit" | "export_data" | "use_analysis" | "manage_pipeline" | "administer";
/** How reading goes. */
export type Pipeline = { completed: number; copy_type?: string | null; download_workers?: number | null; election_type?: string | null; failed: number; forms: Record<string, unknown>; ocr_workers?: number | null; queued: number; running: number; source_refused: number; source_taken: number; status: PipelineState; workers: Array<WorkerView> };
/** What was ordered of the pipeline, and in answers how it is. */
export type PipelineState = "IDLE" | "RUNNING" | "PAUSED" | "STOPPED" | "ERROR";
/** A code of a place: a text, or a number without the zeros before it. */
export type PlaceCode = string | number;
/** A form as read. What was not read is null, never 0. */
export type Processed = { alerts_count: number; delta?: number | null; error_message?: string | null; extraction: Record<string, unknown>; extraction_id: string; fields_needing_review: number; form_id: string; mesa_id?: string | null; model_version: string; reading: Record<string, unknown>; success: boolean; total_computado?: number | null; total_sufragantes?: number | null; total_urna?: number | null; validation_passed?: boolean | null; validation_report: Report };
/** A form as the original's event bus carried it. */
export type ProcessedV2 = { payload: Record<string, unknown>; success: boolean; summary: Summary };
/** Answer to `GET /api/sync/pull?client=…&after=N&limit=…`: events after a place, in order. */
export type PullAnswer = { events: Array<Pulled>; more: boolean; upto: number };
/** An event at its place in the server's order. */
export type Pulled = SyncEvent & { global: number };
/** A laptop's events: `POST /api/sync/push`. */
export type Push = { client: string; events: Array<Pushed>; protocol: number };
/** Answer to a push. */
export type PushAnswer = { next: number; settled: Array<Settled> };
/** An event of a laptop with its place among all that it ever wrote. */
export type Pushed = SyncEvent & { counter: number };
/** A job of an answer. */
export type Queued = { job_id: string; sha256: string; state: JobState };
/** What was queued. */
export type QueuedFiles = { files: number; job_id?: string | null; jobs: Array<Queued>; left: number };
/** What the person gets back. */
export type Received = { id: string };
/** A refresh token. */
export type Refresh = { next?: string | null; refresh_token: string };
/** Which forms are given back. */
export type Release = { client: string; forms: Array<string> };
/** What the checks say of a form. */
export type Report = { all_passed?: boolean | null; failed: Record<string, unknown>; findings: Array<Record<string, unknown>>; not_evaluable: number };
/** What waits again. */
export type Retried = { left: number; retried: number };
/** Which jobs of those that were given up. */
export type RetryWish = { code?: string | null; department_code?: PlaceCode | null };
/** A cell that waits. While a form is read a second time nothing of the first reading, nor of the machine's, is shown; who */
export type ReviewCell = { alternatives: Array<Alternative>; bbox?: Array<number> | null; cell_id: string; field_key: string; ocr_confidence?: number | null; ocr_value?: number | null; page: number; raw_mark?: Array<string> | null; readings: Array<Said>; reasons: Array<string> };
/** A form that waits for a person. */
export type ReviewItem = { cells: Array<ReviewCell>; copy_type?: string | null; corporacion?: string | null; created_at: number; due_at: number; finding?: string | null; lent_until?: number | null; location: string; mesa_id?: string | null; name: string; priority: string; reasons: Array<string>; review_id: string; status: string; version: number };
/** What an account is for. The core's `admin`, `analyst`, `observer`, `viewer` and the E-14 roles are the same list. */
export type Role = "ADMIN" | "ANALYST" | "OPERATOR" | "VALIDATOR" | "AUDITOR" | "OBSERVER" | "VIEWER";
/** A role and what it may do. */
export type RoleInfo = { permissions: Array<Permission>; role: Role };
/** A run: every file that no job reads yet. */
export type Run = { copy_type?: string | null; download_workers?: number | null; election_type?: string | null; ocr_workers?: number | null };
/** What somebody says that a cell holds. */
export type Said = { raw_mark: Array<string>; value?: number | null };
/** One sign-in on one device. */
export type Session = { address: string; created_at: string; device: string; expires_at: string; id: string; used_at: string; user_id: string };
/** A sign-in of anybody, with whose it is. */
export type SessionOfUser = { address: string; created_at: string; device: string; email: string; expires_at: string; first_name: string; id: string; last_name: string; role: Role; used_at: string; user_id: string };
/** The outcome of the event with a counter. */
export type Settled = Outcome & { counter: number };
/** What a sign-in gives. */
export type SignedIn = { access_token: string; expires_in: number; refresh_token: string; token_type: string; user: Account };
/** How something is. */
export type State = "ok" | "degraded" | "down";
/** What a person said of a form. */
export type Submission = { action?: Then | null; corrections?: Array<Correction>; reason?: string | null; review_id: string; version?: number | null };
/** The form afterwards. */
export type Submitted = { alerts_count?: number | null; cells: Array<ReviewCell>; findings: Array<Record<string, unknown>>; review_id: string; status: string; version: number };
/** A form in short. */
export type Summary = { corporacion?: string | null; extraction_id: string; fields_needing_review: number; mesa_id?: string | null; ocr_fields_count: number; total_pages: number; validations_failed: number; validations_passed: number };
/** An event of a form as it travels. */
export type SyncEvent = { at: number; body: string; by: string; form: string; id: string };
/** Answer to `GET /api/sync/state?client=…`. */
export type SyncState = { last: number; next: number; oldest: number; protocol: number };
/** Which table. Zeros may be missing before a code, or be more than the form prints. */
export type TableWish = { copy_type?: string | null; corporacion?: string | null; department_code: PlaceCode; force_reprocess?: boolean; municipality_code: PlaceCode; priority?: JobPriority; station_code: PlaceCode; table_code: PlaceCode; zone_code: PlaceCode };
/** Tables of a place. */
export type Tables = { read: number; validated: number };
/** A password that an administrator gives. */
export type TemporaryPassword = { password: string };
/** What becomes of the form after the corrections. */
export type Then = "complete" | "escalate" | "return" | "reopen" | "reject";
/** An access token to look at. */
export type Token = { token: string };
/** Results of a contest in a place. */
export type Totals = { behind: number; corporacion: string; options: Array<OptionResult>; parts: Array<Part>; tables: Tables; unplaced: number };
/** An account, as everyone who may see it sees it. */
export type User = { active: boolean; campaign_role?: string | null; candidate_position?: string | null; created_at: string; email: string; first_name: string; id: string; last_name: string; password_until?: string | null; phone?: string | null; role: Role; whatsapp_number?: string | null; whatsapp_opt_in: boolean };
/** What an administrator may change; what is left out stays. */
export type UserChange = { active?: boolean | null; role?: Role | null };
/** A new account with its role. */
export type UserWithRole = NewUser & { role: Role; temporary?: boolean };
/** A file that may be read. */
export type ValidFile = { bytes: number; pages: number; sha256: string };
/** What is checked: a reading, or a file. */
export type Validated = { file?: ValidFile | null; mesa_id?: string | null; valid?: boolean | null; validation_report?: Report | null };
/** What an access token is worth now. */
export type Validity = { email?: string | null; exp?: number | null; permissions?: Array<Permission> | null; role?: Role | null; user_id?: string | null; valid: boolean };
/** How long a share of things took at most, as far as buckets say. */
export type Within = { beyond: boolean; seconds: number };
/** A process that takes jobs. */
export type WorkerView = { alive: boolean; ended_at?: string | null; id: string; model: string; name: string; running: number; seen_at: string; slots: number; started_at: string };
