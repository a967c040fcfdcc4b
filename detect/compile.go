package detect

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

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
	if resolve == nil {
		resolve = func(ref string) (string, error) { return "", errors.New(ref + " can't be read here") }
	}
	decoder := json.NewDecoder(strings.NewReader(m.Module))
	decoder.UseNumber()
	var tree any
	if err := decoder.Decode(&tree); err != nil || decoder.More() {
		return nil, errors.New("its module can't be read")
	}
	f := filler{m: m, resolve: resolve}
	filled, err := f.fill("", tree)
	if err != nil {
		return nil, err
	}
	var raw bytes.Buffer
	encoder := json.NewEncoder(&raw)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", " ")
	if err := encoder.Encode(filled); err != nil {
		return nil, errors.New("its module can't be read")
	}
	module, problems := probe.Source{Secrets: f.secrets}.LoadModule(string(m.ID), raw.Bytes())
	if module == nil {
		var says []string
		for _, p := range problems {
			if !p.Warning {
				says = append(says, p.Message)
			}
		}
		return nil, errors.New(f.hide(strings.Join(says, "; ")))
	}
	if module.Unsupported != "" {
		return nil, errors.New(module.Unsupported)
	}
	o.Guard.AllowPrivate = m.Private
	if len(f.secrets) == 0 {
		return module.Checker(o), nil
	}
	return hiding{module.Checker(o), probe.NewSecrets(f.secrets)}, nil
}

// filler puts secrets into the places that are kept for them.
type filler struct {
	m       *oncall.Monitor
	resolve func(ref string) (string, error)
	secrets []string // that were put in
}

func (f *filler) fill(key string, v any) (any, error) {
	switch v := v.(type) {
	case map[string]any:
		for k, each := range v {
			filled, err := f.fill(k, each)
			if err != nil {
				return nil, err
			}
			v[k] = filled
		}
	case []any:
		for i, each := range v {
			filled, err := f.fill(key, each)
			if err != nil {
				return nil, err
			}
			v[i] = filled
		}
	case string:
		return f.text(key, v)
	}
	return v, nil
}

func (f *filler) text(key, text string) (any, error) {
	// A file that the module reads by itself is one that whoever made the monitor
	// may name: those are listed.
	if (strings.HasSuffix(key, "_file") || key == "files") && text != "" && !slices.Contains(f.m.Secrets, "file:"+text) {
		return nil, fmt.Errorf("the file of %s is not among what the monitor may read", key)
	}
	n, ok := oncall.ParsePlaceholder(text)
	if !ok {
		return text, nil
	}
	if n >= len(f.m.Secrets) {
		return nil, fmt.Errorf("%s stands for a secret that the monitor does not name", key)
	}
	secret, err := f.resolve(f.m.Secrets[n])
	if err != nil {
		return nil, fmt.Errorf("%s: %w", key, err)
	}
	f.secrets = append(f.secrets, secret)
	return secret, nil
}

// hide takes the secrets out of a text.
func (f *filler) hide(text string) string {
	for _, secret := range f.secrets {
		if len(secret) > 1 {
			text = strings.ReplaceAll(text, secret, "‹secret›")
		}
	}
	return text
}
