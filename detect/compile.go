package detect

import (
	"slices"
	"strings"

	"toban/detect/module"
	"toban/detect/probe"
	"toban/oncall"
)

// Watchable says whether toban could ask what a monitor wants to know, as it is
// on this machine: secrets are set, files are there, conditions can be read.
// Monitors that ask nobody themselves always can. What is asked from elsewhere
// alone needs no secret here; whether it is there only its agent can tell.
func (m *Monitors) Watchable(of *oncall.Monitor) error {
	switch {
	case of.AsksFrom(oncall.Here):
		return Watchable(of, m.o.Resolve)
	case slices.ContainsFunc(of.Secrets, func(ref string) bool { return strings.HasPrefix(ref, "file:") }):
		return nil
	}
	return Watchable(of, func(string) (string, error) { return "elsewhere", nil })
}

// Watchable is Monitors.Watchable without any: resolve gives what a reference
// such as env:NAME stands for, or anything where only the rest is to be looked
// at.
func Watchable(of *oncall.Monitor, resolve func(ref string) (string, error)) error {
	if !of.Kind.Probes() {
		return nil
	}
	c, err := checkerOf(of, resolve, probe.Options{})
	if closer, ok := c.(probe.Closer); ok && err == nil {
		closer.Close()
	}
	return err
}

// Checker makes what asks the target of a monitor at another place than the node
// that watches it. Secrets are resolved here and are in nothing but the checker.
// The error is fit to be shown: no secret is in it.
func Checker(m *oncall.Monitor, resolve func(ref string) (string, error), o probe.Options) (probe.Checker, error) {
	return checkerOf(m, resolve, o)
}

// checkerOf makes what asks m's target.
func checkerOf(m *oncall.Monitor, resolve func(ref string) (string, error), o probe.Options) (probe.Checker, error) {
	loaded, err := module.Of(m, resolve)
	if err != nil {
		return nil, err
	}
	o.Guard.AllowPrivate = m.Private
	if len(loaded.Secrets) == 0 {
		return loaded.Module.Checker(o), nil
	}
	return hiding{loaded.Module.Checker(o), probe.NewSecrets(loaded.Secrets)}, nil
}
