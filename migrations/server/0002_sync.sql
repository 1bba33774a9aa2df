-- The events of all laptops in one order, what follows from them, and what was lent to whom. docs/SYNC.md says what holds.

-- A laptop's store: the counter that is waited for.
CREATE TABLE sync_client (
    id uuid PRIMARY KEY,
    account uuid NOT NULL,
    next bigint NOT NULL DEFAULT 1,
    seen_at timestamptz NOT NULL DEFAULT now()
);

-- A name that stands beside events belongs to the account that first wrote under it.
CREATE TABLE sync_author (
    name text PRIMARY KEY,
    account uuid NOT NULL
);

-- The last place of the order. Who writes events holds this row: places become visible in their order.
CREATE TABLE sync_order (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    last bigint NOT NULL
);
INSERT INTO sync_order (last) VALUES (0);

CREATE TABLE event (
    global bigint PRIMARY KEY,
    id uuid NOT NULL UNIQUE,
    client uuid NOT NULL,
    counter bigint NOT NULL,
    form text NOT NULL,
    at bigint NOT NULL,
    author text NOT NULL,
    kind text NOT NULL,
    body text NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (client, counter)
);
CREATE INDEX event_of_form ON event (form, global);

CREATE FUNCTION event_is_only_added_to() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the event log is only ever added to';
END
$$;
CREATE TRIGGER event_is_not_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON event
    FOR EACH STATEMENT EXECUTE FUNCTION event_is_only_added_to();

-- Events that did not fit, with the reason that their author was given.
CREATE TABLE refused_event (
    client uuid NOT NULL,
    counter bigint NOT NULL,
    id text NOT NULL,
    form text NOT NULL,
    at bigint NOT NULL,
    author text NOT NULL,
    body text NOT NULL,
    code text NOT NULL,
    message text NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (client, counter)
);

-- What the queue needs of each form: made from its events up to `version`.
CREATE TABLE form (
    id text PRIMARY KEY,
    version bigint NOT NULL,
    name text NOT NULL,
    demo boolean NOT NULL,
    state text NOT NULL,
    waits boolean NOT NULL,
    priority smallint NOT NULL,
    reasons text NOT NULL,
    departamento text,
    municipio text,
    zona text,
    puesto text,
    mesa text,
    place text NOT NULL,
    corporacion text,
    copia text,
    doubtful integer NOT NULL,
    finding text,
    confidence real NOT NULL,
    impact bigint NOT NULL,
    imported_at bigint NOT NULL,
    due_at bigint NOT NULL
);
CREATE INDEX form_by_priority ON form (waits DESC, priority, imported_at, id);
CREATE INDEX form_by_table ON form (departamento, municipio, zona, puesto, mesa, corporacion, copia);

-- Forms of the queue that a laptop works on.
CREATE TABLE lease (
    form text PRIMARY KEY REFERENCES form (id),
    client uuid NOT NULL,
    account uuid NOT NULL,
    until timestamptz NOT NULL
);
CREATE INDEX lease_of_client ON lease (client);
