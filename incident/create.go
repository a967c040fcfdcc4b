package incident

import (
	"context"
	"fmt"
	"time"
	"unicode/utf8"

	"toban/internal/id"
	"toban/oncall"
	"toban/respond"
	"toban/store"
)

// ByHand is an incident that is made by hand.
type ByHand struct {
	Service  oncall.ServiceID
	Title    string
	Severity oncall.Severity // "" = critical
	Urgency  oncall.Urgency  // "" = as the service has it for the severity
	// First is who is paged before the levels of the service's policy; "" =
	// nobody.
	First oncall.UserID
	// Key makes two creations one while the incident is open; "" = each opens
	// its own.
	Key   string
	Stage oncall.Stage // "" = production
	By    oncall.UserID
	Via   string
}

const (
	maxTitle = 1024 // bytes
	maxKey   = 200  // bytes
)

// Create opens an incident by hand (R17), or adds to the open one of the same
// key. It takes the way of every signal, so that it is deduplicated and answered
// like one.
func (l *Lifecycle) Create(ctx context.Context, n ByHand) (*oncall.Incident, error) {
	if err := n.check(); err != nil {
		return nil, err
	}
	look := l.db.Read
	if n.First != "" {
		look = l.db.Tx // it keeps a policy
	}
	var opening store.Acceptance
	err := look(ctx, func(tx *store.Tx) error {
		dir, err := tx.Directory(ctx)
		if err != nil {
			return err
		}
		svc := dir.Service(n.Service)
		if svc == nil {
			return invalid("/service", "service.unknown", fmt.Sprintf("there is no service %q", n.Service))
		}
		if n.Stage != "" && n.Stage != oncall.Production && dir.Stages[n.Stage] == nil {
			return invalid("/stage", "stage.unknown", fmt.Sprintf("there is no stage %q", n.Stage))
		}
		opening = respond.Opening(dir, svc, oncall.Signal{
			Key: n.Key, Stage: n.Stage, Severity: n.Severity, Title: n.Title, By: n.By,
		}, n.Urgency, n.Via, time.Now())
		if n.First != "" {
			return askFirst(ctx, tx, dir, &opening, n.First)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	accepted, err := l.db.Accept(ctx, []store.Acceptance{opening})
	if err != nil {
		return nil, err
	}
	var inc *oncall.Incident
	err = l.db.Read(ctx, func(tx *store.Tx) (err error) {
		inc, err = tx.IncidentUnlocked(ctx, accepted[0].Incident)
		return err
	})
	return inc, err
}

// check completes n and refuses what can't be stored.
func (n *ByHand) check() error {
	isText := utf8.ValidString(n.Title)
	if n.Title = oncall.Flatten(n.Title); n.Title == "" || len(n.Title) > maxTitle || !isText {
		return invalid("/title", "incident.title", fmt.Sprintf("a title has 1 to %d bytes of text", maxTitle))
	}
	if n.Severity == "" {
		n.Severity = oncall.Critical
	}
	if _, ok := oncall.ParseSeverity(string(n.Severity)); !ok {
		return invalid("/severity", "incident.severity", "the severity is critical, error, warning or info")
	}
	switch n.Urgency {
	case "", oncall.High, oncall.Low:
	default:
		return invalid("/urgency", "incident.urgency", "the urgency is high or low")
	}
	if len(n.Key) > maxKey || !utf8.ValidString(n.Key) {
		return invalid("/key", "incident.key", fmt.Sprintf("a key has at most %d bytes of text", maxKey))
	}
	if n.Key == "" {
		n.Key = id.New("hand")
	}
	n.Key = "hand/" + n.Key
	return nil
}
