package edit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"toban/access"
	"toban/config"
	"toban/internal/promcheck"
	"toban/oncall"
	"toban/store"
)

// fieldExpression is where a monitor has its condition in PromQL.
const fieldExpression = "/promql"

// errUnchecked is returned while nobody can say whether something is PromQL.
var errUnchecked = &oncall.Error{
	Kind: oncall.Unavailable, Code: "metrics.down",
	Message: "whether the condition is PromQL can't be checked at the moment, and nothing was changed; try again, and see toban's log",
}

// evaluable refuses a monitor whose condition would never be evaluated: it is no
// PromQL, or there is no Prometheus that does it.
func (e *Editor) evaluable(ctx context.Context, m *oncall.Monitor) error {
	if !m.Kind.Rules() {
		return nil
	}
	metrics, err := e.metrics(ctx)
	if err != nil {
		return err
	}
	if why := metrics.Unevaluated(); why != "" && !m.Paused {
		return invalid(fieldExpression, "monitor.invalid", "monitor "+string(m.ID)+": "+why)
	}
	faults, err := e.faults(ctx, []string{m.PromQL})
	if err != nil || len(faults) == 0 {
		return err
	}
	f := faults[0]
	return invalid(fieldExpression, "monitor.invalid", fmt.Sprintf("this is no condition in PromQL: line %d, column %d of the expression: %s", f.Line, f.Column, f.Message))
}

func (e *Editor) faults(ctx context.Context, expressions []string) ([]promcheck.Fault, error) {
	if e.o.Faults == nil || len(expressions) == 0 {
		return nil, nil
	}
	faults, err := e.o.Faults(ctx, expressions)
	if errors.Is(err, context.Canceled) {
		return nil, err
	}
	if err != nil {
		e.o.Log.ErrorContext(ctx, "what is wrong with PromQL can't be found out", "err", err)
		return nil, errUnchecked
	}
	return faults, nil
}

// metrics is the section metrics that is in force; nil when there is none.
func (e *Editor) metrics(ctx context.Context) (m *config.Metrics, err error) {
	err = e.o.DB.Read(ctx, func(tx *store.Tx) error {
		p, err := Providers(ctx, tx)
		m = p.Metrics
		return err
	})
	return m, err
}

// Providers are the accounts and sections that are in force.
func Providers(ctx context.Context, tx *store.Tx) (config.Providers, error) {
	rows, err := tx.Objects(ctx, config.KindProvider)
	if err != nil {
		return config.Providers{}, err
	}
	objects := make([]config.Object, len(rows))
	for i, o := range rows {
		objects[i] = config.Object{Kind: o.Kind, Name: o.Name, Body: o.Body}
	}
	return config.ReadProviders(objects)
}

// conditions refuses a configuration with a condition that is no PromQL. What
// toban applies by itself at a start is said as a warning before: a mistake in one
// monitor keeps nobody from being paged.
func (e *Editor) conditions(ctx context.Context, objects []config.Object) error {
	if _, somebody := access.From(ctx); !somebody {
		return nil
	}
	var texts []string
	var of []int // the object of each
	for i, o := range objects {
		if o.Kind != store.ObjectMonitor {
			continue
		}
		var m oncall.Monitor
		if err := json.Unmarshal(o.Body, &m); err != nil {
			return misread(err)
		}
		if m.Kind.Rules() {
			texts, of = append(texts, m.PromQL), append(of, i)
		}
	}
	faults, err := e.faults(ctx, texts)
	if err != nil || len(faults) == 0 {
		return err
	}
	f := faults[0]
	o := objects[of[f.Index]]
	where := ""
	if o.File != "" {
		where = fmt.Sprintf("%s:%d: ", o.File, o.Line)
	}
	more := ""
	if n := len(faults) - 1; n > 0 {
		more = fmt.Sprintf(" (and %d more)", n)
	}
	return invalid(fmt.Sprintf("/objects/%d/body%s", of[f.Index], fieldExpression), "monitor.invalid",
		fmt.Sprintf("%smonitor %s: this is no condition in PromQL: line %d, column %d of the expression: %s%s", where, o.Name, f.Line, f.Column, f.Message, more))
}

// seen refuses a section metrics with which a monitor that is there would never be
// evaluated any more.
func seen(ctx context.Context, metrics *config.Metrics, monitors []*oncall.Monitor) error {
	why := metrics.Unevaluated()
	if _, somebody := access.From(ctx); !somebody || why == "" {
		return nil
	}
	for _, m := range monitors {
		if m.Kind.Rules() && !m.Paused {
			return invalid("/objects", "configuration.invalid", "monitor "+string(m.ID)+": "+why)
		}
	}
	return nil
}
