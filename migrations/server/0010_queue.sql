-- The queue alone: a form that waits no longer is not written into its index again.
DROP INDEX form_by_priority;
CREATE INDEX form_in_queue ON form (priority, imported_at, id) WHERE waits;
