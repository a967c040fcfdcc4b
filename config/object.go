package config

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"toban/oncall"
)

// The kinds of object.
const (
	kindSettings    = "settings"
	kindUser        = "user"
	kindSchedule    = "schedule"
	kindPolicy      = "policy"
	kindService     = "service"
	kindIntegration = "integration"
	kindPager       = "pager"
	kindStage       = "stage"
	kindRoute       = "route"
)

// put keeps a value for Objects and Directory. at is where it is defined.
func (l *loader) put(kind, name string, value any, at *node) {
	o := object{Object: Object{Kind: kind, Name: name}, value: value, at: at}
	if at != nil {
		o.File, o.Line = at.file, at.line
	}
	l.config.objects = append(l.config.objects, o)
}

// finish encodes the objects and looks at the whole with the eyes of package
// oncall, which has the last word on what is a policy.
func (l *loader) finish() {
	for i := range l.config.objects {
		o := &l.config.objects[i]
		body, err := json.Marshal(o.value)
		if err != nil {
			l.problems = append(l.problems, Problem{File: o.File, Line: o.Line, Column: 1, Severity: Error, Message: fmt.Sprintf("%s %s can't be stored: %v", o.Kind, o.Name, err)})
			return
		}
		o.Body = body
		if p, ok := o.value.(*oncall.Policy); ok {
			p.Revision = revision(o.Kind, body)
		}
	}
	failed := Failed(l.problems)
	d, err := l.config.Directory()
	if err != nil && !failed { // most likely one of those has said so
		l.problems = append(l.problems, Problem{Severity: Error, Message: err.Error()})
	}
	if err != nil || l.partial {
		return
	}
	for _, o := range l.config.objects {
		p, ok := o.value.(*oncall.Policy)
		if !ok || !l.config.sound(o.at) || failed && !l.config.sound(l.names[kindUser][p.Fallback.Name]) {
			continue
		}
		if e, bad := errors.AsType[*oncall.Error](d.ValidatePolicy(p)); bad {
			l.errorf(o.at, "policy %s: %s", o.Name, e.Message)
		}
	}
}

// revision is the content hash under which the store keeps a policy.
func revision(kind string, body []byte) string {
	h := sha256.New()
	h.Write([]byte(kind))
	h.Write([]byte{0})
	h.Write(body)
	return hex.EncodeToString(h.Sum(nil))
}

// Objects returns everything of the folder as the store keeps it, in the order
// of the files; that of services says which takes a signal.
func (c *Config) Objects() []Object {
	all := make([]Object, len(c.objects))
	for i := range c.objects {
		all[i] = c.objects[i].Object
	}
	return all
}

// Directory returns the directory of the folder alone: version 0 and without
// what is made at run time, such as overrides. It is compiled.
func (c *Config) Directory() (*oncall.Directory, error) {
	d := &oncall.Directory{
		Users:        map[oncall.UserID]*oncall.User{},
		Schedules:    map[oncall.ScheduleID]*oncall.Schedule{},
		Policies:     map[oncall.PolicyID]*oncall.Policy{},
		Integrations: map[oncall.IntegrationID]*oncall.Integration{},
		Pagers:       map[oncall.PagerID]*oncall.Pager{},
		Stages:       map[oncall.Stage]*oncall.StageConfig{},
	}
	for i := range c.objects {
		switch v := c.objects[i].value.(type) {
		case *oncall.Settings:
			d.Settings = *v
		case *oncall.User:
			d.Users[v.ID] = v
		case *oncall.Schedule:
			d.Schedules[v.ID] = v
		case *oncall.Policy:
			d.Policies[v.ID] = v
		case *oncall.Service:
			d.Services = append(d.Services, v)
		case *oncall.Integration:
			d.Integrations[v.ID] = v
		case *oncall.Pager:
			d.Pagers[v.ID] = v
		case *oncall.StageConfig:
			d.Stages[v.Name] = v
		case *oncall.Route:
			d.Routes = append(d.Routes, *v)
		}
	}
	if err := d.Compile(); err != nil {
		return nil, err
	}
	return d, nil
}
