// Package docs hands the program the pages of this folder that it shows itself,
// so that a link in an error leads to the words of the same version.
package docs

import _ "embed"

// errors is docs/errors.md.
//
//go:embed errors.md
var errors string

// Errors is the page of all error codes, as Markdown.
func Errors() string { return errors }
