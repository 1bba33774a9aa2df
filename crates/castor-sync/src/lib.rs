//! The laptop's side of sync: sends events, takes in those of others, over a transport.
