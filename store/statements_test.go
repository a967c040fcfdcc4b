package store

import (
	"context"
	"database/sql"
	"go/ast"
	"go/constant"
	"go/parser"
	"go/token"
	"go/types"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"toban/internal/testserver"
)

// statements reads the package's source and returns every constant that is a
// statement, by name.
func statements(t *testing.T) map[string]string {
	t.Helper()
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	set := token.NewFileSet()
	var files []*ast.File
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		source, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		f, err := parser.ParseFile(set, name, source, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	// Constants alone are typed: imports may stay unknown, and errors with them.
	config := types.Config{Error: func(error) {}, IgnoreFuncBodies: true}
	info := types.Info{Defs: map[*ast.Ident]types.Object{}}
	config.Check("store", set, files, &info) //nolint:errcheck // see above
	verb := regexp.MustCompile(`^\s*(SELECT|INSERT|UPDATE|DELETE|WITH)\s`)
	found := map[string]string{}
	for _, object := range info.Defs {
		if c, ok := object.(*types.Const); ok && c.Val().Kind() == constant.String {
			if value := constant.StringVal(c.Val()); verb.MatchString(value) {
				found[c.Name()] = value
			}
		}
	}
	return found
}

// ours are statements of one engine only.
func ofPostgresAlone(statement string) bool { return strings.Contains(statement, "pg_") }

func TestEveryStatementIsPreparedOnBothEngines(t *testing.T) {
	t.Parallel()
	all := statements(t)
	if len(all) < 60 {
		t.Fatalf("%d statements were found in the source, there are more", len(all))
	}
	for engine, dsn := range map[string]string{"sqlite": "sqlite:" + filepath.Join(t.TempDir(), "toban.db"), "postgres": testserver.Postgres(t)} {
		db, err := Open(t.Context(), dsn, Options{Node: "test"})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { db.Close() })
		var pool *sql.DB
		switch e := db.engine.(type) {
		case *sqliteEngine:
			pool = e.reading
		case *postgresEngine:
			pool = e.pool
		}
		for _, name := range slices.Sorted(maps.Keys(all)) {
			if engine == "sqlite" && ofPostgresAlone(all[name]) {
				continue
			}
			stmt, err := pool.PrepareContext(context.Background(), db.dialect.sentence(all[name]).text)
			if err != nil {
				t.Errorf("%s: %s: %v", engine, name, err)
				continue
			}
			stmt.Close()
		}
	}
}
