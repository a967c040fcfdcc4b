package notify

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"
	"time"

	"toban/i18n"
	"toban/oncall"
	"toban/store"
)

// Why a message can't even be sent. They are codes of i18n's texts.
const (
	noProvider = "no_provider"
	noContact  = "no_contact"
)

// ringing is how long a call rings when its contact method does not say (R21).
const ringing = 25 * time.Second

// route is where a row goes: by which channel, to whom.
type route struct {
	channel  Channel
	provider Provider
	message  Message
	shadow   bool
}

// route looks the address of a row up as it is now (R14). why is set when there
// is no way.
func (d *Dispatcher) route(dir *oncall.Directory, inc *oncall.Incident, row *store.OutboxRow) (r route, why string) {
	p := row.Payload
	r.message = Message{Method: row.Kind, User: p.User, Tell: p.Tell, Language: language(dir, p.User), Zone: zone(dir, p.User), Incidents: []Incident{view(dir, inc)}}
	r.shadow = shadowed(dir, inc, row)
	stage := p.Stage
	if stage == "" {
		stage = oncall.Production
	}
	if r.channel = d.o.Channels(stage, row.Kind); r.shadow {
		r.channel = d.o.Shadow
	}
	if r.channel == nil {
		return r, noProvider
	}
	r.provider = r.channel.Provider()
	switch row.Kind {
	case oncall.Events:
		if r.message.Pager = dir.Pagers[p.Pager]; r.message.Pager == nil {
			return r, noContact
		}
		r.message.To = string(r.message.Pager.ID)
	default:
		u := dir.Users[p.User]
		if u == nil {
			return r, noContact
		}
		c, ok := u.Contact(p.Contact)
		if !ok || c.Method != row.Kind || !c.Verified || c.Address == "" {
			return r, noContact
		}
		r.message.To, r.message.Ring = c.Address, c.Ring
	}
	if row.Kind == oncall.Call && r.message.Ring <= 0 {
		r.message.Ring = ringing
	}
	return r, ""
}

// shadowed reports whether nobody may be reached (R27): by what was agreed when
// the attempt was asked for, or is by now.
func shadowed(dir *oncall.Directory, inc *oncall.Incident, row *store.OutboxRow) bool {
	if row.Payload.Shadow || dir.Settings.Shadow {
		return true
	}
	s := dir.Service(inc.Service)
	return s != nil && s.Shadow
}

func language(dir *oncall.Directory, user oncall.UserID) string {
	if u := dir.Users[user]; u != nil && u.Language != "" {
		return u.Language
	}
	if dir.Settings.Language != "" {
		return dir.Settings.Language
	}
	return i18n.Japanese
}

// view is an incident as a message tells of it.
func view(dir *oncall.Directory, inc *oncall.Incident) Incident {
	v := Incident{
		ID: inc.ID, Number: inc.Number, Title: inc.Title, State: inc.State, Severity: inc.Severity, Urgency: inc.Urgency,
		TriggeredAt: inc.TriggeredAt, Service: inc.Service, ServiceName: string(inc.Service), Holder: inc.AcknowledgedBy,
	}
	if s := dir.Service(inc.Service); s != nil {
		if s.Name != "" {
			v.ServiceName = s.Name
		}
		v.Reading = s.Reading
	}
	if v.Reading == "" {
		v.Reading = v.ServiceName
	}
	if u := dir.Users[inc.AcknowledgedBy]; u != nil {
		v.HolderName = u.Name
	}
	if dir.Settings.ExternalURL != "" {
		v.URL = strings.TrimSuffix(dir.Settings.ExternalURL, "/") + "/incidents/" + strconv.FormatInt(inc.Number, 10)
	}
	return v
}

// hash is what the store keeps of an address. It is part of the provider's name,
// so that a simulated call does not make a real number busy.
func (d *Dispatcher) hash(r route) string {
	mac := hmac.New(sha256.New, d.o.Key)
	for _, part := range []string{r.provider.Name, string(r.message.Method), r.message.To} {
		mac.Write([]byte(part))
		mac.Write([]byte{0})
	}
	return hex.EncodeToString(mac.Sum(nil)[:16])
}
