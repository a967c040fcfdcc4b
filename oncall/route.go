package oncall

import "regexp"

// matcher is a Matcher whose expression has been read.
type matcher struct {
	Matcher
	re *regexp.Regexp
}

func (m matcher) cost() int {
	if m.re != nil {
		return 1
	}
	return 0
}

// holds reports whether the condition holds. A missing label is empty. What can
// not be read holds for nothing: the catch-all is the safer place.
func (m matcher) holds(labels map[string]string) bool {
	value := labels[m.Label]
	switch m.Op {
	case Equal, "":
		return value == m.Value
	case NotEqual:
		return value != m.Value
	case Match:
		return m.re != nil && m.re.MatchString(value)
	case NotMatch:
		return m.re != nil && !m.re.MatchString(value)
	}
	return false
}

// Holds reports whether the condition holds for labels; the error says that its
// expression can't be read.
func (m Matcher) Holds(labels map[string]string) (bool, error) {
	all, err := compileMatchers([]Matcher{m})
	if err != nil {
		return false, err
	}
	return all[0].holds(labels), nil
}

// Route returns the service that takes a signal with these labels: the first in
// file order that has matchers which all hold, otherwise the catch-all. A
// service without matchers gets only what names it. ok is false only for a
// directory without a catch-all.
func (d *Directory) Route(labels map[string]string) (svc *Service, ok bool) {
	var catchAll *Service
	for _, s := range d.Services {
		if s.CatchAll && catchAll == nil {
			catchAll = s
		}
		if len(s.Match) > 0 && d.fits(s, labels) {
			return s, true
		}
	}
	return catchAll, catchAll != nil
}

func (d *Directory) fits(s *Service, labels map[string]string) bool {
	matchers, err := d.matchers(s)
	if err != nil {
		return false
	}
	for i := range matchers {
		if !matchers[i].holds(labels) {
			return false
		}
	}
	return true
}

func (d *Directory) matchers(s *Service) ([]matcher, error) {
	if d.compiled != nil {
		return d.compiled.matchers[s], nil
	}
	return compileMatchers(s.Match)
}
