package config

import (
	"strings"
	"testing"
	"testing/fstest"

	"toban/oncall"
)

func TestThePageOfAgentsShowsWhatCanBeRead(t *testing.T) {
	t.Parallel()
	_, example, _ := strings.Cut(file(t, "../docs/agents.md"), "```yaml\n")
	example, _, _ = strings.Cut(example, "```")
	around := "services: { checkout: { policy: p } }\n"
	c, problems := LoadFS(fstest.MapFS{"a.yaml": {Data: []byte(minimal)}, "b.yaml": {Data: []byte(around)}, "c.yaml": {Data: []byte(example)}})
	if c == nil || len(c.Monitors()) != 1 || len(c.Locations()) != 2 {
		t.Errorf("got %s", lines(problems))
	}
}

func TestAnAgentsKeySpeaksForOneLocationThatThereIs(t *testing.T) {
	t.Parallel()
	folder := func(integration string) string {
		return minimal + "locations: { osaka: { reference: { ping: 192.0.2.1 } } }\nintegrations: { it: " + integration + " }\n"
	}
	c := load(t, folder("{ dialect: agent, location: osaka }"))
	var got *oncall.Integration
	for _, i := range valuesOf[*oncall.Integration](c) {
		if i.ID == "it" {
			got = i
		}
	}
	if got == nil || got.Dialect != "agent" || got.Location != "osaka" {
		t.Fatalf("got %+v, want an agent at osaka", got)
	}
	for written, want := range map[string]string{
		"{ dialect: agent }":                           "location",
		"{ dialect: agent, location: naha }":           "naha",
		"{ dialect: agent, location: here }":           "this installation itself",
		"{ dialect: agent, location: [osaka] }":        "",
		"{ dialect: alertmanager, location: osaka }":   "location belongs to the dialect agent",
		"{ dialect: mackerel, location: osaka }":       "location belongs to the dialect agent",
		"{ dialect: agent, location: osaka, map: '.'}": "map belongs to the dialect generic",
	} {
		c, problems := LoadFS(fstest.MapFS{"toban.yaml": {Data: []byte(folder(written))}})
		said := ""
		for _, p := range problems {
			said += p.String() + "\n"
		}
		if c != nil || !strings.Contains(said, want) {
			t.Errorf("%s: got %q, want it refused with %q", written, said, want)
		}
	}
	if c, _ := LoadFS(fstest.MapFS{"toban.yaml": {Data: []byte(minimal + "stages: { agent: {} }\n")}}); c != nil {
		t.Error("a stage may be called like the address of agents")
	}
}
