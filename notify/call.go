package notify

import (
	"context"
	"time"

	"toban/i18n"
	"toban/oncall"
	"toban/store"
)

// Call is what is to be said when a phone has been answered. It is read at that
// moment, so that it is true then.
type Call struct {
	Delivery  oncall.DeliveryID
	User      oncall.UserID
	Language  string
	Zone      *time.Location
	Now       time.Time
	Incidents []Incident // that nobody has yet
	Over      []Incident // told of, but taken or resolved by now

	dir *oncall.Directory
}

// Called is how a user is spoken of.
func (c Call) Called(id oncall.UserID) string {
	name := string(id)
	if c.dir != nil {
		if u := c.dir.Users[id]; u != nil {
			name = i18n.Sayable(c.Language, u.Reading, u.Name, string(id))
		}
	}
	if c.Language == i18n.Japanese && name != "" {
		return name + "さん"
	}
	return name
}

// Call reads what a delivery tells of.
func (d *Dispatcher) Call(ctx context.Context, id oncall.DeliveryID) (Call, error) {
	s, err := d.read(ctx, id)
	if err != nil {
		return Call{}, err
	}
	c := Call{
		Delivery: id, User: s.delivery.User, Language: language(s.dir, s.delivery.User), Zone: zone(s.dir, s.delivery.User), Now: s.now, dir: s.dir,
	}
	for _, t := range s.told {
		inc := s.incidents[t.Incident]
		if inc == nil {
			continue
		}
		// A call that is answered late still tells of what nobody has, whatever
		// happened in between.
		if inc.State == oncall.Triggered {
			c.Incidents = append(c.Incidents, view(s.dir, inc))
		} else {
			c.Over = append(c.Over, view(s.dir, inc))
		}
	}
	return c, nil
}

func zone(dir *oncall.Directory, user oncall.UserID) *time.Location {
	name := dir.Settings.Zone
	if u := dir.Users[user]; u != nil && u.Zone != "" {
		name = u.Zone
	}
	if z, err := time.LoadLocation(name); err == nil {
		return z
	}
	return time.UTC
}

// standing is a delivery with everything that decides what becomes of it.
type standing struct {
	route
	now       time.Time
	delivery  store.Delivery
	told      []store.Told
	incidents map[oncall.IncidentID]*oncall.Incident
	dir       *oncall.Directory
	row       *store.OutboxRow
}

// over reports whether every incident that the delivery tells of has moved on:
// somebody has it, it is resolved, or it is paged anew (R18, R24).
func (s standing) over() bool {
	for _, t := range s.told {
		if inc := s.incidents[t.Incident]; inc != nil && inc.State == oncall.Triggered && inc.Epoch == t.Epoch {
			return false
		}
	}
	return true
}

// read reads a delivery as it stands.
func (d *Dispatcher) read(ctx context.Context, id oncall.DeliveryID) (s standing, err error) {
	ctx, cancel := context.WithTimeout(ctx, workTime)
	defer cancel()
	err = d.db.Read(ctx, func(tx *store.Tx) error {
		s = standing{now: tx.Now, incidents: map[oncall.IncidentID]*oncall.Incident{}}
		dl, err := tx.DeliveryUnlocked(ctx, id)
		if err != nil {
			return err
		}
		s.delivery = *dl
		if s.told, err = tx.Told(ctx, id); err != nil {
			return err
		}
		if s.dir, err = tx.Directory(ctx); err != nil {
			return err
		}
		for _, t := range s.told {
			inc, err := tx.IncidentUnlocked(ctx, t.Incident)
			if err != nil {
				continue // swept away: there is nothing left to tell of it
			}
			s.incidents[t.Incident] = inc
		}
		if s.row, err = tx.OutboxRowUnlocked(ctx, s.delivery.Outbox); err != nil {
			return err
		}
		d.reroute(&s)
		return nil
	})
	return s, err
}

// reroute finds the channel and the address of a delivery that was claimed
// before. The channel stays nil when the configuration names another provider by
// now; the address is empty when the contact method is gone.
func (d *Dispatcher) reroute(s *standing) {
	if s.row == nil {
		return
	}
	inc := s.incidents[s.row.Incident]
	if inc == nil {
		inc = &oncall.Incident{ID: s.row.Incident}
	}
	s.route, _ = d.route(s.dir, inc, s.row)
	s.message.Delivery = s.delivery.ID
	if s.channel != nil && s.provider.Name != s.delivery.Provider {
		s.channel = nil
	}
}
