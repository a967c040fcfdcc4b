package store

import (
	"context"
	"fmt"
	"time"

	"toban/oncall"
)

// Reply is the answer that was given to a request with an idempotency key.
type Reply struct {
	Key     string // of whoever asked and what they called it; never the words themselves
	Request string // hash of what was asked
	Status  int    // HTTP; 0 while the answer is not known yet
	Body    string
	At      time.Time // when the request was taken up
}

// ErrReplyTaken is returned when a reply is to be kept that somebody else has
// taken over in between.
var ErrReplyTaken = &oncall.Error{Kind: oncall.Conflict, Code: "request.taken_over", Message: "the request took so long that a repetition of it was begun; look how it stands"}

const insertReply = `
	INSERT INTO replies(key, request, status, body, created_at) VALUES ($1, $2, 0, '', $3)
	ON CONFLICT (key) DO UPDATE SET request = excluded.request, status = 0, body = '', created_at = excluded.created_at
	WHERE replies.created_at < $4 OR (replies.status = 0 AND replies.created_at < $5)
	RETURNING created_at`

const selectReply = `SELECT request, status, body, created_at FROM replies WHERE key = $1`

// TakeReply takes up the request of that key, or returns the reply that there is
// with taken false: its Status is 0 while somebody else is at it. One that is
// older than a day counts as gone, and one without an answer since within is
// taken over: whoever was at it has ended without a word.
func (tx *Tx) TakeReply(ctx context.Context, key, request string, within time.Duration) (r Reply, taken bool, err error) {
	r = Reply{Key: key, Request: request, At: tx.Now}
	now := tx.Now.UnixMilli()
	taken, err = tx.one(ctx, insertReply, []any{
		key, request, now, tx.Now.Add(-keepReplies).UnixMilli(), tx.Now.Add(-within).UnixMilli(),
	}, (*millis)(&r.At))
	if err == nil && !taken {
		_, err = tx.one(ctx, selectReply, []any{key}, &r.Request, &r.Status, &r.Body, (*millis)(&r.At))
	}
	if err != nil {
		return Reply{}, false, fmt.Errorf("reply: %w", err)
	}
	return r, taken, nil
}

const updateReply = `UPDATE replies SET status = $3, body = $4 WHERE key = $1 AND created_at = $2 AND status = 0`

// KeepReply writes down the answer of a request that TakeReply took up. It fails
// with ErrReplyTaken when another one took it over since.
func (tx *Tx) KeepReply(ctx context.Context, r Reply) error {
	n, err := tx.do(ctx, updateReply, r.Key, r.At.UnixMilli(), r.Status, r.Body)
	if err != nil {
		return fmt.Errorf("reply: %w", err)
	}
	if n == 0 {
		return ErrReplyTaken
	}
	return nil
}

const deleteReply = `DELETE FROM replies WHERE key = $1 AND created_at = $2 AND status = 0`

// DropReply gives a request back whose answer is none to be kept, so that its
// repetition is a new try.
func (tx *Tx) DropReply(ctx context.Context, r Reply) error {
	if _, err := tx.do(ctx, deleteReply, r.Key, r.At.UnixMilli()); err != nil {
		return fmt.Errorf("reply: %w", err)
	}
	return nil
}
