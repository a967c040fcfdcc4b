package respond

import (
	"time"

	"toban/internal/id"
	"toban/oncall"
	"toban/store"
)

// Opening completes a signal that toban itself, or a person, makes about svc,
// and proposes the incident that it opens. Key, Severity and Title have to be
// given; urgency "" follows from the severity, and via is the way it came. It
// is pure but for the ids.
func Opening(dir *oncall.Directory, svc *oncall.Service, s oncall.Signal, urgency oncall.Urgency, via string, now time.Time) store.Acceptance {
	s.ID = oncall.SignalID(id.New(id.Signal))
	s.Action, s.Service = oncall.Trigger, svc.ID
	s.ReceivedAt = now.Truncate(time.Millisecond)
	s.StartsAt = s.ReceivedAt
	if s.Stage == "" {
		s.Stage = oncall.Production
	}
	if s.Stage != oncall.Production { // a rehearsal never meets the real thing
		s.Key = string(s.Stage) + "|" + s.Key
	}
	s.GroupKey = s.Key
	inc := NewIncident(svc, s)
	if urgency != "" {
		inc.Urgency = urgency
	}
	row, entries := Propose(dir, svc, inc)
	entries[0].Actor, entries[0].Data.Via = string(s.By), via
	inc.Entries = int64(len(entries))
	return store.Acceptance{Signal: s, Incident: inc, Response: row, Entries: entries}
}

// NewIncident is the incident that a complete signal about svc opens.
func NewIncident(svc *oncall.Service, s oncall.Signal) *oncall.Incident {
	return &oncall.Incident{
		ID: oncall.IncidentID(id.New(id.Incident)), Service: svc.ID, GroupKey: s.GroupKey,
		State: oncall.Triggered, Severity: s.Severity, Urgency: svc.UrgencyOf(s.Severity),
		Title: s.Title, Stage: s.Stage, Epoch: 1, Count: 1, TriggeredAt: s.ReceivedAt,
	}
}
