package api

import (
	"maps"

	"github.com/danielgtaylor/huma/v2"

	"toban/access"
)

// Document is the OpenAPI document of an API with these options.
func Document(o Options) *huma.OpenAPI { return New(o).spec }

// Roles is the table of roles.
func Roles() map[string]access.Role { return maps.Clone(roles()) }

// AtOnce is how many requests a token may make at once.
const AtOnce = atOnce

// Final reports whether an answer of that status is kept.
func Final(status int) bool { return final(status) }

// DrawMarkdown is drawMarkdown.
func DrawMarkdown(text string) (title, body string, err error) { return drawMarkdown(text, anchor) }
