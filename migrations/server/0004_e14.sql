-- Files of forms, the jobs that read them, and who works on these. docs/SERVER.md says what holds.

-- What the object store holds, with where it comes from.
CREATE TABLE stored_file (
    sha256 text PRIMARY KEY,
    bytes bigint NOT NULL,
    -- Not known of files that laptops sent until they are read here.
    pages smallint,
    name text NOT NULL,
    source text NOT NULL CHECK (source IN ('WITNESS_UPLOAD', 'REGISTRADURIA', 'MANUAL_ENTRY')),
    url text,
    election text,
    -- The table, where the file's name or the manifest says it; the reading of its form says it too.
    departamento text,
    municipio text,
    zona text,
    puesto text,
    mesa text,
    corporacion text,
    copia text,
    account uuid,
    stored_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX stored_file_by_table ON stored_file (departamento, municipio, zona, puesto, mesa);

-- Files of the source folder that were looked at: unchanged ones are not read again.
CREATE TABLE source_file (
    path text PRIMARY KEY,
    bytes bigint NOT NULL,
    modified bigint NOT NULL,
    sha256 text REFERENCES stored_file (sha256),
    code text,
    message text,
    seen_at timestamptz NOT NULL DEFAULT now(),
    CHECK ((sha256 IS NULL) = (code IS NOT NULL))
);

-- One reading of one file by one model.
CREATE TABLE job (
    id uuid PRIMARY KEY,
    sha256 text NOT NULL REFERENCES stored_file (sha256),
    model text NOT NULL,
    priority smallint NOT NULL CHECK (priority BETWEEN 1 AND 5),
    state text NOT NULL DEFAULT 'QUEUED' CHECK (state IN ('QUEUED', 'RUNNING', 'DONE', 'DEAD')),
    attempts smallint NOT NULL DEFAULT 0,
    account uuid,
    -- Read again although the model has read it before.
    forced boolean NOT NULL DEFAULT false,
    queued_at timestamptz NOT NULL DEFAULT now(),
    -- When it was queued, and later by one step of ageing for each level below the first: the order in which jobs are taken.
    turn timestamptz NOT NULL,
    -- Not before; moved by the pause before another attempt.
    run_at timestamptz NOT NULL DEFAULT now(),
    started_at timestamptz,
    finished_at timestamptz,
    -- Whose it is, and until when it stays so without a sign of life.
    worker uuid,
    lease_until timestamptz,
    -- The event that holds what was read.
    event uuid,
    code text,
    message text,
    UNIQUE (sha256, model),
    CHECK ((state = 'RUNNING') = (lease_until IS NOT NULL))
);
CREATE INDEX job_in_turn ON job (turn, id) WHERE state = 'QUEUED';
CREATE INDEX job_with_lease ON job (lease_until) WHERE state = 'RUNNING';
CREATE INDEX job_of_state ON job (state, id);

-- Processes that take jobs.
CREATE TABLE worker (
    id uuid PRIMARY KEY,
    name text NOT NULL,
    model text NOT NULL,
    slots smallint NOT NULL,
    started_at timestamptz NOT NULL DEFAULT now(),
    seen_at timestamptz NOT NULL DEFAULT now(),
    ended_at timestamptz
);
CREATE INDEX worker_seen ON worker (seen_at);

-- Whether jobs are taken at all.
CREATE TABLE pipeline (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    state text NOT NULL DEFAULT 'IDLE' CHECK (state IN ('IDLE', 'RUNNING', 'PAUSED', 'STOPPED')),
    election_type text,
    copy_type text,
    ocr_workers smallint,
    account uuid,
    changed_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO pipeline DEFAULT VALUES;
