-- Accounts, sessions, leads and the audit log. Every database of a server has every table; a service uses its own.
CREATE TABLE users (
    id uuid PRIMARY KEY,
    email text NOT NULL,
    -- The address in small letters: one account per address.
    email_key text NOT NULL UNIQUE,
    password_hash text NOT NULL,
    role text NOT NULL CHECK (role IN ('ADMIN', 'ANALYST', 'OPERATOR', 'VALIDATOR', 'AUDITOR', 'OBSERVER', 'VIEWER')),
    active boolean NOT NULL DEFAULT true,
    first_name text NOT NULL,
    last_name text NOT NULL,
    phone text,
    campaign_role text,
    candidate_position text,
    whatsapp_number text,
    whatsapp_opt_in boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);

-- One sign-in on one device; its refresh tokens are one family.
CREATE TABLE session (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    device text NOT NULL,
    address text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    used_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz,
    revoked_why text CHECK (revoked_why IN ('logout', 'reuse', 'administrator', 'password'))
);
CREATE INDEX session_of_user ON session (user_id, created_at DESC);
CREATE INDEX session_expiry ON session (expires_at);

-- Refresh tokens by their SHA-256; a used one is kept, so that a second use is noticed.
CREATE TABLE refresh_token (
    hash bytea PRIMARY KEY,
    session_id uuid NOT NULL REFERENCES session (id) ON DELETE CASCADE,
    issued_at timestamptz NOT NULL DEFAULT now(),
    used_at timestamptz
);
CREATE INDEX refresh_token_of_session ON refresh_token (session_id);

-- Failed sign-ins by the hash of who tried, whether or not such an account exists.
CREATE TABLE sign_in_guard (
    key bytea PRIMARY KEY,
    failures integer NOT NULL,
    failed_at timestamptz NOT NULL,
    locked_until timestamptz NOT NULL
);

CREATE TABLE lead (
    id uuid PRIMARY KEY,
    first_name text NOT NULL,
    last_name text NOT NULL,
    email text NOT NULL,
    email_key text NOT NULL UNIQUE,
    phone text NOT NULL,
    interest text NOT NULL,
    location text NOT NULL,
    candidacy_type text,
    status text NOT NULL DEFAULT 'nuevo' CHECK (status IN ('nuevo', 'contactado', 'convertido', 'rechazado')),
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX lead_of_status ON lead (status, id);

-- Who did what. Rows are only ever added; e-mails, names, passwords and tokens are never in them.
CREATE TABLE audit (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT now(),
    actor uuid,
    action text NOT NULL,
    subject text,
    detail jsonb NOT NULL DEFAULT '{}',
    address text,
    request_id text
);
CREATE INDEX audit_of_actor ON audit (actor, id);

CREATE FUNCTION audit_is_only_added_to() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit log is only ever added to';
END
$$;
CREATE TRIGGER audit_is_not_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION audit_is_only_added_to();
