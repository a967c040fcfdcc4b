package config

import (
	"embed"
	"io/fs"
	"path"
)

//go:embed example
var examples embed.FS

// Example returns the folder that `toban init` writes: file names and contents,
// commented in the language ("ja", anything else is "en"). It has no problems
// and runs without an account anywhere.
func Example(lang string) map[string][]byte {
	if lang != "ja" {
		lang = "en"
	}
	dir := path.Join("example", lang)
	files := map[string][]byte{}
	entries, err := fs.ReadDir(examples, dir)
	if err != nil {
		return files
	}
	for _, e := range entries {
		if body, err := fs.ReadFile(examples, path.Join(dir, e.Name())); err == nil {
			files[e.Name()] = body
		}
	}
	return files
}
