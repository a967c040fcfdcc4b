package slack

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"time"

	"toban/internal/id"
	"toban/oncall"
	"toban/store"
)

// desks remember, for each team channel, who waits to be posted there. More than
// few at once are a storm: from then on they are told in one message, a digest,
// until none has come for a while (R24).
type desks struct {
	mu sync.Mutex
	of map[string]*desk
}

type desk struct {
	waiting map[string]time.Time // refs, when they last asked
	digest  string               // being filled; "" = there is no storm
	size    int
	last    time.Time // when the last one came into it
	used    time.Time
}

const (
	// few may wait for a channel without being a storm.
	few = 3
	// calm is how long nothing comes until a storm is over.
	calm = time.Minute
	// full is how many incidents a digest lists; then comes another.
	full = 100
	// forget is when somebody who has not asked again does not wait any more.
	forget   = 2 * time.Minute
	maxDesks = 1000
)

// seat is how an incident gets into a channel.
type seat struct {
	digest string        // told there
	wait   time.Duration // come again
}

// seat says how ref gets into a channel that is free for a post after wait.
func (d *desks) seat(channel, ref string, wait time.Duration) seat {
	now := time.Now()
	d.mu.Lock()
	defer d.mu.Unlock()
	k := d.at(channel, now)
	k.used = now
	if k.digest != "" && now.Sub(k.last) > calm {
		k.digest = ""
	}
	k.waiting[ref] = now
	for other, asked := range k.waiting {
		if now.Sub(asked) > forget {
			delete(k.waiting, other)
		}
	}
	switch {
	case k.digest != "" && k.size < full:
	case k.digest != "" || len(k.waiting) > few:
		k.digest, k.size = id.New(store.DigestChat), 0
	case wait == 0:
		delete(k.waiting, ref)
		return seat{}
	default:
		return seat{wait: wait + busyPause}
	}
	delete(k.waiting, ref)
	k.size, k.last = k.size+1, now
	return seat{digest: k.digest}
}

func (d *desks) at(channel string, now time.Time) *desk {
	if d.of == nil {
		d.of = map[string]*desk{}
	}
	if len(d.of) >= maxDesks {
		for name, k := range d.of {
			if now.Sub(k.used) > forget {
				delete(d.of, name)
			}
		}
	}
	k := d.of[channel]
	if k == nil {
		k = &desk{waiting: map[string]time.Time{}}
		d.of[channel] = k
	}
	return k
}

// postTeam posts the incident in the team's channel, by itself or in a digest.
func (t *task) postTeam(ctx context.Context, o op) {
	s := t.f.desk.seat(t.ws.Name()+" "+t.w.Team, t.chat.Ref, t.ws.gate.free(t.w.Team))
	switch {
	case s.digest != "":
		t.enter(ctx, s.digest)
	case s.wait > 0:
		t.later(o, s.wait)
	default:
		t.posting(ctx, o, intent{Channel: t.w.Team}, t.w.card(t.st.Room.ID))
	}
}

// enter puts the incident into a digest: in one transaction the digest knows the
// incident and the incident the digest.
func (t *task) enter(ctx context.Context, name string) {
	before := t.st
	t.st.Digest, t.st.Team = name, post{Shows: t.w.card(t.st.Room.ID).Shows}
	t.st.Thread = max(t.st.Thread, t.w.Last) // it shows how things stand
	err := t.saveWith(ctx, func(tx *store.Tx) error {
		c, err := tx.ChatLocked(ctx, name)
		if err != nil {
			return err
		}
		d, err := readDigest(c.State)
		if err != nil {
			return err
		}
		d.Stage, d.Channel = stageOf(t.w.Incident), t.w.Team
		d.Members = append(d.Members, t.w.Incident.ID)
		if c.State, err = json.Marshal(d); err != nil {
			return err
		}
		if err := tx.SaveChat(ctx, &c); err != nil {
			return err
		}
		return tx.HurryChat(ctx, name, tx.Now)
	})
	switch {
	case errors.Is(err, store.ErrStale): // somebody else is just making the digest
		t.st = before
		t.later(op{Part: partTeam, Do: doPost}, busyPause)
	case err != nil:
		t.gone = true
		t.f.log.WarnContext(ctx, "incident not put into a digest; it is tried again", "incident", t.chat.Ref, "err", err)
	}
}

// tellDigest lets the incident's digest be looked at: it shows the incident
// otherwise now, or has to remind of it (R2).
func (t *task) tellDigest(ctx context.Context, o op) {
	t.st.Team.Shows = t.w.card(t.st.Room.ID).Shows
	if o.Remind {
		t.st.Thread, t.st.Reminded = o.Seq, time.Now()
	}
	err := t.saveWith(ctx, func(tx *store.Tx) error {
		if o.Remind {
			if err := t.askToRemind(ctx, tx); err != nil {
				return err
			}
		}
		return tx.HurryChat(ctx, t.st.Digest, tx.Now)
	})
	if err != nil {
		t.gone = true
		t.f.log.WarnContext(ctx, "digest not woken; it is tried again", "incident", t.chat.Ref, "err", err)
	}
}

// askToRemind leaves word in the digest that the incident still fires.
func (t *task) askToRemind(ctx context.Context, tx *store.Tx) error {
	c, err := tx.ChatLocked(ctx, t.st.Digest)
	if err != nil || c.Version == 0 { // a digest that was swept reminds of nothing
		return err
	}
	d, err := readDigest(c.State)
	if err != nil || slices.Contains(d.Firing, t.w.Incident.ID) {
		return err
	}
	if len(d.Firing) == 0 {
		d.Asked = tx.Now
	}
	d.Firing = append(d.Firing, t.w.Incident.ID)
	if c.State, err = json.Marshal(d); err != nil {
		return err
	}
	return tx.SaveChat(ctx, &c)
}

// digest is one message that tells of many incidents.
type digest struct {
	Stage   oncall.Stage        `json:"stage,omitempty"`
	Channel string              `json:"channel,omitempty"` // as configured
	Post    post                `json:"post,omitzero"`
	Members []oncall.IncidentID `json:"members,omitempty"`
	N       int64               `json:"n,omitempty"`
	Intent  *intent             `json:"intent,omitempty"`
	Tries   int                 `json:"tries,omitempty"`
	Firing  []oncall.IncidentID `json:"firing,omitempty"` // whose senders have said so again: they are reminded of
	Asked   time.Time           `json:"asked,omitzero"`   // when the first of them was
}

func readDigest(raw json.RawMessage) (d digest, err error) {
	if len(raw) == 0 {
		return d, nil
	}
	return d, json.Unmarshal(raw, &d)
}
