package app

import (
	"slices"
	"strings"
	"testing"

	"toban/config"
	"toban/web"
)

func TestNoStageCanBeCalledLikeAnAddressOfOurs(t *testing.T) {
	t.Parallel()
	reserved := config.Reserved()
	pages := web.New(web.Options{External: func() string { return "http://127.0.0.1:8080" }})
	for _, r := range pages.Roles() {
		first, _, _ := strings.Cut(strings.TrimPrefix(r.Pattern, "/"), "/")
		if strings.ContainsAny(first, "{.") || first == "" {
			continue // no stage has such a name
		}
		if !slices.Contains(reserved, first) {
			t.Errorf("%s %s: %q is not reserved in package config", r.Method, r.Pattern, first)
		}
	}
}
