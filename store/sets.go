package store

import (
	"context"
	"fmt"
	"strconv"
	"strings"
)

// sizes are the numbers of rows that a statement for many rows is prepared for.
// A set is written in as few statements of these sizes as it takes, so that
// there are few texts and each is prepared once.
var sizes = [...]int{64, 32, 16, 8, 4, 2, 1}

// form names a statement as the engine takes it: its const, and how many rows it
// is spread to.
type form struct {
	statement string
	rows      int
}

// sentence returns the statement spread to that many rows, as the engine takes
// it; zero rows leaves it as it is.
func (db *DB) sentence(statement string, width, rows int) *sentence {
	key := form{statement, rows}
	if s, ok := db.sentences.Load(key); ok {
		return s.(*sentence)
	}
	spreadOut := statement
	if rows > 1 {
		spreadOut = spread(statement, width, rows)
	}
	s := db.dialect.sentence(spreadOut)
	db.sentences.Store(key, &s)
	return &s
}

// spread repeats the first row after VALUES or the parameter after IN. Its
// parameters are $1 to $width; those of the other rows follow, and what the
// statement names above width moves behind them.
func spread(statement string, width, rows int) string {
	start, end := repeated(statement)
	row := statement[start:end]
	var out strings.Builder
	renumber(&out, statement[:start], func(n int) int { return shifted(n, width, 0, rows) })
	for i := range rows {
		if i > 0 {
			out.WriteByte(',')
		}
		renumber(&out, row, func(n int) int { return shifted(n, width, i, rows) })
	}
	renumber(&out, statement[end:], func(n int) int { return shifted(n, width, 0, rows) })
	return out.String()
}

func shifted(n, width, row, rows int) int {
	if n <= width {
		return n + row*width
	}
	return n + (rows-1)*width
}

// repeated finds what is repeated: the row in brackets after VALUES, brackets
// included, or the parameter within those after IN.
func repeated(statement string) (start, end int) {
	if at := strings.Index(statement, "VALUES ("); at >= 0 {
		start = at + len("VALUES ")
		depth := 0
		for end = start; end < len(statement); end++ {
			switch statement[end] {
			case '(':
				depth++
			case ')':
				if depth--; depth == 0 {
					return start, end + 1
				}
			}
		}
	}
	if at := strings.Index(statement, "IN ($1)"); at >= 0 {
		start = at + len("IN (")
		return start, start + len("$1")
	}
	panic("store: no row to repeat in " + statement)
}

func renumber(out *strings.Builder, text string, to func(int) int) {
	for {
		i := strings.IndexByte(text, '$')
		if i < 0 {
			out.WriteString(text)
			return
		}
		n, end := number(text[i+1:])
		out.WriteString(text[:i+1])
		out.WriteString(strconv.Itoa(to(n)))
		text = text[i+1+end:]
	}
}

// execSet runs a statement for the rows in args, width arguments each, and
// returns how many rows it changed. shared are the arguments behind the row's.
func (tx *Tx) execSet(ctx context.Context, statement string, width int, args []any, shared ...any) (int64, error) {
	var changed int64
	err := chunks(args, width, func(rows int, part []any) error {
		n, err := tx.exec(ctx, tx.db.sentence(statement, width, rows), append(part, shared...))
		changed += n
		return err
	})
	return changed, err
}

// pipeline is a querier that can hold statements back and send them together,
// so that a batch of signals costs few round trips.
type pipeline interface {
	hold(text string, args []any, scan func(row) error) // scan nil = its rows are of no interest
	send(ctx context.Context) error
}

// laterSet is execSet for a statement whose result nobody waits for: it may be
// held back until send, or the end of the transaction.
func (tx *Tx) laterSet(ctx context.Context, statement string, width int, args []any, shared ...any) error {
	if _, ok := tx.q.(pipeline); ok {
		return tx.askSet(ctx, statement, width, args, nil, shared...)
	}
	_, err := tx.execSet(ctx, statement, width, args, shared...)
	return err
}

// askSet runs a statement for the rows in args; scan has seen what it returns
// when send has returned, or before.
func (tx *Tx) askSet(ctx context.Context, statement string, width int, args []any, scan func(row) error, shared ...any) error {
	if tx.fail != nil {
		return tx.fail
	}
	p, holds := tx.q.(pipeline)
	return chunks(args, width, func(rows int, part []any) error {
		s := tx.db.sentence(statement, width, rows)
		part = append(part, shared...)
		if !holds {
			return tx.query(ctx, s, part, scan)
		}
		p.hold(s.text, s.arranged(part), scan)
		return nil
	})
}

// send runs what was held back and waits for the answers.
func (tx *Tx) send(ctx context.Context) error {
	if p, ok := tx.q.(pipeline); ok && tx.fail == nil {
		tx.fail = p.send(ctx)
	}
	return tx.fail
}

// queryIn runs a statement for a list of values after IN: what is missing to the next
// size is filled up with the last value, so that one statement does.
func (tx *Tx) queryIn(ctx context.Context, statement string, values []any, scan func(row) error, shared ...any) error {
	for len(values) > 0 {
		n := min(len(values), sizes[0])
		rows := sizes[0]
		for _, size := range sizes {
			if size >= n {
				rows = size
			}
		}
		part := make([]any, 0, rows+len(shared))
		part = append(part, values[:n]...)
		for len(part) < rows {
			part = append(part, values[n-1])
		}
		if err := tx.query(ctx, tx.db.sentence(statement, 1, rows), append(part, shared...), scan); err != nil {
			return err
		}
		values = values[n:]
	}
	return nil
}

// chunks cuts args into rows and calls f with parts of the prepared sizes.
func chunks(args []any, width int, f func(rows int, part []any) error) error {
	if len(args)%width != 0 {
		return fmt.Errorf("store: %d arguments are no rows of %d", len(args), width)
	}
	for len(args) > 0 {
		for _, rows := range sizes {
			if n := rows * width; n <= len(args) {
				if err := f(rows, args[:n:n]); err != nil {
					return err
				}
				args = args[n:]
				break
			}
		}
	}
	return nil
}
