package store

import (
	"slices"
	"testing"
)

func TestAStatementIsSpreadToManyRows(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, statement string
		width, rows     int
		want            string
	}{
		{"rows of an insert", "INSERT INTO t(a, b) VALUES ($1, $2)", 2, 3, "INSERT INTO t(a, b) VALUES ($1, $2),($3, $4),($5, $6)"},
		{"a parameter used twice", "INSERT INTO t VALUES ($1, $2, $1)", 2, 2, "INSERT INTO t VALUES ($1, $2, $1),($3, $4, $3)"},
		{
			"casts, and what all rows share", "UPDATE t SET o = $3 FROM (VALUES (CAST($1 AS TEXT), $2)) AS v WHERE t.a = v.column1 AND x = $4", 2, 2,
			"UPDATE t SET o = $5 FROM (VALUES (CAST($1 AS TEXT), $2),(CAST($3 AS TEXT), $4)) AS v WHERE t.a = v.column1 AND x = $6",
		},
		{"a list", "DELETE FROM t WHERE ref IN ($1) AND kind = $2", 1, 3, "DELETE FROM t WHERE ref IN ($1,$2,$3) AND kind = $4"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if got := spread(tc.statement, tc.width, tc.rows); got != tc.want {
				t.Errorf("got  %s\nwant %s", got, tc.want)
			}
		})
	}
}

func TestSQLiteGetsParametersWithoutNumbers(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		statement, want string
		order           []int
	}{
		{"SELECT $1, $2", "SELECT ?, ?", nil},
		{"SELECT $2, $1, $2", "SELECT ?, ?, ?", []int{1, 0, 1}},
		{"SELECT 1", "SELECT 1", nil},
		{"SELECT $1, $10", "SELECT ?, ?", []int{0, 9}},
	} {
		got := anonymous(tc.statement)
		if got.text != tc.want || !slices.Equal(got.order, tc.order) {
			t.Errorf("%s: got %+v, want %s %v", tc.statement, got, tc.want, tc.order)
		}
	}
	s := anonymous("SELECT $2, $1, $2")
	if got := s.arranged([]any{"a", "b"}); !slices.Equal(got, []any{"b", "a", "b"}) {
		t.Errorf("arguments %v, want b a b", got)
	}
}

func TestNumbersComeBackAndAreNeverTwice(t *testing.T) {
	t.Parallel()
	n := numbers{next: 1, end: 11}
	a, b := n.take(), n.take()
	n.giveBack(a)
	before := n.copied()
	if got := n.take(); got != a {
		t.Errorf("took %d, want %d back first", got, a)
	}
	n.take()
	n = before
	if got := []int64{n.take(), n.take()}; got[0] != a || got[1] != b+1 {
		t.Errorf("took %v, want %d and %d as if the batch had not been", got, a, b+1)
	}
	if n.want(7) != 0 || n.want(8) != block || n.want(200) != 800 {
		t.Errorf("wants %d, %d, %d more numbers for 7, 8, 200", n.want(7), n.want(8), n.want(200))
	}
}
