package static

import (
	"encoding/json"

	"toban/i18n"
)

// manifest is the wire form of what makes the pages an app on a telephone.
type manifest struct {
	ID          string         `json:"id"`
	Name        string         `json:"name"`
	ShortName   string         `json:"short_name"`
	Description string         `json:"description"`
	Lang        string         `json:"lang"`
	Start       string         `json:"start_url"`
	Scope       string         `json:"scope"`
	Display     string         `json:"display"`
	Background  string         `json:"background_color"`
	Theme       string         `json:"theme_color"`
	Categories  []string       `json:"categories"`
	Icons       []manifestIcon `json:"icons"`
}

type manifestIcon struct {
	Source  string `json:"src"`
	Sizes   string `json:"sizes"`
	Type    string `json:"type"`
	Purpose string `json:"purpose,omitempty"`
}

// Manifest makes the pages installable: what a browser reads at
// manifest.webmanifest. base is the prefix of a proxy, "" or "/x"; an unknown
// language is English. Its media type is application/manifest+json.
func Manifest(base, lang string) []byte {
	p := i18n.In(lang)
	icons := Base(base) + "/icons/"
	body, _ := json.Marshal(manifest{ // strings only: it can always be written
		ID: base + "/", Name: p.Say("push.app.name"), ShortName: p.Say("push.app.name"), Description: p.Say("push.app.description"),
		Lang: p.Language(), Start: base + "/", Scope: base + "/", Display: "standalone", Background: "#f7f8f6", Theme: "#f7f8f6",
		Categories: []string{"productivity", "utilities"},
		Icons: []manifestIcon{
			{Source: icons + "icon-192.png", Sizes: "192x192", Type: "image/png"},
			{Source: icons + "icon-512.png", Sizes: "512x512", Type: "image/png"},
			{Source: icons + "icon-512.png", Sizes: "512x512", Type: "image/png", Purpose: "maskable"}, // it may be cut to a circle
			{Source: icons + "mark.svg", Sizes: "any", Type: "image/svg+xml"},
		},
	})
	return body
}
