//! Accounts, the shared Postgres, queue and sync, over HTTP.
