package cli

import (
	"context"
	"net/http"
	"strings"
	"time"

	"toban/api"
)

// zone is that of the times that are printed: as the pages of the running toban
// have it, else this machine's.
func (e *env) zone(ctx context.Context) *time.Location {
	if e.place == nil {
		e.place = time.Local
		var me api.Me
		if err := e.call(ctx, http.MethodGet, "/api/v1/me", nil, &me); err == nil {
			e.place = located(me.Zone)
		}
	}
	return e.place
}

// located is a zone by its IANA name, this machine's without a known one.
func located(name string) *time.Location {
	if loc, err := time.LoadLocation(name); err == nil && name != "" {
		return loc
	}
	return time.Local
}

// zoneName is how toban is asked for sentences in a zone.
func zoneName(zone *time.Location) string {
	if zone == time.Local {
		return time.Now().Format("-07:00")
	}
	return zone.String()
}

// clock is a moment of the past or future in full, with its zone.
func clock(t time.Time, zone *time.Location) string {
	t = t.In(zone)
	return t.Format("2006-01-02 15:04:05 " + zoneLayout(t))
}

// zoneLayout names the zone of t: by its letters where it has some, as JST, else
// by its offset.
func zoneLayout(t time.Time) string {
	if name, _ := t.Zone(); name == "" || strings.ContainsAny(name[:1], "+-0123456789") {
		return "-07:00"
	}
	return "MST"
}
