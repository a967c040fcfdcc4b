package web

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"time"

	"toban/access"
	"toban/config"
	"toban/i18n"
	"toban/incident"
	"toban/oncall"
	"toban/respond"
	"toban/store"
	"toban/web/view"
)

// cookieLater says in which browser the first-run list is put off.
const cookieLater = "toban_later"

// firstRun is what the first-run list is read from: each tick is a test that
// ran, so that there is nothing to be ticked by hand and nothing to be lost.
type firstRun struct {
	lately    []store.Delivery
	signal    oncall.IntegrationID
	signalAt  time.Time
	chatAt    time.Time
	providers map[string]bool
	drill     *incident.Drilled
}

func (a *Web) firstRun(ctx context.Context, s *request) (f firstRun, err error) {
	err = a.DB.Read(ctx, func(tx *store.Tx) error {
		if f.lately, err = tx.LatestDeliveries(ctx, s.now.Add(-answeredWithin), answeredAmong); err != nil {
			return err
		}
		if f.signal, f.signalAt, err = tx.LatestSignal(ctx); err != nil {
			return err
		}
		const chats = 20
		list, err := tx.LatestChats(ctx, chats)
		if err != nil {
			return err
		}
		if f.chatAt, err = postedForReal(ctx, tx, list); err != nil {
			return err
		}
		objects, err := tx.Objects(ctx, config.KindProvider)
		f.providers = map[string]bool{}
		for i := range objects {
			f.providers[objects[i].Name] = true
		}
		return err
	})
	if err == nil && s.who.User != "" {
		f.drill, err = a.Life.LastDrill(ctx, s.who.User)
	}
	return f, err
}

// postedForReal is when something was last posted in the team's channel about an
// incident of the stage that people work with: rehearsals have a chat of their
// own.
func postedForReal(ctx context.Context, tx *store.Tx, list []store.Chat) (time.Time, error) {
	ids := make([]oncall.IncidentID, 0, len(list))
	for i := range list {
		ids = append(ids, oncall.IncidentID(list[i].Ref))
	}
	incidents, err := tx.IncidentsUnlocked(ctx, ids)
	list = slices.DeleteFunc(list, func(c store.Chat) bool {
		inc := incidents[oncall.IncidentID(c.Ref)]
		return inc == nil || inc.Stage != "" && inc.Stage != oncall.Production
	})
	return posted(list), err
}

// posted is when something was last posted in the team's channel.
func posted(list []store.Chat) time.Time {
	for i := range list {
		var state struct {
			Team struct {
				TS string    `json:"ts"`
				At time.Time `json:"at"`
			} `json:"team"`
		}
		if err := json.Unmarshal(list[i].State, &state); err == nil && state.Team.TS != "" {
			return state.Team.At
		}
	}
	return time.Time{}
}

// welcomePage is the first-run list.
func (a *Web) welcomePage(w http.ResponseWriter, r *http.Request, s *request) error {
	page, err := a.readFirstRun(r.Context(), s)
	if err != nil {
		return err
	}
	return s.draw(w, r, http.StatusOK, view.FirstRunPage(s.managed(s.t("welcome.title"), "", "view", "welcome"), page))
}

// readFirstRun is the list as it stands now.
func (a *Web) readFirstRun(ctx context.Context, s *request) (view.FirstRun, error) {
	f, err := a.firstRun(ctx, s)
	if err != nil {
		return view.FirstRun{}, err
	}
	page := view.FirstRun{Steps: []view.FirstStep{
		a.phoneStep(s, f), s.providerStep(f), s.chatStep(f), s.alertStep(f), s.policyStep(), a.drillStep(s, f),
	}}
	if a.Monitors != nil {
		step, err := a.monitorStep(ctx, s)
		if err != nil {
			return page, err
		}
		page.Steps = slices.Insert(page.Steps, len(page.Steps)-2, step) // before who is called, and the whole drill
	}
	next := true
	for i := range page.Steps {
		step := &page.Steps[i]
		if step.State == "done" {
			page.Done++
		} else if step.Act != nil {
			step.Next, next = next, false
		}
	}
	return page, nil
}

// phoneStep is done when a call to the reader has been picked up.
func (a *Web) phoneStep(s *request, f firstRun) view.FirstStep {
	step := view.FirstStep{ID: "phone", State: "open"}
	user := s.dir.Users[s.who.User]
	if user == nil {
		step.Text = s.t("welcome.phone.unknown", "name", s.who.Account)
		step.Code = "users:\n  " + s.who.Account + ":\n    name: …\n    contacts: { phone: { call: \"+8190…\" } }"
		return step
	}
	if !slices.ContainsFunc(user.Contacts, func(c oncall.ContactMethod) bool { return c.Method == oncall.Call && c.Verified }) {
		step.Text = s.t("welcome.phone.none")
		step.Code = "users:\n  " + string(user.ID) + ":\n    contacts: { phone: { call: \"+8190…\" } }"
		return step
	}
	step.Text = s.t("welcome.phone.text")
	if s.simulated() {
		step.Text = s.t("welcome.phone.simulated")
		s.besidePhones(&step)
	}
	step.Act = a.ring(s, "welcome.phone.call")
	for i := range f.lately {
		d := &f.lately[i]
		if d.User != user.ID || d.Channel != oncall.Call || d.EndedAt.IsZero() || d.Outcome == oncall.Canceled {
			continue
		}
		step.At = d.EndedAt
		if d.Outcome == oncall.Answered || d.Outcome == oncall.NoInput {
			step.State, step.Text = "done", s.t("welcome.phone.done")
		} else {
			step.State = "failed"
			step.Text = s.t("welcome.phone.failed", "outcome", i18n.In(s.lang).Or(string(d.Outcome), "outcome."+string(d.Outcome)))
		}
		break
	}
	return step
}

// ring is the button that rings the reader's own phone; nil where that can't be.
func (a *Web) ring(s *request, label string) *view.Action {
	if a.Drill == nil {
		return nil
	}
	return &view.Action{Label: s.t(label), Path: "/welcome/drill", Icon: "phone", ID: "ask-" + label}
}

// providerStep is done when a provider has taken a message.
func (s *request) providerStep(f firstRun) view.FirstStep {
	step := view.FirstStep{ID: "provider", State: "open"}
	simulated := s.simulated()
	switch {
	case simulated:
		step.Text = s.t("welcome.provider.simulated")
		s.besidePhones(&step)
	case f.providers["twilio"]:
		step.Text = s.t("welcome.provider.text")
	default:
		step.Text = s.t("welcome.provider.none")
		step.Code = "providers:\n  twilio: { account: env:TWILIO_SID, token: env:TWILIO_TOKEN, from: [\"+8150…\"] }"
	}
	for i := range f.lately {
		d := &f.lately[i]
		switch {
		case d.Channel != oncall.Call && d.Channel != oncall.SMS:
			continue
		case !d.SentAt.IsZero():
			step.State, step.At = "done", d.SentAt
			if !simulated {
				step.Text = s.t("welcome.provider.done", "name", d.Provider)
			}
		case d.Outcome == oncall.Undeliverable:
			step.State, step.At, step.Text = "failed", d.EndedAt, s.t("welcome.provider.failed", "name", d.Provider)
		default:
			continue
		}
		step.Path, step.Label = "/settings/about", s.t("about.providers")
		return step
	}
	return step
}

// simulated reports whether those who are called are simulated phones.
func (s *request) simulated() bool {
	stage := s.dir.Stages[oncall.Production]
	return stage != nil && stage.Simulated
}

// besidePhones leads to the simulated phones, which are shown on this machine
// alone.
func (s *request) besidePhones(step *view.FirstStep) {
	if s.near {
		step.Path, step.Label = "/sim/phones", s.t("welcome.sim.phones")
	} else {
		step.Text += " " + s.t("welcome.sim.far")
	}
}

// chatStep is done when something was posted.
func (s *request) chatStep(f firstRun) view.FirstStep {
	step := view.FirstStep{ID: "chat", State: "open", At: f.chatAt, Text: s.t("welcome.chat.text")}
	switch {
	case s.simulated():
		step.Text = s.t("welcome.chat.simulated")
		if !f.chatAt.IsZero() {
			step.State, step.Text = "done", s.t("welcome.chat.simulated.done")
		}
		if s.near {
			step.Path, step.Label = "/sim/slack", s.t("welcome.sim.chat")
		}
	case !f.chatAt.IsZero():
		step.State, step.Text = "done", s.t("welcome.chat.done")
	case !f.providers["slack"]:
		step.Text = s.t("welcome.chat.none")
		step.Code = "providers:\n  slack: { token: env:SLACK_TOKEN, signing_secret: env:SLACK_SIGNING, channel: \"#alerts\" }"
	}
	return step
}

// alertStep is done when a sender's signal has opened an incident.
func (s *request) alertStep(f firstRun) view.FirstStep {
	step := view.FirstStep{ID: "alert", State: "open", At: f.signalAt}
	if f.signal != "" {
		step.State, step.Text = "done", s.t("welcome.alert.done", "name", string(f.signal))
		return step
	}
	in, svc := s.firstFeed()
	switch {
	case in == nil:
		step.Text = s.t("welcome.alert.none")
		step.Code = "integrations:\n  monitoring: { dialect: generic }"
	case !s.who.Role.Includes(access.Manager):
		step.Text = s.t("welcome.alert.ask")
	default:
		step.Text = s.t("welcome.alert.text", "name", string(in.ID)) + " " + s.pages(in, svc)
		step.Act = &view.Action{
			Label: s.t("welcome.alert.make"), Path: view.ServicePath(svc.ID) + "/keys", Icon: "key",
			Fields: []view.Hidden{{Name: "integration", Value: string(in.ID)}},
		}
	}
	return step
}

// firstFeed is an integration and a service that it may reach.
func (s *request) firstFeed() (*oncall.Integration, *oncall.Service) {
	var first *oncall.Integration
	for _, in := range s.dir.Integrations {
		if first == nil || in.ID < first.ID {
			first = in
		}
	}
	if first == nil {
		return nil, nil
	}
	if svc := s.dir.Service(first.Service); svc != nil {
		return first, svc
	}
	for _, svc := range s.dir.Services {
		if svc.CatchAll || len(s.dir.Services) == 1 {
			return first, svc
		}
	}
	return nil, nil
}

// policyStep tries every service: whether a critical incident would ring
// somebody's phone now.
func (s *request) policyStep() view.FirstStep {
	step := view.FirstStep{ID: "policy", State: "open", Path: "/oncall#rehearsal", Label: s.t("welcome.policy.see")}
	if len(s.dir.Services) == 0 {
		step.Text = s.t("welcome.policy.none")
		return step
	}
	const tried = 50
	step.At = s.now
	for _, svc := range s.dir.Services[:min(len(s.dir.Services), tried)] {
		policy := s.dir.Policies[svc.Policy]
		name := cmp.Or(svc.Name, string(svc.ID))
		if policy == nil || s.dir.ValidatePolicy(policy) != nil {
			step.State, step.Text = "failed", s.t("welcome.policy.invalid", "service", name)
			return step
		}
		if svc.NoCalls {
			continue
		}
		if !s.rings(svc) {
			step.State, step.Text = "failed", s.t("welcome.policy.silent", "service", name)
			return step
		}
	}
	step.State, step.Text = "done", s.t("welcome.policy.done", "n", strconv.Itoa(len(s.dir.Services)))
	return step
}

// rings reports whether a critical incident of svc would ring a phone, or hand
// over to another pager, within its first ten minutes.
func (s *request) rings(svc *oncall.Service) bool {
	const within = 10 * time.Minute
	steps, _ := respond.Rehearse(s.dir, respond.Rehearsal{Service: svc, Severity: oncall.Critical, At: s.now, Until: s.now.Add(within)})
	return slices.ContainsFunc(steps, func(step oncall.Step) bool {
		m := step.Entry.Data.Method
		return step.Entry.Kind == oncall.EntryContact && (m == oncall.Call || m == oncall.Events)
	})
}

// drillStep is done when the reader has pressed the key in a drill.
func (a *Web) drillStep(s *request, f firstRun) view.FirstStep {
	step := view.FirstStep{ID: "drill", State: "open", Text: s.t("welcome.drill.text"), Act: a.ring(s, "welcome.drill.start")}
	if s.simulated() {
		step.Text = s.t("welcome.drill.simulated")
		s.besidePhones(&step)
	}
	d := f.drill
	switch {
	case s.dir.Users[s.who.User] == nil:
		step.Act = nil
	case d == nil:
	case !d.Pressed.IsZero():
		step.State, step.At, step.Text = "done", d.Pressed, s.t("welcome.drill.done")
	case d.Incident.State == oncall.Triggered:
		step.Text = s.t("welcome.drill.rings")
	default:
		step.State, step.At, step.Text = "failed", d.Incident.TriggeredAt, s.t("welcome.drill.failed")
	}
	if d != nil {
		step.Path, step.Label = "/incidents/"+strconv.FormatInt(d.Incident.Number, 10), "#"+strconv.FormatInt(d.Incident.Number, 10)
	}
	return step
}

// startDrill rings the reader's own phone, as a real incident would.
func (a *Web) startDrill(w http.ResponseWriter, r *http.Request, s *request) error {
	if a.Drill == nil {
		return errNoPage
	}
	if _, err := a.Drill.Drill(r.Context(), s.who.User, s.who.User); err != nil {
		return a.refused(w, r, s, err, "/welcome")
	}
	s.say(w, note{Kind: "info", Key: "flash.drill.started"})
	return s.redirect(w, r, "/welcome#step-drill")
}

// welcomeLater hides the list in this browser.
func (a *Web) welcomeLater(w http.ResponseWriter, r *http.Request, s *request) error {
	a.setCookie(w, cookieLater, "1", year)
	return s.redirect(w, r, "/")
}
