package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"toban/detect/exporter"
)

// The file of docs/exporter.md is one that the exporter takes.
func TestTheFileOfTheDocumentationIsTaken(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../docs/exporter.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(page), "```yaml\n")
	text, _, _ = strings.Cut(text, "```")
	dir := t.TempDir()
	for name, content := range map[string]string{"exporter.yml": text, "blackbox.yml": "modules: { http_2xx: { prober: http } }\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c, problems := exporter.Load(filepath.Join(dir, "exporter.yml"), "", nil, func(string) string { return "" })
	if c == nil || len(problems) > 0 || len(c.Targets) != 5 || len(c.Allow) != 1 {
		t.Errorf("got %+v, %v; want five targets and a network", c, problems)
	}
}
