package oncall

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Limits of a monitor.
const (
	MinEvery      = time.Second
	MaxEvery      = 24 * time.Hour
	MaxThreshold  = 7 * 24 * time.Hour
	MaxCount      = 100 // results in a row
	MaxLocations  = 20
	MaxLabels     = 30
	MaxTarget     = 2 << 10  // bytes
	MaxModule     = 64 << 10 // bytes
	MaxSecrets    = 50
	MaxExpression = 8 << 10 // bytes
	MaxGrace      = 30 * 24 * time.Hour
	MaxPoints     = 10 // of a service metric
)

// Validate says what keeps m from being watched, nil if nothing does. Whoever
// reads a monitor from outside asks it: an interval of zero would be a busy loop.
func (m *Monitor) Validate() error {
	if err := m.validate(); err != nil {
		return &Error{Kind: Invalid, Code: "monitor.invalid", Message: "monitor " + strconv.Quote(string(m.ID)) + ": " + err.Error()}
	}
	return nil
}

func (m *Monitor) validate() error {
	switch {
	case m.ID == "" || len(m.ID) > 255:
		return fmt.Errorf("its name has 1 to 255 bytes")
	case m.Kind != MonitorHeartbeat && (m.Every < MinEvery || m.Every > MaxEvery):
		return fmt.Errorf("every is from %s to %s", MinEvery, MaxEvery)
	case len(m.Labels) > MaxLabels:
		return fmt.Errorf("at most %d labels", MaxLabels)
	case m.Severity.Rank() == 0 && m.Severity != Critical:
		return fmt.Errorf("its severity is critical, error, warning or info")
	}
	for _, t := range []Threshold{m.Down, m.Up} {
		if t.For < 0 || t.For > MaxThreshold || t.Count < 0 || t.Count > MaxCount {
			return fmt.Errorf("down and up are after at most %d results or %s", MaxCount, PromDuration(MaxThreshold))
		}
	}
	switch {
	case m.Kind.Probes():
		return m.validateProbe()
	case m.Kind == MonitorHeartbeat:
		return m.Heartbeat.validate()
	case m.Kind == MonitorPromQL:
		if strings.TrimSpace(m.PromQL) == "" || len(m.PromQL) > MaxExpression {
			return fmt.Errorf("its expression has 1 to %d bytes", MaxExpression)
		}
		return nil
	case m.Kind == MonitorMetric:
		return m.Metric.validate()
	}
	return fmt.Errorf("there is no kind %s", strconv.Quote(string(m.Kind)))
}

func (m *Monitor) validateProbe() error {
	switch {
	case m.Timeout <= 0 || m.Timeout >= m.Every:
		return fmt.Errorf("its timeout is above 0 and below every")
	case m.Target == "" || len(m.Target) > MaxTarget:
		return fmt.Errorf("its target has 1 to %d bytes", MaxTarget)
	case HasUser(m.Target):
		return fmt.Errorf("its target names no user and no password")
	case m.Module == "" || len(m.Module) > MaxModule:
		return fmt.Errorf("its module has 1 to %d bytes", MaxModule)
	case len(m.Secrets) > MaxSecrets:
		return fmt.Errorf("at most %d secrets", MaxSecrets)
	case len(m.Locations) > MaxLocations:
		return fmt.Errorf("at most %d locations", MaxLocations)
	case m.Quorum < 0 || m.Quorum > len(m.Places()):
		return fmt.Errorf("its quorum is at most the number of its locations")
	}
	for i, place := range m.Locations {
		if place == "" || len(place) > 63 || slices.Contains(m.Locations[:i], place) {
			return fmt.Errorf("its locations have names of 1 to 63 bytes, each once")
		}
	}
	return nil
}

func (h *Heartbeat) validate() error {
	switch {
	case h == nil:
		return fmt.Errorf("a heartbeat has a period or a cron")
	case (h.Period > 0) == (h.Cron != ""):
		return fmt.Errorf("a heartbeat has either a period or a cron")
	case h.Period < 0 || h.Period > 366*24*time.Hour:
		return fmt.Errorf("the period is at most 366 days")
	case h.Grace < 0 || h.Grace > MaxGrace:
		return fmt.Errorf("the grace is at most 30 days")
	}
	return nil
}

func (s *ServiceMetric) validate() error {
	switch {
	case s == nil || s.Service == "" || s.Name == "" || len(s.Service) > 255 || len(s.Name) > 255:
		return fmt.Errorf("a service metric has a service and a name")
	case !wholeParts(s.Name) || strings.ContainsAny(s.Service+s.Name, "/\x00"):
		return fmt.Errorf("a * in the name of a metric stands for a whole part between dots")
	case s.Operator != ">" && s.Operator != "<":
		return fmt.Errorf("the operator is > or <")
	case s.Warning == nil && s.Critical == nil && s.Missing <= 0:
		return fmt.Errorf("a service metric has a limit: warning, critical or missing")
	case s.Points < 1 || s.Points > MaxPoints:
		return fmt.Errorf("points are 1 to %d", MaxPoints)
	case s.Missing < 0 || s.Missing > MaxThreshold:
		return fmt.Errorf("missing is at most 7 days")
	}
	for _, limit := range []*float64{s.Warning, s.Critical} {
		if limit != nil && (math.IsNaN(*limit) || math.IsInf(*limit, 0)) {
			return fmt.Errorf("a limit is a number")
		}
	}
	return nil
}

// wholeParts reports whether each * of a name stands for a part of its own.
func wholeParts(name string) bool {
	for part := range strings.SplitSeq(name, ".") {
		if part != "*" && strings.Contains(part, "*") {
			return false
		}
	}
	return true
}

// placeholder begins the text that stands for a secret in a module. No secret
// and nothing that people write begins so.
const placeholder = "\u2039secret "

// Placeholder is what stands in a module for the n-th of its secrets.
func Placeholder(n int) string { return placeholder + strconv.Itoa(n) + "\u203a" }

// ParsePlaceholder returns which secret text stands for; ok is false for any
// other text.
func ParsePlaceholder(text string) (n int, ok bool) {
	digits, begins := strings.CutPrefix(text, placeholder)
	digits, ends := strings.CutSuffix(digits, "\u203a")
	n, err := strconv.Atoi(digits)
	return n, begins && ends && err == nil && n >= 0
}
