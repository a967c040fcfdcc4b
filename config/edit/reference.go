package edit

import (
	"context"
	"encoding/json"
	"strings"

	"toban/access"
	"toban/config"
	"toban/oncall"
	"toban/store"
)

// known refuses references to secrets that this installation has not had yet when
// they come over the network: whoever may apply a configuration from afar could
// have any file of the machine sent to a provider of their own. On the machine
// itself, by its folder or its socket, they are the operator's.
func known(ctx context.Context, before []store.Object, objects []config.Object) error {
	if p, ok := access.From(ctx); !ok || p.Via == access.ViaCLI && p.Session == "" && p.Token == "" {
		return nil
	}
	had := map[string]bool{}
	for _, o := range before {
		references(o.Body, had)
	}
	for _, o := range objects {
		refers := map[string]bool{}
		references(o.Body, refers)
		for ref := range refers {
			if !had[ref] {
				return &oncall.Error{
					Kind: oncall.Denied, Code: "configuration.reference", Field: "/objects",
					Message: o.Kind + " " + o.Name + " refers to " + ref + ", which is new here: apply it on the machine itself, where its secrets are",
				}
			}
		}
	}
	return nil
}

// references collects the strings of a document that name an environment
// variable or a file.
func references(body []byte, into map[string]bool) {
	var v any
	if json.Unmarshal(body, &v) != nil {
		return // it is refused for what it is
	}
	var walk func(any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			for _, each := range v {
				walk(each)
			}
		case []any:
			for _, each := range v {
				walk(each)
			}
		case string:
			if strings.HasPrefix(v, "env:") || strings.HasPrefix(v, "file:") {
				into[v] = true
			}
		}
	}
	walk(v)
}
