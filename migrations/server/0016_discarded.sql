-- A job that was given up and that nobody wants to see or try again.
ALTER TABLE job DROP CONSTRAINT job_state_check,
    ADD CONSTRAINT job_state_check CHECK (state IN ('QUEUED', 'RUNNING', 'DONE', 'DEAD', 'DISCARDED'));
