package store

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// small are tables that are read whole: configuration, what is about nodes, and who may log in.
var small = []string{"objects", "keys", "nodes", "accounts", "sessions", "invites", "tokens", "agents"}

// A statement that walks through a table or through everything that is due is
// fast in every test and slow on the night it matters.
func TestNoStatementWalksThroughATable(t *testing.T) {
	t.Parallel()
	db, err := Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "toban.db"), Options{Node: "test"})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	all := statements(t)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if ofPostgresAlone(all[name]) || name == "selectOwners" { // says so itself
			continue
		}
		for _, step := range plan(t, db, all[name]) {
			if table, scans := strings.CutPrefix(step, "SCAN "); scans && isTable(table) {
				t.Errorf("%s: %s", name, step)
			}
			if strings.Contains(all[name], " IN ($1)") && strings.Contains(step, "INDEX") &&
				!strings.Contains(step, "autoindex") && !strings.Contains(step, "alerts_incident") && !strings.Contains(step, "delivery_incidents_delivery") {
				t.Errorf("%s: %s, which is not the key it is given", name, step)
			}
		}
	}
}

func isTable(scanned string) bool {
	table, _, _ := strings.Cut(scanned, " ")
	return !slices.Contains(small, table) && table != "v" && table[0] >= 'a' // constant rows are in capitals or numbers
}

// plan is how SQLite goes about a statement, spread to the largest set where it
// has rows.
func plan(t *testing.T, db *DB, statement string) (steps []string) {
	t.Helper()
	if strings.Contains(statement, "VALUES (") {
		start, end := repeated(statement)
		statement = spread(statement, strings.Count(statement[start:end], "$"), sizes[0])
	} else if strings.Contains(statement, "IN ($1)") {
		statement = spread(statement, 1, sizes[0])
	}
	s := anonymous(statement)
	rows, err := db.engine.(*sqliteEngine).reading.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+s.text, make([]any, strings.Count(s.text, "?"))...)
	if err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
	defer rows.Close()
	for rows.Next() {
		var id, parent, unused int
		var detail string
		if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
			t.Fatal(err)
		}
		steps = append(steps, detail)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return steps
}
