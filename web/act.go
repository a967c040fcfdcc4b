package web

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"toban/i18n"
	"toban/oncall"
	"toban/web/view"
)

// viaWeb is the way in which the pages say things.
const viaWeb = "web"

// action is one thing that somebody does to an incident.
type action struct {
	verb string
	id   oncall.IncidentID
	by   oncall.UserID
	via  string
	// What some need.
	who    oncall.UserID
	policy oncall.PolicyID
	text   string
	until  time.Time
}

var (
	errVoice = &oncall.Error{Kind: oncall.Conflict, Code: "actor.unknown", Message: "this account is no user of the configuration, so it is nobody who can be reached"}
	errWho   = &oncall.Error{Kind: oncall.Invalid, Code: "user.unknown", Message: "there is no such user", Field: "/who"}
)

// do does it, and returns the incident as it is afterwards.
func (a *Web) do(ctx context.Context, x action) (*oncall.Incident, error) {
	switch x.verb {
	case "acknowledge":
		return a.Life.Acknowledge(ctx, x.id, x.by, x.via)
	case "resolve":
		return a.Life.Resolve(ctx, x.id, x.by, x.via)
	case "renew":
		return a.Life.Renew(ctx, x.id, x.by, x.via)
	case "reopen":
		return a.Life.Reopen(ctx, x.id, x.by, x.via)
	case "escalate":
		return a.Life.Escalate(ctx, x.id, x.by, x.via)
	case "snooze":
		return a.Life.Snooze(ctx, x.id, x.until, x.by, x.via)
	case "reassign":
		return a.Life.Reassign(ctx, x.id, []oncall.UserID{x.who}, x.by, x.via)
	case "responders":
		return a.Life.AddResponder(ctx, x.id, []oncall.UserID{x.who}, x.by, x.via)
	case "policy":
		return a.Life.SetPolicy(ctx, x.id, x.policy, x.by, x.via)
	case "note":
		return a.Life.Note(ctx, x.id, x.text, x.by, x.via)
	}
	return nil, errNoPage
}

// forAny are the verbs that take no more than the role of their route; a verb
// that takes another one has a route of its own.
var forAny = [...]string{"acknowledge", "resolve", "renew", "reopen", "escalate", "snooze", "reassign", "responders", "note"}

// act is an action on one incident that every responder may take.
func (a *Web) act(w http.ResponseWriter, r *http.Request, s *request) error {
	verb := r.PathValue("act")
	if verb == "act" { // one form with a button for each
		verb = form(r, "act")
	}
	if !slices.Contains(forAny[:], verb) {
		return errNoPage
	}
	return a.actAs(w, r, s, verb)
}

// setPolicy is the action that takes a manager.
func (a *Web) setPolicy(w http.ResponseWriter, r *http.Request, s *request) error {
	return a.actAs(w, r, s, "policy")
}

// actAs does what was decided on, and leads back to where it came from.
func (a *Web) actAs(w http.ResponseWriter, r *http.Request, s *request, verb string) error {
	x, err := a.readAction(r, s, verb)
	if err != nil {
		return err
	}
	began := now()
	inc, err := a.do(r.Context(), x)
	if e := public(err); err != nil && e.Kind == oncall.Invalid && e.Field != "" {
		return a.drawIncident(w, r, s, string(x.id), http.StatusBadRequest, func(p *view.IncidentPage) {
			p.Wrong = map[string]string{fieldOf(x.verb): said(s.lang, e)}
			p.Note, p.Until = x.text, form(r, "until")
		})
	}
	if err != nil {
		return err
	}
	s.say(w, s.told(x, inc, began))
	back := local(r.PostForm.Get("back"))
	if r.PostForm.Get("back") == "" {
		back = incidentPath(inc)
	}
	return s.redirect(w, r, back)
}

// readAction reads to which incident it is done and in whose name.
func (a *Web) readAction(r *http.Request, s *request, verb string) (x action, err error) {
	x = action{verb: verb, via: viaWeb, who: oncall.UserID(form(r, "user")), policy: oncall.PolicyID(form(r, "policy"))}
	x.text = strings.ReplaceAll(r.PostForm.Get("text"), "\r\n", "\n")
	if x.by, err = s.who.Actor(s.dir, oncall.UserID(form(r, "who"))); err != nil {
		return x, err
	}
	if x.verb == "snooze" {
		x.until = snoozeUntil(r, s)
	}
	x.id, err = a.Life.Find(r.Context(), r.PathValue("ref"))
	return x, err
}

// voice is the user of that name.
func (s *request) voice(name string) (oncall.UserID, error) {
	if user := oncall.UserID(name); s.dir.Users[user] != nil {
		return user, nil
	}
	return "", errWho
}

// snoozeUntil is minutes from now, or a moment by the reader's clock; zero for
// what can't be read, which is refused.
func snoozeUntil(r *http.Request, s *request) time.Time {
	if minutes, err := strconv.Atoi(form(r, "minutes")); err == nil && minutes > 0 && minutes < 100_000 {
		return now().Add(time.Duration(minutes) * time.Minute)
	}
	until, ok := localTime(form(r, "until"), s.zone)
	if !ok {
		return time.Time{}
	}
	return until
}

// fieldOf is the field of the page that a verb is about.
func fieldOf(verb string) string {
	switch verb {
	case "note":
		return "text"
	case "snooze":
		return "until"
	}
	return verb
}

// told says what an action did: it may have come late, or somebody else may have
// it.
func (s *request) told(x action, inc *oncall.Incident, began time.Time) note {
	p, names := i18n.In(s.lang), s.names()
	number := strconv.FormatInt(inc.Number, 10)
	over := inc.State == oncall.Resolved
	switch {
	case over && x.verb == "resolve" && inc.ResolvedAt.Before(began), over && x.verb == "acknowledge":
		return note{Kind: "warn", Key: "flash.late", Places: []string{"number", number}}
	case x.verb == "resolve":
		return note{Kind: "ok", Key: "flash.resolve", Places: []string{"number", number}, Undo: incidentPath(inc) + "/reopen"}
	case x.verb == "acknowledge" && inc.HeldByAnother(x.by):
		return note{Kind: "info", Key: "flash.taken", Places: []string{"number", number, "user", names.Actor(p, string(inc.AcknowledgedBy))}}
	case x.verb == "renew" && inc.HeldByAnother(x.by):
		return note{Kind: "ok", Key: "flash.renew.other", Places: []string{"number", number, "user", names.Actor(p, string(inc.AcknowledgedBy))}}
	case x.verb == "snooze":
		return note{Kind: "ok", Key: "flash.snooze", Places: []string{"number", number, "until", view.Absolute(s.lang, x.until, s.zone, s.zone)}}
	case x.verb == "reassign", x.verb == "responders":
		return note{Kind: "ok", Key: "flash." + x.verb, Places: []string{"number", number, "user", names.User(p, x.who)}}
	}
	return note{Kind: "ok", Key: "flash." + x.verb, Places: []string{"number", number}}
}

// mostAtOnce is how many incidents are acted on by one form.
const mostAtOnce = 200

// actOnMany acknowledges or resolves those that were picked, each in its own
// transaction: one that can't be does not hold up the others, and what was done
// is said whatever comes after it.
func (a *Web) actOnMany(w http.ResponseWriter, r *http.Request, s *request) error {
	verb := form(r, "act")
	if verb != "acknowledge" && verb != "resolve" {
		return errNoPage
	}
	by, err := s.who.Actor(s.dir, oncall.UserID(form(r, "who")))
	if err != nil {
		return err
	}
	picked := r.PostForm["n"]
	if len(picked) > mostAtOnce {
		return errMany
	}
	var sum tally
	for _, ref := range picked {
		a.actOnOne(r.Context(), s, ref, action{verb: verb, by: by, via: viaWeb}, &sum)
	}
	s.say(w, sum.said(verb))
	return s.redirect(w, r, local(r.PostForm.Get("back")))
}

// tally is what became of incidents that were acted on together.
// late is what was over or somebody else's.
type tally struct{ done, late, failed int }

// actOnOne does it to one of many.
func (a *Web) actOnOne(ctx context.Context, s *request, ref string, x action, sum *tally) {
	began := now()
	id, err := a.Life.Find(ctx, ref)
	var inc *oncall.Incident
	if err == nil {
		x.id = id
		inc, err = a.do(ctx, x)
	}
	switch {
	case err != nil && public(err).Kind == oncall.Conflict:
		sum.late++
	case err != nil:
		if public(err).Kind == oncall.Internal {
			a.Log.ErrorContext(ctx, "one of many actions failed", "incident", string(id), "err", err)
		}
		sum.failed++
	case slices.Contains([]string{"flash.late", "flash.taken"}, s.told(x, inc, began).Key):
		sum.late++
	default:
		sum.done++
	}
}

func (t tally) said(verb string) note {
	n := note{Kind: "ok", Key: "flash.many." + verb, Places: []string{"n", strconv.Itoa(t.done)}}
	switch {
	case t == tally{}:
		return note{Kind: "info", Key: "flash.many.none"}
	case t.failed > 0:
		n.Kind, n.Key = "error", "flash.many.failed"
		n.Places = append(n.Places, "failed", strconv.Itoa(t.failed), "late", strconv.Itoa(t.late))
	case t.late > 0:
		n.Kind, n.Key = "warn", "flash.many.late"
		n.Places = append(n.Places, "late", strconv.Itoa(t.late))
	}
	return n
}

var errMany = &oncall.Error{Kind: oncall.Invalid, Code: "request.too_many", Message: "pick at most 200 incidents at once"}
