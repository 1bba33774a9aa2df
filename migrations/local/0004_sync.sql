-- Events of this laptop, numbered without gaps, with what the server made of each. Generated forms stay here.
CREATE TABLE own (
    counter INTEGER PRIMARY KEY,
    seq INTEGER NOT NULL UNIQUE REFERENCES event (seq),
    state TEXT NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'accepted', 'refused')),
    code TEXT,
    message TEXT
) STRICT;
CREATE INDEX own_by_state ON own (state, counter);
INSERT INTO own (counter, seq)
    SELECT row_number() OVER (ORDER BY seq), seq FROM outbox
    WHERE seq NOT IN (SELECT e.seq FROM event e JOIN form f ON f.id = e.form WHERE f.demo = 1);
DROP TABLE outbox;

-- Places in the server's order, of own events and of others'. A form follows from its events in this order; those
-- without a place come after, in the order in which they were written.
CREATE TABLE placed (
    seq INTEGER PRIMARY KEY REFERENCES event (seq),
    global INTEGER NOT NULL UNIQUE
) STRICT;
