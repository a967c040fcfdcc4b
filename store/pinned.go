package store

import (
	"context"
	"database/sql"
	"errors"
)

// pinned runs statements on one connection, each prepared once. Nothing here is
// interrupted by a context: SQLite rolls back the whole group when a statement
// that writes is.
type pinned struct {
	conn  *sql.Conn
	stmts map[string]*sql.Stmt
}

func (p *pinned) prepared(text string) (*sql.Stmt, error) {
	if stmt, ok := p.stmts[text]; ok {
		return stmt, nil
	}
	stmt, err := p.conn.PrepareContext(context.Background(), text)
	if err != nil {
		return nil, err
	}
	p.stmts[text] = stmt
	return stmt, nil
}

func (p *pinned) exec(_ context.Context, text string, args []any) (int64, error) {
	stmt, err := p.prepared(text)
	if err != nil {
		return 0, err
	}
	result, err := stmt.ExecContext(context.Background(), args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

func (p *pinned) query(_ context.Context, text string, args []any, scan func(row) error) error {
	stmt, err := p.prepared(text)
	if err != nil {
		return err
	}
	rows, err := stmt.QueryContext(context.Background(), args...)
	return each(rows, err, scan)
}

func (p *pinned) run(ctx context.Context, text string) error {
	_, err := p.exec(ctx, text, nil)
	return err
}

func (p *pinned) close() (err error) {
	for _, stmt := range p.stmts {
		err = errors.Join(err, stmt.Close())
	}
	return errors.Join(err, p.conn.Close())
}

// patient is pinned for a member that has a context: between its statements it
// may give up.
type patient struct{ *pinned }

func (p patient) exec(ctx context.Context, text string, args []any) (int64, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	return p.pinned.exec(ctx, text, args)
}

func (p patient) query(ctx context.Context, text string, args []any, scan func(row) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return p.pinned.query(ctx, text, args, scan)
}
