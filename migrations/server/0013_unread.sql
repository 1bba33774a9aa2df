-- Forms that nobody has read: looked through stretch by stretch for files that came since.
CREATE INDEX form_unread ON form (id) WHERE state = 'WAITING' AND NOT demo;
-- Files in the order in which they came: a run goes through them once.
CREATE INDEX stored_file_in_order ON stored_file (stored_at, sha256);
-- Files whose name says nothing of their table: their form does.
CREATE INDEX stored_file_unplaced ON stored_file (sha256) WHERE departamento IS NULL;
