package slack

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"toban/oncall"
	"toban/store"
)

// task is the work on one incident's chat.
type task struct {
	f    *Follower
	ws   *Workspace
	chat store.Chat
	st   state
	w    wanted
	team string // of the workspace; "" = it can't be asked now
	seen int64  // the incident's version that w was read with
	held bool   // the chat is claimed

	wait map[part]time.Time // what has to wait, until when
	next time.Time          // when to look again
	gone bool               // the chat is another's by now
}

// lookAtIncident posts what is not posted yet. again says that it has changed
// meanwhile.
func (f *Follower) lookAtIncident(ctx context.Context, id oncall.IncidentID) (again bool) {
	t := &task{f: f, wait: map[part]time.Time{}}
	err := t.load(ctx, id)
	switch {
	case errors.Is(err, oncall.ErrUnknownIncident):
		t.chat.Ref = string(id)
		return t.finish(ctx)
	case err != nil:
		f.log.WarnContext(ctx, "chat not read", "incident", string(id), "err", err)
		return false // its timer stands
	case t.ws == nil || t.w.Team == "" && !t.w.Own && t.st.Room.ID == "":
		return t.finish(ctx)
	case t.shadow():
		if !t.st.Shadowed {
			t.noteShadow(ctx)
		}
		return t.finish(ctx)
	}
	t.find(ctx)
	t.meet(ctx)
	if ops, _ := plan(t.w, t.st); len(ops) > 0 || t.st.Intent != nil {
		if err := t.claim(ctx); err != nil {
			if !errors.Is(err, errTaken) {
				f.log.WarnContext(ctx, "chat not claimed", "incident", t.chat.Ref, "err", err)
			}
			f.postpone(ctx, t.chat.Ref, pausing)
			return false
		}
		t.work(ctx)
	}
	return t.finish(ctx)
}

// find finds out in which workspace this is. Where it is not said, what was posted
// is taken to be here.
func (t *task) find(ctx context.Context) {
	_, team, failure := t.ws.identity(ctx)
	t.f.trouble(ctx, t.ws, t.w.Directory, "auth.test", failure)
	t.team = team
	t.st.moveTo(team)
}

// work does one operation after the other, until all that is left has to wait.
func (t *task) work(ctx context.Context) {
	if t.st.Intent != nil && !t.recover(ctx) {
		return
	}
	const enough = 50 // operations; the rest follows in another turn
	for range enough {
		if t.gone || t.f.ending() || t.f.o.Fenced() {
			t.next = sooner(t.next, time.Now().Add(pausing))
			return
		}
		t.w.Now = time.Now()
		ops, _ := plan(t.w, t.st)
		i := slices.IndexFunc(ops, func(o op) bool { return !t.waits(o) })
		if i < 0 {
			return
		}
		t.do(ctx, ops[i])
	}
	t.next = time.Now()
}

// waits reports whether an operation has to wait. Within a channel nothing
// overtakes what waits, but an update does not wait for a post.
func (t *task) waits(o op) bool {
	key := o.Part
	if o.Part == partRoom {
		key = partRoom + "/" + part(o.Do)
	}
	_, ok := t.wait[key]
	return ok
}

// later lets an operation wait.
func (t *task) later(o op, in time.Duration) {
	key := o.Part
	if o.Part == partRoom {
		key = partRoom + "/" + part(o.Do)
	}
	at := time.Now().Add(in)
	t.wait[key] = at
	t.next = sooner(t.next, at)
}

// claim makes the chat ours. It was read without that, so it is read again.
func (t *task) claim(ctx context.Context) error {
	return t.f.tx(ctx, func(tx *store.Tx) error {
		c, ok, err := tx.ClaimChat(ctx, t.chat.Ref, tx.Now.Add(claimTime))
		if err != nil {
			return err
		}
		if !ok {
			return errTaken
		}
		if t.st, err = readState(c.State); err != nil {
			return err
		}
		t.st.moveTo(t.team)
		t.chat, t.held = c, true
		return nil
	})
}

// save stores how the chat stands and keeps it ours. When it can't, nothing more
// is posted: somebody else has it.
func (t *task) save(ctx context.Context) bool {
	err := t.saveWith(ctx, func(*store.Tx) error { return nil })
	if err != nil {
		t.gone = true
		t.f.log.WarnContext(ctx, "chat not saved; it is looked at again", "incident", t.chat.Ref, "err", err)
	}
	return err == nil
}

// saveWith is save together with what else has to be true then.
func (t *task) saveWith(ctx context.Context, also func(tx *store.Tx) error) error {
	var saved store.Chat
	err := t.f.tx(ctx, func(tx *store.Tx) (err error) {
		if saved, err = t.store(ctx, tx, t.f.db.Node(), tx.Now.Add(claimTime)); err != nil {
			return err
		}
		return also(tx)
	})
	if err == nil {
		t.chat = saved
	}
	return err
}

// store writes the chat as it is after tx. A transaction may run again, so
// nothing of t changes here.
func (t *task) store(ctx context.Context, tx *store.Tx, by string, until time.Time) (c store.Chat, err error) {
	c = t.chat
	c.Channel, c.ClaimedBy, c.ClaimedUntil = t.st.Room.ID, by, until
	if c.State, err = json.Marshal(t.st); err != nil {
		return c, err
	}
	return c, tx.SaveChat(ctx, &c)
}

// finish gives the chat back and says when to look again. What has changed since
// it was read is seen here at the latest: the wait is ended before the incident
// is looked at.
func (t *task) finish(ctx context.Context) (again bool) {
	if t.gone {
		t.f.postpone(ctx, t.chat.Ref, pausing)
		return false
	}
	if t.w.Incident != nil && t.ws != nil && !t.shadow() {
		t.w.Now = time.Now()
		_, at := plan(t.w, t.st)
		t.next = sooner(t.next, at)
	}
	// A turn whose incident had moved could not give back what it held: this one
	// does, or another node would wait for the end of the claim.
	held := t.held || t.chat.ClaimedBy == t.f.db.Node()
	err := t.f.tx(ctx, func(tx *store.Tx) error {
		if held {
			if _, err := t.store(ctx, tx, "", time.Time{}); err != nil {
				return err
			}
		}
		if err := t.rest(ctx, tx); err != nil || t.w.Incident == nil {
			return err
		}
		inc, err := tx.IncidentUnlocked(ctx, t.w.Incident.ID)
		if err == nil && inc.Version != t.seen {
			return errMoved
		}
		return err
	})
	switch {
	case errors.Is(err, errMoved):
		return true
	case err != nil:
		t.f.log.WarnContext(ctx, "chat not given back; its timer looks at it", "incident", t.chat.Ref, "err", err)
	}
	return false
}

func (t *task) rest(ctx context.Context, tx *store.Tx) error {
	if t.next.IsZero() {
		return tx.RestChat(ctx, t.chat.Ref)
	}
	return tx.DeferChat(ctx, t.chat.Ref, later(t.next, tx.Now.Add(time.Millisecond)))
}

// noteShadow says on the timeline what would have been posted (R27).
func (t *task) noteShadow(ctx context.Context) {
	t.st.Shadowed = true
	t.note(ctx, oncall.Entry{Kind: oncall.EntryShadow, Data: oncall.EntryData{Method: oncall.Slack}})
}

// note writes a line on the timeline and saves the chat, which knows of it.
func (t *task) note(ctx context.Context, e oncall.Entry) {
	var saved store.Chat
	err := t.f.tx(ctx, func(tx *store.Tx) error {
		inc, err := tx.Incident(ctx, t.w.Incident.ID)
		if err != nil {
			return err
		}
		by, until := t.chat.ClaimedBy, t.chat.ClaimedUntil
		if t.held {
			until = tx.Now.Add(claimTime)
		}
		if saved, err = t.store(ctx, tx, by, until); err != nil {
			return err
		}
		if err := tx.AddEntries(ctx, inc, e); err != nil {
			return err
		}
		return tx.SaveIncidents(ctx, []*oncall.Incident{inc})
	})
	if err != nil {
		t.gone = true
		t.f.log.WarnContext(ctx, "line of a timeline not written; it is tried again", "incident", t.chat.Ref, "err", err)
		return
	}
	t.chat = saved
}
