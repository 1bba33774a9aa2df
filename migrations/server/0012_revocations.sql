-- When a role was last changed. Services that run without the accounts are told of changed roles and ended sessions through
-- the shared memory, and told again, in case the first time did not reach them: these find what is to be told.
ALTER TABLE users ADD COLUMN role_changed_at timestamptz;
CREATE INDEX users_role_changed ON users (role_changed_at) WHERE role_changed_at IS NOT NULL;
CREATE INDEX session_revoked ON session (revoked_at) WHERE revoked_at IS NOT NULL;
