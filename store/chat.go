package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// Chat is how the chat stands beside an incident: what was posted where. State
// is the chat's own document; the store does not look into it.
type Chat struct {
	Ref          string // an incident, or another name that the chat gave to something it keeps up to date
	Channel      string // the incident's own channel; "" = none
	State        json.RawMessage
	ClaimedBy    string // the node that works on it; "" = nobody
	ClaimedUntil time.Time
	Version      int64 // 0 = not stored yet
}

// DigestChat begins the refs of what tells of several incidents. They are ids, of
// which the time is when they were made.
const DigestChat = "dig"

const chatColumns = `incident_id, channel_id, state, claimed_by, claimed_until, version`

func scanChat(rows row) (Chat, error) {
	var c Chat
	var state string
	err := rows.Scan(&c.Ref, into(&c.Channel), &state, into(&c.ClaimedBy), (*millis)(&c.ClaimedUntil), &c.Version)
	c.State = json.RawMessage(state)
	return c, err
}

const (
	selectChat = `SELECT ` + chatColumns + ` FROM chats WHERE incident_id = $1`
	lockChat   = `SELECT ` + chatColumns + ` FROM chats WHERE incident_id = $1 ` + markLock
)

// Chat returns how the chat of ref stands; one that is not stored has Version 0.
func (tx *Tx) Chat(ctx context.Context, ref string) (Chat, error) {
	return tx.chat(ctx, selectChat, ref)
}

// ChatLocked is Chat, locked until the end of tx. One that is not stored can't
// be locked.
func (tx *Tx) ChatLocked(ctx context.Context, ref string) (Chat, error) {
	return tx.chat(ctx, lockChat, ref)
}

func (tx *Tx) chat(ctx context.Context, statement, ref string) (Chat, error) {
	c := Chat{Ref: ref, State: json.RawMessage("{}")}
	err := tx.all(ctx, statement, func(rows row) (err error) {
		c, err = scanChat(rows)
		return err
	}, clean(ref))
	if err != nil {
		return c, fmt.Errorf("chat of %s: %w", ref, err)
	}
	return c, nil
}

const selectChatOfChannel = `SELECT incident_id FROM chats WHERE channel_id = $1 ORDER BY incident_id DESC LIMIT 1`

// ChatOfChannel returns the ref whose own channel that is, the latest if there
// are several; ok is false when there is none.
func (tx *Tx) ChatOfChannel(ctx context.Context, channel string) (ref string, ok bool, err error) {
	if channel == "" {
		return "", false, nil
	}
	ok, err = tx.one(ctx, selectChatOfChannel, []any{clean(channel)}, &ref)
	if err != nil {
		return "", false, fmt.Errorf("chat of a channel: %w", err)
	}
	return ref, ok, nil
}

// A node takes its own claim again: it knows whether it still works on it.
const claimChat = `
	INSERT INTO chats(incident_id, state, claimed_by, claimed_until, version) VALUES ($1, '{}', $2, $3, 1)
	ON CONFLICT (incident_id) DO UPDATE SET claimed_by = excluded.claimed_by, claimed_until = excluded.claimed_until,
		version = chats.version + 1
	WHERE chats.claimed_by IS NULL OR chats.claimed_by = excluded.claimed_by OR chats.claimed_until <= $4
	RETURNING ` + chatColumns

// ClaimChat makes this node the only one that posts for ref until then, and
// returns how it stands; ok is false while another node has it. Whoever saved
// or claimed it before can't save it any more.
func (tx *Tx) ClaimChat(ctx context.Context, ref string, until time.Time) (c Chat, ok bool, err error) {
	err = tx.all(ctx, claimChat, func(rows row) (err error) {
		c, err = scanChat(rows)
		ok = true
		return err
	}, clean(ref), tx.db.node, until.UnixMilli(), tx.Now.UnixMilli())
	if err != nil {
		return c, false, fmt.Errorf("claim of the chat of %s: %w", ref, err)
	}
	return c, ok, nil
}

const (
	updateChat = `
		UPDATE chats SET channel_id = $3, state = $4, claimed_by = $5, claimed_until = $6, version = version + 1
		WHERE incident_id = $1 AND version = $2`
	insertChat = `
		INSERT INTO chats(incident_id, channel_id, state, claimed_by, claimed_until, version) VALUES ($1, $2, $3, $4, $5, 1)
		ON CONFLICT (incident_id) DO NOTHING`
)

// SaveChat stores c and raises its Version. It fails with ErrStale when somebody
// else has saved or claimed it since it was read.
func (tx *Tx) SaveChat(ctx context.Context, c *Chat) (err error) {
	state := string(c.State)
	if state == "" {
		state = "{}"
	}
	var n int64
	if c.Version == 0 {
		n, err = tx.do(ctx, insertChat, clean(c.Ref), str(c.Channel), clean(state), str(c.ClaimedBy), ms(c.ClaimedUntil))
	} else {
		n, err = tx.do(ctx, updateChat, clean(c.Ref), c.Version, str(c.Channel), clean(state), str(c.ClaimedBy), ms(c.ClaimedUntil))
	}
	if err != nil {
		return fmt.Errorf("chat of %s: %w", c.Ref, err)
	}
	if n != 1 {
		tx.fail = ErrStale
		return ErrStale
	}
	c.Version++
	return nil
}

// A wait that is due has been written by a change that nobody has looked at yet.
const (
	deferChat = `
		INSERT INTO timers(kind, ref, due_at, owner) VALUES ($1, $2, $3, $4)
		ON CONFLICT (ref, kind) DO UPDATE SET due_at = excluded.due_at, owner = excluded.owner
		WHERE timers.due_at > $5`
	hurryChat = `
		INSERT INTO timers(kind, ref, due_at, owner) VALUES ($1, $2, $3, $4)
		ON CONFLICT (ref, kind) DO UPDATE SET due_at = excluded.due_at, owner = excluded.owner
		WHERE timers.due_at > excluded.due_at`
	restChat = `DELETE FROM timers WHERE kind = $1 AND ref = $2 AND due_at > $3`
)

// DeferChat lets the chat of ref be looked at again at that time, unless it is
// due already.
func (tx *Tx) DeferChat(ctx context.Context, ref string, at time.Time) error {
	return tx.putChatTimer(ctx, deferChat, ref, at, tx.Now.UnixMilli())
}

// HurryChat lets the chat of ref be looked at at that time at the latest.
func (tx *Tx) HurryChat(ctx context.Context, ref string, at time.Time) error {
	return tx.putChatTimer(ctx, hurryChat, ref, at)
}

func (tx *Tx) putChatTimer(ctx context.Context, statement, ref string, at time.Time, more ...any) error {
	args := append([]any{TimerChat, clean(ref), at.UnixMilli(), tx.db.node}, more...)
	if _, err := tx.do(ctx, statement, args...); err != nil {
		return fmt.Errorf("timer of the chat of %s: %w", ref, err)
	}
	tx.wake.Timers = append(tx.wake.Timers, Timer{Kind: TimerChat, Ref: ref, DueAt: at})
	return nil
}

// RestChat ends the wait of the chat of ref, unless it is due.
func (tx *Tx) RestChat(ctx context.Context, ref string) error {
	if _, err := tx.do(ctx, restChat, TimerChat, clean(ref), tx.Now.UnixMilli()); err != nil {
		return fmt.Errorf("timer of the chat of %s: %w", ref, err)
	}
	return nil
}
