package metrics

import (
	"net/url"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/relabel"
	"github.com/prometheus/prometheus/rules"
)

// alert is an alert as Alertmanager's API v2 takes it.
type alert struct {
	Labels       map[string]string `json:"labels"`
	Annotations  map[string]string `json:"annotations,omitempty"`
	StartsAt     time.Time         `json:"startsAt"`
	EndsAt       time.Time         `json:"endsAt"` // of a firing one: when it ends unless it is repeated
	GeneratorURL string            `json:"generatorURL,omitempty"`
}

// dressing is what becomes of a rule's alert before it leaves: the labels of
// the whole Prometheus, and what the user's alert_relabel_configs make of it.
// Nothing is added beyond that: labels are what silences, routes and groups are
// written for.
type dressing struct {
	external labels.Labels
	relabel  []*relabel.Config
}

// dress is an alert's labels as they are sent, false when they say that it is
// not to be sent.
func (d dressing) dress(from labels.Labels) (labels.Labels, bool) {
	b := labels.NewBuilder(from)
	d.external.Range(func(l labels.Label) {
		if from.Get(l.Name) == "" {
			b.Set(l.Name, l.Value)
		}
	})
	if !relabel.ProcessBuilder(b, d.relabel...) {
		return labels.EmptyLabels(), false
	}
	return b.Labels(), true
}

// wire makes what is posted of an alert that a rule has evaluated at last.
func wire(a *rules.Alert, as labels.Labels, generator string) alert {
	w := alert{
		Labels: as.Map(), Annotations: a.Annotations.Map(), StartsAt: a.FiredAt.UTC(), EndsAt: a.ValidUntil.UTC(),
		GeneratorURL: generator,
	}
	if !a.ResolvedAt.IsZero() {
		w.EndsAt = a.ResolvedAt.UTC()
	}
	return w
}

// explore is the address of the page on which a person sees what a rule saw.
func explore(external *url.URL, expr string) string {
	return external.String() + "/explore?expr=" + url.QueryEscape(expr)
}
