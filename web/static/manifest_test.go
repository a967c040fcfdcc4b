package static_test

import (
	"encoding/json"
	"strings"
	"testing"

	"toban/web/static"
)

func TestTheAppIsInstalledUnderItsPrefixAndInTheReadersLanguage(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ base, lang, name, language string }{
		{"", "ja", "toban", "ja"},
		{"/x", "en", "toban", "en"},
		{"/x", "fr", "toban", "en"},
	} {
		var got struct {
			Name    string `json:"name"`
			Lang    string `json:"lang"`
			Start   string `json:"start_url"`
			Scope   string `json:"scope"`
			Display string `json:"display"`
			Icons   []struct{ Src, Sizes, Type, Purpose string }
		}
		if err := json.Unmarshal(static.Manifest(tc.base, tc.lang), &got); err != nil {
			t.Fatal(err)
		}
		if got.Name != tc.name || got.Lang != tc.language || got.Start != tc.base+"/" || got.Scope != tc.base+"/" || got.Display != "standalone" {
			t.Errorf("%+v: got %+v", tc, got)
		}
		sizes := map[string]bool{}
		for _, icon := range got.Icons {
			sizes[icon.Sizes+icon.Purpose] = true
			name, found := strings.CutPrefix(icon.Src, static.Base(tc.base)+"/")
			if _, exists := static.Read(name); !found || !exists {
				t.Errorf("%s: there is no such icon", icon.Src)
			}
		}
		if !sizes["192x192"] || !sizes["512x512"] || !sizes["512x512maskable"] { // what browsers ask for
			t.Errorf("got icons %v", sizes)
		}
	}
}

func TestTheOfflinePageHoldsNoData(t *testing.T) {
	t.Parallel()
	for lang, want := range map[string]string{"ja": "最後につながったのは %SEEN% です", "en": "last seen %SEEN%"} {
		page := string(static.Offline("/x", lang))
		for _, part := range []string{want, `<html lang="` + lang + `">`, `<link rel="stylesheet" href="` + static.Base("/x") + `/css/app.css">`} {
			if !strings.Contains(page, part) {
				t.Errorf("%s: no %q in %s", lang, part, page)
			}
		}
		for _, never := range []string{"<script", "style=", "http://", "https://", "{"} {
			if strings.Contains(page, never) {
				t.Errorf("%s: %q in %s", lang, never, page)
			}
		}
	}
}
