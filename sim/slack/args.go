package slack

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// maxBody is the longest request: fifty full blocks in a form are shorter.
const maxBody = 1 << 20

// args are the arguments of a method, from a query, a form or JSON.
type args struct {
	values  map[string]any
	json    bool
	charset bool // a JSON body said its charset
}

// readArgs reads them; the refusal is nil when they could be read. Arguments
// in JSON are ignored by methods that take forms only, as the service does.
func readArgs(r *http.Request, formOnly bool) (args, result) {
	if r.Method == http.MethodGet {
		return fromForm(r.URL.Query()), nil
	}
	body, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, maxBody))
	if tooLong := (*http.MaxBytesError)(nil); errors.As(err, &tooLong) {
		return args{}, refuse("request_too_large")
	} else if err != nil {
		return args{}, refuse("request_timeout")
	}
	kind, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case r.Header.Get("Content-Type") == "" && len(body) == 0:
		return args{values: map[string]any{}}, nil
	case r.Header.Get("Content-Type") == "":
		return args{}, refuse("missing_post_type")
	case err != nil:
		return args{}, refuse("invalid_post_type")
	case kind == "application/x-www-form-urlencoded":
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return args{}, refuse("invalid_form_data")
		}
		for name, values := range r.URL.Query() {
			if !form.Has(name) {
				form[name] = values
			}
		}
		return fromForm(form), nil
	case kind == "application/json":
		a := args{values: map[string]any{}, json: true, charset: params["charset"] != ""}
		if formOnly || len(bytes.TrimSpace(body)) == 0 {
			return a, nil
		}
		var document any
		d := json.NewDecoder(bytes.NewReader(body))
		d.UseNumber()
		if d.Decode(&document) != nil || d.More() {
			return a, refuse("invalid_json")
		}
		object, ok := document.(map[string]any)
		if !ok {
			return a, refuse("json_not_object")
		}
		a.values = object
		return a, nil
	default:
		return args{}, refuse("invalid_post_type")
	}
}

func fromForm(form url.Values) args {
	a := args{values: make(map[string]any, len(form))}
	for name, values := range form {
		a.values[name] = values[0]
	}
	return a
}

func (a args) has(name string) bool { return a.values[name] != nil }

// text is an argument as text; numbers and truth values read as in a form.
func (a args) text(name string) string {
	switch v := a.values[name].(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	case bool:
		return strconv.FormatBool(v)
	default:
		return ""
	}
}

func (a args) truth(name string) bool {
	v := a.text(name)
	return v == "true" || v == "1"
}

// list is a comma-separated argument, or a list in JSON.
func (a args) list(name string) []string {
	var out []string
	if l, ok := a.values[name].([]any); ok {
		for _, v := range l {
			if text, ok := v.(string); ok {
				out = append(out, text)
			}
		}
		return out
	}
	for part := range strings.SplitSeq(a.text(name), ",") {
		if part = strings.TrimSpace(part); part != "" {
			out = append(out, part)
		}
	}
	return out
}

// document is an argument that is JSON itself: a string in a form, a string or
// the thing itself in JSON. present is false for none and for an empty string.
func (a args) document(name string) (value any, present bool, err error) {
	text, ok := a.values[name].(string)
	if !ok {
		return a.values[name], a.has(name), nil
	}
	if strings.TrimSpace(text) == "" || text == "null" {
		return nil, false, nil
	}
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&value); err != nil {
		return nil, true, err
	}
	if d.More() {
		return nil, true, errors.New("more than one document")
	}
	return value, true, nil
}

// shown are the arguments for the log of requests, without the token.
func (a args) shown() map[string]any {
	out := make(map[string]any, len(a.values))
	for name, value := range a.values {
		if name != "token" {
			out[name] = value
		}
	}
	return out
}
