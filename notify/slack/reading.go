package slack

import (
	"context"
	"strconv"
	"strings"
	"time"

	"toban/internal/link"
	"toban/oncall"
	"toban/store"
)

// pageSize is how many lines of a timeline are read at a time, at most pages
// times; what is behind them is told in another turn.
const (
	pageSize = 500
	pages    = 20
)

// load reads how everything stands.
func (t *task) load(ctx context.Context, id oncall.IncidentID) error {
	return t.f.read(ctx, func(tx *store.Tx) error {
		inc, err := tx.IncidentUnlocked(ctx, id)
		if err != nil {
			return err
		}
		if t.chat, err = tx.Chat(ctx, string(id)); err != nil {
			return err
		}
		if t.st, err = readState(t.chat.State); err != nil {
			return err
		}
		dir, err := tx.Directory(ctx)
		if err != nil {
			return err
		}
		t.seen = inc.Version
		t.ws = t.f.o.Workspace(stageOf(inc))
		t.w = wanted{Incident: inc, Directory: dir, Now: tx.Now, Quiet: t.f.o.Quiet, Settle: t.f.o.Settle}
		if t.ws == nil {
			return nil
		}
		service := dir.Service(inc.Service)
		t.w.Team = t.ws.c.Channel
		if service != nil && service.Chat.Channel != "" {
			t.w.Team = service.Chat.Channel
		}
		t.w.Own = wantsRoom(service, inc)
		t.w.Page, t.w.Link = t.f.addresses(dir, inc, "", tx.Now)
		return t.readAll(ctx, tx)
	})
}

// readAll reads the lines that were not told, who is concerned, and what happens
// next.
func (t *task) readAll(ctx context.Context, tx *store.Tx) error {
	id, own := t.w.Incident.ID, t.w.Own || t.st.Room.ID != ""
	after := t.st.told(t.w.Team != "", own)
	t.w.Last = after
	for range pages {
		list, err := tx.Timeline(ctx, id, t.w.Last, pageSize)
		if err != nil {
			return err
		}
		for _, e := range list {
			t.w.Last = e.Seq
			if audible(e) {
				t.w.Lines = append(t.w.Lines, e)
			}
		}
		if len(list) < pageSize {
			break
		}
	}
	rows, err := tx.Responses(ctx, []oncall.IncidentID{id})
	if err != nil {
		return err
	}
	concerned := []oncall.UserID{t.w.Incident.AcknowledgedBy}
	if row := rows[id]; row != nil {
		t.w.NextAt, t.w.NextWhy = row.NextAt, row.NextWhy
		concerned = append(concerned, row.Response.Paged...)
		for _, p := range row.Response.Pages {
			concerned = append(concerned, p.User)
		}
	}
	t.w.Concerned = append(concerned, firstInLine(t.w.Directory, t.w.Incident, tx.Now)...)
	return nil
}

// firstInLine are the users of the first level of the service's policy now.
func firstInLine(dir *oncall.Directory, inc *oncall.Incident, now time.Time) (users []oncall.UserID) {
	service := dir.Service(inc.Service)
	if service == nil || dir.Policies[service.Policy] == nil || len(dir.Policies[service.Policy].Levels) == 0 {
		return nil
	}
	for _, target := range dir.Policies[service.Policy].Levels[0].Targets {
		switch target.Kind {
		case oncall.TargetUser:
			users = append(users, oncall.UserID(target.Name))
		case oncall.TargetSchedule:
			if s := dir.Schedules[oncall.ScheduleID(target.Name)]; s != nil {
				on, _ := s.OnDuty(dir, now)
				users = append(users, on...)
			}
		}
	}
	return users
}

// meet finds out who of those that are named is who in the workspace.
func (t *task) meet(ctx context.Context) {
	wanted := []oncall.UserID{t.w.Incident.AcknowledgedBy}
	if t.w.Own || t.st.Room.ID != "" {
		wanted = append(wanted, t.w.Concerned...)
	}
	t.w.Members = map[oncall.UserID]string{}
	for _, u := range wanted {
		if u == "" || t.w.Members[u] != "" {
			continue
		}
		if m := t.ws.memberOf(ctx, t.w.Directory.Users[u]); m != "" {
			t.w.Members[u] = m
		}
	}
}

func (t *task) shadow() bool {
	s := t.w.Directory.Service(t.w.Incident.Service)
	return t.w.Directory.Settings.Shadow || s != nil && s.Shadow
}

func stageOf(inc *oncall.Incident) oncall.Stage {
	if inc.Stage == "" {
		return oncall.Production
	}
	return inc.Stage
}

// addresses are those of the incident's page, and of the one that needs no login
// (R19).
func (f *Follower) addresses(dir *oncall.Directory, inc *oncall.Incident, to oncall.UserID, now time.Time) (page, signed string) {
	base := f.o.BaseURL
	if dir.Settings.ExternalURL != "" {
		base = dir.Settings.ExternalURL
	}
	if base == "" {
		return "", ""
	}
	page = strings.TrimSuffix(base, "/") + "/incidents/" + strconv.FormatInt(inc.Number, 10)
	if dir.Settings.PublicURL != "" {
		base = dir.Settings.PublicURL
	}
	if token := f.o.Links.Make(link.Link{Incident: inc.ID, User: to, Expires: now.Add(link.Lifetime)}); token != "" {
		signed = strings.TrimSuffix(base, "/") + link.Path(token)
	}
	return page, signed
}
