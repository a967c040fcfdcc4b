package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlitelib "modernc.org/sqlite/lib"
)

// dialect is the only place where the engines differ: row locks, the form of
// parameters, and what errors mean.
type dialect struct{ postgres bool }

func (d dialect) name() string {
	if d.postgres {
		return "postgres"
	}
	return "sqlite"
}

// Marks in a statement where the engine that has many writers locks rows. To the
// other one they are comments.
const (
	markLock = "/*lock*/"
	markSkip = "/*skip*/"
)

// sentence is a statement as an engine takes it.
type sentence struct {
	text  string
	order []int // where it stands for parameters without numbers: which argument each one is; nil = as they come
}

// sentence translates a statement.
func (d dialect) sentence(statement string) sentence {
	if d.postgres {
		statement = strings.ReplaceAll(statement, markLock, "FOR UPDATE")
		return sentence{text: strings.ReplaceAll(statement, markSkip, "FOR UPDATE SKIP LOCKED")}
	}
	return anonymous(statement)
}

// retryable reports whether the same transaction may well succeed when it is run
// again: nothing of it is committed.
func (d dialect) retryable(err error) bool {
	if errors.Is(err, errGroupLost) {
		return true
	}
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.Code == "40001" || e.Code == "40P01" || // serialisation failure, deadlock
			e.Code == "23505" && e.TableName == "changes" // another node had that number
	}
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		return e.Code()&0xff == sqlitelib.SQLITE_BUSY
	}
	return pgconn.SafeToRetry(err) || errors.Is(err, driver.ErrBadConn)
}

// unique reports whether err says that a unique index refused a row.
func (d dialect) unique(err error) bool {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.Code == "23505"
	}
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		return e.Code() == sqlitelib.SQLITE_CONSTRAINT_UNIQUE || e.Code() == sqlitelib.SQLITE_CONSTRAINT_PRIMARYKEY
	}
	return false
}

// lost reports whether err says that the connection is of no more use, or that
// there is none.
func (d dialect) lost(err error) bool {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return strings.HasPrefix(e.Code, "57P") || strings.HasPrefix(e.Code, "08") // shut down, crashed; connection
	}
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return true
	}
	if _, ok := errors.AsType[net.Error](err); ok && !errors.Is(err, context.DeadlineExceeded) {
		return true
	}
	return errors.Is(err, driver.ErrBadConn) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed)
}

// unavailable reports whether err is a failure of the store and not of what was
// to be written: no connection, no room, a broken disk.
func (d dialect) unavailable(err error) bool {
	return d.broken(err) || d.retryable(err) // often enough in vain
}

// broken is unavailable without what comes of too many writing at once.
func (d dialect) broken(err error) bool {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok && (strings.HasPrefix(e.Code, "53") || strings.HasPrefix(e.Code, "58")) {
		return true // resources; system
	}
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		switch e.Code() & 0xff {
		case sqlitelib.SQLITE_FULL, sqlitelib.SQLITE_IOERR, sqlitelib.SQLITE_READONLY, sqlitelib.SQLITE_CANTOPEN, sqlitelib.SQLITE_NOMEM:
			return true
		}
	}
	return d.lost(err) || errors.Is(err, errUnavailable)
}

// anonymous rewrites $1, $2, … to ?: SQLite looks a numbered parameter up in a
// list, which for a set of a thousand costs more than writing the rows.
func anonymous(statement string) sentence {
	var out strings.Builder
	var order []int
	inOrder := true
	for rest := statement; ; {
		i := strings.IndexByte(rest, '$')
		if i < 0 {
			out.WriteString(rest)
			break
		}
		n, end := number(rest[i+1:])
		out.WriteString(rest[:i])
		out.WriteByte('?')
		order = append(order, n-1)
		inOrder = inOrder && n == len(order)
		rest = rest[i+1+end:]
	}
	if inOrder {
		order = nil
	}
	return sentence{out.String(), order}
}

// arranged are the arguments in the order of the sentence's parameters.
func (s *sentence) arranged(args []any) []any {
	if s.order == nil {
		return args
	}
	out := make([]any, len(s.order))
	for i, n := range s.order {
		out[i] = args[n]
	}
	return out
}

// number reads the digits at the start of s.
func number(s string) (n, end int) {
	for end < len(s) && '0' <= s[end] && s[end] <= '9' {
		n = n*10 + int(s[end]-'0')
		end++
	}
	return n, end
}
