package config

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	"toban/detect/heartbeat/calendar"
	"toban/oncall"
)

// slugShape is what can be a part of a heartbeat's address.
var slugShape = regexp.MustCompile(`^[a-z0-9_-]{1,100}$`)

const (
	leastPeriod  = 30 * time.Second
	mostPeriod   = 366 * 24 * time.Hour
	defaultGrace = 5 * time.Minute
)

// heartbeat reads { period: 1h, grace: 10m } or { cron: "0 3 * * *", zone:
// Asia/Tokyo, grace: 30m, slug: nightly }.
func (c compiler) heartbeat() {
	f := c.l.fields(c.f.key("heartbeat"), nodeOrEmpty(c.f.node("heartbeat")), "period", "cron", "zone", "grace", "slug")
	h := &oncall.Heartbeat{
		Period: f.duration("period", 0, leastPeriod, mostPeriod), Cron: f.text("cron"),
		Grace: f.duration("grace", defaultGrace, 0, oncall.MaxGrace), Slug: f.text("slug"),
	}
	c.m.Heartbeat = h
	switch {
	case f.broken:
	case f.has("period") && f.has("cron"):
		c.l.errorf(f.key("cron"), "a heartbeat comes every period, or by a cron; not both")
	case !f.has("period") && !f.has("cron"):
		c.l.errorf(f.at, "when is it expected? Add period: 1h, or cron: \"0 3 * * *\"")
	case f.has("zone") && h.Cron == "":
		c.l.errorf(f.key("zone"), "zone belongs to cron; a period has none")
	}
	if strings.HasPrefix(h.Cron, "@every") {
		c.l.errorf(f.node("cron"), "an interval is written as period: 1h")
	} else if h.Cron != "" {
		h.Zone = f.zone("zone", c.l.zone())
		if _, err := calendar.Next(h.Cron, h.Zone); err != nil {
			c.l.errorf(f.node("cron"), "%s: minute, hour, day, month and weekday, as in \"0 3 * * *\"; the zone is a key of its own", err)
		}
	}
	if name := string(c.m.ID); h.Slug == "" && slugShape.MatchString(name) {
		h.Slug = name
	}
	if h.Slug == "" {
		return
	}
	if !slugShape.MatchString(h.Slug) {
		c.l.errorf(f.node("slug"), "%s can't be a slug: small letters, digits, - and _", quote(h.Slug))
	}
	if was := c.l.slugs[h.Slug]; was != nil {
		c.l.errorf(f.key("slug"), "the slug %s is that of the heartbeat at %s already", h.Slug, was.place())
	}
	c.l.slugs[h.Slug] = f.key("slug")
}

// zone is the installation's.
func (l *loader) zone() string {
	if l.installation != nil && l.installation.Zone != "" {
		return l.installation.Zone
	}
	return "UTC"
}

func nodeOrEmpty(n *node) *node {
	if n == nil {
		return &node{}
	}
	return n
}

// metric reads { service: shop, name: errors, operator: ">", warning: 1,
// critical: 5, points: 3, missing: 30m }.
func (c compiler) metric() {
	f := c.l.fields(c.f.key("metric"), nodeOrEmpty(c.f.node("metric")), "service", "name", "operator", "warning", "critical", "points", "missing")
	s := &oncall.ServiceMetric{
		Operator: f.word("operator", ">", ">", "<"), Points: f.count("points", 1, 1, oncall.MaxPoints),
		Warning: f.limit("warning"), Critical: f.limit("critical"), Missing: f.duration("missing", 0, time.Minute, oncall.MaxThreshold),
	}
	c.m.Metric = s
	for _, name := range []struct {
		key      string
		to       *string
		why, has string
		is       func(string) bool
	}{
		{"service", &s.Service, "whose metric it is, in the sender's words", "2 to 63 letters, digits, _ and -", oncall.IsMetricService},
		{"name", &s.Name, "which metric, as in orders.failed", "letters, digits, . _ and -, and a * for a whole part between dots", oncall.IsMetricPattern},
	} {
		if f.need(name.key, name.why) {
			if *name.to = f.text(name.key); !name.is(*name.to) {
				c.l.errorf(f.node(name.key), "%s can't be the %s of a metric: %s", quote(*name.to), name.key, name.has)
			}
		}
	}
	if !f.broken && !f.has("warning") && !f.has("critical") && !f.has("missing") {
		c.l.errorf(f.at, "when is it bad? Add critical: 0, warning: …, or missing: 30m")
	}
}

// limit reads a number; nil when none is written.
func (f fields) limit(key string) *float64 {
	n, ok := f.scalar(key)
	if !ok {
		return nil
	}
	v, err := strconv.ParseFloat(n.text, 64)
	if err != nil || v-v != 0 { // infinite or no number
		f.l.errorf(n, "%s is a number, not %s", key, quote(n.text))
		return nil
	}
	return &v
}
