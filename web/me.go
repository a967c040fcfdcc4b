package web

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"toban/access"
	"toban/config/edit"
	"toban/oncall"
	"toban/store"
	"toban/web/view"
)

// ownRoutes are what belongs to the reader.
func (a *Web) ownRoutes() []route {
	return []route{
		{http.MethodGet, "/me", access.Viewer, a.me},
		{http.MethodPost, "/me/preferences", access.Viewer, a.setPreferences},
		{http.MethodPost, "/me/password", access.Viewer, a.setPassword},
		{http.MethodPost, "/me/devices", access.Viewer, a.addDevice},
		{http.MethodDelete, "/me/devices", access.Viewer, a.dropDevice},
		{http.MethodPost, "/me/devices/forget", access.Viewer, a.forgetDevice},
		{http.MethodPost, "/me/devices/test", access.Viewer, a.tryDevices},
	}
}

func (a *Web) me(w http.ResponseWriter, r *http.Request, s *request) error {
	return a.drawMe(w, r, s, http.StatusOK, nil)
}

// mostShifts is how many of the next shifts are shown.
const mostShifts = 8

func (a *Web) drawMe(w http.ResponseWriter, r *http.Request, s *request, status int, wrong map[string]string) error {
	page := view.MePage{
		Account: s.who.Account, Role: string(s.who.Role), Language: s.who.Language, Theme: s.who.Theme, Zone: s.who.Zone, Wrong: wrong,
		Zones: zones(s),
	}
	user := s.dir.Users[s.who.User]
	if user != nil {
		page.Person = true
		page.Contacts, page.Rules = contactsOf(user), rulesOf(user)
		for _, own := range s.dir.ShiftsOf(user.ID, s.now, s.now.Add(lookAhead)) {
			if len(page.Shifts) == mostShifts {
				break
			}
			page.Shifts = append(page.Shifts, view.ShiftView{
				Schedule: string(own.Schedule), Path: "/schedules/" + string(own.Schedule), From: own.From, To: own.To,
				Now: !own.From.After(s.now), Override: own.Override,
			})
		}
		written, err := a.originsOf(r.Context(), store.ObjectUser)
		if err != nil {
			return err
		}
		page.File, page.Line = written[string(user.ID)].File, written[string(user.ID)].Line
		if page.Push, err = a.pushView(r.Context(), user.ID); err != nil {
			return err
		}
	}
	p := s.shell(s.t("nav.me"), "me")
	p.Live = s.liveCounts()
	return s.draw(w, r, status, view.Me(p, page))
}

// pushView is the reader's devices; nil where nothing can be pushed.
func (a *Web) pushView(ctx context.Context, user oncall.UserID) (*view.PushView, error) {
	if a.Push == nil {
		return nil, nil //nolint:nilnil // none is an answer
	}
	devices, err := a.Push.Devices().List(ctx, user)
	if err != nil {
		return nil, err
	}
	v := &view.PushView{Key: a.Push.PublicKey()}
	for _, d := range devices {
		v.Devices = append(v.Devices, view.DeviceView{ID: d.ID, Name: browserName(d.Agent), Service: d.Service, Since: d.CreatedAt, Used: d.UsedAt})
	}
	return v, nil
}

func contactsOf(user *oncall.User) []view.ContactView {
	all := make([]view.ContactView, 0, len(user.Contacts))
	for _, c := range user.Contacts {
		all = append(all, contactOf(c))
	}
	return all
}

func contactOf(c oncall.ContactMethod) view.ContactView {
	return view.ContactView{Name: c.Name, Method: c.Method, Address: edit.Masked(c), Verified: c.Verified}
}

// instead is what holds without rules for an urgency (oncall/reach.go), as the end
// of a key.
func instead(user *oncall.User, urgency oncall.Urgency) string {
	verified := func(fits func(oncall.Method) bool) bool {
		return slices.ContainsFunc(user.Contacts, func(c oncall.ContactMethod) bool { return c.Verified && fits(c.Method) })
	}
	switch {
	case urgency == oncall.Low && len(user.Rules[oncall.High]) > 0:
		return "high"
	case verified(func(m oncall.Method) bool { return m == oncall.Call }):
		return "calls"
	case verified(func(oncall.Method) bool { return true }):
		return "all"
	}
	return "nobody"
}

func rulesOf(user *oncall.User) (all []view.RuleView) {
	for _, urgency := range []oncall.Urgency{oncall.High, oncall.Low} {
		rules := user.Rules[urgency]
		v := view.RuleView{Urgency: urgency}
		if len(rules) == 0 {
			v.Note = instead(user, urgency)
		}
		for _, rule := range rules {
			step := view.RuleStep{After: rule.After}
			for _, name := range rule.Via {
				if c, ok := user.Contact(name); ok {
					step.Via = append(step.Via, contactOf(c))
				}
			}
			v.Steps = append(v.Steps, step)
		}
		all = append(all, v)
	}
	return all
}

// zones are those that are offered: the installation's and usual ones. What is
// chosen already stays.
func zones(s *request) []view.Option {
	all := []view.Option{{Value: "", Label: s.t("me.look.installation")}}
	seen := map[string]bool{"": true}
	add := func(name string) {
		if !seen[name] {
			seen[name] = true
			all = append(all, view.Option{Value: name, Label: strings.ReplaceAll(name, "_", " ")})
		}
	}
	add(s.who.Zone)
	add(s.dir.Settings.Zone)
	for _, name := range []string{
		"UTC", "Asia/Tokyo", "Asia/Seoul", "Asia/Shanghai", "Asia/Taipei", "Asia/Singapore", "Asia/Kolkata", "Australia/Sydney", "Pacific/Auckland",
		"Europe/London", "Europe/Paris", "Europe/Berlin", "Europe/Helsinki", "America/New_York", "America/Chicago", "America/Denver",
		"America/Los_Angeles", "America/Sao_Paulo", "Pacific/Honolulu",
	} {
		add(name)
	}
	return all
}

func (a *Web) setPreferences(w http.ResponseWriter, r *http.Request, s *request) error {
	err := a.Access.SetPreferences(r.Context(), s.who, access.Preferences{
		Language: form(r, "language"), Theme: form(r, "theme"), Zone: form(r, "zone"),
	})
	if wrong, ok := s.wrong(err); ok {
		return a.drawMe(w, r, s, http.StatusBadRequest, wrong)
	}
	if err != nil {
		return err
	}
	// What was chosen in this browser before there was an account is over.
	a.setCookie(w, cookieLanguage, "", -1)
	a.setCookie(w, cookieTheme, "", -1)
	s.say(w, note{Kind: "ok", Key: "flash.preferences"})
	return s.redirect(w, r, "/me")
}

func (a *Web) setPassword(w http.ResponseWriter, r *http.Request, s *request) error {
	f := r.PostForm
	if f.Get("password") != f.Get("again") {
		return a.drawMe(w, r, s, http.StatusBadRequest, map[string]string{"again": s.t("setup.again.wrong")})
	}
	err := a.Access.ChangePassword(r.Context(), s.who, f.Get("old"), f.Get("password"))
	switch e := public(err); {
	case err == nil:
	case e.Code == access.ErrOldPassword.Code, e.Kind == oncall.Limited:
		return a.drawMe(w, r, s, http.StatusBadRequest, map[string]string{"old": said(s.lang, e)})
	case e.Kind == oncall.Invalid:
		return a.drawMe(w, r, s, http.StatusBadRequest, map[string]string{"password": said(s.lang, e)})
	default:
		return err
	}
	s.say(w, note{Kind: "ok", Key: "flash.password"})
	return s.redirect(w, r, "/me")
}

// browserName is what people call the browser and the machine that an agent
// names; the agent's own words where nobody calls it anything.
func browserName(agent string) string {
	browser, system := "", ""
	for _, b := range []struct{ sign, name string }{
		{"Edg", "Edge"},
		{"OPR/", "Opera"},
		{"SamsungBrowser", "Samsung Internet"},
		{"Firefox", "Firefox"},
		{"FxiOS", "Firefox"},
		{"CriOS", "Chrome"},
		{"HeadlessChrome", "Chrome"},
		{"Chrome", "Chrome"},
		{"Safari", "Safari"},
	} {
		if strings.Contains(agent, b.sign) {
			browser = b.name
			break
		}
	}
	for _, o := range []struct{ sign, name string }{
		{"iPhone", "iPhone"}, {"iPad", "iPad"}, {"Android", "Android"}, {"Windows", "Windows"}, {"Mac OS X", "Mac"}, {"CrOS", "ChromeOS"}, {"Linux", "Linux"},
	} {
		if strings.Contains(agent, o.sign) {
			system = o.name
			break
		}
	}
	switch {
	case browser != "" && system != "":
		return browser + " · " + system
	case browser+system != "":
		return browser + system
	}
	return view.Short(agent, 60)
}

// wait bounds what a page waits for somebody else's service.
const wait = 10 * time.Second
