package deploycheck

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestR41_TheRulesAboutTobanAreRules(t *testing.T) {
	t.Parallel()
	said := run(t, tool(t, "promtool"), "check", "rules", filepath.Join(root, "deploy/prometheus/toban-rules.yml"))
	if !strings.Contains(said, "rules found") {
		t.Errorf("got %q, want rules", said)
	}
}
