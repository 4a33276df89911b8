"""The store: tables, the unit of work, and every query. Postgres only."""
