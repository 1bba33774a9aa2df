-- Files of forms on their way to the server and from it.
CREATE TABLE attachment (
    form TEXT PRIMARY KEY,
    state TEXT NOT NULL CHECK (state IN ('to_send', 'sent', 'to_fetch', 'fetched')),
    code TEXT, -- why the last attempt failed
    message TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX attachment_by_state ON attachment (state, form);
INSERT INTO attachment (form, state)
    SELECT DISTINCT e.form, 'to_send' FROM own o JOIN event e ON e.seq = o.seq
    WHERE e.kind = 'imported' AND o.state <> 'pending';

-- Forms of the shared queue that the server lent to this laptop.
CREATE TABLE lease (
    form TEXT PRIMARY KEY,
    until INTEGER NOT NULL -- by this laptop's clock
) STRICT, WITHOUT ROWID;
