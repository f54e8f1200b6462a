//! Message tables: what the console makes of keys and events.
