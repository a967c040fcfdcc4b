package store

import (
	"context"
	"database/sql"
	"fmt"
)

// hot are the tables whose rows are changed or removed soon after they were
// written. They keep room in their pages, so that a change stays in the page, and
// are vacuumed by count rather than by share.
var hot = [...]string{"timers", "responses", "incidents", "alerts", "outbox", "deliveries", "nodes", "counters"}

// tune sets what is no part of a schema for both engines. It is done once: a
// table that has settings keeps them, whoever made them.
func tune(ctx context.Context, db *sql.DB) error {
	for _, table := range hot {
		var set bool
		err := db.QueryRowContext(ctx, "SELECT reloptions IS NOT NULL FROM pg_class WHERE oid = to_regclass($1)", table).Scan(&set)
		if err != nil {
			return fmt.Errorf("table %s: %w", table, err)
		}
		if set {
			continue
		}
		if _, err := db.ExecContext(ctx, "ALTER TABLE "+table+" SET (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 2000, autovacuum_analyze_scale_factor = 0.05)"); err != nil {
			return fmt.Errorf("table %s: %w", table, err)
		}
	}
	return nil
}
