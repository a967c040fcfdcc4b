package config

import (
	"fmt"
	"net/http"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"toban/oncall"
)

const (
	maxVariables = 200
	maxNetworks  = 100
)

// staging is bound to the simulators unless the folder says otherwise.
const staging oncall.Stage = "staging"

// gateway reads the section `gateway` and adds the stages that always exist.
func (l *loader) gateway(n *node) {
	var f fields
	if n != nil {
		f = l.fields(n, n, "stages", "routes")
	} else {
		f = fields{l: l}
	}
	l.each(f, "stages", "stage", l.stage)
	for _, name := range []oncall.Stage{oncall.Production, staging} {
		if l.names["stage"][string(name)] == nil {
			l.names["stage"][string(name)] = &node{}
			l.put(kindStage, string(name), &oncall.StageConfig{Name: name, Simulated: name == staging}, nil)
		}
	}
	if routes := f.node("routes"); routes != nil && l.is(routes, list) {
		seen := map[string]*node{}
		for _, n := range routes.list {
			l.route(n, seen)
		}
	}
}

var stageShape = regexp.MustCompile(`^[a-z][a-z0-9-]{0,31}$`)

// Reserved are the first parts of toban's own URLs, which no stage may be called
// by.
func Reserved() []string {
	return []string{
		"agent", "alertmanager", "api", "callbacks", "docs", "explore", "healthz", "i", "incidents", "integrations", "invite", "live", "login", "logout", "look",
		"me", "metrics", "monitors", "offline", "oncall", "ping", "policies", "prometheus", "readyz", "schedules", "services", "settings", "setup",
		"sim", "static", "v2", "welcome",
	}
}

func (l *loader) stage(name, n *node) {
	f := l.fields(name, n, "providers", "variables")
	s := &oncall.StageConfig{Name: oncall.Stage(name.text)}
	without := "live"
	if s.Name == staging {
		without = "simulated"
	}
	s.Simulated = f.word("providers", without, "live", "simulated") == "simulated"
	l.put(kindStage, name.text, s, name)
	switch {
	case slices.Contains(Reserved(), name.text):
		l.errorf(name, "a stage can't be named %s: toban's own pages are below /%s", name.text, name.text)
	case oncall.IsName(name.text) && !stageShape.MatchString(name.text):
		l.errorf(name, "a stage's name is part of URLs: small letters, digits and -, at most 32, beginning with a letter")
	}
	variables := f.node("variables")
	if variables == nil || !l.is(variables, mapping) {
		return
	}
	if len(variables.pairs) > maxVariables {
		l.errorf(variables, "a stage has at most %d variables", maxVariables)
	}
	s.Variables = map[string]string{}
	for _, p := range variables.pairs {
		if _, twice := s.Variables[p.key.text]; twice {
			l.errorf(p.key, "variable %s is there twice", quote(p.key.text))
		}
		if p.value.kind == empty || l.is(p.value, scalar) {
			s.Variables[p.key.text] = p.value.text
		}
	}
}

var routeShape = regexp.MustCompile(`^(/[A-Za-z0-9._~{}-]+)+$`)

// route reads { method: POST, path: /alerts, auth: none, from: [127.0.0.0/8], to: { integration: prometheus } }.
func (l *loader) route(n *node, seen map[string]*node) {
	f := l.fields(n, n, "method", "path", "auth", "from", "to")
	if f.broken {
		return
	}
	r := &oncall.Route{
		Method: f.word("method", http.MethodPost, http.MethodPost, http.MethodPut, http.MethodGet, http.MethodPatch, http.MethodDelete),
		Auth:   f.word("auth", "key", "key", "basic", "none"),
		Path:   f.text("path"),
	}
	if f.need("path", "what follows the stage, as in /alerts") && (!routeShape.MatchString(r.Path) || strings.Contains(r.Path, "/..") || strings.Contains(r.Path, "/./")) {
		l.errorf(f.node("path"), "a path is written as in /alerts")
	}
	r.From = l.networks(f)
	if r.Auth == "none" && len(r.From) == 0 {
		r.From = []string{"127.0.0.0/8", "::1/128"}
	}
	if r.Auth != "none" && f.has("from") {
		l.warnf(f.key("from"), "from is looked at with auth: none only")
	}
	if f.need("to", "where it leads, as in { integration: prometheus }") {
		l.destination(f.key("to"), f.node("to"), r)
	}
	name := r.Method + " " + r.Path
	if was := seen[name]; was != nil {
		l.errorf(n, "%s is defined twice; first at %s", name, was.place())
		return
	}
	seen[name] = n
	l.put(kindRoute, name, r, n)
}

func (l *loader) destination(at, n *node, r *oncall.Route) {
	g := l.fields(at, n, "integration", "workflow", "function", "call")
	for _, later := range []string{"workflow", "function", "call"} {
		if g.has(later) {
			l.errorf(g.key(later), "a route can't lead to a %s yet; in this version it leads to an integration", later)
			return
		}
	}
	if g.need("integration", "the integration that reads what comes") {
		r.To = oncall.IntegrationID(g.refer("integration", "integration"))
	}
}

// networks reads `from`: networks, or single addresses.
func (l *loader) networks(f fields) []string { return l.networksOf(f, "from") }

func (l *loader) networksOf(f fields, key string) (all []string) {
	nodes := f.texts(key)
	for _, n := range nodes {
		prefix, err := netip.ParsePrefix(n.text)
		if err != nil {
			addr, e := netip.ParseAddr(n.text)
			if e != nil || addr.Zone() != "" {
				l.errorf(n, "%s is no network; write it as in 10.0.0.0/8", quote(n.text))
				continue
			}
			prefix = netip.PrefixFrom(addr, addr.BitLen())
		}
		if masked := prefix.Masked(); masked != prefix {
			l.errorf(n, "%s is an address inside a network; did you mean %s?", quote(n.text), fmt.Sprint(masked))
			continue
		}
		all = append(all, prefix.String())
	}
	if len(nodes) > maxNetworks {
		l.errorf(f.key(key), "at most %d networks", maxNetworks)
	}
	return all
}
