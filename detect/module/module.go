// Package module turns the module that a monitor keeps, in which placeholders
// stand for secrets, into one that can ask. A running toban, its agents and
// `toban check` all go through it, so that what one of them refuses the others
// refuse in the same words.
//
// It asks no target, and no secret is in any of its errors.
package module

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

// Loaded is a module with its secrets in their places.
type Loaded struct {
	Module *probe.Module // nil when there is an error among Problems
	// Text is what was read, one key or element a line, and Problems are what is
	// wrong in it; both may have secrets in them.
	Text     []byte
	Problems []probe.Problem
	Secrets  []string // that were put in
}

// Resolver gives what a reference such as env:NAME stands for.
type Resolver = func(ref string) (string, error)

// StandIn is what Look takes for each secret: it may be a URL, as that of a proxy.
const StandIn = "https://stand-in.invalid/"

// Look is Load where neither secrets nor files are at hand: it says what is wrong
// with a module whatever they are.
func Look(m *oncall.Monitor) (Loaded, error) {
	return load(m, func(string) (string, error) { return StandIn, nil }, probe.Source{Blind: true})
}

// Load fills m's module and reads it. The error says that it could not be filled.
func Load(m *oncall.Monitor, resolve Resolver) (Loaded, error) {
	if resolve == nil {
		resolve = func(ref string) (string, error) { return "", errors.New(ref + " can't be read here") }
	}
	return load(m, resolve, probe.Source{})
}

func load(m *oncall.Monitor, resolve Resolver, from probe.Source) (l Loaded, err error) {
	decoder := json.NewDecoder(strings.NewReader(m.Module))
	decoder.UseNumber()
	var tree any
	if err := decoder.Decode(&tree); err != nil || decoder.More() {
		return l, errors.New("its module can't be read")
	}
	f := filler{m: m, resolve: resolve}
	filled, err := f.fill("", tree)
	if err != nil {
		return l, err
	}
	var raw bytes.Buffer
	encoder := json.NewEncoder(&raw)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", " ")
	if err := encoder.Encode(filled); err != nil {
		return l, errors.New("its module can't be read")
	}
	l.Text, l.Secrets = raw.Bytes(), f.secrets
	from.Secrets = f.secrets
	l.Module, l.Problems = from.LoadModule(string(m.ID), l.Text)
	return l, nil
}

// Of is Load for whoever wants to ask: what is wrong is one error, without the
// secrets.
func Of(m *oncall.Monitor, resolve Resolver) (Loaded, error) {
	l, err := Load(m, resolve)
	switch {
	case err != nil:
		return l, err
	case l.Module == nil:
		var says []string
		for _, p := range l.Problems {
			if !p.Warning {
				says = append(says, p.Message)
			}
		}
		return l, errors.New(l.Hide(strings.Join(says, "; ")))
	case l.Module.Unsupported != "":
		return l, errors.New(l.Module.Unsupported)
	}
	return l, nil
}

// Hide takes the secrets out of a text.
func (l *Loaded) Hide(text string) string {
	for _, secret := range l.Secrets {
		if len(secret) > 1 {
			text = strings.ReplaceAll(text, secret, "‹secret›")
		}
	}
	return text
}

// filler puts secrets into the places that are kept for them.
type filler struct {
	m       *oncall.Monitor
	resolve Resolver
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
