// Package docs hands the program the pages of this folder that it shows itself,
// so that a link in an error or on a page leads to the words of the same version.
package docs

import (
	"embed"
	"slices"
)

//go:embed errors.md accounts.md agents.md coming-from-cloudwatch.md configuration.md exporter.md glossary.md heartbeats.md install.md
//go:embed integrations.md kubernetes.md mackerel.md metrics.md monitors.md nodes.md own-metrics.md pages.md public-listener.md slack.md upgrade.md
var files embed.FS

// Errors is the page of all error codes, as Markdown.
func Errors() string { return read("errors") }

// Page is a page as Markdown, by its name without .md; ok is false where there is
// none of that name.
func Page(name string) (text string, ok bool) {
	if !slices.Contains(Pages(), name) {
		return "", false
	}
	return read(name), true
}

// Pages are the names of the pages in the order in which they are listed. That of
// the API is drawn otherwise and is not among them, nor is that of the errors.
func Pages() []string {
	return []string{
		"install", "configuration", "accounts", "pages", "monitors", "heartbeats", "agents", "exporter", "metrics", "mackerel", "own-metrics",
		"coming-from-cloudwatch", "integrations", "slack", "public-listener", "nodes", "kubernetes", "upgrade", "glossary",
	}
}

func read(name string) string {
	text, err := files.ReadFile(name + ".md")
	if err != nil { // it is in the program
		panic(err)
	}
	return string(text)
}
