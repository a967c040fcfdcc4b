package intake

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"sync"
	"time"

	"toban/internal/jq"
	"toban/oncall"
)

// mappingTime is how long a mapping may work on one request.
const mappingTime = 200 * time.Millisecond

// maxDepth is how deep the JSON of a request may nest.
const maxDepth = 100

// genericEvent is the shape that a mapping must give, one event or an array of
// them; without a mapping the body is read so itself.
type genericEvent struct {
	Key         string
	Action      string
	Summary     string
	Severity    string
	Service     string
	Group       string
	DeliveryID  string
	By          string
	StartsAt    string
	Labels      map[string]string
	Annotations map[string]string
}

// actions are the words senders use.
var actions = map[string]oncall.Action{
	"trigger": oncall.Trigger, "triggered": oncall.Trigger, "firing": oncall.Trigger, "alerting": oncall.Trigger,
	"problem": oncall.Trigger, "down": oncall.Trigger, "open": oncall.Trigger, "opened": oncall.Trigger, "": oncall.Trigger,
	"acknowledge": oncall.Acknowledge, "acknowledged": oncall.Acknowledge, "ack": oncall.Acknowledge,
	"resolve": oncall.Resolve, "resolved": oncall.Resolve, "ok": oncall.Resolve, "recovery": oncall.Resolve,
	"recovered": oncall.Resolve, "up": oncall.Resolve, "close": oncall.Resolve, "closed": oncall.Resolve,
}

// generic reads any JSON through the jq mapping of its integration.
type generic struct {
	mu       sync.Mutex
	compiled map[string]*jq.Program
}

func newGeneric() *generic { return &generic{compiled: map[string]*jq.Program{}} }

func (g *generic) parse(body []byte, in *oncall.Integration) ([]oncall.Signal, error) {
	doc, exact, err := decode(body)
	if err != nil {
		return nil, malformed(err)
	}
	if depth(doc, 0) > maxDepth {
		return nil, invalid("", "the body nests deeper than %d levels", maxDepth)
	}
	if exact && longNumber(doc) {
		return nil, invalid("", "a number has at most %d digits", maxNumber)
	}
	docs := []any{doc}
	if in.Map != "" {
		var err error
		if docs, err = g.mapped(doc, in); err != nil {
			return nil, err
		}
	}
	signals := make([]oncall.Signal, 0, len(docs))
	for n, d := range docs {
		s, err := readEvent(d)
		if err != nil {
			if len(docs) > 1 {
				err.Field = fmt.Sprintf("/%d%s", n, err.Field)
			}
			return nil, err
		}
		signals = append(signals, s)
	}
	return signals, nil
}

// mapped runs the integration's jq over doc; an array it gives is several
// events.
func (g *generic) mapped(doc any, in *oncall.Integration) ([]any, error) {
	code, err := g.compile(in.Map)
	if err != nil {
		return nil, &oncall.Error{Kind: oncall.Unavailable, Code: "intake.mapping", Message: "the mapping of this integration does not compile: " + err.Error()}
	}
	ctx, stop := jq.Within(context.Background(), mappingTime)
	defer stop()
	var out []any
	for v, err := range code.Run(ctx, doc) {
		switch {
		case err != nil && errors.Is(context.Cause(ctx), jq.ErrMemory):
			return nil, unmapped("the mapping takes too much memory on this body")
		case errors.Is(err, context.DeadlineExceeded):
			return nil, unmapped(fmt.Sprintf("the mapping took longer than %s on this body", mappingTime))
		case err != nil:
			return nil, invalid("", "the mapping does not fit this body: %s", err)
		}
		if several, ok := v.([]any); ok {
			out = append(out, several...)
		} else {
			out = append(out, v)
		}
		if len(out) > MaxSignals {
			return nil, ErrTooMany
		}
	}
	return out, nil
}

// unmapped is why a body was not mapped in its bounds. Other work of toban may be
// the cause as well, so the sender has to send it again: it is not the sender's
// fault, and nothing may be lost.
func unmapped(why string) error {
	return &oncall.Error{Kind: oncall.Unavailable, Code: "intake.mapping_limit", Message: why}
}

func (g *generic) compile(program string) (*jq.Program, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if code, ok := g.compiled[program]; ok {
		return code, nil
	}
	code, err := jq.Mapping(program)
	if err != nil {
		return nil, err
	}
	if len(g.compiled) >= maxKnown {
		clear(g.compiled)
	}
	g.compiled[program] = code
	return code, nil
}

// readEvent reads one event. Numbers and booleans are taken where a word is
// expected: an id is often a number. It reads the members by hand: encoding the
// document again to decode it into the struct costs more than all else here.
func readEvent(doc any) (oncall.Signal, *oncall.Error) {
	obj, ok := doc.(map[string]any)
	if !ok {
		return oncall.Signal{}, invalid("", `an event is an object such as {"key": "db-1", "action": "trigger", "summary": "…"}`)
	}
	var e genericEvent
	for _, m := range [...]struct {
		name string
		into *string
	}{
		{"key", &e.Key},
		{"action", &e.Action},
		{"summary", &e.Summary},
		{"severity", &e.Severity},
		{"service", &e.Service},
		{"group", &e.Group},
		{"delivery_id", &e.DeliveryID},
		{"by", &e.By},
		{"starts_at", &e.StartsAt},
	} {
		v := member(obj, m.name)
		if v == nil {
			continue
		}
		if *m.into, ok = word(v); !ok {
			return oncall.Signal{}, invalid("/"+m.name, "expected a string, found %s", jsonKind(v))
		}
	}
	var err *oncall.Error
	if e.Labels, err = words(obj, "labels"); err != nil {
		return oncall.Signal{}, err
	}
	if e.Annotations, err = words(obj, "annotations"); err != nil {
		return oncall.Signal{}, err
	}
	return e.signal()
}

func (e genericEvent) signal() (oncall.Signal, *oncall.Error) {
	action, ok := actions[strings.ToLower(e.Action)]
	switch {
	case !ok:
		return oncall.Signal{}, invalid("/action", "the action is trigger, acknowledge or resolve, not %q", e.Action)
	case e.Key == "" && action != oncall.Trigger:
		return oncall.Signal{}, invalid("/key", "a key is needed to say what is to be %sd", action)
	case e.Key == "" && e.Summary == "":
		return oncall.Signal{}, invalid("/key", "an event needs a key (what the same problem has in common) or at least a summary")
	}
	s := oncall.Signal{
		SenderKey: e.DeliveryID, Service: oncall.ServiceID(e.Service), Key: e.Key, GroupKey: e.Group, Action: action,
		By: oncall.UserID(e.By), Title: e.Summary, Labels: e.Labels, Annotations: e.Annotations, StartsAt: since(e.StartsAt),
	}
	if s.Key == "" {
		s.Key = hashed(e.Summary)
	}
	var known bool
	if s.Severity, known = oncall.ParseSeverity(strings.ToLower(e.Severity)); !known {
		if s.Unknown = e.Severity; s.Unknown == "" {
			s.Unknown = "-"
		}
	}
	return s, nil
}

// member returns what an object has under a name, in any case of its letters,
// or nil.
func member(obj map[string]any, name string) any {
	if v, ok := obj[name]; ok {
		return v
	}
	for other, v := range obj {
		if len(other) == len(name) && strings.EqualFold(other, name) {
			return v
		}
	}
	return nil
}

// words reads an object of words, such as labels; null is left out.
func words(obj map[string]any, name string) (map[string]string, *oncall.Error) {
	v := member(obj, name)
	if v == nil {
		return nil, nil
	}
	members, ok := v.(map[string]any)
	if !ok {
		return nil, invalid("/"+name, "expected an object, found %s", jsonKind(v))
	}
	out := make(map[string]string, len(members))
	for key, v := range members {
		if v == nil {
			continue
		}
		if out[key], ok = word(v); !ok {
			return nil, invalid("/"+name+"/"+key, "expected a string, found %s", jsonKind(v))
		}
	}
	return out, nil
}

// word is a scalar as text.
func word(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case json.Number:
		return string(v), true
	case *big.Int:
		return v.String(), true
	case float64, int, bool:
		text, err := json.Marshal(v)
		return string(text), err == nil
	}
	return "", false
}

func jsonKind(v any) string {
	switch v.(type) {
	case map[string]any:
		return "an object"
	case []any:
		return "an array"
	case string:
		return "a string"
	case bool:
		return "a bool"
	}
	return "a number"
}

func depth(v any, at int) int {
	if at > maxDepth {
		return at
	}
	deepest := at
	switch v := v.(type) {
	case map[string]any:
		for _, each := range v {
			deepest = max(deepest, depth(each, at+1))
		}
	case []any:
		for _, each := range v {
			deepest = max(deepest, depth(each, at+1))
		}
	}
	return deepest
}
