package alert

import (
	"context"
	"errors"
	"fmt"

	"toban/oncall"
	"toban/store"
)

// findKnown names the services of the signals at those places of the request.
// They resolve or acknowledge, their integration names no service, and they
// have no labels that one takes: many senders say only the key the second time.
// What their integration has triggered by that key is what they mean.
func (a *Acceptor) findKnown(ctx context.Context, dir *oncall.Directory, signals []oncall.Signal, at []int) error {
	if len(at) == 0 || len(dir.Services) < 2 {
		return nil
	}
	said := map[string]oncall.ServiceID{} // earlier in this request, not committed yet
	for _, s := range signals {
		if s.Action == oncall.Trigger {
			said[s.Key] = s.Service
		}
	}
	services := make([]oncall.ServiceID, len(dir.Services))
	for i, svc := range dir.Services {
		services[i] = svc.ID
	}
	err := a.db.Read(ctx, func(tx *store.Tx) error {
		for _, i := range at {
			if service, ok := said[signals[i].Key]; ok {
				signals[i].Service = service
				continue
			}
			known, err := tx.AlertOf(ctx, signals[i].Integration, services, signals[i].Key)
			if err != nil {
				return err
			}
			if known != nil {
				signals[i].Service = known.Service
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("alerts of %d signals: %w", len(at), err)
	}
	return nil
}

// acknowledge takes the open incident that the signal is about in the name of
// its sender. One that is not known is accepted and does nothing, as R3 has it
// for resolves, and so does one that the sender has said before: it may be over
// since.
func (a *Acceptor) acknowledge(ctx context.Context, s oncall.Signal) error {
	by := s.By
	if by == "" {
		by = oncall.UserID("integration:" + string(s.Integration))
	}
	return a.db.Tx(ctx, func(tx *store.Tx) error {
		id, err := about(ctx, tx, s)
		if err != nil || id == "" {
			return err
		}
		inc, err := tx.Incident(ctx, id)
		if err != nil || inc.State == oncall.Resolved {
			return err
		}
		if ok, err := tx.InsertSignal(ctx, s, inc.ID); err != nil || !ok {
			return err
		}
		return a.inc.AcknowledgeIn(ctx, tx, inc, by, "integration")
	})
}

// about finds the incident that an acknowledgement means: the one of the alert
// with its key, else the open one of that group.
func about(ctx context.Context, tx *store.Tx, s oncall.Signal) (oncall.IncidentID, error) {
	known, err := tx.AlertOf(ctx, "", []oncall.ServiceID{s.Service}, s.Key)
	if err != nil {
		return "", err
	}
	if known != nil && known.Incident != "" {
		inc, err := tx.IncidentUnlocked(ctx, known.Incident)
		if err == nil && inc.State != oncall.Resolved {
			return inc.ID, nil
		}
		if err != nil && !errors.Is(err, oncall.ErrUnknownIncident) {
			return "", err
		}
	}
	inc, err := tx.OpenIncident(ctx, s.Service, s.GroupKey)
	if errors.Is(err, oncall.ErrUnknownIncident) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return inc.ID, nil
}
