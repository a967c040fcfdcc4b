package oncall

import "time"

// Directory is the configuration of one version: who there is and what was
// agreed. It is immutable once built; every node holds the same one for the
// same version.
type Directory struct {
	Version      int64
	Settings     Settings
	Users        map[UserID]*User
	Schedules    map[ScheduleID]*Schedule
	Policies     map[PolicyID]*Policy
	Services     []*Service // in file order: the first whose matchers hold takes the signal
	Integrations map[IntegrationID]*Integration
	Pagers       map[PagerID]*Pager
	Stages       map[Stage]*StageConfig
	Routes       []Route
	Overrides    []Override // in the order in which they were made

	compiled *compiled // nil until Compile: everything works, slowly
}

// Settings are the installation's own.
type Settings struct {
	Language    string // "ja" or "en"
	Zone        string // IANA
	ExternalURL string
	PublicURL   string // callbacks use it; "" = ExternalURL
	// TrustedProxies are the networks, as CIDR, whose word about where a request
	// comes from is believed.
	TrustedProxies []string `json:",omitempty"`
	Shadow         bool     // mode: shadow (R27)
	Spend          Spend
}

// Location is the installation's clock. An unknown zone is refused when it is
// written; UTC stands in for it.
func (s Settings) Location() *time.Location { return locationOf(s.Zone) }

// Spend are the caps on what attempts may cost, in millionths of the tariff's
// currency; zero = no cap. WarnAt is a fraction of the cap (R26).
type Spend struct {
	PerHour, PerDay int64
	WarnAt          float64
	Currency        string
}

// Cap is one cap on what attempts may cost, and the window of the clock that it
// is for.
type Cap struct {
	Micros   int64 // in millionths of the tariff's currency
	From, To time.Time
}

// Caps are the caps that are set, with the hour and the day of the calendar that
// now lies in, by the clock of zone.
func (s Spend) Caps(now time.Time, zone *time.Location) (caps []Cap) {
	now = now.In(zone)
	hour := time.Date(now.Year(), now.Month(), now.Day(), now.Hour(), 0, 0, 0, zone)
	day := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, zone)
	if s.PerHour > 0 {
		caps = append(caps, Cap{s.PerHour, hour, hour.Add(time.Hour)})
	}
	if s.PerDay > 0 {
		caps = append(caps, Cap{s.PerDay, day, day.AddDate(0, 0, 1)})
	}
	return caps
}

// Integration is an intake address and how its body is read.
type Integration struct {
	ID      IntegrationID
	Dialect string    // "alertmanager", "generic"
	Service ServiceID // "" = by labels
	Stage   Stage
	Map     string  // jq, for the generic dialect
	Rate    float64 // requests a second; 0 = 1,000
	Burst   int     // requests at once; 0 = 5,000
	// Location is where the agent stands that speaks with its keys, for the dialect
	// agent; they are good for that location alone.
	Location string `json:",omitempty"`
}

// Pager is another paging system that speaks PagerDuty's Events API v2. The
// routing key is a secret and stays a reference such as env:NAME.
type Pager struct {
	ID         PagerID
	URL        string
	RoutingKey string
}

// StageConfig is what differs from stage to stage.
type StageConfig struct {
	Name      Stage
	Simulated bool // providers are the simulators: nobody real is reached
	Variables map[string]string
}

// Route is a caller's own URL below a stage: /{stage}{Path}.
type Route struct {
	Method string
	Path   string
	Auth   string   // "key", "basic" or "none"
	From   []string // CIDRs that may call when Auth is none
	To     IntegrationID
}

// Service returns the service with that id, or nil.
func (d *Directory) Service(id ServiceID) *Service {
	if d.compiled != nil {
		return d.compiled.services[id]
	}
	for _, s := range d.Services {
		if s.ID == id {
			return s
		}
	}
	return nil
}

// Fallbacks returns who stands on the last rung for a service as the directory is
// now: by its own policy, then by that of the catch-all. It is what is left when
// the fallback of a snapshot is gone (R13).
func (d *Directory) Fallbacks(id ServiceID) (out []Target) {
	own := d.Service(id)
	for _, s := range append([]*Service{own}, d.Services...) {
		if s == nil || s != own && !s.CatchAll {
			continue
		}
		if p := d.Policies[s.Policy]; p != nil && p.Fallback != (Target{}) {
			out = append(out, p.Fallback)
		}
	}
	return out
}

// overrides returns those of a schedule in the order in which they were made.
func (d *Directory) overrides(id ScheduleID) []Override {
	switch {
	case d == nil:
		return nil
	case d.compiled != nil:
		return d.compiled.overrides[id]
	}
	return overridesOf(d.Overrides)[id]
}
