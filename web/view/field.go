package view

import (
	"strconv"

	"github.com/a-h/templ"
)

// Input is one thing that a form asks for.
type Input struct {
	Name         string
	ID           string // "" = made from Name; needed where two forms of a page ask for the same
	Label        string
	Hint         string
	Error        string // what is wrong with Value
	Value        string // kept when the form comes back
	Type         string // of <input>; "" = what the field is for
	Placeholder  string
	Autocomplete string
	InputMode    string // "numeric", "tel", …
	Min, Max     string // bounds of numbers and moments
	Longest      int    // in letters; zero = no bound here
	Rows         int    // of a TextArea; zero = 3
	Required     bool
	Optional     bool // says so beside the label
	Disabled     bool
	ReadOnly     bool
	AutoFocus    bool
	Mono         bool
}

// Option is one choice of a SelectField.
type Option struct {
	Value, Label string
	Disabled     bool
}

func (in Input) id() string {
	if in.ID != "" {
		return in.ID
	}
	return "f-" + in.Name
}

func (in Input) kind(usual string) string {
	if in.Type != "" {
		return in.Type
	}
	return usual
}

func (in Input) rows() string {
	const usual = 3
	if in.Rows > 0 {
		return strconv.Itoa(in.Rows)
	}
	return strconv.Itoa(usual)
}

// attributes are those that most kinds of controls share.
func (in Input) attributes() templ.Attributes {
	a := templ.Attributes{
		"required": in.Required, "disabled": in.Disabled, "readonly": in.ReadOnly, "autofocus": in.AutoFocus,
	}
	for name, value := range map[string]string{
		"placeholder": in.Placeholder, "autocomplete": in.Autocomplete, "inputmode": in.InputMode, "min": in.Min, "max": in.Max,
	} {
		if value != "" {
			a[name] = value
		}
	}
	if in.Longest > 0 {
		a["maxlength"] = strconv.Itoa(in.Longest)
	}
	if in.Error != "" {
		a["aria-invalid"] = "true"
	}
	switch {
	case in.Hint != "" && in.Error != "":
		a["aria-describedby"] = in.id() + "-hint " + in.id() + "-wrong"
	case in.Hint != "":
		a["aria-describedby"] = in.id() + "-hint"
	case in.Error != "":
		a["aria-describedby"] = in.id() + "-wrong"
	}
	return a
}
