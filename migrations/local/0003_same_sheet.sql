-- Forms of one table, corporación and copy that show the same page: recognised when a form is written.
ALTER TABLE form ADD COLUMN printed_pages INTEGER NOT NULL DEFAULT 0; -- bit n - 1 for page n
ALTER TABLE form ADD COLUMN control TEXT;
ALTER TABLE form ADD COLUMN read_seq INTEGER; -- its first reading in the log
ALTER TABLE form ADD COLUMN same_sheet TEXT; -- the form read first that shows one of its pages

-- Counts of the queue and of the status line are answered from this alone.
CREATE INDEX form_counts ON form (state, doubtful, demo);
